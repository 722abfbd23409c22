"""Making `public/` of a matrix: the site, and the same for machines.

matrix.json, matrix.csv, Parquet, matrix.md, junit.xml, feed.xml, scores.json, and badges/.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
from jinja2 import Environment as Templates
from jinja2 import PackageLoader, StrictUndefined

from matrix import junit
from matrix.badges import badges
from matrix.blame import RIGHT
from matrix.dataset import CELLS, NESTED, Matrix, usual, write, write_json, write_whole
from matrix.errors import UserError
from matrix.feed import feed
from matrix.progress import STATUSES
from matrix.scores import scores
from matrix.site.build import build
from matrix.text import markdown, xml

#: The columns of matrix.csv.
CSV = tuple(name for name in CELLS if name not in NESTED)


def publish(matrix: Matrix, folder: Path, work: Path | None = None, since: Path | None = None) -> None:
    """Write every file of the site into `folder`, each whole or not at all. Raises UserError.

    work: the work folder of the run, where its logs and cases are, if it is here. since: where the published matrix is
    that `matrix.since` compares with; the entries of its feed are carried on.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder} cannot be published in: {error.strerror}; choose another --public") from None
    write(matrix, folder)
    write_json(matrix, folder / "matrix.json")
    write_whole(folder / "matrix.csv", _csv(matrix.cells))
    write_whole(folder / "scores.json", [json.dumps(scores(matrix), indent=1, allow_nan=False)])
    write_whole(folder / "junit.xml", junit.parts(matrix))
    templates = _templates()
    view = _view(matrix)
    write_whole(folder / "matrix.md", templates.get_template("matrix.md.j2").generate(**view))
    news = feed(matrix.about, matrix.since, since / "feed.xml" if since else None)
    write_whole(folder / "feed.xml", templates.get_template("feed.xml.j2").generate(**news))
    compared = usual(matrix).cells
    shares = {f"{end}s": {n: _share(c) for n, c in counts(compared, end).items()} for end in ("target", "source")}
    for path, text in badges(shares, templates.get_template("badge.svg.j2")):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        write_whole(folder / path, [text])
    build(matrix, folder, work)


def _templates() -> Templates:
    """Of what is no page: what is put into XML is escaped, what is put into Markdown has a filter of its own."""
    templates = Templates(
        loader=PackageLoader("matrix"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=lambda name: name is not None and name.endswith((".xml.j2", ".svg.j2")),
    )
    templates.filters["markdown"], templates.filters["xml"] = markdown, xml
    return templates


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
    """What the template shows."""
    about, cells = matrix.about, matrix.cells
    pairs, exported, none = _counted(cells, "source", "target"), counts(matrix.exports, "source"), Counter[str]()
    sources, targets = [s["name"] for s in about["sources"]], [t["name"] for t in about["targets"]]
    return {
        "about": about,
        "counts": {"exports": matrix.exports.height, "cells": cells.height},
        "statuses": [s for s in STATUSES if s in set(cells["status"])],
        "heat": {s: {t: _share(pairs.get((s, t), none)) for t in targets} for s in sources},
        "by_target": {t: _share(c) for t, c in counts(cells, "target").items()},
        "by_source": {s: exported.get(s, none) for s in sources},
        "not_run": _not_run(cells),
    }


def _not_run(cells: pl.DataFrame) -> dict[str, list[tuple[str, int]]]:
    """By target that was not run, or not everywhere: our reasons, and how many cells each has cost."""
    ours = cells.filter(pl.col("status") == "NOT_RUN").group_by("target", "message", maintain_order=True).len()
    reasons: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for target, message, number in ours.sort("len", descending=True, maintain_order=True).rows():
        reasons[target].append((message, number))
    return dict(reasons)
