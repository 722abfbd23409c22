"""Help me choose: which runtime for models like these, or for this file."""

from __future__ import annotations

import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from math import sqrt
from pathlib import Path
from typing import Any

import polars as pl

from matrix.blame import RIGHT
from matrix.dataset import Matrix
from matrix.site import columns, operators
from matrix.site.shown import share

TITLE = "Help me choose"
LANGUAGES = ("Python", "C", "C++", "C#", "Java", "JavaScript", "Objective-C", "Rust", "Swift")
PLATFORMS = ("server CPU", "GPU", "browser", "Android", "iOS", "microcontroller")
Z = 1.959964
#: What the times to load are measured against, in its newest version.
USUAL = "onnxruntime.all"


def view(matrix: Matrix) -> dict[str, Any]:
    """What the template shows: the form, and the runtimes by what they made of all files."""
    facts = [facts_of(target["name"]) for target in matrix.about["targets"]]
    return {
        "frameworks": {
            name: name for name in sorted({s["framework"] for s in matrix.about["sources"]}, key=str.casefold)
        },
        "kinds": kinds(matrix),
        "precisions": operators.precisions(matrix),
        "languages": _offered(LANGUAGES, [item for own in facts for item in own.get("languages", ())]),
        "platforms": _offered(PLATFORMS, [item for own in facts for item in own.get("platforms", ())]),
        "licences": {name: name for name in sorted({own["licence"] for own in facts if own})},
        "rows": all_files(matrix),
        "obstacles": operators.obstacles(matrix.about),
        "facts": sorted(
            ((target, own) for target, own in zip(matrix.about["targets"], facts, strict=True) if own),
            key=lambda pair: (pair[0]["runtime"].casefold(), pair[0]["name"]),
        ),
    }


def data(matrix: Matrix, work: Path | None) -> Iterator[tuple[str, Any]]:
    """The script "choose": by target, in the order of about, its facts, and how long it takes to load."""
    times, noises = load_times(matrix), noise(matrix)
    names = [target["name"] for target in matrix.about["targets"]]
    yield (
        "choose",
        {
            "facts": [facts_of(name) or None for name in names],
            "load": [times.get(name) for name in names],
            "noise": [noises.get(name) for name in names],
            "reference": reference(matrix),
        },
    )


def kinds(matrix: Matrix) -> dict[str, dict[str, list[str]]]:
    """The models that one may choose, by kind and family: those that frameworks build or bring along."""
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for model in matrix.about["models"]:
        if not (model["kind"] == "own" and model["family"] == "operators"):
            found[model["kind"]][model["family"]].append(model["name"])
    return {kind: dict(found[kind]) for kind in ("architecture", "layer", "own") if kind in found}


@cache
def runtimes() -> dict[str, dict[str, Any]]:
    """What runtimes.toml says, by name."""
    with Path(__file__).with_name("runtimes.toml").open("rb") as file:
        return tomllib.load(file)


def facts_of(target: str) -> dict[str, Any]:
    """What is known of a target; {} where there is nothing."""
    own = target.partition("@")[0]
    names = [name for name in runtimes() if own == name or own.startswith((f"{name}.", f"{name}+"))]
    return runtimes()[max(names, key=len)] if names else {}


def all_files(matrix: Matrix) -> list[dict[str, Any]]:
    """The targets with their share of all faithful files, the most trustworthy first."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for (name, status), number in operators.by_target(matrix).items():
        found[name][status] += number
    rows = []
    for target in matrix.about["targets"]:
        own = share(found[target["name"]])
        if own["run"]:
            low, high = wilson(own["right"] / own["run"], own["run"])
            rows.append({**target, **own, "low": low, "high": high})
    return sorted(rows, key=lambda row: -row["low"])


def wilson(part: float, number: int) -> tuple[float, float]:
    """The 95 % score interval of a share of `number` trials (E. B. Wilson, 1927)."""
    middle = (part + Z**2 / (2 * number)) / (1 + Z**2 / number)
    reach = Z / (1 + Z**2 / number) * sqrt(part * (1 - part) / number + Z**2 / (4 * number**2))
    return max(0.0, middle - reach), min(1.0, middle + reach)


def reference(matrix: Matrix) -> str:
    """The target that the times to load are measured against; "" where it was not run."""
    names = [t["name"] for t in matrix.about["targets"] if t["name"].partition("@")[0] == USUAL]
    return max(names, default="")


def load_times(matrix: Matrix) -> dict[str, dict[str, float]]:
    """By target: `times` as long as the reference, geometric mean over the `of` files that both ran right."""
    right = matrix.cells.filter(pl.col("status").is_in(RIGHT) & (pl.col("load_seconds") > 0))
    right = right.select(*(name for name in columns.FILE if name != "label"), columns.label(), "target", "load_seconds")
    usual = right.filter(pl.col("target") == reference(matrix)).drop("target").rename({"load_seconds": "usual"})
    both = right.join(usual, on=list(columns.FILE))
    means = both.group_by("target").agg(
        times=(pl.col("load_seconds") / pl.col("usual")).log().mean().exp(), of=pl.len()
    )
    return {name: {"times": float(f"{times:.3g}"), "of": of} for name, times, of in means.rows()}


def noise(matrix: Matrix) -> dict[str, float]:
    """By target: the median noise of what came out right, in units of the native run's own rounding."""
    right = matrix.cells.filter(pl.col("status").is_in(RIGHT) & pl.col("noise").is_finite())
    return {
        name: float(f"{middle:.3g}") for name, middle in right.group_by("target").agg(pl.col("noise").median()).rows()
    }


def _offered(known: tuple[str, ...], offered: list[str]) -> dict[str, str]:
    return {name: name for name in known if name in offered}
