"""Paddle's models for pictures, paddle.vision.models, with drawn weights, written by paddle.onnx.export.

Nothing is downloaded. Weights are drawn and then set to rights layer by layer, so that pictures still tell at the end:
each batch normalisation gets the statistics of what comes in, each layer with a bias has outputs about 1, of size 1.
(About 0, each rectifier would magnify rounding by a fifth, beyond what is tolerated behind thirty of them.)
The truth is the same network in float64, but that epsilons of normalisation stay float32 (paddle_nn.py).
"""

import zlib

from beside import paddle_nn as layers  # first: it sets what paddle2onnx reads when it is imported

import numpy as np
import paddle
from paddle import nn
from paddle.vision import models as vision

PACKAGES = ("paddlepaddle", "paddle2onnx", "polygraphy", "onnx-graphsurgeon", "onnxruntime", "onnx", "numpy")
ISOLATE = True
DTYPES = ("float32", "float64")
LAYERS = {}
SAMPLES = {28: 16, 64: 16, 224: 6}
"""How many pictures of each side the weights are set to rights with."""
BATCHES = (2, 2, 1, 5)
OPTIONS = {"num_classes": 10}

#: {name: (function() -> the network, the shape of its pictures, its outputs)}
MODELS = {
    "paddle-alexnet": (lambda: vision.alexnet(**OPTIONS), (3, 224, 224), ["scores"]),
    "paddle-densenet": (lambda: vision.densenet121(**OPTIONS), (3, 64, 64), ["scores"]),
    "paddle-googlenet": (lambda: vision.googlenet(**OPTIONS), (3, 224, 224), ["scores", "scores1", "scores2"]),
    "paddle-lenet": (lambda: vision.LeNet(**OPTIONS), (1, 28, 28), ["scores"]),
    "paddle-mobilenet-v1": (lambda: vision.mobilenet_v1(scale=0.25, **OPTIONS), (3, 64, 64), ["scores"]),
    "paddle-mobilenet-v2": (lambda: vision.mobilenet_v2(scale=0.25, **OPTIONS), (3, 64, 64), ["scores"]),
    "paddle-mobilenet-v3": (lambda: vision.mobilenet_v3_small(scale=0.5, **OPTIONS), (3, 64, 64), ["scores"]),
    "paddle-resnet": (lambda: vision.resnet18(**OPTIONS), (3, 64, 64), ["scores"]),
    "paddle-resnext": (lambda: vision.resnext50_32x4d(**OPTIONS), (3, 64, 64), ["scores"]),
    "paddle-shufflenet": (lambda: vision.shufflenet_v2_x0_25(**OPTIONS), (3, 64, 64), ["scores"]),
    "paddle-squeezenet": (lambda: vision.squeezenet1_1(**OPTIONS), (3, 64, 64), ["scores"]),
}


class Classifier(nn.Layer):
    """A network as the neighbour's functions take it: a list of pictures in, a tuple of scores out."""

    def __init__(self, network, outputs):
        super().__init__()
        self.network, self.inputs, self.outputs = network, ["image"], [(name, name) for name in outputs]

    def forward(self, inputs):
        """The scores."""
        results = self.network(inputs[0])
        return tuple(results) if isinstance(results, (list, tuple)) else (results,)


def pictures(generator, shape):
    """Pictures of large patches and noise, the channels first."""
    batch, channels, side = shape[:3]
    patches = generator.standard_normal((batch, channels, 4, 4)).repeat(-(-side // 4), 2).repeat(-(-side // 4), 3)
    return patches[:, :, :side, :side] + 0.5 * generator.standard_normal(shape)


def draw_weights(net, generator):
    """Weights for networks of rectifiers (He and others, 2015); scales and offsets about 1."""
    for layer in net.sublayers():
        for name, weight in layer.named_parameters(include_sublayers=False):
            # A Linear has its inputs first, a convolution behind its outputs.
            fan_in = weight.shape[0] if weight.ndim == 2 else np.prod(weight.shape[1:])
            if weight.ndim > 1:
                array = generator.standard_normal(weight.shape) * np.sqrt(2 / fan_in)
            elif name == "weight":
                array = generator.uniform(0.5, 1.5, weight.shape)
            else:
                array = generator.normal(1, 0.2, weight.shape)
            weight.set_value(array)


def set_right(layer, inputs):
    """Before a layer is called, fit its statistics, or its weights and bias, to what comes in."""
    if hasattr(layer, "_variance"):
        x = inputs[0].numpy()
        layer._mean.set_value(x.mean((0, 2, 3)))
        layer._variance.set_value(x.var((0, 2, 3)))
    elif isinstance(layer, (nn.Conv2D, nn.Linear)) and layer.bias is not None:
        y = layer.forward(inputs[0]).numpy() - layer.bias.numpy().reshape([-1] + [1] * (inputs[0].ndim - 2))
        mean = y.mean(tuple(axis for axis in range(y.ndim) if axis != 1), keepdims=True)
        scale = (y - mean).std()
        layer.weight.set_value(layer.weight.numpy() / scale)
        layer.bias.set_value(1 - mean.ravel() / scale)


def network(name, dtype):
    """The network, for inference, in a dtype."""
    paddle.set_default_dtype(dtype)
    net = Classifier(MODELS[name][0](), MODELS[name][2])
    net.eval()
    return net.to(dtype=dtype)


def build(name, request):
    """The network, and its twin in float64."""
    generator, shape = np.random.RandomState(zlib.crc32(name.encode())), MODELS[name][1]
    twin = network(name, "float64")
    draw_weights(twin, generator)
    hooks = [layer.register_forward_pre_hook(set_right) for layer in twin.sublayers()]
    with paddle.no_grad():
        twin([paddle.to_tensor(pictures(generator, (SAMPLES[shape[-1]],) + shape))])
    for hook in hooks:
        hook.remove()
    net = network(name, request.dtype)
    weights = {key: value.numpy().astype(np.float32) for key, value in twin.state_dict().items()}
    net.set_state_dict({key: value.astype(request.dtype) for key, value in weights.items()})
    twin.set_state_dict({key: value.astype("float64") for key, value in weights.items()})
    net.told = (name, request.dtype, [twin])  # in a list it is no layer of the network's
    return net


def interface(net):
    """One picture in, and the batches of the input sets."""
    name, dtype, _ = net.told
    shape = ["batch"] + list(MODELS[name][1])
    return [{"name": "image", "dtype": dtype, "shape": shape}], [{"batch": n} for n in BATCHES]


def draw(net, generator, sizes):
    """An input set."""
    name, dtype, _ = net.told
    return {"image": pictures(generator, (sizes["batch"],) + MODELS[name][1]).astype(dtype)}


def truth(net, inputs):
    """The scores of the twin."""
    return run(net.told[2][0], {name: array.astype(np.float64) for name, array in inputs.items()})


run = layers.run
EXPORTERS = {"onnx": layers.export}
