"""Making `public/` of a matrix: a static page, and the same for machines (dataset.py, matrix.csv, matrix.md)."""

from __future__ import annotations

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
from jinja2 import Environment as Templates
from jinja2 import PackageLoader, StrictUndefined

from matrix.blame import RIGHT
from matrix.dataset import CELLS, NESTED, Matrix, write, write_json, write_whole
from matrix.errors import UserError
from matrix.progress import STATUSES
from matrix.text import markdown

#: The columns of matrix.csv.
CSV = tuple(name for name in CELLS if name not in NESTED)
FAILURE = ("model", "variant", "source", "target", "status", "stage", "blame", "message")


def publish(matrix: Matrix, folder: Path) -> None:
    """Write every file of the site into `folder`, each whole or not at all. Raises UserError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder} cannot be published in: {error.strerror}; choose another --public") from None
    write(matrix, folder)
    write_json(matrix, folder / "matrix.json")
    write_whole(folder / "matrix.csv", _csv(matrix.cells))
    templates = Templates(
        loader=PackageLoader("matrix"),
        autoescape=lambda name: bool(name and ".html" in name),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters["markdown"] = markdown
    view = _view(matrix)
    for template, name in (("matrix.md.j2", "matrix.md"), ("index.html.j2", "index.html")):
        write_whole(folder / name, templates.get_template(template).generate(**view))


def _csv(cells: pl.DataFrame) -> Iterator[str]:
    """The cells as CSV, a batch at a time."""
    for place, part in enumerate(cells.select(CSV).iter_slices(20_000)):
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        if not place:
            writer.writerow(CSV)
        writer.writerows(map(_no_formula, row) for row in part.iter_rows())
        yield text.getvalue()


def _no_formula(value: Any) -> Any:
    """A text that a spreadsheet would compute is made one that it shows, by an apostrophe in front."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@")) else value


def counts(rows: pl.DataFrame, by: str) -> dict[str, Counter[str]]:
    """Statuses counted for each value of one column, in the order in which they are first met."""
    return {key: counter for (key,), counter in _counted(rows, by).items()}


def _counted(rows: pl.DataFrame, *by: str) -> dict[tuple[str, ...], Counter[str]]:
    found: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    for *key, status, number in rows.group_by(*by, "status", maintain_order=True).len().rows():
        found[tuple(key)][status] += number
    return dict(found)


def _share(counter: Counter[str]) -> dict[str, Any]:
    """How many of the files that were there to run came out right. NOT_EXPORTED and NOT_RUN do not count."""
    run = sum(counter.values()) - counter["NOT_EXPORTED"] - counter["NOT_RUN"]
    right = sum(counter[status] for status in RIGHT)
    return {"right": right, "run": run, "percent": round(100 * right / run) if run else None, "statuses": dict(counter)}


def _view(matrix: Matrix) -> dict[str, Any]:
    """What the templates show."""
    about, cells = matrix.about, matrix.cells
    pairs, models = _counted(cells, "source", "target"), _counted(cells, "model", "target")
    exported = counts(matrix.exports, "source")
    sources, targets = [s["name"] for s in about["sources"]], [t["name"] for t in about["targets"]]
    none: Counter[str] = Counter()
    failures = cells.filter(~pl.col("status").is_in(["PASS", "NOT_EXPORTED"]))
    return {
        "about": about,
        "counts": {"exports": matrix.exports.height, "cells": cells.height},
        "exports": matrix.exports.filter(pl.col("status") != "PASS").drop(NESTED, strict=False).to_dicts(),
        "statuses": [s for s in STATUSES if s in set(cells["status"])],
        "heat": {s: {t: _share(pairs.get((s, t), none)) for t in targets} for s in sources},
        "by_model": {
            m["name"]: {t: _share(models.get((m["name"], t), none)) for t in targets} for m in about["models"]
        },
        "by_target": {t: _share(c) for t, c in counts(cells, "target").items()},
        "failures": failures.select(FAILURE).to_dicts(),
        "by_source": {s: exported.get(s, none) for s in sources},
        "not_run": _not_run(cells),
        "unsteady": _unsteady(cells),
    }


def _not_run(cells: pl.DataFrame) -> dict[str, list[tuple[str, int]]]:
    """By target that was not run, or not everywhere: our reasons, and how many cells each has cost."""
    ours = cells.filter(pl.col("status") == "NOT_RUN").group_by("target", "message", maintain_order=True).len()
    reasons: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for target, message, number in ours.sort("len", descending=True, maintain_order=True).rows():
        reasons[target].append((message, number))
    return dict(reasons)


def _unsteady(cells: pl.DataFrame) -> dict[str, tuple[int, float]]:
    """By target: how many cells gave other numbers when they were repeated, and by how much at most."""
    varied = cells.filter(pl.col("spread") > 0).group_by("target", maintain_order=True)
    rows = varied.agg(pl.len(), pl.col("spread").max().alias("greatest")).rows()
    return {target: (number, greatest) for target, number, greatest in rows}
