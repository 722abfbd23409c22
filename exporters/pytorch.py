"""PyTorch: reference models as an nn.Module, written to ONNX by torch.onnx, through torch.export or TorchScript.

Each entry of LAYERS and COMPOSED is function(node) -> what the forward pass calls: a module that holds the node's
weights, or a function of tensors. LAYERS are building blocks of torch; COMPOSED is what its users write themselves.
"""

import functools
import inspect

import ml_dtypes
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name that PyTorch's users know
import torch.onnx
from torch import nn

#: Whether this version has the exporter on torch.export, which came with 2.5.
DYNAMO = "dynamo" in inspect.signature(torch.onnx.export).parameters
if DYNAMO:
    import onnxscript.function_libs.torch_lib.ops  # noqa: F401 - torch.onnx would load it, and dynamo, in each fork
    import torch._dynamo
    from torch._higher_order_ops.scan import scan as torch_scan
try:  # here, because it takes as long as torch itself, in each fork
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e
    from torchao.quantization.pt2e.quantizer import x86_inductor_quantizer as x86
except ImportError:
    x86 = None

PACKAGES = ("torch", "onnx", "onnxscript", "onnx-ir", "numpy", "torchao")
# torch 2.13 patches aten::lstm and aten::gru during a dynamic export but leaves their dispatch caches as they were
# (torch.export._patches): the second one in a process meets the usual kernel and freezes the time axis.
ISOLATE = True
DTYPES = ("float32", "float16", "bfloat16", "float64", "int8")
UNSUPPORTED = (
    r"^UnsupportedOperatorError: ",
    r"^RuntimeError: Unsupported onnx_opset_version",
    r"^\w+Error: Unsupported: ONNX export of ",
    r"DispatchError'>: No ONNX function found for",
    r"AssertionError'>: only .* are supported",
)

torch.set_num_threads(1)


def tensor_of(array):
    """The array as a tensor; PyTorch takes no bfloat16 from NumPy, but its bits."""
    if array.dtype.name == "bfloat16":
        return torch.from_numpy(array.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(array)


def array_of(tensor):
    """The tensor as an array, likewise."""
    if tensor.dtype is torch.bfloat16:
        return tensor.contiguous().view(torch.int16).numpy().view(ml_dtypes.bfloat16)
    return tensor.numpy()


# -- Entries ----------------------------------------------------------------------------------------------------------

#: Names of weights in the state of PyTorch's modules, where they differ from the reference's.
NAMES = {"scale": "weight", "slope": "weight", "mean": "running_mean", "variance": "running_var"}


def function(call, **names):
    """An entry for call(*tensors, **attributes); `names` are PyTorch's words for attributes that it calls otherwise."""
    return lambda node: functools.partial(call, **{names.get(k, k): v for k, v in node.attributes.items()})


def named(place, name, **names):
    """An entry for the function of that name, which not every version has."""
    return lambda node: function(here(place, name), **names)(node)


def here(place, name):
    """What `place` calls so; NotImplementedError where this version of PyTorch has no such thing."""
    if not hasattr(place, name):
        raise NotImplementedError("torch %s has no %s.%s" % (torch.__version__, place.__name__, name))
    return getattr(place, name)


def attributed(make):
    """An entry for make(node, **attributes), which sees to the weights itself."""
    return lambda node: make(node, **node.attributes)


def module(make):
    """An entry for the module make(node, **attributes), which takes the node's weights."""
    return lambda node: loaded(make(node, **node.attributes), node.weights)


def loaded(layer, arrays):
    """The module with these weights, some of them under the names that PyTorch gives them."""
    layer.load_state_dict({NAMES.get(name, name): tensor_of(array) for name, array in arrays.items()})
    return layer


class Composed(nn.Module):
    """A module of the user's own: call(*tensors, **weights)."""

    def __init__(self, call, arrays):
        super().__init__()
        self.call = call
        self.weights = nn.ParameterDict({name: tensor_of(array) for name, array in arrays.items()})

    def forward(self, *tensors):
        """What `call` makes of the tensors and the weights."""
        return self.call(*tensors, **self.weights)


def composed(call):
    """An entry for call(*tensors, **weights)."""
    return lambda node: Composed(call, node.weights)


def of_rank(name, rank):
    """The class for that many spatial axes: BatchNorm1d, BatchNorm2d or BatchNorm3d."""
    return here(nn, "%s%dd" % (name, max(1, rank)))


# -- Convolution and pooling ------------------------------------------------------------------------------------------


def torch_pads(pads):
    """Begins, then ends, of all axes in PyTorch's order: begin and end of the last axis first."""
    rank = len(pads) // 2
    return [pads[side * rank + axis] for axis in reversed(range(rank)) for side in (0, 1)]


def paddings(pad, value=0.0):
    """The padding that a layer can do itself, and the padding layers before it when begins and ends differ."""
    rank = len(pad) // 2
    if pad[:rank] == pad[rank:]:
        return pad[:rank], []
    return [0] * rank, [of_rank("ConstantPad", rank)(torch_pads(pad), value)]


def convolution(node, filters, kernel, stride, pad, dilation, groups, use_bias):
    """nn.Conv1d, nn.Conv2d or nn.Conv3d."""
    weight = node.weights["weight"]
    padding, before = paddings(pad)
    make = of_rank("Conv", len(kernel))
    layer = make(weight.shape[1] * groups, filters, kernel, stride, padding, dilation, groups, use_bias)
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
    make = of_rank("ConvTranspose", len(kernel))
    inputs = node.weights["weight"].shape[0]
    layer = make(inputs, filters, kernel, stride, padding, output_pad, groups, use_bias, dilation)
    return nn.Sequential(loaded(layer, node.weights), *([Crop(pad)] if uneven else []))


def max_pool(node, kernel, stride, pad, dilation, ceil):
    """nn.MaxPool1d, 2d or 3d; padding never wins."""
    padding, before = paddings(pad, float("-inf"))
    if before and ceil:
        raise NotImplementedError("a padding layer before MaxPool changes which windows its ceil_mode adds")
    return nn.Sequential(*before, of_rank("MaxPool", len(kernel))(kernel, stride, padding, dilation, ceil_mode=ceil))


def average_pool(node, kernel, stride, pad, ceil, count_pad):
    """nn.AvgPool1d, 2d or 3d."""
    padding, before = paddings(pad)
    if before and (ceil or not count_pad):
        raise NotImplementedError("AvgPool pads both ends alike; a padding layer before it counts as part of the mean")
    return nn.Sequential(*before, of_rank("AvgPool", len(kernel))(kernel, stride, padding, ceil, count_pad))


class Magnitudes(nn.Module):
    """|x|, which LPPool wants before it when p is odd: it raises x itself to the power p."""

    def forward(self, x):
        """|x|."""
        return x.abs()


def lp_pool(node, kernel, stride, pad, p):
    """nn.LPPool1d, 2d or 3d, which know no padding."""
    layers = [Magnitudes()] if p % 2 else []
    if any(pad):
        layers.append(of_rank("ConstantPad", len(kernel))(torch_pads(pad), 0.0))
    pool = of_rank("LPPool", len(kernel))
    # LPPool1d wants numbers: it multiplies by its kernel.
    return nn.Sequential(*layers, pool(p, kernel, stride) if len(kernel) > 1 else pool(p, kernel[0], stride[0]))


def global_pool(name):
    """An adaptive pool of size 1, and its spatial axes taken away."""
    return lambda node: nn.Sequential(of_rank(name, node.rank)(1), nn.Flatten())


def upsample_bilinear(node, scale, corners):
    """nn.Upsample; its align_corners chooses between two of the three rules."""
    if corners == "asymmetric":
        raise NotImplementedError("nn.Upsample has half-pixel and aligned corners only")
    return nn.Upsample(scale_factor=tuple(scale), mode="bilinear", align_corners=corners == "align_corners")


# -- Dense layers, normalisation, attention ---------------------------------------------------------------------------


def hierarchical_softmax(node, clusters, members):
    """P(cluster) P(member | cluster) from two linear maps."""

    def call(x, cluster_weight, cluster_bias, member_weight, member_bias):
        cluster = F.linear(x, cluster_weight, cluster_bias).softmax(-1)
        member = F.linear(x, member_weight, member_bias).unflatten(-1, (clusters, members)).softmax(-1)
        return (cluster.unsqueeze(-1) * member).flatten(-2)

    return Composed(call, node.weights)


def maxout(node, units, pieces):
    """The greatest of each unit's pieces."""

    def call(x, weight, bias):
        return F.linear(x, weight, bias).unflatten(-1, (units, pieces)).amax(-1)

    return Composed(call, node.weights)


def additive_attention(query, keys, w_query, w_key, bias, score):
    """Bahdanau's attention of query (batch, queries, a) over keys (batch, times, b), which are the values too."""
    hidden = torch.tanh((query @ w_query.T).unsqueeze(2) + (keys @ w_key.T).unsqueeze(1) + bias)
    return (hidden @ score).softmax(-1) @ keys


#: Whether attention takes, beside its mask, the hint that it is causal, as it does from 2.0 on.
HINTED = "is_causal" in inspect.signature(nn.MultiheadAttention.forward).parameters


class Attention(nn.Module):
    """nn.MultiheadAttention with keys that serve as values, without the attention weights that it also returns."""

    def __init__(self, layer, causal):
        super().__init__()
        self.attention, self.causal = layer, causal

    def forward(self, query, keys):
        """query (batch, queries, size), keys (batch, times, size of keys) -> (batch, queries, size)."""
        mask = nn.Transformer.generate_square_subsequent_mask(query.shape[1]) if self.causal else None
        hint = {"is_causal": self.causal} if HINTED else {}
        return self.attention(query, keys, keys, need_weights=False, attn_mask=mask, **hint)[0]


def multi_head_attention(node, heads, causal):
    """PyTorch stacks the three projections in one weight, unless keys and queries differ in size."""
    w = node.weights
    size, sources = w["w_out"].shape[0], w["w_k"].shape[1]
    state = {"out_proj.weight": w["w_out"], "out_proj.bias": w["b_out"]}
    state["in_proj_bias"] = np.concatenate([w["b_q"], w["b_k"], w["b_v"]])
    if sources == size:
        state["in_proj_weight"] = np.concatenate([w["w_q"], w["w_k"], w["w_v"]])
    else:
        state.update((name + "_proj_weight", w["w_" + name]) for name in "qkv")
    layer = nn.MultiheadAttention(size, heads, kdim=sources, vdim=sources, batch_first=True)
    return Attention(loaded(layer, state), causal)


def local_response_norm(node, size, alpha, beta, bias):
    """nn.LocalResponseNorm, whose alpha is divided by the size too."""
    if size % 2 == 0:
        raise NotImplementedError("LocalResponseNorm puts the odd channel of an even window before, not behind")
    return nn.LocalResponseNorm(size, alpha, beta, bias)


def hard_sigmoid(x, alpha, beta):
    """PyTorch's own has the slope 1/6 and the offset 1/2; others are written out."""
    if abs(alpha - 1 / 6) < 1e-6 and beta == 0.5:
        return F.hardsigmoid(x)
    return torch.clamp(alpha * x + beta, 0.0, 1.0)


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
        # PyTorch has no backward-only layer: time is turned round before it and behind it.
        y, state = self.layer(x.flip(1) if self.direction == "reverse" else x)
        if self.sequence:
            return y.flip(1) if self.direction == "reverse" else y
        hidden = state[0] if isinstance(state, tuple) else state
        return torch.cat((hidden[-2], hidden[-1]), -1) if self.direction == "bidirectional" else hidden[-1]


def recurrent(kind):
    """An entry for nn.RNN, nn.LSTM or nn.GRU."""

    def make(node, units, layers, direction, sequence, reset="after", activation=None):
        if reset != "after":
            raise NotImplementedError("nn.GRU applies its reset gate behind the product with the state")
        options = {"nonlinearity": activation} if activation else {}
        inputs, both = node.weights["w_ih_0_0"].shape[1], direction == "bidirectional"
        layer = kind(inputs, units, layers, batch_first=True, bidirectional=both, **options)
        places = {"%d_%d" % (n, d): "_l%d%s" % (n, "_reverse" * d) for n in range(layers) for d in (0, 1)}
        return Recurrent(loaded(layer, recurrent_state(node.weights, places)), direction, sequence)

    return attributed(make)


class LSTMCell(nn.LSTMCell):
    """nn.LSTMCell with its states side by side."""

    def forward(self, x, h, c):
        """x (batch, in), states h and c (batch, units) -> new h and new c."""
        return super().forward(x, (h, c))


def cell(kind):
    """An entry for LSTMCell or nn.GRUCell."""

    def make(node, units):
        layer = kind(node.weights["w_ih_0_0"].shape[1], units)
        return loaded(layer, recurrent_state(node.weights, {"0_0": ""}))

    return attributed(make)


# -- Control flow -----------------------------------------------------------------------------------------------------
# For TorchScript as functions that torch.jit.script compiles; for torch.export by its operators of functions.


class Control(nn.Module):
    """A module of the user's own with these weights and attributes."""

    def __init__(self, node):
        super().__init__()
        for name, array in node.weights.items():
            setattr(self, name, nn.Parameter(tensor_of(array), requires_grad=False))
        for name, value in node.attributes.items():
            setattr(self, name, value)


def control(scripted, exported, *attributes):
    """An entry for scripted(*tensors, **weights, **attributes), compiled, or the module exported(node)."""

    def make(node):
        if node.exporter != "torchscript":
            return exported(node)
        given = {name: node.attributes[name] for name in attributes}
        return Composed(functools.partial(torch.jit.script(scripted), **given), node.weights)

    return make


def scripted_branch(x, weight_then, bias_then, weight_else, bias_else):
    """One of two maps of x (batch, size), by its mean."""
    return torch.tanh(F.linear(x, weight_then, bias_then)) if x.mean() > 0 else F.linear(x, weight_else, bias_else)


class Branch(Control):
    """The same by torch.cond."""

    def forward(self, x):
        """x (batch, size)."""
        return torch.cond(
            x.mean() > 0,
            lambda x: torch.tanh(F.linear(x, self.weight_then, self.bias_then)),
            lambda x: F.linear(x, self.weight_else, self.bias_else),
            (x,),
        )


def forward_step(x, weight, bias):
    """x += tanh(weight x + bias) / 2."""
    return x + 0.5 * torch.tanh(F.linear(x, weight, bias))


def backward_step(x, weight, bias):
    """x -= (weight x + bias) / 4."""
    return x - 0.25 * F.linear(x, weight, bias)


def scripted_loop(x, count, weight_step, bias_step):
    """A number of steps of x (batch, size) that is an input ()."""
    for _ in range(int(count)):
        x = forward_step(x, weight_step, bias_step)
    return x


def repeated(x, count, step):
    """step(place, x) -> x, `count` times, by torch.while_loop."""
    zero = torch.zeros((), dtype=torch.int64)
    return torch.while_loop(lambda i, x: i < count, lambda i, x: (i + 1, step(i, x)), (zero, x))[1]


class Loop(Control):
    """The same by torch.while_loop."""

    def forward(self, x, count):
        """x (batch, size), count ()."""
        return repeated(x, count, lambda i, x: forward_step(x, self.weight_step, self.bias_step))


def scripted_alternate(x, count, weight_even, bias_even, weight_odd, bias_odd):
    """Steps of two kinds in turn."""
    for i in range(int(count)):
        x = forward_step(x, weight_even, bias_even) if i % 2 == 0 else backward_step(x, weight_odd, bias_odd)
    return x


class Alternate(Control):
    """The same by torch.cond within torch.while_loop."""

    def step(self, i, x):
        """Step i."""
        return torch.cond(
            i % 2 == 0,
            lambda x: forward_step(x, self.weight_even, self.bias_even),
            lambda x: backward_step(x, self.weight_odd, self.bias_odd),
            (x,),
        )

    def forward(self, x, count):
        """x (batch, size), count ()."""
        return repeated(x, count, self.step)


def scripted_iterate(x, weight, bias, threshold: float, limit: int):
    """Steps until x (batch, size) is large, or there were enough."""
    step = 0
    while step < limit and bool((x * x).mean().sqrt() <= threshold):
        x = F.linear(x, weight, bias)
        step += 1
    return x


class Iterate(Control):
    """The same by torch.while_loop."""

    def forward(self, x):
        """x (batch, size)."""
        return torch.while_loop(
            lambda i, x: (i < self.limit) & ((x * x).mean().sqrt() <= self.threshold),
            lambda i, x: (i + 1, F.linear(x, self.weight, self.bias)),
            (torch.zeros((), dtype=torch.int64), x),
        )[1]


def recurrence(state, x, decay, w_in, w_state, bias):
    """The next state."""
    return decay * state + torch.tanh(F.linear(x, w_in, bias) + F.linear(state, w_state))


def scripted_scan(x, state, decay, w_in, w_state, bias, reverse: bool):
    """A recurrence over the times of x (batch, time, in) from the state (batch, units): all states, and the last."""
    if reverse:
        x = x.flip(1)
    states = []
    for t in range(x.shape[1]):
        state = recurrence(state, x[:, t], decay, w_in, w_state, bias)
        states.append(state)
    y = torch.stack(states, 1)
    return y.flip(1) if reverse else y, state


class Scan(Control):
    """The same by scan, which is not public yet."""

    def step(self, state, x):
        """The next state, twice; outputs must not be each other's alias."""
        state = recurrence(state, x, self.decay, self.w_in, self.w_state, self.bias)
        return state, state.clone()

    def forward(self, x, state):
        """x (batch, time, in), state (batch, units)."""
        last, states = torch_scan(self.step, state, x, dim=1, reverse=self.reverse)
        return states, last


def decoded(token, state, table, w_state, w_out, follow):
    """The next state of the decoder's cell, and the log probabilities of the tokens."""
    state = torch.tanh(F.embedding(token, table) + F.linear(state, w_state))
    return state, F.log_softmax(F.linear(state, w_out) + F.embedding(token, follow), -1)


def scripted_greedy(start, state, table, w_state, w_out, follow, limit: int):
    """Tokens (batch, limit), their log probabilities' sums, the last state; until all samples have had the token 0."""
    token, total, ended = start, state.new_zeros(start.shape), start < 0
    places, tokens = torch.arange(limit), torch.zeros_like(start).unsqueeze(1).repeat(1, limit)
    step = 0
    while step < limit and not bool(ended.all()):
        state, chances = decoded(token, state, table, w_state, w_out, follow)
        best, token = chances.max(-1)
        total = total + best
        ended = ended | (token == 0)
        tokens = torch.where(places == step, token.unsqueeze(1), tokens)
        step += 1
    return tokens, total, state


class Greedy(Control):
    """The same by torch.while_loop."""

    def forward(self, start, state):
        """start (batch), state (batch, units)."""
        places, tokens = torch.arange(self.limit), torch.zeros_like(start).unsqueeze(1).repeat(1, self.limit)

        def goes_on(step, token, state, total, ended, tokens):
            return (step < self.limit) & ~ended.all()

        def body(step, token, state, total, ended, tokens):
            state, chances = decoded(token, state, self.table, self.w_state, self.w_out, self.follow)
            best, token = chances.max(-1)
            tokens = torch.where(places == step, token.unsqueeze(1), tokens)
            return step + 1, token, state, total + best, ended | (token == 0), tokens

        first = (torch.zeros((), dtype=torch.int64), start, state, state.new_zeros(start.shape), start < 0, tokens)
        _, _, state, total, _, tokens = torch.while_loop(goes_on, body, first)
        return tokens, total, state


def beam_step(scores, tokens, state, handicap, **weights):
    """One step of a beam search."""
    state, chances = decoded(tokens, state, **weights)
    sums = (scores + handicap).unsqueeze(-1) + chances
    best, places = sums.flatten(1).topk(scores.shape[1])
    parents = places // chances.shape[-1]
    return best, places % chances.shape[-1], state.gather(1, parents.unsqueeze(-1).expand_as(state))


# -- Reductions and shapes --------------------------------------------------------------------------------------------


def reduction(call, **options):
    """An entry for call(x, dim, keepdim)."""
    return function(functools.partial(call, **options), axis="dim", axes="dim", keepdims="keepdim")


def product(x, dim, keepdim):
    """torch.prod takes one axis."""
    for axis in sorted((axis % x.dim() for axis in dim), reverse=True):
        x = x.prod(axis, keepdim)
    return x


def reshape(x, shape):
    """Zeros keep the axis at their place."""
    return x.reshape([x.shape[axis] if n == 0 else n for axis, n in enumerate(shape)])


def cut(x, axes, starts, ends, steps, rank):
    """Slices; PyTorch has no negative steps, so such an axis is turned round and its places are counted from there."""
    slices = [slice(None)] * rank
    for axis, start, end, step in zip(axes, starts, ends, steps):
        if step < 0:
            x = x.flip(axis)
            start, end = (-1 - at if at < 0 else max(0, x.shape[axis] - 1 - at) for at in (start, end))
        slices[axis] = slice(start, end, abs(step))
    return x[tuple(slices)]


def pad(x, pads, mode, value):
    """Batch and channels are named to F.pad only when they grow: its other modes take space alone."""
    widths = torch_pads(pads)
    if x.dim() > 2 and not any(widths[-4:]):
        widths = widths[:-4]
    if mode == "constant":
        return F.pad(x, widths, value=value)
    return F.pad(x, widths, mode={"edge": "replicate"}.get(mode, mode))


def gather(x, ids, axis):
    """Indexing: torch.index_select takes a list of ids only."""
    return x[(slice(None),) * (axis % x.dim()) + (ids,)]


def cumulative_sum(x, axis, exclusive, reverse):
    """torch.cumsum, which counts each number itself and goes forward."""
    x = x.flip(axis) if reverse else x
    total = x.cumsum(axis) - x if exclusive else x.cumsum(axis)
    return total.flip(axis) if reverse else total


LAYERS = {
    "relu": function(F.relu),
    "leaky_relu": function(F.leaky_relu, alpha="negative_slope"),
    "prelu": module(lambda node: nn.PReLU(len(node.weights["slope"]))),
    "elu": function(F.elu),
    "selu": function(F.selu),
    "celu": function(F.celu),
    "gelu": function(F.gelu),
    "silu": function(F.silu),
    "mish": function(F.mish),
    "hard_sigmoid": function(hard_sigmoid),
    "hard_swish": function(F.hardswish),
    "softplus": function(F.softplus),
    "softsign": function(F.softsign),
    "sigmoid": function(torch.sigmoid),
    "tanh": function(torch.tanh),
    "softmax": function(F.softmax, axis="dim"),
    "log_softmax": function(F.log_softmax, axis="dim"),
    "dropout": module(lambda node, rate: nn.Dropout(rate)),
    "add": function(torch.add),
    "subtract": function(torch.sub),
    "multiply": function(torch.mul),
    "divide": function(torch.div),
    "power": function(torch.pow),
    "maximum": function(torch.maximum),
    "minimum": function(torch.minimum),
    "greater": function(torch.gt),
    "less": function(torch.lt),
    "equal": function(torch.eq),
    "absolute": function(torch.abs),
    "negative": function(torch.neg),
    "exp": function(torch.exp),
    "log": function(torch.log),
    "sqrt": function(torch.sqrt),
    "reciprocal": function(torch.reciprocal),
    "sin": function(torch.sin),
    "cos": function(torch.cos),
    "floor": function(torch.floor),
    "ceil": function(torch.ceil),
    "sign": function(torch.sign),
    "erf": function(torch.erf),
    "affine": function(lambda x, factor, offset: factor * x + offset),
    "clip": function(torch.clamp, low="min", high="max"),
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
    "lp_pool3d": attributed(lp_pool),
    "global_average_pool": global_pool("AdaptiveAvgPool"),
    "global_max_pool": global_pool("AdaptiveMaxPool"),
    "global_lp_pool": function(lambda x, p: torch.linalg.vector_norm(x, p, dim=tuple(range(2, x.dim())))),
    "adaptive_average_pool2d": module(lambda node, size: nn.AdaptiveAvgPool2d(size)),
    "adaptive_max_pool2d": module(lambda node, size: nn.AdaptiveMaxPool2d(size)),
    "linear": module(lambda node, units, use_bias: nn.Linear(node.weights["weight"].shape[1], units, use_bias)),
    "bilinear": module(lambda node, units: nn.Bilinear(*node.weights["weight"].shape[1:], units)),
    "embedding": module(lambda node, entries, size: nn.Embedding(entries, size)),
    "matmul": function(lambda a, b, transpose_b: a @ (b.transpose(-2, -1) if transpose_b else b)),
    "dot_product_attention": named(F, "scaled_dot_product_attention", causal="is_causal"),
    "multi_head_attention": attributed(multi_head_attention),
    "batch_norm": module(lambda node, epsilon: of_rank("BatchNorm", node.rank)(len(node.weights["scale"]), epsilon)),
    "layer_norm": module(lambda node, axis, epsilon: nn.LayerNorm(node.weights["scale"].shape, epsilon)),
    "instance_norm": module(
        lambda node, epsilon: of_rank("InstanceNorm", node.rank)(len(node.weights["scale"]), epsilon, affine=True)
    ),
    "group_norm": module(lambda node, groups, epsilon: nn.GroupNorm(groups, len(node.weights["scale"]), epsilon)),
    "rms_norm": module(lambda node, epsilon: here(nn, "RMSNorm")(node.weights["scale"].shape, epsilon)),
    "local_response_norm": attributed(local_response_norm),
    "rnn": recurrent(nn.RNN),
    "lstm": recurrent(nn.LSTM),
    "gru": recurrent(nn.GRU),
    "lstm_cell": cell(LSTMCell),
    "gru_cell": cell(nn.GRUCell),
    "reduce_sum": reduction(torch.sum),
    "reduce_mean": reduction(torch.mean),
    "reduce_max": reduction(torch.amax),
    "reduce_min": reduction(torch.amin),
    "reduce_prod": reduction(product),
    "reduce_l1": reduction(torch.linalg.vector_norm, ord=1),
    "reduce_l2": reduction(torch.linalg.vector_norm, ord=2),
    "reduce_log_sum_exp": reduction(torch.logsumexp),
    "arg_max": reduction(torch.argmax),
    "arg_min": reduction(torch.argmin),
    "flatten": module(lambda node: nn.Flatten()),
    "reshape": function(reshape),
    "transpose": function(torch.permute, permutation="dims"),
    "squeeze": function(torch.squeeze, axis="dim"),
    "unsqueeze": function(torch.unsqueeze, axis="dim"),
    "concat": function(lambda *xs, axis: torch.cat(xs, axis)),
    "split": function(torch.split, sizes="split_size_or_sections", axis="dim"),
    "slice": lambda node: functools.partial(cut, rank=node.rank + 2, **node.attributes),
    "pad": function(pad),
    "upsample_nearest": module(lambda node, scale: nn.Upsample(scale_factor=tuple(scale), mode="nearest")),
    "upsample_bilinear": attributed(upsample_bilinear),
    "pixel_shuffle": module(lambda node, factor: nn.PixelShuffle(factor)),
    "gather": function(gather),
    "where": function(torch.where),
    "one_hot": function(lambda ids, depth: F.one_hot(ids, depth).to(torch.get_default_dtype())),
    "top_k": function(torch.topk, axis="dim"),
    "cumulative_sum": function(cumulative_sum),
}

COMPOSED = {
    "position_embedding": composed(lambda x, weight: x + weight[: x.shape[1]]),
    "class_token": composed(lambda x, weight: torch.cat((weight.expand(x.shape[0], -1, -1), x), 1)),
    "maxout": attributed(maxout),
    "hierarchical_softmax": attributed(hierarchical_softmax),
    "additive_attention": composed(additive_attention),
    "branch": control(scripted_branch, Branch),
    "loop": control(scripted_loop, Loop),
    "alternate": control(scripted_alternate, Alternate),
    "iterate": control(scripted_iterate, Iterate, "threshold", "limit"),
    "scan": control(scripted_scan, Scan, "reverse"),
    "greedy_decode": control(scripted_greedy, Greedy, "limit"),
    "beam_step": composed(beam_step),
}

ENTRIES = dict(LAYERS, **COMPOSED)


# -- Models -----------------------------------------------------------------------------------------------------------


class Model(nn.Module):
    """The layer graph; nodes of one `layer` share one module."""

    def __init__(self, graph):
        super().__init__()
        self.inputs = [i.name for i in graph.inputs]
        self.outputs = [(o.name, o.value) for o in graph.outputs]
        self.layers, self.steps = nn.ModuleDict(), []
        ranks = {i.name: len(i.shape) - 2 for i in graph.inputs}
        for node in graph.nodes:
            node.rank = ranks[node.inputs[0]]
            ranks.update((name, len(shape) - 2) for name, shape in zip(node.outputs, node.shapes))
            call = self.layers[node.layer] if node.layer in self.layers else ENTRIES[node.op](node)
            if isinstance(call, nn.Module):
                self.layers[node.layer] = call
            self.steps.append((call, node.inputs, node.outputs))

    def forward(self, *inputs):
        """The outputs of the graph, in its order."""
        values = dict(zip(self.inputs, inputs))
        for call, sources, names in self.steps:
            results = call(*[values[name] for name in sources])
            # By number: what torch.fx traces with is no tuple.
            many = len(names) > 1 or isinstance(results, tuple)
            values.update((name, results[n] if many else results) for n, name in enumerate(names))
        return tuple(values[value] for _, value in self.outputs)


def build(graph, request):
    """The reference model as an nn.Module, for inference, in the dtype that is asked for."""
    if request.exporter == "dynamo" and not DYNAMO:
        raise NotImplementedError("torch %s has no torch.onnx.export(dynamo=True)" % torch.__version__)
    torch.set_default_dtype(getattr(torch, request.dtype))  # of this fork
    for node in graph.nodes:
        node.exporter = request.exporter
    model = Model(graph).eval()
    return quantised(model, graph, request.exporter) if request.quantised else model


def run(model, inputs):
    """The model's outputs by name."""
    with torch.no_grad():
        results = model(*[tensor_of(inputs[name]) for name in model.inputs])
    return {name: array_of(result) for (name, _), result in zip(model.outputs, results)}


# -- Quantisers -------------------------------------------------------------------------------------------------------

BATCHES = 32


def quantised(model, graph, exporter):
    """The model after PyTorch's own post-training static quantisation to int8, with the names of the model."""
    result = QUANTISERS[exporter](model, batches(graph))
    result.inputs, result.outputs = model.inputs, model.outputs
    return result


def batches(graph):
    """Random inputs, drawn as the model's are."""
    generator = np.random.RandomState(0)
    return [tuple(tensor_of(drawn(i, graph.sizes, generator)) for i in graph.inputs) for _ in range(BATCHES)]


def drawn(entry, sizes, generator):
    """Numbers for one input, from its own range."""
    shape = [sizes.get(n, n) for n in entry.shape]
    if entry.dtype == "int64":
        return generator.randint(int(entry.low), int(entry.high), shape).astype(np.int64)
    if entry.dtype == "bool":
        return generator.rand(*shape) < 0.5
    if entry.low == entry.high:
        return generator.randn(*shape).astype(np.float32)
    return generator.uniform(entry.low, entry.high, shape).astype(np.float32)


def of_export(model, calibration):
    """PT2E, the quantiser of torch.export's graphs, as PyTorch advises for x86: torchao has it since torch 2.10."""
    if x86 is None:
        raise NotImplementedError("this environment has no torchao, which quantises the graphs of torch.export")
    quantizer = x86.X86InductorQuantizer().set_global(x86.get_default_x86_inductor_quantization_config())
    prepared = prepare_pt2e(torch.export.export(model, calibration[0]).module(), quantizer)
    with torch.no_grad():
        for batch in calibration:
            prepared(*batch)
        result = convert_pt2e(prepared)
    if not any("quantize_per" in str(node.target) for node in result.graph.nodes):
        raise NotImplementedError("nothing to quantise: no 2-D convolution, and no linear layer")
    return result


#: A forward pass of its own for each number of inputs: torch.fx makes one value of *inputs.
FORWARDS = (
    lambda self, a: Model.forward(self, a),
    lambda self, a, b: Model.forward(self, a, b),
    lambda self, a, b, c: Model.forward(self, a, b, c),
    lambda self, a, b, c, d: Model.forward(self, a, b, c, d),
)


@torch.no_grad()
def of_fx(model, calibration):
    """The quantiser of torch.fx's graphs, whose modules compute in integers; TorchScript's exporter knows them."""
    from torch.ao.quantization import get_default_qconfig_mapping
    from torch.ao.quantization.quantize_fx import convert_fx, prepare_fx

    model.__class__ = type("Model", (Model,), {"forward": FORWARDS[len(model.inputs) - 1]})
    prepared = prepare_fx(model, get_default_qconfig_mapping("x86"), calibration[0])
    for batch in calibration:
        prepared(*batch)
    result = convert_fx(prepared)
    if not any(node.target is torch.quantize_per_tensor for node in result.graph.nodes):
        raise NotImplementedError("nothing to quantise: no layer that computes in integers")
    return result


QUANTISERS = {"dynamo": of_export, "torchscript": of_fx}


# -- Exporters --------------------------------------------------------------------------------------------------------


def write(model, inputs, request, path, **options):
    """torch.onnx.export with the names of the reference model."""
    if request.opset is not None:
        options["opset_version"] = request.opset
    names = {"input_names": model.inputs, "output_names": [name for name, _ in model.outputs]}
    torch.onnx.export(model, tuple(tensor_of(inputs[name]) for name in model.inputs), path, **names, **options)


def dynamo(model, inputs, request, path):
    """The exporter on torch.export: the shapes of the model's one parameter, *inputs, are a tuple of their own."""
    if not DYNAMO:
        raise NotImplementedError("PyTorch %s has no exporter on torch.export" % torch.__version__)
    dims = {axis: torch.export.Dim(axis) for axis in request.graph.sizes}
    shapes = tuple({axis: dims[name] for axis, name in request.dynamic[i].items()} for i in model.inputs)
    dynamic = {"dynamic_shapes": (shapes,)} if any(shapes) else {}
    try:
        write(model, inputs, request, path, dynamo=True, external_data=False, verbose=False, **dynamic)
    except torch.onnx.OnnxExporterError as error:
        # The text begins with general advice; what happened stands behind this heading.
        advice, heading, summary = str(error).partition("## Exception summary\n\n")
        if heading:
            error.args = (summary + advice,)
        raise


def torchscript(model, inputs, request, path):
    """The exporter on traced TorchScript, deprecated since 2.9."""
    dynamic = {name: axes for name, axes in request.dynamic.items() if axes}
    options = {"dynamo": False} if DYNAMO else {}
    write(model, inputs, request, path, dynamic_axes=dynamic or None, **options)


EXPORTERS = {"dynamo": dynamo, "torchscript": torchscript}
