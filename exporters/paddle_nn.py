"""PaddlePaddle: reference models as an nn.Layer, written to ONNX by paddle.onnx.export, which is paddle2onnx.

Each entry of LAYERS and COMPOSED is function(node) -> what the forward pass calls: a layer that holds the node's
weights, or a function of tensors. LAYERS are building blocks of Paddle; COMPOSED is what its users write themselves.
The file is not called paddle.py, which would stand before the package of that name.
"""

import contextlib
import functools
import io
import operator
import os
import re

os.environ["POLYGRAPHY_AUTOINSTALL_DEPS"] = "0"

import onnx
import onnx_graphsurgeon  # noqa: F401 - paddle2onnx would load this, and the two below, in each fork
import onnxruntime.tools.symbolic_shape_infer  # noqa: F401
import paddle
import paddle.nn.functional as F  # noqa: N812 - the name that Paddle's users know
import paddle2onnx  # noqa: F401
import polygraphy.backend.onnx  # noqa: F401 - reads the variable above now: paddle2onnx sets it, and pip would be run
from paddle import nn

PACKAGES = ("paddlepaddle", "paddle2onnx", "polygraphy", "onnx-graphsurgeon", "onnxruntime", "onnx", "numpy")
# paddle2onnx ends the process: sys.exit when Paddle cannot make a static graph, abort() for an operator it lacks.
ISOLATE = True
# On a CPU, Paddle has no matrix product in float16 or bfloat16.
DTYPES = ("float32", "float64")

paddle.set_device("cpu")


# -- Entries ----------------------------------------------------------------------------------------------------------

#: Names of weights in the state of Paddle's layers, where they differ from the reference's.
NAMES = {"scale": "weight", "mean": "_mean", "variance": "_variance"}


def function(call, **names):
    """An entry for call(*tensors, **attributes); `names` are Paddle's words for attributes that it calls otherwise."""
    return lambda node: functools.partial(call, **{names.get(k, k): v for k, v in node.attributes.items()})


def attributed(make):
    """An entry for make(node, **attributes), which sees to the weights itself."""
    return lambda node: make(node, **node.attributes)


def layer(make, **names):
    """An entry for the layer make(node, **attributes), which takes the node's weights; names: see NAMES."""
    return lambda node: loaded(make(node, **node.attributes), renamed(node.weights, dict(NAMES, **names)))


def renamed(arrays, names):
    """The arrays under Paddle's names."""
    return {names.get(name, name): array for name, array in arrays.items()}


def loaded(made, arrays):
    """The layer with these arrays in its state. Raises KeyError unless they are all that the layer wants."""
    state = {name: tensor for name, tensor in made.state_dict().items() if not re.match(r"\d", name)}
    for name in sorted(set(state) | set(arrays)):
        state[name].set_value(arrays[name].reshape(state[name].shape))
    return made


class Composed(nn.Layer):
    """A layer of the user's own: call(*tensors, **weights, **options)."""

    def __init__(self, call, arrays, options=()):
        super().__init__()
        self.call, self.names, self.options = call, sorted(arrays), dict(options)
        for name in self.names:
            shape = list(arrays[name].shape)
            self.add_parameter(name, self.create_parameter(shape))
        loaded(self, arrays)

    def forward(self, *tensors):
        """What `call` makes of the tensors and the weights."""
        weights = {name: getattr(self, name) for name in self.names}
        return self.call(*tensors, **weights, **self.options)


def composed(call):
    """An entry for call(*tensors, **weights)."""
    return lambda node: Composed(call, node.weights)


def of_rank(name, rank, behind=""):
    """The class for that many spatial axes: BatchNorm1D, BatchNorm2D or BatchNorm3D."""
    return getattr(nn, "%s%dD%s" % (name, max(1, rank), behind))


# -- Convolution and pooling ------------------------------------------------------------------------------------------


def padding(pad):
    """One number per spatial axis, or, when begins and ends differ, begin and end of each axis in turn."""
    rank = len(pad) // 2
    if pad[:rank] == pad[rank:]:
        return list(pad[:rank])
    return [pad[side * rank + axis] for axis in range(rank) for side in (0, 1)]


def convolution(node, filters, kernel, stride, pad, dilation, groups, use_bias):
    """nn.Conv1D, nn.Conv2D or nn.Conv3D."""
    inputs = node.weights["weight"].shape[1] * groups
    options = {} if use_bias else {"bias_attr": False}
    make = of_rank("Conv", len(kernel))
    return make(inputs, filters, kernel, stride, padding(pad), dilation, groups, **options)


def transposed_convolution(node, filters, kernel, stride, pad, output_pad, dilation, groups, use_bias):
    """nn.Conv1DTranspose, 2D or 3D."""
    options = {"output_padding": output_pad, "dilation": dilation, "groups": groups}
    if not use_bias:
        options["bias_attr"] = False
    make = of_rank("Conv", len(kernel), "Transpose")
    return make(node.weights["weight"].shape[0], filters, kernel, stride, padding(pad), **options)


def max_pool(node, kernel, stride, pad, dilation, ceil):
    """nn.MaxPool1D, 2D or 3D."""
    if any(d != 1 for d in dilation):
        raise NotImplementedError("Paddle's pooling has no dilation")
    return of_rank("MaxPool", len(kernel))(kernel, stride, padding(pad), ceil_mode=ceil)


def average_pool(node, kernel, stride, pad, ceil, count_pad):
    """nn.AvgPool1D, 2D or 3D. Where the padding counts, both ends of an axis are taken to have as much as the first."""
    rank, make = len(kernel), of_rank("AvgPool", len(kernel))
    if count_pad and pad[:rank] != pad[rank:]:
        if ceil:
            raise NotImplementedError("a padding layer before AvgPool changes which windows its ceil_mode adds")
        pool, widths = make(kernel, stride, exclusive=False), [0, 0] + pad[:rank] + [0, 0] + pad[rank:]
        return lambda x: pool(padded(x, widths, "constant", 0.0))
    return make(kernel, stride, padding(pad), ceil_mode=ceil, exclusive=not count_pad)


def lp_pool(node, kernel, stride, pad, p):
    """nn.LPPool1D or 2D, which raise x itself to the power p: when p is odd, |x| is wanted before."""
    pool = of_rank("LPPool", len(kernel))(p, kernel, stride, padding(pad))
    return (lambda x: pool(paddle.abs(x))) if p % 2 else pool


def lp_pool3d(node, kernel, stride, pad, p):
    """Paddle has none of three axes: the mean of |x|^p, times the cells of a window."""
    pool, cells = average_pool(node, kernel, stride, pad, False, True), functools.reduce(operator.mul, kernel)
    return lambda x: (pool(paddle.abs(x) ** p) * cells) ** (1.0 / p)


def global_pool(name):
    """An adaptive pool of size 1, and its spatial axes taken away."""
    return lambda node: nn.Sequential(of_rank(name, node.rank)(1), nn.Flatten())


def upsample_bilinear(node, scale, corners):
    """nn.Upsample, which has all three rules."""
    options = {"align_corners": corners == "align_corners", "align_mode": int(corners == "asymmetric")}
    return nn.Upsample(scale_factor=list(scale), mode="bilinear", **options)


# -- Dense layers, normalisation, attention ---------------------------------------------------------------------------


def linear(weight, bias=None):
    """nn.Linear with this weight (units, inputs), which Paddle keeps as (inputs, units)."""
    made = nn.Linear(weight.shape[1], weight.shape[0], **({"bias_attr": False} if bias is None else {}))
    return loaded(made, {"weight": weight.T} if bias is None else {"weight": weight.T, "bias": bias})


class Maxout(nn.Layer):
    """The greatest of each unit's pieces; nn.Maxout takes four-dimensional arrays only."""

    def __init__(self, node, units, pieces):
        super().__init__()
        self.linear, self.shape = linear(**node.weights), [0, units, pieces]

    def forward(self, x):
        """x (batch, in) -> (batch, units)."""
        return paddle.max(paddle.reshape(self.linear(x), self.shape), axis=-1)


def position_embedding(x, weight):
    """x plus the first rows. The tracer knows a dynamic x.shape only in functions that it can rewrite: no lambda."""
    return x + weight[: x.shape[1]]


def class_token(x, weight):
    """The token before each sequence."""
    return paddle.concat([paddle.expand(weight, [x.shape[0], -1, -1]), x], 1)


class HierarchicalSoftmax(nn.Layer):
    """P(cluster) P(member | cluster) from two linear maps."""

    def __init__(self, node, clusters, members):
        super().__init__()
        w = node.weights
        self.cluster = linear(w["cluster_weight"], w["cluster_bias"])
        self.member = linear(w["member_weight"], w["member_bias"])
        self.sizes = [clusters, members]

    def forward(self, x):
        """x (batch, in) -> (batch, clusters * members)."""
        member = F.softmax(paddle.reshape(self.member(x), [0] + self.sizes), axis=-1)
        return paddle.flatten(F.softmax(self.cluster(x), axis=-1).unsqueeze(-1) * member, 1)


def layer_norm(node, axis, epsilon):
    """nn.LayerNorm."""
    if epsilon > 1e-3:
        raise NotImplementedError("LayerNorm takes no epsilon above 0.001")
    return nn.LayerNorm(list(node.weights["scale"].shape), epsilon)


def rms_norm(node, epsilon):
    """F.rms_norm has a kernel for graphics processors only."""

    def call(x, scale):
        return x * paddle.rsqrt(paddle.mean(x * x, axis=-1, keepdim=True) + epsilon) * scale

    return Composed(call, node.weights)


def local_response_norm(node, size, alpha, beta, bias):
    """nn.LocalResponseNorm, whose alpha is divided by the size too."""
    if size % 2 == 0:
        raise NotImplementedError("LocalResponseNorm puts the odd channel of an even window before, not behind")
    return nn.LocalResponseNorm(size, alpha, beta, bias)


def dot_product_attention(q, k, v, causal):
    """F.scaled_dot_product_attention takes (batch, time, heads, size): we have one head, or heads before time."""
    if q.ndim == 4:
        q, k, v = (paddle.transpose(x, [0, 2, 1, 3]) for x in (q, k, v))
        return paddle.transpose(F.scaled_dot_product_attention(q, k, v, is_causal=causal), [0, 2, 1, 3])
    y = F.scaled_dot_product_attention(q.unsqueeze(2), k.unsqueeze(2), v.unsqueeze(2), is_causal=causal)
    return y.squeeze(2)


def additive_attention(query, keys, w_query, w_key, bias, score):
    """Bahdanau's attention of query (batch, queries, a) over keys (batch, times, b), which are the values too."""
    queries = paddle.matmul(query, w_query, transpose_y=True).unsqueeze(2)
    hidden = paddle.tanh(queries + paddle.matmul(keys, w_key, transpose_y=True).unsqueeze(1) + bias)
    return paddle.matmul(F.softmax(paddle.matmul(hidden, score), axis=-1), keys)


class Attention(nn.Layer):
    """nn.MultiHeadAttention with keys that serve as values."""

    def __init__(self, made, causal):
        super().__init__()
        self.attention, self.causal = made, causal

    def forward(self, query, keys):
        """query (batch, queries, size), keys (batch, times, size of keys) -> (batch, queries, size)."""
        mask = None
        if self.causal:
            # The mask of nn.Transformer.generate_square_subsequent_mask.
            length = query.shape[1]
            mask = paddle.triu(paddle.full([length, length], float("-inf"), query.dtype), 1)
        return self.attention(query, keys, keys, mask)


def multi_head_attention(node, heads, causal):
    """nn.MultiHeadAttention has a Linear for each of query, key, value and output."""
    w, arrays = node.weights, {}
    for ours, theirs in (("q", "q_proj"), ("k", "k_proj"), ("v", "v_proj"), ("out", "out_proj")):
        arrays.update({theirs + ".weight": w["w_" + ours].T, theirs + ".bias": w["b_" + ours]})
    sources = w["w_k"].shape[1]
    made = nn.MultiHeadAttention(w["w_out"].shape[0], heads, kdim=sources, vdim=sources)
    return Attention(loaded(made, arrays), causal)


# -- Recurrent layers -------------------------------------------------------------------------------------------------


def recurrent_state(arrays, suffixes):
    """The state of nn.LSTM or nn.LSTMCell: w_ih_1_0 (layer 1, forward) becomes weight_ih with the suffix of its place.

    The order of the gates, and two biases that add up, are the same here and there.
    """
    parts = [name.split("_", 2) + [array] for name, array in arrays.items()]
    return {{"w": "weight_", "b": "bias_"}[kind] + part + suffixes[place]: array for kind, part, place, array in parts}


class Recurrent(nn.Layer):
    """nn.SimpleRNN, nn.LSTM or nn.GRU, of which all times or the final states of the last layer are wanted."""

    def __init__(self, made, direction, sequence):
        super().__init__()
        self.recurrent, self.direction, self.sequence = made, direction, sequence

    def forward(self, x):
        """x (batch, time, features) -> (batch, time, units) or (batch, units), twice the units when bidirectional."""
        # Backward-only layers are nn.RNN(cell, is_reverse=True), a loop that paddle2onnx cannot write: users turn time.
        if self.direction == "reverse":
            x = paddle.flip(x, 1)
        y, state = self.recurrent(x)
        if self.sequence:
            return paddle.flip(y, 1) if self.direction == "reverse" else y
        hidden = state[0] if isinstance(state, tuple) else state
        return paddle.concat([hidden[-2], hidden[-1]], -1) if self.direction == "bidirectional" else hidden[-1]


def recurrent(kind):
    """An entry for nn.SimpleRNN, nn.LSTM or nn.GRU."""

    def make(node, units, layers, direction, sequence, reset="after", activation=None):
        if reset != "after":
            raise NotImplementedError("nn.GRU applies its reset gate behind the product with the state")
        options = {"activation": activation} if activation else {}
        options["direction"] = "bidirect" if direction == "bidirectional" else "forward"
        made = kind(node.weights["w_ih_0_0"].shape[1], units, layers, **options)
        places = {"%d_%d" % (n, d): "_l%d%s" % (n, "_reverse" * d) for n in range(layers) for d in (0, 1)}
        return Recurrent(loaded(made, recurrent_state(node.weights, places)), direction, sequence)

    return attributed(make)


class LSTMCell(nn.LSTMCell):
    """nn.LSTMCell with its states side by side."""

    def forward(self, x, h, c):
        """x (batch, in), states h and c (batch, units) -> new h and new c."""
        return super().forward(x, (h, c))[1]


class GRUCell(nn.GRUCell):
    """nn.GRUCell with its new state alone."""

    def forward(self, x, h):
        """x (batch, in), state h (batch, units) -> new h."""
        return super().forward(x, h)[0]


def cell(kind):
    """An entry for LSTMCell or GRUCell."""

    def make(node, units):
        made = kind(node.weights["w_ih_0_0"].shape[1], units)
        return loaded(made, recurrent_state(node.weights, {"0_0": ""}))

    return attributed(make)


# -- Control flow -----------------------------------------------------------------------------------------------------
# Python's own if and while, which Paddle's tracer rewrites as conditional_block and while from the source.


def controlled(call):
    """An entry for call(*tensors, **weights, **attributes). Paddle's tracer does not rewrite what is in a partial."""
    return lambda node: Composed(
        call, node.weights, {name: value for name, value in node.attributes.items() if name != "vocabulary"}
    )


def mapped(x, weight, bias=None):
    """The linear map of x by a weight (units, inputs)."""
    return F.linear(x, weight.t(), bias)


def branch(x, weight_then, bias_then, weight_else, bias_else):
    """One of two maps of x (batch, size), by its mean."""
    return paddle.tanh(mapped(x, weight_then, bias_then)) if x.mean([0, 1]) > 0 else mapped(x, weight_else, bias_else)


def forward_step(x, weight, bias):
    """x += tanh(weight x + bias) / 2."""
    return x + 0.5 * paddle.tanh(mapped(x, weight, bias))


def backward_step(x, weight, bias):
    """x -= (weight x + bias) / 4."""
    return x - 0.25 * mapped(x, weight, bias)


def loop(x, count, weight_step, bias_step):
    """A number of steps of x (batch, size) that is an input ()."""
    step = paddle.zeros([], "int64")
    while step < count:
        x = forward_step(x, weight_step, bias_step)
        step = step + 1
    return x


def alternate(x, count, weight_even, bias_even, weight_odd, bias_odd):
    """Steps of two kinds in turn."""
    step = paddle.zeros([], "int64")
    while step < count:
        x = forward_step(x, weight_even, bias_even) if step % 2 == 0 else backward_step(x, weight_odd, bias_odd)
        step = step + 1
    return x


def iterate(x, weight, bias, threshold, limit):
    """Steps until x (batch, size) is large, or there were enough."""
    step = paddle.zeros([], "int64")
    while step < limit and (x * x).mean([0, 1]).sqrt() <= threshold:
        x = mapped(x, weight, bias)
        step = step + 1
    return x


def scan(x, state, decay, w_in, w_state, bias, reverse):
    """A recurrence over the times of x (batch, time, in) from the state (batch, units): all states, and the last."""
    if reverse:
        x = x.flip(1)
    states = []
    for t in range(x.shape[1]):
        state = decay * state + paddle.tanh(mapped(x[:, t], w_in, bias) + mapped(state, w_state))
        states.append(state)
    y = paddle.stack(states, 1)
    return y.flip(1) if reverse else y, state


def decoded(token, state, table, w_state, w_out, follow):
    """The next state of the decoder's cell, and the log probabilities of the tokens."""
    state = paddle.tanh(F.embedding(token, table) + mapped(state, w_state))
    return state, F.log_softmax(mapped(state, w_out) + F.embedding(token, follow), -1)


def greedy_decode(start, state, table, w_state, w_out, follow, limit):
    """Tokens (batch, limit), their log probabilities' sums, the last state; until all samples have had the token 0."""
    token, total, ended = start, paddle.zeros_like(state[:, 0]), start < 0
    places, tokens = paddle.arange(limit), paddle.zeros_like(start).unsqueeze(1).tile([1, limit])
    step = paddle.zeros([], "int64")
    while step < limit and not ended.all():
        state, chances = decoded(token, state, table, w_state, w_out, follow)
        token, total = chances.argmax(-1), total + chances.max(-1)
        ended = paddle.logical_or(ended, token == 0)
        tokens = paddle.where(places == step, token.unsqueeze(1), tokens)
        step = step + 1
    return tokens, total, state


def beam_step(scores, tokens, state, handicap, **weights):
    """One step of a beam search."""
    state, chances = decoded(tokens, state, **weights)
    sums = (scores + handicap).unsqueeze(-1) + chances
    best, places = sums.flatten(1).topk(scores.shape[1])
    parents, vocabulary = places // chances.shape[-1], chances.shape[-1]
    return best, places % vocabulary, paddle.take_along_axis(state, parents.unsqueeze(-1), 1)


# -- Reductions and shapes --------------------------------------------------------------------------------------------


def reduction(call, **options):
    """An entry for call(x, axis, keepdim)."""
    return function(functools.partial(call, **options), axes="axis", keepdims="keepdim")


def cut(x, axes, starts, ends, steps):
    """Python's slices."""
    slices = [slice(None)] * x.ndim
    for axis, start, end, step in zip(axes, starts, ends, steps):
        slices[axis] = slice(start, end, step)
    return x[tuple(slices)]


def padded(x, pads, mode, value):
    """F.pad: all axes from the first on when it fills with a number, else space alone, from the last axis on."""
    rank = len(pads) // 2
    pairs = [(pads[axis], pads[rank + axis]) for axis in range(rank)]
    if mode == "constant":
        return F.pad(x, [n for pair in pairs for n in pair], value=value)
    if any(pads[:2] + pads[rank : rank + 2]) or rank not in (3, 4, 5):
        raise NotImplementedError("F.pad reflects and replicates along spatial axes only")
    form = {3: "NCL", 4: "NCHW", 5: "NCDHW"}[rank]
    widths = [n for pair in reversed(pairs[2:]) for n in pair]
    return F.pad(x, widths, mode={"edge": "replicate"}.get(mode, mode), data_format=form)


def gather(x, ids, axis):
    """paddle.gather where it can: it takes a list of ids only. Else indexing."""
    if ids.ndim == 1:
        return paddle.gather(x, ids, axis)
    return x[(slice(None),) * (axis % x.ndim) + (ids,)]


def cumulative_sum(x, axis, exclusive, reverse):
    """paddle.cumsum, which counts each number itself and goes forward."""
    x = paddle.flip(x, axis) if reverse else x
    total = paddle.cumsum(x, axis) - x if exclusive else paddle.cumsum(x, axis)
    return paddle.flip(total, axis) if reverse else total


LAYERS = {
    "relu": function(F.relu),
    "leaky_relu": function(F.leaky_relu, alpha="negative_slope"),
    "prelu": layer(
        lambda node: nn.PReLU(len(node.weights["slope"]), data_format=("NC", "NCL", "NCHW", "NCDHW")[node.rank]),
        slope="_weight",
    ),
    "elu": function(F.elu),
    "selu": function(F.selu),
    "celu": function(F.celu),
    "gelu": function(lambda x, approximate: F.gelu(x, approximate == "tanh")),
    "silu": function(F.silu),
    "mish": function(F.mish),
    "hard_sigmoid": function(F.hardsigmoid, alpha="slope", beta="offset"),
    "hard_swish": function(F.hardswish),
    "softplus": function(F.softplus),
    "softsign": function(F.softsign),
    "sigmoid": function(F.sigmoid),
    "tanh": function(paddle.tanh),
    "softmax": function(F.softmax),
    "log_softmax": function(F.log_softmax),
    "dropout": layer(lambda node, rate: nn.Dropout(rate)),
    "add": function(paddle.add),
    "subtract": function(paddle.subtract),
    "multiply": function(paddle.multiply),
    "divide": function(paddle.divide),
    "power": function(paddle.pow),
    "maximum": function(paddle.maximum),
    "minimum": function(paddle.minimum),
    "greater": function(paddle.greater_than),
    "less": function(paddle.less_than),
    "equal": function(paddle.equal),
    "absolute": function(paddle.abs),
    "negative": function(paddle.neg),
    "exp": function(paddle.exp),
    "log": function(paddle.log),
    "sqrt": function(paddle.sqrt),
    "reciprocal": function(paddle.reciprocal),
    "sin": function(paddle.sin),
    "cos": function(paddle.cos),
    "floor": function(paddle.floor),
    "ceil": function(paddle.ceil),
    "sign": function(paddle.sign),
    "erf": function(paddle.erf),
    "affine": function(paddle.scale, factor="scale", offset="bias"),
    "clip": function(paddle.clip, low="min", high="max"),
    "conv1d": layer(convolution),
    "conv2d": layer(convolution),
    "conv3d": layer(convolution),
    "conv_transpose1d": layer(transposed_convolution),
    "conv_transpose2d": layer(transposed_convolution),
    "conv_transpose3d": layer(transposed_convolution),
    "max_pool1d": attributed(max_pool),
    "max_pool2d": attributed(max_pool),
    "max_pool3d": attributed(max_pool),
    "average_pool1d": attributed(average_pool),
    "average_pool2d": attributed(average_pool),
    "average_pool3d": attributed(average_pool),
    "lp_pool1d": attributed(lp_pool),
    "lp_pool2d": attributed(lp_pool),
    "global_average_pool": global_pool("AdaptiveAvgPool"),
    "global_max_pool": global_pool("AdaptiveMaxPool"),
    "global_lp_pool": function(lambda x, p: paddle.linalg.vector_norm(x, p, axis=list(range(2, x.ndim)))),
    "adaptive_average_pool2d": layer(lambda node, size: nn.AdaptiveAvgPool2D(size)),
    "adaptive_max_pool2d": layer(lambda node, size: nn.AdaptiveMaxPool2D(size)),
    "linear": lambda node: linear(**node.weights),
    "bilinear": layer(lambda node, units: nn.Bilinear(*node.weights["weight"].shape[1:], units)),
    "embedding": layer(lambda node, entries, size: nn.Embedding(entries, size)),
    "matmul": function(paddle.matmul, transpose_b="transpose_y"),
    "dot_product_attention": function(dot_product_attention),
    "multi_head_attention": attributed(multi_head_attention),
    "batch_norm": layer(
        lambda node, epsilon: of_rank("BatchNorm", node.rank)(len(node.weights["scale"]), epsilon=epsilon)
    ),
    "layer_norm": layer(layer_norm),
    "instance_norm": layer(
        lambda node, epsilon: of_rank("InstanceNorm", node.rank)(len(node.weights["scale"]), epsilon), scale="scale"
    ),
    "group_norm": layer(lambda node, groups, epsilon: nn.GroupNorm(groups, len(node.weights["scale"]), epsilon)),
    "local_response_norm": attributed(local_response_norm),
    "rnn": recurrent(nn.SimpleRNN),
    "lstm": recurrent(nn.LSTM),
    "gru": recurrent(nn.GRU),
    "lstm_cell": cell(LSTMCell),
    "gru_cell": cell(GRUCell),
    "reduce_sum": reduction(paddle.sum),
    "reduce_mean": reduction(paddle.mean),
    "reduce_max": reduction(paddle.max),
    "reduce_min": reduction(paddle.min),
    "reduce_prod": reduction(paddle.prod),
    "reduce_l1": reduction(paddle.linalg.vector_norm, p=1.0),
    "reduce_l2": reduction(paddle.linalg.vector_norm, p=2.0),
    "reduce_log_sum_exp": reduction(paddle.logsumexp),
    "arg_max": reduction(paddle.argmax),
    "arg_min": reduction(paddle.argmin),
    "flatten": layer(lambda node: nn.Flatten()),
    "reshape": function(paddle.reshape),
    "transpose": function(paddle.transpose, permutation="perm"),
    "squeeze": function(paddle.squeeze),
    "unsqueeze": function(paddle.unsqueeze),
    "concat": function(lambda *xs, axis: paddle.concat(list(xs), axis)),
    "split": function(paddle.split, sizes="num_or_sections"),
    "slice": function(cut),
    "pad": function(padded),
    "upsample_nearest": layer(lambda node, scale: nn.Upsample(scale_factor=list(scale), mode="nearest")),
    "upsample_bilinear": attributed(upsample_bilinear),
    "pixel_shuffle": layer(lambda node, factor: nn.PixelShuffle(factor)),
    "gather": function(gather),
    "where": function(paddle.where),
    "one_hot": function(lambda ids, depth: F.one_hot(ids, depth).astype(paddle.get_default_dtype())),
    "top_k": function(paddle.topk),
    "cumulative_sum": function(cumulative_sum),
}

COMPOSED = {
    "position_embedding": composed(position_embedding),
    "class_token": composed(class_token),
    "maxout": attributed(Maxout),
    "hierarchical_softmax": attributed(HierarchicalSoftmax),
    "additive_attention": composed(additive_attention),
    "rms_norm": attributed(rms_norm),
    "lp_pool3d": attributed(lp_pool3d),
    "branch": controlled(branch),
    "loop": controlled(loop),
    "alternate": controlled(alternate),
    "iterate": controlled(iterate),
    "scan": controlled(scan),
    "greedy_decode": controlled(greedy_decode),
    "beam_step": controlled(beam_step),
}

ENTRIES = dict(LAYERS, **COMPOSED)


# -- Models -----------------------------------------------------------------------------------------------------------


class Model(nn.Layer):
    """The layer graph; nodes of one `layer` share one layer."""

    def __init__(self, graph):
        super().__init__()
        self.inputs = [i.name for i in graph.inputs]
        self.outputs = [(o.name, o.value) for o in graph.outputs]
        self.layers, self.steps = nn.LayerDict(), []
        ranks = {i.name: len(i.shape) - 2 for i in graph.inputs}
        for node in graph.nodes:
            node.rank = ranks[node.inputs[0]]
            ranks.update((name, len(shape) - 2) for name, shape in zip(node.outputs, node.shapes))
            call = self.layers[node.layer] if node.layer in self.layers else ENTRIES[node.op](node)
            if isinstance(call, nn.Layer):
                self.layers[node.layer] = call
            self.steps.append((call, node.inputs, node.outputs))

    def forward(self, inputs):
        """The outputs of the graph, in its order; `inputs` are a list, since Paddle's tracer takes no *inputs."""
        values = dict(zip(self.inputs, inputs))
        for call, sources, names in self.steps:
            results = call(*[values[name] for name in sources])
            values.update(zip(names, results if isinstance(results, (tuple, list)) else (results,)))
        return tuple(values[value] for _, value in self.outputs)


def build(graph, request):
    """The reference model as an nn.Layer, for inference."""
    paddle.set_default_dtype(request.dtype)
    model = Model(graph)
    model.eval()
    return model


def run(model, inputs):
    """The model's outputs by name."""
    with paddle.no_grad():
        results = model([paddle.to_tensor(inputs[name]) for name in model.inputs])
    return {name: result.numpy() for (name, _), result in zip(model.outputs, results)}


# -- Exporters --------------------------------------------------------------------------------------------------------


def specs(model, inputs, request):
    """What Paddle's tracer is told of the inputs: None for a dynamic axis."""
    result = []
    for name in model.inputs:
        shape = [None if axis in request.dynamic[name] else n for axis, n in enumerate(inputs[name].shape)]
        result.append(paddle.static.InputSpec(shape, str(inputs[name].dtype), name))
    return result


def export(model, inputs, request, path):
    """paddle.onnx.export; it ends the process where it fails, and says on its standard output why."""
    options = {} if request.opset is None else {"opset_version": request.opset}
    told = io.StringIO()
    try:
        with contextlib.redirect_stdout(told):
            paddle.onnx.export(model, path[: -len(".onnx")], [specs(model, inputs, request)], **options)
    except SystemExit:
        failures = re.findall(r"Failed to convert PaddlePaddle model.*", told.getvalue(), re.S)
        raise RuntimeError(failures[0] if failures else "paddle2onnx ended the process") from None
    finally:
        print(told.getvalue())
    names = [output.name for output in onnx.load(path).graph.output]
    return {"outputs": [{"name": theirs, "value": ours} for theirs, (ours, _) in zip(names, model.outputs)]}


EXPORTERS = {"onnx": export}
