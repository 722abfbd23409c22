"""Attention layers; sequences are (batch, time, size)."""

from __future__ import annotations

import math

import numpy as np

from models.layers.base import Array, bias, layer, softmax_of, unit_variance
from models.layers.dense import linear


def _masked(scores: Array, causal: bool) -> Array:
    """Scores (..., queries, keys) with the keys after each query's own time shut out."""
    if not causal:
        return scores
    later = np.triu(np.ones(scores.shape[-2:], dtype=bool), k=1)
    return np.where(later, -np.inf, scores)


def _attend(q: Array, k: Array, v: Array, causal: bool) -> Array:
    scores = q @ np.swapaxes(k, -1, -2) / math.sqrt(q.shape[-1])
    return softmax_of(_masked(scores, causal), -1) @ v


@layer()
def dot_product_attention(q: Array, k: Array, v: Array, *, causal: bool = False) -> Array:
    """softmax(q k^T / sqrt(size)) v; causal: no query sees a later key; Vaswani et al., 2017."""
    return _attend(q, k, v, causal)


def _draw_additive(generator: np.random.Generator, query: Array, keys: Array, *, units: int) -> dict[str, Array]:
    def draw(rows: int, x: Array) -> Array:
        return unit_variance(linear, generator.normal(size=(rows, x.shape[-1])), x)

    return {
        "w_query": draw(units, query),
        "w_key": draw(units, keys),
        "bias": bias(generator, units),
        "score": generator.normal(0.0, 3.0 * units**-0.5, units),
    }


@layer(_draw_additive)
def additive_attention(query: Array, keys: Array, *, w_query: Array, w_key: Array, bias: Array, score: Array) -> Array:
    """Softmax over keys of score . tanh(w_query query + w_key key + bias), times the keys; Bahdanau et al., 2015.

    query (batch, queries, a), keys (batch, times, b); w_query (units, a), w_key (units, b), bias and score (units).
    """
    hidden = np.tanh((query @ w_query.T)[:, :, None] + (keys @ w_key.T)[:, None] + bias)
    return softmax_of(hidden @ score, -1) @ keys


def _draw_heads(
    generator: np.random.Generator, query: Array, keys: Array, *, heads: int, causal: bool = False
) -> dict[str, Array]:
    size = query.shape[-1]
    weights = {}
    for name, x in (("q", query), ("k", keys), ("v", keys)):
        weights[f"w_{name}"] = 1.5 * unit_variance(linear, generator.normal(size=(size, x.shape[-1])), x)
        weights[f"b_{name}"] = bias(generator, size)
    weights["w_out"] = generator.normal(0.0, size**-0.5, (size, size))
    weights["b_out"] = bias(generator, size)
    return weights


@layer(_draw_heads)
def multi_head_attention(
    query: Array,
    keys: Array,
    *,
    heads: int,
    causal: bool = False,
    w_q: Array,
    b_q: Array,
    w_k: Array,
    b_k: Array,
    w_v: Array,
    b_v: Array,
    w_out: Array,
    b_out: Array,
) -> Array:
    """Attention in `heads` parallel subspaces, keys serving as values too; Vaswani et al., 2017.

    query (batch, queries, size), keys (batch, times, size); each w (size, size) maps x to x w^T + b. Head h takes
    the size / heads consecutive features from h * size / heads on, as torch.nn.MultiheadAttention does.
    """

    def split(x: Array) -> Array:
        return np.swapaxes(x.reshape(*x.shape[:2], heads, -1), 1, 2)

    y = _attend(split(query @ w_q.T + b_q), split(keys @ w_k.T + b_k), split(keys @ w_v.T + b_v), causal)
    return np.swapaxes(y, 1, 2).reshape(query.shape) @ w_out.T + b_out
