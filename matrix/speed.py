"""How exact, how fast and how big each target is, on the same files (those of the score list that it ran right).

Times are of single runs on a machine that did other things too: they tell a factor of two from one, not ten percent.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import polars as pl

from matrix.blame import RIGHT
from matrix.dataset import Matrix, usual
from matrix.environments import Environment, environments
from matrix.scores import is_judge, link, listed

QUANTILES = (0.25, 0.5, 0.75, 0.95, 1.0)
#: What the others are measured against, where it is there.
REFERENCE = "onnxruntime.all"
_FILE = ("source", "model", "variant")
_NEEDED = (*_FILE, "target", "opset", "full", "status", "noise", "load_seconds", "run_seconds", "peak_mb")
_EQUAL = 0.01
"""Noises that differ by less than this share are equal."""


@lru_cache(maxsize=1)
def speed(matrix: Matrix) -> dict[str, Any]:
    """Every target, in its usual version, with its noise, its times against the reference target on the files of both,
    memory, and size."""
    matrix = usual(matrix)
    right = listed(matrix.cells.filter(pl.col("status").is_in(RIGHT)).select(*_NEEDED))
    reference = reference_target(right)
    noises, shared = noise(right), against(right, reference)
    known = environments()
    sizes = {name: size_mb(known.get(name)) for name in {target["environment"] for target in matrix.about["targets"]}}
    rows = [
        {
            "name": target["name"], "runtime": target["runtime"], "environment": target["environment"],
            "size_mb": sizes[target["environment"]], "noise": noises.get(target["name"]),
            "shared": shared.get(target["name"]), "cells": link(target=target["name"]),
        }
        for target in matrix.about["targets"]
    ]  # fmt: skip
    return {"reference": reference, "targets": rows}


def reference_target(right: pl.DataFrame) -> str:
    """The target that the others are measured against: REFERENCE, else the one that ran most files right."""
    counted = right.filter(~is_judge()).group_by("target").len().sort("len", "target", descending=True)
    names: list[str] = counted["target"].to_list()
    wanted = [name for name in names if name.partition("@")[0] == REFERENCE]
    return next(iter(wanted or names), "")


def noise(right: pl.DataFrame) -> dict[str, dict[str, Any]]:
    """By target: QUANTILES of the noise of its right cells, how many there are, how many of them are IMPRECISE."""
    counted = (
        right.filter(pl.col("noise").is_not_null())
        .group_by("target")
        .agg(
            *[pl.col("noise").quantile(q, "linear").alias(str(q)) for q in QUANTILES],
            of=pl.len(),
            imprecise=(pl.col("status") == "IMPRECISE").sum(),
        )
    )
    return {
        row["target"]: {
            "quantiles": [round(row[str(q)], 4) for q in QUANTILES], "of": row["of"], "imprecise": row["imprecise"],
        }
        for row in counted.to_dicts()
    }  # fmt: skip


def against(right: pl.DataFrame, reference: str) -> dict[str, dict[str, Any]]:
    """By target, over the files that it and the reference ran right: how it compares.

    `of` files; `load` and `run`: geometric mean, lower and upper quartile of the ratios of seconds (2: twice as slow);
    `closer`, `equal`, `farther`: on how many files its noise is less than the reference's, the same, and more; `noise`:
    what 95 % of the files stay below, and `peak_mb`: medians, both its own and the reference's.
    """
    own = ("load_seconds", "run_seconds", "noise", "peak_mb")
    theirs = right.filter(pl.col("target") == reference).select(
        *_FILE, *[pl.col(name).alias(f"{name}_r") for name in own]
    )
    both = right.join(theirs.unique(_FILE, keep="first"), on=_FILE, how="inner")
    difference = pl.col("noise") - pl.col("noise_r")
    same = difference.abs() <= _EQUAL * pl.max_horizontal("noise", "noise_r")
    counted = both.group_by("target").agg(
        *_ratio("load"),
        *_ratio("run"),
        of=pl.len(),
        equal=same.sum(),
        closer=(~same & (difference < 0)).sum(),
        farther=(~same & (difference > 0)).sum(),
        noise=pl.col("noise").quantile(0.95, "linear"),
        noise_r=pl.col("noise_r").quantile(0.95, "linear"),
        peak=pl.col("peak_mb").median(),
        peak_r=pl.col("peak_mb_r").median(),
    )
    return {
        row["target"]: {
            "of": row["of"], **{name: _spread(row, name) for name in ("load", "run")},
            **{name: row[name] for name in ("closer", "equal", "farther")},
            "noise": [None if row[name] is None else round(row[name], 4) for name in ("noise", "noise_r")],
            "peak_mb": [None if row[name] is None else round(row[name]) for name in ("peak", "peak_r")],
        }
        for row in counted.to_dicts()
    }  # fmt: skip


def _ratio(stage: str) -> Iterator[pl.Expr]:
    """Mean and quartiles of the logarithms of a stage's ratios; a time of nought was too short to be measured."""
    own, theirs = pl.col(f"{stage}_seconds"), pl.col(f"{stage}_seconds_r")
    logs = (own / theirs).log().filter((own > 0) & (theirs > 0))
    yield logs.mean().alias(f"{stage}_mean")
    yield logs.quantile(0.25, "linear").alias(f"{stage}_low")
    yield logs.quantile(0.75, "linear").alias(f"{stage}_high")


def _spread(row: dict[str, Any], stage: str) -> list[float] | None:
    """[geometric mean, lower quartile, upper quartile]; None where no time was measured."""
    logs = [row[f"{stage}_{name}"] for name in ("mean", "low", "high")]
    return None if None in logs else [float(f"{math.exp(value):.4g}") for value in logs]


# -- size ------------------------------------------------------------------------------------------------------------


def size_mb(environment: Environment | None) -> dict[str, Any] | None:
    """What an environment takes on disk: as tox.ini has it, else measured where it is installed; None where neither."""
    if environment is None or environment.family == "host":  # the host has the suite's own packages too
        return None
    if environment.size_mb is not None:
        return {"mb": environment.size_mb, "measured": False}
    return {"mb": _on_disk(environment), "measured": True} if environment.installed else None


def _on_disk(environment: Environment) -> int:
    """Megabytes below an environment's folder; a file of several names counts once."""
    seen: dict[tuple[int, int], int] = {}
    folders = [os.fspath(environment.folder)]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                else:
                    told = entry.stat(follow_symlinks=False)
                    seen[told.st_dev, told.st_ino] = told.st_size
    return round(sum(seen.values()) / 1e6)
