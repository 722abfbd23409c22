"""Describing a reference model: calling a layer records a node and computes its value in float64.

Shapes, weights and the truth are by-products of the description; `evaluate` computes the recorded graph again for
other inputs, or in another precision.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from models.layers import LAYERS
from models.layers.base import Array, attributes_of
from models.precision import HELD_IN, exchanged, held

Shape = Sequence[int | str]


@dataclass(frozen=True)
class Value:
    """What flows between layers: its name in the graph, and what it is at the size used for export."""

    name: str
    array: Array

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape at the size used for export."""
        return tuple(self.array.shape)


@dataclass(frozen=True)
class Input:
    """A graph input; strings in `shape` are dynamic axes.

    Integers are drawn from low to high - 1; floats evenly from low to high, or from the normal distribution where
    both are 0. `shifts` are added to the numbers of each input set in turn: they decide which way data-dependent
    control flow goes.
    """

    name: str
    dtype: str
    shape: Shape
    high: float = 0
    low: float = 0
    shifts: Sequence[float] = ()

    def draw(self, generator: np.random.Generator, sizes: dict[str, int], which: int = 0) -> Array:
        """Numbers for this input in set `which`, the dynamic axes as in `sizes`; floats as its precision has them."""
        drawn = self._drawn(generator, sizes)
        if self.shifts:
            drawn = np.asarray(drawn + drawn.dtype.type(self.shifts[which % len(self.shifts)]))
        return exchanged(drawn, self.dtype)

    def _drawn(self, generator: np.random.Generator, sizes: dict[str, int]) -> Array:
        shape = [sizes[n] if isinstance(n, str) else n for n in self.shape]
        if self.dtype == "int64":
            return generator.integers(int(self.low), int(self.high), shape)
        if self.dtype == "bool":
            return generator.random(shape) < 0.5
        if self.low == self.high:
            return generator.normal(size=shape).astype(np.float32)
        return generator.uniform(self.low, self.high, shape).astype(np.float32)


@dataclass(frozen=True)
class Node:
    """One layer of the graph. `layer` names its weights, and is the same for nodes that share them."""

    op: str
    layer: str
    inputs: list[str]
    outputs: list[str]
    attributes: dict[str, Any]
    weights: dict[str, str]
    shapes: list[list[int]]


@dataclass
class Graph:
    """A reference model as data: layer graph, weights (float32), and the names of what it returns."""

    name: str
    inputs: list[Input] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)
    outputs: list[tuple[str, str]] = field(default_factory=list)
    weights: dict[str, Array] = field(default_factory=dict)


def generator_for(*names: object) -> np.random.Generator:
    """The random generator that belongs to these names, the same on every machine."""
    digest = hashlib.sha256("/".join(map(str, names)).encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:8], "little")))


class Net:
    """Describes one model: `net.input`, one method per layer of the vocabulary, `net.output`."""

    def __init__(self, name: str, sizes: dict[str, int]) -> None:
        self.graph = Graph(name)
        self._sizes = sizes

    def input(
        self,
        name: str,
        shape: Shape,
        dtype: str = "float32",
        high: float = 0,
        low: float = 0,
        shifts: Sequence[float] = (),
    ) -> Value:
        """A graph input, whose numbers lie from `low` to `high` as Input says."""
        described = Input(name, dtype, shape, high, low, shifts)
        self.graph.inputs.append(described)
        array = described.draw(generator_for(self.graph.name, name, 0), self._sizes)
        return Value(name, held(array, "float64"))

    def output(self, name: str, value: Value) -> None:
        """Let the model return `value` under `name`."""
        self.graph.outputs.append((name, value.name))

    def layer(self, op: str, *inputs: Value, share: str | None = None, **attributes: Any) -> Any:
        """Add layer `op`. Nodes with the same `share` use the weights of the first of them.

        Returns a Value, or a tuple of them where the layer has several outputs.
        """
        spec = LAYERS[op]
        attributes = spec.attributes(attributes)
        name = share or f"{op}_{sum(node.op == op for node in self.graph.nodes) + 1}"
        arrays = [value.array for value in inputs]
        weights = self._weights_of(name, op, arrays, attributes)
        results = spec(
            *arrays,
            weights={k: self.graph.weights[v].astype(np.float64) for k, v in weights.items()},
            attributes=attributes,
        )
        place = f"{op}_{len(self.graph.nodes) + 1}"
        outputs = [place] if len(results) == 1 else [f"{place}_{i}" for i in range(len(results))]
        shapes = [list(r.shape) for r in results]
        self.graph.nodes.append(Node(op, name, [v.name for v in inputs], outputs, attributes, weights, shapes))
        values = tuple(Value(n, r) for n, r in zip(outputs, results, strict=True))
        return values[0] if len(values) == 1 else values

    def _weights_of(self, layer: str, op: str, arrays: list[Array], attributes: dict[str, Any]) -> dict[str, str]:
        known = {n.split("/", 1)[1]: n for n in self.graph.weights if n.split("/", 1)[0] == layer}
        draw = LAYERS[op].draw_weights
        if known or draw is None:
            return known
        wanted = {k: v for k, v in attributes.items() if k in attributes_of(draw)}
        drawn = draw(generator_for(self.graph.name, layer), *arrays, **wanted)
        for name, weight in drawn.items():
            self.graph.weights[f"{layer}/{name}"] = np.asarray(weight).astype(np.float32)
        return {name: f"{layer}/{name}" for name in drawn}

    def __getattr__(self, op: str) -> Callable[..., Any]:
        if op not in LAYERS:
            raise AttributeError(f"no layer {op!r}; the layers are {', '.join(sorted(LAYERS))}")
        return lambda *inputs, **attributes: self.layer(op, *inputs, **attributes)


def in_precision(graph: Graph, precision: str) -> Graph:
    """The same graph with inputs and weights of that precision."""
    inputs = [replace(i, dtype=precision) if i.dtype == "float32" else i for i in graph.inputs]
    weights = {name: exchanged(array, precision) for name, array in graph.weights.items()}
    return replace(graph, inputs=inputs, weights=weights)


def compute(node: Node, values: dict[str, Array], weights: dict[str, Array], precision: str) -> dict[str, Array]:
    """The outputs of one node by name, from the values and weights computed so far, held in `precision`."""
    own = {short: weights[name].astype(HELD_IN[precision]) for short, name in node.weights.items()}
    results = LAYERS[node.op](*(values[name] for name in node.inputs), weights=own, attributes=node.attributes)
    return dict(zip(node.outputs, (held(r, precision) for r in results), strict=True))


def evaluate_all(graph: Graph, inputs: dict[str, Array], precision: str = "float64") -> dict[str, Array]:
    """Every value of the graph by name, every floating-point number between its layers held in `precision`."""
    values = {name: held(array, precision) for name, array in inputs.items()}
    for node in graph.nodes:
        values.update(compute(node, values, graph.weights, precision))
    return values


def evaluate(graph: Graph, inputs: dict[str, Array], precision: str = "float64") -> dict[str, Array]:
    """The graph's outputs by name, every floating-point number between its layers held in `precision`."""
    values = evaluate_all(graph, inputs, precision)
    return {name: values[value] for name, value in graph.outputs}
