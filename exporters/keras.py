"""Keras on TensorFlow, PyTorch or JAX: reference models as functional models, channels last.

The environment tells the backend. Keras's own Model.export writes them to ONNX on each of the three; on TensorFlow
tf2onnx does so too, and then the layers of TENSORFLOW are TensorFlow's own ops, as its users write them.

A value carries the order of its axes: images enter channels last and stay so through convolutions, pooling and
element-wise layers; a Permute brings back the reference order where a layer depends on it. Outputs that end channels
last are returned so, and told to the host as permutations.

Each entry of LAYERS and COMPOSED is function(*tensors, **attributes), wrapped in the layout that it needs; layers
with weights get the node first.
"""

import functools
import gc
import importlib.util
import os
import sys
import tempfile
from collections import namedtuple
from types import SimpleNamespace
from unittest import mock

import numpy as np

PACKAGES = ("keras", "tensorflow-cpu", "torch", "jax", "tf2onnx", "jax2onnx", "onnxscript", "onnx", "protobuf", "numpy")
DTYPES = ("float32", "float16", "bfloat16", "float64")

#: What this environment has: an environment of Keras holds one of them.
BACKEND = next(name for name in ("torch", "jax", "tensorflow") if importlib.util.find_spec(name))
os.environ["KERAS_BACKEND"] = BACKEND
os.environ["JAX_ENABLE_X64"] = "1"  # else the int64 of the models is int32
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

import keras  # noqa: E402 - it reads the backend when it is imported
import onnx  # noqa: E402
from keras import layers as kl  # noqa: E402
from keras import ops  # noqa: E402

if BACKEND == "tensorflow":
    import tensorflow as tf
    import tf2onnx

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
elif BACKEND == "torch":
    import torch

    torch.set_num_threads(1)
else:
    import jax

# Keras's clear_session collects garbage: without this, a quarter of a second for each model, through all of TensorFlow.
gc.collect()
gc.freeze()

#: A Keras tensor and the order of its axes: tensor = reference value.transpose(order).
Value = namedtuple("Value", "tensor order")


# -- Layouts ----------------------------------------------------------------------------------------------------------


def first(rank):
    """The order of the reference: channels before space."""
    return tuple(range(rank))


def last(rank):
    """Channels behind space: NWC, NHWC, NDHWC."""
    return first(rank)[:1] + first(rank)[2:] + first(rank)[1:2]


def arranged(value, order):
    """The value's tensor with its axes in `order`."""
    if value.order == order:
        return value.tensor
    places = [value.order.index(axis) for axis in order]
    return ops.transpose(value.tensor, places) if places[0] else kl.Permute(places[1:])(value.tensor)


def results_of(function, node, tensors, attributes):
    """All outputs of one layer, as a list."""
    results = function(*([node] if node.weights else []), *tensors, **attributes)
    return list(results) if isinstance(results, (list, tuple)) else [results]


def in_layout(name, order_of):
    """A wrapper for layers that see all their tensors, and give them, in order_of(rank)."""

    def wrap(function):
        def apply(node, *values):
            tensors = [arranged(v, order_of(len(v.order))) for v in values]
            results = results_of(function, node, tensors, node.attributes)
            return [Value(t, order_of(len(t.shape))) for t in results]

        apply.layout = name
        return apply

    return wrap


planar = in_layout("first", first)
spatial = in_layout("last", last)


def moved(attributes, order):
    """Attributes that count axes, for tensors whose axes are in `order`."""
    rank, changed = len(order), dict(attributes)
    if "axis" in attributes:
        changed["axis"] = order.index(attributes["axis"] % rank)
    if "axes" in attributes:
        changed["axes"] = [order.index(axis % rank) for axis in attributes["axes"]]
    if "pads" in attributes:
        changed["pads"] = [attributes["pads"][side * rank + axis] for side in (0, 1) for axis in order]
    return changed


def steady(function):
    """A wrapper for layers to which any order will do; axes that `function` drops are dropped from the order."""

    def apply(node, *values):
        mixed = len({len(v.order) for v in values}) > 1
        turned = [v.order for v in values if v.order != first(len(v.order))]
        orders = [first(len(v.order)) if mixed or not turned else turned[0] for v in values]
        tensors = [arranged(v, order) for v, order in zip(values, orders)]
        order = max(orders, key=len)
        results = results_of(function, node, tensors, moved(node.attributes, order))
        if len(results[0].shape) < len(order):
            rank, attributes = len(order), node.attributes
            gone = {axis % rank for axis in attributes.get("axes", [attributes.get("axis")])}
            kept = [axis for axis in order if axis not in gone]
            order = tuple(sorted(kept).index(axis) for axis in kept)
        return [Value(t, order) for t in results]

    apply.layout = "any"
    return apply


def enters_last(graph, name):
    """Whether a TensorFlow user would feed the value channels last: the first layer that minds is spatial."""
    for node in graph.nodes:
        if name in node.inputs:
            layout = BUILDERS[node.op].layout
            if layout == "last" or (layout == "any" and any(enters_last(graph, o) for o in node.outputs)):
                return True
    return False


def turned(node, x):
    """Transposition. Between the two layouts it takes no work, where the next layer wants the other one."""
    to = tuple(node.attributes["permutation"])
    rank = len(to)
    if x.order == last(rank) == to:
        return [Value(x.tensor, first(rank))]
    if x.order == first(rank) and tuple(to[i] for i in last(rank)) == first(rank) and node.feeds_spatial:
        return [Value(x.tensor, last(rank))]
    return [Value(arranged(Value(arranged(x, first(rank)), first(rank)), to), first(rank))]


turned.layout = "first"


# -- Building blocks --------------------------------------------------------------------------------------------------


def with_weights(node, make, arrays, *inputs, **options):
    """make()(*inputs) with these weights; nodes of one layer share one Keras layer (`part` tells several apart)."""
    key = (node.layer, options.pop("part", 0))
    if key not in node.made:
        node.made[key] = make()
    result = node.made[key](*inputs, **options)
    node.made[key].set_weights(arrays)
    return result


class Custom(kl.Layer):
    """A user's own layer: function(*inputs, **weights)."""

    def __init__(self, function, arrays):
        super().__init__()
        self.function = function
        self.own = {k: self.add_weight(shape=a.shape, initializer="zeros", name=k) for k, a in arrays.items()}

    def call(self, *inputs):
        return self.function(*inputs, **self.own)


class LikeInput(Custom):
    """One that says that its result has the shape of its input: with an open axis Keras may not find that out."""

    def compute_output_shape(self, shape):
        return shape


def custom(function, arranged=dict, layer=Custom):
    """function(*tensors, **attributes, **weights) as a layer of the user's own; its weights are `arranged` for it."""

    def apply(node, *inputs, **attributes):
        def call(*tensors, **weights):
            return function(*tensors, **attributes, **weights)

        arrays = arranged(node.weights)
        make = lambda: layer(call, arrays)  # noqa: E731
        return with_weights(node, make, list(arrays.values()), *inputs)

    return apply


def raw(function):
    """The backend's own op, or one that must see real tensors, as a Keras layer: function(*tensors, **attributes)."""

    def apply(*inputs, **attributes):
        return Custom(lambda *tensors: function(*tensors, **attributes), {})(*inputs)

    return apply


def named(weights, *names):
    """Those of the weights that there are."""
    return [weights[name] for name in names if name in weights]


def by_rank(name, rank):
    """The Keras layer class for 1, 2 or 3 spatial axes."""
    return getattr(kl, name % rank)


def sides(pad):
    """(begins, ends) of ONNX as Keras's pairs for each axis."""
    rank = len(pad) // 2
    return list(zip(pad[:rank], pad[rank:]))


def pairs(pad):
    """The same for Keras's layers, which take one axis without a list."""
    return sides(pad) if len(pad) > 2 else sides(pad)[0]


def surrounded(x, pad, value=0.0):
    """x with `value` around its spatial axes."""
    rank = len(pad) // 2
    if not any(pad):
        return x
    if value == 0.0:
        return by_rank("ZeroPadding%dD", rank)(pairs(pad))(x)
    return ops.pad(x, [(0, 0)] + sides(pad) + [(0, 0)], constant_values=value)


def padding_name(x, kernel, stride, pad, dilation):
    """Keras's name for a padding ("same" splits what the strides need, the greater half behind), or None."""
    if not any(pad):
        return "valid"
    for n, k, s, d, both in zip(x.shape[1:-1], kernel, stride, dilation, sides(pad)):
        reach = (k - 1) * d + 1
        if n is None and s > 1:
            return None
        total = reach - 1 if n is None else max((-(-n // s) - 1) * s + reach - n, 0)
        if both != (total // 2, total - total // 2):
            return None
    return "same"


# -- Convolution ------------------------------------------------------------------------------------------------------


def conv(node, x, filters, kernel, groups, use_bias, stride, pad, dilation):
    """Convolution; depthwise where every channel is a group of its own."""
    if max(stride) > 1 and max(dilation) > 1:
        raise NotImplementedError("Keras convolutions take strides or dilations, not both")
    padding = padding_name(x, kernel, stride, pad, dilation)
    if padding is None:
        x, padding = surrounded(x, pad), "valid"
    options = {"strides": stride, "padding": padding, "dilation_rate": dilation, "use_bias": use_bias}
    weight, rank = node.weights["weight"], len(kernel)
    taps = tuple(range(2, 2 + rank))
    if 1 < groups == x.shape[-1] and rank < 3 and len(set(stride)) == 1:
        make = lambda: by_rank("DepthwiseConv%dD", rank)(kernel, depth_multiplier=filters // groups, **options)  # noqa: E731
        weight = weight.reshape((groups, -1) + weight.shape[2:]).transpose(taps + (0, 1))
    else:
        make = lambda: by_rank("Conv%dD", rank)(filters, kernel, groups=groups, **options)  # noqa: E731
        weight = weight.transpose(taps + (1, 0))
    return with_weights(node, make, [weight] + named(node.weights, "bias"), x)


def conv_transpose(node, x, filters, kernel, groups, use_bias, stride, pad, output_pad, dilation):
    """Transposed convolution: "same" where that is what the padding says, else "valid" and cropped."""
    if groups > 1:
        raise NotImplementedError("Keras has no grouped transposed convolution")
    if max(stride) > 1 and max(dilation) > 1:
        raise NotImplementedError("Keras transposed convolutions take strides or dilations, not both")
    rank = len(kernel)
    # Padding cuts behind what output_pad adds there; only the rest of one of them is left.
    grown = [max(o - e, 0) for o, e in zip(output_pad, pad[rank:])]
    pad = list(pad[:rank]) + [max(e - o, 0) for o, e in zip(output_pad, pad[rank:])]
    excess = [(k - 1) * d + 1 - s for k, d, s in zip(kernel, dilation, stride)]
    same = not any(grown) and all(e >= 0 and both == (e // 2, e - e // 2) for e, both in zip(excess, sides(pad)))
    options = {"strides": stride, "dilation_rate": dilation, "use_bias": use_bias}
    if any(grown) or min(excess) < 0:
        options["output_padding"] = grown
    elif same:
        options["padding"] = "same"
    weight = node.weights["weight"].transpose(tuple(range(2, 2 + rank)) + (1, 0))
    make = lambda: by_rank("Conv%dDTranspose", rank)(filters, kernel, **options)  # noqa: E731
    y = with_weights(node, make, [weight] + named(node.weights, "bias"), x)
    if same or not any(pad):
        return y
    return by_rank("Cropping%dD", rank)(pairs(pad))(y)


# -- Pooling ----------------------------------------------------------------------------------------------------------


def with_overhang(x, kernel, stride, pad, dilation, ceil):
    """`pad`, its ends grown by what ceil mode's last windows need (none starts behind the input and its padding)."""
    ends = list(pad)
    for i, (n, k, s, d, both) in enumerate(zip(x.shape[1:-1], kernel, stride, dilation, sides(pad))):
        if not ceil or s == 1:
            continue
        if n is None:
            raise NotImplementedError(
                "Keras pooling has no ceil mode, and the padding for it depends on the input's size"
            )
        space, reach = n + sum(both), (k - 1) * d + 1
        positions = -(-(space - reach) // s) + 1
        positions -= (positions - 1) * s >= n + both[0]
        ends[len(kernel) + i] += max(0, (positions - 1) * s + reach - space)
    return ends


def no_dilated_pool(x, **attributes):
    raise NotImplementedError("Keras pooling has no dilation")


def max_pool(x, kernel, stride, pad, dilation, ceil, dilated=no_dilated_pool):
    """The padding is Keras's "same", or -inf put there beforehand."""
    rank = len(kernel)
    pad = with_overhang(x, kernel, stride, pad, dilation, ceil)
    padding = padding_name(x, kernel, stride, pad, dilation)
    if padding is None:
        x, padding = surrounded(x, pad, -np.inf), "valid"
    if max(dilation) == 1:
        return by_rank("MaxPooling%dD", rank)(kernel, stride, padding)(x)
    return dilated(x, kernel=kernel, stride=stride, padding=padding, dilation=dilation)


def average_pool(x, kernel, stride, pad, ceil, count_pad):
    """Keras never counts its own padding; what "same" does not cover is a mean over zeros, divided by one over ones."""
    rank = len(kernel)
    ones = (1,) * rank
    whole = with_overhang(x, kernel, stride, pad, ones, ceil)
    padding = padding_name(x, kernel, stride, whole, ones)
    if padding == "valid" or (padding == "same" and not count_pad):
        return by_rank("AveragePooling%dD", rank)(kernel, stride, padding)(x)
    mean = by_rank("AveragePooling%dD", rank)(kernel, stride)
    total = mean(surrounded(x, whole))
    if count_pad and whole == list(pad):
        return total
    extra = [w - p for w, p in zip(whole, pad)]
    counted = surrounded(surrounded(ops.ones_like(x), pad, float(count_pad)), extra)
    return total / mean(counted)


def lp_pool(x, kernel, stride, pad, p):
    """From the mean of the powers; there is no such layer in Keras."""
    mean = by_rank("AveragePooling%dD", len(kernel))(kernel, stride)
    return (mean(surrounded(ops.absolute(x) ** p, pad)) * float(np.prod(kernel))) ** (1.0 / p)


def global_lp_pool(x, p):
    return ops.sum(ops.absolute(x) ** p, axis=list(range(1, len(x.shape) - 1))) ** (1.0 / p)


# -- Normalisation and activation -------------------------------------------------------------------------------------


def prelu(node, x):
    """One slope per channel, shared over space."""
    space = list(range(1, len(x.shape) - 1))
    slope = node.weights["slope"].reshape([1] * len(space) + [-1])
    return with_weights(node, lambda: kl.PReLU(shared_axes=space or None), [slope], x)


def normalisation(make, *names):
    """A layer made from the attributes, with these weights in Keras's order."""

    def apply(node, x, **attributes):
        return with_weights(node, lambda: make(**attributes), [node.weights[name] for name in names], x)

    return apply


def local_response_norm(x, size, alpha, beta, bias):
    """From slices of the squares, the channels behind; there is no such layer in Keras."""
    channels = x.shape[-1]
    around = [(0, 0)] * (len(x.shape) - 1) + [((size - 1) // 2, size // 2)]
    squares = ops.pad(ops.square(x), around)
    total = functools.reduce(ops.add, [squares[..., i : i + channels] for i in range(size)])
    return x / (bias + alpha / size * total) ** beta


def hard_sigmoid(x, alpha, beta):
    """Keras's own has the slope 1/6 and the offset 1/2; another one is written out."""
    if abs(alpha - 1 / 6) < 1e-6 and beta == 0.5:
        return kl.Activation("hard_sigmoid")(x)
    return ops.clip(alpha * x + beta, 0.0, 1.0)


# -- Dense layers and attention ---------------------------------------------------------------------------------------


def dense(node, x, weight, bias=None, part=0):
    """Dense with the weight (units, in) of the reference."""
    make = lambda: kl.Dense(weight.shape[0], use_bias=bias is not None)  # noqa: E731
    return with_weights(node, make, [weight.T] + [b for b in (bias,) if b is not None], x, part=part)


def linear(node, x, units, use_bias):
    return dense(node, x, **node.weights)


def embedding(node, ids, entries, size):
    return with_weights(node, lambda: kl.Embedding(entries, size), [node.weights["weight"]], ids)


def maxout(node, x, units, pieces):
    """The greatest of each unit's pieces; Keras has no such layer (TensorFlow Addons had)."""
    y = dense(node, x, **node.weights)
    return ops.max(kl.Reshape(tuple(x.shape[1:-1]) + (units, pieces))(y), axis=-1)


def hierarchical_softmax(node, x, clusters, members):
    w = node.weights
    cluster = kl.Softmax()(dense(node, x, w["cluster_weight"], w["cluster_bias"], part="cluster"))
    member = dense(node, x, w["member_weight"], w["member_bias"], part="member")
    member = kl.Softmax()(kl.Reshape(tuple(x.shape[1:-1]) + (clusters, members))(member))
    return kl.Reshape(tuple(x.shape[1:-1]) + (-1,))(ops.expand_dims(cluster, -1) * member)


def dot_product_attention(q, k, v, causal):
    """Attention, which leaves the scores unscaled; keras.ops has it for several heads."""
    if len(q.shape) == 3:
        return kl.Attention()([q * q.shape[-1] ** -0.5, v, k], use_causal_mask=causal)
    heads_third = [ops.moveaxis(x, 1, 2) for x in (q, k, v)]
    return ops.moveaxis(ops.dot_product_attention(*heads_third, is_causal=causal), 2, 1)


def additive_attention(node, query, keys, units):
    """Keras's AdditiveAttention has the score; the projections are Dense layers before it."""
    w = node.weights
    q = dense(node, query, w["w_query"], part="query")
    k = dense(node, keys, w["w_key"], w["bias"], part="key")
    return with_weights(node, kl.AdditiveAttention, [w["score"]], [q, keys, k], part="score")


def multi_head_attention(node, query, keys, heads, causal):
    def of(name):
        weight, bias = node.weights["w_" + name], node.weights["b_" + name]
        return [weight.T.reshape(weight.shape[1], heads, -1), bias.reshape(heads, -1)]

    size = query.shape[-1]
    out = [node.weights["w_out"].T.reshape(heads, -1, size), node.weights["b_out"]]
    make = lambda: kl.MultiHeadAttention(heads, size // heads)  # noqa: E731
    return with_weights(node, make, of("q") + of("k") + of("v") + out, query, keys, use_causal_mask=causal)


# -- Recurrent layers -------------------------------------------------------------------------------------------------

#: The usual first weights are orthogonal, by a QR decomposition that no backend has for half of float32.
NARROW = {"recurrent_initializer": "zeros"}


def gates_as_they_are(array):
    """LSTM: input, forget, cell, output, as in the reference."""
    return array


def update_gate_first(array):
    """GRU: Keras stacks update, reset, new; the reference reset, update, new."""
    reset, update, new = np.split(array, 3)
    return np.concatenate([update, reset, new])


def recurrent_arrays(weights, which, order, two_biases):
    """Kernel, recurrent kernel and bias of one direction of one layer."""
    w_ih, w_hh, b_ih, b_hh = (order(weights[n + which]) for n in ("w_ih_", "w_hh_", "b_ih_", "b_hh_"))
    return [w_ih.T, w_hh.T, np.stack([b_ih, b_hh]) if two_biases else b_ih + b_hh]


def recurrent(make, order):
    """make(units, **options) stacked, in one direction or both."""

    def apply(node, x, units, layers, direction, sequence, **options):
        both = direction == "bidirectional"
        for level in range(layers):
            options["return_sequences"] = sequence or level < layers - 1
            one = make(units, go_backwards=direction == "reverse", **dict(NARROW, **options))
            arrays = [
                array
                for d in ("01" if both else "0")
                for array in recurrent_arrays(
                    node.weights, "%d_%s" % (level, d), order, getattr(one, "reset_after", False)
                )
            ]
            x = with_weights(node, lambda: kl.Bidirectional(one) if both else one, arrays, x, part=level)
            if direction == "reverse" and options["return_sequences"]:
                x = ops.flip(x, axis=1)
        return x

    return apply


def lstm_cell(node, x, h, c, units):
    arrays = recurrent_arrays(node.weights, "0_0", gates_as_they_are, False)
    return with_weights(node, lambda: kl.LSTMCell(units, **NARROW), arrays, x, [h, c])[1]


def gru_cell(node, x, h, units):
    arrays = recurrent_arrays(node.weights, "0_0", update_gate_first, True)
    return with_weights(node, lambda: kl.GRUCell(units, **NARROW), arrays, x, [h])[0]


# -- Control flow: layers of the user's own, by keras.ops -------------------------------------------------------------


def from_the_right(weights):
    """Weights whose matrices multiply from the right; rows of tables are looked up."""
    turn = {name for name, array in weights.items() if array.ndim == 2 and name not in ("table", "follow")}
    return {name: array.T if name in turn else array for name, array in weights.items()}


def affine_map(x, weight, bias):
    return ops.matmul(x, weight) + bias


def branch(x, weight_then, bias_then, weight_else, bias_else):
    """One of two maps of x (batch, size), by its mean."""
    return ops.cond(
        ops.mean(x) > 0,
        lambda: ops.tanh(affine_map(x, weight_then, bias_then)),
        lambda: affine_map(x, weight_else, bias_else),
    )


def forward_step(x, weight, bias):
    return x + 0.5 * ops.tanh(affine_map(x, weight, bias))


def backward_step(x, weight, bias):
    return x - 0.25 * affine_map(x, weight, bias)


def loop(x, count, weight_step, bias_step):
    """A number of steps of x (batch, size) that is an input ()."""
    return ops.fori_loop(ops.zeros_like(count), count, lambda i, x: forward_step(x, weight_step, bias_step), x)


def alternate(x, count, weight_even, bias_even, weight_odd, bias_odd):
    """Steps of two kinds in turn."""

    def step(i, x):
        even, odd = (weight_even, bias_even), (weight_odd, bias_odd)
        return ops.cond(ops.equal(i % 2, 0), lambda: forward_step(x, *even), lambda: backward_step(x, *odd))

    return ops.fori_loop(ops.zeros_like(count), count, step, x)


def iterate(x, threshold, limit, weight, bias):
    """Steps until x (batch, size) is large, or there were enough."""

    def goes_on(x):
        return ops.sqrt(ops.mean(ops.square(x))) <= threshold

    return ops.while_loop(goes_on, lambda x: affine_map(x, weight, bias), x, maximum_iterations=limit)


def scan(x, state, decay, w_in, w_state, bias, reverse=False):
    """A recurrence over the times of x (batch, time, in) from the state (batch, units): all states, and the last."""

    def step(state, x):
        state = decay * state + ops.tanh(ops.matmul(x, w_in) + ops.matmul(state, w_state) + bias)
        return state, state

    last_state, states = ops.scan(step, state, ops.swapaxes(x, 0, 1), reverse=reverse)
    return ops.swapaxes(states, 0, 1), last_state


def decoded(token, state, table, w_state, w_out, follow):
    """The next state of the decoder's cell, and the log probabilities of the tokens."""
    state = ops.tanh(ops.take(table, token, axis=0) + ops.matmul(state, w_state))
    return state, ops.log_softmax(ops.matmul(state, w_out) + ops.take(follow, token, axis=0))


def greedy_decode(start, state, vocabulary, limit, **weights):
    """Tokens (batch, limit), their log probabilities' sums, the last state; until all samples have had the token 0."""

    def goes_on(step, token, state, total, ended, tokens):
        return ops.logical_not(ops.all(ended))

    def step(step, token, state, total, ended, tokens):
        state, chances = decoded(token, state, **weights)
        best, token = ops.top_k(chances, 1)
        best, token = best[:, 0], ops.cast(token[:, 0], start.dtype)
        tokens = ops.where(ops.equal(ops.arange(0, limit, dtype="int32"), step), token[:, None], tokens)
        return step + 1, token, state, total + best, ops.logical_or(ended, ops.equal(token, 0)), tokens

    tokens = ops.tile(ops.zeros_like(start)[:, None], [1, limit])
    carried = (ops.zeros((), "int32"), start, state, ops.zeros_like(state[:, 0]), start < 0, tokens)
    _, _, state, total, _, tokens = ops.while_loop(goes_on, step, carried, maximum_iterations=limit)
    return tokens, total, state


def beam_step(scores, tokens, state, vocabulary, handicap, **weights):
    """One step of a beam search."""
    state, chances = decoded(tokens, state, **weights)
    sums = ops.expand_dims(scores + handicap, -1) + chances
    best, places = ops.top_k(ops.reshape(sums, (-1, scores.shape[1] * vocabulary)), scores.shape[1])
    state = ops.take_along_axis(state, ops.expand_dims(places // vocabulary, -1), axis=1)
    return best, ops.cast(places % vocabulary, tokens.dtype), state


def control(function):
    """An entry for a layer of the user's own with such weights."""
    return planar(custom(function, from_the_right))


# -- Shapes -----------------------------------------------------------------------------------------------------------


def reshape(x, shape):
    """Keras's Reshape where the batch stays, else an op, in a layer where it needs several sizes of its input."""
    target = [x.shape[i] if n == 0 else n for i, n in enumerate(shape)]
    if shape[0] == 0 and None not in target[1:]:
        return kl.Reshape(target[1:])(x)
    if target.count(None) + target.count(-1) == 1:
        return ops.reshape(x, [-1 if n is None else n for n in target])
    return raw(lambda t: ops.reshape(t, [ops.shape(t)[i] if n == 0 else n for i, n in enumerate(shape)]))(x)


def cut(x, axes, starts, ends, steps):
    where = [slice(None)] * len(x.shape)
    for axis, start, end, step in zip(axes, starts, ends, steps):
        where[axis] = slice(start, end, step)
    return x[tuple(where)]


def pad(x, pads, mode, value):
    if mode == "edge" and BACKEND == "tensorflow":
        raise NotImplementedError("tf.pad repeats no edges")
    return ops.pad(x, sides(pads), mode, **({"constant_values": value} if mode == "constant" else {}))


def upsample_bilinear(x, scale, corners):
    if corners != "half_pixel":
        raise NotImplementedError("Keras enlarges with half pixels only")
    return kl.UpSampling2D(scale, interpolation="bilinear")(x)


def by_blocks(x, factor):
    """The channels block by block, as depth_to_space wants them; the reference's blocks stand channel by channel."""
    return np.arange(x.shape[-1]).reshape(-1, factor**2).T.ravel()


def pixel_shuffle(x, factor):
    return ops.depth_to_space(ops.take(x, by_blocks(x, factor), axis=-1), factor)


def top_k(x, k, axis):
    """ops.top_k works on the last axis."""
    end = len(x.shape) - 1
    values, places = ops.top_k(x if axis % (end + 1) == end else ops.moveaxis(x, axis, -1), k)
    results = [values, ops.cast(places, "int64")]
    return results if axis % (end + 1) == end else [ops.moveaxis(r, -1, axis) for r in results]


def cumulative_sum(x, axis, exclusive, reverse):
    if exclusive or reverse:
        raise NotImplementedError("keras.ops.cumsum is neither exclusive nor reversed")
    return ops.cumsum(x, axis)


def split(x, axis, sizes):
    return ops.split(x, np.cumsum(sizes)[:-1].tolist(), axis=axis)


def reduction(function):
    return steady(lambda x, axes, keepdims: function(x, axis=tuple(axes), keepdims=keepdims))


def place_of(function):
    """Keras gives int32."""
    return steady(lambda x, axis, keepdims: ops.cast(function(x, axis, keepdims), "int64"))


LAYERS = {
    "conv1d": spatial(conv),
    "conv2d": spatial(conv),
    "conv3d": spatial(conv),
    "conv_transpose1d": spatial(conv_transpose),
    "conv_transpose2d": spatial(conv_transpose),
    "conv_transpose3d": spatial(conv_transpose),
    "max_pool1d": spatial(max_pool),
    "max_pool2d": spatial(max_pool),
    "max_pool3d": spatial(max_pool),
    "average_pool1d": spatial(average_pool),
    "average_pool2d": spatial(average_pool),
    "average_pool3d": spatial(average_pool),
    "global_average_pool": spatial(lambda x: by_rank("GlobalAveragePooling%dD", len(x.shape) - 2)()(x)),
    "global_max_pool": spatial(lambda x: by_rank("GlobalMaxPooling%dD", len(x.shape) - 2)()(x)),
    "adaptive_average_pool2d": spatial(lambda x, size: kl.AdaptiveAveragePooling2D(size)(x)),
    "adaptive_max_pool2d": spatial(lambda x, size: kl.AdaptiveMaxPooling2D(size)(x)),
    "batch_norm": spatial(normalisation(kl.BatchNormalization, "scale", "bias", "mean", "variance")),
    "group_norm": spatial(normalisation(kl.GroupNormalization, "scale", "bias")),
    "instance_norm": spatial(
        normalisation(lambda epsilon: kl.GroupNormalization(-1, epsilon=epsilon), "scale", "bias")
    ),
    "layer_norm": planar(
        normalisation(
            lambda axis, epsilon: kl.LayerNormalization(axis=list(range(axis, 0)), epsilon=epsilon), "scale", "bias"
        )
    ),
    "rms_norm": planar(normalisation(kl.RMSNormalization, "scale")),
    "relu": steady(lambda x: kl.ReLU()(x)),
    "leaky_relu": steady(lambda x, alpha: kl.LeakyReLU(negative_slope=alpha)(x)),
    "prelu": spatial(prelu),
    "elu": steady(lambda x, alpha: kl.ELU(alpha)(x)),
    "selu": steady(lambda x: kl.Activation("selu")(x)),
    "celu": steady(lambda x, alpha: ops.celu(x, alpha)),
    "gelu": steady(lambda x, approximate: ops.gelu(x, approximate=approximate == "tanh")),
    "silu": steady(lambda x: kl.Activation("silu")(x)),
    "mish": steady(lambda x: kl.Activation("mish")(x)),
    "hard_sigmoid": steady(hard_sigmoid),
    "hard_swish": steady(lambda x: kl.Activation("hard_swish")(x)),
    "softplus": steady(lambda x: kl.Activation("softplus")(x)),
    "softsign": steady(lambda x: kl.Activation("softsign")(x)),
    "sigmoid": steady(lambda x: kl.Activation("sigmoid")(x)),
    "tanh": steady(lambda x: kl.Activation("tanh")(x)),
    "softmax": steady(lambda x, axis: kl.Softmax(axis)(x)),
    "log_softmax": steady(lambda x, axis: ops.log_softmax(x, axis)),
    "dropout": steady(lambda x, rate: kl.Dropout(rate)(x)),
    "linear": planar(linear),
    "matmul": planar(lambda a, b, transpose_b: ops.matmul(a, ops.swapaxes(b, -1, -2) if transpose_b else b)),
    "embedding": planar(embedding),
    "dot_product_attention": planar(dot_product_attention),
    "additive_attention": planar(additive_attention),
    "multi_head_attention": planar(multi_head_attention),
    "rnn": planar(recurrent(kl.SimpleRNN, gates_as_they_are)),
    "lstm": planar(recurrent(kl.LSTM, gates_as_they_are)),
    "gru": planar(
        recurrent(lambda units, reset, **k: kl.GRU(units, reset_after=reset == "after", **k), update_gate_first)
    ),
    "lstm_cell": planar(lstm_cell),
    "gru_cell": planar(gru_cell),
    "add": steady(ops.add),
    "subtract": steady(ops.subtract),
    "multiply": steady(ops.multiply),
    "divide": steady(ops.divide),
    "power": steady(ops.power),
    "maximum": steady(ops.maximum),
    "minimum": steady(ops.minimum),
    "greater": steady(ops.greater),
    "less": steady(ops.less),
    "equal": steady(ops.equal),
    "absolute": steady(ops.absolute),
    "negative": steady(ops.negative),
    "exp": steady(ops.exp),
    "log": steady(ops.log),
    "sqrt": steady(ops.sqrt),
    "reciprocal": steady(ops.reciprocal),
    "sin": steady(ops.sin),
    "cos": steady(ops.cos),
    "floor": steady(ops.floor),
    "ceil": steady(ops.ceil),
    "sign": steady(ops.sign),
    "erf": steady(ops.erf),
    "affine": steady(lambda x, factor, offset: kl.Rescaling(factor, offset)(x)),
    "clip": steady(lambda x, low, high: ops.clip(x, low, high)),
    "reduce_sum": reduction(ops.sum),
    "reduce_mean": reduction(ops.mean),
    "reduce_max": reduction(ops.max),
    "reduce_min": reduction(ops.min),
    "reduce_prod": reduction(ops.prod),
    "reduce_l2": reduction(ops.norm),
    "reduce_log_sum_exp": reduction(ops.logsumexp),
    "arg_max": place_of(ops.argmax),
    "arg_min": place_of(ops.argmin),
    "flatten": planar(lambda x: kl.Flatten()(x)),
    "reshape": planar(reshape),
    "transpose": turned,
    # Of an open axis Keras does not know that it has one entry.
    "squeeze": steady(lambda x, axis: ops.take(x, 0, axis) if x.shape[axis] is None else ops.squeeze(x, axis)),
    "unsqueeze": planar(lambda x, axis: ops.expand_dims(x, axis)),
    "concat": steady(lambda *xs, axis: kl.Concatenate(axis)(xs)),
    "split": steady(split),
    "slice": steady(cut),
    "pad": steady(pad),
    "upsample_nearest": spatial(lambda x, scale: kl.UpSampling2D(scale)(x)),
    "upsample_bilinear": spatial(upsample_bilinear),
    "gather": planar(lambda x, ids, axis: ops.take(x, ids, axis)),
    "where": steady(ops.where),
    "one_hot": planar(lambda ids, depth: ops.one_hot(ids, depth)),
    "top_k": steady(top_k),
    "cumulative_sum": steady(cumulative_sum),
}

COMPOSED = {
    "lp_pool1d": spatial(lp_pool),
    "lp_pool2d": spatial(lp_pool),
    "lp_pool3d": spatial(lp_pool),
    "global_lp_pool": spatial(global_lp_pool),
    "local_response_norm": spatial(local_response_norm),
    "bilinear": planar(custom(lambda a, b, units, weight, bias: ops.einsum("ni,uij,nj->nu", a, weight, b) + bias)),
    "position_embedding": planar(custom(lambda x, entries, weight: x + weight[: ops.shape(x)[1]], layer=LikeInput)),
    "class_token": planar(
        custom(lambda x, weight: ops.concatenate([ops.tile(weight, [ops.shape(x)[0], 1, 1]), x], axis=1))
    ),
    "maxout": planar(maxout),
    "hierarchical_softmax": planar(hierarchical_softmax),
    "reduce_l1": reduction(lambda x, **k: ops.sum(ops.absolute(x), **k)),
    "pixel_shuffle": spatial(pixel_shuffle),
    "branch": control(branch),
    "loop": control(loop),
    "alternate": control(alternate),
    "iterate": control(iterate),
    "scan": control(scan),
    "greedy_decode": control(greedy_decode),
    "beam_step": control(beam_step),
}

BUILDERS = dict(LAYERS, **COMPOSED)


# -- TensorFlow's own ops ---------------------------------------------------------------------------------------------


def tf_dilated_pool(x, kernel, stride, padding, dilation):
    if max(stride) > 1:
        raise NotImplementedError("tf.nn.pool takes strides or dilations, not both")
    return raw(tf.nn.pool)(x, window_shape=kernel, pooling_type="MAX", padding=padding.upper(), dilations=dilation)


def tf_local_response_norm(x, size, alpha, beta, bias):
    if size % 2 == 0:
        raise NotImplementedError("tf.nn.local_response_normalization takes a radius, so odd sizes only")
    if len(x.shape) != 4:
        raise NotImplementedError("tf.nn.local_response_normalization takes images only")
    options = {"depth_radius": size // 2, "bias": bias, "alpha": alpha / size, "beta": beta}
    return raw(tf.nn.local_response_normalization)(x, **options)


def tf_upsample_bilinear(x, scale, corners):
    if corners == "half_pixel":
        return upsample_bilinear(x, scale, corners)
    align = corners == "align_corners"

    def resize(image):
        size = tf.shape(image)[1:3] * tf.constant(scale)
        return tf.compat.v1.image.resize_bilinear(image, size, align_corners=align)

    return raw(resize)(x)


def tf_pixel_shuffle(x, factor):
    return raw(lambda t: tf.nn.depth_to_space(tf.gather(t, by_blocks(x, factor), axis=-1), factor))(x)


def tf_norm(x, axis, keepdims):
    """The Euclidean norm; tf.norm takes one axis as a number, or two."""
    return raw(tf.norm)(x, axis=axis if len(axis) > 1 else axis[0], keepdims=keepdims)


def tf_place_of(function):
    """tf.argmax and tf.argmin give int64, and drop the axis."""

    def apply(x, axis, keepdims):
        place = raw(function)(x, axis=axis)
        return ops.expand_dims(place, axis) if keepdims else place

    return steady(apply)


def tf_scan(x, state, decay, w_in, w_state, bias, reverse=False):
    """By tf.scan: tf2onnx cannot write the loop that keras.ops.scan makes."""

    def step(state, x):
        return decay * state + tf.tanh(tf.matmul(x, w_in) + tf.matmul(state, w_state) + bias)

    states = tf.scan(step, tf.transpose(x, [1, 0, 2]), state, reverse=reverse)
    return tf.transpose(states, [1, 0, 2]), states[0 if reverse else -1]


def tensorflows():
    """What TensorFlow's users write with its own ops where Keras has another way, or none."""
    dilated_pool = spatial(functools.partial(max_pool, dilated=tf_dilated_pool))
    return {
        "max_pool1d": dilated_pool,
        "max_pool2d": dilated_pool,
        "max_pool3d": dilated_pool,
        "local_response_norm": spatial(tf_local_response_norm),
        "matmul": planar(lambda a, b, transpose_b: raw(tf.linalg.matmul)(a, b, transpose_b=transpose_b)),
        "reduce_l2": reduction(tf_norm),
        "arg_max": tf_place_of(tf.argmax),
        "arg_min": tf_place_of(tf.argmin),
        "cumulative_sum": steady(raw(tf.math.cumsum)),
        "upsample_bilinear": spatial(tf_upsample_bilinear),
        "pixel_shuffle": spatial(tf_pixel_shuffle),
        "scan": control(tf_scan),
        "class_token": planar(
            custom(lambda x, weight: tf.concat([tf.tile(weight, [tf.shape(x)[0], 1, 1]), x], axis=1))
        ),
    }


# -- Models -----------------------------------------------------------------------------------------------------------


def input_value(graph, described, dynamic):
    """A Keras input: channels last where a spatial layer takes it, None for a dynamic axis."""
    shape = [None if a in dynamic else graph.sizes.get(n, n) for a, n in enumerate(described.shape)]
    order = last(len(shape)) if enters_last(graph, described.name) else first(len(shape))
    shape = [shape[axis] for axis in order]
    return Value(keras.Input(batch_shape=shape, dtype=described.dtype, name=described.name), order)


def compiled(model, inputs):
    """The model's own forward pass, compiled as the backend's users compile it, over tensors in the inputs' order."""

    def call(*tensors):
        return model(list(tensors), training=False)

    if BACKEND == "tensorflow":
        return tf.function(call, input_signature=[tf.TensorSpec(t.shape, t.dtype, t.name) for t in inputs])
    return jax.jit(call) if BACKEND == "jax" else torch.no_grad()(call)


def build(graph, request):
    """The reference model as a Keras functional model, and the function that runs it."""
    keras.backend.clear_session()
    keras.config.set_floatx(request.dtype)
    builders = BUILDERS if request.exporter == "export" else dict(BUILDERS, **tensorflows())
    inputs = {i.name: input_value(graph, i, request.dynamic[i.name]) for i in graph.inputs}
    values, made = dict(inputs), {}
    for node in graph.nodes:
        node.made, node.feeds_spatial = made, any(enters_last(graph, o) for o in node.outputs)
        values.update(zip(node.outputs, builders[node.op](node, *[values[name] for name in node.inputs])))
    outputs = {o.name: values[o.value] for o in graph.outputs}
    # tf2onnx's from_keras calls the outputs after the layers that make them.
    results = {name: kl.Identity(name=name)(v.tensor) for name, v in outputs.items()}
    model = keras.Model([v.tensor for v in inputs.values()], results)
    return SimpleNamespace(keras=model, function=compiled(model, model.inputs), inputs=inputs, outputs=outputs)


def run(model, inputs):
    """The model's outputs by name, in the order of axes of the reference."""
    tensors = [ops.convert_to_tensor(inputs[name].transpose(v.order)) for name, v in model.inputs.items()]
    results = {name: ops.convert_to_numpy(tensor) for name, tensor in model.function(*tensors).items()}
    return {name: results[name].transpose(np.argsort(v.order)) for name, v in model.outputs.items()}


# -- Exporters --------------------------------------------------------------------------------------------------------


def mapping(model, proto):
    """How the file's graph inputs and outputs stand to those of the reference model: in name, else in order."""

    def told(values, entries):
        names = list(values)
        known = {e.name for e in entries} == set(names)
        pairs = [(e.name, e.name if known else name) for e, name in zip(entries, names)]
        return [{"name": e, "value": name, "permutation": list(values[name].order)} for e, name in pairs]

    return {"inputs": told(model.inputs, proto.graph.input), "outputs": told(model.outputs, proto.graph.output)}


def opset_option(request, name="opset"):
    return {} if request.opset is None else {name: request.opset}


def from_function(model, inputs, request, path):
    """tf2onnx.convert.from_function of the tf.function that runs the model."""
    specs, options = model.function.input_signature, opset_option(request)
    proto, _ = tf2onnx.convert.from_function(model.function, specs, output_path=path, **options)
    return mapping(model, proto)


def from_keras(model, inputs, request, path):
    """tf2onnx.convert.from_keras of the Keras model."""
    specs, options = model.function.input_signature, opset_option(request)
    proto, _ = tf2onnx.convert.from_keras(model.keras, specs, output_path=path, **options)
    return mapping(model, proto)


def from_saved_model(model, inputs, request, path):
    """Model.export, then `python -m tf2onnx.convert --saved-model`, whose main is called in this process."""
    signature = [list(model.function.input_signature)]
    with tempfile.TemporaryDirectory() as folder:
        model.keras.export(folder, format="tf_saved_model", verbose=False, input_signature=signature)
        line = ["tf2onnx", "--saved-model", folder, "--output", path]
        line += [word for name, n in opset_option(request).items() for word in ("--" + name, str(n))]
        with mock.patch.object(sys, "argv", line):
            tf2onnx.convert.main()
    return mapping(model, onnx.load(path))


def from_export(model, inputs, request, path):
    """Model.export, told the sizes of the inputs: without, it would make the batch dynamic and nothing else."""
    plain = keras.Model(model.keras.inputs, [model.keras.output[name] for name in model.outputs])
    signature = [[keras.InputSpec(dtype=t.dtype, shape=t.shape, name=t.name) for t in plain.inputs]]
    options = opset_option(request, "opset_version")
    plain.export(path, format="onnx", verbose=False, input_signature=signature, **options)
    return mapping(model, onnx.load(path))


EXPORTERS = {"function": from_function, "keras": from_keras, "savedmodel": from_saved_model, "export": from_export}
