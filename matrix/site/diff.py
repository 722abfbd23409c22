"""What changed since a matrix that was published before: grouped, with filters, each change a link to its cell."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from matrix.dataset import Matrix
from matrix.diff import KINDS, Differences, key_of
from matrix.diff_report import details

TITLE = "Differences"
SHOWN = 2000
"""So many changes of each kind are on the page; diff.json has all."""
PLAIN = 100
"""So many of what broke are there for who reads without scripts."""


def wanted(matrix: Matrix) -> bool:
    """Whether there is anything to compare with."""
    return matrix.since is not None


def view(matrix: Matrix) -> dict[str, Any]:
    """What the template shows before any script runs."""
    found = _of(matrix)
    counts = {kind: {**own, "both": own["exports"] + own["cells"]} for kind, own in found.counts.items()}
    return {
        "kinds": KINDS,
        "before": found.before,
        "counts": counts,
        "first": next((kind for kind in KINDS if counts[kind]["both"]), "broken"),
        "compared": found.compared,
        "thresholds": found.thresholds,
        "across_versions": found.across_versions,
        "machines": found.machines,
        "shown_at_most": SHOWN,
        "broken": [_row(row) for row in found.of_kind("broken").head(PLAIN).iter_rows(named=True)],
        "ends": {end: _names(found.changes, end) for end in ("source", "target")},
    }


def data(matrix: Matrix, work: Path | None) -> Iterator[tuple[str, Any]]:
    """The data scripts of the page, by name."""
    found = _of(matrix)
    yield "diff", {kind: [_row(r) for r in found.of_kind(kind).head(SHOWN).iter_rows(named=True)] for kind in KINDS}


def _of(matrix: Matrix) -> Differences:
    if matrix.since is None:
        raise ValueError("there is nothing to compare with")
    return matrix.since


def _names(changes: pl.DataFrame, end: str) -> list[str]:
    return sorted(name for name in changes[end].unique().to_list() if name)


def _row(row: dict[str, Any]) -> dict[str, Any]:
    """A change as the page shows it."""
    return {
        "key": key_of(row),
        "source": row["source"],
        "target": row["target"],
        "model": row["model"],
        "was": row["status_before"] or "",
        "now": row["status_after"] or "",
        "blame": row["blame_after"] or "",
        "told": details(row),
    }
