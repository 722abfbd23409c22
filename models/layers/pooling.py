"""Pooling over 1, 2 and 3 spatial axes, channels first; attributes as in models.layers.convolution."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np

from models.layers.base import Array, layer
from models.layers.convolution import Ints, padded, windows


def _overhang(space: Ints, kernel: Ints, stride: Ints, pad: Ints, dilation: Ints) -> list[int]:
    """Cells to add behind each axis so that ceil mode's last window fits.

    A window that would start behind the input and its leading padding is left out, as PyTorch and ONNX do.
    """
    rank, extra = len(kernel), []
    for i, (n, k, s, d) in enumerate(zip(space, kernel, stride, dilation, strict=True)):
        reach = (k - 1) * d + 1
        positions = -(-(n + pad[i] + pad[rank + i] - reach) // s) + 1
        if (positions - 1) * s >= n + pad[i]:
            positions -= 1
        extra.append(max(0, (positions - 1) * s + reach - (n + pad[i] + pad[rank + i])))
    return extra


def _pool_windows(
    x: Array, kernel: Ints, stride: Ints, pad: Ints, dilation: Ints, ceil: bool, fill: float, border: float
) -> Array:
    """Windows of x with `border` in the padding and `fill` in what ceil mode adds behind it."""
    x = padded(x, pad, border)
    if ceil:
        rank = len(kernel)
        space = [n - b - e for n, b, e in zip(x.shape[2:], pad[:rank], pad[rank:], strict=True)]
        x = padded(x, [0] * rank + _overhang(space, kernel, stride, pad, dilation), fill)
    return windows(x, kernel, stride, dilation)


def _enter(rank: int) -> None:
    ones, zeros, taps = (1,) * rank, (0,) * rank, tuple(range(-rank, 0))

    def max_pool(
        x: Array,
        *,
        kernel: Ints,
        stride: Ints = ones,
        pad: Ints = zeros * 2,
        dilation: Ints = ones,
        ceil: bool = False,
    ) -> Array:
        return _pool_windows(x, kernel, stride, pad, dilation, ceil, -np.inf, -np.inf).max(axis=taps)

    def average_pool(
        x: Array,
        *,
        kernel: Ints,
        stride: Ints = ones,
        pad: Ints = zeros * 2,
        ceil: bool = False,
        count_pad: bool = False,
    ) -> Array:
        total = _pool_windows(x, kernel, stride, pad, ones, ceil, 0.0, 0.0).sum(axis=taps)
        counted = _pool_windows(np.ones_like(x), kernel, stride, pad, ones, ceil, 0.0, float(count_pad)).sum(axis=taps)
        return total / counted

    def lp_pool(x: Array, *, kernel: Ints, stride: Ints = ones, pad: Ints = zeros * 2, p: int = 2) -> Array:
        return (_pool_windows(np.abs(x) ** p, kernel, stride, pad, ones, False, 0.0, 0.0).sum(axis=taps)) ** (1 / p)

    for function, meaning in (
        (max_pool, "Greatest value of each window; padding never wins"),
        (average_pool, "Mean of each window; the padding counts when count_pad, what ceil mode adds never does"),
        (lp_pool, "(sum |x|^p)^(1/p) of each window"),
    ):
        function.__name__ += f"{rank}d"
        function.__doc__ = f"{meaning}. x (batch, channels, {rank} spatial axes)."
        layer()(function)


for _rank in (1, 2, 3):
    _enter(_rank)


@layer()
def global_average_pool(x: Array) -> Array:
    """Mean over all spatial axes: (batch, channels)."""
    return x.mean(axis=tuple(range(2, x.ndim)))


@layer()
def global_max_pool(x: Array) -> Array:
    """Maximum over all spatial axes: (batch, channels)."""
    return x.max(axis=tuple(range(2, x.ndim)))


@layer()
def global_lp_pool(x: Array, *, p: int = 2) -> Array:
    """(sum |x|^p)^(1/p) over all spatial axes: (batch, channels)."""
    return (np.abs(x) ** p).sum(axis=tuple(range(2, x.ndim))) ** (1 / p)


def _adaptive(x: Array, size: Ints, reduce: Callable[..., Array]) -> Array:
    """Cell i of n covers rows floor(i * h / n) to ceil((i + 1) * h / n), as in PyTorch."""
    rows, columns = (
        [slice(i * h // n, -(-(i + 1) * h // n)) for i in range(n)] for n, h in zip(size, x.shape[2:], strict=True)
    )
    cells = [reduce(x[:, :, row, column], axis=(2, 3)) for row, column in product(rows, columns)]
    return np.stack(cells, axis=-1).reshape(*x.shape[:2], *size)


@layer()
def adaptive_average_pool2d(x: Array, *, size: Ints) -> Array:
    """Mean over a grid of `size` (rows, columns) regions that share the image as evenly as they can."""
    return _adaptive(x, size, np.mean)


@layer()
def adaptive_max_pool2d(x: Array, *, size: Ints) -> Array:
    """Maximum over a grid of `size` (rows, columns) regions that share the image as evenly as they can."""
    return _adaptive(x, size, np.max)
