"""Element-wise arithmetic and comparison, with NumPy's (and ONNX's) broadcasting."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from models.layers.activation import erf_of
from models.layers.base import Array, layer

_FUNCTIONS: tuple[tuple[str, Callable[..., Array], str], ...] = (
    ("add", np.add, "a + b."),
    ("subtract", np.subtract, "a - b."),
    ("multiply", np.multiply, "a * b."),
    ("divide", np.divide, "a / b."),
    ("power", np.power, "a to the power b."),
    ("maximum", np.maximum, "The greater of a and b."),
    ("minimum", np.minimum, "The lesser of a and b."),
    ("greater", np.greater, "a > b, as bool."),
    ("less", np.less, "a < b, as bool."),
    ("equal", np.equal, "a == b, as bool."),
    ("absolute", np.abs, "|x|."),
    ("negative", np.negative, "-x."),
    ("exp", np.exp, "e to the power x."),
    ("log", np.log, "Natural logarithm."),
    ("sqrt", np.sqrt, "Square root."),
    ("reciprocal", np.reciprocal, "1 / x."),
    ("sin", np.sin, "Sine."),
    ("cos", np.cos, "Cosine."),
    ("floor", np.floor, "Greatest whole number not above x."),
    ("ceil", np.ceil, "Least whole number not below x."),
    ("sign", np.sign, "-1, 0 or 1."),
    ("erf", erf_of, "The error function."),
)


def _enter(name: str, function: Callable[..., Array], meaning: str) -> None:
    # Wrapped, because NumPy's own functions have options that are no attributes of the layer.
    def compute(*inputs: Array) -> Array:
        return function(*inputs)

    compute.__name__, compute.__doc__ = name, meaning
    layer()(compute)


for _name, _function, _meaning in _FUNCTIONS:
    _enter(_name, _function, _meaning)


@layer()
def affine(x: Array, *, factor: float = 1.0, offset: float = 0.0) -> Array:
    """factor * x + offset, both plain numbers."""
    return factor * x + offset


@layer()
def clip(x: Array, *, low: float, high: float) -> Array:
    """x held between two plain numbers."""
    return np.clip(x, low, high)
