"""Control flow by hand, and that no rounding turns a decision of its models."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from models.catalogue import all_models
from models.layers import LAYERS, control
from models.layers.base import Array
from models.net import evaluate, in_precision
from models.precision import HELD_IN
from models.registry import ReferenceModel
from models.store import draw_inputs, input_set_sizes

MODELS = [model for model in all_models().values() if model.family == "control-flow"]
#: How far from its threshold a decision lies at least, as a share of the numbers that it compares.
MARGIN = 0.08


def apply(op: str, *inputs: Any, weights: dict[str, Any], **attributes: Any) -> Any:
    arrays = {name: np.asarray(weight) for name, weight in weights.items()}
    return LAYERS[op](*map(np.asarray, inputs), weights=arrays, attributes=attributes)


class Decisions:
    """Takes the place of what decides, and keeps which way each decision went, and its distance from the other."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ways: list[Any] = []
        self.margins: list[float] = []
        monkeypatch.setattr(control, "beyond", self.beyond)
        monkeypatch.setattr(control, "best", self.best)

    def beyond(self, value: float, threshold: float) -> bool:
        self.margins.append(abs(value - threshold) / max(abs(value), abs(threshold)))
        self.ways.append(bool(value > threshold))
        return bool(value > threshold)

    def best(self, scores: Array, k: int) -> Array:
        ordered = -np.sort(-scores, axis=-1)[..., : k + 1]
        self.margins += list(-np.diff(ordered).ravel() / np.abs(ordered).max())
        places = np.argsort(-scores, axis=-1)[..., :k]
        self.ways += places.ravel().tolist()
        return places


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_no_decision_is_near_its_threshold_in_any_precision(
    model: ReferenceModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    decisions, graph = Decisions(monkeypatch), model.graph()
    for which, sizes in enumerate(input_set_sizes(model, graph)):
        ways = []
        for precision in HELD_IN:
            decisions.ways = []
            exchanged = in_precision(graph, precision)
            evaluate(exchanged, draw_inputs(exchanged, which, sizes), precision)
            ways.append(decisions.ways)
        assert all(other == ways[0] for other in ways)
    assert min(decisions.margins, default=1.0) > MARGIN


@pytest.mark.parametrize("name", ["branch", "iterate", "greedy-decode", "greedy-decoder", "beam-step"])
def test_the_input_sets_go_different_ways(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model, taken = all_models()[name], []
    decisions, graph = Decisions(monkeypatch), model.graph()
    for which, sizes in enumerate(input_set_sizes(model, graph)):
        decisions.ways = []
        evaluate(graph, draw_inputs(graph, which, sizes))
        taken.append(decisions.ways)
    assert taken[0] != taken[1]
    if name == "branch":
        assert taken == [[True], [False], [True], [False]]
    if name == "iterate":  # by the threshold after 4 steps, by the limit after 5, at once, by the limit
        assert taken == [[False] * 4 + [True], [False] * 5, [True], [False] * 5]


@pytest.mark.parametrize("name", ["loop", "loop-zero-trips", "alternate"])
def test_the_input_sets_make_different_numbers_of_trips(name: str) -> None:
    model = all_models()[name]
    graph = model.graph()
    counts = [int(draw_inputs(graph, n, sizes)["x1"]) for n, sizes in enumerate(input_set_sizes(model, graph))]
    assert counts[0] != counts[1]
    assert (0 in counts) is (name == "loop-zero-trips")


def test_a_branch_does_one_thing_or_the_other() -> None:
    weights = {"weight_then": [[2.0]], "bias_then": [1.0], "weight_else": [[3.0]], "bias_else": [0.5]}
    assert apply("branch", [[1.0]], weights=weights)[0] == pytest.approx(np.tanh(3.0))
    assert apply("branch", [[-1.0]], weights=weights)[0] == pytest.approx(-2.5)


def test_loops_make_as_many_steps_as_they_are_told() -> None:
    weights = {"weight_step": [[0.0]], "bias_step": [1.0]}
    assert apply("loop", [[1.0]], 3, weights=weights)[0] == pytest.approx(1 + 1.5 * np.tanh(1))
    assert apply("loop", [[1.0]], 0, weights=weights)[0] == 1
    weights = {"weight_even": [[0.0]], "bias_even": [1.0], "weight_odd": [[2.0]], "bias_odd": [0.0]}
    assert apply("alternate", [[1.0]], 2, weights=weights)[0] == pytest.approx((1 + 0.5 * np.tanh(1)) / 2)


@pytest.mark.parametrize(("start", "limit", "expected"), [(1, 9, 8), (1, 2, 4), (5, 9, 5), (9, 9, 9)])
def test_iterating_ends_by_the_threshold_or_the_limit(start: float, limit: int, expected: float) -> None:
    weights = {"weight": [[2.0]] if start == 1 else [[0.5]], "bias": [0.0]}
    assert apply("iterate", [[float(start)]], weights=weights, threshold=4.5, limit=limit)[0] == expected


@pytest.mark.parametrize(("reverse", "states"), [(False, [1.0, 2.5, 4.25]), (True, [2.75, 3.5, 3.0])])
def test_scan_by_hand(reverse: bool, states: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(np, "tanh", lambda x: x)
    weights = {"decay": [0.5], "w_in": [[1.0]], "w_state": [[0.0]], "bias": [0.0]}
    x = np.array([[[1.0], [2.0], [3.0]]])
    y, last = apply("scan", x, [[0.0]], weights=weights, reverse=reverse)
    assert y.ravel().tolist() == states
    assert last.item() == states[0 if reverse else -1]


def test_decoding_goes_on_until_every_sample_has_ended() -> None:
    follow = np.array([[5.0, 0, 0], [5, 0, 0], [0, 5, 0]])  # 2, 1, 0, 0 …
    weights = {"table": np.zeros((3, 1)), "w_state": [[0.0]], "w_out": np.zeros((3, 1)), "follow": follow}
    tokens, total, _ = apply("greedy_decode", [1, 2], np.zeros((2, 1)), weights=weights, limit=4)
    assert tokens.tolist() == [[0, 0, 0, 0], [1, 0, 0, 0]]
    each = 5 - np.log(np.exp(5) + 2)
    assert total == pytest.approx([2 * each, 2 * each])
    tokens, total, _ = apply("greedy_decode", [2, 2], np.zeros((2, 1)), weights=weights, limit=1)
    assert tokens.tolist() == [[1], [1]]


def test_a_step_of_beam_search_by_hand() -> None:
    follow = np.log([[0.5, 0.3, 0.2], [0.1, 0.2, 0.7]])[:, :3]
    weights = {
        "table": [[0.1], [0.2]], "w_state": [[0.0]], "w_out": np.zeros((3, 1)), "follow": follow, "handicap": [0.0, 0.0]
    }  # fmt: skip
    scores, tokens, state = apply("beam_step", [[0.0, 0.0]], [[0, 1]], np.zeros((1, 2, 1)), weights=weights)
    assert np.exp(scores) == pytest.approx(np.array([[0.7, 0.5]]))
    assert tokens.tolist() == [[2, 0]]
    assert state.ravel() == pytest.approx(np.tanh([0.2, 0.1]))
