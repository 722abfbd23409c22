"""Reductions over one or more axes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from models.layers.base import Array, layer


def _log_sum_exp(x: Array, axis: tuple[int, ...], keepdims: bool) -> Array:
    top = x.max(axis=axis, keepdims=True)
    y = np.log(np.exp(x - top).sum(axis=axis, keepdims=True)) + top
    return y if keepdims else y.squeeze(axis)


def _enter(name: str, reduce: Callable[..., Array], meaning: str) -> None:
    def compute(x: Array, *, axes: Sequence[int], keepdims: bool = False) -> Array:
        return reduce(x, axis=tuple(axes), keepdims=keepdims)

    compute.__name__ = f"reduce_{name}"
    compute.__doc__ = f"{meaning} over `axes`, which stay with length 1 when keepdims."
    layer()(compute)


for _name, _reduce, _meaning in (
    ("sum", np.sum, "Sum"),
    ("mean", np.mean, "Mean"),
    ("max", np.max, "Maximum"),
    ("min", np.min, "Minimum"),
    ("prod", np.prod, "Product"),
    ("l1", lambda x, **k: np.sum(np.abs(x), **k), "Sum of absolute values"),
    ("l2", lambda x, **k: np.sqrt(np.sum(x * x, **k)), "Square root of the sum of squares"),
    ("log_sum_exp", _log_sum_exp, "Logarithm of the sum of exponentials"),
):
    _enter(_name, _reduce, _meaning)


@layer()
def arg_max(x: Array, *, axis: int, keepdims: bool = False) -> Array:
    """Place (int64) of the maximum along `axis`."""
    return np.argmax(x, axis=axis, keepdims=keepdims)


@layer()
def arg_min(x: Array, *, axis: int, keepdims: bool = False) -> Array:
    """Place (int64) of the minimum along `axis`."""
    return np.argmin(x, axis=axis, keepdims=keepdims)
