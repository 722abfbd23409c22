"""MXNet: reference models as a Gluon HybridBlock, written to ONNX by mx2onnx from the hybridized graph.

Each entry of LAYERS and COMPOSED is function(node) -> a block that the forward pass calls. LAYERS are blocks and
operators of MXNet; COMPOSED is what its users write themselves. F is mxnet.ndarray, or mxnet.symbol once hybridized.
"""

import inspect
import os
import re
import tempfile

# The engine that works in the calling thread: errors show where they arise, and a fork misses no threads.
os.environ["MXNET_ENGINE_TYPE"] = "NaiveEngine"

import mxnet as mx
import numpy as np
import onnx
from mxnet import gluon, nd
from mxnet.gluon import nn, rnn

try:
    from mxnet.onnx import export_model
except ImportError:  # before 1.9
    from mxnet.contrib.onnx import export_model

PACKAGES = ("mxnet", "onnx", "numpy")
ISOLATE = True
#: Whether its converter is that of 1.9, which takes a type for each input, and dynamic shapes.
WITH_TYPES = "dynamic" in inspect.signature(export_model).parameters
UNSUPPORTED = (
    r"No conversion function registered for op type",
    r"does not (currently )?support|not (currently )?supported",
    r"currently supports|not yet implemented",
)


# -- Entries ----------------------------------------------------------------------------------------------------------


def operator(call):
    """An entry for call(F, *arrays, **attributes)."""
    return lambda node: nn.HybridLambda(lambda F, *arrays: call(F, *arrays, **tuples(node.attributes)))


def tuples(attributes):
    """Tuples instead of lists, as MXNet's users write them: before 1.9 its converter passes over lists in silence."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in attributes.items()}


def block(make, **names):
    """An entry for the block make(node, **attributes); names: what it calls weights where that differs from ours."""
    return lambda node: loaded(make(node, **node.attributes), renamed(node.weights, names))


def composed(call):
    """An entry for call(F, *arrays, **weights and attributes)."""
    return lambda node: Composed(lambda F, *arrays, **w: call(F, *arrays, **dict(node.attributes, **w)), node.weights)


def renamed(arrays, names):
    return {names.get(name, name): array for name, array in arrays.items()}


def loaded(layer, arrays):
    """The block with these arrays as its parameters."""
    layer.initialize()
    for name, array in arrays.items():
        getattr(layer, name).set_data(nd.array(array))
    return layer


class Composed(gluon.HybridBlock):
    """A block of the user's own: call(F, *arrays, **weights)."""

    def __init__(self, call, arrays):
        super().__init__()
        self.call = call
        for name, array in arrays.items():
            setattr(self, name, self.params.get(name, shape=array.shape, init=mx.init.Zero()))
        loaded(self, arrays)

    def hybrid_forward(self, F, *arrays, **weights):
        return self.call(F, *arrays, **weights)


def chain(*blocks):
    """The blocks one behind the other."""
    layer = nn.HybridSequential()
    layer.add(*blocks)
    return layer


def of_rank(name, rank):
    """The class for that many spatial axes: Conv1D, Conv2D or Conv3D."""
    return getattr(nn, "%s%dD" % (name, rank))


# -- Broadcasting -----------------------------------------------------------------------------------------------------


def stretched(F, arrays, shapes, kept=0):
    """The arrays with all axes but the last `kept` broadcast, which where and batch_dot do not do themselves."""
    rank = max(map(len, shapes))
    result, sizes = [], [[1] * (rank - len(shape)) + list(shape) for shape in shapes]
    for array, shape in zip(arrays, shapes):
        for _ in range(rank - len(shape)):
            array = F.expand_dims(array, axis=0)
        result.append(array)
    for i, own in enumerate(sizes):
        for other, size in enumerate(sizes):
            axes = tuple(n for n in range(rank - kept) if own[n] == 1 and size[n] > 1)
            if axes:
                result[i] = F.broadcast_like(result[i], result[other], lhs_axes=axes, rhs_axes=axes)
                own = sizes[i] = [size[n] if n in axes else own[n] for n in range(rank)]
    return result


def binary(elementwise, broadcast):
    """An entry for the operator on equal shapes, or the one that broadcasts: MXNet's symbols keep them apart."""

    def entry(node):
        name = elementwise if node.input_shapes[0] == node.input_shapes[1] else broadcast
        return nn.HybridLambda(lambda F, a, b: getattr(F, name)(a, b))

    return entry


def comparison(name):
    """An entry for a comparison as bool; MXNet itself answers in the type of its inputs."""
    return operator(lambda F, a, b: F.cast(getattr(F, name)(a, b), "bool"))


def where(node):
    def call(F, condition, *values):
        # where refuses bool.
        return F.where(*stretched(F, [F.cast(condition, "float32")] + list(values), node.input_shapes))

    return nn.HybridLambda(call)


def matmul(node):
    turn, shapes = node.attributes["transpose_b"], node.input_shapes
    if len(shapes[1]) == 2:
        return nn.HybridLambda(lambda F, a, b: F.dot(a, b, transpose_b=turn))
    return nn.HybridLambda(lambda F, a, b: F.batch_dot(*stretched(F, [a, b], shapes, kept=2), transpose_b=turn))


# -- Convolution and pooling ------------------------------------------------------------------------------------------


def pads(F, x, pads, mode="constant", value=0.0):
    """x with pads[i] cells before and pads[rank + i] behind axis i."""
    rank = len(pads) // 2
    width = tuple(pads[side * rank + axis] for axis in range(rank) for side in (0, 1))
    if any(width[:2]) or (rank == 5 and any(width[2:4])) or rank not in (3, 4, 5):
        raise NotImplementedError("Pad takes 4-D and 5-D arrays only, and leaves their first two axes alone")
    if rank == 3 or any(width[2:4]):
        # An axis put in behind the batch makes room for Pad.
        padded = F.pad(F.expand_dims(x, axis=1), mode=mode, pad_width=(0, 0) + width, constant_value=value)
        return F.squeeze(padded, axis=1)
    return F.pad(x, mode=mode, pad_width=width, constant_value=value)


def paddings(pad, value=0.0):
    """The padding that a layer can do itself, and the padding blocks before it when begins and ends differ."""
    rank = len(pad) // 2
    if pad[:rank] == pad[rank:]:
        return pad[:rank], []
    whole = (0, 0) + pad[:rank] + (0, 0) + pad[rank:]
    return (0,) * rank, [nn.HybridLambda(lambda F, x: pads(F, x, whole, value=value))]


def convolution(node):
    a = tuples(node.attributes)
    padding, before = paddings(a["pad"])
    layer = of_rank("Conv", len(a["kernel"]))(
        a["filters"], a["kernel"], a["stride"], padding, a["dilation"], a["groups"],
        use_bias=a["use_bias"], in_channels=node.input_shapes[0][1],
    )  # fmt: skip
    return chain(*(before + [loaded(layer, node.weights)]))


def transposed_convolution(node):
    a = tuples(node.attributes)
    padding, uneven = paddings(a["pad"])
    layer = of_rank("Conv", len(a["kernel"])).__name__ + "Transpose"
    layer = getattr(nn, layer)(
        a["filters"], a["kernel"], a["stride"], padding, a["output_pad"], a["dilation"], a["groups"],
        use_bias=a["use_bias"], in_channels=node.input_shapes[0][1],
    )  # fmt: skip
    return chain(*([loaded(layer, node.weights)] + [nn.HybridLambda(crop(a["pad"])) for _ in uneven]))


def crop(pad):
    """A function that takes pad[i] cells before and pad[rank + i] behind spatial axis i away."""

    def call(F, x):
        rank = len(pad) // 2
        for axis in range(rank):
            x = F.slice_axis(x, axis=2 + axis, begin=pad[axis], end=-pad[rank + axis] or None)
        return x

    return call


def max_pool(node):
    a = tuples(node.attributes)
    if any(d != 1 for d in a["dilation"]):
        raise NotImplementedError("Pooling has no dilation")
    padding, before = paddings(a["pad"], float(np.finfo(np.float32).min))
    if before and a["ceil"]:
        raise NotImplementedError("a padding layer before Pooling changes which windows its convention 'full' adds")
    pool = of_rank("MaxPool", len(a["kernel"]))(a["kernel"], a["stride"], padding, ceil_mode=a["ceil"])
    return chain(*(before + [pool]))


def average_pool(node):
    a = tuples(node.attributes)
    padding, before = paddings(a["pad"])
    if before and (a["ceil"] or not a["count_pad"]):
        raise NotImplementedError("Pooling pads both ends alike; a padding layer before it counts as part of the mean")
    pool = of_rank("AvgPool", len(a["kernel"]))(
        a["kernel"], a["stride"], padding, ceil_mode=a["ceil"], count_include_pad=a["count_pad"]
    )
    return chain(*(before + [pool]))


def lp_pool(node):
    a = tuples(node.attributes)
    padding, before = paddings(a["pad"])
    options = {"kernel": a["kernel"], "stride": a["stride"], "pad": padding, "pool_type": "lp", "p_value": a["p"]}
    # Pooling raises x itself to the power p, not |x|, which is another thing for odd p.
    positive = [nn.HybridLambda("abs")] if a["p"] % 2 else []
    return chain(*(before + positive + [nn.HybridLambda(lambda F, x: F.Pooling(x, **options))]))


def global_pool(name):
    return lambda node: chain(of_rank(name, len(node.input_shapes[0]) - 2)(), nn.Flatten())


def global_lp_pool(node):
    options = {"kernel": (1,) * (len(node.input_shapes[0]) - 2), "global_pool": True, "pool_type": "lp"}
    positive = [nn.HybridLambda("abs")] if node.attributes["p"] % 2 else []
    pool = nn.HybridLambda(lambda F, x: F.Pooling(x, p_value=node.attributes["p"], **options))
    return chain(*(positive + [pool, nn.Flatten()]))


# -- Dense layers, normalisation, attention ---------------------------------------------------------------------------


def linear(node, units, use_bias):
    shape = node.input_shapes[0]
    return nn.Dense(units, use_bias=use_bias, flatten=len(shape) == 2, in_units=shape[-1])


def mapped(F, x, weight, bias, units):
    """x (..., in) mapped to (..., units)."""
    return F.FullyConnected(x, weight, bias, num_hidden=units, flatten=False)


def bilinear(node):
    units, first, second = node.weights["weight"].shape

    def call(F, a, b, weight, bias):
        table = F.reshape(F.transpose(weight, axes=(1, 0, 2)), (first, units * second))
        maps = F.reshape(F.dot(a, table), (0, units, second))
        products = F.broadcast_mul(maps, F.expand_dims(b, axis=1))
        return F.broadcast_add(F.sum(products, axis=-1), F.expand_dims(bias, axis=0))

    return Composed(call, node.weights)


def position_embedding(F, x, weight, entries):
    return F.broadcast_add(x, F.slice_like(F.expand_dims(weight, axis=0), x, axes=(1,)))


def class_token(F, x, weight):
    return F.concat(F.broadcast_like(weight, x, lhs_axes=(0,), rhs_axes=(0,)), x, dim=1)


def maxout(F, x, weight, bias, units, pieces):
    return F.max(F.reshape(mapped(F, x, weight, bias, units * pieces), (0, units, pieces)), axis=-1)


def hierarchical_softmax(F, x, cluster_weight, cluster_bias, member_weight, member_bias, clusters, members):
    cluster = F.softmax(mapped(F, x, cluster_weight, cluster_bias, clusters))
    member = F.reshape(mapped(F, x, member_weight, member_bias, clusters * members), (0, clusters, members))
    return F.reshape(F.broadcast_mul(F.expand_dims(cluster, axis=-1), F.softmax(member)), (0, -1))


def layer_norm(node):
    axis, epsilon, weights = node.attributes["axis"], node.attributes["epsilon"], node.weights
    norm = nn.LayerNorm(epsilon=epsilon, in_channels=weights["scale"].size)
    norm = loaded(norm, {"gamma": weights["scale"].ravel(), "beta": weights["bias"].ravel()})
    if axis == -1:
        return norm
    # LayerNorm works along one axis.
    kept = (0,) * (len(node.input_shapes[0]) + axis)
    flat, back = kept + (-1,), kept + weights["scale"].shape
    return chain(
        nn.HybridLambda(lambda F, x: F.reshape(x, flat)), norm, nn.HybridLambda(lambda F, x: F.reshape(x, back))
    )


def group_norm(node):
    # GroupNorm of MXNet 1.9 has one scale and one bias per group, not per channel.
    groups, shape = node.attributes["groups"], (1, -1) + (1,) * (len(node.input_shapes[0]) - 2)

    def call(F, x, scale, bias):
        grouped = F.reshape(x, (0, groups, -1))
        centred = F.broadcast_sub(grouped, F.mean(grouped, axis=-1, keepdims=True))
        variance = F.mean(F.square(centred), axis=-1, keepdims=True)
        y = F.broadcast_div(centred, F.sqrt(variance + node.attributes["epsilon"]))
        y = F.broadcast_mul(F.reshape_like(y, x), F.reshape(scale, shape))
        return F.broadcast_add(y, F.reshape(bias, shape))

    return Composed(call, node.weights)


def rms_norm(F, x, scale, epsilon):
    return F.broadcast_mul(F.broadcast_div(x, F.sqrt(F.mean(F.square(x), axis=-1, keepdims=True) + epsilon)), scale)


def local_response_norm(node):
    a = node.attributes
    if a["size"] % 2 == 0:
        raise NotImplementedError("LRN covers one channel less than an even size says")
    return nn.HybridLambda(lambda F, x: F.LRN(x, nsize=a["size"], alpha=a["alpha"], beta=a["beta"], knorm=a["bias"]))


def attend(F, q, k, v, rank, size, causal):
    """Attention of arrays with `rank` axes, the queries `size` features wide."""
    scores = F.batch_dot(q, k, transpose_b=True) / size**0.5
    if causal:
        queries, keys = (F.contrib.arange_like(scores, axis=axis) for axis in (rank - 2, rank - 1))
        later = F.broadcast_greater(F.expand_dims(keys, axis=0), F.expand_dims(queries, axis=1))
        scores = F.broadcast_sub(scores, later * 1e9)
    return F.batch_dot(F.softmax(scores), v)


def dot_product_attention(node):
    rank, size = len(node.input_shapes[0]), node.input_shapes[0][-1]
    return nn.HybridLambda(lambda F, q, k, v: attend(F, q, k, v, rank, size, node.attributes["causal"]))


def additive_attention(F, query, keys, w_query, w_key, bias, score, units):
    queries = F.expand_dims(mapped(F, query, w_query, bias, units), axis=2)
    sources = F.FullyConnected(keys, w_key, num_hidden=units, no_bias=True, flatten=False)
    hidden = F.tanh(F.broadcast_add(queries, F.expand_dims(sources, axis=1)))
    return F.batch_dot(F.softmax(F.dot(hidden, score)), keys)


def multi_head_attention(node):
    heads, causal, size = node.attributes["heads"], node.attributes["causal"], node.weights["w_out"].shape[0]

    def call(F, query, keys, w_q, b_q, w_k, b_k, w_v, b_v, w_out, b_out):
        def split(x, weight, bias):
            return F.transpose(F.reshape(mapped(F, x, weight, bias, size), (0, 0, heads, -1)), axes=(0, 2, 1, 3))

        q, k, v = split(query, w_q, b_q), split(keys, w_k, b_k), split(keys, w_v, b_v)
        y = F.transpose(attend(F, q, k, v, 4, size // heads, causal), axes=(0, 2, 1, 3))
        return mapped(F, F.reshape(y, (0, 0, -1)), w_out, b_out, size)

    return Composed(call, node.weights)


# -- Recurrent layers -------------------------------------------------------------------------------------------------


def recurrent_weights(arrays, places):
    """Weights under Gluon's names: w_ih_1_0 is l1_i2h_weight, or i2h_weight of a cell."""
    result = {}
    for name, array in arrays.items():
        kind, part, level, direction = name.split("_")
        place = "lr"[int(direction)] + level + "_" if places else ""
        result[place + {"ih": "i2h", "hh": "h2h"}[part] + {"w": "_weight", "b": "_bias"}[kind]] = array
    return result


class Recurrent(gluon.HybridBlock):
    """rnn.RNN, rnn.LSTM or rnn.GRU, of which all times or the final state of the last layer are wanted.

    states: the shape (layers * directions, 0, units) of each initial state, which follow x. Left out, they would be
    made for a batch of 0 in the symbol, which mx2onnx cannot convert.
    """

    def __init__(self, layer, direction, sequence):
        super().__init__()
        self.layer, self.direction, self.sequence = layer, direction, sequence
        self.states = [info["shape"] for info in layer.state_info(0)]

    def hybrid_forward(self, F, x, *states):
        # MXNet has no backward-only layer: time is turned round before it and behind it.
        reverse = self.direction == "reverse"
        y, states = self.layer(F.reverse(x, axis=1) if reverse else x, list(states))
        if self.sequence:
            return F.reverse(y, axis=1) if reverse else y
        rows = 2 if self.direction == "bidirectional" else 1
        last = F.slice_axis(states[0], axis=0, begin=-rows, end=None)
        return F.reshape(F.transpose(last, axes=(1, 0, 2)), (0, -1))


def recurrent(kind):
    def entry(node, units, layers, direction, sequence, reset="after", **options):
        if reset != "after":
            raise NotImplementedError("rnn.GRU applies its reset gate behind the product with the state")
        layer = kind(
            units, layers, layout="NTC", bidirectional=direction == "bidirectional",
            input_size=node.input_shapes[0][-1], **options
        )  # fmt: skip
        return Recurrent(loaded(layer, recurrent_weights(node.weights, True)), direction, sequence)

    return lambda node: entry(node, **node.attributes)


class Cell(gluon.HybridBlock):
    """A cell that returns its new states."""

    def __init__(self, cell):
        super().__init__()
        self.cell = cell

    def hybrid_forward(self, F, x, *states):
        return self.cell(x, list(states))[1]


def cell(kind):
    def entry(node):
        layer = kind(node.attributes["units"], input_size=node.input_shapes[0][-1])
        return Cell(loaded(layer, recurrent_weights(node.weights, False)))

    return entry


# -- Control flow -----------------------------------------------------------------------------------------------------
# By F.contrib.cond, while_loop and foreach, whose functions see the weights from outside.

#: More steps than any model takes.
MOST_STEPS = 10000


def affine(F, x, weight, bias=None):
    """The linear map of x by a weight (units, inputs)."""
    y = F.dot(x, weight, transpose_b=True)
    return y if bias is None else F.broadcast_add(y, bias)


def branch(F, x, weight_then, bias_then, weight_else, bias_else):
    """One of two maps of x (batch, size), by its mean."""
    return F.contrib.cond(
        F.mean(x) > 0,
        lambda: F.tanh(affine(F, x, weight_then, bias_then)),
        lambda: affine(F, x, weight_else, bias_else),
    )


def forward_step(F, x, weight, bias):
    """x += tanh(weight x + bias) / 2."""
    return x + 0.5 * F.tanh(affine(F, x, weight, bias))


def backward_step(F, x, weight, bias):
    """x -= (weight x + bias) / 4."""
    return x - 0.25 * affine(F, x, weight, bias)


def repeated(F, x, count, step):
    """step(place, x) -> x, `count` times; a while_loop must be told its greatest number of steps."""
    first = [F.zeros((1,)), x]
    # An array without axes takes one, lest its shape pass for unknown.
    count = F.cast(F.reshape(count, (1,)), "float32")
    return F.contrib.while_loop(
        lambda place, x: F.broadcast_lesser(place, count),
        lambda place, x: ([], [place + 1, step(place, x)]),
        first,
        max_iterations=MOST_STEPS,
    )[1][1]


def loop(F, x, count, weight_step, bias_step):
    """A number of steps of x (batch, size) that is an input ()."""
    return repeated(F, x, count, lambda place, x: forward_step(F, x, weight_step, bias_step))


def alternate(F, x, count, weight_even, bias_even, weight_odd, bias_odd):
    """Steps of two kinds in turn."""

    def step(place, x):
        return F.contrib.cond(
            place % 2 == 0,
            lambda: forward_step(F, x, weight_even, bias_even),
            lambda: backward_step(F, x, weight_odd, bias_odd),
        )

    return repeated(F, x, count, step)


def iterate(F, x, weight, bias, threshold, limit):
    """Steps until x (batch, size) is large, or there were enough."""

    def body(x):
        x = affine(F, x, weight, bias)
        return x, [x]

    return F.contrib.while_loop(lambda x: F.sqrt(F.mean(x * x)) <= threshold, body, [x], max_iterations=limit)[1][0]


def scan(F, x, state, decay, w_in, w_state, bias, reverse):
    """A recurrence over the times of x (batch, time, in) from the state (batch, units): all states, and the last."""

    def step(x, state):
        new = F.tanh(F.broadcast_add(affine(F, x, w_in) + affine(F, state, w_state), bias))
        state = F.broadcast_mul(state, decay) + new
        return state, state

    x = F.transpose(x, axes=(1, 0, 2))
    states, last = F.contrib.foreach(step, F.reverse(x, axis=0) if reverse else x, state)
    return F.transpose(F.reverse(states, axis=0) if reverse else states, axes=(1, 0, 2)), last


def decoder(node):
    """What decodes: (F, token, state, weights) -> the next state, and the log probabilities of the tokens."""
    vocabulary, units = node.weights["table"].shape

    def call(F, token, state, table, w_state, w_out, follow):
        state = F.tanh(
            F.Embedding(token, table, input_dim=vocabulary, output_dim=units)
            + F.FullyConnected(state, w_state, num_hidden=units, no_bias=True, flatten=False)
        )
        scores = F.FullyConnected(state, w_out, num_hidden=vocabulary, no_bias=True, flatten=False)
        return state, F.log_softmax(
            scores + F.Embedding(token, follow, input_dim=vocabulary, output_dim=vocabulary), axis=-1
        )

    return call


def greedy_decode(node):
    """Tokens (batch, limit), their log probabilities' sums, the last state; until all samples have had the token 0."""
    limit, decode = node.attributes["limit"], decoder(node)

    def call(F, start, state, **weights):
        def goes_on(token, state, total, ended, steps):
            return F.min(ended) == 0

        def body(token, state, total, ended, steps):
            state, chances = decode(F, token, state, **weights)
            token, total = F.argmax(chances, axis=-1), total + F.max(chances, axis=-1)
            return token, [token, state, total, F.broadcast_maximum(ended, token == 0), steps + 1]

        # Three, since the loop wants each of its variables under another name.
        zeros = [F.sum(state, axis=-1) * 0 for _ in range(3)]
        first = [F.cast(start, "float32"), state] + zeros
        tokens, (_, state, total, _, steps) = F.contrib.while_loop(goes_on, body, first, max_iterations=limit)
        # Behind the last step there is whatever was in memory.
        tokens = F.SequenceMask(tokens, steps, use_sequence_length=True)
        return F.cast(F.transpose(tokens), "int64"), total, state

    return Composed(call, node.weights)


def beam_step(node):
    """One step of a beam search."""
    beams, vocabulary, decode = node.input_shapes[0][1], node.attributes["vocabulary"], decoder(node)

    def call(F, scores, tokens, state, handicap, **weights):
        state, chances = decode(F, tokens, state, **weights)
        sums = F.broadcast_add(F.expand_dims(F.broadcast_add(scores, handicap), axis=-1), chances)
        best, places = F.topk(F.reshape(sums, (0, -1)), k=beams, axis=-1, ret_typ="both")
        parents = F.floor(places / vocabulary)
        chosen = F.batch_dot(F.one_hot(parents, depth=beams), state)
        return best, F.cast(places - parents * vocabulary, "int64"), chosen

    return Composed(call, node.weights)


# -- Shapes, choices and reductions -----------------------------------------------------------------------------------


def slice_(node):
    a = node.attributes
    begin, end, step = ([None] * len(node.input_shapes[0]) for _ in range(3))
    for axis, *cut in zip(a["axes"], a["starts"], a["ends"], a["steps"]):
        begin[axis], end[axis], step[axis] = cut[0], cut[1] if abs(cut[1]) < 2**31 else None, cut[2]
    return nn.HybridLambda(lambda F, x: F.slice(x, begin=begin, end=end, step=step))


def split(F, x, axis, sizes):
    if len(set(sizes)) == 1:
        return F.split(x, num_outputs=len(sizes), axis=axis)
    return F.split_v2(x, tuple(int(end) for end in np.cumsum(sizes)[:-1]), axis=axis)


def upsample_nearest(F, x, scale):
    if scale[0] == scale[1]:
        return F.UpSampling(x, scale=scale[0], sample_type="nearest")
    return F.repeat(F.repeat(x, scale[0], axis=2), scale[1], axis=3)


def upsample_bilinear(node):
    a = node.attributes
    if a["corners"] == "asymmetric":
        raise NotImplementedError("BilinearResize2D puts its samples at half pixels or aligned with the corners")
    scales = dict(zip(("scale_height", "scale_width"), a["scale"]), align_corners=a["corners"] == "align_corners")
    return nn.HybridLambda(lambda F, x: F.contrib.BilinearResize2D(x, **scales))


def cumulative_sum(node):
    a = node.attributes
    axis = a["axis"] % len(node.input_shapes[0])  # cumsum takes no negative one

    def call(F, x):
        forward = F.reverse(x, axis=axis) if a["reverse"] else x
        y = F.cumsum(forward, axis=axis)
        y = y - forward if a["exclusive"] else y
        return F.reverse(y, axis=axis) if a["reverse"] else y

    return nn.HybridLambda(call)


def reduction(name):
    return operator(lambda F, x, axes, keepdims: getattr(F, name)(x, axis=tuple(axes), keepdims=keepdims))


def norm(order):
    return operator(lambda F, x, axes, keepdims: F.norm(x, ord=order, axis=tuple(axes), keepdims=keepdims))


def place(name):
    """An entry for argmax or argmin, which answer in floats."""
    return operator(lambda F, x, axis, keepdims: F.cast(getattr(F, name)(x, axis=axis, keepdims=keepdims), "int64"))


def activation(name):
    return lambda node: nn.Activation(name)


def named(name):
    """An entry for the operator F.<name> of one array."""
    return lambda node: nn.HybridLambda(name)


def gelu(node):
    if node.attributes["approximate"] == "none":
        return nn.GELU()
    inner = (2 / np.pi) ** 0.5
    return nn.HybridLambda(lambda F, x: 0.5 * x * (1 + F.tanh(inner * (x + 0.044715 * x**3))))


# -- The tables -------------------------------------------------------------------------------------------------------

LAYERS = {
    "relu": activation("relu"),
    "leaky_relu": block(lambda node, alpha: nn.LeakyReLU(alpha)),
    "prelu": block(lambda node: nn.PReLU(in_channels=node.input_shapes[0][1]), slope="alpha"),
    "elu": block(lambda node, alpha: nn.ELU(alpha)),
    "selu": block(lambda node: nn.SELU()),
    "gelu": gelu,
    "silu": block(lambda node: nn.Swish()),
    "hard_sigmoid": operator(lambda F, x, alpha, beta: F.hard_sigmoid(x, alpha=alpha, beta=beta)),
    "softplus": activation("softrelu"),
    "softsign": activation("softsign"),
    "sigmoid": activation("sigmoid"),
    "tanh": activation("tanh"),
    "softmax": operator(lambda F, x, axis: F.softmax(x, axis=axis)),
    "log_softmax": operator(lambda F, x, axis: F.log_softmax(x, axis=axis)),
    "dropout": block(lambda node, rate: nn.Dropout(rate)),
    "add": binary("elemwise_add", "broadcast_add"),
    "subtract": binary("elemwise_sub", "broadcast_sub"),
    "multiply": binary("elemwise_mul", "broadcast_mul"),
    "divide": binary("elemwise_div", "broadcast_div"),
    "power": binary("power", "broadcast_power"),
    "maximum": binary("maximum", "broadcast_maximum"),
    "minimum": binary("minimum", "broadcast_minimum"),
    "greater": comparison("broadcast_greater"),
    "less": comparison("broadcast_lesser"),
    "equal": comparison("broadcast_equal"),
    "absolute": named("abs"),
    "negative": named("negative"),
    "exp": named("exp"),
    "log": named("log"),
    "sqrt": named("sqrt"),
    "reciprocal": named("reciprocal"),
    "sin": named("sin"),
    "cos": named("cos"),
    "floor": named("floor"),
    "ceil": named("ceil"),
    "sign": named("sign"),
    "erf": named("erf"),
    "affine": operator(lambda F, x, factor, offset: x * factor + offset),
    "clip": operator(lambda F, x, low, high: F.clip(x, low, high)),
    "conv1d": convolution,
    "conv2d": convolution,
    "conv3d": convolution,
    "conv_transpose1d": transposed_convolution,
    "conv_transpose2d": transposed_convolution,
    "conv_transpose3d": transposed_convolution,
    "max_pool1d": max_pool,
    "max_pool2d": max_pool,
    "max_pool3d": max_pool,
    "average_pool1d": average_pool,
    "average_pool2d": average_pool,
    "average_pool3d": average_pool,
    "lp_pool1d": lp_pool,
    "lp_pool2d": lp_pool,
    "lp_pool3d": lp_pool,
    "global_average_pool": global_pool("GlobalAvgPool"),
    "global_max_pool": global_pool("GlobalMaxPool"),
    "global_lp_pool": global_lp_pool,
    "adaptive_average_pool2d": operator(lambda F, x, size: F.contrib.AdaptiveAvgPooling2D(x, output_size=size)),
    "linear": block(linear),
    "embedding": block(lambda node, entries, size: nn.Embedding(entries, size)),
    "matmul": matmul,
    "batch_norm": block(
        lambda node, epsilon: nn.BatchNorm(epsilon=epsilon, in_channels=node.input_shapes[0][1]),
        scale="gamma",
        bias="beta",
        mean="running_mean",
        variance="running_var",
    ),
    "layer_norm": layer_norm,
    "instance_norm": block(
        lambda node, epsilon: nn.InstanceNorm(epsilon=epsilon, scale=True, in_channels=node.input_shapes[0][1]),
        scale="gamma",
        bias="beta",
    ),
    "local_response_norm": local_response_norm,
    "rnn": recurrent(rnn.RNN),
    "lstm": recurrent(rnn.LSTM),
    "gru": recurrent(rnn.GRU),
    "lstm_cell": cell(rnn.LSTMCell),
    "gru_cell": cell(rnn.GRUCell),
    "reduce_sum": reduction("sum"),
    "reduce_mean": reduction("mean"),
    "reduce_max": reduction("max"),
    "reduce_min": reduction("min"),
    "reduce_prod": reduction("prod"),
    "reduce_l1": norm(1),
    "reduce_l2": norm(2),
    "arg_max": place("argmax"),
    "arg_min": place("argmin"),
    "flatten": block(lambda node: nn.Flatten()),
    "reshape": operator(lambda F, x, shape: F.reshape(x, shape)),
    "transpose": operator(lambda F, x, permutation: F.transpose(x, axes=permutation)),
    "squeeze": operator(lambda F, x, axis: F.squeeze(x, axis=axis)),
    "unsqueeze": operator(lambda F, x, axis: F.expand_dims(x, axis=axis)),
    "concat": operator(lambda F, *xs, axis: F.concat(*xs, dim=axis)),
    "split": operator(split),
    "slice": slice_,
    "pad": operator(pads),
    "upsample_nearest": operator(upsample_nearest),
    "upsample_bilinear": upsample_bilinear,
    "pixel_shuffle": block(lambda node, factor: gluon.contrib.nn.PixelShuffle2D(factor)),
    "gather": operator(lambda F, x, ids, axis: F.take(x, ids, axis=axis)),
    "where": where,
    "one_hot": operator(lambda F, ids, depth: F.one_hot(ids, depth=depth)),
    "top_k": operator(lambda F, x, k, axis: F.topk(x, k=k, axis=axis, ret_typ="both", dtype="int64")),
    "cumulative_sum": cumulative_sum,
}

COMPOSED = {
    "celu": operator(lambda F, x, alpha: F.LeakyReLU(x / alpha, act_type="elu", slope=1.0) * alpha),
    "mish": operator(lambda F, x: x * F.tanh(F.Activation(x, act_type="softrelu"))),
    "hard_swish": operator(lambda F, x: x * F.hard_sigmoid(x, alpha=1 / 6, beta=0.5)),
    "bilinear": bilinear,
    "position_embedding": composed(position_embedding),
    "class_token": composed(class_token),
    "maxout": composed(maxout),
    "hierarchical_softmax": composed(hierarchical_softmax),
    "group_norm": group_norm,
    "rms_norm": composed(rms_norm),
    "dot_product_attention": dot_product_attention,
    "additive_attention": composed(additive_attention),
    "multi_head_attention": multi_head_attention,
    "reduce_log_sum_exp": operator(
        lambda F, x, axes, keepdims: F.log(F.sum(F.exp(x), axis=tuple(axes), keepdims=keepdims))
    ),
    "branch": composed(branch),
    "loop": composed(loop),
    "alternate": composed(alternate),
    "iterate": composed(iterate),
    "scan": composed(scan),
    "greedy_decode": greedy_decode,
    "beam_step": beam_step,
}


# -- The model --------------------------------------------------------------------------------------------------------


class Net(gluon.HybridBlock):
    """The reference model: one block per layer, called in the order of the graph."""

    def __init__(self, graph):
        super().__init__()
        self.graph, self.layers = graph, {}
        with self.name_scope():
            for node in graph.nodes:
                if node.layer not in self.layers:
                    self.layers[node.layer] = dict(LAYERS, **COMPOSED)[node.op](node)
                    self.register_child(self.layers[node.layer], node.layer)

    def hybrid_forward(self, F, *arrays):
        values = dict(zip([i.name for i in self.graph.inputs], arrays))
        states = iter(arrays[len(self.graph.inputs) :])
        for node in self.graph.nodes:
            layer = self.layers[node.layer]
            own = [next(states) for _ in getattr(layer, "states", ())]
            results = layer(*([values[name] for name in node.inputs] + own))
            values.update(zip(node.outputs, results if len(node.outputs) > 1 else [one(results)]))
        return [values[output.value] for output in self.graph.outputs]


def one(results):
    return results[0] if isinstance(results, (list, tuple)) else results


def initial_states(net):
    """The shapes of the states that the recurrent layers take as inputs, with the name of the batch axis."""
    shapes = []
    for node in net.graph.nodes:
        batch = net.graph.inputs[0].shape[0]
        batch = batch if net.graph.sizes.get(batch) == node.shapes[0][0] else node.shapes[0][0]
        shapes += [[rows, batch, units] for rows, _, units in getattr(net.layers[node.layer], "states", ())]
    return shapes


def build(graph, request):
    """The hybridized block; each node is told the shapes of its inputs at the export sizes."""
    shapes = {i.name: [graph.sizes.get(n, n) for n in i.shape] for i in graph.inputs}
    for node in graph.nodes:
        node.input_shapes = [shapes[name] for name in node.inputs]
        shapes.update(zip(node.outputs, node.shapes))
    # Otherwise an array without axes is one of unknown shape.
    mx.util.set_np_shape(any(i.shape == [] for i in graph.inputs))
    net = Net(graph)
    net.hybridize()
    return net


def arguments(net, inputs):
    """The arrays that the block is called with: the model's inputs, then zeros for the initial states."""
    sizes = {}
    for i in net.graph.inputs:
        sizes.update(zip(i.shape, inputs[i.name].shape))
    states = [nd.zeros([sizes.get(n, n) for n in shape]) for shape in initial_states(net)]
    return [nd.array(inputs[i.name], dtype=inputs[i.name].dtype) for i in net.graph.inputs] + states


def run(net, inputs):
    """The outputs of MXNet itself."""
    results = net(*arguments(net, inputs))
    results = results if isinstance(results, (list, tuple)) else [results]
    return {output.name: result.asnumpy() for output, result in zip(net.graph.outputs, results)}


# -- Export -----------------------------------------------------------------------------------------------------------


def mx2onnx(net, inputs, request, path):
    """Write ONNX as Gluon users do: export the hybridized block, then convert its symbol and parameters."""
    opset = onnx.defs.onnx_opset_version()
    if request.opset not in (None, opset):
        raise NotImplementedError("MXNet emits the opset of the installed onnx package, %d" % opset)
    arrays, states = arguments(net, inputs), initial_states(net)
    names = ["data%d" % n for n in range(len(arrays))] if len(arrays) > 1 else ["data"]
    dims = [i.shape for i in net.graph.inputs] + states
    sources = [{"value": i.name} for i in net.graph.inputs] + [{"zeros": shape} for shape in states]
    with tempfile.TemporaryDirectory() as folder:
        prefix = os.path.join(folder, "net")
        net.export(prefix)
        files = [prefix + "-symbol.json", prefix + "-0000.params"]
        symbol = mx.sym.load(files[0])
        # The converter wants the inputs in the order in which the graph meets them.
        order = [names.index(name) for name in symbol.list_inputs() if name in names]
        shapes, types = [arrays[n].shape for n in order], [arrays[n].dtype for n in order]
        free = {"dynamic": True, "dynamic_input_shapes": [tuple(dims[n]) for n in order]}
        options = free if any(request.dynamic.values()) else {}
        if not WITH_TYPES:
            types = only_type(types, options)
        export_model(files[0], files[1], shapes, types, path, **options)
    return {
        "inputs": [dict(sources[n], name=names[n]) for n in order],
        "outputs": [
            {"name": re.sub(r"_output(\d?)$" if WITH_TYPES else r"_output()$", r"\1", name), "value": output.name}
            for name, output in zip(symbol.list_outputs(), net.graph.outputs)
        ],
    }


def only_type(types, options):
    """The type of all inputs; what the converter cannot be told before 1.9 is refused."""
    if options:
        raise NotImplementedError("before MXNet 1.9 export_model takes fixed shapes only")
    if len(set(types)) > 1:
        raise NotImplementedError("before MXNet 1.9 export_model takes one type for all inputs")
    return types[0]


EXPORTERS = {"gluon": mx2onnx}
