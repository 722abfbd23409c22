"""Recurrent layers over x (batch, time, features), zero initial states.

Weights of layer l and direction d are named w_ih_l_d (gates * units, inputs), w_hh_l_d (gates * units, units),
b_ih_l_d and b_hh_l_d (gates * units); d is 0 for the only direction, and 1 for the backward one of a bidirectional
layer. Gates are stacked in PyTorch's order: LSTM input, forget, cell, output; GRU reset, update, new.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from models.layers.base import Array, bias, layer, sigmoid_of

#: One step: (projected input, states, w_hh, b_hh) -> new states, of which the first is the output.
Step = Callable[[Array, tuple[Array, ...], Array, Array], tuple[Array, ...]]


def _draw(gates: int) -> Any:
    def draw(
        generator: np.random.Generator, x: Array, *, units: int, layers: int = 1, direction: str = "forward"
    ) -> dict[str, Array]:
        weights, inputs = {}, x.shape[-1]
        directions = 2 if direction == "bidirectional" else 1
        for level in range(layers):
            for d in range(directions):
                rows = gates * units
                weights[f"w_ih_{level}_{d}"] = generator.normal(0.0, 1.2 * inputs**-0.5, (rows, inputs))
                weights[f"w_hh_{level}_{d}"] = generator.normal(0.0, 1.2 * units**-0.5, (rows, units))
                weights[f"b_ih_{level}_{d}"] = bias(generator, rows)
                weights[f"b_hh_{level}_{d}"] = bias(generator, rows)
            inputs = units * directions
        return weights

    return draw


def _recur(x: Array, weights: dict[str, Array], which: str, step: Step, states: int) -> Array:
    """Outputs of all times (batch, time, units) of one direction of one layer."""
    w_ih, w_hh, b_ih, b_hh = (weights[f"{name}_{which}"] for name in ("w_ih", "w_hh", "b_ih", "b_hh"))
    state = (np.zeros((x.shape[0], w_hh.shape[1]), dtype=x.dtype),) * states
    outputs = []
    for t in range(x.shape[1]):
        state = step(x[:, t] @ w_ih.T + b_ih, state, w_hh, b_hh)
        outputs.append(state[0])
    return np.stack(outputs, axis=1)


def _run(
    x: Array, weights: dict[str, Array], step: Step, states: int, layers: int, direction: str, sequence: bool
) -> Array:
    """All layers and directions: (batch, time, directions * units), or the final states (batch, directions * units)."""
    backward = {"forward": [False], "reverse": [True], "bidirectional": [False, True]}[direction]
    last: list[Array] = []
    for level in range(layers):
        outputs, last = [], []
        for d, reverse in enumerate(backward):
            y = _recur(x[:, ::-1] if reverse else x, weights, f"{level}_{d}", step, states)
            last.append(y[:, -1])
            outputs.append(y[:, ::-1] if reverse else y)
        x = np.concatenate(outputs, axis=-1)
    return x if sequence else np.concatenate(last, axis=-1)


def _rnn_step(function: Callable[[Array], Array]) -> Step:
    return lambda i, state, w_hh, b_hh: (function(i + state[0] @ w_hh.T + b_hh),)


_RNN_STEPS = {"tanh": _rnn_step(np.tanh), "relu": _rnn_step(lambda v: np.maximum(v, 0))}


def _lstm_step(i: Array, state: tuple[Array, ...], w_hh: Array, b_hh: Array) -> tuple[Array, ...]:
    gate_i, gate_f, gate_g, gate_o = np.split(i + state[0] @ w_hh.T + b_hh, 4, axis=-1)
    c = sigmoid_of(gate_f) * state[1] + sigmoid_of(gate_i) * np.tanh(gate_g)
    return sigmoid_of(gate_o) * np.tanh(c), c


def _gru_step(i: Array, state: tuple[Array, ...], w_hh: Array, b_hh: Array) -> tuple[Array, ...]:
    h = state[0]
    i_r, i_z, i_n = np.split(i, 3, axis=-1)
    h_r, h_z, h_n = np.split(h @ w_hh.T + b_hh, 3, axis=-1)
    z = sigmoid_of(i_z + h_z)
    return ((1 - z) * np.tanh(i_n + sigmoid_of(i_r + h_r) * h_n) + z * h,)


def _gru_step_reset_before(i: Array, state: tuple[Array, ...], w_hh: Array, b_hh: Array) -> tuple[Array, ...]:
    h, units = state[0], w_hh.shape[1]
    i_r, i_z, i_n = np.split(i, 3, axis=-1)
    h_r, h_z = np.split(h @ w_hh[: 2 * units].T + b_hh[: 2 * units], 2, axis=-1)
    r, z = sigmoid_of(i_r + h_r), sigmoid_of(i_z + h_z)
    n = np.tanh(i_n + (r * h) @ w_hh[2 * units :].T + b_hh[2 * units :])
    return ((1 - z) * n + z * h,)


@layer(_draw(1))
def rnn(
    x: Array,
    *,
    activation: str = "tanh",
    layers: int = 1,
    direction: str = "forward",
    sequence: bool = True,
    **weights: Array,
) -> Array:
    """h' = f(w_ih x + b_ih + w_hh h + b_hh), f tanh or relu; Elman, 1990.

    direction: forward, reverse (from the last time to the first; outputs stay in the order of time) or
    bidirectional (forward and backward outputs side by side). sequence: all times, or only the final state of the
    last layer, for each direction in the order in which it ran.
    """
    return _run(x, weights, _RNN_STEPS[activation], 1, layers, direction, sequence)


@layer(_draw(4))
def lstm(x: Array, *, layers: int = 1, direction: str = "forward", sequence: bool = True, **weights: Array) -> Array:
    """Long short-term memory; attributes as for rnn; Hochreiter and Schmidhuber, 1997; torch.nn.LSTM."""
    return _run(x, weights, _lstm_step, 2, layers, direction, sequence)


@layer(_draw(3))
def gru(
    x: Array,
    *,
    reset: str = "after",
    layers: int = 1,
    direction: str = "forward",
    sequence: bool = True,
    **weights: Array,
) -> Array:
    """Gated recurrent unit; attributes as for rnn; Cho et al., 2014.

    reset: where the reset gate r acts. "after" the product (PyTorch, cuDNN; ONNX linear_before_reset=1):
    n = tanh(i_n + r (w_hn h + b_hn)). "before" it (the paper): n = tanh(i_n + w_hn (r h) + b_hn).
    """
    step = {"after": _gru_step, "before": _gru_step_reset_before}[reset]
    return _run(x, weights, step, 1, layers, direction, sequence)


def _draw_cell(gates: int) -> Any:
    def draw(generator: np.random.Generator, x: Array, *_: Array, units: int) -> dict[str, Array]:
        return _draw(gates)(generator, x, units=units)

    return draw


@layer(_draw_cell(3))
def gru_cell(x: Array, h: Array, **weights: Array) -> Array:
    """One step of gru with reset "after": x (batch, in), state h (batch, units) -> the new state."""
    return _cell(x, (h,), weights, _gru_step)[0]


@layer(_draw_cell(4))
def lstm_cell(x: Array, h: Array, c: Array, **weights: Array) -> tuple[Array, Array]:
    """One step of lstm: x (batch, in), states h and c (batch, units) -> new h and new c."""
    new_h, new_c = _cell(x, (h, c), weights, _lstm_step)
    return new_h, new_c


def _cell(x: Array, state: tuple[Array, ...], weights: dict[str, Array], step: Step) -> tuple[Array, ...]:
    projected = x @ weights["w_ih_0_0"].T + weights["b_ih_0_0"]
    return step(projected, state, weights["w_hh_0_0"], weights["b_hh_0_0"])
