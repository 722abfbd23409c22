"""OneFlow: reference models as an nn.Module, put into an nn.Graph and written to ONNX by oneflow_onnx.

Each entry of LAYERS and COMPOSED is function(node) -> what the forward pass calls: a module that holds the node's
weights, or a function of tensors. LAYERS are building blocks of OneFlow; COMPOSED is what its users write themselves.
The file is not called oneflow.py, which would stand before the package of that name.
"""

import functools
import math
import os
import re
import tempfile

import numpy as np
import oneflow as flow
import oneflow.nn.functional as F  # noqa: N812 - the name that PyTorch's users know
import onnx
from oneflow import nn
from oneflow_onnx.oneflow2onnx.util import export_onnx_model

PACKAGES = ("oneflow", "oneflow-onnx", "onnx-simplifier", "onnxruntime", "onnx", "numpy")
# On a CPU, OneFlow has no kernels for float16 or bfloat16.
DTYPES = ("float32", "float64")

flow.set_num_threads(1)


# -- Entries ----------------------------------------------------------------------------------------------------------

#: Names of weights in the state of OneFlow's modules, where they differ from the reference's.
NAMES = {"scale": "weight", "slope": "weight", "mean": "running_mean", "variance": "running_var"}


def function(call, **names):
    """An entry for call(*tensors, **attributes); `names` are OneFlow's words for attributes that it calls otherwise."""
    return lambda node: functools.partial(call, **{names.get(k, k): v for k, v in node.attributes.items()})


def attributed(make):
    """An entry for make(node, **attributes), which sees to the weights itself."""
    return lambda node: make(node, **node.attributes)


def module(make):
    """An entry for the module make(node, **attributes), which takes the node's weights."""
    return lambda node: loaded(make(node, **node.attributes), node.weights)


def loaded(layer, arrays):
    """The module with these weights, some of them under the names that OneFlow gives them, in their dtype."""
    if any(array.dtype == np.float64 for array in arrays.values()):
        layer = layer.to(flow.float64)
        if hasattr(layer, "num_batches_tracked"):
            # It follows the dtype of all; BatchNorm can only be loaded when it is whole numbers again.
            layer.num_batches_tracked = flow.tensor(0)
    layer.load_state_dict({NAMES.get(name, name): flow.tensor(array) for name, array in arrays.items()})
    return layer


class Composed(nn.Module):
    """A module of the user's own: call(*tensors, **weights)."""

    def __init__(self, call, arrays):
        super().__init__()
        self.call, self.names = call, sorted(arrays)
        for name in self.names:
            self.register_parameter("w_" + name, nn.Parameter(flow.tensor(arrays[name])))

    def forward(self, *tensors):
        """What `call` makes of the tensors and the weights."""
        return self.call(*tensors, **{name: getattr(self, "w_" + name) for name in self.names})


def composed(call):
    """An entry for call(*tensors, **weights, **attributes)."""
    return lambda node: Composed(functools.partial(call, **node.attributes), node.weights)


def of_rank(name, rank):
    """The class for that many spatial axes: BatchNorm1d, BatchNorm2d or BatchNorm3d."""
    return getattr(nn, "%s%dd" % (name, max(1, rank)))


# -- Convolution and pooling ------------------------------------------------------------------------------------------


def flow_pads(pads):
    """Begins, then ends, of all axes in OneFlow's order: begin and end of the last axis first."""
    rank = len(pads) // 2
    return [pads[side * rank + axis] for axis in reversed(range(rank)) for side in (0, 1)]


def paddings(pad, value=0.0):
    """The padding that a layer can do itself, and the padding layers before it when begins and ends differ."""
    rank = len(pad) // 2
    if pad[:rank] == pad[rank:]:
        return tuple(pad[:rank]), []
    return (0,) * rank, [of_rank("ConstantPad", rank)(tuple(flow_pads(pad)), value)]


def convolution(node, filters, kernel, stride, pad, dilation, groups, use_bias):
    """nn.Conv1d, nn.Conv2d or nn.Conv3d."""
    padding, before = paddings(pad)
    kernel, stride, dilation = tuple(kernel), tuple(stride), tuple(dilation)
    make, inputs = of_rank("Conv", len(kernel)), node.weights["weight"].shape[1] * groups
    layer = make(inputs, filters, kernel, stride, padding, dilation, groups, use_bias)
    return nn.Sequential(*before, loaded(layer, node.weights))


class Crop(nn.Module):
    """Takes pad[i] cells before and pad[rank + i] behind spatial axis i away."""

    def __init__(self, pad):
        super().__init__()
        self.pad = pad

    def forward(self, x):
        """The cells of x (batch, channels, *space) that are left."""
        rank = len(self.pad) // 2
        ends = [x.shape[2 + axis] - end for axis, end in enumerate(self.pad[rank:])]
        return x[(slice(None), slice(None)) + tuple(map(slice, self.pad[:rank], ends))]


def transposed_convolution(node, filters, kernel, stride, pad, output_pad, dilation, groups, use_bias):
    """nn.ConvTranspose1d, 2d or 3d; it crops both ends alike, so what else goes is cut off behind it."""
    padding, uneven = paddings(pad)
    kernel, stride, output_pad, dilation = tuple(kernel), tuple(stride), tuple(output_pad), tuple(dilation)
    make, inputs = of_rank("ConvTranspose", len(kernel)), node.weights["weight"].shape[0]
    layer = make(inputs, filters, kernel, stride, padding, output_pad, groups, use_bias, dilation)
    return nn.Sequential(loaded(layer, node.weights), *([Crop(pad)] if uneven else []))


def max_pool(node, kernel, stride, pad, dilation, ceil):
    """nn.MaxPool1d, 2d or 3d; padding never wins."""
    padding, before = paddings(pad, float("-inf"))
    if before and ceil:
        raise NotImplementedError("a padding layer before MaxPool changes which windows its ceil_mode adds")
    make = of_rank("MaxPool", len(kernel))
    return nn.Sequential(*before, make(tuple(kernel), tuple(stride), padding, tuple(dilation), ceil_mode=ceil))


def average_pool(node, kernel, stride, pad, ceil, count_pad):
    """nn.AvgPool1d, 2d or 3d."""
    padding, before = paddings(pad)
    if before and (ceil or not count_pad):
        raise NotImplementedError("AvgPool pads both ends alike; a padding layer before it counts as part of the mean")
    make = of_rank("AvgPool", len(kernel))
    return nn.Sequential(*before, make(tuple(kernel), tuple(stride), padding, ceil, count_pad))


class LPPool(nn.Module):
    """(sum |x|^p)^(1/p) of each window, of which OneFlow has no layer: the mean, times the cells of a window."""

    def __init__(self, pool, p, cells):
        super().__init__()
        self.pool, self.p, self.cells = pool, p, cells

    def forward(self, x):
        """x (batch, channels, *space) -> the same with smaller space."""
        return (self.pool(x.abs() ** self.p) * self.cells) ** (1.0 / self.p)


def lp_pool(node, kernel, stride, pad, p):
    """LPPool on nn.AvgPool1d, 2d or 3d."""
    return LPPool(average_pool(node, kernel, stride, pad, False, True), p, int(np.prod(kernel)))


def adaptive_max_pool(x, size):
    """The maxima of regions that share the image as evenly as they can: OneFlow has the mean only."""
    rows, columns = ([(i * h // n, -(-(i + 1) * h // n)) for i in range(n)] for n, h in zip(size, x.shape[2:]))
    cells = [flow.amax(x[:, :, a:b, c:d], dim=(2, 3)) for a, b in rows for c, d in columns]
    return flow.stack(cells, dim=-1).reshape(x.shape[0], x.shape[1], *size)


def upsample_bilinear(node, scale, corners):
    """nn.Upsample; its align_corners chooses between two of the three rules."""
    if corners == "asymmetric":
        raise NotImplementedError("nn.Upsample has half-pixel and aligned corners only")
    factors = tuple(float(n) for n in scale)
    return nn.Upsample(scale_factor=factors, mode="bilinear", align_corners=corners == "align_corners")


# -- Dense layers, normalisation, attention ---------------------------------------------------------------------------


def gelu(node, approximate):
    """F.gelu, which is the exact one."""
    if approximate == "tanh":
        raise NotImplementedError("F.gelu has no approximation")
    return F.gelu


def bilinear(a, b, weight, bias, units):
    """a weight b for each unit; OneFlow has no nn.Bilinear."""
    left = flow.matmul(a, weight.permute(1, 0, 2).reshape(a.shape[-1], -1)).reshape(a.shape[0], units, b.shape[-1])
    return (left * b.unsqueeze(1)).sum(dim=-1) + bias


def hierarchical_softmax(x, clusters, members, cluster_weight, cluster_bias, member_weight, member_bias):
    """P(cluster) P(member | cluster) from two linear maps."""
    cluster = F.softmax(F.linear(x, cluster_weight, cluster_bias), dim=-1)
    member = F.linear(x, member_weight, member_bias).reshape(x.shape[0], clusters, members)
    return (cluster.unsqueeze(-1) * F.softmax(member, dim=-1)).reshape(x.shape[0], clusters * members)


def maxout(x, units, pieces, weight, bias):
    """The greatest of each unit's pieces."""
    return flow.amax(F.linear(x, weight, bias).reshape(x.shape[0], units, pieces), dim=-1)


def rms_norm(x, epsilon, scale):
    """OneFlow 0.8 has no nn.RMSNorm."""
    return x * flow.rsqrt((x * x).mean(dim=-1, keepdim=True) + epsilon) * scale


def local_response_norm(x, size, alpha, beta, bias):
    """The sum of the squares of neighbouring channels, by slices: OneFlow has no layer for it."""
    before, after = (size - 1) // 2, size // 2
    squares = F.pad(x * x, [0, 0] * (x.dim() - 2) + [before, after])
    total = sum(squares[:, i : i + x.shape[1]] for i in range(size))
    return x / (total * (alpha / size) + bias) ** beta


def layer_norm(node, axis, epsilon):
    """nn.LayerNorm."""
    return nn.LayerNorm(node.weights["scale"].shape, epsilon)


def additive_attention(query, keys, units, w_query, w_key, bias, score):
    """Bahdanau's attention of query (batch, queries, a) over keys (batch, times, b), which are the values too."""
    hidden = flow.tanh(F.linear(query, w_query).unsqueeze(2) + F.linear(keys, w_key).unsqueeze(1) + bias)
    scores = flow.matmul(hidden, score.unsqueeze(-1)).squeeze(-1)
    return flow.matmul(F.softmax(scores, dim=-1), keys)


class DotProduct(nn.Module):
    """softmax(q k^T / sqrt(size)) v, with a mask of -inf that is kept as a buffer."""

    def __init__(self, queries, keys, causal, dtype):
        super().__init__()
        self.causal = causal
        if causal:
            self.register_buffer("mask", flow.tensor(np.triu(np.full((queries, keys), -np.inf, dtype), 1)))

    def forward(self, q, k, v):
        """q (..., queries, size), k and v (..., keys, size) -> (..., queries, size)."""
        scores = flow.matmul(q, k.transpose(-2, -1)) / math.sqrt(q.shape[-1])
        if self.causal:
            scores = scores + self.mask
        return flow.matmul(F.softmax(scores, dim=-1), v)


def dot_product_attention(node, causal):
    """DotProduct for the sizes of this node."""
    return DotProduct(node.sizes[0][-2], node.sizes[1][-2], causal, node.dtype)


class Attention(nn.Module):
    """Multi-head attention from four nn.Linear: OneFlow 0.8 has no nn.MultiheadAttention."""

    def __init__(self, node, heads, causal):
        super().__init__()
        self.heads = heads
        for name in ("q", "k", "v", "out"):
            weight, bias = node.weights["w_" + name], node.weights["b_" + name]
            layer = nn.Linear(weight.shape[1], weight.shape[0])
            self.add_module(name, loaded(layer, {"weight": weight, "bias": bias}))
        self.attend = dot_product_attention(node, causal)

    def forward(self, query, keys):
        """query (batch, queries, size), keys (batch, times, size of keys) -> (batch, queries, size)."""
        q, k, v = (
            x.reshape(x.shape[0], x.shape[1], self.heads, -1).permute(0, 2, 1, 3)
            for x in (self.q(query), self.k(keys), self.v(keys))
        )
        y = self.attend(q, k, v).permute(0, 2, 1, 3)
        return self.out(y.reshape(query.shape[0], query.shape[1], -1))


def hard_sigmoid(x, alpha, beta):
    """OneFlow's own has the slope 1/6 and the offset 1/2; others are written out."""
    if abs(alpha - 1 / 6) < 1e-6 and beta == 0.5:
        return F.hardsigmoid(x)
    return flow.clamp(alpha * x + beta, min=0.0, max=1.0)


# -- Recurrent layers -------------------------------------------------------------------------------------------------


def recurrent_state(arrays, suffixes):
    """The state of nn.LSTM or nn.LSTMCell: w_ih_1_0 (layer 1, forward) becomes weight_ih with the suffix of its place.

    The order of the gates, and two biases that add up, are the same here and there.
    """
    parts = [name.split("_", 2) + [array] for name, array in arrays.items()]
    return {{"w": "weight_", "b": "bias_"}[kind] + part + suffixes[place]: array for kind, part, place, array in parts}


class Recurrent(nn.Module):
    """nn.RNN, nn.LSTM or nn.GRU, of which all times or the final states of the last layer are wanted."""

    def __init__(self, layer, direction, sequence):
        super().__init__()
        self.layer, self.direction, self.sequence = layer, direction, sequence

    def forward(self, x):
        """x (batch, time, features) -> (batch, time, units) or (batch, units), twice the units when bidirectional."""
        # OneFlow has no backward-only layer: time is turned round before it and behind it.
        y, state = self.layer(flow.flip(x, [1]) if self.direction == "reverse" else x)
        if self.sequence:
            return flow.flip(y, [1]) if self.direction == "reverse" else y
        hidden = state[0] if isinstance(state, tuple) else state
        return flow.cat([hidden[-2], hidden[-1]], dim=-1) if self.direction == "bidirectional" else hidden[-1]


def recurrent(kind):
    """An entry for nn.RNN, nn.LSTM or nn.GRU."""

    def make(node, units, layers, direction, sequence, reset="after", activation=None):
        if reset != "after":
            raise NotImplementedError("nn.GRU applies its reset gate behind the product with the state")
        options = {"nonlinearity": activation} if activation else {}
        inputs, both = node.weights["w_ih_0_0"].shape[1], direction == "bidirectional"
        layer = kind(inputs, units, num_layers=layers, batch_first=True, bidirectional=both, **options)
        places = {"%d_%d" % (n, d): "_l%d%s" % (n, "_reverse" * d) for n in range(layers) for d in (0, 1)}
        return Recurrent(loaded(layer, recurrent_state(node.weights, places)), direction, sequence)

    return attributed(make)


class LSTMCell(nn.Module):
    """nn.LSTMCell with its states side by side."""

    def __init__(self, cell):
        super().__init__()
        self.cell = cell

    def forward(self, x, h, c):
        """x (batch, in), states h and c (batch, units) -> new h and new c."""
        return self.cell(x, (h, c))


def lstm_cell(node, units):
    """An LSTMCell."""
    return LSTMCell(gru_cell(node, units, nn.LSTMCell))


def gru_cell(node, units, kind=nn.GRUCell):
    """nn.GRUCell."""
    return loaded(kind(node.weights["w_ih_0_0"].shape[1], units), recurrent_state(node.weights, {"0_0": ""}))


# -- Reductions and shapes --------------------------------------------------------------------------------------------


def reduction(call, **options):
    """An entry for call(x, dim, keepdim)."""

    def reduce(x, axes, keepdims):
        return call(x, dim=tuple(axes), keepdim=keepdims, **options)

    return function(reduce)


def log_sum_exp(x, dim, keepdim):
    """OneFlow 0.8 has no logsumexp."""
    top = flow.amax(x, dim=dim, keepdim=True)
    y = flow.log(flow.sum(flow.exp(x - top), dim=dim, keepdim=True)) + top
    return y if keepdim else flow.squeeze(y, dim=dim)


def place(call):
    """An entry for flow.argmax or flow.argmin."""
    return function(lambda x, axis, keepdims: call(x, dim=axis, keepdim=keepdims))


def reshape(x, shape):
    """Zeros keep the axis at their place."""
    return x.reshape(*[x.shape[axis] if n == 0 else n for axis, n in enumerate(shape)])


def cut(x, axes, starts, ends, steps):
    """Slices; OneFlow has no negative steps, so such an axis is turned round and its places are counted from there."""
    slices = [slice(None)] * x.dim()
    for axis, start, end, step in zip(axes, starts, ends, steps):
        if step < 0:
            x = flow.flip(x, [axis % x.dim()])
            start, end = (-1 - at if at < 0 else max(0, x.shape[axis] - 1 - at) for at in (start, end))
        slices[axis] = slice(start, end, abs(step))
    return x[tuple(slices)]


def pad(node, pads, mode, value):
    """Batch and channels are named to F.pad only when they grow: its other modes take the space of images alone."""
    widths = flow_pads(pads)
    if node.rank > 0 and not any(widths[-4:]):
        widths = widths[:-4]
    if mode == "constant":
        return functools.partial(F.pad, pad=widths, mode="constant", value=value)
    if node.rank != 2 or len(widths) > 4:
        raise NotImplementedError("F.pad reflects and replicates the space of images only")
    return functools.partial(F.pad, pad=widths, mode={"edge": "replicate"}.get(mode, mode))


def gather(x, ids, axis):
    """Indexing: flow.index_select takes a list of ids only."""
    return x[(slice(None),) * (axis % x.dim()) + (ids,)]


def cumulative_sum(x, axis, exclusive, reverse):
    """flow.cumsum, which counts each number itself and goes forward."""
    axis %= x.dim()
    x = flow.flip(x, [axis]) if reverse else x
    total = flow.cumsum(x, dim=axis) - x if exclusive else flow.cumsum(x, dim=axis)
    return flow.flip(total, [axis]) if reverse else total


LAYERS = {
    "relu": function(F.relu),
    "leaky_relu": function(F.leaky_relu),
    "prelu": module(lambda node: nn.PReLU(len(node.weights["slope"]))),
    "elu": function(F.elu),
    "selu": function(F.selu),
    "celu": function(F.celu),
    "gelu": attributed(gelu),
    "silu": function(F.silu),
    "mish": function(F.mish),
    "hard_sigmoid": function(hard_sigmoid),
    "hard_swish": function(F.hardswish),
    "softplus": function(F.softplus),
    "softsign": function(F.softsign),
    "sigmoid": function(flow.sigmoid),
    "tanh": function(flow.tanh),
    "softmax": function(F.softmax, axis="dim"),
    "log_softmax": function(F.log_softmax, axis="dim"),
    "dropout": module(lambda node, rate: nn.Dropout(rate)),
    "add": function(flow.add),
    "subtract": function(flow.sub),
    "multiply": function(flow.mul),
    "divide": function(flow.div),
    "power": function(flow.pow),
    "maximum": function(flow.maximum),
    "minimum": function(flow.minimum),
    "greater": function(flow.gt),
    "less": function(flow.lt),
    "equal": function(flow.eq),
    "absolute": function(flow.abs),
    "negative": function(flow.neg),
    "exp": function(flow.exp),
    "log": function(flow.log),
    "sqrt": function(flow.sqrt),
    "reciprocal": function(flow.reciprocal),
    "sin": function(flow.sin),
    "cos": function(flow.cos),
    "floor": function(flow.floor),
    "ceil": function(flow.ceil),
    "sign": function(flow.sign),
    "erf": function(flow.erf),
    "affine": function(lambda x, factor, offset: factor * x + offset),
    "clip": function(flow.clamp, low="min", high="max"),
    "conv1d": attributed(convolution),
    "conv2d": attributed(convolution),
    "conv3d": attributed(convolution),
    "conv_transpose1d": attributed(transposed_convolution),
    "conv_transpose2d": attributed(transposed_convolution),
    "conv_transpose3d": attributed(transposed_convolution),
    "max_pool1d": attributed(max_pool),
    "max_pool2d": attributed(max_pool),
    "max_pool3d": attributed(max_pool),
    "average_pool1d": attributed(average_pool),
    "average_pool2d": attributed(average_pool),
    "average_pool3d": attributed(average_pool),
    "global_average_pool": lambda node: nn.Sequential(of_rank("AdaptiveAvgPool", node.rank)(1), nn.Flatten()),
    "global_lp_pool": function(lambda x, p: flow.linalg.vector_norm(x, ord=p, dim=tuple(range(2, x.dim())))),
    "adaptive_average_pool2d": module(lambda node, size: nn.AdaptiveAvgPool2d(tuple(size))),
    "linear": module(lambda node, units, use_bias: nn.Linear(node.weights["weight"].shape[1], units, use_bias)),
    "embedding": module(lambda node, entries, size: nn.Embedding(entries, size)),
    "matmul": function(lambda a, b, transpose_b: flow.matmul(a, b.transpose(-2, -1) if transpose_b else b)),
    "batch_norm": module(lambda node, epsilon: of_rank("BatchNorm", node.rank)(len(node.weights["scale"]), epsilon)),
    "layer_norm": module(layer_norm),
    "instance_norm": module(
        lambda node, epsilon: of_rank("InstanceNorm", node.rank)(len(node.weights["scale"]), epsilon, affine=True)
    ),
    "group_norm": module(lambda node, groups, epsilon: nn.GroupNorm(groups, len(node.weights["scale"]), epsilon)),
    "rnn": recurrent(nn.RNN),
    "lstm": recurrent(nn.LSTM),
    "gru": recurrent(nn.GRU),
    "lstm_cell": attributed(lstm_cell),
    "gru_cell": attributed(gru_cell),
    "reduce_sum": reduction(flow.sum),
    "reduce_mean": reduction(flow.mean),
    "reduce_max": reduction(flow.amax),
    "reduce_min": reduction(flow.amin),
    "reduce_prod": reduction(flow.prod),
    "reduce_l1": reduction(flow.linalg.vector_norm, ord=1),
    "reduce_l2": reduction(flow.linalg.vector_norm, ord=2),
    "arg_max": place(flow.argmax),
    "arg_min": place(flow.argmin),
    "flatten": module(lambda node: nn.Flatten()),
    "reshape": function(reshape),
    "transpose": function(lambda x, permutation: x.permute(*permutation)),
    "squeeze": function(flow.squeeze, axis="dim"),
    "unsqueeze": function(flow.unsqueeze, axis="dim"),
    "concat": function(lambda *xs, axis: flow.cat(list(xs), dim=axis)),
    "split": function(lambda x, axis, sizes: flow.split(x, list(sizes), dim=axis % x.dim())),
    "slice": function(cut),
    "pad": attributed(pad),
    "upsample_nearest": module(
        lambda node, scale: nn.Upsample(scale_factor=tuple(float(n) for n in scale), mode="nearest")
    ),
    "upsample_bilinear": attributed(upsample_bilinear),
    "pixel_shuffle": module(lambda node, factor: nn.PixelShuffle(factor)),
    "gather": function(gather),
    "where": function(flow.where),
    "top_k": function(lambda x, k, axis: flow.topk(x, k, dim=axis)),
    "cumulative_sum": function(cumulative_sum),
}

COMPOSED = {
    "lp_pool1d": attributed(lp_pool),
    "lp_pool2d": attributed(lp_pool),
    "lp_pool3d": attributed(lp_pool),
    "global_max_pool": function(lambda x: flow.amax(x, dim=tuple(range(2, x.dim())))),
    "adaptive_max_pool2d": function(adaptive_max_pool),
    "bilinear": composed(bilinear),
    "position_embedding": composed(lambda x, weight, entries: x + weight[: x.shape[1]]),
    "class_token": composed(lambda x, weight: flow.cat([weight.expand(x.shape[0], -1, -1), x], dim=1)),
    "maxout": composed(maxout),
    "hierarchical_softmax": composed(hierarchical_softmax),
    "dot_product_attention": attributed(dot_product_attention),
    "multi_head_attention": attributed(Attention),
    "additive_attention": composed(additive_attention),
    "rms_norm": composed(rms_norm),
    "local_response_norm": function(local_response_norm),
    "reduce_log_sum_exp": reduction(log_sum_exp),
    "one_hot": attributed(lambda node, depth: lambda ids: F.one_hot(ids, depth).to(getattr(flow, node.dtype))),
}

ENTRIES = dict(LAYERS, **COMPOSED)


# -- Models -----------------------------------------------------------------------------------------------------------


class Model(nn.Module):
    """The layer graph; nodes of one `layer` share one module, which nn.Graph knows by its place in the model only."""

    def __init__(self, graph):
        super().__init__()
        self.names = [i.name for i in graph.inputs]
        self.results = [(o.name, o.value) for o in graph.outputs]
        self.steps, made = [], {}
        sizes = {i.name: [graph.sizes.get(n, n) for n in i.shape] for i in graph.inputs}
        for node in graph.nodes:
            node.dtype, node.sizes = graph.dtype, [sizes[name] for name in node.inputs]
            node.rank = len(node.sizes[0]) - 2
            sizes.update(zip(node.outputs, node.shapes))
            if node.layer not in made:
                made[node.layer] = call = ENTRIES[node.op](node)
                if isinstance(call, nn.Module):
                    self.add_module("layer_" + node.layer, call)
                    made[node.layer] = "layer_" + node.layer
            self.steps.append((made[node.layer], node.inputs, node.outputs))

    def forward(self, *inputs):
        """The outputs of the graph, in its order."""
        values = dict(zip(self.names, inputs))
        for call, sources, names in self.steps:
            call = getattr(self, call) if isinstance(call, str) else call
            results = call(*[values[name] for name in sources])
            values.update(zip(names, results if isinstance(results, (tuple, list)) else (results,)))
        return tuple(values[value] for _, value in self.results)


class Graph(nn.Graph):
    """The static graph of a model, which is what OneFlow exports."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def build(self, *inputs):
        """The model's outputs."""
        return self.model(*inputs)


def build(graph, request):
    """The reference model as an nn.Module, for inference."""
    return Model(graph).eval()


def tensors(model, inputs):
    """The inputs in the model's order."""
    return [flow.tensor(np.ascontiguousarray(inputs[name])) for name in model.names]


def run(model, inputs):
    """The model's outputs by name."""
    with flow.no_grad():
        results = model(*tensors(model, inputs))
    return {name: result.numpy() for (name, _), result in zip(model.results, results)}


# -- Exporters --------------------------------------------------------------------------------------------------------


def batch_alone(request, model):
    """Whether there are dynamic axes. NotImplementedError unless it is one, the first of the first input."""
    free = [(name, axis) for name in model.names for axis in request.dynamic[name]]
    if free and free != [(model.names[0], 0)]:
        raise NotImplementedError("dynamic_batch_size frees the first axis of the first input, and no other")
    return bool(free)


def export(model, inputs, request, path):
    """oneflow_onnx's export_onnx_model; what it would write to /tmp is put into a folder that is taken away again."""
    free = batch_alone(request, model)
    graph = Graph(model)
    graph._compile(*tensors(model, inputs))
    with tempfile.TemporaryDirectory() as folder:
        weights = os.path.join(folder, "weights")
        flow.save(graph.state_dict(), weights)
        options = {"flow_weight_dir": weights, "onnx_model_path": path, "dynamic_batch_size": free}
        export_onnx_model(graph, opset=request.opset, **options)
    return interface(model, onnx.load(path))


def interface(model, written):
    """The names that nn.Graph gave the inputs, which end in their number, and the outputs, in their order."""
    initial = {tensor.name for tensor in written.graph.initializer}
    names = [i.name for i in written.graph.input if i.name not in initial]
    places = [int(re.search(r"_input\.0\.(\d+)_", name).group(1)) for name in names]
    return {
        "inputs": [{"name": name, "value": model.names[place]} for name, place in zip(names, places)],
        "outputs": [{"name": o.name, "value": name} for o, (name, _) in zip(written.graph.output, model.results)],
    }


EXPORTERS = {"onnx": export}
