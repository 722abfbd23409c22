"""Gluon's model zoo for pictures, mxnet.gluon.model_zoo.vision: its networks with drawn weights, written by mx2onnx.

Nothing is downloaded. Weights are drawn and then set to rights layer by layer, so that pictures still tell at the end:
each batch normalisation gets the statistics of what comes in, each layer with a bias has outputs about 1, of size 1.
(About 0, each rectifier would magnify rounding by a fifth, beyond what is tolerated behind thirty of them.)
The truth is the same network in float64. Each network is as small as it gets with the pooling written into it.
"""

import zlib
from types import SimpleNamespace

from beside import mxnet as gluon  # first: it sets the engine before it imports MXNet

import numpy as np
from mxnet import nd
from mxnet.gluon import nn
from mxnet.gluon.model_zoo import vision

PACKAGES = ("mxnet", "onnx", "numpy")
ISOLATE = True
UNSUPPORTED = gluon.UNSUPPORTED
LAYERS = {}
CLASSES = 10
SAMPLES = {32: 16, 64: 16, 224: 6, 299: 6}
"""How many pictures of each side the weights are set to rights with."""
BATCHES = (2, 2, 1, 5)

#: {name: (function(classes=) -> the network, the side of its pictures)}
MODELS = {
    "gluon-alexnet": (vision.alexnet, 64),
    "gluon-densenet": (lambda classes: vision.DenseNet(16, 8, [2, 3, 4, 2], classes=classes), 224),
    "gluon-inception-v3": (vision.inception_v3, 299),
    "gluon-mobilenet": (vision.mobilenet0_25, 64),
    "gluon-mobilenet-v2": (vision.mobilenet_v2_0_25, 64),
    "gluon-resnet-v1": (vision.resnet18_v1, 64),
    "gluon-resnet-v2": (vision.resnet18_v2, 64),
    "gluon-squeezenet": (vision.squeezenet1_1, 224),
    "gluon-vgg": (vision.vgg11, 32),
    "gluon-vgg-bn": (vision.vgg11_bn, 32),
}


def pictures(generator, batch, size):
    """Pictures of large patches and noise, the channels first."""
    patches = generator.standard_normal((batch, 3, 4, 4)).repeat(-(-size // 4), 2).repeat(-(-size // 4), 3)
    return patches[:, :, :size, :size] + 0.5 * generator.standard_normal((batch, 3, size, size))


def draw_weights(net, generator):
    """Weights for networks of rectifiers (He and others, 2015); scales and offsets about 1."""
    for name, parameter in net.collect_params().items():
        shape = parameter.shape
        if name.endswith("weight"):
            parameter.set_data(nd.array(generator.standard_normal(shape) * np.sqrt(2 / np.prod(shape[1:]))))
        elif name.endswith("gamma"):
            parameter.set_data(nd.array(generator.uniform(0.5, 1.5, shape)))
        elif name.endswith("beta"):
            parameter.set_data(nd.array(generator.normal(1, 0.2, shape)))


def set_right(layer, inputs):
    """Before a layer is called, fit its statistics, or its weights and bias, to what comes in."""
    wide = {"dtype": "float64"}
    if isinstance(layer, nn.BatchNorm):
        x = inputs[0].asnumpy()
        layer.running_mean.set_data(nd.array(x.mean((0, 2, 3)), **wide))
        layer.running_var.set_data(nd.array(x.var((0, 2, 3)), **wide))
        if layer._kwargs["fix_gamma"]:  # BatchNorm(scale=False): it counts as 1
            layer.gamma.set_data(nd.ones_like(layer.gamma.data()))
    elif getattr(layer, "bias", None) is not None:
        activation = layer.act
        object.__setattr__(layer, "act", None)  # a block's own __setattr__ would refuse
        y = layer.forward(inputs[0]).asnumpy()
        object.__setattr__(layer, "act", activation)
        mean = y.mean(tuple(axis for axis in range(y.ndim) if axis != 1), keepdims=True)
        scale = (y - mean).std()
        layer.weight.set_data(layer.weight.data() / scale)
        layer.bias.set_data(nd.array(1 - mean.ravel() / scale, **wide))


def build(name, request):
    """The hybridized network, and its twin in float64."""
    make, size = MODELS[name]
    generator = np.random.RandomState(zlib.crc32(name.encode()))
    samples = nd.array(pictures(generator, SAMPLES[size], size), dtype="float64")
    net, twin = make(classes=CLASSES), make(classes=CLASSES)
    for block, dtype in ((net, "float32"), (twin, "float64")):
        block.cast(dtype)
        block.initialize()
        block(samples[:1].astype(dtype))  # now the shapes are known
    draw_weights(twin, generator)
    twin.apply(lambda layer: layer.register_forward_pre_hook(set_right))
    twin(samples)
    twin.apply(lambda layer: layer._forward_pre_hooks.clear())
    for own, wide in zip(net.collect_params().values(), twin.collect_params().values()):
        own.set_data(wide.data().astype("float32"))
        wide.set_data(own.data().astype("float64"))
    net.hybridize()
    # What the neighbour asks of a model of the suite.
    image = SimpleNamespace(name="image", shape=("batch", 3, size, size))
    net.graph = twin.graph = SimpleNamespace(inputs=[image], nodes=[], outputs=[SimpleNamespace(name="scores")])
    net.graph.sizes = {"batch": BATCHES[0]}
    net.graph.twin = twin  # were it the network's own, it would be a layer of it
    return net


def interface(net):
    """One picture in, and the batches of the input sets."""
    image = net.graph.inputs[0]
    return [{"name": image.name, "dtype": "float32", "shape": list(image.shape)}], [{"batch": n} for n in BATCHES]


def draw(net, generator, sizes):
    """An input set."""
    image = net.graph.inputs[0]
    return {image.name: pictures(generator, sizes["batch"], image.shape[-1]).astype(np.float32)}


def truth(net, inputs):
    """The scores of the twin."""
    return run(net.graph.twin, {name: array.astype(np.float64) for name, array in inputs.items()})


run = gluon.run
EXPORTERS = {"gluon": gluon.mx2onnx}
