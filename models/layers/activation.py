"""Activation functions, by elements or over one axis."""

from __future__ import annotations

import math

import numpy as np

from models.layers.base import Array, layer, sigmoid_of, softmax_of

_erf = np.vectorize(math.erf, otypes=[np.float64])


def erf_of(x: Array) -> Array:
    """The error function, exact in float64, in the precision of x."""
    return _erf(x).astype(x.dtype)


def _softplus(x: Array) -> Array:
    return np.log1p(np.exp(-np.abs(x))) + np.maximum(x, 0)


@layer()
def relu(x: Array) -> Array:
    """max(x, 0)."""
    return np.maximum(x, 0)


@layer()
def leaky_relu(x: Array, *, alpha: float = 0.1) -> Array:
    """x where positive, alpha * x elsewhere."""
    return np.where(x > 0, x, alpha * x)


def _draw_prelu(generator: np.random.Generator, x: Array) -> dict[str, Array]:
    return {"slope": generator.uniform(0.05, 0.5, x.shape[1:2])}


@layer(_draw_prelu)
def prelu(x: Array, *, slope: Array) -> Array:
    """x where positive, slope * x elsewhere, one slope per channel (axis 1); He et al., 2015."""
    return np.where(x > 0, x, slope.reshape(-1, *[1] * (x.ndim - 2)) * x)


@layer()
def elu(x: Array, *, alpha: float = 1.0) -> Array:
    """x where positive, alpha * (exp(x) - 1) elsewhere; Clevert et al., 2015."""
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


@layer()
def selu(x: Array) -> Array:
    """1.0507 * elu(x, 1.6733), with the constants of Klambauer et al., 2017."""
    return 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(np.minimum(x, 0)))


@layer()
def celu(x: Array, *, alpha: float = 1.0) -> Array:
    """max(x, 0) + min(0, alpha * (exp(x / alpha) - 1)); Barron, 2017."""
    return np.maximum(x, 0) + np.minimum(alpha * np.expm1(np.minimum(x, 0) / alpha), 0)


@layer()
def gelu(x: Array, *, approximate: str = "none") -> Array:
    """x times the normal distribution function ("none"), or its tanh approximation ("tanh"); Hendrycks, 2016."""
    if approximate == "tanh":
        return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    return 0.5 * x * (1 + erf_of(x / math.sqrt(2)))


@layer()
def silu(x: Array) -> Array:
    """x * sigmoid(x), also called swish."""
    return x * sigmoid_of(x)


@layer()
def mish(x: Array) -> Array:
    """x * tanh(softplus(x)); Misra, 2019."""
    return x * np.tanh(_softplus(x))


@layer()
def hard_sigmoid(x: Array, *, alpha: float = 1 / 6, beta: float = 0.5) -> Array:
    """min(1, max(0, alpha * x + beta))."""
    return np.clip(alpha * x + beta, 0, 1)


@layer()
def hard_swish(x: Array) -> Array:
    """x * hard_sigmoid(x, 1/6, 0.5); Howard et al., 2019."""
    return x * np.clip(x / 6 + 0.5, 0, 1)


@layer()
def softplus(x: Array) -> Array:
    """log(1 + exp(x))."""
    return _softplus(x)


@layer()
def softsign(x: Array) -> Array:
    """x / (1 + |x|)."""
    return x / (1 + np.abs(x))


@layer()
def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x))."""
    return sigmoid_of(x)


@layer()
def tanh(x: Array) -> Array:
    """The hyperbolic tangent."""
    return np.tanh(x)


@layer()
def softmax(x: Array, *, axis: int = -1) -> Array:
    """exp(x) / sum of exp(x) over one axis."""
    return softmax_of(x, axis)


@layer()
def log_softmax(x: Array, *, axis: int = -1) -> Array:
    """The logarithm of softmax, over one axis."""
    shifted = x - x.max(axis=axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))


@layer()
def dropout(x: Array, *, rate: float = 0.5) -> Array:
    """x itself: this is inference."""
    return x
