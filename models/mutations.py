"""The mutation test: does the comparison notice when a weight or an attribute of a reference model is wrong?

A model whose outputs do not depend on, say, a padding would call every implementation of padding right. So each
weight tensor is spoilt as a faulty exporter would spoil it (an axis in the wrong order, left out, not quite right),
each attribute of each node is changed, gates and inputs are swapped, and the outputs must then differ from the truth
by more than the tolerance, or not come out at all.

    python -m models.mutations [--models PATTERN]
"""

from __future__ import annotations

import argparse
import fnmatch
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from models.catalogue import all_models
from models.layers import LAYERS
from models.layers.base import Array, attributes_of
from models.net import Graph, Node, compute
from models.precision import held
from models.registry import ReferenceModel
from models.store import draw_inputs, input_set_sizes

Outputs = dict[str, Array]
#: Whether a comparison lets outputs pass: (actual, truth).
Same = Callable[[Outputs, Outputs], bool]

#: The words that a textual attribute knows.
CHOICES = {
    "activation": ("tanh", "relu"),
    "approximate": ("none", "tanh"),
    "corners": ("half_pixel", "asymmetric", "align_corners"),
    "direction": ("forward", "reverse", "bidirectional"),
    "mode": ("constant", "reflect", "edge"),
    "reset": ("after", "before"),
}
GATES = {"lstm": 4, "lstm_cell": 4, "gru": 3, "gru_cell": 3}
COMMUTATIVE = {"add", "multiply", "maximum", "minimum", "equal"}

_GELU = "the formulas differ by less than 5e-4, which a network evens out; the layer model shows it"
#: Why a changed attribute may leave the numbers of its layer as they are.
WITHOUT_EFFECT = {
    "ceil": "the windows fill the image, or one more would start in the padding behind",
    "count_pad": "there is no padding to count",
    "dilation": "a kernel of one cell has no dilation",
    "ends": "the end lies beyond the axis either way",
    "high": "nothing comes near the bound in this network, as it does in the layer model",
    "pad": "no window reaches what is added behind, or rounding up adds it anyway",
    "rate": "dropout lets everything pass at inference",
    "steps": "a slice of one cell has no step",
    "stride": "there is one window only",
    "value": "only padding with a constant reads the value",
}
#: Why a mutation may change numbers and yet go unnoticed: pattern of "model: mutation" -> reason.
EXPLAINED = {
    "*/b_k *": "a bias of the keys adds the same to all scores of a query, which soft-max takes out",
    "*former*: gelu_*": _GELU,
    "vit: gelu_*": _GELU,
}


@dataclass(frozen=True)
class Mutation:
    """One thing made wrong: `subject` (a weight tensor, or an attribute of the node at `place`), and how."""

    place: str
    subject: str
    change: str
    graph: Graph

    @property
    def name(self) -> str:
        """What was done to what."""
        return f"{self.place}/{self.subject} {self.change}"


@dataclass(frozen=True)
class Verdict:
    """What became of one mutation. `reason` explains one that was not noticed, where it can be explained."""

    model: ReferenceModel
    mutation: str
    noticed: bool
    reason: str = ""


def within_tolerance(actual: Outputs, truth: Outputs) -> bool:
    """Whether a float32 runtime that gave `actual` would pass for right: |error| <= 1e-5 * scale + 1e-3 * |truth|."""
    return all(_close(actual[name], expected) for name, expected in truth.items())


def _close(actual: Array, truth: Array) -> bool:
    if actual.shape != truth.shape or actual.dtype.kind != truth.dtype.kind:
        return False
    if truth.dtype.kind != "f":
        return bool(np.array_equal(actual, truth))
    scale = float(np.abs(truth).max(initial=0.0))
    return bool(np.allclose(actual, truth, rtol=1e-3, atol=1e-5 * scale))


class Trace:
    """Every value of a graph for some inputs, so that a mutant is computed only from its change on."""

    def __init__(self, graph: Graph, inputs: Outputs, precision: str = "float32") -> None:
        """Compute all values of `graph`; float32 suffices for its own tolerance, far below which it stays."""
        self._graph, self._precision = graph, precision
        self._values = {name: self._held(name, array) for name, array in inputs.items()}
        for node in graph.nodes:
            self._values.update(self._computed(node, self._values, graph.weights))
        self.outputs = self._named(graph, self._values)

    def mutated(self, mutant: Graph) -> Outputs:
        """The outputs of a mutant of the graph: `self.outputs` itself where no layer gives other numbers.

        Raises whatever the layers of the mutant raise.
        """
        values, changed = dict(self._values), set[str]()
        for node, original in zip(mutant.nodes, self._graph.nodes, strict=True):
            if node is original and changed.isdisjoint(node.inputs) and not self._reweighted(node, mutant):
                continue
            results = self._computed(node, values, mutant.weights)
            changed |= {name for name, array in results.items() if not np.array_equal(array, values[name])}
            values.update(results)
        return self._named(mutant, values) if changed else self.outputs

    def _computed(self, node: Node, values: Outputs, weights: Outputs) -> Outputs:
        results = compute(node, values, weights, self._precision)
        return {name: self._held(name, array) for name, array in results.items()}

    def _held(self, name: str, array: Array) -> Array:
        """The numbers of a value as they pass on to the next layer."""
        return held(array, self._precision)

    def _reweighted(self, node: Node, mutant: Graph) -> bool:
        return any(mutant.weights[name] is not self._graph.weights[name] for name in node.weights.values())

    @staticmethod
    def _named(graph: Graph, values: Outputs) -> Outputs:
        return {name: values[value] for name, value in graph.outputs}


def mutations(graph: Graph) -> Iterator[Mutation]:
    """Every mutation of a graph; those of one subject follow each other, the most telling first."""
    for name, weight in graph.weights.items():
        layer, short = name.split("/", 1)
        for change, spoilt in _spoilt(weight):
            yield Mutation(layer, short, change, replace(graph, weights={**graph.weights, name: spoilt}))
    for number, node in enumerate(graph.nodes):
        for subject, change, mutant in _mutants(node):
            nodes = [*graph.nodes[:number], mutant, *graph.nodes[number + 1 :]]
            yield Mutation(node.outputs[0], subject, change, replace(graph, nodes=nodes))
        yield from _gates_swapped(graph, node)


def _spoilt(weight: Array) -> Iterator[tuple[str, Array]]:
    """An axis read in the wrong order (a transposed or turned kernel), a tensor left out, and one not quite right."""
    for axis in (axis for axis, length in enumerate(weight.shape) if length > 1):
        yield f"reversed along axis {axis}", np.flip(weight, axis)
    yield "left out", np.zeros_like(weight)
    yield "10 % greater", weight * np.float32(1.1)


def _mutants(node: Node) -> Iterator[tuple[str, str, Node]]:
    known = attributes_of(LAYERS[node.op].compute)
    for name, value in node.attributes.items():
        # Attributes such as `filters` are facts about the weights, and not read again.
        for other in alternatives(name, value) if name in known else ():
            yield name, f"{value} -> {other}", replace(node, attributes={**node.attributes, name: other})
    swapped = [*node.inputs[1::-1], *node.inputs[2:]]
    if node.op not in COMMUTATIVE and swapped != node.inputs:
        yield "inputs", "swapped", replace(node, inputs=swapped)
    if len(node.outputs) > 1:
        yield "outputs", "swapped", replace(node, outputs=[*node.outputs[1::-1], *node.outputs[2:]])


def _gates_swapped(graph: Graph, node: Node) -> Iterator[Mutation]:
    """Recurrent weights with two neighbouring gates exchanged in all tensors: frameworks differ in their order."""
    gates = GATES.get(node.op, 1)
    for first in range(gates - 1):
        order = list(range(gates))
        order[first : first + 2] = first + 1, first
        weights = {n: _regated(graph.weights[n], order) for n in node.weights.values()}
        change = f"{first} and {first + 1} swapped"
        yield Mutation(node.outputs[0], "gates", change, replace(graph, weights={**graph.weights, **weights}))


def _regated(weight: Array, order: Sequence[int]) -> Array:
    return np.concatenate([np.split(weight, len(order))[gate] for gate in order])


def alternatives(name: str, value: Any) -> list[Any]:
    """Other values for an attribute, nearest mistakes first: what a faulty reader would make of it."""
    value = list(value) if isinstance(value, tuple) else value
    others: list[Any] = _MISTAKES[type(value)](name, value)
    return [other for i, other in enumerate(others) if other != value and other not in others[:i]]


def _other_floats(name: str, value: float) -> list[Any]:
    if name == "threshold":  # the nearest lie within the step that goes beyond it
        return [2 * value, value / 2]
    # The defaults of frameworks for epsilon lie from 1e-3 to 1e-8.
    return [10 * value, value / 100] if name == "epsilon" else [1.1 * value + 0.1]


def _other_lists(name: str, values: list[int]) -> list[Any]:
    """Axes in the wrong order, beginnings and ends mixed up, and each number one off."""
    half = len(values) // 2
    others = [values[::-1]] if name != "axes" else []
    if name in ("pad", "pads"):
        others += [values[half:] + values[:half], [0] * len(values)]
    return others + [[n + (i == j) for i, n in enumerate(values)] for j in range(len(values))]


_MISTAKES: dict[type, Callable[[str, Any], list[Any]]] = {
    bool: lambda name, value: [not value],
    int: lambda name, value: [value + 1, value - 1, 2 * value],
    float: _other_floats,
    str: lambda name, value: list(CHOICES[name]),
    list: _other_lists,
}


def telling_mutations(model: ReferenceModel, graph: Graph) -> Iterator[Mutation]:
    """Every mutation of a layer model, and the first of each subject of an architecture, which has so many."""
    tried: set[tuple[str, str]] = set()
    for mutation in mutations(graph):
        if model.kind == "architecture" and (mutation.place, mutation.subject) in tried:
            continue
        tried.add((mutation.place, mutation.subject))
        yield mutation


def judge(model: ReferenceModel, same: Same = within_tolerance) -> Iterator[Verdict]:
    """Try the telling mutations of a model."""
    graph = model.graph()
    traces = [Trace(graph, inputs) for inputs in _input_sets(model, graph)]
    for mutation in telling_mutations(model, graph):
        outcomes: set[str] = set()
        for trace in traces:
            outcomes.add(_outcome(trace, mutation.graph, same))
            if "noticed" in outcomes:
                break
        noticed = "noticed" in outcomes
        reason = "" if noticed else _reason(model, mutation, "hidden" not in outcomes)
        yield Verdict(model, mutation.name, noticed, reason)


def _input_sets(model: ReferenceModel, graph: Graph) -> Iterator[Outputs]:
    """The first sample of the first input set, which mostly suffices, then all of both static ones."""
    sets = [draw_inputs(graph, which, sizes) for which, sizes in enumerate(input_set_sizes(model, graph)[:2])]
    if all(i.shape and i.shape[0] == "batch" for i in graph.inputs):
        yield {name: array[:1] for name, array in sets[0].items()}
    yield from sets


def _outcome(trace: Trace, mutant: Graph, same: Same) -> str:
    """Whether a mutant is noticed, has no effect at all, or changes numbers but is hidden by the tolerance."""
    try:
        with np.errstate(all="ignore"):
            outputs = trace.mutated(mutant)
    except Exception:
        return "noticed"  # a mutant that cannot be computed, whatever its layers say
    if outputs is trace.outputs:
        return "no effect"
    return "hidden" if same(outputs, trace.outputs) else "noticed"


def _reason(model: ReferenceModel, mutation: Mutation, without_effect: bool) -> str:
    if without_effect and mutation.subject in WITHOUT_EFFECT:
        return WITHOUT_EFFECT[mutation.subject]
    name = f"{model.name}: {mutation.name}"
    return next((reason for pattern, reason in EXPLAINED.items() if fnmatch.fnmatchcase(name, pattern)), "")


def report(verdicts: Sequence[Verdict]) -> str:
    """A table of what was noticed in each family, then everything that was not, under its reason."""
    lines = ["family                 mutations  noticed  explained  missed"]
    for family in dict.fromkeys(v.model.family for v in verdicts):
        own = [v for v in verdicts if v.model.family == family]
        noticed, explained = sum(v.noticed for v in own), sum(bool(v.reason) for v in own)
        lines.append(f"{family:22}{len(own):10}{noticed:9}{explained:11}{len(own) - noticed - explained:8}")
    survivors = [v for v in verdicts if not v.noticed]
    for reason in sorted({v.reason for v in survivors}, reverse=True):
        lines.append(f"\n{reason or 'MISSED, and nothing explains it'}:")
        lines += [f"  {v.model.name}: {v.mutation}" for v in survivors if v.reason == reason]
    return "\n".join(lines)


def main() -> int:
    """Print the report; 1 when a mutation that is not explained was not noticed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("--models", default="*", help="pattern of the models to try")
    pattern = parser.parse_args().models
    models = [model for name, model in all_models().items() if fnmatch.fnmatchcase(name, pattern)]
    verdicts = [verdict for model in models for verdict in judge(model)]
    print(report(verdicts))
    return int(any(not v.noticed and not v.reason for v in verdicts))


if __name__ == "__main__":
    raise SystemExit(main())
