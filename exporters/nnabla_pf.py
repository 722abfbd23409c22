"""NNabla: reference models of parametric functions, saved as .nnp and converted to ONNX by nnabla_converter.

Each entry of LAYERS and COMPOSED is function(node, *variables, **attributes) -> what NNabla's graph computes.
Parameters are made within the scope that has the layer's name, so that two nodes of one layer share them. A graph of
NNabla has fixed sizes: one is built for each shape of the inputs, from the same parameters.
"""

import os
import tempfile
from functools import partial

os.environ["OMP_NUM_THREADS"] = "1"  # read when the library is loaded

import nnabla as nn
import nnabla.functions as F  # noqa: N812 - the name that NNabla's users know
import nnabla.parametric_functions as PF  # noqa: N812
import numpy as np
from nnabla.utils.converter.nnabla import NnpImporter
from nnabla.utils.converter.onnx import OnnxExporter
from nnabla.utils.save import save

PACKAGES = ("nnabla", "nnabla-converter", "onnx", "numpy")
UNSUPPORTED = (r"currently not supported for ONNX conversion", r"not supported!?$", r"is not supported")
ISOLATE = True  # parameters lie in one table of the process


# -- Entries ----------------------------------------------------------------------------------------------------------


def function(call, **names):
    """An entry for call(*variables, **attributes); `names` are NNabla's words for attributes, where they differ."""
    return lambda node, *xs, **attributes: call(*xs, **{names.get(k, k): v for k, v in attributes.items()})


def parameter(name, array, need_grad=True):
    """A parameter of the current scope that begins as this array."""
    return nn.parameter.get_parameter_or_create(name, array.shape, np.asarray(array), need_grad)


def composed(call):
    """An entry for call(*variables, **weights and attributes), written by NNabla's user; the weights are parameters."""

    def entry(node, *xs, **attributes):
        return call(*xs, **dict(attributes, **{name: parameter(name, a) for name, a in node.weights.items()}))

    return entry


def alike(*xs):
    """The variables with axes of length 1 put before those that have fewer: NNabla broadcasts equal ranks only."""
    rank = max(x.ndim for x in xs)
    return [x if x.ndim == rank else F.reshape(x, (1,) * (rank - x.ndim) + x.shape) for x in xs]


def binary(call):
    """An entry for call(a, b), broadcast."""
    return lambda node, a, b: call(*alike(a, b))


def where(node, *xs):
    """F.where wants three equal shapes."""
    xs = alike(*xs)
    shape = np.broadcast_shapes(*[x.shape for x in xs])
    return F.where(*[x if x.shape == shape else F.broadcast(x, shape) for x in xs])


def matmul(node, a, b, transpose_b):
    """F.batch_matmul, from three axes on; F.affine of two matrices."""
    if a.ndim == b.ndim == 2 and not transpose_b:
        return F.affine(a, b)
    rank = max(a.ndim, b.ndim, 3)
    y = F.batch_matmul(*[F.reshape(x, (1,) * (rank - x.ndim) + x.shape) for x in (a, b)], transpose_b=transpose_b)
    return F.reshape(y, y.shape[1:]) if max(a.ndim, b.ndim) == 2 else y


# -- Convolution and pooling ------------------------------------------------------------------------------------------


def widths(pads):
    """Begins, then ends, of all axes in NNabla's order: begin and end of each axis."""
    rank = len(pads) // 2
    return tuple(pads[side * rank + axis] for axis in range(rank) for side in (0, 1))


def padded(x, pad, value=0.0):
    """The padding that a layer can do itself, and x, padded before when begins and ends differ."""
    rank = len(pad) // 2
    if pad[:rank] == pad[rank:]:
        return x, tuple(pad[:rank])
    return F.pad(x, widths(pad), "constant", value), (0,) * rank


def convolution(node, x, filters, kernel, stride, pad, dilation, groups, use_bias):
    """PF.convolution, of any number of spatial axes."""
    x, pad = padded(x, pad)
    w = node.weights
    return PF.convolution(
        x, filters, kernel, pad, stride, dilation, groups, w_init=w["weight"], b_init=w.get("bias"), with_bias=use_bias
    )


def transposed_convolution(node, x, filters, kernel, stride, pad, output_pad, dilation, groups, use_bias):
    """PF.deconvolution; it crops both ends alike, so what else goes is cut off behind it."""
    rank, w = len(kernel), node.weights
    even = pad[:rank] == pad[rank:]
    y = PF.deconvolution(
        x, filters, kernel, pad[:rank] if even else (0,) * rank, stride, dilation, groups,
        output_padding=output_pad, w_init=w["weight"], b_init=w.get("bias"), with_bias=use_bias,
    )  # fmt: skip
    if even:
        return y
    return F.slice(y, (0, 0) + tuple(pad[:rank]), y.shape[:2] + tuple(n - e for n, e in zip(y.shape[2:], pad[rank:])))


def pooled(call, x, kernel, stride, pad):
    """call(x, kernel, stride, pad); pooling begins at two axes, so a sequence is an image of one row."""
    if len(kernel) > 1:
        return call(x, kernel, stride, pad=pad)
    y = call(F.reshape(x, x.shape[:2] + (1,) + x.shape[2:]), (1,) + tuple(kernel), (1,) + tuple(stride), pad=(0,) + pad)
    return F.reshape(y, y.shape[:2] + y.shape[3:])


def whole(node, y):
    """y without a last window that begins inside but reaches behind: NNabla makes one more than others round up to."""
    shape = y.shape[:2] + tuple(node.shapes[0][2:])
    return y if y.shape == shape else F.slice(y, stop=shape)


def max_pool(node, x, kernel, stride, pad, dilation, ceil):
    """F.max_pooling, whose padding never wins."""
    if any(n != 1 for n in dilation):
        raise NotImplementedError("max_pooling has no dilation")
    x, even = padded(x, pad, -3.4e38)
    if ceil and any(pad) and not any(even):
        raise NotImplementedError("padding before max_pooling changes which windows ignore_border adds")
    return whole(node, pooled(partial(F.max_pooling, ignore_border=not ceil), x, kernel, stride, even))


def average_pool(node, x, kernel, stride, pad, ceil, count_pad):
    """F.average_pooling."""
    x, even = padded(x, pad)
    if any(pad) and not any(even) and (ceil or not count_pad):
        raise NotImplementedError("average_pooling pads both ends alike; padding before it counts as part of the mean")
    call = partial(F.average_pooling, ignore_border=not ceil, including_pad=count_pad)
    return whole(node, pooled(call, x, kernel, stride, even))


def lp_pool(node, x, kernel, stride, pad, p):
    """The root of F.sum_pooling of powers."""
    x, even = padded(F.abs(x) if p % 2 else x, pad)
    return pooled(F.sum_pooling, x**p, kernel, stride, even) ** (1.0 / p)


def space(x):
    """The spatial axes of x."""
    return tuple(range(2, x.ndim))


def global_average_pool(node, x):
    """F.global_average_pooling, which averages images alone."""
    return F.reshape(F.global_average_pooling(x), x.shape[:2]) if x.ndim == 4 else F.mean(x, space(x))


def adaptive_pool(call):
    """An entry for pooling with windows that share the image evenly."""

    def entry(node, x, size):
        if any(n % m for n, m in zip(x.shape[2:], size)):
            raise NotImplementedError("no adaptive pooling; windows of one size do not share this image")
        kernel = tuple(n // m for n, m in zip(x.shape[2:], size))
        return call(x, kernel)

    return entry


# -- Dense layers, normalisation, attention ---------------------------------------------------------------------------


def linear(node, x, units, use_bias):
    """PF.affine over the last axis."""
    w = node.weights
    return PF.affine(
        x, units, base_axis=x.ndim - 1, w_init=w["weight"].T, b_init=w.get("bias"), with_bias=use_bias
    )  # fmt: skip


def mapped(x, name, weight, bias=None):
    """PF.affine of a name of its own, over the last axis."""
    return PF.affine(
        x, len(weight), base_axis=x.ndim - 1, w_init=weight.T, b_init=bias, with_bias=bias is not None, name=name
    )


def bilinear(node, a, b, units):
    """A linear map of a to units x size of b numbers, times b."""
    weight = node.weights["weight"]
    maps = F.reshape(mapped(a, "map", weight.transpose(0, 2, 1).reshape(-1, weight.shape[1])), (a.shape[0], units, -1))
    return F.sum(maps * F.reshape(b, (b.shape[0], 1, b.shape[1])), 2) + parameter("b", node.weights["bias"][None])


def position_embedding(x, weight, entries):
    """The first rows of the table, added to each sequence."""
    rows = F.slice(weight, (0, 0), (x.shape[1], x.shape[2]))
    return x + F.reshape(rows, (1,) + rows.shape)


def class_token(x, weight):
    """The token, once for each sequence, before it."""
    return F.concatenate(F.broadcast(weight, (x.shape[0],) + weight.shape[1:]), x, axis=1)


def maxout(node, x, units, pieces):
    """The greatest of each unit's pieces."""
    y = mapped(x, "pieces", node.weights["weight"], node.weights["bias"])
    return F.max(F.reshape(y, x.shape[:-1] + (units, pieces)), x.ndim)


def hierarchical_softmax(node, x, clusters, members):
    """P(cluster) P(member | cluster) from two linear maps."""
    w = node.weights
    cluster = F.softmax(mapped(x, "cluster", w["cluster_weight"], w["cluster_bias"]))
    member = F.reshape(mapped(x, "member", w["member_weight"], w["member_bias"]), (x.shape[0], clusters, members))
    return F.reshape(F.reshape(cluster, (x.shape[0], clusters, 1)) * F.softmax(member), (x.shape[0], -1))


def later(queries, keys):
    """What keeps each query from the keys behind it, added to the scores."""
    return np.triu(np.full((queries, keys), -1e9, np.float32), 1)


def dot_product_attention(node, q, k, v, causal):
    """Softmax of scaled scores, times the values."""
    scores = F.batch_matmul(q, k, transpose_b=True) * q.shape[-1] ** -0.5
    if causal:
        mask = parameter("mask%d" % q.shape[-2], later(q.shape[-2], k.shape[-2]), False)
        scores = scores + alike(scores, mask)[1]
    return F.batch_matmul(F.softmax(scores), v)


def additive_attention(node, query, keys, units):
    """Bahdanau's attention over keys, which are the values too."""
    w = node.weights
    queries = mapped(query, "query", w["w_query"], w["bias"])
    sources = mapped(keys, "key", w["w_key"])
    hidden = F.tanh(
        F.reshape(queries, queries.shape[:2] + (1, units))
        + F.reshape(sources, sources.shape[:1] + (1,) + sources.shape[1:])
    )
    scores = F.reshape(mapped(hidden, "score", w["score"][None]), hidden.shape[:3])
    return F.batch_matmul(F.softmax(scores), keys)


def multi_head_attention(node, query, keys, heads, causal):
    """PF.multi_head_attention, which wants time before batch."""
    w, size = node.weights, node.weights["w_out"].shape[0]
    start = {name + "_weight": w["w_" + name].T for name in ("q", "k", "v", "out")}
    start.update((name + "_bias", w["b_" + name]) for name in ("q", "k", "v", "out"))
    first = F.transpose(query, (1, 0, 2))
    source = first if keys is query else F.transpose(keys, (1, 0, 2))
    mask = parameter("mask%d" % query.shape[1], later(query.shape[1], keys.shape[1]), False) if causal else None
    y, _ = PF.multi_head_attention(
        first, source, source, heads, k_embed_dim=size, v_embed_dim=size, additive_mask=mask, param_init=start
    )
    return F.transpose(y, (1, 0, 2))


def per_channel(array, rank):
    """One number per channel in the shape that broadcasts over the batch and space."""
    return array.reshape((1, -1) + (1,) * (rank - 2))


def channel_start(node, x):
    """How the parameters of a normalisation begin."""
    w, names = node.weights, {"scale": "gamma", "bias": "beta", "mean": "mean", "variance": "var"}
    return {names[name]: per_channel(array, x.ndim) for name, array in w.items()}


def batch_norm(node, x, epsilon):
    """PF.batch_normalization with the statistics of training."""
    return PF.batch_normalization(x, eps=epsilon, batch_stat=False, param_init=channel_start(node, x))


def layer_norm(node, x, axis, epsilon):
    """PF.layer_normalization; all axes that are not normalised are the batch's."""
    kept = x.ndim + axis
    start = {"gamma": node.weights["scale"], "beta": node.weights["bias"]}
    start = {name: array.reshape((1,) * kept + array.shape) for name, array in start.items()}
    return PF.layer_normalization(x, batch_axis=list(range(kept)), eps=epsilon, param_init=start)


def rms_norm(x, scale, epsilon):
    """x over the root of its mean square."""
    y = x / (F.mean(x * x, x.ndim - 1, keepdims=True) + epsilon) ** 0.5
    return y * alike(y, scale)[1]


def local_response_norm(node, x, size, alpha, beta, bias):
    """The squares of neighbouring channels, summed by F.sum_pooling over rows that are channels."""
    columns = F.reshape(x * x, (x.shape[0], 1, x.shape[1], -1))
    columns = F.pad(columns, (0, 0, 0, 0, (size - 1) // 2, size // 2, 0, 0))
    total = F.reshape(F.sum_pooling(columns, (size, 1), (1, 1)), x.shape)
    return x / (total * (alpha / size) + bias) ** beta


# -- Recurrent layers -------------------------------------------------------------------------------------------------


def stacked_weights(node, gates, layers, directions):
    """weight_l0, weight and bias of PF.lstm: input and state side by side, by layer, direction and gate.

    The order of the gates is the same here and there. Two biases are one; those of GRU's new gate stay apart, as a
    fourth.
    """
    w = node.weights

    def weight(layer, d):
        both = [w["w_%s_%d_%d" % (part, layer, d)] for part in ("ih", "hh")]
        both = np.concatenate(both, axis=1)
        return both if gates == 1 else both.reshape((gates, -1, both.shape[1]))

    def bias(layer, d):
        i, h = (w["b_%s_%d_%d" % (part, layer, d)].reshape(gates, -1) for part in ("ih", "hh"))
        if gates == 3:
            return np.concatenate([i[:2] + h[:2], i[2:], h[2:]])
        return i + h if gates > 1 else (i + h)[0]

    sides = range(directions)
    return {
        "w0_init": np.stack([weight(0, d) for d in sides]),
        "w_init": np.stack([[weight(n, d) for d in sides] for n in range(1, layers)]) if layers > 1 else None,
        "b_init": np.stack([[bias(n, d) for d in sides] for n in range(layers)]),
    }


def recurrent(call, gates, states):
    """An entry for PF.rnn, PF.lstm or PF.gru, which want time before batch and have no backward-only layer."""

    def entry(node, x, units, layers, direction, sequence, reset="after", activation=None):
        if reset != "after":
            raise NotImplementedError("gru applies its reset gate behind the product with the state")
        both = direction == "bidirectional"
        directions = 2 if both else 1
        options = {"nonlinearity": activation} if activation else {}
        steps = F.transpose(x, (1, 0, 2))
        steps = F.flip(steps, (0,)) if direction == "reverse" else steps
        start = [F.constant(0, (layers, directions, x.shape[0], units)) for _ in range(states)]
        weights = stacked_weights(node, gates, layers, directions)
        y, h = call(steps, *start, num_layers=layers, bidirectional=both, training=False, **dict(options, **weights))[
            :2
        ]
        if sequence:
            return F.transpose(F.flip(y, (0,)) if direction == "reverse" else y, (1, 0, 2))
        last = F.slice(h, (layers - 1, 0, 0, 0), h.shape)
        return F.reshape(F.transpose(last, (0, 2, 1, 3)), (x.shape[0], directions * units))

    return entry


def cell_weights(node, gates, order):
    """Weight (input + state, gates, units) and bias (gates, units) of one map of both, the gates in this order."""
    w = node.weights
    weight = np.concatenate([w["w_ih_0_0"], w["w_hh_0_0"]], axis=1)
    weight = weight.reshape(gates, -1, weight.shape[1])[order]
    return weight.transpose(2, 0, 1), (w["b_ih_0_0"] + w["b_hh_0_0"]).reshape(gates, -1)[order]


def lstm_cell(node, x, h, c, units):
    """PF.lstm_cell, whose gates are input, output, forget, cell."""
    weight, bias = cell_weights(node, 4, [0, 3, 1, 2])
    return PF.lstm_cell(x, h, c, units, w_init=weight, b_init=bias)


def gru_cell(node, x, h, units):
    """The step of a GRU from two linear maps."""
    w = node.weights

    def gates(v, part):
        y = mapped(v, part, w["w_%s_0_0" % part], w["b_%s_0_0" % part])
        return [F.slice(y, (0, n * units), (y.shape[0], (n + 1) * units)) for n in range(3)]

    (i_r, i_z, i_n), (h_r, h_z, h_n) = gates(x, "ih"), gates(h, "hh")
    z = F.sigmoid(i_z + h_z)
    return (1 - z) * F.tanh(i_n + F.sigmoid(i_r + h_r) * h_n) + z * h


# -- Reductions and shapes --------------------------------------------------------------------------------------------


def counted(x, axes):
    """The axes from the front: several negative ones are an error in NNabla."""
    return tuple(axis % x.ndim for axis in axes)


def reduction(call, **options):
    """An entry for call(x, axis, keepdims)."""
    return lambda node, x, axes, keepdims: call(x, axis=counted(x, axes), keepdims=keepdims, **options)


def place(call):
    """An entry for the place of the greatest or least number."""
    return lambda node, x, axis, keepdims: call(x, axis=axis % x.ndim, keepdims=keepdims, only_index=True)


def log_sum_exp(node, x, axes, keepdims):
    """The logarithm of a sum of exponentials."""
    return F.log(F.sum(F.exp(x), axis=counted(x, axes), keepdims=keepdims))


def reshape(node, x, shape):
    """Zeros keep the axis at their place."""
    return F.reshape(x, [x.shape[axis] if n == 0 else n for axis, n in enumerate(shape)])


def squeeze(node, x, axis):
    """F.reshape without the axis."""
    return F.reshape(x, [n for i, n in enumerate(x.shape) if i != axis % x.ndim])


def unsqueeze(node, x, axis):
    """F.reshape with one axis more."""
    shape = list(x.shape)
    shape.insert(axis % (x.ndim + 1), 1)
    return F.reshape(x, shape)


def split(node, x, axis, sizes):
    """Slices: F.split makes pieces of length 1 and takes the axis away."""
    axis, ends = axis % x.ndim, np.cumsum(sizes)
    cut = [(axis, int(end) - n, int(end)) for n, end in zip(sizes, ends)]
    return tuple(
        F.slice(
            x, [start if i == a else 0 for i in range(x.ndim)], [end if i == a else n for i, n in enumerate(x.shape)]
        )
        for a, start, end in cut
    )


def cut(node, x, axes, starts, ends, steps):
    """F.slice, with the numbers that Python's slice finds for each axis."""
    start, stop, step = [0] * x.ndim, list(x.shape), [1] * x.ndim
    for axis, *numbers in zip(axes, starts, ends, steps):
        axis %= x.ndim
        start[axis], stop[axis], step[axis] = slice(*numbers).indices(x.shape[axis])
        if stop[axis] < 0:  # before the first cell; -1 would be the last one
            stop[axis] = -x.shape[axis] - 1
    return F.slice(x, start, stop, step)


def pad(node, x, pads, mode, value):
    """F.pad."""
    if mode == "edge":
        raise NotImplementedError("pad knows the modes constant, reflect and repeat")
    return F.pad(x, widths(pads), mode, value)


def upsample_bilinear(node, x, scale, corners):
    """F.interpolate, which knows all three rules."""
    aligned, half = corners == "align_corners", corners == "half_pixel"
    return F.interpolate(x, scale=tuple(scale), mode="linear", align_corners=aligned, half_pixel=half)


def pixel_shuffle(node, x, factor):
    """The channels' factors moved behind the rows and columns."""
    n, c, h, w = x.shape
    y = F.transpose(F.reshape(x, (n, c // factor**2, factor, factor, h, w)), (0, 1, 4, 2, 5, 3))
    return F.reshape(y, (n, c // factor**2, h * factor, w * factor))


def one_hot(node, ids, depth):
    """F.one_hot, which takes one coordinate per row of the last axis."""
    return F.one_hot(F.reshape(ids, ids.shape + (1,)), (depth,))


def top_k(node, x, k, axis):
    """F.top_k_data over the last axis, the first ones of F.sort over another."""
    axis %= x.ndim
    if axis == x.ndim - 1:
        return F.top_k_data(x, k, base_axis=axis, with_index=True)
    ends = [k if i == axis else n for i, n in enumerate(x.shape)]
    return tuple(F.slice(y, stop=ends) for y in F.sort(x, axis, reverse=True, with_index=True))


def hard_sigmoid(node, x, alpha, beta):
    """NNabla's own has the slope 0.2 and the offset 0.5; others are written out."""
    if (alpha, beta) == (0.2, 0.5):
        return F.hard_sigmoid(x)
    return F.minimum_scalar(F.maximum_scalar(x * alpha + beta, 0.0), 1.0)


def gelu(node, x, approximate):
    """F.gelu is the approximation by tanh; the exact one is written with F.erf."""
    return F.gelu(x) if approximate == "tanh" else 0.5 * x * (1 + F.erf(x * 0.5**0.5))


def embedding(node, ids, entries, size):
    """PF.embed."""
    return PF.embed(ids, entries, size, initializer=lambda shape: node.weights["weight"])


LAYERS = {
    "relu": function(F.relu),
    "leaky_relu": function(F.leaky_relu),
    "prelu": lambda node, x: PF.prelu(x, shared=False, slope_init=node.weights["slope"]),
    "elu": function(F.elu),
    "selu": function(F.selu),
    "gelu": gelu,
    "silu": function(F.swish),
    "mish": function(F.mish),
    "hard_sigmoid": hard_sigmoid,
    "softplus": function(F.softplus),
    "softsign": function(F.softsign),
    "sigmoid": function(F.sigmoid),
    "tanh": function(F.tanh),
    "softmax": function(F.softmax),
    "log_softmax": function(F.log_softmax),
    "add": binary(F.add2),
    "subtract": binary(F.sub2),
    "multiply": binary(F.mul2),
    "divide": binary(F.div2),
    "power": binary(F.pow2),
    "maximum": binary(F.maximum2),
    "minimum": binary(F.minimum2),
    "greater": binary(F.greater),
    "less": binary(F.less),
    "equal": binary(F.equal),
    "absolute": function(F.abs),
    "negative": function(lambda x: -x),
    "exp": function(F.exp),
    "log": function(F.log),
    "reciprocal": function(lambda x: 1.0 / x),
    "sin": function(F.sin),
    "cos": function(F.cos),
    "floor": function(F.floor),
    "ceil": function(F.ceil),
    "sign": function(partial(F.sign, alpha=0.0)),  # alpha is the sign of 0
    "erf": function(F.erf),
    "affine": function(lambda x, factor, offset: x * factor + offset),
    "clip": function(F.clip_by_value, low="min", high="max"),
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
    "global_average_pool": global_average_pool,
    "global_max_pool": lambda node, x: F.max(x, space(x)),
    "global_lp_pool": lambda node, x, p: F.norm(x, p, space(x)),
    "linear": linear,
    "embedding": embedding,
    "matmul": matmul,
    "multi_head_attention": multi_head_attention,
    "batch_norm": batch_norm,
    "layer_norm": layer_norm,
    "instance_norm": lambda node, x, epsilon: PF.instance_normalization(
        x, eps=epsilon, param_init=channel_start(node, x)
    ),
    "group_norm": lambda node, x, groups, epsilon: PF.group_normalization(
        x, groups, eps=epsilon, param_init=channel_start(node, x)
    ),
    "rnn": recurrent(PF.rnn, 1, 1),
    "lstm": recurrent(PF.lstm, 4, 2),
    "gru": recurrent(PF.gru, 3, 1),
    "lstm_cell": lstm_cell,
    "reduce_sum": reduction(F.sum),
    "reduce_mean": reduction(F.mean),
    "reduce_max": reduction(F.max),
    "reduce_min": reduction(F.min),
    "reduce_prod": reduction(F.prod),
    "reduce_l1": reduction(F.norm, p=1),
    "reduce_l2": reduction(F.norm, p=2),
    "arg_max": place(F.max),
    "arg_min": place(F.min),
    "reshape": reshape,
    "transpose": function(F.transpose, permutation="axes"),
    "concat": function(F.concatenate),
    "slice": cut,
    "pad": pad,
    "upsample_nearest": function(partial(F.interpolate, mode="nearest")),
    "upsample_bilinear": upsample_bilinear,
    "gather": function(F.gather),
    "where": where,
    "one_hot": one_hot,
    "top_k": top_k,
    "cumulative_sum": function(F.cumsum),
}

COMPOSED = {
    "celu": function(lambda x, alpha: F.elu(x * (1.0 / alpha)) * alpha),  # F.celu is another thing
    "hard_swish": function(lambda x: x * F.relu6(x + 3.0) * (1.0 / 6.0)),
    "dropout": lambda node, x, rate: F.identity(x),  # F.dropout always drops; users leave it out of inference
    "sqrt": function(lambda x: x**0.5),
    "lp_pool1d": lp_pool,
    "lp_pool2d": lp_pool,
    "lp_pool3d": lp_pool,
    "adaptive_average_pool2d": adaptive_pool(F.average_pooling),
    "adaptive_max_pool2d": adaptive_pool(F.max_pooling),
    "bilinear": bilinear,
    "position_embedding": composed(position_embedding),
    "class_token": composed(class_token),
    "maxout": maxout,
    "hierarchical_softmax": hierarchical_softmax,
    "dot_product_attention": dot_product_attention,
    "additive_attention": additive_attention,
    "rms_norm": composed(rms_norm),
    "local_response_norm": local_response_norm,
    "gru_cell": gru_cell,
    "reduce_log_sum_exp": log_sum_exp,
    "flatten": lambda node, x: F.reshape(x, (x.shape[0], -1)),
    "squeeze": squeeze,
    "unsqueeze": unsqueeze,
    "split": split,
    "pixel_shuffle": pixel_shuffle,
}

ENTRIES = dict(LAYERS, **COMPOSED)


# -- Models -----------------------------------------------------------------------------------------------------------


class Network:
    """The layer graph as NNabla's, one for each set of input shapes."""

    def __init__(self, graph):
        self.graph, self.built = graph, {}

    def of(self, shapes):
        """Variables of the inputs and of the outputs by name, for inputs of these shapes (in the graph's order)."""
        if shapes not in self.built:
            inputs = {i.name: nn.Variable(shape) for i, shape in zip(self.graph.inputs, shapes)}
            values = dict(inputs)
            for node in self.graph.nodes:
                with nn.parameter_scope(node.layer):
                    results = ENTRIES[node.op](node, *[values[name] for name in node.inputs], **node.attributes)
                values.update(zip(node.outputs, results if isinstance(results, (list, tuple)) else [results]))
            self.built[shapes] = inputs, {o.name: values[o.value] for o in self.graph.outputs}
        return self.built[shapes]

    def fed(self, arrays):
        """The variables for these arrays, which the inputs hold now."""
        inputs, outputs = self.of(tuple(arrays[i.name].shape for i in self.graph.inputs))
        for name, variable in inputs.items():
            variable.d = arrays[name]
        return inputs, outputs


def build(graph, request):
    """The network, built at the sizes of the export."""
    nn.clear_parameters()
    network = Network(graph)
    network.of(tuple(tuple(graph.sizes.get(n, n) for n in i.shape) for i in graph.inputs))
    return network


def run(network, inputs):
    """The outputs of NNabla, which has no type for truth values (they are 0.0 and 1.0) and counts places in uint64."""
    _, outputs = network.fed(inputs)
    nn.forward_all(list(outputs.values()))
    return {o.name: outputs[o.name].d.copy().astype(o.dtype) for o in network.graph.outputs}


def converter(network, inputs, request, path):
    """Save the network as .nnp, then what `nnabla_cli convert -b BATCH net.nnp net.onnx` does."""
    if any(request.dynamic.values()):
        raise NotImplementedError("the converter writes every axis with the length that it has in the .nnp")
    variables, outputs = network.fed(inputs)
    batch = next(iter(variables.values())).shape[0]
    contents = {
        "networks": [{"name": "net", "batch_size": batch, "names": variables, "outputs": outputs}],
        "executors": [{"name": "run", "network": "net", "data": list(variables), "output": list(outputs)}],
    }
    options = {} if request.opset is None else {"opset": str(request.opset)}
    with tempfile.TemporaryDirectory() as folder:
        saved = os.path.join(folder, "net.nnp")
        save(saved, contents, variable_batch_size=False)  # True wants the batch in the first axis of every variable
        OnnxExporter(NnpImporter(saved, expand_network=True).execute(), batch, -1, **options).execute(path)


EXPORTERS = {"converter": converter}
