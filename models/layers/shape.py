"""Layers that move, cut, repeat and choose numbers. Negative axes count from the back; axis 0 is the batch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.layers.base import Array, layer

Ints = Sequence[int]


@layer()
def flatten(x: Array) -> Array:
    """(batch, ...) -> (batch, product of the rest)."""
    return x.reshape(x.shape[0], -1)


@layer()
def reshape(x: Array, *, shape: Ints) -> Array:
    """x in another shape; 0 keeps the axis at that place, one -1 takes what is left, as in ONNX."""
    return x.reshape([x.shape[i] if n == 0 else n for i, n in enumerate(shape)])


@layer()
def transpose(x: Array, *, permutation: Ints) -> Array:
    """Axis i of the result is axis permutation[i] of x."""
    return x.transpose(permutation)


@layer()
def squeeze(x: Array, *, axis: int) -> Array:
    """x without `axis`, whose length is 1."""
    return x.squeeze(axis)


@layer()
def unsqueeze(x: Array, *, axis: int) -> Array:
    """x with a new axis of length 1; negative counts from the back of the result."""
    return np.expand_dims(x, axis)


@layer()
def concat(*xs: Array, axis: int) -> Array:
    """The inputs one behind the other along `axis`."""
    return np.concatenate(xs, axis=axis)


@layer()
def split(x: Array, *, axis: int, sizes: Ints) -> tuple[Array, ...]:
    """x cut along `axis` into pieces of `sizes`: as many outputs. Raises ValueError unless they add up to it."""
    if sum(sizes) != x.shape[axis]:
        raise ValueError(f"sizes {list(sizes)} do not add up to {x.shape[axis]}, the length of axis {axis}")
    return tuple(np.split(x, np.cumsum(sizes)[:-1], axis=axis))


@layer()
def slice_(x: Array, *, axes: Ints, starts: Ints, ends: Ints, steps: Ints) -> Array:
    """x[start:end:step] on each of `axes` (Python's rules; an end beyond the axis is its end)."""
    cut = [slice(None)] * x.ndim
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        cut[axis] = slice(start, end, step)
    return x[tuple(cut)]


@layer()
def pad(x: Array, *, pads: Ints, mode: str = "constant", value: float = 0.0) -> Array:
    """x with pads[i] cells before and pads[rank + i] behind axis i; mode constant (`value`), reflect or edge."""
    widths = list(zip(pads[: x.ndim], pads[x.ndim :], strict=True))
    if mode == "constant":
        return np.pad(x, widths, constant_values=value)
    return np.pad(x, widths, mode="reflect" if mode == "reflect" else "edge")


@layer()
def upsample_nearest(x: Array, *, scale: Ints) -> Array:
    """Each cell of x (batch, channels, rows, columns) repeated `scale` (rows, columns) times."""
    return x.repeat(scale[0], axis=2).repeat(scale[1], axis=3)


def _interpolation(cells: int, scale: int, corners: str) -> Array:
    """The matrix (scale * cells, cells) of linear interpolation along one axis.

    corners: where output cell i lies in the input. half_pixel: (i + 0.5) / scale - 0.5; asymmetric: i / scale;
    align_corners: i * (cells - 1) / (scale * cells - 1). Positions are held inside the input. ONNX, Resize.
    """
    i = np.arange(scale * cells, dtype=np.float64)
    place = {
        "half_pixel": (i + 0.5) / scale - 0.5,
        "asymmetric": i / scale,
        "align_corners": i * (cells - 1) / max(scale * cells - 1, 1),
    }[corners].clip(0, cells - 1)
    low = np.floor(place).astype(int)
    matrix = np.zeros((len(i), cells))
    np.add.at(matrix, (np.arange(len(i)), low), 1 - (place - low))
    np.add.at(matrix, (np.arange(len(i)), np.minimum(low + 1, cells - 1)), place - low)
    return matrix


@layer()
def upsample_bilinear(x: Array, *, scale: Ints, corners: str = "half_pixel") -> Array:
    """x (batch, channels, rows, columns) enlarged by `scale` with linear interpolation; corners: half_pixel,
    asymmetric or align_corners."""
    rows = _interpolation(x.shape[2], scale[0], corners).astype(x.dtype)
    columns = _interpolation(x.shape[3], scale[1], corners).astype(x.dtype)
    return rows @ x @ columns.T


@layer()
def pixel_shuffle(x: Array, *, factor: int) -> Array:
    """(batch, c * factor^2, h, w) -> (batch, c, h * factor, w * factor), channels c-major; Shi et al., 2016."""
    n, c, h, w = x.shape
    y = x.reshape(n, c // factor**2, factor, factor, h, w).transpose(0, 1, 4, 2, 5, 3)
    return y.reshape(n, c // factor**2, h * factor, w * factor)


@layer()
def gather(x: Array, ids: Array, *, axis: int) -> Array:
    """Slices of x along `axis` chosen by ids (any shape, int64), which takes the place of the axis."""
    return np.take(x, ids, axis=axis)


@layer()
def where(condition: Array, a: Array, b: Array) -> Array:
    """a where condition (bool) holds, b elsewhere; all three broadcast."""
    return np.where(condition, a, b)


@layer()
def one_hot(ids: Array, *, depth: int) -> Array:
    """ids (...) of int64 -> (..., depth) of 0 and 1, in float."""
    return np.eye(depth)[ids]


@layer()
def top_k(x: Array, *, k: int, axis: int = -1) -> tuple[Array, Array]:
    """The k greatest numbers along `axis`, greatest first, and their places (int64)."""
    places = np.take(np.argsort(-x, axis=axis, kind="stable"), range(k), axis=axis)
    return np.take_along_axis(x, places, axis), places


@layer()
def cumulative_sum(x: Array, *, axis: int, exclusive: bool = False, reverse: bool = False) -> Array:
    """Running sum along `axis`; exclusive: without the own number; reverse: from the last to the first."""
    y = np.flip(x, axis) if reverse else x
    total = np.cumsum(y, axis=axis)
    total = total - y if exclusive else total
    return np.flip(total, axis) if reverse else total
