"""Where the time of a recorded run goes: seconds and memory per export and per cell, from the journal.

    python benchmarks/costs.py [--work .interop]

Wall-clock seconds of the jobs themselves, of which as many ran at a time as the machine has cores; the start of the
workers and their imports are not in them.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from matrix.catalogue import ROOT
from matrix.records import Journal, Record


def table(title: str, stages: tuple[str, ...], records: dict[str, list[Record]]) -> Table:
    """One row per source or target: jobs, median seconds of each stage, all seconds, memory."""
    made = Table(title=title, title_justify="left")
    made.add_column("name")
    for column in ("jobs", *(f"median {stage} s" for stage in stages), "longest s", "all s", "share", "peak MB"):
        made.add_column(column, justify="right")
    totals = {name: sum(sum(r["seconds"].values()) for r in own) for name, own in records.items()}
    for name, own in sorted(records.items(), key=lambda item: -totals[item[0]]):
        medians = [median([r["seconds"].get(stage, 0.0) for r in own]) for stage in stages]
        longest = max(sum(r["seconds"].values()) for r in own)
        made.add_row(
            name,
            str(len(own)),
            *(f"{m:.4f}" for m in medians),
            f"{longest:.1f}",
            f"{totals[name]:.0f}",
            f"{totals[name] / max(sum(totals.values()), 1e-9):.0%}",
            str(max(r["peak_mb"] for r in own)),
        )
    return made


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=ROOT / ".interop")
    journal = Journal(parser.parse_args().work / "cells.jsonl")
    console = Console(width=140)
    for kind, by, stages in (
        ("export", "source", ("build", "native", "export", "check")),
        ("cell", "target", ("load", "run")),
    ):
        groups: dict[str, list[Record]] = defaultdict(list)
        for record in journal.all(kind):
            if record["seconds"]:
                groups[record[by]].append(record)
        console.print(table(f"{kind}s", stages, groups))


if __name__ == "__main__":
    main()
