"""Keras's models for pictures, keras.applications, with drawn weights, on TensorFlow, written by Keras's Model.export.

Nothing is downloaded. Weights are drawn and then set to rights layer by layer, so that pictures still tell at the end:
each normalisation by statistics gets those of what comes in, each layer with a bias has outputs about 1, of size 1.
(About 0, each rectifier would magnify rounding by a fifth, beyond what is tolerated behind thirty of them.)
The truth is the same network in float64. Pictures are prepared as each family's users do it, channels last.
"""

import zlib
from contextlib import ExitStack
from types import SimpleNamespace
from unittest import mock

from beside import keras as plain  # first: it chooses the backend before it imports Keras

import keras
import numpy as np
import onnx
from keras import applications, layers

PACKAGES = ("keras", "tensorflow-cpu", "tf2onnx", "onnx", "protobuf", "numpy")
DTYPES = ("float32", "float64")
LAYERS = {}
SAMPLES = 16
BATCHES = (2, 2, 1, 5)
#: The orders of axes, which are the file's own.
INPUTS = {"image": plain.Value(None, plain.first(4))}
OUTPUTS = {"scores": plain.Value(None, plain.first(2))}

#: {name: (the module of the family, the name of the function, the side of the pictures, options)}
MODELS = {
    "keras-convnext": (applications.convnext, "ConvNeXtTiny", 32, {}),
    "keras-densenet": (applications.densenet, "DenseNet121", 64, {}),
    "keras-efficientnet": (applications.efficientnet, "EfficientNetB0", 64, {}),
    "keras-efficientnet-v2": (applications.efficientnet_v2, "EfficientNetV2B0", 64, {}),
    "keras-inception-v3": (applications.inception_v3, "InceptionV3", 75, {}),
    "keras-mobilenet": (applications.mobilenet, "MobileNet", 64, {"alpha": 0.25}),
    "keras-mobilenet-v2": (applications.mobilenet_v2, "MobileNetV2", 64, {"alpha": 0.35}),
    "keras-mobilenet-v3": (applications.mobilenet_v3, "MobileNetV3Small", 64, {"alpha": 0.75}),
    "keras-resnet": (applications.resnet, "ResNet50", 64, {}),
    "keras-resnet-v2": (applications.resnet_v2, "ResNet50V2", 64, {}),
    "keras-vgg": (applications.vgg16, "VGG16", 32, {}),
    "keras-xception": (applications.xception, "Xception", 71, {}),
}


def pictures(name, generator, batch, dtype):
    """Pictures of large patches and noise, from 0 to 255, as the family prepares them."""
    family, _, side, _ = MODELS[name]
    patches = generator.standard_normal((batch, 4, 4, 3)).repeat(-(-side // 4), 1).repeat(-(-side // 4), 2)
    noise = generator.standard_normal((batch, side, side, 3))
    values = np.clip(128 + 48 * patches[:, :side, :side] + 24 * noise, 0, 255)
    return family.preprocess_input(values.astype(dtype)).astype(dtype)


def draw_weights(net, generator):
    """Weights for networks of rectifiers (He and others, 2015); scales and offsets about 1."""
    for weight in net.trainable_weights:
        shape = weight.shape
        if weight.name == "depthwise_kernel" or (weight.name == "kernel" and weight.path.count("depthwise")):
            weight.assign(generator.standard_normal(shape) * np.sqrt(2 / np.prod(shape[:2])))
        elif weight.name.endswith("kernel"):
            weight.assign(generator.standard_normal(shape) * np.sqrt(2 / np.prod(shape[:-1])))
        elif weight.name == "beta":
            weight.assign(generator.normal(1, 0.2, shape))
        else:  # gamma, which LayerScale does not name; biases are set to rights
            weight.assign(generator.uniform(0.5, 1.5, shape))


def with_statistics(layer, x):
    """Give a normalisation the statistics of what comes in, unless it was made with its own."""
    if getattr(layer, "input_mean", None) is not None:
        return
    kind = "adapt_%s" if isinstance(layer, layers.Normalization) else "moving_%s"
    x = keras.ops.convert_to_numpy(x)
    getattr(layer, kind % "mean").assign(x.mean((0, 1, 2)))
    getattr(layer, kind % "variance").assign(x.var((0, 1, 2)))
    finish(layer)


def finish(layer):
    """A Normalization makes constants of its weights."""
    if hasattr(layer, "finalize_state"):
        layer.finalize_state()


def with_bias(layer, x, call):
    """Fit the weights and the bias of a layer to what comes in."""
    if layer.bias is None:
        return
    activation, layer.activation = layer.activation, None
    layer.bias.assign(np.zeros(layer.bias.shape))
    y = keras.ops.convert_to_numpy(call(layer, x))
    layer.activation = activation
    mean = y.mean(tuple(range(y.ndim - 1)))
    scale = (y - mean).std()
    layer.kernel.assign(layer.kernel / scale)
    layer.bias.assign(1 - mean / scale)


def set_right(kind):
    """Replaces a class's call: before a layer is called, set it to rights."""
    original = kind.call

    def call(self, inputs, *args, **kwargs):
        if hasattr(self, "bias"):
            with_bias(self, inputs, original)
        else:
            with_statistics(self, inputs)
        return original(self, inputs, *args, **kwargs)

    return mock.patch.object(kind, "call", call)


def network(name, dtype):
    """The network in a dtype."""
    _, function, side, options = MODELS[name]
    keras.config.set_floatx(dtype)
    keras.config.set_dtype_policy(dtype)
    image = keras.Input((side, side, 3), dtype=dtype, name="image")
    return getattr(applications, function)(weights=None, input_tensor=image, classes=10, **options)


def build(name, request):
    """The network as the neighbour's functions take it, and its twin in float64."""
    keras.backend.clear_session()
    generator = np.random.RandomState(zlib.crc32(name.encode()))
    twin = network(name, "float64")
    draw_weights(twin, generator)
    kinds = (layers.BatchNormalization, layers.Normalization, layers.Conv2D, layers.DepthwiseConv2D, layers.Dense)
    with ExitStack() as stack:
        for kind in kinds:
            stack.enter_context(set_right(kind))
        twin([pictures(name, generator, SAMPLES, "float64")])
    net = network(name, request.dtype)
    weights = [weight.astype(np.float32) for weight in twin.get_weights()]
    for model in (net, twin):
        model.set_weights(weights)
        for layer in model.layers:
            finish(layer)
    return SimpleNamespace(
        name=name,
        dtype=request.dtype,
        keras=net,
        function=runner(net),
        twin=SimpleNamespace(function=runner(twin), inputs=INPUTS, outputs=OUTPUTS),
        inputs=INPUTS,
        outputs=OUTPUTS,
    )


def runner(net):
    """What the neighbour's `run` calls: the compiled network, with a name for what it returns."""
    call = plain.compiled(net, net.inputs)
    return lambda image: {"scores": call(image)}


def interface(net):
    """One picture in, and the batches of the input sets."""
    side = MODELS[net.name][2]
    return [{"name": "image", "dtype": net.dtype, "shape": ["batch", side, side, 3]}], [{"batch": n} for n in BATCHES]


def draw(net, generator, sizes):
    """An input set."""
    return {"image": pictures(net.name, generator, sizes["batch"], net.dtype)}


run = plain.run


def truth(net, inputs):
    """The scores of the twin."""
    return run(net.twin, {name: array.astype(np.float64) for name, array in inputs.items()})


def export(net, inputs, request, path):
    """Model.export, told the batch where it is to be fixed."""
    image = inputs["image"]
    shape = [None if axis in request.dynamic["image"] else n for axis, n in enumerate(image.shape)]
    signature = [[keras.InputSpec(dtype=image.dtype.name, shape=shape, name="image")]]
    options = plain.opset_option(request, "opset_version")
    net.keras.export(path, format="onnx", verbose=False, input_signature=signature, **options)
    return plain.mapping(net, onnx.load(path))


EXPORTERS = {"export": export}
