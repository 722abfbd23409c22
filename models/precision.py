"""The precisions in which a reference model is exchanged, and the numbers that each of them can hold.

Arrays of a narrow precision are kept in float32, which holds all its numbers: NumPy itself knows no bfloat16.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from models.layers.base import Array

#: What NumPy computes in; the results of each layer are then rounded to the precision itself.
HELD_IN: dict[str, Any] = {
    "float64": np.float64,
    "float32": np.float32,
    "float16": np.float32,
    "bfloat16": np.float32,
}


def held(array: Array, precision: str) -> Array:
    """The nearest numbers that `precision` has; integers and truth values are left alone."""
    if array.dtype.kind != "f":
        return array
    if precision == "float16":
        with np.errstate(over="ignore"):
            array = array.astype(np.float16)
    elif precision == "bfloat16":
        array = _bfloat16(array.astype(np.float32))
    return array.astype(HELD_IN[precision])


def _bfloat16(array: Array) -> Array:
    """float32 numbers rounded, half to even, to the upper 16 of their bits; NaN stays NaN."""
    bits = array.view(np.uint32)
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) & np.uint32(0xFFFF0000)
    return np.where(np.isnan(array), array, rounded.view(np.float32))


def exchanged(array: Array, precision: str) -> Array:
    """A weight or input as a model of `precision` has it.

    float64 gets digits that float32 cannot hold: who computes in float32 behind float64's name is to be noticed.
    """
    if precision == "float64" and array.dtype.kind == "f":
        return array.astype(np.float64) * (1 + 2.0**-26)
    return held(array, precision)
