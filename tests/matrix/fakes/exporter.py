"""A source for models of one ReLU, whose exporters are good and bad in one way each."""

from __future__ import annotations

import os
import signal
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

PACKAGES = ("onnx",)
LAYERS = {"relu": "Relu"}
COMPOSED: dict[str, str] = {}


def build(graph: Any, request: Any) -> Any:
    return SimpleNamespace(graph=graph, exporter=request.exporter)


def run(model: Any, inputs: dict[str, Any]) -> dict[str, Any]:
    [x] = inputs.values()
    y = np.maximum(x, 0)
    return {
        "y": {"native_wrong": y + 1, "wrong_and_broken": y + 1, "native_shape": y[..., None]}.get(model.exporter, y)
    }


def write(model: Any, request: Any, path: str, op: str = "Relu", permutation: tuple[int, ...] = ()) -> None:
    [x], [y] = model.graph.inputs, model.graph.outputs
    shape = [request.dynamic[x.name].get(axis, model.graph.sizes.get(n, n)) for axis, n in enumerate(x.shape)]
    shape = [shape[axis] for axis in permutation or range(len(shape))]
    graph = helper.make_graph(
        [helper.make_node(op, [x.name], [y.name])],
        "fake",
        [helper.make_tensor_value_info(x.name, TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(y.name, TensorProto.FLOAT, shape)],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def right(model: Any, inputs: Any, request: Any, path: str) -> None:
    write(model, request, path)


def other_model(model: Any, inputs: Any, request: Any, path: str) -> None:
    write(model, request, path, "Neg")


def permuted(model: Any, inputs: Any, request: Any, path: str) -> dict[str, Any]:
    """Channels last and batch in the middle: a permutation that is not its own inverse."""
    order = [1, 2, 0, *range(3, len(model.graph.inputs[0].shape))]
    write(model, request, path, permutation=tuple(order))
    return {side: [{"name": n, "value": n, "permutation": order}] for side, n in (("inputs", "x"), ("outputs", "y"))}


def broken(model: Any, inputs: Any, request: Any, path: str) -> None:
    raise RuntimeError("the tracer lost its way")


def refusing(model: Any, inputs: Any, request: Any, path: str) -> None:
    raise NotImplementedError("no dynamic shapes")


def crashing(model: Any, inputs: Any, request: Any, path: str) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def forgetful(model: Any, inputs: Any, request: Any, path: str) -> None:
    """Says nothing and writes nothing."""


EXPORTERS = {
    "broken": broken,
    "crashing": crashing,
    "forgetful": forgetful,
    "native_shape": right,
    "native_wrong": right,
    "other_model": other_model,
    "permuted": permuted,
    "refusing": refusing,
    "right": right,
    "wrong_and_broken": broken,
}
