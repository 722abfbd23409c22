"""What the tolerances of each precision still notice of the mutations, and how great a change they may overlook.

A mutant is computed as a right runtime of the precision computes, rounded behind each layer, and judged by the suite's
own comparison: noticed is what is WRONG. Counted are the mutants that give other floating-point numbers of the same
shape; what cannot be computed, has another shape or other integers is noticed under any tolerance.

    python tests/models/test_sensitivity_narrow.py     what is noticed and what is not, for docs/tolerances.md
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from matrix.catalogue import ROOT
from matrix.compare import TOLERANCES, WORSE, compare
from matrix.plan import SLICE
from models.catalogue import all_models
from models.layers.base import Array
from models.mutations import GATES, Mutation, Outputs, Trace, telling_mutations
from models.net import Graph, evaluate, evaluate_all, in_precision
from models.precision import HELD_IN
from models.registry import ReferenceModel
from models.store import draw_inputs, input_set_sizes

#: All models of the published precisions, but for the architectures that take seconds.
MODELS = [all_models()[n] for n in SLICE if n not in ("alexnet", "c3d", "mobilenet-v2", "squeezenet", "u-net")]
#: Of an architecture, which has so many.
MOST_MUTATIONS = 30
#: Models in which ONNX Runtime's quantiser finds nothing to quantise; as float8 it writes these alone.
UNTOUCHED = {
    "average-pool2d", "gather", "gelu", "gru", "lstm", "max-pool2d", "reduce-mean", "slice", "top-k",
    "upsample-bilinear", "upsample-nearest", "where",
}  # fmt: skip
IN_FLOAT8 = {
    "batch-norm", "concat", "conv1d", "conv2d", "conv3d", "cumulative-sum", "depthwise-conv2d", "embedding",
    "global-average-pool", "group-norm", "layer-norm", "linear",
}  # fmt: skip
#: Layers whose weights it leaves alone, or treats as activations.
KEPT = {*GATES, "rnn", "embedding"}
LEVELS = {"int8": 127, "int4": 7}
FLOAT8 = np.arange(256, dtype=np.uint8).view(ml_dtypes.float8_e4m3fn).astype(np.float32)
FLOAT8 = FLOAT8[np.isfinite(FLOAT8)]
#: What a tolerance is for, and how the numbers are rounded; "quantised" is for the quantiser itself.
ROUNDED = {**{name: name for name in (*HELD_IN, "int8", "int4", "float8")}, "quantised": "int8"}
NAMES = {"quantised": "the quantiser"}
#: Eight steps of 255, two of float8: less than that no quantised runtime is asked for.
LEAST_LOSS = {"int8": 2.0**-5, "int4": 2.0**-5, "float8": 2.0**-3}

#: The share of the mutations that each tolerance notices at least, a little below what was measured.
FLOORS = {
    "float64": 0.97, "float32": 0.99, "float16": 0.94, "bfloat16": 0.8,
    "int8": 0.83, "int4": 0.61, "float8": 0.6, "quantised": 0.49,
}  # fmt: skip
#: A change beyond this is noticed whatever it is: as a share of the scale, or of what quantising loses.
BOUNDS = {
    "float64": 2e-5, "float32": 2e-3, "float16": 0.045, "bfloat16": 0.2,
    "int8": 3.0, "int4": 3.0, "float8": 2.0, "quantised": 1.5,
}  # fmt: skip

Grid = Callable[[Array], Array]


@dataclass(frozen=True)
class Found:
    """What the comparison under one precision's tolerance says of one mutant."""

    precision: str
    model: str
    mutation: str
    status: str
    effect: float
    """How much the mutation changes an output in float64, infinity where it is noticed: as a share of the scale; for
    runtimes of quantised files, of what quantising loses."""


class QuantisedTrace(Trace):
    """A graph with QuantizeLinear and DequantizeLinear behind each layer, as ONNX Runtime's quantiser puts them.

    Activations have the scales that the graph without mutation needs, as they stand in the file that a runtime reads.
    """

    def __init__(self, graph: Graph, inputs: Outputs, grids: dict[str, Grid]) -> None:
        """grids: of each floating-point value."""
        self._grids = grids
        super().__init__(graph, inputs)

    def _held(self, name: str, array: Array) -> Array:
        return self._grids[name](array) if name in self._grids else array


def in_8_bits(seen: Array) -> Grid:
    """The nearest of 256 steps over the range of what was seen."""
    low, high = min(float(seen.min()), 0.0), max(float(seen.max()), 0.0)
    step = np.float32((high - low) / 255 or 1.0)
    zero = np.round(-low / step)
    return lambda array: (np.clip(np.round(array / step) + zero, 0, 255) - zero) * step


def in_float8(seen: Array) -> Grid:
    """The nearest number of E4M3, whose scale follows the spread of what was seen."""
    scale, most = np.float32((seen.std() or 1.0) / FLOAT8.std()), FLOAT8.max()

    def nearest(array: Array) -> Array:
        return np.clip(array / scale, -most, most).astype(ml_dtypes.float8_e4m3fn).astype(np.float32) * scale

    return nearest


def grids(graph: Graph, sets: list[Outputs], kind: str) -> dict[str, Grid]:
    """What each floating-point value of the graph is rounded to, calibrated on all input sets."""
    calibration = [evaluate_all(graph, inputs, "float32") for inputs in sets]
    make = in_float8 if kind == "float8" else in_8_bits
    return {
        name: make(np.concatenate([values[name].ravel() for values in calibration]))
        for name, array in calibration[0].items()
        if array.dtype.kind == "f"
    }


def quantised(graph: Graph, kind: str) -> Graph:
    """The graph with quantised weights, symmetric for each output; biases and recurrent weights stay as they are."""
    kept = {name for node in graph.nodes if node.op in KEPT for name in node.weights.values()}
    weights = {}
    for name, weight in graph.weights.items():
        if name in kept or weight.ndim < 2:
            weights[name] = weight
        elif kind == "float8":
            weights[name] = in_float8(weight)(weight)
        else:
            step = np.abs(weight).max(axis=tuple(range(1, weight.ndim)), keepdims=True) / LEVELS[kind]
            weights[name] = np.round(weight / step) * step
    return replace(graph, weights=weights)


def exists(model: ReferenceModel, precision: str) -> bool:
    """Whether a model is exchanged in a precision, and written by the quantiser."""
    if precision not in HELD_IN:
        return model.narrow and (model.name in IN_FLOAT8 if precision == "float8" else model.name not in UNTOUCHED)
    return model.narrow or precision in ("float64", "float32")


def input_sets(model: ReferenceModel, graph: Graph) -> list[Outputs]:
    """Those that a static file is compared on."""
    return [draw_inputs(graph, which, sizes) for which, sizes in enumerate(input_set_sizes(model, graph)[:2])]


def change(actual: Outputs, truth: Outputs) -> float:
    """The greatest difference of any output by its scale; infinity where shapes, integers or NaNs differ."""
    greatest = 0.0
    for name, right in truth.items():
        found = actual[name]
        if right.dtype.kind != "f" or found.shape != right.shape:
            greatest = max(greatest, 0.0 if np.array_equal(found, right) else np.inf)
            continue
        difference = np.abs(found - right).max() / np.abs(right).max()
        greatest = max(greatest, float(np.nan_to_num(difference, nan=np.inf)))
    return greatest


class Judge:
    """One model under one tolerance, ready to judge mutants."""

    def __init__(self, model: ReferenceModel, tolerance: str) -> None:
        """Compute the truths, and what a runtime without fault gives."""
        graph, self._tolerance, self._kind = model.graph(), tolerance, ROUNDED[tolerance]
        self.graph = in_precision(graph, self._kind) if self._kind in HELD_IN else quantised(graph, self._kind)
        sets = input_sets(model, self.graph)
        # What a quantiser is held against is the model before it came.
        self._truths = [evaluate(self.graph if self._kind in HELD_IN else graph, inputs) for inputs in sets]
        if self._kind in HELD_IN:
            self._traces = [Trace(self.graph, inputs, self._kind) for inputs in sets]
        else:
            rounded = grids(graph, sets, self._kind)
            self._traces = [QuantisedTrace(self.graph, inputs, rounded) for inputs in sets]
        self.loss = max(change(t.outputs, truth) for t, truth in zip(self._traces, self._truths, strict=True))

    def status(self, mutant: Graph) -> str:
        """The worst of both input sets; "" for what is noticed under any tolerance."""
        worst = "PASS"
        for trace, truth in zip(self._traces, self._truths, strict=True):
            try:
                actual = trace.mutated(mutant)
            except Exception:
                return ""  # whatever the layers say of it
            if change(actual, trace.outputs) == np.inf:
                return ""
            worst = max(worst, self._compared(actual, truth, trace.outputs), key=WORSE.index)
            if worst == "WRONG":
                break
        return worst

    def _compared(self, actual: Outputs, truth: Outputs, native: Outputs) -> str:
        tolerance = TOLERANCES[self._tolerance]
        if tolerance.loss:  # as in verdict.outcome
            truth, native = native, truth
        own = [native] if self._tolerance == self._kind else None  # the quantiser's own run is judged without another
        dtypes = {name: str(array.dtype) for name, array in actual.items()}
        return compare([actual], [truth], own, dtypes, [0], tolerance).status


def tried(model: ReferenceModel, graph: Graph, precision: str) -> Iterator[Mutation]:
    """The mutations to try. Under float64's tolerance even slight ones are, since all others are so great."""
    found = list(telling_mutations(model, graph))
    yield from found[:: -(-len(found) // MOST_MUTATIONS) or 1]
    if precision == "float64":
        for name, weight in graph.weights.items():
            spoilt = replace(graph, weights={**graph.weights, name: weight * 1.0001})
            place, _, subject = name.partition("/")
            yield Mutation(place, subject, "0.01 % greater", spoilt)


class Exact:
    """How much mutations of a model change it, in float64."""

    def __init__(self, model: ReferenceModel) -> None:
        """Nothing is computed before it is asked for: most mutations are noticed."""
        self._model, self._graph = model, model.graph()
        self._traces: list[Trace] = []
        self._mutants: dict[str, Graph] = {}
        self._known: dict[str, float] = {}

    def effect(self, mutation: str) -> float:
        """The greatest change of any output, by its scale."""
        if not self._traces:
            self._traces = [Trace(self._graph, inputs, "float64") for inputs in input_sets(self._model, self._graph)]
            self._mutants = {m.name: m.graph for m in tried(self._model, self._graph, "float64")}
        if mutation not in self._known:
            mutant = self._mutants[mutation]
            self._known[mutation] = max(change(trace.mutated(mutant), trace.outputs) for trace in self._traces)
        return self._known[mutation]


def found_in(model: ReferenceModel) -> Iterator[Found]:
    """What is found of the mutations of one model, in each precision in which it is exchanged."""
    exact = Exact(model)
    for precision in (p for p in ROUNDED if exists(model, p)):
        judge = Judge(model, precision)
        for mutation in tried(model, judge.graph, precision):
            status = judge.status(mutation.graph)
            effect = np.inf if status in ("", "WRONG") else exact.effect(mutation.name)
            if status and effect > 1e-12:
                unit = max(judge.loss, LEAST_LOSS[precision]) if precision in LEAST_LOSS else 1.0
                yield Found(precision, model.name, mutation.name, status, effect / unit)


@pytest.fixture(scope="module")
def everything() -> list[Found]:
    """What is found in all models."""
    return measured()


def measured() -> list[Found]:
    """What is found in all models."""
    with np.errstate(all="ignore"):
        return [found for model in MODELS for found in found_in(model)]


def row(precision: str, everything: list[Found]) -> list[Any]:
    """Precision, models, mutations, those of each status, and the greatest change that is not WRONG."""
    own = [found for found in everything if found.precision == precision]
    counts = [sum(found.status == status for found in own) for status in reversed(WORSE)]
    greatest = max((found.effect for found in own if found.status != "WRONG"), default=0.0)
    return [precision, len({found.model for found in own}), len(own), *counts, greatest]


@pytest.mark.parametrize("precision", ROUNDED)
def test_a_tolerance_notices_the_share_of_mutations_that_it_did(precision: str, everything: list[Found]) -> None:
    _, models, tries, wrong, *_ = row(precision, everything)
    assert models >= 10
    assert tries >= 80
    assert wrong / tries >= FLOORS[precision]


@pytest.mark.parametrize("precision", ROUNDED)
def test_no_great_change_is_overlooked(precision: str, everything: list[Found]) -> None:
    own = [found for found in everything if found.precision == precision and found.status != "WRONG"]
    assert not [found for found in own if found.effect > BOUNDS[precision]]


@pytest.mark.parametrize("precision", ROUNDED)
def test_the_published_table_is_what_is_measured(precision: str, everything: list[Found]) -> None:
    page = (ROOT / "docs" / "tolerances.md").read_text()
    [line] = re.findall(rf"^\| {NAMES.get(precision, precision)} \| (\d+) \| (\d+) \| (\d+) \|", page, re.MULTILINE)
    _, models, tries, wrong, *_ = row(precision, everything)
    assert [int(line[0]), int(line[1])] == [models, tries]
    assert abs(int(line[2]) - wrong) <= 0.01 * tries  # libraries for matrices round in other places


@pytest.mark.parametrize("model", [m for m in MODELS if m.name in ("linear", "conv2d", "batch-norm", "lstm", "vit")])
def test_who_computes_in_float32_under_the_name_of_float64_does_not_pass(model: ReferenceModel) -> None:
    graph = in_precision(model.graph(), "float64")
    for inputs in input_sets(model, graph):
        truth, native, narrow = evaluate(graph, inputs), evaluate(graph, inputs), evaluate(graph, inputs, "float32")
        dtypes = {name: str(array.dtype) for name, array in narrow.items()}
        assert compare([narrow], [truth], [native], dtypes, [0], TOLERANCES["float64"]).status == "IMPRECISE"


if __name__ == "__main__":
    results = measured()
    for name in ROUNDED:
        print("| {} | {} | {} | {} | {} | {} | {:.2g} |".format(*row(name, results)))
    overlooked = [found for found in results if found.status != "WRONG"]
    for found in sorted(overlooked, key=lambda found: (found.precision, -found.effect)):
        print(f"{found.precision}: {found.model}: {found.mutation}: {found.status}, {found.effect:.2g}")
