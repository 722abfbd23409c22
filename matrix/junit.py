"""The cells as JUnit XML: one test suite for each target, one test case for each cell, written as it goes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import polars as pl

from matrix.blame import RIGHT
from matrix.dataset import Matrix
from matrix.plan import export_key
from matrix.text import xml

_COLUMNS = (
    "source", "model", "variant", "opset", "full", "status", "stage", "blame", "message", "expected", "seconds",
)  # fmt: skip
_BATCH = 20_000


def outcome() -> pl.Expr:
    """How JUnit would call a cell: "", "failure", "error" or "skipped".

    What the tool answered wrongly, or refused, is a failure; what it died of, an error; what was not there to be run,
    and what is known to fail (as pytest's xfail), is skipped.
    """
    status = pl.col("status")
    return (
        pl.when(status.is_in(RIGHT))
        .then(pl.lit(""))
        .when(status.is_in(("NOT_EXPORTED", "NOT_RUN")) | (pl.col("expected") == "known").fill_null(False))
        .then(pl.lit("skipped"))
        .when(status.is_in(("WRONG", "UNSUPPORTED", "FLAKY")))
        .then(pl.lit("failure"))
        .otherwise(pl.lit("error"))
        .alias("outcome")
    )


def parts(matrix: Matrix) -> Iterator[str]:
    """The file, in pieces."""
    cells = matrix.cells.select("target", *_COLUMNS, outcome())
    yield f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="onnx-interop"{_counts(cells)}>\n'
    time = quoteattr(str(matrix.about["generated"]).removesuffix("Z"))
    for target in matrix.about["targets"]:
        own = cells.filter(pl.col("target") == target["name"])
        name = _attribute(target["name"])
        yield f'<testsuite name={name}{_counts(own)} skipped="{_count(own, "skipped")}" timestamp={time}>\n'
        for part in own.iter_slices(_BATCH):
            yield "".join(map(_case, part.iter_rows(named=True)))
        yield "</testsuite>\n"
    yield "</testsuites>\n"


def _count(cells: pl.DataFrame, outcome: str) -> int:
    return cells.filter(pl.col("outcome") == outcome).height


def _counts(cells: pl.DataFrame) -> str:
    told = {"tests": cells.height, "failures": _count(cells, "failure"), "errors": _count(cells, "error")}
    return "".join(f' {k}="{v}"' for k, v in told.items()) + f' time="{cells["seconds"].sum():.3f}"'


def _case(cell: dict[str, Any]) -> str:
    """A cell as a test case: its class is the source, its name the rest of its export's key."""
    key = export_key(cell["source"], cell["model"], cell["variant"], cell["opset"], bool(cell["full"]))
    name = _attribute(key.removeprefix(f"{cell['source']}/"))
    head = f'<testcase classname={_attribute(cell["source"])} name={name} time="{cell["seconds"] or 0:.3f}"'
    if not cell["outcome"]:
        return f"{head}/>\n"
    told = f"{cell['status']} in {cell['stage'] or '?'}, blame {cell['blame'] or 'none'}: {cell['message'] or ''}"
    told = f"known: {told}" if cell["expected"] == "known" else told
    if cell["outcome"] == "skipped":
        return f"{head}><skipped message={_attribute(told)}/></testcase>\n"
    kind = cell["outcome"]
    return (
        f'{head}><{kind} type="{cell["status"]}" message={_attribute(told)}>{escape(xml(told))}</{kind}></testcase>\n'
    )


def _attribute(text: str) -> str:
    return quoteattr(xml(text))
