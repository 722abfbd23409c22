"""Describing, evaluating and writing a reference model."""

import json
from pathlib import Path

import numpy as np
import pytest

from models.catalogue import all_models
from models.net import Input, Net, evaluate, generator_for
from models.registry import ReferenceModel, register
from models.store import write_model


def two_layers(net: Net) -> None:
    x = net.input("x", ("batch", 3))
    net.output("y", net.linear(net.linear(x, units=3, share="both"), units=3, share="both"))


MODEL = ReferenceModel("two-layers", "dense", "layer", two_layers)


def test_shared_layers_have_one_set_of_weights() -> None:
    graph = MODEL.graph()
    assert [node.layer for node in graph.nodes] == ["both", "both"]
    assert sorted(graph.weights) == ["both/bias", "both/weight"]


def test_evaluating_holds_the_precision_asked_for() -> None:
    x = {"x": np.ones((4, 3), dtype=np.float32)}
    for dtype in ("float32", "float64"):
        assert evaluate(MODEL.graph(), x, dtype)["y"].dtype == dtype


def test_no_layer_of_that_name() -> None:
    net = Net("m", {})
    with pytest.raises(AttributeError, match=r"no layer 'conv4d'; the layers are absolute, .*conv3d"):
        net.conv4d(net.input("x", (1, 2, 3)))


def test_two_models_of_one_name() -> None:
    known = all_models()["mlp"].describe
    with pytest.raises(ValueError, match="two reference models are called mlp"):
        register(ReferenceModel("mlp", "dense", "layer", two_layers))
    assert all_models()["mlp"].describe is known


@pytest.mark.parametrize(
    ("described", "kind", "low", "high"),
    [
        (Input("x", "float32", (1000,)), "f", -10, 10),
        (Input("x", "float32", (1000,), low=-1.0, high=2.0), "f", -1, 2),
        (Input("x", "int64", (1000,), high=5), "i", 0, 4),
        (Input("x", "bool", (1000,)), "b", 0, 1),
    ],
)
def test_inputs_lie_in_their_range(described: Input, kind: str, low: float, high: float) -> None:
    drawn = described.draw(generator_for("any"), {})
    assert drawn.dtype.kind == kind
    assert low <= drawn.min() < drawn.max() <= high
    assert drawn.max() > low + 0.4 * (high - low)


def test_written_model_is_whole(tmp_path: Path) -> None:
    place = write_model(MODEL, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [place.name]
    description = json.loads((place / "model.json").read_text())
    assert description["input_sets"] == [{"batch": 2}, {"batch": 2}, {"batch": 1}, {"batch": 5}]
    assert description["outputs"] == [{"name": "y", "value": "linear_2", "dtype": "float32"}]
    with np.load(place / "truth.npz") as truth, np.load(place / "rounded.npz") as rounded:
        assert {truth[name].dtype for name in truth.files} == {np.dtype("float64")}
        assert {rounded[name].dtype for name in rounded.files} == {np.dtype("float32")}
        assert truth["3/y"].shape == (5, 3)


def test_writing_again_gives_the_same_place_and_leaves_nothing_behind(tmp_path: Path) -> None:
    assert write_model(MODEL, tmp_path) == write_model(MODEL, tmp_path)
    assert len(list(tmp_path.iterdir())) == 1
