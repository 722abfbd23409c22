"""The history of sources and targets: how many came out right in each version, and in each run, and which cells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any

import polars as pl

from matrix.blame import RIGHT
from matrix.dataset import Matrix, marked
from matrix.names import age, tool, version_of
from matrix.progress import STATUSES
from matrix.scores import link
from matrix.site.columns import coded, label
from matrix.site.shown import OUTSIDE, share
from matrix.workshop import safe_name

TITLE = "Versions"
ENDS = ("source", "target")
#: What names a row of a history, beside the tool whose history it is.
_ROW = ("other", "model", "label")
_STATUS = pl.Enum(STATUSES)


@dataclass(frozen=True)
class Point:
    """One version of a tool in one run: a column of its history."""

    name: str
    """With the environment."""
    run: int
    """The place among the matrices, the oldest first; the last is the one that is published."""


@dataclass(frozen=True)
class History:
    """What became of the cells of a tool, point by point."""

    end: str
    tool: str
    points: list[Point]
    rows: pl.DataFrame
    """_ROW, and a status for each point, named by its place, null where there is none. `other` is the other end of the
    cell; "" is the export itself."""

    @property
    def file(self) -> str:
        """The data script of its cells."""
        return f"versions/{self.end}-{safe_name(self.tool)}"


def wanted(matrix: Matrix) -> bool:
    """Whether there is any history: several versions of a tool, or several runs."""
    return bool(matrix.history) or any(len(own) > 1 for end in ENDS for own in _points([matrix], end).values())


def view(matrix: Matrix) -> dict[str, Any]:
    """What the template shows before any script runs."""
    runs = [
        {"run": m.about["run"], "generated": m.about["generated"], "suite": m.about["suite"]} for m in _runs(matrix)
    ]
    tools: dict[str, list[dict[str, Any]]] = {end: [] for end in ENDS}
    usual = {end: {entry["name"] for entry in marked(matrix, end) if entry["usual"]} for end in ENDS}
    for history in _histories(matrix):
        tools[history.end].append(_summary(history, usual[history.end], len(matrix.history)))
    return {"tools": tools, "runs": runs, "several": len(runs) > 1}


def data(matrix: Matrix, work: Path | None) -> Iterator[tuple[str, Any]]:
    """The data scripts of the page, by name: the cells of each tool, which are loaded when they are asked for."""
    for history in _histories(matrix):
        names = {name: history.rows[name].unique().sort().to_list() for name in _ROW}
        statuses = [history.rows[column].fill_null("") for column in _columns(history)]
        yield (
            history.file,
            {
                "end": history.end,
                "points": [
                    {
                        "name": p.name,
                        "version": version_of(p.name),
                        "run": p.run,
                        "latest": p.run == len(matrix.history),
                    }
                    for p in history.points
                ],
                "statuses": list(STATUSES),
                "names": names,
                "rows": {name: coded(history.rows[name], names[name]) for name in _ROW},
                "of": [coded(own, [*STATUSES, ""]) for own in statuses],
            },
        )


def _runs(matrix: Matrix) -> list[Matrix]:
    return [*matrix.history, matrix]


def _points(runs: list[Matrix], end: str) -> dict[str, list[Point]]:
    """The points of each tool: run by run, in each by version."""
    found: dict[str, list[Point]] = {}
    for place, run in enumerate(runs):
        for name in sorted((entry["name"] for entry in run.about[f"{end}s"]), key=age):
            found.setdefault(name.partition("@")[0], []).append(Point(name, place))
    return found


def _histories(matrix: Matrix) -> Iterator[History]:
    """The history of each tool that has one."""
    runs = _runs(matrix)
    rows = [_rows(run) for run in runs]
    for end in ENDS:
        there = [part.with_columns(tool(end).alias("tool")) for part in rows]
        for name, points in sorted(_points(runs, end).items()):
            if len(points) > 1:
                yield History(end, name, points, _wide(end, name, points, there))


def _rows(matrix: Matrix) -> pl.DataFrame:
    """Cells, and exports as cells without a target: source, target, model, label, status."""
    columns = ("source", "target", "model", "label", "status")
    parts = [
        matrix.exports.with_columns(label(), target=pl.lit("")).select(columns),
        matrix.cells.with_columns(label()).select(columns),
    ]
    return pl.concat(parts).with_columns(pl.col("status").cast(_STATUS, strict=False))


def _wide(end: str, name: str, points: list[Point], runs: list[pl.DataFrame]) -> pl.DataFrame:
    """The rows of a tool's history."""
    other = "target" if end == "source" else "source"
    parts = []
    for place, point in enumerate(points):
        own = runs[point.run].filter((pl.col("tool") == name) & (pl.col(end) == point.name))
        status = pl.col("status").cast(pl.String).alias(str(place))
        parts.append(own.select(pl.col(other).alias("other"), "model", "label", status).unique(_ROW, keep="last"))
    wide = reduce(lambda a, b: a.join(b, on=_ROW, how="full", coalesce=True), parts)
    return wide.sort(_ROW)


def _columns(history: History) -> list[str]:
    return [str(place) for place in range(len(history.points))]


def _summary(history: History, usual: set[str], last: int) -> dict[str, Any]:
    """The counts of a tool at each point: of what is in a denominator at all points, and of all that it has there.

    usual: names of versions that the other pages are about; last: the run that they are of.
    """
    columns = _columns(history)
    cells = history.rows.filter(pl.col("other") != "")
    exports = history.rows.filter(pl.col("other") == "")
    common, common_exports = (
        rows.filter(pl.all_horizontal(pl.col(columns).is_in(OUTSIDE).fill_null(True).not_()))
        for rows in (cells, exports)
    )
    # What was not run is absent here: our own trouble is no news about a tool.
    told = [pl.when(pl.col(column) != "NOT_RUN").then(pl.col(column).is_in(RIGHT)) for column in columns]
    changed = history.rows.filter(pl.any_horizontal(told) & ~pl.all_horizontal(*(it.fill_null(True) for it in told)))
    return {
        "tool": history.tool,
        "file": history.file,
        "changed": changed.height,
        "points": [
            {
                "name": point.name,
                "version": version_of(point.name) or "host",
                "run": point.run,
                "link": link(**{history.end: point.name}) if point.run == last else "",
                "usual": point.name in usual,
                "cells": share(_counts(cells[column])),
                "exports": share(_counts(exports[column])),
                "common": share(_counts(common[column])),
                "common_exports": share(_counts(common_exports[column])),
            }
            for point, column in zip(history.points, columns, strict=True)
        ],
    }


def _counts(statuses: pl.Series) -> dict[str, int]:
    return {status: number for status, number in statuses.value_counts().rows() if status is not None}
