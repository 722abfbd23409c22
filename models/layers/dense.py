"""Linear maps and look-up tables."""

from __future__ import annotations

import numpy as np

from models.layers.base import Array, bias, common_part, layer, softmax_of, unit_variance


def _draw_linear(generator: np.random.Generator, x: Array, *, units: int, use_bias: bool = True) -> dict[str, Array]:
    weight = generator.normal(size=(units, x.shape[-1]))
    if not use_bias:
        return {"weight": unit_variance(linear, weight, x)}
    common = common_part(x, -1)
    samples = max(x.size // x.shape[-1], 2)
    # Few samples lie nearer to their own mean than others will.
    weight = unit_variance(linear, weight, x - common) * (1 - 1 / samples) ** 0.5
    return {"weight": weight, "bias": bias(generator, units) - weight @ common}


@layer(_draw_linear)
def linear(x: Array, *, weight: Array, bias: Array | None = None) -> Array:
    """x (..., in) @ weight (units, in) transposed + bias (units)."""
    return x @ weight.T + (0 if bias is None else bias)


def _draw_bilinear(generator: np.random.Generator, a: Array, b: Array, *, units: int) -> dict[str, Array]:
    weight = generator.normal(size=(units, a.shape[-1], b.shape[-1]))
    return {"weight": unit_variance(bilinear, weight, a, b), "bias": bias(generator, units)}


@layer(_draw_bilinear)
def bilinear(a: Array, b: Array, *, weight: Array, bias: Array | None = None) -> Array:
    """y[u] = a (in1) . weight[u] (in1, in2) . b (in2) + bias[u], for each sample of the batch."""
    return np.einsum("ni,uij,nj->nu", a, weight, b, optimize=True) + (0 if bias is None else bias)


def _draw_table(generator: np.random.Generator, x: Array, *, entries: int, size: int) -> dict[str, Array]:
    return {"weight": generator.normal(size=(entries, size))}


@layer(_draw_table)
def embedding(ids: Array, *, weight: Array) -> Array:
    """Rows of weight (entries, size) chosen by ids (...) of int64: (..., size)."""
    return weight[ids]


def _draw_position(generator: np.random.Generator, x: Array, *, entries: int) -> dict[str, Array]:
    return {"weight": generator.normal(0.0, 0.5, size=(entries, x.shape[-1]))}


@layer(_draw_position)
def position_embedding(x: Array, *, weight: Array) -> Array:
    """x (batch, time, size) plus the first `time` rows of a learned table weight (entries, size)."""
    return x + weight[: x.shape[1]]


def _draw_token(generator: np.random.Generator, x: Array) -> dict[str, Array]:
    return {"weight": generator.normal(size=(1, 1, x.shape[-1]))}


@layer(_draw_token)
def class_token(x: Array, *, weight: Array) -> Array:
    """x (batch, time, size) with a learned token weight (1, 1, size) put before the first: (batch, 1 + time, size)."""
    return np.concatenate([np.broadcast_to(weight, (x.shape[0], 1, x.shape[2])), x], axis=1)


def _draw_maxout(generator: np.random.Generator, x: Array, *, units: int, pieces: int) -> dict[str, Array]:
    weight = unit_variance(linear, generator.normal(size=(units * pieces, x.shape[-1])), x)
    return {"weight": weight, "bias": bias(generator, units * pieces)}


@layer(_draw_maxout)
def maxout(x: Array, *, pieces: int, weight: Array, bias: Array) -> Array:
    """A linear map to units x pieces numbers; each unit is the greatest of its `pieces` consecutive ones.

    x (batch, in), weight (units * pieces, in), bias (units * pieces); Goodfellow et al., 2013.
    """
    y = x @ weight.T + bias
    return y.reshape(*y.shape[:-1], -1, pieces).max(axis=-1)


def _draw_hierarchy(generator: np.random.Generator, x: Array, *, clusters: int, members: int) -> dict[str, Array]:
    rows = clusters + clusters * members
    weight = 1.5 * unit_variance(linear, generator.normal(size=(rows, x.shape[-1])), x)
    return {
        "cluster_weight": weight[:clusters],
        "cluster_bias": bias(generator, clusters),
        "member_weight": weight[clusters:],
        "member_bias": bias(generator, clusters * members),
    }


@layer(_draw_hierarchy)
def hierarchical_softmax(
    x: Array,
    *,
    clusters: int,
    members: int,
    cluster_weight: Array,
    cluster_bias: Array,
    member_weight: Array,
    member_bias: Array,
) -> Array:
    """Two-level soft-max: P(class) = P(cluster) P(member | cluster); x (batch, in) -> (batch, clusters * members).

    cluster_weight (clusters, in), member_weight (clusters * members, in), cluster by cluster; Goodman, 2001.
    """
    cluster = softmax_of(x @ cluster_weight.T + cluster_bias, -1)
    member = softmax_of((x @ member_weight.T + member_bias).reshape(*x.shape[:-1], clusters, members), -1)
    return (cluster[..., None] * member).reshape(*x.shape[:-1], clusters * members)


@layer()
def matmul(a: Array, b: Array, *, transpose_b: bool = False) -> Array:
    """Matrix product over the last two axes, the others broadcast; b transposed first when asked."""
    return a @ (np.swapaxes(b, -1, -2) if transpose_b else b)
