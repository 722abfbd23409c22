"""What the pages share: words for statuses and families, and how a share is shown."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

import polars as pl

from matrix.blame import RIGHT
from matrix.dataset import Matrix, marked
from matrix.names import age, tool_of

#: What the statuses mean, for the reader.
MEANINGS = {
    "PASS": "right within rounding",
    "IMPRECISE": "inside the tolerance, but far beyond rounding; counts as right",
    "WRONG": "another shape, dtype, NaN pattern or other values, and the runtime said nothing",
    "UNSUPPORTED": "the tool said clearly that it cannot",
    "ERROR": "any other exception",
    "CRASH": "the process died",
    "TIMEOUT": "it took too long",
    "MEMORY": "it took too much memory",
    "FLAKY": "it ended otherwise when it was repeated",
    "NOT_EXPORTED": "there is no file to run: the exporter failed; in no denominator",
    "NOT_RUN": "our own trouble; in no denominator",
}
#: What is in no denominator.
OUTSIDE = ("NOT_EXPORTED", "NOT_RUN")
#: Groups of models, as they are chosen on the pages.
GROUPS = {
    "conv": "Conv nets",
    "recurrent": "Recurrent nets",
    "attention": "Attention",
    "others": "Other nets",
    "layers": "Layers",
    "operators": "Operators",
    "zoo": "Zoo",
    "classical": "Classical",
}
_OF_ARCHITECTURES = {
    "convnet": "conv", "mobile": "conv", "image-to-image": "conv", "temporal": "conv",
    "recurrent": "recurrent", "transformer": "attention",
}  # fmt: skip
#: Lower ends of the steps of a share's shade, in parts of all: none, some, …, all. Each is --share-N of style.css.
STEPS = (0.0, 1e-9, 0.25, 0.5, 0.75, 0.9, 1.0)


def group_of(model: Mapping[str, Any]) -> str:
    """The group (a key of GROUPS) of an entry of about["models"]."""
    if model["kind"] == "layer":
        return "layers"
    own = model["family"] if model["kind"] == "own" else _OF_ARCHITECTURES.get(model["family"], "")
    return own if own in GROUPS else "others"


def groups_of(matrix_about: Mapping[str, Any]) -> dict[str, str]:
    """The groups that a matrix has, in their order, with their names."""
    there = {group_of(model) for model in matrix_about["models"]}
    return {key: name for key, name in GROUPS.items() if key in there}


def in_order(matrix: Matrix, end: str) -> list[dict[str, Any]]:
    """Sources or targets, each with its place in the data; those of a framework or runtime beside each other."""
    by = {"source": "framework", "target": "runtime"}[end]
    placed = [{**entry, "place": place} for place, entry in enumerate(marked(matrix, end))]
    return sorted(placed, key=lambda entry: (entry[by].casefold(), tool_of(entry["name"]), age(entry["name"])))


def step(share: float) -> int:
    """The place in STEPS of a share, from 0 to 1."""
    return sum(share >= least for least in STEPS) - 1


def percent(share: float) -> str:
    """A share, from 0 to 1, in percent: 100 is all, 0 is none."""
    return "<1" if 0 < share < 0.01 else str(math.floor(100 * share + 1e-9))


def share(counter: Mapping[str, int]) -> dict[str, Any]:
    """What pages show of counts of statuses: how many came out right of the files that were there to run."""
    run = sum(number for status, number in counter.items() if status not in OUTSIDE)
    right = sum(counter.get(status, 0) for status in RIGHT)
    part = right / run if run else None
    return {
        "right": right,
        "run": run,
        "percent": "" if part is None else percent(part),
        "step": None if part is None else step(part),
    }


def counted(rows: pl.DataFrame, *by: str) -> dict[tuple[str, ...], Counter[str]]:
    """Statuses counted for each combination of these columns, in the order in which they are first met."""
    found: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    for *key, status, number in rows.group_by(*by, "status", maintain_order=True).len().rows():
        found[tuple(key)][status] += number
    return dict(found)
