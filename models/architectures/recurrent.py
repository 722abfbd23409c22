"""Recurrent networks over sequences of any length."""

from __future__ import annotations

from typing import Any

from models.architectures.blocks import classify
from models.net import Net, Value
from models.registry import reference_model


def _tokens(net: Net, name: str, shape: tuple[int | str, ...], vocabulary: int, size: int) -> Value:
    """Embedded tokens (batch, time, size) of an int64 input."""
    x: Value = net.input(name, shape, dtype="int64", high=vocabulary)
    return net.embedding(x, entries=vocabulary, size=size)


def _classify_final_state(net: Net, op: str, x: Value, classes: int, **attributes: Any) -> None:
    classify(net, net.layer(op, x, sequence=False, **attributes), classes)


@reference_model(family="recurrent", paper="Elman, 1990: Finding Structure in Time", full={"units": 150})
def rnn_classifier(net: Net, *, features: int = 6, units: int = 12, classes: int = 5) -> None:
    """A plain recurrent layer over a sequence of numbers; its final state is classified. 12 units for 150."""
    x = net.input("sequence", ("batch", "time", features))
    _classify_final_state(net, "rnn", x, classes, units=units)


@reference_model(
    family="recurrent",
    paper="Hochreiter and Schmidhuber, 1997: Long Short-Term Memory",
    full={"vocabulary": 20000, "size": 128, "units": 128},
)
def lstm_classifier(net: Net, *, vocabulary: int = 40, size: int = 8, units: int = 12, classes: int = 5) -> None:
    """Embedded tokens, one LSTM layer, its final state classified. Scaled down: 12 units for 128, 40 tokens."""
    x = _tokens(net, "tokens", ("batch", "time"), vocabulary, size)
    _classify_final_state(net, "lstm", x, classes, units=units)


@reference_model(
    family="recurrent",
    paper="Cho et al., 2014: Learning Phrase Representations using RNN Encoder-Decoder",
    full={"units": 128},
)
def gru_classifier(net: Net, *, features: int = 6, units: int = 12, classes: int = 5) -> None:
    """Two gated recurrent layers over a sequence of numbers; the final state of the upper one is classified.

    The reset gate acts after the product, as cuDNN has it. Scaled down: 12 units for 128.
    """
    x = net.input("sequence", ("batch", "time", features))
    _classify_final_state(net, "gru", x, classes, units=units, layers=2)


@reference_model(
    family="recurrent",
    paper="Graves and Schmidhuber, 2005: Framewise Phoneme Classification with Bidirectional LSTM",
    full={"vocabulary": 20000, "size": 128, "units": 64},
)
def bilstm_classifier(net: Net, *, vocabulary: int = 40, size: int = 8, units: int = 8, classes: int = 5) -> None:
    """Embedded tokens, one LSTM in each direction, both final states classified. Scaled down: 8 units for 64."""
    x = _tokens(net, "tokens", ("batch", "time"), vocabulary, size)
    _classify_final_state(net, "lstm", x, classes, units=units, direction="bidirectional")


@reference_model(
    family="recurrent",
    paper="Graves, 2013: Generating Sequences with Recurrent Neural Networks",
    full={"vocabulary": 205, "size": 205, "units": 700, "layers": 7},
)
def char_lm(net: Net, *, vocabulary: int = 30, size: int = 8, units: int = 16, layers: int = 2) -> None:
    """A character language model: stacked LSTMs, the log probability of each next character at each time.

    Scaled down: two layers of 16 units for seven of 700, 30 characters for 205, without the paper's skip connections.
    """
    x = net.lstm(_tokens(net, "characters", ("batch", "time"), vocabulary, size), units=units, layers=layers)
    net.output("log_probabilities", net.log_softmax(net.linear(x, units=vocabulary), axis=-1))


def _step(net: Net, word: Value, state: Value, annotations: Value, vocabulary: int) -> tuple[Value, Value]:
    """One step of the decoder: the next state, and the scores (batch, vocabulary) of the next word."""
    units = state.shape[-1]
    query = net.unsqueeze(state, axis=1)
    context = net.additive_attention(query, annotations, units=units, share="attention")
    seen = net.concat(word, net.squeeze(context, axis=1), axis=-1)
    state = net.gru_cell(seen, state, units=units, share="decoder")
    hidden = net.maxout(net.concat(state, seen, axis=-1), units=units, pieces=2, share="hidden")
    return state, net.linear(hidden, units=vocabulary, share="scores")


@reference_model(
    family="recurrent",
    paper="Bahdanau, Cho and Bengio, 2015: Neural Machine Translation by Jointly Learning to Align and Translate",
    full={"vocabulary": 30000, "size": 620, "units": 1000, "steps": 20},
    sizes={"batch": (2, 1, 5), "source_time": (7, 4, 11)},
)
def seq2seq_attention(net: Net, *, vocabulary: int = 20, size: int = 6, units: int = 10, steps: int = 4) -> None:
    """A bidirectional GRU encoder; a GRU decoder that attends to it, unrolled over given target words.

    Scaled down: 10 units for 1000, embeddings of 6 numbers for 620, 20 words for 30000, 4 target words. The decoder
    gets the target words of training (teacher forcing); reset gates act after the product, as cuDNN has it.
    """
    source = _tokens(net, "source", ("batch", "source_time"), vocabulary, size)
    annotations = net.gru(source, units=units, direction="bidirectional")
    _, backward = net.split(annotations, axis=-1, sizes=(units, units))
    first = net.squeeze(net.slice(backward, axes=(1,), starts=(0,), ends=(1,), steps=(1,)), axis=1)
    state = net.tanh(net.linear(first, units=units))
    words = net.split(_tokens(net, "target", ("batch", steps), vocabulary, size), axis=1, sizes=(1,) * steps)
    scores = []
    for word in words:
        state, score = _step(net, net.squeeze(word, axis=1), state, annotations, vocabulary)
        scores.append(net.unsqueeze(score, axis=1))
    net.output("log_probabilities", net.log_softmax(net.concat(*scores, axis=1), axis=-1))


@reference_model(
    family="control-flow",
    paper="Sutskever, Vinyals and Le, 2014: Sequence to Sequence Learning with Neural Networks",
    full={"vocabulary": 30000, "size": 620, "units": 1000, "limit": 50},
    sizes={"batch": (3, 1, 5), "time": (7, 4, 11)},
)
def greedy_decoder(net: Net, *, vocabulary: int = 12, size: int = 6, units: int = 10, limit: int = 6) -> None:
    """A GRU reads source tokens; from its final state a small recurrent cell writes tokens until all samples have had
    the end token, or `limit`. Scaled down: 10 units for 1000, 12 tokens for 30000; the first tokens are given.
    """
    source = _tokens(net, "source", ("batch", "time"), vocabulary, size)
    # Token n is followed by n - 1: at most 4 steps, then more than the limit.
    start = net.input("start", ("batch",), dtype="int64", low=1, high=5, shifts=(0, limit + 1, 0, limit // 2))
    state = net.tanh(net.linear(net.gru(source, units=units, sequence=False), units=units))
    tokens, score, _ = net.greedy_decode(start, state, vocabulary=vocabulary, limit=limit)
    net.output("tokens", tokens)
    net.output("score", score)
