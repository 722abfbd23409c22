"""Textbook ONNX: the layer graph written directly with onnx.helper, free of any exporter's habits.

Each layer becomes the most direct operator that the asked opset has, or the primitives of that opset that compute it.
No framework stands behind this source; its native run is the graph in float32 NumPy.
"""

import numpy as np
import onnx
from onnx import helper, numpy_helper

PACKAGES = ("onnx", "numpy")
DTYPES = ("float32", "float16", "bfloat16", "float64")
#: Most operators take bfloat16 since opset 22.
DEFAULT_OPSETS = {"bfloat16": 22}


class Writer:
    """Collects the nodes and initializers of one ONNX graph.

    Any operator is a method: `w.Mul(x, 0.5)` adds a node and returns the name of its output. Inputs are names of
    tensors, None for an optional one left out, or numbers, which become initializers (int64, bool, or of the model's
    dtype; arrays of float32 stay so).

    shapes: of the reference model's values, at the export sizes, by name of the tensor
    arrays: what initializers there may be; those that no node reads are not written
    """

    def __init__(self, opset, dynamic, dtype="float32"):
        self.opset, self.dynamic, self.dtype = opset, dynamic, np.dtype(dtype)
        self.nodes, self.shapes, self.arrays, self.constants = [], {}, {}, {}
        self.scope = ""

    def __getattr__(self, op_type):
        return lambda *inputs, **attributes: self.op(op_type, *inputs, **attributes)

    def op(self, op_type, *inputs, outputs=1, **attributes):
        """Add a node; returns the name of its output, or a tuple of names when there are several."""
        name = "%s/%s_%d" % (self.scope, op_type, len(self.nodes) + 1)
        names = [name] if outputs == 1 else ["%s_%d" % (name, i) for i in range(outputs)]
        given = max(i for i, value in enumerate(inputs, 1) if value is not None)
        tensors = [self.tensor(value) for value in inputs[:given]]
        self.nodes.append(helper.make_node(op_type, tensors, names, name=name, **attributes))
        return names[0] if outputs == 1 else tuple(names)

    def subgraph(self, name, write, inputs=(), outputs=()):
        """The graph of an attribute: write(*names of its inputs) adds its nodes and returns the names of its outputs.

        inputs, outputs: (dtype, shape) of each. Weights and what was computed before are read from the outer graph.
        """
        outer, self.nodes, scope = self.nodes, [], self.scope
        self.scope = "%s/%s_%d" % (scope, name, len(outer) + 1)
        names = ["%s/input_%d" % (self.scope, i) for i in range(len(inputs))]
        results = write(*names)
        given = [value_info(n, *described) for n, described in zip(names, inputs)]
        returned = [value_info(n, *described) for n, described in zip(results, outputs)]
        graph = helper.make_graph(self.nodes, name, given, returned)
        self.nodes, self.scope = outer, scope
        return graph

    def variable(self, x, *more):
        """The dtype and shape of x, of the model's dtype, with `more` axes behind the first: what a loop carries."""
        return self.dtype, ([None] if self.dynamic else self.shapes[x][:1]) + list(more or self.shapes[x][1:])

    def tensor(self, value):
        """The name of an input of a node; equal numbers share one initializer."""
        if value is None or isinstance(value, str):
            return value or ""
        array = np.asarray(value)
        array = array.astype({"float64": self.dtype, "int32": "int64"}.get(array.dtype.name, array.dtype))
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self.constants:
            self.constants[key] = self.weight("constant_%d" % (len(self.constants) + 1), array)
        return self.constants[key]

    def weight(self, name, array):
        """Keep an initializer under `name`."""
        self.arrays[name] = array
        return name

    def transposed(self, weight):
        """The initializer `weight` with its last two axes swapped."""
        return self.weight(weight + "_transposed", np.swapaxes(self.arrays[weight], -1, -2))

    def per_channel(self, weight, x):
        """The initializer `weight` (channels) in a shape that broadcasts along axis 1 of x."""
        spatial = len(self.shapes[x]) - 2
        return self.weight("%s_%dd" % (weight, spatial), self.arrays[weight].reshape([-1] + [1] * spatial))

    def shape(self, x):
        """The shape of x as a 1-D tensor: computed by the graph where it may change."""
        return self.Shape(x) if self.dynamic else self.shapes[x]

    def length(self, x, axis):
        """The length of one axis of x as a 1-D tensor, likewise."""
        return self.Gather(self.Shape(x), [axis]) if self.dynamic else [self.shapes[x][axis]]


def since(opset, operator, composition):
    """`operator` from that opset on, `composition` before it."""
    return lambda w, *xs, **a: (operator if w.opset >= opset else composition)(w, *xs, **a)


def stashed(opset, operator, composition):
    """`operator` from that opset on, but for float64: what it normalises by is a float32 by ONNX's definition."""
    return lambda w, *xs, **a: (operator if w.opset >= opset and w.dtype != "float64" else composition)(w, *xs, **a)


#: Attributes of layers as ONNX spells them; None: what only says how many weights to draw.
SPELLING = {
    "ceil": "ceil_mode",
    "count_pad": "count_include_pad",
    "dilation": "dilations",
    "factor": "blocksize",
    "filters": None,
    "groups": "group",
    "kernel": "kernel_shape",
    "output_pad": "output_padding",
    "pad": "pads",
    "permutation": "perm",
    "stride": "strides",
    "use_bias": None,
}


def direct(op_type, *names, **more):
    """The layer is one operator. `names`: which of its weights and attributes follow x as inputs of the operator."""

    def layer(w, *xs, **given):
        inputs = [given.pop(name, None) for name in names]
        spelled = {SPELLING.get(name, name): value for name, value in given.items()}
        spelled.pop(None, None)
        return w.op(op_type, *(xs + tuple(inputs)), **dict(spelled, **more))

    return layer


# Activation


def gelu(w, x, approximate):
    """Gelu before opset 20."""
    if approximate == "tanh":
        inner = w.Mul(w.Add(x, w.Mul(w.Mul(w.Mul(x, x), x), 0.044715)), (2 / np.pi) ** 0.5)
        return w.Mul(w.Mul(x, 0.5), w.Add(w.Tanh(inner), 1.0))
    return w.Mul(w.Mul(x, 0.5), w.Add(w.Erf(w.Div(x, 2**0.5)), 1.0))


# Linear maps and tables


def project(w, x, weight, bias=None):
    """x (..., in) times the transposed weight (units, in), plus the bias."""
    y = w.MatMul(x, w.transposed(weight))
    return y if bias is None else w.Add(y, bias)


def linear(w, x, weight, bias=None, units=None, use_bias=None):
    """Gemm, which takes matrices only, or its parts."""
    return w.Gemm(x, weight, bias, transB=1) if len(w.shapes[x]) == 2 else project(w, x, weight, bias)


def class_token(w, x, weight):
    """Expand, since Concat does not broadcast."""
    token = w.Expand(weight, w.Concat(w.length(x, 0), [1, 1], axis=0) if w.dynamic else [w.shapes[x][0], 1, 1])
    return w.Concat(token, x, axis=1)


def maxout(w, x, pieces, weight, bias, **_):
    """Gemm, then the greatest of each group of numbers."""
    return reduced(w, "ReduceMax", w.Reshape(linear(w, x, weight, bias), [0, -1, pieces]), [-1])


def hierarchical_softmax(w, x, clusters, members, cluster_weight, cluster_bias, member_weight, member_bias):
    """Two Softmax, multiplied."""
    cluster = w.Softmax(linear(w, x, cluster_weight, cluster_bias), axis=-1)
    scores = w.Reshape(linear(w, x, member_weight, member_bias), [0, clusters, members])
    return w.Flatten(w.Mul(w.Unsqueeze(cluster, [2]), w.Softmax(scores, axis=-1)), axis=1)


def swapped(w, x):
    """x with its last two axes swapped."""
    rank = len(w.shapes[x])
    return w.Transpose(x, perm=list(range(rank - 2)) + [rank - 1, rank - 2])


def matmul(w, a, b, transpose_b):
    """MatMul, with a Transpose in front of b when asked."""
    return w.MatMul(a, swapped(w, b) if transpose_b else b)


# Attention


def attend(w, q, k_transposed, v, size, later):
    """Attention of heads of `size`; `later` tells which keys a query must not see."""
    scores = w.Mul(w.MatMul(q, k_transposed), size**-0.5)
    return w.MatMul(w.Softmax(scores if later is None else w.Where(later, -np.inf, scores), axis=-1), v)


def later_keys(w, query, keys):
    """The mask (queries, keys) of the keys after each query's own time."""
    if not w.dynamic:
        return np.triu(np.ones((w.shapes[query][-2], w.shapes[keys][-2]), dtype=bool), k=1)
    rows, columns = (w.Range(0, w.Squeeze(w.length(x, -2)), 1) for x in (query, keys))
    return w.Less(w.Unsqueeze(rows, [1]), columns)


def dot_product_attention(w, q, k, v, causal):
    """Attention before opset 23."""
    later = later_keys(w, q, k) if causal else None
    return attend(w, q, swapped(w, k), v, w.shapes[q][-1], later)


def dot_product_attention_23(w, q, k, v, causal):
    """Attention; three axes are read as (batch, time, heads x size)."""
    heads = {"q_num_heads": 1, "kv_num_heads": 1} if len(w.shapes[q]) == 3 else {}
    return w.Attention(q, k, v, is_causal=causal, **heads)


def additive_attention(w, query, keys, w_query, w_key, bias, score, **_):
    """Scores of all pairs by broadcasting."""
    pairs = w.Add(w.Unsqueeze(project(w, query, w_query), [2]), w.Unsqueeze(project(w, keys, w_key), [1]))
    return w.MatMul(w.Softmax(w.MatMul(w.Tanh(w.Add(pairs, bias)), score), axis=-1), keys)


def multi_head_attention(w, query, keys, heads, causal, w_q, b_q, w_k, b_k, w_v, b_v, w_out, b_out):
    """Attention between the projections; before opset 23, on heads split off by Reshape and Transpose."""
    q, k, v = project(w, query, w_q, b_q), project(w, keys, w_k, b_k), project(w, keys, w_v, b_v)
    if w.opset >= 23:
        y = w.Attention(q, k, v, q_num_heads=heads, kv_num_heads=heads, is_causal=causal)
        return project(w, y, w_out, b_out)

    def split(x, permutation):
        return w.Transpose(w.Reshape(x, [0, 0, heads, -1]), perm=permutation)

    later = later_keys(w, query, keys) if causal else None
    size = w.shapes[query][-1] // heads
    y = attend(w, split(q, [0, 2, 1, 3]), split(k, [0, 2, 3, 1]), split(v, [0, 2, 1, 3]), size, later)
    return project(w, w.Reshape(w.Transpose(y, perm=[0, 2, 1, 3]), [0, 0, -1]), w_out, b_out)


# Pooling


def global_pool(op_type):
    """A global pooling operator, without the axes of length 1 that it leaves."""
    return lambda w, x, **attributes: w.Flatten(w.op(op_type, x, **attributes), axis=1)


def adaptive_pool(op_type, composition):
    """Windows of equal size where the grid divides the image, else `composition` along each axis."""

    def layer(w, x, size):
        space = w.shapes[x][2:]
        if all(n % cells == 0 for n, cells in zip(space, size)):
            window = [n // cells for n, cells in zip(space, size)]
            return w.op(op_type, x, kernel_shape=window, strides=window)
        for axis, (n, cells) in enumerate(zip(space, size), 2):
            x = composition(w, x, axis, n, [(i * n // cells, -(-(i + 1) * n // cells)) for i in range(cells)])
        return x

    return layer


def average_regions(w, x, axis, n, regions):
    """The mean of each region [begin, end) of rows (axis 2) or columns (axis 3), as a product with a matrix."""
    matrix = np.array([[(begin <= i < end) / (end - begin) for i in range(n)] for begin, end in regions])
    return w.MatMul(matrix, x) if axis == 2 else w.MatMul(x, matrix.T)


def max_regions(w, x, axis, n, regions):
    """The maximum of each region [begin, end) of `axis`; short regions take their last cell again."""
    longest = max(end - begin for begin, end in regions)
    cells = [[min(begin + i, end - 1) for i in range(longest)] for begin, end in regions]
    return reduced(w, "ReduceMax", w.Gather(x, cells, axis=axis), [axis + 1])


def upsample(w, x, scale, corners, **attributes):
    """Resize by whole factors."""
    scales = np.array([1, 1] + list(scale), dtype=np.float32)
    return w.Resize(x, None, scales, coordinate_transformation_mode=corners, **attributes)


# Normalisation


def layer_norm(w, x, axis, epsilon, scale, bias):
    """LayerNormalization before opset 17."""
    axes = list(range(axis, 0))
    centred = w.Sub(x, reduced(w, "ReduceMean", x, axes, True))
    variance = reduced(w, "ReduceMean", w.Mul(centred, centred), axes, True)
    return w.Add(w.Mul(w.Div(centred, w.Sqrt(w.Add(variance, epsilon))), scale), bias)


def rms_norm(w, x, epsilon, scale):
    """RMSNormalization before opset 23."""
    square = reduced(w, "ReduceMean", w.Mul(x, x), [-1], True)
    return w.Mul(w.Div(x, w.Sqrt(w.Add(square, epsilon))), scale)


def group_norm(w, x, groups, epsilon, scale, bias):
    """GroupNormalization before opset 21 (that of opset 18 scales groups, not channels)."""
    ones, zeros = np.ones(groups), np.zeros(groups)
    y = w.InstanceNormalization(w.Reshape(x, [0, groups, -1]), ones, zeros, epsilon=epsilon)
    return w.Add(w.Mul(w.Reshape(y, w.shape(x)), w.per_channel(scale, x)), w.per_channel(bias, x))


def group_norm_21(w, x, groups, epsilon, scale, bias):
    """GroupNormalization."""
    return w.GroupNormalization(x, scale, bias, num_groups=groups, epsilon=epsilon)


# Recurrence


def stacked(w, weights, level, order):
    """ONNX's W, R and B of one layer: directions stacked, gates in `order` (ours, by number)."""

    def gates(kind, direction):
        blocks = np.split(w.arrays[weights["%s_%d_%d" % (kind, level, direction)]], len(order))
        return [blocks[gate] for gate in order]

    directions = [d for d in (0, 1) if "w_ih_%d_%d" % (level, d) in weights]
    names = []
    for letter, kinds in (("W", ["w_ih"]), ("R", ["w_hh"]), ("B", ["b_ih", "b_hh"])):
        array = np.stack([np.concatenate([block for kind in kinds for block in gates(kind, d)]) for d in directions])
        names.append(w.weight(weights["w_ih_0_0"].replace("w_ih_0_0", "%s_%d" % (letter, level)), array))
    return names


def recurrent(op_type, order):
    """RNN, LSTM or GRU: one node for each layer, times first inside."""

    def layer(w, x, units, layers, direction, sequence, reset=None, activation=None, **weights):
        attributes = {"hidden_size": units, "direction": direction}
        if reset:
            attributes["linear_before_reset"] = reset == "after"
        if activation:
            attributes["activations"] = [activation.capitalize()] * (2 if direction == "bidirectional" else 1)
        x = w.Transpose(x, perm=[1, 0, 2])
        for level in range(layers):
            y, last = w.op(op_type, x, *stacked(w, weights, level, order), outputs=2, **attributes)
            if level + 1 < layers:
                x = w.Reshape(w.Transpose(y, perm=[0, 2, 1, 3]), [0, 0, -1])
        if sequence:
            return w.Reshape(w.Transpose(y, perm=[2, 0, 1, 3]), [0, 0, -1])
        return w.Reshape(w.Transpose(last, perm=[1, 0, 2]), [0, -1])

    return layer


def cell(op_type, order, **attributes):
    """One step of LSTM or GRU from given states."""

    def layer(w, x, *states, units, **weights):
        x, *states = [w.Unsqueeze(value, [0]) for value in (x,) + states]
        inputs = [x] + stacked(w, weights, 0, order) + [None] + states
        _, *new = w.op(op_type, *inputs, outputs=1 + len(states), hidden_size=units, **attributes)
        return [w.Squeeze(state, [0]) for state in new]

    return layer


LSTM_GATES, GRU_GATES = (0, 3, 1, 2), (1, 0, 2)  # input, output, forget, cell; update, reset, hidden

# Control flow

TRIP, GOES_ON = ("int64", []), ("bool", [])  # what the body of a Loop is told first


def branch(w, x, weight_then, bias_then, weight_else, bias_else):
    """If, whose branches take nothing: they read x from the outer graph."""
    y = [w.variable(x)]
    then = w.subgraph("then", lambda: [w.Tanh(w.Gemm(x, weight_then, bias_then, transB=1))], outputs=y)
    other = w.subgraph("else", lambda: [w.Gemm(x, weight_else, bias_else, transB=1)], outputs=y)
    mean = reduced(w, "ReduceMean", x, range(len(w.shapes[x])))
    return w.If(w.Greater(mean, 0.0), then_branch=then, else_branch=other)


def counted(w, x, count, step):
    """Loop, `count` times: step(place, x) -> x."""
    body = w.subgraph(
        "body",
        lambda place, goes_on, x: [w.Identity(goes_on), step(place, x)],
        [TRIP, GOES_ON, w.variable(x)],
        [GOES_ON, w.variable(x)],
    )
    return w.Loop(count, None, x, body=body)


def forward_step(w, x, weight, bias):
    """x += tanh(weight x + bias) / 2."""
    return w.Add(x, w.Mul(w.Tanh(w.Gemm(x, weight, bias, transB=1)), 0.5))


def loop(w, x, count, weight_step, bias_step):
    """Loop."""
    return counted(w, x, count, lambda place, x: forward_step(w, x, weight_step, bias_step))


def alternate(w, x, count, weight_even, bias_even, weight_odd, bias_odd):
    """If within Loop."""
    y = [w.variable(x)]

    def step(place, x):
        even = w.subgraph("even", lambda: [forward_step(w, x, weight_even, bias_even)], outputs=y)
        odd = w.subgraph("odd", lambda: [w.Sub(x, w.Mul(w.Gemm(x, weight_odd, bias_odd, transB=1), 0.25))], outputs=y)
        return w.If(w.Equal(w.Mod(place, 2), 0), then_branch=even, else_branch=odd)

    return counted(w, x, count, step)


def iterate(w, x, threshold, limit, weight, bias):
    """Loop, with a condition before the first step and behind each."""

    def within(x):
        square = reduced(w, "ReduceMean", w.Mul(x, x), range(2))
        return w.Not(w.Greater(w.Sqrt(square), threshold))

    def write(place, goes_on, x):
        y = w.Gemm(x, weight, bias, transB=1)
        return [within(y), y]

    y = w.variable(x)
    return w.Loop(limit, within(x), x, body=w.subgraph("body", write, [TRIP, GOES_ON, y], [GOES_ON, y]))


def scan(w, x, state, reverse, decay, w_in, w_state, bias):
    """Scan over axis 1."""

    def write(state, x):
        inner = w.Add(w.Add(w.MatMul(x, w.transposed(w_in)), w.MatMul(state, w.transposed(w_state))), bias)
        state = w.Add(w.Mul(decay, state), w.Tanh(inner))
        return [state, w.Identity(state)]

    h = w.variable(state)
    body = w.subgraph("body", write, [h, w.variable(x, w.shapes[x][-1])], [h, h])
    axes = {"scan_input_axes": [1], "scan_output_axes": [1]}
    if reverse:
        axes.update(scan_input_directions=[1], scan_output_directions=[1])
    last, states = w.Scan(state, x, outputs=2, body=body, num_scan_inputs=1, **axes)
    return [states, last]


def decoded(w, token, state, table, w_state, w_out, follow):
    """The next state of the decoder's cell, and the log probabilities of the tokens."""
    state = w.Tanh(w.Add(w.Gather(table, token), w.MatMul(state, w.transposed(w_state))))
    scores = w.Add(w.MatMul(state, w.transposed(w_out)), w.Gather(follow, token))
    return state, w.LogSoftmax(scores, axis=-1)


def greedy_decode(w, start, state, vocabulary, limit, **weights):
    """Loop with a condition; the tokens are a scan output, as long as there were steps, and are padded behind it."""

    def write(place, goes_on, token, state, total, ended):
        state, chances = decoded(w, token, state, **weights)
        token = w.ArgMax(chances, axis=-1, keepdims=0)
        total = w.Add(total, reduced(w, "ReduceMax", chances, [-1]))
        ended = w.Or(ended, w.Equal(token, 0))
        least = reduced(w, "ReduceMin", w.Cast(ended, to=onnx.TensorProto.INT64), [0])
        return [w.Equal(least, 0), token, state, total, ended, w.Identity(token)]

    batch = w.variable(start)[1]
    carried = [("int64", batch), w.variable(state), (w.dtype, batch), ("bool", batch)]
    body = w.subgraph("body", write, [TRIP, GOES_ON] + carried, [GOES_ON] + carried + [("int64", batch)])
    total, ended = w.Expand(0.0, w.shape(start)), w.Expand(False, w.shape(start))
    _, state, total, _, tokens = w.Loop(limit, True, start, state, total, ended, body=body, outputs=5)
    lacking = w.Sub([limit], w.Gather(w.Shape(tokens), [0]))
    tokens = w.Pad(tokens, w.Concat([0, 0], lacking, [0], axis=0))
    return [w.Transpose(tokens, perm=[1, 0]), total, state]


def beam_step(w, scores, tokens, state, vocabulary, handicap, **weights):
    """TopK over all continuations; the states are gathered by the beams that they come from."""
    state, chances = decoded(w, tokens, state, **weights)
    sums = w.Add(w.Unsqueeze(w.Add(scores, handicap), [2]), chances)
    best, places = w.TopK(w.Flatten(sums, axis=1), [w.shapes[scores][1]], outputs=2)
    parents = w.Unsqueeze(w.Div(places, vocabulary), [2])
    return [best, w.Mod(places, vocabulary), w.GatherND(state, parents, batch_dims=1)]


# Reduction and shape


def reduced(w, op_type, x, axes, keepdims=False):
    """A reduction, whose axes are an attribute before opset 18 (13 for ReduceSum), an input from then on."""
    if w.opset >= 18 or op_type == "ReduceSum":
        return w.op(op_type, x, list(axes), keepdims=keepdims)
    return w.op(op_type, x, axes=axes, keepdims=keepdims)


def reduction(op_type):
    """Layer of a reduction operator."""
    return lambda w, x, axes, keepdims: reduced(w, op_type, x, axes, keepdims)


LAYERS = {
    "absolute": direct("Abs"),
    "adaptive_average_pool2d": adaptive_pool("AveragePool", average_regions),
    "adaptive_max_pool2d": adaptive_pool("MaxPool", max_regions),
    "add": direct("Add"),
    "additive_attention": additive_attention,
    "affine": lambda w, x, factor, offset: w.Add(w.Mul(x, factor), offset),
    "alternate": alternate,
    "arg_max": direct("ArgMax"),
    "arg_min": direct("ArgMin"),
    "average_pool1d": direct("AveragePool"),
    "average_pool2d": direct("AveragePool"),
    "average_pool3d": direct("AveragePool"),
    "batch_norm": direct("BatchNormalization", "scale", "bias", "mean", "variance"),
    "beam_step": beam_step,
    "bilinear": lambda w, a, b, weight, bias, units: w.Add(w.Einsum(a, weight, b, equation="ni,uij,nj->nu"), bias),
    "branch": branch,
    "ceil": direct("Ceil"),
    "celu": direct("Celu"),
    "class_token": class_token,
    "clip": direct("Clip", "low", "high"),
    "concat": direct("Concat"),
    "conv1d": direct("Conv", "weight", "bias"),
    "conv2d": direct("Conv", "weight", "bias"),
    "conv3d": direct("Conv", "weight", "bias"),
    "conv_transpose1d": direct("ConvTranspose", "weight", "bias"),
    "conv_transpose2d": direct("ConvTranspose", "weight", "bias"),
    "conv_transpose3d": direct("ConvTranspose", "weight", "bias"),
    "cos": direct("Cos"),
    "cumulative_sum": direct("CumSum", "axis"),
    "divide": direct("Div"),
    "dot_product_attention": since(23, dot_product_attention_23, dot_product_attention),
    "dropout": direct("Dropout", "rate"),
    "elu": direct("Elu"),
    "embedding": lambda w, ids, weight, entries, size: w.Gather(weight, ids),
    "equal": direct("Equal"),
    "erf": direct("Erf"),
    "exp": direct("Exp"),
    "flatten": direct("Flatten", axis=1),
    "floor": direct("Floor"),
    "gather": direct("Gather"),
    "gelu": since(20, direct("Gelu"), gelu),
    "global_average_pool": global_pool("GlobalAveragePool"),
    "global_lp_pool": global_pool("GlobalLpPool"),
    "global_max_pool": global_pool("GlobalMaxPool"),
    "greater": direct("Greater"),
    "greedy_decode": greedy_decode,
    "group_norm": stashed(21, group_norm_21, group_norm),
    "gru": recurrent("GRU", GRU_GATES),
    "gru_cell": cell("GRU", GRU_GATES, linear_before_reset=1),
    "hard_sigmoid": direct("HardSigmoid"),
    "hard_swish": since(14, direct("HardSwish"), lambda w, x: w.Mul(x, w.HardSigmoid(x, alpha=1 / 6, beta=0.5))),
    "hierarchical_softmax": hierarchical_softmax,
    "instance_norm": direct("InstanceNormalization", "scale", "bias"),
    "iterate": iterate,
    "layer_norm": stashed(17, direct("LayerNormalization", "scale", "bias"), layer_norm),
    "leaky_relu": direct("LeakyRelu"),
    "less": direct("Less"),
    "linear": linear,
    "local_response_norm": direct("LRN"),
    "log": direct("Log"),
    "log_softmax": direct("LogSoftmax"),
    "loop": loop,
    "lp_pool1d": direct("LpPool"),
    "lp_pool2d": direct("LpPool"),
    "lp_pool3d": direct("LpPool"),
    "lstm": recurrent("LSTM", LSTM_GATES),
    "lstm_cell": cell("LSTM", LSTM_GATES),
    "matmul": matmul,
    "max_pool1d": direct("MaxPool"),
    "max_pool2d": direct("MaxPool"),
    "max_pool3d": direct("MaxPool"),
    "maximum": direct("Max"),
    "maxout": maxout,
    "minimum": direct("Min"),
    "mish": since(18, direct("Mish"), lambda w, x: w.Mul(x, w.Tanh(w.Softplus(x)))),
    "multi_head_attention": multi_head_attention,
    "multiply": direct("Mul"),
    "negative": direct("Neg"),
    "one_hot": lambda w, ids, depth: w.OneHot(ids, depth, [0.0, 1.0]),
    "pad": direct("Pad", "pads", "value"),
    "pixel_shuffle": direct("DepthToSpace", mode="CRD"),
    "position_embedding": lambda w, x, weight, entries: w.Add(x, w.Slice(weight, [0], w.length(x, 1), [0])),
    "power": direct("Pow"),
    "prelu": lambda w, x, slope: w.PRelu(x, w.per_channel(slope, x)),
    "reciprocal": direct("Reciprocal"),
    "reduce_l1": reduction("ReduceL1"),
    "reduce_l2": reduction("ReduceL2"),
    "reduce_log_sum_exp": reduction("ReduceLogSumExp"),
    "reduce_max": reduction("ReduceMax"),
    "reduce_mean": reduction("ReduceMean"),
    "reduce_min": reduction("ReduceMin"),
    "reduce_prod": reduction("ReduceProd"),
    "reduce_sum": reduction("ReduceSum"),
    "relu": direct("Relu"),
    "reshape": direct("Reshape", "shape"),
    "rms_norm": stashed(23, direct("RMSNormalization", "scale", axis=-1), rms_norm),
    "rnn": recurrent("RNN", (0,)),
    "scan": scan,
    "selu": direct("Selu"),
    "sigmoid": direct("Sigmoid"),
    "sign": direct("Sign"),
    "silu": since(24, direct("Swish"), lambda w, x: w.Mul(x, w.Sigmoid(x))),
    "sin": direct("Sin"),
    "slice": direct("Slice", "starts", "ends", "axes", "steps"),
    "softmax": direct("Softmax"),
    "softplus": direct("Softplus"),
    "softsign": direct("Softsign"),
    "split": lambda w, x, axis, sizes: w.Split(x, sizes, axis=axis, outputs=len(sizes)),
    "sqrt": direct("Sqrt"),
    "squeeze": lambda w, x, axis: w.Squeeze(x, [axis]),
    "subtract": direct("Sub"),
    "tanh": direct("Tanh"),
    "top_k": lambda w, x, k, axis: w.TopK(x, [k], axis=axis, outputs=2),
    "transpose": direct("Transpose"),
    "unsqueeze": lambda w, x, axis: w.Unsqueeze(x, [axis]),
    "upsample_bilinear": lambda w, x, scale, corners: upsample(w, x, scale, corners, mode="linear"),
    "upsample_nearest": lambda w, x, scale: upsample(w, x, scale, "asymmetric", mode="nearest", nearest_mode="floor"),
    "where": direct("Where"),
}


def subgraphs(node):
    """The graphs in the attributes of a node."""
    return [attribute.g for attribute in node.attribute if attribute.type == onnx.AttributeProto.GRAPH]


def tensors_read(nodes):
    """The names of all tensors that these nodes read, and the nodes of their subgraphs."""
    found = set()
    for node in nodes:
        found.update(node.input)
        for graph in subgraphs(node):
            found |= tensors_read(graph.node)
    return found


def rename(nodes, old, new):
    """Give a tensor of these nodes its final name."""
    for node in nodes:
        for names in (node.input, node.output):
            names[:] = [new if name == old else name for name in names]
        for graph in subgraphs(node):
            rename(graph.node, old, new)


def write_layers(w, graph):
    """Write all layers of the graph; a value that is returned bears the output's name, others their own."""
    public = {output.value: output.name for output in reversed(graph.outputs)}
    inputs = {i.name for i in graph.inputs}
    for node in graph.nodes:
        w.scope, begin = node.outputs[0], len(w.nodes)
        weights = {short: w.weight("%s/%s" % (node.layer, short), array) for short, array in node.weights.items()}
        values = [name if name in inputs else public.get(name, name) for name in node.inputs]
        results = LAYERS[node.op](w, *values, **node.attributes, **weights)
        for name, value, shape in zip([results] if isinstance(results, str) else results, node.outputs, node.shapes):
            rename(w.nodes[begin:], name, public.get(value, value))
            w.shapes[public.get(value, value)] = shape
    for output in graph.outputs:
        source = output.value if output.value in inputs else public[output.value]
        if source != output.name:
            rename(w.nodes[-1:], w.Identity(source), output.name)
            w.shapes[output.name] = w.shapes[source]


def value_info(name, dtype, shape):
    """A graph input or output; lengths that are None are left to be inferred."""
    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape)


def name_axes(model):
    """Give the outputs the shapes that ONNX infers; an axis without length or symbol is called after its place."""
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    for output, known in zip(model.graph.output, inferred.graph.output):
        output.CopyFrom(known)
        for axis, dim in enumerate(output.type.tensor_type.shape.dim):
            if not dim.HasField("dim_value") and (not dim.dim_param or dim.dim_param.startswith("unk__")):
                dim.dim_param = "%s_axis_%d" % (output.name, axis)


def build(graph, request):
    """Nothing to build: what is written is the layer graph itself."""
    return graph


def canonical(graph, inputs, request, path):
    """Write the graph at the asked opset (17 when none is, 22 for bfloat16), and have the checker read it."""
    opset = request.opset or DEFAULT_OPSETS.get(request.dtype, 17)
    w = Writer(opset, any(request.dynamic.values()), request.dtype)
    w.shapes = {i.name: [graph.sizes.get(n, n) for n in i.shape] for i in graph.inputs}
    write_layers(w, graph)
    read = tensors_read(w.nodes)
    shapes = [[request.dynamic[i.name].get(k, n) for k, n in enumerate(w.shapes[i.name])] for i in graph.inputs]
    version = helper.make_opsetid("", opset)
    model = helper.make_model(
        helper.make_graph(
            w.nodes,
            graph.name,
            [value_info(i.name, i.dtype, shape) for i, shape in zip(graph.inputs, shapes)],
            [
                value_info(o.name, o.dtype, [None] * len(w.shapes[o.name]) if w.dynamic else w.shapes[o.name])
                for o in graph.outputs
            ],
            [numpy_helper.from_array(array, name) for name, array in w.arrays.items() if name in read],
        ),
        opset_imports=[version],
        ir_version=helper.find_min_ir_version_for([version]),
        producer_name="canonical",
    )
    if w.dynamic:
        name_axes(model)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


EXPORTERS = {"canonical": canonical}
