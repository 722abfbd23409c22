"""Convolutions over 1, 2 and 3 spatial axes, channels first, and their transposes.

Kernels, strides and dilations have one number per spatial axis; `pad` has the beginnings of all axes, then the
ends, as in ONNX: (top, left, bottom, right). The maps are cross-correlations, as in every framework.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np

from models.layers.base import Array, bias, common_part, layer

Ints = Sequence[int]


def padded(x: Array, pad: Ints, value: float = 0.0) -> Array:
    """x (batch, channels, *space) with `value` put around its spatial axes."""
    rank = len(pad) // 2
    widths = [(0, 0)] * (x.ndim - rank) + list(zip(pad[:rank], pad[rank:], strict=True))
    return np.pad(x, widths, constant_values=value)


def windows(x: Array, kernel: Ints, stride: Ints, dilation: Ints) -> Array:
    """Every window of x (batch, channels, *space): (batch, channels, *positions, *kernel), a view."""
    rank = len(kernel)
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    view = np.lib.stride_tricks.sliding_window_view(x, reach, axis=tuple(range(2, 2 + rank)))
    steps = [slice(None), slice(None), *(slice(None, None, s) for s in stride)]
    return view[tuple(steps + [slice(None, None, d) for d in dilation])]


def convolve(x: Array, weight: Array, stride: Ints, pad: Ints, dilation: Ints, groups: int) -> Array:
    """x (batch, channels, *space), weight (filters, channels / groups, *kernel) -> (batch, filters, *positions)."""
    rank = weight.ndim - 2
    view = windows(padded(x, pad), weight.shape[2:], stride, dilation)
    samples, channels, *rest = view.shape
    # One matrix product per group: (positions of all samples) x (taps of the group's channels).
    grouped = view.reshape(samples, groups, channels // groups, *rest)
    space, taps = range(3, 3 + rank), range(3 + rank, 3 + 2 * rank)
    columns = grouped.transpose(1, 0, *space, 2, *taps).reshape(groups, samples * math.prod(rest[:rank]), -1)
    y = columns @ weight.reshape(groups, weight.shape[0] // groups, -1).swapaxes(1, 2)
    y = y.reshape(groups, samples, *rest[:rank], -1)
    return np.moveaxis(y, (0, -1), (1, 2)).reshape(samples, weight.shape[0], *rest[:rank])


def convolve_transposed(
    x: Array, weight: Array, stride: Ints, pad: Ints, output_pad: Ints, dilation: Ints, groups: int
) -> Array:
    """x (batch, channels, *space), weight (channels, filters / groups, *kernel) -> (batch, filters, *larger space)."""
    rank, kernel = weight.ndim - 2, weight.shape[2:]
    whole = [
        (n - 1) * s + (k - 1) * d + 1 + o
        for n, s, k, d, o in zip(x.shape[2:], stride, kernel, dilation, output_pad, strict=True)
    ]
    samples, channels = x.shape[:2]
    y = np.zeros((samples, groups, weight.shape[1], *whole), dtype=x.dtype)
    grouped = weight.reshape(groups, channels // groups, -1).swapaxes(1, 2)
    parts = grouped @ x.reshape(samples, groups, channels // groups, -1)
    parts = parts.reshape(samples, groups, weight.shape[1], *kernel, *x.shape[2:])
    parts = np.moveaxis(parts, range(3, 3 + rank), range(rank))
    for tap in product(*map(range, kernel)):
        spread: list[Any] = [
            slice(t * d, t * d + (n - 1) * s + 1, s)
            for t, d, n, s in zip(tap, dilation, x.shape[2:], stride, strict=True)
        ]
        y[..., *spread] += parts[tap]
    y = y.reshape(samples, -1, *whole)
    crop = [slice(b, y.shape[2 + i] - e) for i, (b, e) in enumerate(zip(pad[:rank], pad[rank:], strict=True))]
    return y[(slice(None), slice(None), *crop)]


def _with_bias(y: Array, bias: Array | None) -> Array:
    return y if bias is None else y + bias.reshape(-1, *[1] * (y.ndim - 2))


def _draw_conv(transposed: bool) -> Any:
    def draw(
        generator: np.random.Generator,
        x: Array,
        *,
        filters: int,
        kernel: Ints,
        groups: int = 1,
        use_bias: bool = True,
    ) -> dict[str, Array]:
        # The variance of the output is near 1, whatever the stride and padding: these do not count here.
        outer, inner = (x.shape[1], filters // groups) if transposed else (filters, x.shape[1] // groups)
        fan_in = int(np.prod(kernel)) * (x.shape[1] // groups)
        centred = use_bias and not transposed
        common = common_part(x, 1).reshape(1, -1, *[1] * len(kernel)) * centred
        power = max(float(np.mean((x - common) ** 2)), 1e-6)
        weight = generator.normal(0.0, (fan_in * power) ** -0.5, (outer, inner, *kernel))
        weights = {"weight": weight, **({"bias": bias(generator, filters)} if use_bias else {})}
        if centred:
            window, ones = np.broadcast_to(common, (1, x.shape[1], *kernel)), (1,) * len(kernel)
            weights["bias"] -= convolve(window, weight, ones, (0, 0) * len(kernel), ones, groups).ravel()
        return weights

    return draw


def _enter(rank: int) -> None:
    ones, zeros = (1,) * rank, (0,) * rank

    def conv(
        x: Array,
        *,
        weight: Array,
        bias: Array | None = None,
        stride: Ints = ones,
        pad: Ints = zeros * 2,
        dilation: Ints = ones,
        groups: int = 1,
    ) -> Array:
        return _with_bias(convolve(x, weight, stride, pad, dilation, groups), bias)

    def conv_transpose(
        x: Array,
        *,
        weight: Array,
        bias: Array | None = None,
        stride: Ints = ones,
        pad: Ints = zeros * 2,
        output_pad: Ints = zeros,
        dilation: Ints = ones,
        groups: int = 1,
    ) -> Array:
        return _with_bias(convolve_transposed(x, weight, stride, pad, output_pad, dilation, groups), bias)

    conv.__name__ = f"conv{rank}d"
    space = f"x (batch, channels, {rank} spatial axes)"
    conv.__doc__ = f"Convolution of {space}; weight (filters, channels / groups, *kernel)."
    conv_transpose.__name__ = f"conv_transpose{rank}d"
    conv_transpose.__doc__ = f"Transpose of conv{rank}d; weight (channels, filters / groups, *kernel)."
    layer(_draw_conv(transposed=False))(conv)
    layer(_draw_conv(transposed=True))(conv_transpose)


for _rank in (1, 2, 3):
    _enter(_rank)
