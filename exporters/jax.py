"""JAX and Flax NNX: reference models as pure functions of parameters, or as nnx modules, written by jax2onnx.

The functional models keep images channels first, as jax.lax does unless told otherwise. NNX wants channels last: there
each value has an order of its axes, images enter channels last and stay so until a layer depends on the order of the
reference, and outputs that end channels last are told to the host as permutations.

Each entry of LAYERS and COMPOSED is function(*arrays, **parameters, **attributes). MODULES has NNX's own building
blocks, function(node, **attributes) -> module or function of arrays, channels last; the rest its users take from JAX.
"""

import functools
import os
from itertools import product
from types import SimpleNamespace

os.environ["JAX_PLATFORMS"] = "cpu"
# One thread; and LLVM's optimisations take longer than any model runs.
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false --xla_backend_optimization_level=0"
os.environ["NPROC"] = "1"

import jax
import jax.numpy as jnp
import jax2onnx
import numpy as np
from flax import nnx
from jax import lax
from jax2onnx.plugins.plugin_system import import_all_plugins

PACKAGES = ("jax", "jaxlib", "flax", "jax2onnx", "onnx", "onnx-ir", "numpy")
DTYPES = ("float32", "float16", "bfloat16", "float64")

# The first export would import them: 500 files, longer than any model takes.
import_all_plugins()


# -- Space: the axes that are neither batch nor channels --------------------------------------------------------------


def space(x, channels):
    """The spatial axes of x, whose channels stand at `channels`."""
    return tuple(axis for axis in range(1, x.ndim) if axis != channels % x.ndim)


def spread(x, numbers, rest, channels):
    """One number for each axis of x: `numbers` for space, `rest` for batch and channels."""
    found = [rest] * x.ndim
    for axis, number in zip(space(x, channels), numbers):
        found[axis] = number
    return tuple(found)


def per_channel(array, x, channels):
    """An array (channels) that broadcasts with x."""
    shape = [1] * x.ndim
    shape[channels] = -1
    return array.reshape(shape)


def sides(pad):
    """(begin, end) of each axis, from ONNX's begins and ends."""
    rank = len(pad) // 2
    return list(zip(pad[:rank], pad[rank:]))


# -- Convolution ------------------------------------------------------------------------------------------------------


def conv(x, weight, bias=None, stride=(), pad=(), dilation=(), groups=1, before=None, **sizes):
    """lax.conv_general_dilated in its own layout: channels first, weight (filters, channels / groups, *kernel)."""
    options = {"lhs_dilation": before, "rhs_dilation": dilation, "feature_group_count": groups}
    y = lax.conv_general_dilated(x, weight, stride, sides(pad), **options)
    return y if bias is None else y + per_channel(bias, y, 1)


def paddings(kernel, pad, output_pad, dilation):
    """(begin, end) of each axis for a transposed convolution, which is one over the input spread out."""
    reach = [(k - 1) * d for k, d in zip(kernel, dilation)]
    return [(r - begin, r - end + extra) for r, (begin, end), extra in zip(reach, sides(pad), output_pad)]


def conv_transpose(x, weight, bias=None, kernel=(), stride=(), pad=(), output_pad=(), dilation=(), groups=1, **sizes):
    """What lax.conv_transpose does, and groups, which only the function below it has."""
    begins, ends = zip(*paddings(kernel, pad, output_pad, dilation))
    return conv(x, weight, bias, (1,) * len(stride), begins + ends, dilation, groups, before=stride)


def turned_round(weight, groups=1):
    """The weight (channels, filters / groups, *kernel) as (filters, channels / groups, *kernel), taps in reverse."""
    y = weight.reshape((groups, -1) + weight.shape[1:]).swapaxes(1, 2)
    return np.flip(y.reshape((-1,) + y.shape[2:]), range(2, weight.ndim)).copy()


# -- Pooling ----------------------------------------------------------------------------------------------------------


def with_overhang(x, kernel, stride, pad, dilation, ceil, channels):
    """(begin, end) of each axis, the ends grown by what ceil mode's last windows need."""
    pairs = sides(pad)
    for i, axis in enumerate(space(x, channels) if ceil else ()):
        (begin, end), reach = pairs[i], (kernel[i] - 1) * dilation[i] + 1
        whole = x.shape[axis] + begin + end
        positions = -(-(whole - reach) // stride[i]) + 1
        positions -= (positions - 1) * stride[i] >= x.shape[axis] + begin
        pairs[i] = (begin, end + max(0, (positions - 1) * stride[i] + reach - whole))
    return pairs


def windows(x, initial, reduce, kernel, stride, pairs, channels, dilation=None):
    """lax.reduce_window over the spatial axes."""
    sizes = (spread(x, numbers, 1, channels) for numbers in (kernel, stride, dilation or [1] * len(kernel)))
    window, strides, dilations = sizes
    pads = spread(x, pairs, (0, 0), channels)
    return lax.reduce_window(x, np.array(initial, x.dtype), reduce, window, strides, pads, window_dilation=dilations)


def max_pool(x, kernel, stride, pad, dilation, ceil, channels=1):
    pairs = with_overhang(x, kernel, stride, pad, dilation, ceil, channels)
    return windows(x, -np.inf, lax.max, kernel, stride, pairs, channels, dilation)


def average_pool(x, kernel, stride, pad, ceil, count_pad, channels=1):
    """Sums, divided by how many numbers of the input (and of its padding, where that counts) lie in each window."""
    pairs = with_overhang(x, kernel, stride, pad, [1] * len(kernel), ceil, channels)
    total = windows(x, 0.0, lax.add, kernel, stride, pairs, channels)
    if not any(map(sum, pairs)) or (count_pad and pairs == sides(pad)):
        return total / float(np.prod(kernel))
    counted = jnp.ones([n if axis in space(x, channels) else 1 for axis, n in enumerate(x.shape)], x.dtype)
    if count_pad:
        counted = jnp.pad(counted, spread(x, sides(pad), (0, 0), channels), constant_values=1.0)
        pairs = [(0, whole - end) for (_, whole), (_, end) in zip(pairs, sides(pad))]
    return total / windows(counted, 0.0, lax.add, kernel, stride, pairs, channels)


def lp_pool(x, kernel, stride, pad, p, channels=1):
    return windows(jnp.abs(x) ** p, 0.0, lax.add, kernel, stride, sides(pad), channels) ** (1.0 / p)


def adaptive_pool(reduce):
    """An entry for a grid of regions, each reduced on its own."""

    def pool(x, size, channels=1):
        axes = space(x, channels)
        edges = [[(i * x.shape[a] // n, -(-(i + 1) * x.shape[a] // n)) for i in range(n)] for a, n in zip(axes, size)]
        wholes = [spread(x, [slice(*edge) for edge in cell], slice(None), channels) for cell in product(*edges)]
        cells = jnp.stack([reduce(x[whole], axes) for whole in wholes], axes[0])
        return cells.reshape(cells.shape[: axes[0]] + tuple(size) + cells.shape[axes[0] + 1 :])

    return pool


# -- Normalisation and activation -------------------------------------------------------------------------------------


def batch_norm(x, scale, bias, mean, variance, epsilon, channels=1):
    scale, bias, mean, variance = (per_channel(array, x, channels) for array in (scale, bias, mean, variance))
    return (x - mean) * lax.rsqrt(variance + epsilon) * scale + bias


def layer_norm(x, scale, bias, axis, epsilon):
    return jax.nn.standardize(x, tuple(range(axis, 0)), epsilon=epsilon) * scale + bias


def instance_norm(x, scale, bias, epsilon, channels=1):
    y = jax.nn.standardize(x, space(x, channels), epsilon=epsilon)
    return y * per_channel(scale, x, channels) + per_channel(bias, x, channels)


def group_norm(x, scale, bias, groups, epsilon):
    y = jax.nn.standardize(x.reshape((x.shape[0], groups, -1)), -1, epsilon=epsilon).reshape(x.shape)
    return y * per_channel(scale, x, 1) + per_channel(bias, x, 1)


def rms_norm(x, scale, epsilon):
    return x * lax.rsqrt(jnp.mean(jnp.square(x), -1, keepdims=True) + epsilon) * scale


def local_response_norm(x, size, alpha, beta, bias, channels=1):
    """The sum over neighbouring channels is a window over their axis."""

    def along(number, rest):
        return tuple(number if axis == channels % x.ndim else rest for axis in range(x.ndim))

    pads = along(((size - 1) // 2, size // 2), (0, 0))
    total = lax.reduce_window(jnp.square(x), np.array(0, x.dtype), lax.add, along(size, 1), along(1, 1), pads)
    return x / (bias + alpha / size * total) ** beta


def prelu(x, slope, channels=1):
    return jnp.where(x > 0, x, per_channel(slope, x, channels) * x)


def hard_sigmoid(x, alpha, beta):
    """JAX's own has the slope 1/6 and the offset 1/2; others are written out."""
    if abs(alpha - 1 / 6) < 1e-6 and beta == 0.5:
        return jax.nn.hard_sigmoid(x)
    return jnp.clip(alpha * x + beta, 0.0, 1.0)


# -- Dense layers and attention ---------------------------------------------------------------------------------------


def linear(x, weight, bias=None, **sizes):
    """weight (in, units), as JAX's users keep it."""
    return x @ weight if bias is None else x @ weight + bias


def maxout(x, weight, bias, units, pieces):
    return linear(x, weight, bias).reshape(x.shape[:-1] + (units, pieces)).max(-1)


def hierarchical_softmax(x, cluster_weight, cluster_bias, member_weight, member_bias, clusters, members):
    """P(cluster) P(member | cluster) from two linear maps."""
    cluster = jax.nn.softmax(linear(x, cluster_weight, cluster_bias))
    member = linear(x, member_weight, member_bias).reshape(x.shape[:-1] + (clusters, members))
    return (cluster[..., None] * jax.nn.softmax(member)).reshape(x.shape[:-1] + (clusters * members,))


def dot_product_attention(q, k, v, causal):
    """jax.nn.dot_product_attention, heads behind time; it wants values of the size of the keys."""
    if v.shape[-1] != k.shape[-1]:
        if causal:
            raise NotImplementedError("jax.nn.dot_product_attention wants values of the size of the keys")
        return jax.nn.softmax(q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1]).astype(q.dtype)) @ v
    if q.ndim == 3:
        return jax.nn.dot_product_attention(*(x[:, :, None] for x in (q, k, v)), is_causal=causal)[:, :, 0]
    heads_third = (x.swapaxes(1, 2) for x in (q, k, v))
    return jax.nn.dot_product_attention(*heads_third, is_causal=causal).swapaxes(1, 2)


def multi_head_attention(query, keys, w_q, b_q, w_k, b_k, w_v, b_v, w_out, b_out, heads, causal):
    def split(x, weight, bias):
        return linear(x, weight, bias).reshape(x.shape[:2] + (heads, -1))

    q, k, v = split(query, w_q, b_q), split(keys, w_k, b_k), split(keys, w_v, b_v)
    return linear(jax.nn.dot_product_attention(q, k, v, is_causal=causal).reshape(query.shape), w_out, b_out)


def additive_attention(query, keys, w_query, w_key, bias, score, units):
    """Bahdanau's attention of query (batch, queries, a) over keys (batch, times, b), which are the values too."""
    hidden = jnp.tanh((query @ w_query)[:, :, None] + (keys @ w_key)[:, None] + bias)
    return jax.nn.softmax(hidden @ score) @ keys


# -- Recurrent layers -------------------------------------------------------------------------------------------------


def rnn_step(carry, projected, w_hh, b_hh, activation):
    h = activation(projected + linear(carry[0], w_hh, b_hh))
    return (h,)


def lstm_step(carry, projected, w_hh, b_hh):
    h, c = carry
    i, f, g, o = jnp.split(projected + linear(h, w_hh, b_hh), 4, -1)
    c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
    return jax.nn.sigmoid(o) * jnp.tanh(c), c


def gru_step(carry, projected, w_hh, b_hh, reset="after"):
    (h,), units = carry, w_hh.shape[0]
    i_r, i_z, i_n = jnp.split(projected, 3, -1)
    gates = linear(h, w_hh[:, : 2 * units], b_hh[: 2 * units])
    r, z = jax.nn.sigmoid(i_r + gates[..., :units]), jax.nn.sigmoid(i_z + gates[..., units:])
    new_weight, new_bias = w_hh[:, 2 * units :], b_hh[2 * units :]
    if reset == "after":
        n = jnp.tanh(i_n + r * linear(h, new_weight, new_bias))
    else:
        n = jnp.tanh(i_n + linear(r * h, new_weight, new_bias))
    return ((1 - z) * n + z * h,)


def scanned(step, x, carry, backward):
    """All outputs (batch, time, units) of step(carry, x) -> (carry, output), and the last one.

    Time is turned round before and behind: jax2onnx has no lax.scan(reverse=True).
    """
    times = jnp.swapaxes(jnp.flip(x, 1) if backward else x, 0, 1)
    carry, outputs = lax.scan(step, carry, times)
    outputs = jnp.swapaxes(outputs, 0, 1)
    return (jnp.flip(outputs, 1) if backward else outputs), carry


def stacked(one, x, layers, direction, sequence):
    """`one`(x, place, backward) -> (outputs, last output) for each layer and direction."""
    backward = {"forward": [False], "reverse": [True], "bidirectional": [False, True]}[direction]
    for level in range(layers):
        results = [one(x, "%d_%d" % (level, d), turned) for d, turned in enumerate(backward)]
        x = jnp.concatenate([outputs for outputs, _ in results], -1)
    return x if sequence else jnp.concatenate([last for _, last in results], -1)


def recurrent(step, states):
    """An entry for lax.scan over step(carry, projected input, w_hh, b_hh, **options) -> carry, outputs first."""

    def layer(x, units, layers, direction, sequence, activation=None, **others):
        weights = {name: others.pop(name) for name in list(others) if name[:2] in ("w_", "b_")}
        options = dict(others, activation={"tanh": jnp.tanh, "relu": jax.nn.relu}[activation]) if activation else others

        def one(x, place, backward):
            w_ih, b_ih, w_hh, b_hh = (weights["%s_%s" % (name, place)] for name in ("w_ih", "b_ih", "w_hh", "b_hh"))

            def advance(carry, projected):
                carry = step(carry, projected, w_hh, b_hh, **options)
                return carry, carry[0]

            zeros = (jnp.zeros((x.shape[0], units), x.dtype),) * states
            outputs, carry = scanned(advance, linear(x, w_ih, b_ih), zeros, backward)
            return outputs, carry[0]

        return stacked(one, x, layers, direction, sequence)

    return layer


def cell(step):
    """An entry for one step."""

    def layer(x, *carry, w_ih_0_0, w_hh_0_0, b_ih_0_0, b_hh_0_0, units):
        return step(carry, linear(x, w_ih_0_0, b_ih_0_0), w_hh_0_0, b_hh_0_0)

    return layer


# -- Control flow -----------------------------------------------------------------------------------------------------


def branch(x, weight_then, bias_then, weight_else, bias_else):
    """One of two maps of x (batch, size), by its mean."""

    def then(x):
        return jnp.tanh(linear(x, weight_then, bias_then))

    def otherwise(x):
        return linear(x, weight_else, bias_else)

    return lax.cond(jnp.mean(x) > 0, then, otherwise, x)


def forward_step(x, weight, bias):
    return x + 0.5 * jnp.tanh(linear(x, weight, bias))


def backward_step(x, weight, bias):
    return x - 0.25 * linear(x, weight, bias)


def loop(x, count, weight_step, bias_step):
    """A number of steps of x (batch, size) that is an input ()."""
    return lax.fori_loop(0, count, lambda i, x: forward_step(x, weight_step, bias_step), x)


def alternate(x, count, weight_even, bias_even, weight_odd, bias_odd):
    """Steps of two kinds in turn; jax2onnx's lax.fori_loop, as in `loop`, wants a count that is known beforehand."""

    def even(x):
        return forward_step(x, weight_even, bias_even)

    def odd(x):
        return backward_step(x, weight_odd, bias_odd)

    def step(carry):
        i, x = carry
        return i + 1, lax.cond(i % 2 == 0, even, odd, x)

    return lax.while_loop(lambda carry: carry[0] < count, step, (jnp.zeros_like(count), x))[1]


def iterate(x, threshold, limit, weight, bias):
    """Steps until x (batch, size) is large, or there were enough."""

    def goes_on(carry):
        i, x = carry
        return (i < limit) & (jnp.sqrt(jnp.mean(x * x)) <= threshold)

    def step(carry):
        i, x = carry
        return i + 1, linear(x, weight, bias)

    return lax.while_loop(goes_on, step, (0, x))[1]


def scan(x, state, decay, w_in, w_state, bias, reverse=False):
    """A recurrence over the times of x (batch, time, in) from the state (batch, units): all states, and the last."""

    def step(state, x):
        state = decay * state + jnp.tanh(x @ w_in + state @ w_state + bias)
        return state, state

    last_state, states = lax.scan(step, state, jnp.swapaxes(x, 0, 1), reverse=reverse)
    return jnp.swapaxes(states, 0, 1), last_state


def decoded(token, state, table, w_state, w_out, follow):
    """The next state of the decoder's cell, and the log probabilities of the tokens."""
    state = jnp.tanh(table[token] + state @ w_state)
    return state, jax.nn.log_softmax(state @ w_out + follow[token])


def greedy_decode(start, state, vocabulary, limit, **weights):
    """Tokens (batch, limit), their log probabilities' sums, the last state; until all samples have had the token 0."""

    def goes_on(carry):
        i, _, _, _, ended, _ = carry
        return (i < limit) & ~jnp.all(ended)

    def step(carry):
        i, token, state, total, ended, tokens = carry
        state, chances = decoded(token, state, **weights)
        token = jnp.argmax(chances, -1).astype(token.dtype)
        total = total + jnp.max(chances, -1)
        return i + 1, token, state, total, ended | (token == 0), tokens.at[:, i].set(token)

    tokens = jnp.zeros((start.shape[0], limit), start.dtype)
    carry = (0, start, state, jnp.zeros(start.shape, state.dtype), jnp.zeros(start.shape, bool), tokens)
    _, _, state, total, _, tokens = lax.while_loop(goes_on, step, carry)
    return tokens, total, state


def beam_step(scores, tokens, state, vocabulary, handicap, **weights):
    """One step of a beam search."""
    state, chances = decoded(tokens, state, **weights)
    sums = (scores + handicap)[..., None] + chances
    best, places = lax.top_k(sums.reshape(sums.shape[0], -1), scores.shape[1])
    state = jnp.take_along_axis(state, (places // vocabulary)[..., None], 1)
    return best, (places % vocabulary).astype(tokens.dtype), state


# -- Reductions and shapes --------------------------------------------------------------------------------------------


def reduction(function):
    """An entry for function(x, axis, keepdims=)."""
    return lambda x, axes, keepdims: function(x, axis=tuple(axes), keepdims=keepdims)


def reshape(x, shape):
    """Zeros keep the axis at their place."""
    return x.reshape([x.shape[axis] if n == 0 else n for axis, n in enumerate(shape)])


def cut(x, axes, starts, ends, steps):
    where = [slice(None)] * x.ndim
    for axis, start, end, step in zip(axes, starts, ends, steps):
        where[axis] = slice(start, end, step)
    return x[tuple(where)]


def pad(x, pads, mode, value):
    return jnp.pad(x, sides(pads), mode, **({"constant_values": value} if mode == "constant" else {}))


def resized(method):
    """An entry for jax.image.resize, which knows half-pixel corners only."""

    def resize(x, scale, corners="half_pixel", channels=1):
        if corners != "half_pixel":
            raise NotImplementedError("jax.image.resize has half-pixel corners only")
        factors = spread(x, scale, 1, channels)
        return jax.image.resize(x, [n * f for n, f in zip(x.shape, factors)], method, antialias=False)

    return resize


def pixel_shuffle(x, factor):
    n, c, h, w = x.shape
    y = x.reshape(n, c // factor**2, factor, factor, h, w).transpose(0, 1, 4, 2, 5, 3)
    return y.reshape(n, c // factor**2, h * factor, w * factor)


def cumulative_sum(x, axis, exclusive, reverse):
    total = lax.cumsum(x, axis % x.ndim, reverse=reverse)
    return total - x if exclusive else total


LAYERS = {
    "relu": jax.nn.relu,
    "leaky_relu": lambda x, alpha: jax.nn.leaky_relu(x, alpha),
    "elu": lambda x, alpha: jax.nn.elu(x, alpha),
    "selu": jax.nn.selu,
    "celu": lambda x, alpha: jax.nn.celu(x, alpha),
    "gelu": lambda x, approximate: jax.nn.gelu(x, approximate=approximate == "tanh"),
    "silu": jax.nn.silu,
    "mish": jax.nn.mish,
    "hard_sigmoid": hard_sigmoid,
    "hard_swish": jax.nn.hard_swish,
    "softplus": jax.nn.softplus,
    "softsign": jax.nn.soft_sign,
    "sigmoid": jax.nn.sigmoid,
    "tanh": jnp.tanh,
    "softmax": jax.nn.softmax,
    "log_softmax": jax.nn.log_softmax,
    "add": jnp.add,
    "subtract": jnp.subtract,
    "multiply": jnp.multiply,
    "divide": jnp.divide,
    "power": jnp.power,
    "maximum": jnp.maximum,
    "minimum": jnp.minimum,
    "greater": jnp.greater,
    "less": jnp.less,
    "equal": jnp.equal,
    "absolute": jnp.abs,
    "negative": jnp.negative,
    "exp": jnp.exp,
    "log": jnp.log,
    "sqrt": jnp.sqrt,
    "reciprocal": jnp.reciprocal,
    "sin": jnp.sin,
    "cos": jnp.cos,
    "floor": jnp.floor,
    "ceil": jnp.ceil,
    "sign": jnp.sign,
    "erf": lax.erf,
    "affine": lambda x, factor, offset: factor * x + offset,
    "clip": lambda x, low, high: jnp.clip(x, low, high),
    "conv1d": conv,
    "conv2d": conv,
    "conv3d": conv,
    "conv_transpose1d": conv_transpose,
    "conv_transpose2d": conv_transpose,
    "conv_transpose3d": conv_transpose,
    "max_pool1d": max_pool,
    "max_pool2d": max_pool,
    "max_pool3d": max_pool,
    "global_average_pool": lambda x, channels=1: jnp.mean(x, space(x, channels)),
    "global_max_pool": lambda x, channels=1: jnp.max(x, space(x, channels)),
    "matmul": lambda a, b, transpose_b: a @ (b.swapaxes(-1, -2) if transpose_b else b),
    "dot_product_attention": dot_product_attention,
    "reduce_sum": reduction(jnp.sum),
    "reduce_mean": reduction(jnp.mean),
    "reduce_max": reduction(jnp.max),
    "reduce_min": reduction(jnp.min),
    "reduce_prod": reduction(jnp.prod),
    "reduce_l2": reduction(jnp.linalg.norm),
    "reduce_log_sum_exp": reduction(jax.nn.logsumexp),
    "arg_max": jnp.argmax,
    "arg_min": jnp.argmin,
    "flatten": lambda x: x.reshape(x.shape[0], -1),
    "reshape": reshape,
    "transpose": lambda x, permutation: jnp.transpose(x, permutation),
    "squeeze": jnp.squeeze,
    "unsqueeze": jnp.expand_dims,
    "concat": lambda *xs, axis: jnp.concatenate(xs, axis),
    "split": lambda x, axis, sizes: jnp.split(x, np.cumsum(sizes)[:-1].tolist(), axis),
    "slice": cut,
    "pad": pad,
    "upsample_nearest": resized("nearest"),
    "upsample_bilinear": resized("bilinear"),
    "gather": jnp.take,
    "where": jnp.where,
    "one_hot": lambda ids, depth, dtype: jax.nn.one_hot(ids, depth, dtype=dtype),
    "top_k": lambda x, k, axis: lax.top_k(x, k, axis=axis),
    "cumulative_sum": cumulative_sum,
}

COMPOSED = {
    "dropout": lambda x, rate: x,
    "prelu": prelu,
    "average_pool1d": average_pool,
    "average_pool2d": average_pool,
    "average_pool3d": average_pool,
    "lp_pool1d": lp_pool,
    "lp_pool2d": lp_pool,
    "lp_pool3d": lp_pool,
    "global_lp_pool": lambda x, p, channels=1: jnp.sum(jnp.abs(x) ** p, space(x, channels)) ** (1.0 / p),
    "adaptive_average_pool2d": adaptive_pool(jnp.mean),
    "adaptive_max_pool2d": adaptive_pool(jnp.max),
    "linear": linear,
    "bilinear": lambda a, b, weight, bias, units: jnp.einsum("ni,uij,nj->nu", a, weight, b) + bias,
    "embedding": lambda ids, weight, entries, size: weight[ids],
    "position_embedding": lambda x, weight, entries: x + jnp.take(weight, jnp.arange(x.shape[1]), axis=0),
    "class_token": lambda x, weight: jnp.concatenate(
        [jnp.broadcast_to(weight, (x.shape[0], 1, x.shape[2])), x], axis=1
    ),
    "maxout": maxout,
    "hierarchical_softmax": hierarchical_softmax,
    "multi_head_attention": multi_head_attention,
    "additive_attention": additive_attention,
    "batch_norm": batch_norm,
    "layer_norm": layer_norm,
    "instance_norm": instance_norm,
    "group_norm": group_norm,
    "rms_norm": rms_norm,
    "local_response_norm": local_response_norm,
    "rnn": recurrent(rnn_step, 1),
    "lstm": recurrent(lstm_step, 2),
    "gru": recurrent(gru_step, 1),
    "lstm_cell": cell(lstm_step),
    "gru_cell": cell(gru_step),
    "reduce_l1": reduction(lambda x, **k: jnp.sum(jnp.abs(x), **k)),
    "pixel_shuffle": pixel_shuffle,
    "branch": branch,
    "loop": loop,
    "alternate": alternate,
    "iterate": iterate,
    "scan": scan,
    "greedy_decode": greedy_decode,
    "beam_step": beam_step,
}

FUNCTIONS = dict(LAYERS, **COMPOSED)


# -- Parameters, as JAX's users keep them -----------------------------------------------------------------------------

#: Layers whose matrices multiply from the right: (in, units) instead of (units, in).
FROM_THE_RIGHT = {
    "linear", "maxout", "hierarchical_softmax", "multi_head_attention", "additive_attention", "rnn", "lstm", "gru",
    "lstm_cell", "gru_cell", "branch", "loop", "alternate", "iterate", "scan", "greedy_decode", "beam_step",
}  # fmt: skip

#: Weights whose rows are looked up.
TABLES = {"table", "follow"}


def parameters(node):
    """The node's weights by name, arranged for its function."""
    weights = dict(node.weights)
    if node.op.startswith("conv_transpose"):
        weights["weight"] = turned_round(weights["weight"], node.attributes["groups"])
    elif node.op in FROM_THE_RIGHT:
        matrices = [name for name, array in weights.items() if array.ndim == 2 and name not in TABLES]
        weights.update({name: weights[name].T.copy() for name in matrices})
    return {name: jnp.asarray(array) for name, array in weights.items()}


# -- NNX's building blocks --------------------------------------------------------------------------------------------


def loaded(make, arrays):
    """The module that make(rngs=) gives, its variables set: "query.kernel" is that of module.query."""
    layer = nnx.eval_shape(lambda: make(rngs=nnx.Rngs(0)))
    for path, array in arrays.items():
        functools.reduce(getattr, path.split("."), layer).set_value(jnp.asarray(array))
    return layer


def kernel_and_bias(node, weight):
    """The variables of a layer whose kernel is `weight`."""
    return dict({"kernel": weight}, **{name: array for name, array in node.weights.items() if name == "bias"})


def behind_taps(weight):
    """The weight (out, in, *kernel) as (*kernel, in, out)."""
    return weight.transpose(tuple(range(2, weight.ndim)) + (1, 0))


def nnx_conv(node, filters, kernel, stride, pad, dilation, groups, use_bias):
    weight = node.weights["weight"]
    options = {"strides": stride, "padding": sides(pad), "kernel_dilation": dilation, "use_bias": use_bias}
    options["feature_group_count"] = groups
    make = functools.partial(nnx.Conv, weight.shape[1] * groups, filters, kernel, **options)
    return loaded(make, kernel_and_bias(node, behind_taps(weight)))


def nnx_conv_transpose(node, filters, kernel, stride, pad, output_pad, dilation, groups, use_bias):
    if groups > 1:
        raise NotImplementedError("nnx.ConvTranspose has no groups")
    weight = node.weights["weight"]
    pairs = paddings(kernel, pad, output_pad, dilation)
    options = {"strides": stride, "padding": pairs, "kernel_dilation": dilation, "use_bias": use_bias}
    make = functools.partial(nnx.ConvTranspose, weight.shape[0], filters, kernel, **options)
    return loaded(make, kernel_and_bias(node, behind_taps(turned_round(weight))))


def named(x, kernel, stride, pairs):
    """The padding by its name where it has one, as NNX's users write it."""
    for name in ("VALID", "SAME"):
        if lax.padtype_to_pads(x.shape[1:-1], kernel, stride, name) == pairs:
            return name
    return pairs


def nnx_max_pool(node, kernel, stride, pad, dilation, ceil):
    """nnx.max_pool; jax2onnx wants the arguments by name."""
    if max(dilation) > 1:
        raise NotImplementedError("nnx.max_pool has no dilation")

    def pool(x):
        padding = named(x, kernel, stride, with_overhang(x, kernel, stride, pad, dilation, ceil, -1))
        return nnx.max_pool(x, window_shape=tuple(kernel), strides=tuple(stride), padding=padding)

    return pool


def nnx_average_pool(node, kernel, stride, pad, ceil, count_pad):
    """nnx.avg_pool; jax2onnx wants the arguments by name."""
    if ceil and count_pad:
        raise NotImplementedError("nnx.avg_pool counts all padding or none")

    def pool(x):
        padding = named(x, kernel, stride, with_overhang(x, kernel, stride, pad, [1] * len(kernel), ceil, -1))
        options = {"window_shape": tuple(kernel), "strides": tuple(stride), "count_include_pad": count_pad}
        return nnx.avg_pool(x, padding=padding, **options)

    return pool


def normalisation(kind, **names):
    """An entry for kind(features, **attributes); `names` are NNX's words for weights that it calls otherwise."""

    def make(node, axis=-1, **attributes):
        if axis != -1:
            raise NotImplementedError("nnx.LayerNorm has a scale for one axis only")
        arrays = {names.get(name, name): array for name, array in node.weights.items()}
        options = {names.get(name, name): value for name, value in attributes.items()}
        # The exporter casts the result to the dtype that the layer was made with.
        options["param_dtype"] = arrays["scale"].dtype
        return loaded(functools.partial(kind, len(arrays["scale"]), **options), arrays)

    return make


def nnx_linear(node, units, use_bias):
    weight = node.weights["weight"]
    make = functools.partial(nnx.Linear, weight.shape[1], units, use_bias=use_bias)
    return loaded(make, kernel_and_bias(node, weight.T))


def nnx_embedding(node, entries, size):
    # Embed alone casts to the dtype that it was made with.
    weight = node.weights["weight"]
    return loaded(functools.partial(nnx.Embed, entries, size, param_dtype=weight.dtype), {"embedding": weight})


def nnx_dot_product_attention(node, causal):
    """nnx.dot_product_attention, heads behind time; it too wants values of the size of the keys."""

    def attend(q, k, v):
        if v.shape[-1] != k.shape[-1]:
            return dot_product_attention(q, k, v, causal)
        mask = nnx.make_causal_mask(q[..., 0]) if causal else None
        if q.ndim == 3:
            heads = (x[:, :, None] for x in (q, k, v))
            return nnx.dot_product_attention(*heads, mask=mask)[:, :, 0]
        mask = mask[:, 0] if causal else None
        return nnx.dot_product_attention(*(x.swapaxes(1, 2) for x in (q, k, v)), mask=mask).swapaxes(1, 2)

    return attend


class Attention(nnx.Module):
    """nnx.MultiHeadAttention with keys that serve as values."""

    def __init__(self, layer, causal):
        self.attention, self.causal = layer, causal

    def __call__(self, query, keys):
        """query (batch, queries, size), keys (batch, times, size of keys) -> (batch, queries, size)."""
        mask = nnx.make_causal_mask(query[..., 0]) if self.causal else None
        return self.attention(query, keys, mask=mask)


def nnx_multi_head_attention(node, heads, causal):
    w, arrays = node.weights, {}
    for place in ("query", "key", "value"):
        weight, bias = w["w_" + place[0]], w["b_" + place[0]]
        arrays[place + ".kernel"] = weight.T.reshape(weight.shape[1], heads, -1)
        arrays[place + ".bias"] = bias.reshape(heads, -1)
    size = len(w["w_out"])
    arrays.update({"out.kernel": w["w_out"].T.reshape(heads, -1, size), "out.bias": w["b_out"]})
    options = {"in_kv_features": w["w_k"].shape[1], "decode": False, "keep_rngs": False}
    return Attention(loaded(functools.partial(nnx.MultiHeadAttention, heads, size, **options), arrays), causal)


def simple_cell(inputs, units, w_ih, w_hh, b_ih, b_hh, activation="tanh"):
    function = {"tanh": nnx.tanh, "relu": nnx.relu}[activation]
    make = functools.partial(nnx.SimpleCell, inputs, units, activation_fn=function)
    return loaded(make, {"dense_i.kernel": w_ih.T, "dense_i.bias": b_ih + b_hh, "dense_h.kernel": w_hh.T})


def lstm_cell(inputs, units, w_ih, w_hh, b_ih, b_hh):
    arrays = {}
    for gate, i, h, bias in zip("ifgo", np.split(w_ih, 4), np.split(w_hh, 4), np.split(b_ih + b_hh, 4)):
        arrays.update({"h%s.kernel" % gate: h.T, "h%s.bias" % gate: bias})
        arrays["%s.kernel" % {"f": "if_"}.get(gate, "i" + gate)] = i.T
    return loaded(functools.partial(nnx.LSTMCell, inputs, units), arrays)


def gru_cell(inputs, units, w_ih, w_hh, b_ih, b_hh, reset="after"):
    """nnx.GRUCell, its map of the state exchanged for one with a bias: behind the reset gate that bias counts."""
    if reset != "after":
        raise NotImplementedError("nnx.GRUCell applies its reset gate behind the product with the state")

    def make(rngs):
        cell = nnx.GRUCell(inputs, units, rngs=rngs)
        cell.dense_h = nnx.Linear(units, 3 * units, rngs=rngs)
        return cell

    arrays = {"dense_i.kernel": w_ih.T, "dense_i.bias": b_ih, "dense_h.kernel": w_hh.T, "dense_h.bias": b_hh}
    return loaded(make, arrays)


class Recurrent(nnx.Module):
    """Cells under lax.scan: nnx.RNN cannot be exported."""

    def __init__(self, cells, units, layers, direction, sequence):
        self.cells, self.units = nnx.Dict(cells), units
        self.options = (layers, direction, sequence)

    def __call__(self, x):
        """x (batch, time, features) -> (batch, time, units) or (batch, units), twice the units when bidirectional."""

        def one(x, place, backward):
            cell, zeros = self.cells[place], jnp.zeros((x.shape[0], self.units), x.dtype)
            pair = isinstance(cell, nnx.LSTMCell)
            outputs, carry = scanned(cell, x, (zeros, zeros) if pair else zeros, backward)
            return outputs, carry[1] if pair else carry

        return stacked(one, x, *self.options)


def cells(make, node, units, **options):
    """{place: cell} with the weights of each layer and direction."""
    places = sorted(name[len("w_ih_") :] for name in node.weights if name.startswith("w_ih_"))
    found = {}
    for place in places:
        arrays = {name: node.weights["%s_%s" % (name, place)] for name in ("w_ih", "w_hh", "b_ih", "b_hh")}
        found[place] = make(arrays["w_ih"].shape[1], units, **dict(arrays, **options))
    return found


def nnx_recurrent(make):
    """An entry for stacked cells over time."""

    def layer(node, units, layers, direction, sequence, **options):
        return Recurrent(cells(make, node, units, **options), units, layers, direction, sequence)

    return layer


class OneStep(nnx.Module):
    """A cell with its states as arguments and results, h first."""

    def __init__(self, cell):
        self.cell = cell

    def __call__(self, x, h, c=None):
        """x (batch, in), states (batch, units) -> the new states."""
        if c is None:
            return self.cell(h, x)[1]
        (c, h), _ = self.cell((c, h), x)
        return h, c


class Own(nnx.Module):
    """A module of the user's own: function(*arrays, **parameters)."""

    def __init__(self, function, arrays):
        self.function, self.weights = function, nnx.Dict({name: nnx.Param(a) for name, a in arrays.items()})

    def __call__(self, *inputs):
        """What the function makes of the arrays and the parameters."""
        return self.function(*inputs, **{name: weight[...] for name, weight in self.weights.items()})


MODULES = {
    "conv1d": nnx_conv,
    "conv2d": nnx_conv,
    "conv3d": nnx_conv,
    "conv_transpose1d": nnx_conv_transpose,
    "conv_transpose2d": nnx_conv_transpose,
    "conv_transpose3d": nnx_conv_transpose,
    "max_pool1d": nnx_max_pool,
    "max_pool2d": nnx_max_pool,
    "max_pool3d": nnx_max_pool,
    "average_pool1d": nnx_average_pool,
    "average_pool2d": nnx_average_pool,
    "average_pool3d": nnx_average_pool,
    "batch_norm": normalisation(functools.partial(nnx.BatchNorm, use_running_average=True), variance="var"),
    "layer_norm": normalisation(nnx.LayerNorm),
    "instance_norm": normalisation(nnx.InstanceNorm),
    "group_norm": normalisation(nnx.GroupNorm, groups="num_groups"),
    "rms_norm": normalisation(nnx.RMSNorm),
    "linear": nnx_linear,
    "embedding": nnx_embedding,
    "dropout": lambda node, rate: nnx.Dropout(rate, deterministic=True),
    "dot_product_attention": nnx_dot_product_attention,
    "multi_head_attention": nnx_multi_head_attention,
    "rnn": nnx_recurrent(simple_cell),
    "lstm": nnx_recurrent(lstm_cell),
    "gru": nnx_recurrent(gru_cell),
    "lstm_cell": lambda node, units: OneStep(cells(lstm_cell, node, units)["0_0"]),
    "gru_cell": lambda node, units: OneStep(cells(gru_cell, node, units)["0_0"]),
}


# -- Layouts of NNX ---------------------------------------------------------------------------------------------------

#: Layers that want channels last.
SPATIAL = {
    "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "max_pool1d",
    "max_pool2d", "max_pool3d", "average_pool1d", "average_pool2d", "average_pool3d", "lp_pool1d", "lp_pool2d",
    "lp_pool3d", "global_average_pool", "global_max_pool", "global_lp_pool", "adaptive_average_pool2d",
    "adaptive_max_pool2d", "batch_norm", "instance_norm", "group_norm", "local_response_norm", "prelu",
    "upsample_nearest", "upsample_bilinear",
}  # fmt: skip

#: Layers to which any order will do.
STEADY = {
    "relu", "leaky_relu", "elu", "selu", "celu", "gelu", "silu", "mish", "hard_sigmoid", "hard_swish", "softplus",
    "softsign", "sigmoid", "tanh", "softmax", "log_softmax", "dropout", "add", "subtract", "multiply", "divide",
    "power", "maximum", "minimum", "greater", "less", "equal", "absolute", "negative", "exp", "log", "sqrt",
    "reciprocal", "sin", "cos", "floor", "ceil", "sign", "erf", "affine", "clip", "reduce_sum", "reduce_mean",
    "reduce_max", "reduce_min", "reduce_prod", "reduce_l1", "reduce_l2", "reduce_log_sum_exp", "arg_max", "arg_min",
    "squeeze", "concat", "split", "slice", "pad", "where", "top_k", "cumulative_sum",
}  # fmt: skip


def first(rank):
    """The order of the reference: channels before space."""
    return tuple(range(rank))


def last(rank):
    """Channels behind space: NWC, NHWC, NDHWC."""
    return first(rank)[:1] + first(rank)[2:] + first(rank)[1:2]


def moved(attributes, order):
    """Attributes that count axes, for arrays whose axes are in `order`."""
    rank, changed = len(order), dict(attributes)
    if "axis" in attributes:
        changed["axis"] = order.index(attributes["axis"] % rank)
    if "axes" in attributes:
        changed["axes"] = [order.index(axis % rank) for axis in attributes["axes"]]
    if "pads" in attributes:
        changed["pads"] = [attributes["pads"][side * rank + axis] for side in (0, 1) for axis in order]
    return changed


def without(order, attributes):
    """What is left of the order when the axes that a reduction names are gone."""
    gone = {axis % len(order) for axis in attributes.get("axes", [attributes.get("axis")])}
    kept = [axis for axis in order if axis not in gone]
    return tuple(sorted(kept).index(axis) for axis in kept)


def enters_last(graph, name):
    """Whether NNX's users would feed the value channels last: the first layer that minds is spatial."""
    for node in graph.nodes:
        if name in node.inputs and node.op in SPATIAL:
            return True
        if name in node.inputs and node.op in STEADY and any(enters_last(graph, o) for o in node.outputs):
            return True
    return False


def placed(graph, node, orders):
    """(the orders in which the node wants its inputs, the orders of its outputs), from those its inputs have."""
    ranks = [len(shape) for shape in node.shapes]
    if node.op in SPATIAL:
        return [last(len(order)) for order in orders], [last(rank) for rank in ranks]
    if node.op == "transpose":
        # Between the two layouts a transposition takes no work, where the next layer wants the other one.
        order = tuple(node.attributes["permutation"].index(axis) for axis in orders[0])
        if orders[0] != first(len(order)) or (order == last(len(order)) and enters_last(graph, node.outputs[0])):
            return orders, [order]
    if node.op in STEADY and len({len(order) for order in orders}) == 1:
        order = next((order for order in orders if order != first(len(order))), orders[0])
        short = ranks[0] < len(order)
        return [order] * len(orders), [without(order, node.attributes) if short else order] * len(ranks)
    return [first(len(order)) for order in orders], [first(rank) for rank in ranks]


# -- Models -----------------------------------------------------------------------------------------------------------


def walked(graph, calls, inputs, turns=None):
    """The graph's outputs, from the function of each node; turns[i][n] transposes input n of node i before it."""
    values = dict(zip([i.name for i in graph.inputs], inputs))
    for i, (node, call) in enumerate(zip(graph.nodes, calls)):
        arrays = [values[name] for name in node.inputs]
        if turns:
            arrays = [jnp.transpose(x, turn) if turn else x for x, turn in zip(arrays, turns[i])]
        results = call(*arrays)
        values.update(zip(node.outputs, results if isinstance(results, (tuple, list)) else (results,)))
    return tuple(values[o.value] for o in graph.outputs)


def functional(graph):
    """The model as a pure function of its inputs, with its parameters bound; all orders are those of the reference."""
    held = {node.layer: parameters(node) for node in graph.nodes}

    def forward(params, *inputs):
        bound = [functools.partial(FUNCTIONS[n.op], **dict(n.attributes, **params[n.layer])) for n in graph.nodes]
        return walked(graph, bound, inputs)

    return lambda *inputs: forward(held, *inputs)


class Model(nnx.Module):
    """The layer graph; nodes of one `layer` share one module. `orders` has the order of axes of each value."""

    def __init__(self, graph):
        ranks = {i.name: len(i.shape) for i in graph.inputs}
        self.orders = {n: last(rank) if enters_last(graph, n) else first(rank) for n, rank in ranks.items()}
        self.graph, self.turns, self.functions, self.modules = graph, [], [], nnx.Dict()
        for node in graph.nodes:
            have = [self.orders[name] for name in node.inputs]
            wanted, gives = placed(graph, node, have)
            self.orders.update(zip(node.outputs, gives))
            self.turns.append([tuple(map(h.index, w)) if h != w else None for h, w in zip(have, wanted)])
            self.functions.append(self.made(node, wanted, gives))

    def made(self, node, wanted, gives):
        """What the forward pass calls: a function, or None where it is the module of the node's layer."""
        attributes = dict(node.attributes)
        if node.op == "transpose" and gives[0] != first(len(gives[0])):
            return lambda x: x
        if node.op in STEADY:
            attributes = moved(attributes, max(wanted, key=len))
        if node.op in MODULES:
            call = self.modules.get(node.layer) or MODULES[node.op](node, **attributes)
        else:
            options = {"channels": -1} if node.op in SPATIAL else {}
            call = functools.partial(FUNCTIONS[node.op], **dict(attributes, **options))
            call = Own(call, parameters(node)) if node.weights else call
        if not isinstance(call, nnx.Module):
            return call
        self.modules[node.layer] = call
        return None

    def __call__(self, *inputs):
        """The outputs of the graph, in its order."""
        calls = [f or self.modules[node.layer] for f, node in zip(self.functions, self.graph.nodes)]
        return walked(self.graph, calls, inputs, self.turns)


def build(graph, request):
    """The reference model as a function or an nnx.Module, and the order of axes of its inputs and outputs."""
    # Without this, JAX has no 64-bit numbers: integers are int32.
    jax.config.update("jax_enable_x64", request.dtype == "float64")
    for node in graph.nodes:
        if node.op == "one_hot":
            node.attributes["dtype"] = request.dtype
    call = Model(graph) if request.exporter == "nnx" else functional(graph)
    orders = getattr(call, "orders", {})
    inputs = {i.name: orders.get(i.name, first(len(i.shape))) for i in graph.inputs}
    outputs = {o.name: orders.get(o.value) for o in graph.outputs}
    return SimpleNamespace(call=call, jitted=jax.jit(lambda *arrays: call(*arrays)), inputs=inputs, outputs=outputs)


def run(model, inputs):
    """The model's outputs by name, in the order of axes of the reference."""
    results = model.jitted(*[jnp.asarray(inputs[name].transpose(order)) for name, order in model.inputs.items()])
    found = {}
    for (name, order), result in zip(model.outputs.items(), results):
        found[name] = np.asarray(result).transpose(np.argsort(order)) if order else np.asarray(result)
    return found


# -- Exporters --------------------------------------------------------------------------------------------------------


def told(described, name, order):
    """How a graph input or output of the file stands to the model's; JAX's integers have 32 bits unless x64 is on."""
    entry = {"name": name, "value": name}
    if order:
        entry["permutation"] = list(order)
    if described.dtype == "int64":
        entry["wanted"] = str(jax.dtypes.canonicalize_dtype(np.int64))
    return entry


def write(model, inputs, request, path):
    """jax2onnx.to_onnx of the function or module; dynamic axes are strings in the shapes."""
    specs = []
    for name, order in model.inputs.items():
        shape = [request.dynamic[name].get(axis, n) for axis, n in enumerate(inputs[name].shape)]
        dtype = jax.dtypes.canonicalize_dtype(inputs[name].dtype)
        specs.append(jax.ShapeDtypeStruct(tuple(shape[axis] for axis in order), dtype))
    options = {} if request.opset is None else {"opset": request.opset}
    options.update(input_names=list(model.inputs), output_names=list(model.outputs))
    options.update(enable_double_precision=request.dtype == "float64")
    # "web" is the mode that keeps all weights in the one file.
    jax2onnx.to_onnx(model.call, specs, return_mode="file", output_path=path, export_mode="web", **options)
    graph = request.graph
    return {
        "inputs": [told(i, i.name, model.inputs[i.name]) for i in graph.inputs],
        "outputs": [told(o, o.name, model.outputs[o.name]) for o in graph.outputs],
    }


EXPORTERS = {"jax2onnx": write, "nnx": write}
