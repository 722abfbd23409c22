"""The page of accuracy and speed: how exact, how fast, how big each runtime is, on the same files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from matrix.dataset import Matrix
from matrix.site.figures import times
from matrix.speed import speed

TITLE = "Accuracy and speed"


def view(matrix: Matrix) -> dict[str, Any]:
    """What the template shows: the most exact first in one table, the fastest first in the other."""
    found = speed(matrix)
    shared = [row for row in found["targets"] if row["shared"] and row["shared"]["of"]]
    return {
        "reference": found["reference"],
        "exact": exact(found["targets"]),
        "fast": fast(found["targets"]),
        "big": sorted(shared, key=lambda row: (row["size_mb"] or {"mb": 1e9})["mb"]),
        "none": [row for row in found["targets"] if not row["noise"]],
        "times": times,
        "machines": sorted({str(e.get("cpu") or "unknown") for e in matrix.about["environments"].values()}),
    }


def exact(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Targets by how often they are nearer to the truth than the reference, less how often they are farther from it.

    Their noise alone would put first who gets only the easy files right.
    """

    def nearer(row: dict[str, Any]) -> float:
        own = row["shared"]
        return float((own["closer"] - own["farther"]) / own["of"]) if own and own["of"] else -2.0

    return sorted((row for row in rows if row["noise"]), key=nearer, reverse=True)


def fast(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Targets by their time to run, against the reference."""
    timed = [row for row in rows if row["shared"] and row["shared"]["run"] and row["shared"]["load"]]
    return sorted(timed, key=lambda row: row["shared"]["run"][0])


def data(matrix: Matrix, work: Path | None) -> Iterator[tuple[str, Any]]:
    """What the charts draw."""
    found = speed(matrix)
    yield (
        "speed",
        {
            "reference": found["reference"],
            "noise": [{"name": row["name"], "quantiles": row["noise"]["quantiles"]} for row in exact(found["targets"])],
            "times": [
                {"name": row["name"], "stage": stage, "ratios": row["shared"][stage]}
                for row in fast(found["targets"])
                for stage in ("load", "run")
            ],
        },
    )
