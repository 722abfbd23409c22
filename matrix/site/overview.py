"""The first page: sources × targets, by family, with filters."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import polars as pl

from matrix.blame import RIGHT
from matrix.dataset import Matrix, usual
from matrix.progress import STATUSES
from matrix.site import columns
from matrix.site.shown import MEANINGS, counted, groups_of, in_order, share

TITLE = "Overview"


def view(matrix: Matrix) -> dict[str, Any]:
    """What the template shows before any script runs."""
    about, cells, shown = matrix.about, matrix.cells, usual(matrix).cells
    pairs, none = counted(cells, "source", "target"), Counter[str]()
    exported = {source: _made(counter) for (source,), counter in counted(matrix.exports, "source").items()}
    sources, targets = in_order(matrix, "source"), in_order(matrix, "target")
    counts = Counter(dict(shown.group_by("status").len().rows()))
    by_target = counted(shown, "target")
    there = set(cells["status"])
    return {
        "counts": {"exports": matrix.exports.height, "cells": cells.height},
        "statuses": [(name, counts[name], MEANINGS[name]) for name in STATUSES if name in there],
        "sources": sources,
        "targets": targets,
        "heat": {
            s["name"]: {t["name"]: _of_pair(pairs.get((s["name"], t["name"]), none)) for t in targets} for s in sources
        },
        "by_source": {s["name"]: exported.get(s["name"], share(none)) for s in sources},
        "by_target": {t["name"]: share(by_target.get((t["name"],), none)) for t in about["targets"]},
        "obstacles": _obstacles(about),
        "not_run": _not_run(cells),
        "varying": _varying(cells),
        "groups": groups_of(about),
        "choices": _choices(matrix),
    }


def data(matrix: Matrix, work: Path | None) -> Iterator[tuple[str, Any]]:
    """The data scripts of the page, by name."""
    yield from columns.data(matrix)


def _made(counter: Counter[str]) -> dict[str, Any]:
    """The share of files that were exported as they should be; an export that we failed to run does not count."""
    return share(counter - Counter(NOT_RUN=counter["NOT_RUN"]))


def _of_pair(counter: Counter[str]) -> dict[str, Any]:
    """The share of a source on a target, and whether there are cells at all."""
    return {**share(counter), "there": counter.total() > 0}


def _obstacles(about: dict[str, Any]) -> dict[str, str]:
    """By target whose canary failed: why there are no numbers of it."""
    return {
        name: canary["message"] or f"the canary ended as {canary['status']}"
        for name, canary in about["canaries"].items()
        if canary["status"] not in RIGHT
    }


def _not_run(cells: pl.DataFrame) -> dict[str, list[tuple[str, int]]]:
    """By target that was not run, or not everywhere: our reasons, and how many cells each has cost."""
    ours = cells.filter(pl.col("status") == "NOT_RUN").group_by("target", "message", maintain_order=True).len()
    reasons: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for target, message, number in ours.sort("len", descending=True, maintain_order=True).rows():
        reasons[target].append((message, number))
    return dict(reasons)


def _varying(cells: pl.DataFrame) -> list[tuple[str, int, float]]:
    """By target that gave other numbers on a repeat: how many cells, and the greatest difference."""
    found = cells.filter(pl.col("spread") > 0).group_by("target", maintain_order=True)
    return found.agg(pl.len(), pl.col("spread").max()).rows()


def _choices(matrix: Matrix) -> dict[str, Any]:
    """The options of each filter, {value: name}."""
    about, rows = matrix.about, columns.files(matrix)
    labels = [columns.labelled(name, variant) for name, variant in rows.select("label", "variant").unique().rows()]

    def each(values: Iterable[Any]) -> dict[Any, str]:
        there = sorted({value for value in values if value not in (None, "")})
        return {value: str(value) for value in there}

    return {
        "framework": each(source["framework"] for source in about["sources"]),
        "from": each(source["environment"] for source in about["sources"]),
        "runtime": each(target["runtime"] for target in about["targets"]),
        "to": each(target["environment"] for target in about["targets"]),
        "opset": each(rows["opset"].unique()),
        "precision": each(label["precision"] for label in labels),
        "blame": each(matrix.cells["blame"].unique()),
    }
