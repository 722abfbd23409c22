"""The matrix as tests: a cell passes when its numbers are right. See conftest.py for how it is run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from matrix.blame import RIGHT
from matrix.expect import Expectations
from matrix.plan import Cell
from matrix.reproduction import reproduction


def test_cell(
    cell: Cell, background_run: Any, expectations: Expectations, record_property: Callable[[str, object], None]
) -> None:
    record = background_run.wait_for(cell)
    verdict = expectations.verdict(cell.key, record["status"])
    for name in ("status", "stage", "noise", "max_abs"):
        record_property(name, record.get(name))
    record_property("expected", verdict.word)
    if record["status"] == "NOT_EXPORTED":
        pytest.skip(record["message"].split("\n")[0])
    if verdict.word == "known":
        pytest.xfail(verdict.text)  # under --runxfail this does nothing, and the cell fails below
    if verdict.word == "unexpected pass":
        pytest.fail(verdict.text, pytrace=False)
    told = f"{record['status']} in {record['stage']}: {record['message']}\nto run it alone: {reproduction(record)}"
    if record["status"] not in RIGHT:
        pytest.fail("\n".join(filter(None, (verdict.text, told))), pytrace=False)


def test_every_expectation_names_cells_that_there_are(expectations: Expectations) -> None:
    if unmatched := expectations.unmatched():
        pytest.fail("\n".join(unmatched), pytrace=False)
