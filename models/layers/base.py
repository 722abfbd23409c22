"""What a layer is: a NumPy function that defines its meaning, and the weights that it draws.

A layer's function takes its input arrays by position and its weights and attributes by keyword. It works in the
precision of the arrays that it is given: float64 makes the truth, float32 shows how much rounding to expect.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Compute = Callable[..., Any]
#: (generator, *input arrays, **attributes) -> {weight name: array}
DrawWeights = Callable[..., dict[str, Array]]


@dataclass(frozen=True)
class Layer:
    """One word of the vocabulary in which all reference models are written."""

    name: str
    compute: Compute
    draw_weights: DrawWeights | None

    def attributes(self, given: dict[str, Any]) -> dict[str, Any]:
        """The layer's attributes: `given`, completed by its defaults. Raises TypeError for a stranger or a lack."""
        known: dict[str, Any] = {}
        for function in (self.draw_weights, self.compute):
            if function is not None:
                known.update(attributes_of(function))
        unknown = sorted(set(given) - set(known))
        if unknown:
            raise TypeError(f"layer {self.name} has no attribute {', '.join(unknown)}; it has {sorted(known)}")
        found = {name: given.get(name, default) for name, default in known.items()}
        lacking = [name for name, value in found.items() if value is inspect.Parameter.empty]
        if lacking:
            raise TypeError(f"layer {self.name} needs {', '.join(lacking)}")
        return found

    def __call__(self, *inputs: Array, weights: dict[str, Array], attributes: dict[str, Any]) -> tuple[Array, ...]:
        """The layer's outputs, always as a tuple, in the precision of its inputs and weights."""
        wanted = attributes_of(self.compute)
        result = self.compute(*inputs, **weights, **{k: v for k, v in attributes.items() if k in wanted})
        return result if isinstance(result, tuple) else (result,)


LAYERS: dict[str, Layer] = {}


@cache
def attributes_of(function: Callable[..., Any]) -> dict[str, Any]:
    """What a layer's function takes by keyword, weights apart, and its defaults (Parameter.empty for none)."""
    parameters = inspect.signature(function).parameters.values()
    keywords = [p for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY]
    return {p.name: p.default for p in keywords if p.annotation not in ("Array", "Array | None")}


def layer(draw_weights: DrawWeights | None = None) -> Callable[[Compute], Compute]:
    """Enter the decorated function into the vocabulary under its own name (a trailing underscore is dropped)."""

    def enter(compute: Compute) -> Compute:
        name = compute.__name__.rstrip("_")
        LAYERS[name] = Layer(name, compute, draw_weights)
        return compute

    return enter


def unit_variance(compute: Compute, weight: Array, *inputs: Array, **attributes: Any) -> Array:
    """`weight`, scaled so that the layer's output has a standard deviation of 1 on these inputs.

    Keeps deep random networks from vanishing or saturating, where every implementation would seem to agree
    (layer-sequential unit-variance initialisation, Mishkin and Matas, 2016).
    """
    spread = float(np.std(compute(*inputs, weight=weight, **attributes)))
    return weight / spread if spread > 0 else weight


def common_part(x: Array, axis: int) -> Array:
    """Two thirds of the mean of x over all axes but `axis`: what a layer's bias takes off, as training would.

    Else the outputs of a deep network hardly depend on its inputs, and would hide most errors. To take all of it off
    would make the network chaotic, and rounding errors grow.
    """
    return 2 / 3 * x.mean(axis=tuple(i for i in range(x.ndim) if i != axis % x.ndim))


def bias(generator: np.random.Generator, size: int) -> Array:
    """A bias of `size` numbers, large enough that losing it is noticed."""
    return generator.normal(0.0, 0.5, size)


def normalised_axis(axis: int, rank: int) -> int:
    """`axis` counted from the front."""
    return axis % rank


def softmax_of(x: Array, axis: int) -> Array:
    """Soft-max over one axis, shifted by the maximum so that nothing overflows."""
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def sigmoid_of(x: Array) -> Array:
    """1 / (1 + exp(-x)), through tanh, which overflows nowhere."""
    return 0.5 * (1.0 + np.tanh(0.5 * x))
