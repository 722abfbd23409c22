"""Every reference model must be able to fail: its outputs vary, rounding does not disturb them, they come out again."""

from collections.abc import Iterator
from functools import cache

import numpy as np
import pytest

from models.catalogue import all_models
from models.layers import LAYERS
from models.layers.base import Array
from models.net import Graph, evaluate, evaluate_all
from models.registry import ReferenceModel
from models.store import draw_inputs, input_set_sizes, write_model

MODELS = all_models()
#: Layers whose outputs are few different numbers by nature.
DISCRETE = {"one_hot", "sign", "floor", "ceil", "arg_max", "arg_min", "top_k", "greater", "less", "equal"}

every_model = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)


@cache
def graph_of(model: ReferenceModel) -> Graph:
    return model.graph()


@cache
def sets_of(model: ReferenceModel) -> list[dict[str, Array]]:
    graph = graph_of(model)
    return [draw_inputs(graph, which, sizes) for which, sizes in enumerate(input_set_sizes(model, graph))]


@cache
def truths_of(model: ReferenceModel) -> list[dict[str, Array]]:
    return [evaluate(graph_of(model), inputs) for inputs in sets_of(model)]


def outputs_of(model: ReferenceModel) -> Iterator[tuple[str, Array]]:
    for outputs in truths_of(model)[:2]:
        yield from outputs.items()


def greatest_crowd(values: Array) -> float:
    """The greatest share of the values that lie within 1e-3 of each other."""
    ordered = np.sort(values.ravel())
    return (
        float(np.max(np.searchsorted(ordered, ordered + 1e-3, side="right") - np.arange(ordered.size))) / ordered.size
    )


@every_model
def test_outputs_vary(model: ReferenceModel) -> None:
    discrete = graph_of(model).nodes[-1].op in DISCRETE
    for name, output in outputs_of(model):
        if output.dtype.kind != "f" or discrete:
            assert np.unique(output).size > 1, f"{name} is the same everywhere"
        else:
            assert output.std() >= 0.05, f"{name} hardly varies"
            assert greatest_crowd(output) <= 0.5, f"more than half of {name} is nearly the same number"


@every_model
def test_outputs_are_finite(model: ReferenceModel) -> None:
    for outputs in truths_of(model):
        for name, output in outputs.items():
            assert np.isfinite(output).all(), name


@every_model
def test_outputs_depend_on_each_sample(model: ReferenceModel) -> None:
    first, second = truths_of(model)[:2]
    for name, output in first.items():
        assert not np.allclose(output, second[name], rtol=1e-2), f"{name} is the same for other inputs"


@every_model
def test_rounding_is_harmless(model: ReferenceModel) -> None:
    for inputs, truth in zip(sets_of(model), truths_of(model), strict=True):
        for name, rounded in evaluate(graph_of(model), inputs, "float32").items():
            if truth[name].dtype.kind != "f":
                assert np.array_equal(rounded, truth[name]), f"rounding decides {name}"
            else:
                assert rounded.dtype == np.float32
                assert np.abs(rounded - truth[name]).max() <= 1e-4 * np.abs(truth[name]).max(), name


@every_model
def test_other_sizes_of_dynamic_axes_give_other_shapes(model: ReferenceModel) -> None:
    assert len(sets_of(model)) == (4 if model.dynamic else 2)
    assert any(isinstance(n, str) for i in graph_of(model).inputs for n in i.shape) is model.dynamic
    shapes = [[output.shape for output in outputs.values()] for outputs in truths_of(model)]
    assert shapes[0] == shapes[1]
    assert all(a != b for a, b in zip(shapes[2:], shapes[1:], strict=False)), shapes


@every_model
def test_description_gives_the_same_numbers_again(model: ReferenceModel) -> None:
    once, again = graph_of(model), model.graph()
    assert (once.inputs, once.nodes, once.outputs) == (again.inputs, again.nodes, again.outputs)
    assert list(once.weights) == list(again.weights)
    assert all(np.array_equal(once.weights[name], again.weights[name]) for name in once.weights)


@every_model
def test_recorded_shapes_are_those_of_the_values(model: ReferenceModel) -> None:
    values = evaluate_all(graph_of(model), sets_of(model)[0], "float32")
    for node in graph_of(model).nodes:
        assert node.shapes == [list(values[name].shape) for name in node.outputs]


def test_every_layer_has_a_model_in_the_default_matrix() -> None:
    shown = {
        node.op
        for model in MODELS.values()
        if model.default and model.kind == "layer"
        for node in graph_of(model).nodes
    }
    assert shown == set(LAYERS)


def test_written_models_have_equal_digests(tmp_path_factory: pytest.TempPathFactory) -> None:
    for name in ("lstm", "conv2d", "mlp"):
        first, second = (write_model(MODELS[name], tmp_path_factory.mktemp("models")) for _ in range(2))
        assert first.name == second.name
