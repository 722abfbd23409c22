"""Several runs in one process, over one work folder, must leave nothing behind, whatever their cells do.

    python tests/stress/soak.py [--runs 3] [--models relu,linear,softmax,conv2d] [--short]

Every run does everything again: cells that are right, that crash, hang, and leave processes behind, some of them in
sessions of their own. After each one is counted: processes, zombies, open descriptors, threads, and files in the
temporary folder, in /dev/shm and in the work folder. Exit code 1 when a run leaves more than the first one found, or
other files than the first one left.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import psutil

sys.path.append(str(Path(__file__).parents[1] / "matrix"))

from fakery import CANONICAL, ONNXRUNTIME, REFERENCE, fake_target
from leftovers import files_of, living, passing_files, told
from rich.console import Console
from rich.table import Table

from matrix.environments import HOST
from matrix.plan import Cell, Export, Plan
from matrix.process import Limits
from matrix.run import Run
from matrix.watcher import Silence
from matrix.workshop import Workshop
from models.catalogue import all_models

FATES = ("off", "raising", "crashing", "hanging", "leaving", "leaving+session")
STATUSES = {"PASS", "WRONG", "ERROR", "CRASH", "TIMEOUT"}
LIMITS = Limits(seconds=1.0, memory_mb=2000)


@dataclass(frozen=True)
class State:
    """What there is in this process and around it."""

    descriptors: int
    threads: int
    zombies: int
    processes: tuple[str, ...]
    left: tuple[str, ...]
    files: frozenset[str]

    @classmethod
    def now(cls, work: Path) -> State:
        """As it stands now."""
        own, label = psutil.Process(), Workshop(work).scratch.name
        children = own.children(recursive=True)
        zombies = sum(child.status() == psutil.STATUS_ZOMBIE for child in children)
        left = [str(p) for p in Path(tempfile.gettempdir()).iterdir() if label.removesuffix("-scratch") in p.name]
        processes = sorted({*told(living(label)), *told(children)})
        return cls(
            own.num_fds(),
            threading.active_count(),
            zombies,
            tuple(processes),
            tuple(sorted({*left, *passing_files(work)})),
            frozenset(files_of(work)),
        )

    def troubles(self, before: State, first: State) -> list[str]:
        """In words, what is more than there was before any run, and which files are not those of the first run."""
        found = [f"left behind: {path}" for path in self.left]
        found += [f"a process: {line}" for line in self.processes if line not in before.processes]
        found += [f"{self.zombies} zombies"] if self.zombies else []
        for what, count, allowed in (
            ("open descriptors", self.descriptors, before.descriptors),
            ("threads", self.threads, before.threads),
        ):
            found += [f"{count} {what}, {allowed} before"] if count > allowed else []
        return found + [f"file of one run alone: {name}" for name in sorted(self.files ^ first.files)]


def plan_of(models: list[str]) -> Plan:
    """These models, as our own exporter writes them, on real runtimes and on all fakes."""
    exports = [Export(CANONICAL, HOST, all_models()[model], "static") for model in models]
    targets = [ONNXRUNTIME, REFERENCE, *map(fake_target, FATES)]
    return Plan(exports, [Cell(export, target, HOST) for export in exports for target in targets])


def carried_out(plan: Plan, work: Path) -> Counter[str]:
    """Run everything again; how many cells ended in which status."""
    with Workshop.alone(work) as workshop:
        Run(plan, workshop, LIMITS, workers=2, refresh=True).carry_out()
        records = [workshop.journal.get("cell", cell.key) for cell in plan.cells]
    return Counter(record["status"] for record in records if record)


def main() -> int:
    """Run, count, tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--models", default="relu,linear,softmax,conv2d")
    parser.add_argument("--short", action="store_true", help="two runs of one model")
    options = parser.parse_args()
    runs, models = (2, ["relu"]) if options.short else (options.runs, options.models.split(","))
    plan, console = plan_of(models), Console(width=120)
    table = Table("run", title="After each run", title_justify="left")
    for column in ("s", "descriptors", "threads", "zombies", "processes", "left", "files", "cells"):
        table.add_column(column, justify="left" if column == "cells" else "right")
    troubles, states = [], []
    with tempfile.TemporaryDirectory(prefix="soak-") as place:
        work = Path(place) / "work"
        with Workshop.alone(work) as workshop:  # with the models Python starts a process that stays
            workshop.models([(name, "float32") for name in models], False, 2, Silence())
        for number in range(runs + 1):
            begun = time.monotonic()
            statuses = carried_out(plan, work) if number else Counter[str]()
            states.append(state := State.now(work))
            seconds = time.monotonic() - begun
            counts = (state.descriptors, state.threads, state.zombies, len(state.processes), len(state.left))
            cells = ", ".join(f"{status} {n}" for status, n in sorted(statuses.items()))
            table.add_row(str(number), f"{seconds:.1f}", *map(str, counts), str(len(state.files)), cells)
            if number:
                troubles += [f"run {number}: {text}" for text in state.troubles(states[0], states[1])]
                if set(statuses) != STATUSES or sum(statuses.values()) != len(plan.cells):
                    troubles.append(f"run {number}: the cells ended as {dict(statuses)}")
    console.print(table)
    console.print("\n".join(troubles) or f"{runs} runs left nothing behind", markup=False)
    return int(bool(troubles))


if __name__ == "__main__":
    sys.exit(main())
