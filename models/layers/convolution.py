"""Convolutions over 1, 2 and 3 spatial axes, channels first, and their transposes.

Kernels, strides and dilations have one number per spatial axis; `pad` has the beginnings of all axes, then the
ends, as in ONNX: (top, left, bottom, right). The maps are cross-correlations, as in every framework.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np

from models.layers.base import Array, bias, layer

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
    view = windows(padded(x, pad), weight.shape[2:], stride, dilation)
    rank = weight.ndim - 2
    taps = [1, *range(2 + rank, 2 + 2 * rank)]
    parts = [
        np.tensordot(xs, ws, axes=(taps, range(1, ws.ndim)))
        for xs, ws in zip(np.split(view, groups, axis=1), np.split(weight, groups), strict=True)
    ]
    return np.moveaxis(np.concatenate(parts, axis=-1), -1, 1)


def convolve_transposed(
    x: Array, weight: Array, stride: Ints, pad: Ints, output_pad: Ints, dilation: Ints, groups: int
) -> Array:
    """x (batch, channels, *space), weight (channels, filters / groups, *kernel) -> (batch, filters, *larger space)."""
    rank, kernel = weight.ndim - 2, weight.shape[2:]
    whole = [
        (n - 1) * s + (k - 1) * d + 1 + o
        for n, s, k, d, o in zip(x.shape[2:], stride, kernel, dilation, output_pad, strict=True)
    ]
    y = np.zeros((x.shape[0], weight.shape[1] * groups, *whole), dtype=x.dtype)
    for tap in product(*map(range, kernel)):
        here = weight[(slice(None), slice(None), *tap)]
        parts = [
            np.tensordot(xs, ws, axes=(1, 0))
            for xs, ws in zip(np.split(x, groups, axis=1), np.split(here, groups), strict=True)
        ]
        spread = [
            slice(t * d, t * d + (n - 1) * s + 1, s)
            for t, d, n, s in zip(tap, dilation, x.shape[2:], stride, strict=True)
        ]
        y[(slice(None), slice(None), *spread)] += np.moveaxis(np.concatenate(parts, axis=-1), -1, 1)
    crop = [slice(b, y.shape[2 + i] - e) for i, (b, e) in enumerate(zip(pad[:rank], pad[rank:], strict=True))]
    return y[(slice(None), slice(None), *crop)]


def _with_bias(y: Array, bias: Array | None) -> Array:
    return y if bias is None else y + bias.reshape(-1, *[1] * (y.ndim - 2))


def _draw_conv(compute: Any, transposed: bool) -> Any:
    def draw(
        generator: np.random.Generator,
        x: Array,
        *,
        filters: int,
        kernel: Ints,
        groups: int = 1,
        use_bias: bool = True,
    ) -> dict[str, Array]:
        # Unit variance is measured with stride 1 and no padding left out of account: near enough, and independent
        # of the other attributes, so that a mutated attribute meets the same weights.
        outer, inner = (x.shape[1], filters // groups) if transposed else (filters, x.shape[1] // groups)
        fan_in = int(np.prod(kernel)) * (x.shape[1] // groups)
        weight = generator.normal(0.0, (fan_in * max(float(np.mean(x**2)), 1e-6)) ** -0.5, (outer, inner, *kernel))
        return {"weight": weight, **({"bias": bias(generator, filters)} if use_bias else {})}

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
    conv.__doc__ = f"Convolution of x (batch, channels, {rank} spatial axes); weight (filters, channels / groups, *kernel)."
    conv_transpose.__name__ = f"conv_transpose{rank}d"
    conv_transpose.__doc__ = f"Transpose of conv{rank}d; weight (channels, filters / groups, *kernel)."
    layer(_draw_conv(conv, transposed=False))(conv)
    layer(_draw_conv(conv_transpose, transposed=True))(conv_transpose)


for _rank in (1, 2, 3):
    _enter(_rank)
