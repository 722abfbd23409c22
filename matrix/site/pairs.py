"""What is behind a share: the cells of one source on one target, by model and variant."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import polars as pl

from matrix.dataset import Matrix
from matrix.progress import STATUSES
from matrix.site import columns
from matrix.site.shown import groups_of

TITLE = "Source on target"
#: What a chunk tells of each cell, as columns.
TOLD = (
    *("model", "label", "file_opset", "status", "stage", "blame", "expected", "message", "noise", "max_abs", "max_rel"),
    *("load_seconds", "run_seconds", "seconds", "peak_mb", "spread", "run", "environment", "fence", "device"),
)
#: The order in which a measure of an output is told, as a list.
MEASURED = ("set", "output", "status", "message", "max_abs", "max_rel", "rms", "cosine", "noise", "histogram")


def view(matrix: Matrix) -> dict[str, Any]:
    """The options of the filters."""
    there = set(matrix.cells["status"].unique())
    return {"statuses": {name: name for name in STATUSES if name in there}, "groups": groups_of(matrix.about)}


def data(matrix: Matrix, work: Path | None) -> Iterator[tuple[str, Any]]:
    """pairs/S-T: the cells of a source on a target, which are told by their places in about.js."""
    for place, rows in of_pairs(matrix):
        yield f"pairs/{place}", _chunk(rows)


def of_pairs(matrix: Matrix) -> Iterator[tuple[str, pl.DataFrame]]:
    """The cells of each source on each target, with `label` and `file_opset`; "S-T" are their places in about."""
    place = {kind: {e["name"]: n for n, e in enumerate(matrix.about[f"{kind}s"])} for kind in ("source", "target")}
    opsets = columns.files(matrix).select(*columns.FILE, file_opset="opset")
    # One source at a time: to gather a few rows from all cells costs more than to go through them.
    for source, number in place["source"].items():
        rows = matrix.cells.filter(pl.col("source") == source).with_columns(columns.label())
        own = opsets.filter(pl.col("source") == source)
        told = rows.join(own, on=list(columns.FILE), how="left", maintain_order="left")
        for part in told.partition_by("target", maintain_order=True):
            yield f"{number}-{place['target'][part['target'][0]]}", part


def _chunk(rows: pl.DataFrame) -> dict[str, list[Any]]:
    """The cells in columns; numbers with four digits."""
    chunk = {
        name: [_number(value) for value in values] if rows.schema[name].is_float() else values.to_list()
        for name, values in rows.select(TOLD).to_dict().items()
    }
    return {**chunk, "measures": [_measures(own) for own in rows["measures"].to_list()]}


def _measures(measures: Iterable[dict[str, Any]] | None) -> list[list[Any]] | None:
    return None if measures is None else [[_number(measure[name]) for name in MEASURED] for measure in measures]


def _number(value: Any) -> Any:
    """A number as JSON has it, with four digits; anything else as it is."""
    if not isinstance(value, float):
        return value
    return float(f"{value:.4g}") if math.isfinite(value) else None
