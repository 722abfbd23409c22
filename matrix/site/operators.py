"""Operators by runtime and opset, counted over the files that have them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import onnx
import polars as pl

from matrix.blame import RIGHT
from matrix.catalogue import SOURCES
from matrix.dataset import Matrix, usual
from matrix.site import columns
from matrix.site.packing import packed
from matrix.site.shown import OUTSIDE, in_order, share

TITLE = "Operators"
#: What a file tells of its operators: nothing, as it is no faithful export; of all of them together; of its only one.
NOTHING, TOGETHER, ALONE = 0, 1, 2
#: Statuses from the worst: what is wrong in silence is worse than what stops.
WORST = ("WRONG", "FLAKY", "CRASH", "MEMORY", "TIMEOUT", "ERROR", "UNSUPPORTED", "IMPRECISE", "PASS", *OUTSIDE)


def view(matrix: Matrix) -> dict[str, Any]:
    """What the template shows before any script runs: the operators' own cases, or the models where there are none."""
    known = known_operators(matrix)
    told = counted(usual(matrix))
    kinds = {kind for _, kind, _ in told}
    targets = in_order(matrix, "target")
    first = ALONE if ALONE in kinds else TOGETHER
    return {
        "targets": targets,
        "first": first,
        "rows": [
            (place, name, [(target, _shown(told.get((name, first, target["name"])))) for target in targets])
            for place, name in enumerate(known)
        ],
        "both": {"alone": ALONE in kinds, "together": TOGETHER in kinds},
        "obstacles": obstacles(matrix.about),
        "runtimes": {t["runtime"]: t["runtime"] for t in targets},
        "opsets": {str(opset): str(opset) for opset in reversed(_opsets(matrix))},
        "precisions": precisions(matrix),
    }


def data(matrix: Matrix, work: Path | None) -> Iterator[tuple[str, Any]]:
    """The script "operators": which of them each file of the script "cells" has; operators.mjs reads it."""
    yield "operators", table(matrix)


def table(matrix: Matrix) -> dict[str, Any]:
    """Operators, and the sets of them that files have.

    names: "Conv", "ai.onnx.ml::Normalizer"; versions: of each, the opsets at which ONNX defined it anew, none where it
    is not ONNX's own; worst: statuses; sets: `ends` and `operators`, places in names, of one set after the other;
    files: in the order of columns.files, `set` and `tells`, that is NOTHING, TOGETHER or ALONE.
    """
    names = known_operators(matrix)
    rows = of_files(matrix)
    sets = rows["operators"].unique(maintain_order=True)
    places = {name: place for place, name in enumerate(names)}
    ends = sets.list.len().cum_sum().to_numpy()
    flat = sets.explode().drop_nulls().replace_strict(places, return_dtype=pl.UInt32).to_numpy()
    which = rows.select("operators").join(
        sets.to_frame().with_row_index("set"), on="operators", how="left", maintain_order="left"
    )
    return {
        "names": names,
        "versions": [versions(name) for name in names],
        "worst": list(WORST),
        "sets": {"ends": packed(ends, "uint32"), "operators": packed(flat, "uint16")},
        "files": {"set": packed(which["set"].to_numpy(), "uint32"), "tells": packed(rows["tells"].to_numpy(), "uint8")},
    }


def known_operators(matrix: Matrix) -> list[str]:
    """The operators of all files, ONNX's own first."""
    names: list[str] = matrix.exports["operators"].explode().drop_nulls().unique().to_list()
    return sorted(names, key=lambda name: ("::" in name, name.casefold(), name))


def of_files(matrix: Matrix) -> pl.DataFrame:
    """The files in the order of columns.files, each with its operators and with what it `tells` of them."""
    exports = matrix.exports.with_columns(columns.label()).unique(columns.FILE, keep="first", maintain_order=True)
    cases = [name for name, source in SOURCES.items() if source.family == "operators"]
    alone = (pl.col("operators").list.len() == 1) & pl.col("source").str.split("@").list.first().is_in(cases)
    tells = (
        pl.when(~pl.col("status").is_in(RIGHT) | pl.col("operators").is_null())
        .then(NOTHING)
        .when(alone)
        .then(ALONE)
        .otherwise(TOGETHER)
    )
    found = exports.select(*columns.FILE, "operators", tells=tells.cast(pl.UInt8))
    return (
        columns.files(matrix)
        .join(found, on=list(columns.FILE), how="left", maintain_order="left")
        .with_columns(pl.col("operators").fill_null([]), pl.col("tells").fill_null(NOTHING))
    )


def counted(matrix: Matrix) -> dict[tuple[str, int, str], Counter[str]]:
    """By operator, ALONE or TOGETHER, and target: cells by status. A target at a time: exploded, cells are tenfold."""
    files = of_files(matrix).filter(pl.col("tells") > NOTHING).with_row_index("file")
    having = files.select("file", "operators", "tells").explode("operators")
    found: dict[tuple[str, int, str], Counter[str]] = defaultdict(Counter)
    for (target,), cells in matrix.cells.select("source", "model", columns.label(), "target", "status").group_by(
        "target"
    ):
        by_file = (
            cells.filter(~pl.col("status").is_in(OUTSIDE))
            .join(files.select("file", *columns.FILE), on=list(columns.FILE))
            .group_by("file", "status")
            .len()
        )
        rows = by_file.join(having, on="file").group_by("operators", "tells", "status").agg(pl.col("len").sum())
        for operator, tells, status, number in rows.rows():
            found[operator, tells, str(target)][status] += number
    return dict(found)


def by_target(matrix: Matrix) -> dict[tuple[str, str], int]:
    """The cells of faithful files of layers and networks, by target and status."""
    cases = [m["name"] for m in matrix.about["models"] if m["kind"] == "own" and m["family"] == "operators"]
    told = (pl.col("tells") > NOTHING) & ~pl.col("model").is_in(cases)
    files = of_files(matrix).filter(told).select(columns.FILE)
    cells = matrix.cells.select("source", "model", columns.label(), "target", "status")
    rows = cells.join(files, on=list(columns.FILE), how="semi").group_by("target", "status").len()
    return {(target, status): number for target, status, number in rows.rows()}


@cache
def versions(name: str) -> list[int]:
    """The opsets at which ONNX defined an operator anew; [] where it is not ONNX's own."""
    return _versions().get(name, [])


@cache
def _versions() -> dict[str, list[int]]:
    found: dict[str, set[int]] = defaultdict(set)
    for schema in onnx.defs.get_all_schemas_with_history():
        found[f"{schema.domain}::{schema.name}" if schema.domain else schema.name].add(schema.since_version)
    return {name: sorted(numbers) for name, numbers in found.items()}


def worst(counter: Counter[str]) -> str:
    """The worst of the statuses that were met."""
    return next(status for status in WORST if counter[status])


def obstacles(about: dict[str, Any]) -> dict[str, str]:
    """By target whose canary failed: why there are no numbers of it."""
    return {
        name: canary["message"] or f"the canary ended as {canary['status']}"
        for name, canary in about["canaries"].items()
        if canary["status"] not in RIGHT
    }


def _shown(counter: Counter[str] | None) -> dict[str, Any] | None:
    return None if counter is None else {**share(counter), "worst": worst(counter)}


def _opsets(matrix: Matrix) -> list[int]:
    return [opset for opset in columns.files(matrix)["opset"].drop_nulls().unique().sort().to_list() if opset]


def precisions(matrix: Matrix) -> dict[str, str]:
    """The precisions that files have, as options of a filter."""
    labels = columns.files(matrix).select("label", "variant").unique().rows()
    found = {columns.labelled(*label)["precision"] for label in labels}
    return {name: name for name in sorted(found)}
