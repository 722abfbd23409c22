"""Damaged ONNX files through every target that is installed: each must end in one record that says how.

    python tests/stress/mutated_files.py [--files 2000] [--seed 0] [--targets NAMES] [--work FOLDER] [--short]

Real exports are damaged in their bytes and in their fields, and every one of them is given to every target, also what
the check would refuse, except files that name others as their weights. Prints how they ended, by target and by kind of
damage, signals, memory and time. Exit code 1 when a cell ended as NOT_RUN, has no record or more than one, or when
processes or files were left behind. With --work it goes on from what is recorded there, and keeps it.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import re
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from leftovers import living, passing_files, told, valid_lines
from mutations import KINDS, NothingToChangeError, mutated
from rich.console import Console
from rich.table import Table

from matrix.catalogue import SOURCES, Source
from matrix.environments import HOST, environments
from matrix.plan import Cell, Export, Plan, Selection, make_plan
from matrix.process import Limits
from matrix.progress import Bars, summary
from matrix.records import Record
from matrix.run import Run
from matrix.workshop import Workshop

LIMITS = Limits(seconds=20, memory_mb=2000)
LARGEST = 2**20
"""Bytes of a file that is worth damaging: in a larger one nearly everything is weights."""
TARGETS = "onnxruntime.all,openvino.f32,opencv,tvm,reference"
MODELS = (
    *("batch-norm", "concat", "conv-transpose2d", "conv2d-asymmetric-pad", "embedding", "gather", "gru", "lstm"),
    *("layer-norm", "linear", "lstm-bidirectional", "max-pool2d-pad", "multi-head-attention", "one-hot", "pad-reflect"),
    *("reduce-mean", "reshape", "slice-step2", "softmax", "split-uneven", "top-k", "transpose", "upsample-bilinear"),
    *("where", "lstm-classifier", "mlp", "seq2seq-attention", "text-cnn", "transformer-encoder"),
)
FEW_MODELS = ("conv2d", "gather", "lstm", "mlp", "top-k")


def selected(targets: str, frameworks: tuple[str, ...], models: tuple[str, ...]) -> Plan:
    """The exports to be damaged, and the targets, as far as they are installed."""
    families = {environment.family for environment in environments().values() if environment.installed}
    sources = [s.name for s in SOURCES.values() if s.environment in families and s.framework in frameworks]
    return make_plan(Selection(sources, targets.split(","), models), installed_only=True)


@dataclass(frozen=True)
class Case:
    """A damaged file: the export that it would be, the one that it was, and what was done to it."""

    export: Export
    original: Record
    data: bytes
    kind: str
    damage: str

    def record(self, workshop: Workshop) -> None:
        """Put it into the work folder as an export that may be run."""
        digest = hashlib.sha256(self.data).hexdigest()
        if workshop.journal.fresh("export", self.export.key, digest):
            return
        folder = workshop.export_folder(self.export.key, digest)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "model.onnx").write_bytes(self.data)
        for name in ("feeds.arrays", "native.arrays"):
            (folder / name).unlink(missing_ok=True)
            os.link(workshop.folder / self.original["folder"] / name, folder / name)
        kept = {name: self.original[name] for name in self.original if name not in ("schema", "kind", "key", "log")}
        of_it = {"folder": workshop.relative(folder), "fingerprint": digest, "sha256": digest, "status": "PASS"}
        told = {"runnable": True, "damaged": self.original["key"], "damage": self.damage}
        workshop.journal.append("export", self.export.key, {**kept, **of_it, **told})


def cases(plan: Plan, workshop: Workshop, files: int, seed: int) -> Iterator[Case]:
    """So many damaged files; the same ones for the same seed."""
    found = [(e, record) for e in plan.exports if (record := workshop.journal.get("export", e.key))]
    good = [(e, r) for e, r in found if r["status"] == "PASS" and r["bytes"] <= LARGEST]
    originals = {e.key: (workshop.folder / r["folder"] / "model.onnx").read_bytes() for e, r in good}
    for number in range(files):
        chance, case = random.Random(f"{seed}/{number}"), None
        while case is None:
            (export, record), kind = chance.choice(good), chance.choice(KINDS)
            try:
                data, damage = mutated(chance, originals[export.key], kind)
            except NothingToChangeError:
                continue
            # A source of its own for each file, so that each has a key of its own.
            source = Source(f"{number:05}.{kind.replace(' ', '-')}", "damaged", "canonical.py", "canonical", "host", 0)
            case = Case(Export(source, HOST, export.model, export.variant), record, data, kind, damage)
        yield case


@contextmanager
def work_folder(given: Path | None) -> Iterator[Path]:
    """The folder that was given, or one that goes afterwards."""
    if given:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="mutated-files-") as place:
        yield Path(place)


# -- what is told ----------------------------------------------------------------------------------------------------


def kinds_table(kinds: dict[str, str], records: list[Record]) -> Table:
    """Statuses by kind of damage and target."""
    counts: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for record in records:
        counts[kinds[record["key"]]][record["target"]][record["status"]] += 1
    targets = sorted({record["target"] for record in records})
    made = Table("damage", *targets, title="By kind of damage", title_justify="left", show_lines=True)
    for kind, by_target in sorted(counts.items()):
        cells = (", ".join(f"{s} {n}" for s, n in by_target[target].most_common()) for target in targets)
        made.add_row(kind, *cells)
    return made


def limits_table(records: list[Record]) -> Table:
    """What every target used at most, and the ends of its processes."""
    made = Table("target", title="Limits and ends", title_justify="left")
    for column in ("cells", "peak MB", "longest stage s", "tried twice"):
        made.add_column(column, justify="right")
    made.add_column("ends of processes")
    for target in sorted({record["target"] for record in records}):
        own = [record for record in records if record["target"] == target]
        ends = Counter(match[0] for r in own if (match := re.search(r"killed by \w+|exit code \d+", r["message"])))
        longest = max((seconds for r in own for seconds in r["seconds"].values()), default=0.0)
        numbers = (len(own), max(r["peak_mb"] for r in own), f"{longest:.1f}", sum(bool(r["attempts"]) for r in own))
        made.add_row(target, *map(str, numbers), ", ".join(f"{end} ({n})" for end, n in ends.most_common()))
    return made


def faults(cells: list[Cell], records: list[Record], work: Path) -> list[str]:
    """In words, whatever was wrong with the harness."""
    found = [f"{r['key']}: NOT_RUN in {r['stage']}: {r['message']}" for r in records if r["status"] == "NOT_RUN"]
    lines = Counter(line["key"] for line in valid_lines(work / "cells.jsonl") if line["kind"] == "cell")
    found += [f"{cell.key}: {lines[cell.key]} records" for cell in cells if lines[cell.key] != 1]
    found += [f"left behind: {path}" for path in passing_files(work)]
    return found + [f"a process: {line}" for line in told(living(Workshop(work).scratch.name))]


def main() -> int:
    """Damage, run, tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--targets", default=TARGETS)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--short", action="store_true", help="40 files, on the host's own targets")
    options = parser.parse_args()
    if options.short:
        options.files, options.targets = 40, "onnxruntime.all@host,reference"
    frameworks, models = (("ONNX",), FEW_MODELS) if options.short else (("ONNX", "PyTorch"), MODELS)
    plan, console = selected(options.targets, frameworks, models), Console(width=160)
    placed = list(dict.fromkeys((c.target, c.environment) for c in plan.cells if c.environment.installed))
    with work_folder(options.work) as folder, Workshop.alone(folder) as workshop:
        with Bars(console) as bars:
            Run(Plan(plan.exports), workshop, LIMITS, bars).carry_out()
            damaged = list(cases(plan, workshop, options.files, options.seed))
            for case in damaged:
                case.record(workshop)
            exports = [case.export for case in damaged]
            cells = [Cell(export, *place) for export in exports for place in placed]
            run = Run(Plan(exports, cells), workshop, LIMITS, bars)
            with workshop.passing_folders():
                run.prepare()
                run._cells(cells, {}, "cells")
        records = [record for cell in cells if (record := workshop.journal.get("cell", cell.key))]
        kinds = {cell.key: case.kind for case in damaged for cell in cells if cell.export is case.export}
        found = faults(cells, records, folder)
    by_target: dict[str, Counter[str]] = defaultdict(Counter)
    for record in records:
        by_target[record["target"]][record["status"]] += 1
    for table in (summary("Damaged files", "target", by_target), kinds_table(kinds, records), limits_table(records)):
        console.print(table)
    for fault in found[:20]:
        console.print(fault, markup=False, soft_wrap=True)
    console.print(
        f"{options.files} files on {len(placed)} targets, {len(records)} records, {len(found)} errors of the harness"
    )
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
