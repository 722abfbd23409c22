"""The matrix as tests: a cell passes when its numbers are right. See conftest.py for how it is run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from matrix.blame import RIGHT
from matrix.cli import reproduction
from matrix.plan import Cell


def test_cell(cell: Cell, background_run: Any, record_property: Callable[[str, object], None]) -> None:
    record = background_run.wait_for(cell)
    for name in ("status", "stage", "noise", "max_abs"):
        record_property(name, record.get(name))
    if record["status"] == "NOT_EXPORTED":
        pytest.skip(record["message"].split("\n")[0])
    told = f"{record['status']} in {record['stage']}: {record['message']}\nto run it alone: {reproduction(record)}"
    if record["status"] not in RIGHT:
        pytest.fail(told, pytrace=False)
