"""What is left of a plan when there is not time for all of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from matrix.budget import Costs, seconds_of, within
from matrix.errors import UserError
from matrix.plan import Plan, Selection, make_plan
from matrix.records import Journal

NOTHING = Costs({}, {}, {})


@pytest.fixture(scope="module")
def plan() -> Plan:
    return make_plan(Selection(sources=["canonical"], targets=["reference", "onnxruntime.all@host", "iree"]))


def models(plan: Plan) -> list[str]:
    return list(dict.fromkeys(export.model.name for export in plan.exports))


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("30m", 1800), (" 1.5h ", 5400)])
def test_times(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["30", "m", "-3m", "0s", "1d", "30 minutes"])
def test_what_is_no_time_is_the_users_mistake(text: str) -> None:
    with pytest.raises(UserError, match="no time such as"):
        seconds_of(text)


def test_more_time_gives_more_and_enough_gives_all(plan: Plan) -> None:
    sizes = [len(within(plan, seconds, 2, NOTHING).cells) for seconds in (30, 120, 480)]
    assert sizes == sorted(set(sizes))
    whole = within(plan, 100_000, 2, NOTHING)
    assert [cell.key for cell in whole.cells] == [cell.key for cell in plan.cells]


def test_it_fits_and_keeps_the_order_and_whole_models(plan: Plan) -> None:
    found = within(plan, 120, 2, NOTHING)
    assert sum(map(NOTHING.of_export, found.exports)) + sum(map(NOTHING.of_cell, found.cells)) <= 240
    keys = [cell.key for cell in plan.cells]
    assert sorted((cell.key for cell in found.cells), key=keys.index) == [cell.key for cell in found.cells]
    quick = [cell for cell in found.cells if not cell.target.slow]
    assert len(quick) == 2 * len(found.exports)


def test_the_first_models_bring_many_layers_that_others_lack(plan: Plan) -> None:
    found = models(within(plan, 100, 2, NOTHING))
    layers = {node.op for e in plan.exports if e.model.name in found for node in e.model.graph().nodes}
    assert len(layers) > 3 * len(found)


def test_no_target_uses_up_all_the_time(plan: Plan) -> None:
    found = within(plan, 300, 2, Costs({}, {"iree@iree3.13": 30.0}, {}))
    assert sum(30.0 for cell in found.cells if cell.target.name == "iree") <= 600
    assert len(models(found)) > 10


def test_at_least_one_model_is_run(plan: Plan) -> None:
    assert len(models(within(plan, 1, 1, NOTHING))) == 1


def test_costs_and_doubts_are_those_of_the_journal(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "cells.jsonl")
    cell: dict[str, Any] = {"model": "relu", "target": "tract@tract0.23", "seconds": {"load": 1.0, "run": 2.0}}
    journal.append("cell", "a", {**cell, "status": "PASS"})
    journal.append("cell", "b", {**cell, "status": "WRONG", "seconds": {"load": 5.0}})
    journal.append("cell", "c", {**cell, "status": "NOT_EXPORTED", "seconds": {}})
    journal.append("export", "d", {"source": "canonical@host", "status": "PASS", "seconds": {"export": 0.5}})
    costs = Costs.of(journal)
    journal.close()
    assert costs == Costs({"canonical@host": 0.5}, {"tract@tract0.23": 4.0}, {"relu": 1.0})


def test_a_model_whose_cells_disagreed_comes_first(plan: Plan) -> None:
    doubted = dict.fromkeys(("erf",), 1000.0)
    assert models(within(plan, 1, 1, Costs({}, {}, doubted))) == ["erf"]
