"""The host is killed at random moments of a small real run; what is recorded in the end must not show it.

    python tests/stress/host_kills.py [--kills 100] [--seed 0] [--short]

Each round is a run in a new work folder whose host gets SIGKILL: at a moment drawn from the whole run, or from one of
its phases, in turn. Every process of that run must be gone within 5 seconds. The same command then goes on to the end
(in every fourth round it is killed once more), and its records, its files and its matrix.json must be those of the
undisturbed run. Exit code 1 when one is not.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from leftovers import files_of, passing_files, seconds_until_gone, valid_lines
from rich.console import Console
from rich.table import Table

from matrix.catalogue import ROOT

PHASES = ("models", "exports", "checks", "canaries", "cells", "evidence", "publishing", "end", "start")
PATIENCE = 5.0
SAME = ("status", "stage", "message", "sha256", "measures")
Key = tuple[str, str]


class Site:
    """The folders of one round, and the command that runs there."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.work, self.public, self.temporary = folder, *(folder / n for n in ("work", "public", "tmp"))
        self.temporary.mkdir(parents=True)
        self.phases = folder / "phases"

    def start(self) -> subprocess.Popen[bytes]:
        """Begin the run, or go on with it."""
        self.phases.write_text("")
        driver = Path(__file__).with_name("faked_run.py")
        command: list[str | Path] = [sys.executable, driver, self.phases, "run", "--workers", "2"]
        command += ["--sources", "canonical,fake.*", "--targets", "onnxruntime.all@host,fake.*", "--timeout", "1"]
        command += ["--models", "relu,linear", "--variants", "static", "--work", self.work, "--public", self.public]
        # Its temporary folder is its own, so that all that is left there, and whoever was started by it, is told.
        variables = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(self.temporary)}
        output = (self.folder / "output").open("ab")
        with output:
            return subprocess.Popen(command, cwd=ROOT, env=variables, stdout=output, stderr=subprocess.STDOUT)

    def finish(self) -> list[str]:
        """Run to the end; what was wrong with that."""
        code = self.start().wait(300)
        return [f"the run ended with exit code {code}:\n{(self.folder / 'output').read_text()}"] if code else []

    def phase(self) -> str:
        """The phase in which the last run was, or is."""
        lines = self.phases.read_text().splitlines()
        return lines[-1].split()[1] if lines else "start"


def lasting(matrix: dict[str, Any]) -> dict[str, Any]:
    """What of matrix.json does not depend on when, how fast, and in how many runs it was made."""
    rows = [*matrix["exports"], *matrix["cells"]]
    for run in matrix["runs"].values():
        run.pop("commit")  # somebody may work in this checkout meanwhile
    # Every row must say of which run it is, and what the run was made with must be there.
    made_with = [json.dumps(matrix["runs"].get(row.pop("run")), sort_keys=True) for row in rows]
    for row in rows:
        for name in ("seconds", "load_seconds", "run_seconds", "peak_mb"):
            row.pop(name, None)
    kept = {name: value for name, value in matrix.items() if name not in ("run", "generated", "runs")}
    return {**kept, "made with": sorted(set(made_with))}


@dataclass(frozen=True)
class Finished:
    """What a run to the end has left."""

    records: dict[Key, dict[str, Any]]
    lines: Counter[Key]
    files: set[str]
    matrix: dict[str, Any]

    @classmethod
    def at(cls, site: Site) -> Finished:
        """What lies there."""
        lines = [line for line in valid_lines(site.work / "cells.jsonl") if line["kind"] in ("export", "cell")]
        keys = [(line["kind"], line["key"]) for line in lines]
        records = {key: {name: line.get(name) for name in SAME} for key, line in zip(keys, lines, strict=True)}
        matrix = lasting(json.loads((site.public / "matrix.json").read_text()))
        return cls(records, Counter(keys), files_of(site.work, site.public), matrix)

    def differences(self, other: Finished) -> list[str]:
        """In words, where `other` is not like this one."""
        found = [f"lost: {key}" for key in self.lines - other.lines]
        found += [f"duplicated: {key}" for key in other.lines - self.lines]
        both = self.records.keys() & other.records.keys()
        found += [
            f"{key}: {self.records[key]} became {other.records[key]}"
            for key in sorted(both)
            if self.records[key] != other.records[key]
        ]
        found += [f"file {name}" for name in sorted(self.files ^ other.files)]
        found += [
            f"matrix.json, {name}: {str(self.matrix[name])[:500]} became {str(other.matrix.get(name))[:500]}"
            for name in self.matrix
            if self.matrix[name] != other.matrix.get(name)
        ]
        return found


@dataclass
class Kill:
    """One kill of the host: the phase, how long its workers outlived it, and what was wrong then."""

    phase: str
    seconds: float
    troubles: list[str] = field(default_factory=list)


def killed(site: Site, delay: float) -> Kill | None:
    """Start the run and kill its host after `delay` seconds; None when it ended before that."""
    begun = time.monotonic()
    process = site.start()
    try:
        process.wait(max(0.0, begun + delay - time.monotonic()))
        return None
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
    seconds, left = seconds_until_gone(str(site.folder), PATIENCE)
    return Kill(site.phase(), seconds, [f"outlived its host: {line}" for line in left])


def spans(site: Site, begun: float, seconds: float) -> dict[str, list[tuple[float, float]]]:
    """When each phase was on, in seconds from the beginning of that run."""
    lines = [line.split() for line in site.phases.read_text().splitlines()]
    moments = [(0.0, "start"), *((float(moment) - begun, phase) for moment, phase in lines), (seconds, "")]
    found: dict[str, list[tuple[float, float]]] = {phase: [] for phase in PHASES}
    for (start, phase), (end, _) in itertools.pairwise(moments):
        found[phase].append((start, end))
    return found


def undisturbed(folder: Path) -> tuple[Finished, dict[str, list[tuple[float, float]]], float]:
    """One run in peace: what it leaves, when each phase was on, and its seconds."""
    site, begun = Site(folder), time.monotonic()
    if troubles := site.finish():
        raise SystemExit(troubles[0])
    seconds = time.monotonic() - begun
    return Finished.at(site), spans(site, begun, seconds), seconds


def delays(seed: int, number: int, spans: dict[str, list[tuple[float, float]]], seconds: float) -> tuple[float, float]:
    """When round `number` is killed, and when it would be killed once more."""
    chance = random.Random(f"{seed}/{number}")
    pieces = [(0.0, seconds)] if number % 2 else spans[PHASES[number // 2 % len(PHASES)]]
    [(start, end)] = chance.choices(pieces, [end - start for start, end in pieces])
    return chance.uniform(start, end), chance.uniform(0, seconds)


def disturbed(folder: Path, whole: Finished, first: float, second: float | None) -> list[Kill]:
    """One round: the kills that struck, the last of which bears whatever was wrong in the end."""
    site = Site(folder)
    struck = [kill for delay in (first, second) if delay is not None and (kill := killed(site, delay))]
    if struck:
        troubles = site.finish() or whole.differences(Finished.at(site))
        # Python's own tracker of resources takes a moment to notice that the host has ended.
        troubles += [f"orphan: {line}" for line in seconds_until_gone(str(site.folder), PATIENCE)[1]]
        troubles += [f"left behind: {path}" for path in (*site.temporary.iterdir(), *passing_files(site.work))]
        struck[-1].troubles += troubles
    return struck


def table(kills: list[Kill]) -> Table:
    """One row for each phase."""
    made = Table("phase", title="Kills of the host", title_justify="left")
    for column in ("kills", "median s until its workers were gone", "longest", "faults"):
        made.add_column(column, justify="right")
    for phase in PHASES:
        own = sorted(kill.seconds for kill in kills if kill.phase == phase)
        faults = sum(bool(kill.troubles) for kill in kills if kill.phase == phase)
        middle, longest = (f"{own[len(own) // 2]:.2f}", f"{own[-1]:.2f}") if own else ("", "")
        made.add_row(phase, str(len(own)), middle, longest, str(faults))
    return made


def main() -> int:
    """Kill, go on, compare, tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--short", action="store_true", help="two kills")
    options = parser.parse_args()
    wanted, console = 2 if options.short else options.kills, Console(width=120)
    kills: list[Kill] = []
    with tempfile.TemporaryDirectory(prefix="host-kills-") as place:
        whole, _, _ = undisturbed(Path(place) / "first")
        again, found, seconds = undisturbed(Path(place) / "second")  # nothing is read from the disk any more
        if differences := whole.differences(again):
            raise SystemExit(f"two undisturbed runs differ: {differences}")
        statuses = Counter(record["status"] for record in whole.records.values())
        console.print(f"undisturbed: {seconds:.1f} s, {len(whole.records)} records, {dict(statuses)}", markup=False)
        number = 0
        while len(kills) < wanted:
            first, second = delays(options.seed, number, found, seconds)
            twice = number % 4 == 3 and wanted - len(kills) > 1
            struck = disturbed(Path(place) / str(number), whole, first, second if twice else None)
            for kill in struck:
                for trouble in kill.troubles:
                    console.print(f"round {number}, killed in {kill.phase}: {trouble}", markup=False, soft_wrap=True)
            number, kills = number + 1, kills + struck
    console.print(table(kills))
    sound = sum(not kill.troubles for kill in kills)
    words = [trouble.split(":")[0] for kill in kills for trouble in kill.troubles]
    counts = f"{words.count('lost')} cells lost, {words.count('duplicated')} duplicated"
    console.print(f"{sound} of {len(kills)} resumed runs equal the undisturbed run, {counts}")
    return int(sound < len(kills))


if __name__ == "__main__":
    sys.exit(main())
