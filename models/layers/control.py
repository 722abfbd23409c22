"""Layers whose meaning is control flow: a choice, loops that end by number or by what they compute, a scan.

Every decision goes through `beyond`, so that a test can watch how far each lies from its threshold.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from models.layers.base import Array, bias, layer, softmax_of


def beyond(value: float, threshold: float) -> bool:
    """Whether a number that was computed lies above a threshold."""
    return bool(value > threshold)


def best(scores: Array, k: int) -> Array:
    """Places (..., k) of the k greatest numbers of the last axis, greatest first."""
    return np.argsort(-scores, axis=-1, kind="stable")[..., :k]


def _maps(*names: str) -> Any:
    """What draws a weight and a bias for each of the square maps of these names."""

    def draw(generator: np.random.Generator, x: Array, *_: Array) -> dict[str, Array]:
        size = x.shape[-1]
        weights = {f"weight_{name}": generator.normal(0.0, size**-0.5, (size, size)) for name in names}
        return {**weights, **{f"bias_{name}": bias(generator, size) for name in names}}

    return draw


@layer(_maps("then", "else"))
def branch(x: Array, *, weight_then: Array, bias_then: Array, weight_else: Array, bias_else: Array) -> Array:
    """tanh(weight_then x + bias_then) where the mean of all of x (batch, size) is above 0, else weight_else x +
    bias_else; ONNX, If."""
    if beyond(x.mean(), 0.0):
        return np.tanh(x @ weight_then.T + bias_then)
    return x @ weight_else.T + bias_else


def _stepped(x: Array, weight: Array, bias: Array) -> Array:
    return x + 0.5 * np.tanh(x @ weight.T + bias)


@layer(_maps("step"))
def loop(x: Array, count: Array, *, weight_step: Array, bias_step: Array) -> Array:
    """x (batch, size) after `count` (int64, no axes; 0 is allowed) steps x += tanh(weight x + bias) / 2; ONNX, Loop."""
    for _ in range(int(count)):
        x = _stepped(x, weight_step, bias_step)
    return x


@layer(_maps("even", "odd"))
def alternate(
    x: Array, count: Array, *, weight_even: Array, bias_even: Array, weight_odd: Array, bias_odd: Array
) -> Array:
    """As loop, but steps 1, 3, 5 … are x -= weight_odd x + bias_odd, divided by 4; ONNX, If within Loop."""
    for step in range(int(count)):
        x = _stepped(x, weight_even, bias_even) if step % 2 == 0 else x - 0.25 * (x @ weight_odd.T + bias_odd)
    return x


#: How much the root mean square of x grows in each step of `iterate`.
_GROWTH = 1.6


def _draw_growth(generator: np.random.Generator, x: Array) -> dict[str, Array]:
    size = x.shape[-1]
    rotation = np.linalg.qr(generator.normal(size=(size, size)))[0]
    return {"weight": np.asarray(_GROWTH * rotation), "bias": np.asarray(generator.normal(0.0, 0.1, size))}


@layer(_draw_growth)
def iterate(x: Array, *, threshold: float, limit: int, weight: Array, bias: Array) -> Array:
    """x = weight x + bias until the root mean square of x (batch, size) exceeds `threshold`, at most `limit` times,
    and never where it does from the beginning; ONNX, Loop with a condition."""
    for _ in range(limit):
        if beyond(np.sqrt(np.mean(x * x)), threshold):
            break
        x = x @ weight.T + bias
    return x


def _draw_scan(generator: np.random.Generator, x: Array, state: Array) -> dict[str, Array]:
    inputs, units = x.shape[-1], state.shape[-1]
    return {
        "decay": np.asarray(generator.uniform(0.2, 0.9, units)),
        "w_in": generator.normal(0.0, inputs**-0.5, (units, inputs)),
        "w_state": generator.normal(0.0, units**-0.5, (units, units)),
        "bias": bias(generator, units),
    }


@layer(_draw_scan)
def scan(
    x: Array, state: Array, *, decay: Array, w_in: Array, w_state: Array, bias: Array, reverse: bool = False
) -> tuple[Array, Array]:
    """A recurrence of the user's own, h = decay h + tanh(w_in x_t + w_state h + bias), over the times of x (batch,
    time, in) from the state (batch, units): all states (batch, time, units), and the last. reverse: from the last time
    to the first; the states stay in the order of time. ONNX, Scan."""
    states = []
    for t in range(x.shape[1])[:: -1 if reverse else 1]:
        state = decay * state + np.tanh(x[:, t] @ w_in.T + state @ w_state.T + bias)
        states.append(state)
    return np.stack(states[:: -1 if reverse else 1], axis=1), state


def _draw_decoder(generator: np.random.Generator, vocabulary: int, units: int) -> dict[str, Array]:
    return {
        "table": generator.normal(size=(vocabulary, units)),
        "w_state": generator.normal(0.0, units**-0.5, (units, units)),
        "w_out": generator.normal(0.0, 0.9 * units**-0.5, (vocabulary, units)),
    }


def _decode(token: Array, state: Array, table: Array, w_state: Array, w_out: Array, follow: Array) -> Any:
    """The next state (..., units) of a small recurrent cell, and the log probabilities (..., vocabulary) of tokens."""
    state = np.tanh(table[token] + state @ w_state.T)
    scores = state @ w_out.T + follow[token]
    return state, np.log(softmax_of(scores, -1))


#: What `follow` adds to the score of the token that shall win: more than all the rest can make up for.
_PREFERENCE = (4.0, 6.0)


def _draw_greedy(generator: np.random.Generator, start: Array, state: Array, *, vocabulary: int) -> dict[str, Array]:
    # Token n is followed by n - 1, and the last, 0, by itself.
    follow = generator.normal(0.0, 0.3, (vocabulary, vocabulary))
    tokens = np.arange(vocabulary)
    follow[tokens, np.maximum(tokens - 1, 0)] += generator.uniform(*_PREFERENCE, vocabulary)
    return {**_draw_decoder(generator, vocabulary, state.shape[-1]), "follow": follow}


@layer(_draw_greedy)
def greedy_decode(
    start: Array, state: Array, *, limit: int, table: Array, w_state: Array, w_out: Array, follow: Array
) -> tuple[Array, Array, Array]:
    """The likeliest token after token, from `start` (batch, int64) and state (batch, units), until each sample has had
    token 0, at most `limit` of them; samples that have had it go on until then.

    One step: state = tanh(table[token] + w_state state), scores = w_out state + follow[token]; the next token is the
    first of the greatest. Returns the tokens (batch, limit), 0 where it ended before, the sum of their log
    probabilities (batch), and the last state; ONNX, Loop with a condition and a scan output.
    """
    token, total, ended = start, np.zeros_like(state[:, 0]), np.zeros(start.shape, dtype=bool)
    tokens = np.zeros((len(start), limit), dtype=np.int64)
    for step in range(limit):
        state, scores = _decode(token, state, table, w_state, w_out, follow)
        token = best(scores, 1)[:, 0]
        total = total + scores.max(axis=-1)
        tokens[:, step], ended = token, ended | (token == 0)
        if ended.all():
            break
    return tokens, total, state


#: Distance of the scores of neighbouring tokens, and what beams are behind by: no two sums are near each other.
_STEP, _HANDICAPS = 1.8, (2.7, 0.0, 4.5)


def _draw_beam(generator: np.random.Generator, scores: Array, tokens: Array, state: Array, *, vocabulary: int) -> Any:
    ranks = np.stack([generator.permutation(vocabulary) for _ in range(vocabulary)])
    drawn = _draw_decoder(generator, vocabulary, state.shape[-1])
    return {**drawn, "w_out": 0.1 * drawn["w_out"], "follow": -_STEP * ranks, "handicap": -np.array(_HANDICAPS)}


@layer(_draw_beam)
def beam_step(
    scores: Array,
    tokens: Array,
    state: Array,
    *,
    table: Array,
    w_state: Array,
    w_out: Array,
    follow: Array,
    handicap: Array,
) -> tuple[Array, Array, Array]:
    """One step of a beam search: scores (batch, beams), their last tokens (int64) and states (batch, beams, units) ->
    those of the best continuations of all beams together, best first.

    A continuation's score is its beam's, plus the beam's handicap, plus the log probability of the token by the cell
    of greedy_decode; equal scores: the first beam, then the first token.
    """
    state, chances = _decode(tokens, state, table, w_state, w_out, follow)
    sums = (scores + handicap)[..., None] + chances
    beams, vocabulary = sums.shape[1:]
    flat = sums.reshape(len(sums), -1)
    places = best(flat, beams)
    parents = places // vocabulary
    return (
        np.take_along_axis(flat, places, axis=1),
        places % vocabulary,
        np.take_along_axis(state, parents[..., None], axis=1),
    )
