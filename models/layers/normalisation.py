"""Normalisation layers, at inference."""

from __future__ import annotations

import numpy as np

from models.layers.base import Array, layer


def _scale_and_bias(generator: np.random.Generator, shape: tuple[int, ...]) -> dict[str, Array]:
    return {"scale": generator.uniform(0.5, 1.5, shape), "bias": generator.normal(0.0, 0.5, shape)}


def _per_channel(weight: Array, rank: int) -> Array:
    return weight.reshape(-1, *[1] * (rank - 2))


def _standardised(x: Array, axes: tuple[int, ...], epsilon: float) -> Array:
    mean = x.mean(axis=axes, keepdims=True)
    return (x - mean) / np.sqrt(x.var(axis=axes, keepdims=True) + epsilon)


def _draw_batch_norm(generator: np.random.Generator, x: Array) -> dict[str, Array]:
    # Statistics as training would have left them: near those of the data, never the defaults 0 and 1. A channel that
    # varies little in these few samples will vary more in others, so its spread lies half way to that of all channels.
    axes = (0, *range(2, x.ndim))
    spread = (x.std(axis=axes) + x.std()) / 2
    return {
        **_scale_and_bias(generator, x.shape[1:2]),
        "mean": x.mean(axis=axes) + 0.2 * spread * generator.normal(size=x.shape[1]),
        "variance": spread**2 * generator.uniform(0.7, 1.5, x.shape[1]),
    }


@layer(_draw_batch_norm)
def batch_norm(
    x: Array,
    *,
    epsilon: float = 1e-3,
    scale: Array,
    bias: Array,
    mean: Array,
    variance: Array,
) -> Array:
    """(x - mean) / sqrt(variance + epsilon) * scale + bias, each per channel (axis 1); Ioffe and Szegedy, 2015."""
    r = x.ndim
    centred = (x - _per_channel(mean, r)) / np.sqrt(_per_channel(variance, r) + epsilon)
    return centred * _per_channel(scale, r) + _per_channel(bias, r)


def _draw_layer_norm(generator: np.random.Generator, x: Array, *, axis: int = -1) -> dict[str, Array]:
    return _scale_and_bias(generator, x.shape[axis:])


@layer(_draw_layer_norm)
def layer_norm(x: Array, *, axis: int = -1, epsilon: float = 1e-3, scale: Array, bias: Array) -> Array:
    """Standardise over the axes from `axis` (negative) to the last, then scale and bias of that shape; Ba, 2016."""
    return _standardised(x, tuple(range(axis, 0)), epsilon) * scale + bias


def _draw_channels(generator: np.random.Generator, x: Array) -> dict[str, Array]:
    return _scale_and_bias(generator, x.shape[1:2])


@layer(_draw_channels)
def instance_norm(x: Array, *, epsilon: float = 1e-3, scale: Array, bias: Array) -> Array:
    """Standardise each channel of each sample over its spatial axes; Ulyanov et al., 2016."""
    y = _standardised(x, tuple(range(2, x.ndim)), epsilon)
    return y * _per_channel(scale, x.ndim) + _per_channel(bias, x.ndim)


@layer(_draw_channels)
def group_norm(x: Array, *, groups: int, epsilon: float = 1e-3, scale: Array, bias: Array) -> Array:
    """Standardise over `groups` groups of consecutive channels and all space; Wu and He, 2018."""
    grouped = x.reshape(x.shape[0], groups, -1)
    y = _standardised(grouped, (2,), epsilon).reshape(x.shape)
    return y * _per_channel(scale, x.ndim) + _per_channel(bias, x.ndim)


def _draw_rms_norm(generator: np.random.Generator, x: Array) -> dict[str, Array]:
    return {"scale": generator.uniform(0.5, 1.5, x.shape[-1:])}


@layer(_draw_rms_norm)
def rms_norm(x: Array, *, epsilon: float = 1e-3, scale: Array) -> Array:
    """x / sqrt(mean(x^2) + epsilon) * scale, over the last axis; Zhang and Sennrich, 2019."""
    return x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + epsilon) * scale


@layer()
def local_response_norm(x: Array, *, size: int, alpha: float = 1e-1, beta: float = 0.75, bias: float = 1.0) -> Array:
    """x / (bias + alpha / size * sum of squares of the `size` channels around)^beta; Krizhevsky et al., 2012.

    The window holds floor((size - 1) / 2) channels before and ceil((size - 1) / 2) after, as in ONNX.
    """
    before, after = (size - 1) // 2, size // 2
    squares = np.pad(x**2, [(0, 0), (before, after)] + [(0, 0)] * (x.ndim - 2))
    total = sum(squares[:, i : i + x.shape[1]] for i in range(size))
    return x / (bias + alpha / size * total) ** beta
