"""MindSpore: reference models as an nn.Cell, compiled as a graph, written by mindspore.export or mindspore.onnx.export.

Each entry of LAYERS and COMPOSED is function(node) -> a cell. MindSpore compiles the source of `construct`, of all
functions that it calls too: these stand here as plain functions, not as lambdas. LAYERS are cells and operators of
MindSpore; COMPOSED is what its users write themselves.
"""

import os

os.environ.update(OMP_NUM_THREADS="1", GLOG_v="3")  # read when the library is loaded; 3 logs errors alone

import mindspore as ms
import mindspore.onnx
import numpy as np
from mindspore import Parameter, Tensor, nn, ops

PACKAGES = ("mindspore", "numpy")
UNSUPPORTED = (
    r"not (yet )?support",
    r"Unsupported (op|type)\b",
    r"must be a type of",
)
DTYPES = ("float32", "float16", "float64")

ms.set_context(mode=ms.GRAPH_MODE)
ms.set_device("CPU")


# -- Entries ----------------------------------------------------------------------------------------------------------


class Call(nn.Cell):
    """call(*tensors, **attributes)."""

    def __init__(self, call, attributes):
        super().__init__()
        self.call, self.attributes = call, attributes

    def construct(self, *xs):
        """What `call` makes of the tensors."""
        return self.call(*xs, **self.attributes)


def constant(value):
    """Lists as tuples, which a graph may hold."""
    return tuple(value) if isinstance(value, list) else value


def function(call, **names):
    """An entry for call(*tensors, **attributes); `names` are MindSpore's words for attributes, where they differ."""
    return lambda node: Call(call, {names.get(k, k): constant(v) for k, v in node.attributes.items()})


def cell(make, **names):
    """An entry for the cell make(node, **attributes); `names` are its words for weights, where they differ."""
    return lambda node: loaded(make(node, **node.attributes), {names.get(k, k): w for k, w in node.weights.items()})


def loaded(layer, arrays):
    """The cell with these arrays as its parameters, in the dtype of the arrays."""
    for name, array in arrays.items():
        old = getattr(layer, name)
        setattr(
            layer, name, Parameter(Tensor(array.reshape(old.shape)), name=old.name, requires_grad=old.requires_grad)
        )
    return layer


class Weighted(nn.Cell):
    """A cell of the user's own, with the node's weights as parameters."""

    def __init__(self, node):
        super().__init__()
        for name, array in node.weights.items():
            setattr(self, name, Parameter(Tensor(array), name=name))


def of_rank(name, rank):
    """The cell for that many spatial axes: Conv1d, Conv2d or Conv3d."""
    return getattr(nn, name.replace("#", "%dd" % rank))


def only(numbers):
    """The number itself where there is one axis, which the cells for sequences want."""
    return numbers[0] if len(numbers) == 1 else tuple(numbers)


def paired(pads):
    """Begins, then ends, of all axes in the order of MindSpore's convolutions: begin and end of each axis."""
    rank = len(pads) // 2
    return tuple(pads[side * rank + axis] for axis in range(rank) for side in (0, 1))


def last_first(pads):
    """Begins, then ends, of all axes in the order of ops.pad: begin and end of the last axis first."""
    rank = len(pads) // 2
    return tuple(pads[side * rank + axis] for axis in reversed(range(rank)) for side in (0, 1))


def padding_cell(pads, mode="constant", value=0.0):
    """nn.Pad, which pads with zeros; ops.pad for others, to which all axes or space alone are named."""
    rank = len(pads) // 2
    if mode == "constant" and value == 0:
        return nn.Pad(tuple((pads[axis], pads[rank + axis]) for axis in range(rank)))
    widths = last_first(pads)
    widths = widths[:-4] if rank > 2 and not any(widths[-4:]) else widths
    return Call(padded, {"padding": widths, "mode": {"edge": "replicate"}.get(mode, mode), "value": value})


def padded(x, padding, mode, value):
    """ops.pad."""
    if mode == "constant":
        return ops.pad(x, padding, mode, value)
    return ops.pad(x, padding, mode)


def paddings(pad, value=0.0):
    """The padding that a layer can do itself, and the cells before it when begins and ends differ."""
    rank = len(pad) // 2
    if pad[:rank] == pad[rank:]:
        return tuple(pad[:rank]), []
    return (0,) * rank, [padding_cell([0, 0] + pad[:rank] + [0, 0] + pad[rank:], "constant", value)]


# -- Convolution and pooling ------------------------------------------------------------------------------------------


def convolution(node, filters, kernel, stride, pad, dilation, groups, use_bias):
    """nn.Conv1d, nn.Conv2d or nn.Conv3d; only the first wants both ends padded alike."""
    channels, before = node.weights["weight"].shape[1] * groups, []
    padding = paired(pad)
    if len(kernel) == 1:
        padding, before = paddings(pad)
    layer = of_rank("Conv#", len(kernel))(
        channels, filters, only(kernel), only(stride), "pad", only(padding), only(dilation), groups, use_bias
    )
    return nn.SequentialCell(*before, loaded(layer, node.weights))


def transposed_convolution(node, filters, kernel, stride, pad, output_pad, dilation, groups, use_bias):
    """nn.Conv1dTranspose, nn.Conv2dTranspose or nn.Conv3dTranspose.

    What nn.Conv2dTranspose calls output_padding are zeros behind the output, so here less is cut off.
    """
    rank, channels, options = len(kernel), node.weights["weight"].shape[0], {}
    if rank == 3:
        options["output_padding"] = tuple(output_pad)
    else:
        pad = pad[:rank] + [end - more for end, more in zip(pad[rank:], output_pad)]
    if min(pad) < 0 or (rank == 1 and pad[0] != pad[1]):
        raise NotImplementedError("output_padding are zeros, and Conv1dTranspose pads both ends alike")
    layer = of_rank("Conv#Transpose", rank)(
        channels, filters, only(kernel), only(stride), "pad", pad[0] if rank == 1 else paired(pad),
        dilation=only(dilation), group=groups, has_bias=use_bias, **options
    )  # fmt: skip
    return loaded(layer, node.weights)


def same_pads(node, kernel, stride):
    """What the mode "same" pads: as little as gives one window for each stride, the odd cell behind."""
    begins, ends = [], []
    for n, k, s in zip(node.input_shapes[0][2:], kernel, stride):
        total = max(0, (-(-n // s) - 1) * s + k - n)
        begins.append(total // 2)
        ends.append(total - total // 2)
    return begins + ends


def pooling(name, node, kernel, stride, pad, ceil, value, dilation=1, **options):
    """nn.MaxPool2d and the like in the mode "valid", "same" or "pad"; options are those of the last."""
    make, dilation = of_rank(name, len(kernel)), constant(dilation)
    plain = not ceil and not options.get("count_include_pad") and set(np.ravel(dilation)) == {1}
    if plain and not any(pad):
        return make(only(kernel), only(stride), "valid")
    if plain and list(pad) == same_pads(node, kernel, stride):
        return make(only(kernel), only(stride), "same")
    padding, before = paddings(pad, value)
    if before and (ceil or not options.get("count_include_pad", True)):
        raise NotImplementedError("pooling pads both ends alike; padding before it changes windows and means")
    if name == "MaxPool#":
        options["dilation"] = dilation
    layer = make(only(kernel), only(stride), "pad", only(padding), ceil_mode=ceil, **options)
    return nn.SequentialCell(*before, layer) if before else layer


def max_pool(node, kernel, stride, pad, dilation, ceil):
    """nn.MaxPool1d, 2d or 3d; padding never wins."""
    return pooling("MaxPool#", node, kernel, stride, pad, ceil, float("-inf"), only(dilation))


def average_pool(node, kernel, stride, pad, ceil, count_pad):
    """nn.AvgPool1d, 2d or 3d."""
    return pooling("AvgPool#", node, kernel, stride, pad, ceil, 0.0, count_include_pad=count_pad)


def lp_pool(node, kernel, stride, pad, p):
    """nn.LPPool1d or nn.LPPool2d, which raise x itself to the power p, and know no padding."""
    before = [Call(ops.abs, {})] if p % 2 else []
    if any(pad):
        before.append(padding_cell([0, 0] + pad[: len(kernel)] + [0, 0] + pad[len(kernel) :]))
    layer = of_rank("LPPool#", len(kernel))(float(p), only(kernel), only(stride))
    return nn.SequentialCell(*before, layer) if before else layer


def over_space(call, **options):
    """An entry for a reduction over all spatial axes."""
    return lambda node: Call(
        call, dict({k: constant(v) for k, v in node.attributes.items()}, axis=spatial(node), **options)
    )


def spatial(node):
    """The spatial axes of the node's input."""
    return tuple(range(2, len(node.input_shapes[0])))


def vector_norm(x, p, axis, keepdims=False):
    """(sum |x|^p)^(1/p)."""
    return ops.vector_norm(x, p, axis, keepdims)


# -- Dense layers, normalisation, attention ---------------------------------------------------------------------------


class PositionEmbedding(Weighted):
    """Adds the first rows of a table."""

    def construct(self, x):
        """x (batch, time, size)."""
        return x + self.weight[: x.shape[1]]


class ClassToken(Weighted):
    """Puts a token before each sequence."""

    def construct(self, x):
        """x (batch, time, size)."""
        return ops.concat((ops.broadcast_to(self.weight, (x.shape[0], 1, x.shape[2])), x), 1)


class Maxout(Weighted):
    """The greatest of each unit's pieces."""

    def __init__(self, node):
        super().__init__(node)
        self.pieces = (node.attributes["units"], node.attributes["pieces"])

    def construct(self, x):
        """x (batch, in) -> (batch, units)."""
        y = ops.matmul(x, self.weight.swapaxes(0, 1)) + self.bias
        return ops.reshape(y, (-1,) + self.pieces).max(-1)


class HierarchicalSoftmax(Weighted):
    """P(cluster) P(member | cluster) from two linear maps."""

    def __init__(self, node):
        super().__init__(node)
        self.classes = (node.attributes["clusters"], node.attributes["members"])

    def construct(self, x):
        """x (batch, in) -> (batch, clusters * members)."""
        cluster = ops.softmax(ops.matmul(x, self.cluster_weight.swapaxes(0, 1)) + self.cluster_bias, -1)
        member = ops.matmul(x, self.member_weight.swapaxes(0, 1)) + self.member_bias
        member = ops.softmax(ops.reshape(member, (-1,) + self.classes), -1)
        return ops.reshape(ops.expand_dims(cluster, -1) * member, (x.shape[0], -1))


class AdditiveAttention(Weighted):
    """Bahdanau's attention."""

    def construct(self, query, keys):
        """query (batch, queries, a) over keys (batch, times, b), which are the values too."""
        queries = ops.matmul(query, self.w_query.swapaxes(0, 1)).expand_dims(2)
        sources = ops.matmul(keys, self.w_key.swapaxes(0, 1)).expand_dims(1)
        hidden = ops.tanh(queries + sources + self.bias)
        return ops.matmul(ops.softmax((hidden * self.score).sum(-1), -1), keys)


@ms.constexpr
def later(queries, keys, dtype):
    """What keeps each query from the keys behind it, added to the scores."""
    return Tensor(np.triu(np.full((queries, keys), -1e4 if dtype == ms.float16 else -1e9), 1), dtype)


def attend(q, k, v, causal):
    """softmax(q k^T / sqrt(size)) v."""
    scores = ops.matmul(q, k.swapaxes(-1, -2)) / q.shape[-1] ** 0.5
    if causal:
        scores = scores + later(q.shape[-2], k.shape[-2], q.dtype)
    return ops.matmul(ops.softmax(scores, -1), v)


class Attention(nn.Cell):
    """nn.MultiheadAttention with keys that serve as values, without the attention weights that it also returns."""

    def __init__(self, layer, causal):
        super().__init__()
        self.attention, self.causal = layer, causal

    def construct(self, query, keys):
        """query (batch, queries, size), keys (batch, times, size of keys) -> (batch, queries, size)."""
        mask = None
        if self.causal:
            mask = later(query.shape[1], keys.shape[1], query.dtype)
        return self.attention(query, keys, keys, need_weights=False, attn_mask=mask)[0]


def multi_head_attention(node, heads, causal):
    """The three projections are one weight, unless keys and queries differ in size."""
    w = node.weights
    size, sources = w["w_out"].shape[0], w["w_k"].shape[1]
    layer = nn.MultiheadAttention(size, heads, kdim=sources, vdim=sources, batch_first=True)
    state = {"in_proj_bias": np.concatenate([w["b_q"], w["b_k"], w["b_v"]])}
    if sources == size:
        state["in_proj_weight"] = np.concatenate([w["w_q"], w["w_k"], w["w_v"]])
    else:
        state.update((name + "_proj_weight", w["w_" + name]) for name in "qkv")
    loaded(layer.out_proj, {"weight": w["w_out"], "bias": w["b_out"]})
    return Attention(loaded(layer, state), causal)


def batch_norm(node, epsilon):
    """nn.BatchNorm1d, 2d or 3d with the statistics of training."""
    rank = max(1, len(node.input_shapes[0]) - 2)
    return of_rank("BatchNorm#", rank)(len(node.weights["scale"]), epsilon, use_batch_statistics=False)


def layer_norm(node, axis, epsilon):
    """nn.LayerNorm over the axes from `axis` on."""
    return nn.LayerNorm(node.weights["scale"].shape, axis, axis, epsilon=epsilon)


def instance_norm(node, epsilon):
    """nn.InstanceNorm1d, 2d or 3d."""
    return of_rank("InstanceNorm#", len(node.input_shapes[0]) - 2)(len(node.weights["scale"]), epsilon)


class RMSNorm(Weighted):
    """x over the root of its mean square."""

    def __init__(self, node):
        super().__init__(node)
        self.epsilon = node.attributes["epsilon"]

    def construct(self, x):
        """x (..., size)."""
        return x / ops.sqrt(ops.mean(ops.square(x), -1, True) + self.epsilon) * self.scale


def local_response_norm(x, size, alpha, beta, bias):
    """ops.lrn, whose alpha is that of each neighbour."""
    return ops.lrn(x, size // 2, bias, alpha / size, beta)


def local_response(node):
    """An entry for windows of odd size."""
    if node.attributes["size"] % 2 == 0:
        raise NotImplementedError("lrn takes a radius: windows are odd")
    return Call(local_response_norm, node.attributes)


def hard_sigmoid(x, alpha, beta):
    """MindSpore's own has the slope 1/6 and the offset 1/2; others are written out."""
    if abs(alpha - 1 / 6) < 1e-6 and beta == 0.5:
        return ops.hardsigmoid(x)
    return ops.clamp(x * alpha + beta, 0.0, 1.0)


# -- Recurrent layers -------------------------------------------------------------------------------------------------


class Recurrent(nn.Cell):
    """nn.RNN, nn.LSTM or nn.GRU, of which all times or the final states of the last layer are wanted."""

    def __init__(self, layer, direction, sequence):
        super().__init__()
        self.layer, self.direction, self.sequence = layer, direction, sequence

    def construct(self, x):
        """x (batch, time, features) -> (batch, time, units) or (batch, units), twice the units when bidirectional."""
        # MindSpore has no backward-only layer: time is turned round before it and behind it.
        if self.direction == "reverse":
            x = ops.flip(x, (1,))
        y, state = self.layer(x)
        if self.sequence:
            if self.direction == "reverse":
                y = ops.flip(y, (1,))
            return y
        if isinstance(state, tuple):
            state = state[0]
        if self.direction == "bidirectional":
            return ops.concat((state[-2], state[-1]), -1)
        return state[-1]


def recurrent(kind):
    """An entry for nn.RNN, nn.LSTM or nn.GRU; the order of the gates is the same here and there."""

    def make(node, units, layers, direction, sequence, reset="after", activation=None):
        if reset != "after":
            raise NotImplementedError("nn.GRU applies its reset gate behind the product with the state")
        w, both = node.weights, direction == "bidirectional"
        options = {"nonlinearity": activation} if activation else {}
        first = Tensor(w["w_ih_0_0"])
        layer = kind(
            first.shape[1], units, layers, batch_first=True, bidirectional=both, dtype=first.dtype, **options
        )  # fmt: skip
        places = ["%d_%d" % (n, d) for n in range(layers) for d in range(2 if both else 1)]
        for at, place in enumerate(places):
            for part in ("w_ih", "w_hh", "b_ih", "b_hh"):
                getattr(layer, part + "_list")[at].set_data(Tensor(w["%s_%s" % (part, place)]))
        return Recurrent(layer, direction, sequence)

    return lambda node: make(node, **node.attributes)


class LSTMCell(nn.Cell):
    """nn.LSTMCell with its states side by side."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def construct(self, x, h, c):
        """x (batch, in), states h and c (batch, units) -> new h and new c."""
        return self.layer(x, (h, c))


def recurrent_cell(kind):
    """An entry for nn.LSTMCell or nn.GRUCell."""

    def make(node):
        w = node.weights
        layer = kind(w["w_ih_0_0"].shape[1], node.attributes["units"])
        names = {"w": "weight_", "b": "bias_"}
        loaded(layer, {names[name[0]] + name[2:4]: array for name, array in w.items()})
        return LSTMCell(layer) if kind is nn.LSTMCell else layer

    return make


# -- Control flow -----------------------------------------------------------------------------------------------------
# Python's own if and while, which MindSpore compiles where they ask tensors.


def mapped(x, weight):
    """The linear map of x by a weight (units, inputs)."""
    return ops.matmul(x, weight.swapaxes(0, 1))


class Controlled(Weighted):
    """A cell with the node's attributes, too."""

    def __init__(self, node):
        super().__init__(node)
        for name, value in node.attributes.items():
            setattr(self, name, value)


class Branch(Weighted):
    """One of two maps, by the mean."""

    def construct(self, x):
        """x (batch, size)."""
        if x.mean() > 0:
            y = ops.tanh(mapped(x, self.weight_then) + self.bias_then)
        else:
            y = mapped(x, self.weight_else) + self.bias_else
        return y


def forward_step(x, weight, bias):
    """x += tanh(weight x + bias) / 2."""
    return x + 0.5 * ops.tanh(mapped(x, weight) + bias)


def backward_step(x, weight, bias):
    """x -= (weight x + bias) / 4."""
    return x - 0.25 * (mapped(x, weight) + bias)


class Loop(Weighted):
    """A number of steps that is an input."""

    def construct(self, x, count):
        """x (batch, size), count ()."""
        step = ops.zeros_like(count)
        while step < count:
            x = forward_step(x, self.weight_step, self.bias_step)
            step = step + 1
        return x


class Alternate(Weighted):
    """Steps of two kinds in turn."""

    def construct(self, x, count):
        """x (batch, size), count ()."""
        step = ops.zeros_like(count)
        while step < count:
            if step % 2 == 0:
                x = forward_step(x, self.weight_even, self.bias_even)
            else:
                x = backward_step(x, self.weight_odd, self.bias_odd)
            step = step + 1
        return x


class Iterate(Controlled):
    """Steps until x is large, or there were enough."""

    def construct(self, x):
        """x (batch, size)."""
        step = Tensor(0, ms.int64)
        while step < self.limit and ops.sqrt((x * x).mean()) <= self.threshold:
            x = mapped(x, self.weight) + self.bias
            step = step + 1
        return x


class Scan(Controlled):
    """A recurrence of the user's own."""

    def construct(self, x, state):
        """x (batch, time, in) from the state (batch, units): all states, and the last."""
        if self.reverse:
            x = ops.flip(x, (1,))
        states = []
        for t in range(x.shape[1]):
            new = ops.tanh(mapped(x[:, t], self.w_in) + mapped(state, self.w_state) + self.bias)
            state = self.decay * state + new
            states.append(state)
        y = ops.stack(states, 1)
        if self.reverse:
            y = ops.flip(y, (1,))
        return y, state


class Decoder(Controlled):
    """What decodes."""

    def step(self, token, state):
        """The next state of the decoder's cell, and the log probabilities of the tokens."""
        state = ops.tanh(ops.gather(self.table, token, 0) + mapped(state, self.w_state))
        return state, ops.log_softmax(mapped(state, self.w_out) + ops.gather(self.follow, token, 0), -1)


class Greedy(Decoder):
    """Token after token, until all samples have had the token 0."""

    def construct(self, start, state):
        """start (batch), state (batch, units): tokens (batch, limit), their log probabilities' sums, the last state."""
        token, total, ended = start, ops.zeros_like(state[:, 0]), start < 0
        places = ops.arange(self.limit)
        tokens = ops.zeros_like(ops.expand_dims(start, 1) + places)
        step = Tensor(0, ms.int64)
        while step < self.limit and not ended.all():
            state, chances = self.step(token, state)
            token, total = ops.argmax(chances, -1), total + ops.amax(chances, -1)
            ended = ops.logical_or(ended, token == 0)
            tokens = ops.where(places == step, ops.expand_dims(token, 1), tokens)
            step = step + 1
        return tokens, total, state


class BeamStep(Decoder):
    """One step of a beam search."""

    def construct(self, scores, tokens, state):
        """scores and tokens (batch, beams), state (batch, beams, units)."""
        state, chances = self.step(tokens, state)
        sums = ops.expand_dims(scores + self.handicap, -1) + chances
        best, places = ops.topk(ops.reshape(sums, (sums.shape[0], -1)), scores.shape[1])
        parents = ops.floor_divide(places, self.vocabulary)
        chosen = ops.broadcast_to(ops.expand_dims(parents, -1), state.shape)
        return best, (places - parents * self.vocabulary).astype(ms.int64), ops.gather_elements(state, 1, chosen)


# -- Reductions and shapes --------------------------------------------------------------------------------------------


def reduce_sum(x, axes, keepdims):
    """ops.sum."""
    return ops.sum(x, axes, keepdims)


def reduce_mean(x, axes, keepdims):
    """ops.mean."""
    return ops.mean(x, axes, keepdims)


def reduce_max(x, axes, keepdims):
    """ops.amax."""
    return ops.amax(x, axes, keepdims)


def reduce_min(x, axes, keepdims):
    """ops.amin."""
    return ops.amin(x, axes, keepdims)


def reduce_prod(x, axes, keepdims):
    """ops.ReduceProd, since ops.prod takes one axis."""
    return ops.ReduceProd(keepdims)(x, axes)


def log_sum_exp(x, axes, keepdims):
    """ops.logsumexp."""
    return ops.logsumexp(x, axes, keepdims)


def reduce_norm(order):
    """An entry for ops.vector_norm."""
    return lambda node: Call(
        vector_norm, {"p": order, "axis": tuple(node.attributes["axes"]), "keepdims": node.attributes["keepdims"]}
    )


def reshape(x, shape):
    """Zeros keep the axis at their place."""
    target = ()
    for axis in range(len(shape)):
        target = target + (x.shape[axis] if shape[axis] == 0 else shape[axis],)
    return ops.reshape(x, target)


def transpose(x, permutation):
    """ops.transpose."""
    return ops.transpose(x, permutation)


def flatten(x):
    """ops.flatten."""
    return ops.flatten(x)


def concat(*xs, axis):
    """ops.concat."""
    return ops.concat(xs, axis)


def split(x, axis, sizes):
    """ops.split."""
    return ops.split(x, sizes, axis)


def slices(x, axes, starts, ends, steps):
    """ops.strided_slice of the numbers for some axes, and of all of the others."""
    start, end, step = (0,) * x.ndim, x.shape, (1,) * x.ndim
    for n in range(len(axes)):
        axis = axes[n]
        start = start[:axis] + (starts[n],) + start[axis + 1 :]
        end = end[:axis] + (ends[n],) + end[axis + 1 :]
        step = step[:axis] + (steps[n],) + step[axis + 1 :]
    return ops.strided_slice(x, start, end, step)


def cut(node):
    """An entry for slices, with the numbers that Python's slice finds for each axis."""
    a, shape, found = node.attributes, node.input_shapes[0], []
    for axis, *numbers in zip(a["axes"], a["starts"], a["ends"], a["steps"]):
        axis %= len(shape)
        start, end, step = slice(*numbers).indices(shape[axis])
        found.append((axis, start, end if end >= 0 else -shape[axis] - 1, step))
    return Call(slices, dict(zip(("axes", "starts", "ends", "steps"), zip(*found))))


def upsample_nearest(node, scale):
    """ops.ResizeNearestNeighbor to a size."""
    return Call(ops.ResizeNearestNeighbor(tuple(node.shapes[0][2:])), {})


def upsample_bilinear(node, scale, corners):
    """ops.interpolate to a size; its align_corners chooses between two of the three rules."""
    if corners == "asymmetric":
        raise NotImplementedError("interpolate has half-pixel and aligned corners only")
    options = {"mode": "bilinear", "align_corners": corners == "align_corners"}
    return Call(ops.interpolate, dict(options, size=tuple(node.shapes[0][2:])))


def top_k(x, k, axis):
    """ops.topk, whose places are int32."""
    values, places = ops.topk(x, k, axis)
    return values, places.astype(ms.int64)


def cumulative_sum(x, axis, exclusive, reverse):
    """ops.CumSum, the operator with both options."""
    return ops.CumSum(exclusive, reverse)(x, axis)


def matmul(a, b, transpose_b):
    """ops.matmul."""
    if transpose_b:
        b = b.swapaxes(-1, -2)
    return ops.matmul(a, b)


def one_hot(node, depth):
    """nn.OneHot."""
    return nn.OneHot(-1, depth, 1.0, 0.0, getattr(ms, node.dtype))


def linear_affine(x, factor, offset):
    """factor * x + offset."""
    return x * factor + offset


def clip(x, low, high):
    """ops.clamp."""
    return ops.clamp(x, low, high)


def attributed(make):
    """An entry for make(node, **attributes), which sees to the weights itself."""
    return lambda node: make(node, **node.attributes)


def of(make):
    """An entry for the cell make(), which has no weights and no attributes."""
    return lambda node: make()


LAYERS = {
    "relu": of(nn.ReLU),
    "leaky_relu": attributed(lambda node, alpha: nn.LeakyReLU(alpha)),
    "prelu": cell(lambda node: nn.PReLU(len(node.weights["slope"])), slope="w"),
    "elu": attributed(lambda node, alpha: nn.ELU(alpha)),
    "selu": of(nn.SeLU),
    "celu": attributed(lambda node, alpha: nn.CELU(alpha)),
    "gelu": attributed(lambda node, approximate: nn.GELU(approximate == "tanh")),
    "silu": of(nn.SiLU),
    "mish": of(nn.Mish),
    "hard_sigmoid": function(hard_sigmoid),
    "hard_swish": of(nn.HSwish),
    "softplus": function(ops.softplus),
    "softsign": of(nn.Softsign),
    "sigmoid": of(nn.Sigmoid),
    "tanh": of(nn.Tanh),
    "softmax": attributed(lambda node, axis: nn.Softmax(axis)),
    "log_softmax": attributed(lambda node, axis: nn.LogSoftmax(axis)),
    "dropout": attributed(lambda node, rate: nn.Dropout(p=rate)),
    "add": function(ops.add),
    "subtract": function(ops.sub),
    "multiply": function(ops.mul),
    "divide": function(ops.div),
    "power": function(ops.pow),
    "maximum": function(ops.maximum),
    "minimum": function(ops.minimum),
    "greater": function(ops.greater),
    "less": function(ops.less),
    "equal": function(ops.equal),
    "absolute": function(ops.abs),
    "negative": function(ops.neg),
    "exp": function(ops.exp),
    "log": function(ops.log),
    "sqrt": function(ops.sqrt),
    "reciprocal": function(ops.reciprocal),
    "sin": function(ops.sin),
    "cos": function(ops.cos),
    "floor": function(ops.floor),
    "ceil": function(ops.ceil),
    "sign": function(ops.sign),
    "erf": function(ops.erf),
    "affine": function(linear_affine),
    "clip": function(clip),
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
    "lp_pool1d": attributed(lp_pool),
    "lp_pool2d": attributed(lp_pool),
    "global_average_pool": over_space(ops.mean),
    "global_max_pool": over_space(ops.amax),
    "global_lp_pool": over_space(vector_norm),
    "adaptive_average_pool2d": attributed(lambda node, size: nn.AdaptiveAvgPool2d(tuple(size))),
    "adaptive_max_pool2d": attributed(lambda node, size: nn.AdaptiveMaxPool2d(tuple(size))),
    "linear": cell(lambda node, units, use_bias: nn.Dense(node.weights["weight"].shape[1], units, has_bias=use_bias)),
    "bilinear": cell(lambda node, units: nn.BiDense(*node.weights["weight"].shape[1:], units)),
    "embedding": cell(lambda node, entries, size: nn.Embedding(entries, size), weight="embedding_table"),
    "matmul": function(matmul),
    "multi_head_attention": attributed(multi_head_attention),
    "batch_norm": cell(batch_norm, scale="gamma", bias="beta", mean="moving_mean", variance="moving_variance"),
    "layer_norm": cell(layer_norm, scale="gamma", bias="beta"),
    "instance_norm": cell(instance_norm, scale="gamma", bias="beta"),
    "group_norm": cell(
        lambda node, groups, epsilon: nn.GroupNorm(groups, len(node.weights["scale"]), epsilon),
        scale="gamma",
        bias="beta",
    ),
    "local_response_norm": local_response,
    "rnn": recurrent(nn.RNN),
    "lstm": recurrent(nn.LSTM),
    "gru": recurrent(nn.GRU),
    "lstm_cell": recurrent_cell(nn.LSTMCell),
    "gru_cell": recurrent_cell(nn.GRUCell),
    "reduce_sum": function(reduce_sum),
    "reduce_mean": function(reduce_mean),
    "reduce_max": function(reduce_max),
    "reduce_min": function(reduce_min),
    "reduce_prod": function(reduce_prod),
    "reduce_l1": reduce_norm(1),
    "reduce_l2": reduce_norm(2),
    "reduce_log_sum_exp": function(log_sum_exp),
    "arg_max": function(ops.argmax, axis="dim", keepdims="keepdim"),
    "arg_min": function(ops.argmin, keepdims="keepdims"),
    "flatten": function(flatten),
    "reshape": function(reshape),
    "transpose": function(transpose),
    "squeeze": function(ops.squeeze),
    "unsqueeze": function(ops.expand_dims),
    "concat": function(concat),
    "split": function(split),
    "slice": cut,
    "pad": attributed(lambda node, pads, mode, value: padding_cell(pads, mode, value)),
    "upsample_nearest": attributed(upsample_nearest),
    "upsample_bilinear": attributed(upsample_bilinear),
    "pixel_shuffle": attributed(lambda node, factor: nn.PixelShuffle(factor)),
    "gather": function(ops.gather),
    "where": function(ops.where),
    "one_hot": attributed(one_hot),
    "top_k": function(top_k),
    "cumulative_sum": function(cumulative_sum),
}

COMPOSED = {
    "position_embedding": PositionEmbedding,
    "class_token": ClassToken,
    "maxout": Maxout,
    "hierarchical_softmax": HierarchicalSoftmax,
    "dot_product_attention": function(attend),
    "additive_attention": AdditiveAttention,
    "rms_norm": RMSNorm,
    "branch": Branch,
    "loop": Loop,
    "alternate": Alternate,
    "iterate": Iterate,
    "scan": Scan,
    "greedy_decode": Greedy,
    "beam_step": BeamStep,
}

ENTRIES = dict(LAYERS, **COMPOSED)


# -- Models -----------------------------------------------------------------------------------------------------------


class Model(nn.Cell):
    """The layer graph; nodes of one `layer` share one cell."""

    def __init__(self, graph):
        super().__init__()
        self.inputs = [i.name for i in graph.inputs]
        values, layers, made, self.steps = list(self.inputs), {}, [], ()
        for node in graph.nodes:
            if node.layer not in layers:
                layers[node.layer] = len(made)
                made.append(ENTRIES[node.op](node))
            # Numbers, since a graph holds no dict of tensors.
            self.steps += ((layers[node.layer], tuple(values.index(name) for name in node.inputs)),)
            values += node.outputs
        self.layers = nn.CellList(made)
        self.places = tuple(values.index(output.value) for output in graph.outputs)

    def construct(self, *inputs):
        """The outputs of the graph, in its order."""
        values = inputs
        for layer, places in self.steps:
            arguments = ()
            for place in places:
                arguments = arguments + (values[place],)
            result = self.layers[layer](*arguments)
            values = values + (result if isinstance(result, tuple) else (result,))
        outputs = ()
        for place in self.places:
            outputs = outputs + (values[place],)
        return outputs


def build(graph, request):
    """The model as a cell for inference; each node is told the shapes of its inputs at the export sizes."""
    shapes = {i.name: [graph.sizes.get(n, n) for n in i.shape] for i in graph.inputs}
    for node in graph.nodes:
        node.dtype = request.dtype
        node.input_shapes = [shapes[name] for name in node.inputs]
        shapes.update(zip(node.outputs, node.shapes))
    model = Model(graph)
    model.graph = graph
    return model.set_train(False)


def tensors(model, inputs):
    """The arguments of the model."""
    return [Tensor(inputs[name]) for name in model.inputs]


def run(model, inputs):
    """The model's outputs by name, from the compiled graph."""
    results = model(*tensors(model, inputs))
    return {output.name: result.asnumpy() for output, result in zip(model.graph.outputs, results)}


# -- Exporters --------------------------------------------------------------------------------------------------------


def check(request):
    """Both exporters write one opset."""
    if request.opset not in (None, 11):
        raise NotImplementedError("MindSpore writes opset 11")


def export(model, inputs, request, path):
    """mindspore.export, of which MindSpore says that it will be replaced; an axis of None is a dynamic one."""
    check(request)
    arguments = tensors(model, inputs)
    for at, name in enumerate(model.inputs):
        if request.dynamic[name]:
            shape = [None if axis in request.dynamic[name] else n for axis, n in enumerate(arguments[at].shape)]
            arguments[at] = Tensor(shape=shape, dtype=arguments[at].dtype)
    ms.export(model, *arguments, file_name=path, file_format="ONNX")


def onnx(model, inputs, request, path):
    """mindspore.onnx.export, with names and dynamic axes."""
    check(request)
    names = {"input_names": model.inputs, "output_names": [output.name for output in model.graph.outputs]}
    dynamic = {name: axes for name, axes in request.dynamic.items() if axes}
    mindspore.onnx.export(model, *tensors(model, inputs), file_name=path, dynamic_axes=dynamic, **names)


EXPORTERS = {"export": export, "onnx": onnx}
