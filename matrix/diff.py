"""Differences between two published matrices: what broke, what was mended, what has other numbers or another speed.

Two exports, or cells, are compared when they have the same key; across versions, when they have the same key but for
the environments. What was not run (our own trouble) is taken as absent: it is no news about a tool.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from matrix.blame import RIGHT
from matrix.dataset import Matrix, read, write_whole
from matrix.errors import UserError, unknown
from matrix.expect import cell_key
from matrix.names import age, tool, tool_of
from matrix.plan import export_key

SCHEMA = 1
KINDS = {
    "broken": "newly broken",
    "fixed": "newly fixed",
    "otherwise": "fails otherwise",
    "number": "changed number",
    "speed": "changed speed",
    "new": "new",
    "gone": "gone",
}
"""What a change may be, and its name for a person. "otherwise": it failed before, and fails with another status now."""
#: What names a cell; an export has "" for its target.
KEY = ("source", "model", "variant", "opset", "full", "target")
_TOLD = {
    "status": pl.String, "stage": pl.String, "blame": pl.String, "message": pl.String, "noise": pl.Float64,
    "max_abs": pl.Float64, "load_seconds": pl.Float64, "run_seconds": pl.Float64, "seconds": pl.Float64,
    "run": pl.String,
}  # fmt: skip
_BATCH = 20_000


@dataclass(frozen=True)
class Thresholds:
    """From where on a difference of numbers counts."""

    number: float = 10.0
    """Factor between two noises, or two errors. A noise below 1 is as good as 1: it is the framework's own rounding."""
    speed: float = 3.0
    """Factor between two times to load, or to run."""
    milliseconds: float = 100.0
    """And at least so much between them."""


@dataclass(frozen=True)
class Differences:
    """What changed from one matrix to another."""

    before: dict[str, Any]
    """The `about` of the first matrix."""
    after: dict[str, Any]
    changes: pl.DataFrame
    """A row for each change: kind, KEY (as it is now, or was if it is gone), source_before and target_before where
    they differ from it, everything of _TOLD as NAME_before and NAME_after, `factor` (after / before) and, of a changed
    speed, `slower` ("load", "run" or "export")."""
    compared: int
    """Exports and cells that both have."""
    across_versions: bool = False
    thresholds: Thresholds = field(default_factory=Thresholds)

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """{kind: {"exports": n, "cells": n}}, all kinds in their order."""
        found = {kind: {"exports": 0, "cells": 0} for kind in KINDS}
        grouped = self.changes.group_by("kind", (pl.col("target") == "").alias("export")).len()
        for kind, export, number in grouped.rows():
            found[kind]["exports" if export else "cells"] = number
        return found

    def of_kind(self, kind: str) -> pl.DataFrame:
        """The changes of one kind."""
        return self.changes.filter(pl.col("kind") == kind)

    @property
    def has_broken(self) -> bool:
        """Whether anything is newly broken."""
        return not self.of_kind("broken").is_empty()

    @property
    def machines(self) -> list[str]:
        """The processors that took part, where they are not the same before and after: times compare badly then."""
        cpus = [
            {e["cpu"] for e in about["environments"].values() if e.get("cpu")} for about in (self.before, self.after)
        ]
        return sorted(cpus[0] | cpus[1]) if cpus[0] != cpus[1] else []


def differences(
    before: Matrix, after: Matrix, across_versions: bool = False, thresholds: Thresholds | None = None
) -> Differences:
    """What changed from one matrix to the other. Raises UserError where nothing can be compared."""
    limits = thresholds or Thresholds()
    found, compared = [], 0
    for frames in _parts(before, after):
        both = _joined(*(_side(frame, across_versions) for frame in frames))
        compared += both.filter(pl.col("status_before").is_not_null() & pl.col("status_after").is_not_null()).height
        found.append(_changes(both, limits))
    order = pl.col("kind").replace_strict(list(KINDS), range(len(KINDS)), return_dtype=pl.Int8)
    changes = pl.concat(found).sort(order, pl.col("target") != "", "target", "source", "model", "variant", "opset")
    return Differences(before.about, after.about, changes, compared, across_versions, limits)


def _parts(before: Matrix, after: Matrix) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """What is compared at a time: the exports; then the cells, target by target: a million at once take gigabytes."""
    yield before.exports, after.exports
    tools: dict[str, list[str]] = defaultdict(list)
    for name in pl.concat([m.cells["target"].unique() for m in (before, after)]).unique().sort().to_list():
        tools[tool_of(name)].append(name)
    for names in tools.values():
        mine = pl.col("target").is_in(names)
        yield before.cells.filter(mine), after.cells.filter(mine)


def _side(frame: pl.DataFrame, across_versions: bool) -> pl.DataFrame:
    """One matrix's rows with a key each: KEY, own_source and own_target, and _TOLD as far as there are such columns."""
    there = frame.filter(pl.col("status") != "NOT_RUN")
    target = pl.col("target") if "target" in frame.columns else pl.lit("").alias("target")
    told = [pl.col(n) if n in frame.columns else pl.lit(None, t).alias(n) for n, t in _TOLD.items()]
    own = [pl.col(end).alias(f"own_{end}") for end in ("source", "target")]
    rows = there.select(*KEY[:-1], target, *told).with_columns(*own)
    if across_versions:
        # Where a matrix has several versions of a tool, the newest counts.
        ages = [_ages(rows[end]).alias(f"age_{end}") for end in ("source", "target")]
        rows = rows.with_columns(*ages).sort("age_source", "age_target", maintain_order=True)
        rows = rows.drop("age_source", "age_target").with_columns(tool("source"), tool("target"))
    return rows.unique(KEY, keep="last", maintain_order=True)


def _ages(names: pl.Series) -> pl.Series:
    """A number for each name, by its version."""
    known = sorted(names.unique().to_list(), key=age)
    return names.replace_strict(known, range(len(known)), return_dtype=pl.Int32)


def _joined(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """The rows of both: those of one key in one row, NAME_before and NAME_after."""
    sides = [
        side.rename({name: f"{name}_{which}" for name in (*_TOLD, "own_source", "own_target")})
        for side, which in ((before, "before"), (after, "after"))
    ]
    both = sides[0].join(sides[1], on=KEY, how="full", coalesce=True, nulls_equal=True, maintain_order="right_left")
    now = [pl.coalesce(f"own_{end}_after", f"own_{end}_before").alias(end) for end in ("source", "target")]
    return both.with_columns(
        *now,
        *(
            pl.when(pl.col(f"own_{end}_before") != pl.col(f"own_{end}_after"))
            .then(f"own_{end}_before")
            .alias(f"{end}_before")
            for end in ("source", "target")
        ),
    ).drop("^own_.*$")


def _changes(both: pl.DataFrame, limits: Thresholds) -> pl.DataFrame:
    """The rows that changed, with what changed."""
    was, now = (pl.col(f"status_{which}") for which in ("before", "after"))
    was_right, is_right = was.is_in(RIGHT), now.is_in(RIGHT)
    by_noise = _ratio("noise", 1.0)
    by_error = pl.when(pl.max_horizontal("noise_before", "noise_after") > 1).then(_ratio("max_abs", 0.0))
    factor = pl.when(_beyond(by_noise, limits.number)).then(by_noise).otherwise(by_error)
    kind = (
        pl.when(was.is_null())
        .then(pl.lit("new"))
        .when(now.is_null())
        .then(pl.lit("gone"))
        .when(was_right & ~is_right)
        .then(pl.lit("broken"))
        .when(~was_right & is_right)
        .then(pl.lit("fixed"))
        .when(~is_right & (was != now))
        .then(pl.lit("otherwise"))
        .when(is_right & ((was != now) | _beyond(factor, limits.number)))
        .then(pl.lit("number"))
    )
    rows = both.with_columns(kind=kind).with_columns(
        factor=pl.when(pl.col("kind") == "number").then(factor), slower=pl.lit(None, pl.String)
    )
    speed = both.filter(was_right & is_right).with_columns(kind=pl.lit("speed"), **_slower(limits))
    speed = speed.filter(pl.col("slower").is_not_null())
    told = [f"{name}_{which}" for name in ("source", "target", *_TOLD) for which in ("before", "after")]
    columns = ["kind", *KEY, *(name for name in told if name in rows.columns), "factor", "slower"]
    return pl.concat([rows.filter(pl.col("kind").is_not_null()).select(columns), speed.select(columns)])


def _ratio(name: str, least: float) -> pl.Expr:
    """After / before of a column, each being at least so much; null where one is missing or nothing."""
    was, now = (pl.col(f"{name}_{which}").clip(lower_bound=least) for which in ("before", "after"))
    return pl.when((was > 0) & (now > 0)).then(now / was)


def _beyond(ratio: pl.Expr, factor: float) -> pl.Expr:
    return ((ratio > factor) | (ratio < 1 / factor)).fill_null(False)


def _slower(limits: Thresholds) -> dict[str, pl.Expr]:
    """`slower`, the stage whose time changed more (null: none did enough), and `factor`."""
    stages = {"load": "load_seconds", "run": "run_seconds", "export": "seconds"}
    found = {}
    for stage, name in stages.items():
        ratio = _ratio(name, 1e-4)
        apart = (pl.col(f"{name}_after") - pl.col(f"{name}_before")).abs() >= limits.milliseconds / 1000
        exports_only = (pl.col("target") == "") if stage == "export" else pl.lit(True)
        found[stage] = pl.when(_beyond(ratio, limits.speed) & apart & exports_only).then(ratio)
    extents = {stage: pl.max_horizontal(ratio, 1 / ratio) for stage, ratio in found.items()}
    most = pl.max_horizontal(*extents.values())
    chosen = [(stage, found[stage], extent == most) for stage, extent in extents.items()]
    return {
        "factor": pl.coalesce(*(pl.when(it).then(ratio) for _, ratio, it in chosen)),
        "slower": pl.coalesce(*(pl.when(it).then(pl.lit(stage)) for stage, _, it in chosen)),
    }


# -- reading and writing ---------------------------------------------------------------------------------------------


def compared(a: Path, b: Path, across_versions: bool = False, thresholds: Thresholds | None = None) -> Differences:
    """The differences of two published matrices. Raises UserError where there is none, or nothing in common."""
    before, after = (read(_there(place), measures=False) for place in (a, b))
    found = differences(before, after, across_versions, thresholds)
    if not found.compared:
        names = [{tool_of(t["name"]) for t in m.about["targets"]} for m in (before, after)]
        hint = "" if across_versions or not names[0] & names[1] else ": of other versions? add --across-versions"
        raise UserError(f"{a} and {b} have no export and no cell in common{hint}")
    return found


def _there(place: Path) -> Path:
    """The place of a matrix, if there is anything. Raises UserError with the near names."""
    if place.exists():
        return place
    beside = place.parent.iterdir() if place.parent.is_dir() else iter(())
    known = [
        str(p) for p in beside if p.suffix == ".json" or (p / "about.json").exists() or (p / "matrix.json").exists()
    ]
    raise unknown(
        "matrix", str(place), known, f"folders of {place.parent}" if known else "make one: onnx-interop publish"
    )


def write_differences(found: Differences, path: Path) -> None:
    """The differences as JSON, whole or not at all. Raises UserError where they cannot be written."""
    try:
        write_whole(path, _json_parts(found))
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}") from None


def _json_parts(found: Differences) -> Iterator[str]:
    sides = {
        name: {key: about[key] for key in ("run", "generated", "suite")}
        for name, about in (("before", found.before), ("after", found.after))
    }
    told = {
        "schema": SCHEMA, **sides, "across_versions": found.across_versions, "thresholds": asdict(found.thresholds),
        "compared": found.compared, "counts": found.counts,
    }  # fmt: skip
    yield json.dumps(told, indent=1)[:-2] + ',\n "changes":['
    for place, part in enumerate(found.changes.iter_slices(_BATCH)):
        yield ("," if place else "") + part.write_json()[1:-1]
    yield "]}\n"


def key_of(row: dict[str, Any]) -> str:
    """The key of the cell, or of the export, that a change is about."""
    if row["target"]:
        return cell_key(row)
    return export_key(row["source"], row["model"], row["variant"], row["opset"], bool(row["full"]))
