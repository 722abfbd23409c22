"""TensorFlow Lite: the Keras model of the neighbour, converted by tf.lite.TFLiteConverter, and read by tf2onnx.

int8: post-training quantisation of weights and activations, calibrated with many random batches, wherever TensorFlow
Lite has an integer kernel; inputs and outputs stay float32, as they do by default. float32: the model as it is.

The native run is TensorFlow Lite's own interpreter with its own kernels, without the delegate that it takes by default
(XNNPACK), which chooses its arithmetic by the machine. The reference kernels do not have all operators (no ELU).
"""

import os
import tempfile

from beside import keras as plain  # first: it chooses the backend before it imports Keras

import numpy as np
import tensorflow as tf
import tf2onnx

PACKAGES = ("keras", "tensorflow-cpu", "tf2onnx", "onnx", "protobuf", "numpy")
DTYPES = ("int8", "float32")
UNSUPPORTED = (r"neither a custom op nor a flex op",)
ISOLATE = True  # the calibration of a loop ends the process
BATCHES = 128
KERNELS = tf.lite.experimental.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
LAYERS = plain.LAYERS
COMPOSED = plain.COMPOSED


def build(graph, request):
    """The Keras model with TensorFlow Lite's file of it, `content`, and what runs that by the signature."""
    model = plain.build(graph, request)
    converter = tf.lite.TFLiteConverter.from_keras_model(model.keras)
    if request.quantised:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: batches(graph, model)
    model.content = converter.convert()
    interpreter = tf.lite.Interpreter(model_content=model.content, num_threads=1, experimental_op_resolver_type=KERNELS)
    if request.quantised and not any(tensor["quantization"][0] for tensor in interpreter.get_tensor_details()):
        raise NotImplementedError("TensorFlow Lite's quantiser finds nothing to quantise")
    model.runner = interpreter.get_signature_runner()
    return model


def batches(graph, model):
    """Random inputs, drawn as the model's are."""
    generator = np.random.RandomState(0)
    for _ in range(BATCHES):
        arrays = {i.name: drawn(i, graph.sizes, generator) for i in graph.inputs}
        yield {name: arrays[name].transpose(v.order) for name, v in model.inputs.items()}


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


def run(model, inputs):
    """The interpreter's outputs by name, in the order of axes of the reference."""
    results = model.runner(**{name: inputs[name].transpose(v.order) for name, v in model.inputs.items()})
    return {name: results[name].transpose(np.argsort(v.order)) for name, v in model.outputs.items()}


def tflite(model, inputs, request, path):
    """tf2onnx.convert.from_tflite; its signature tells which tensor of the file is which input or output."""
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "model.tflite")
        with open(file, "wb") as opened:
            opened.write(model.content)
        proto, _ = tf2onnx.convert.from_tflite(file, output_path=path, **plain.opset_option(request))
    return {
        "inputs": told(proto.graph.input, model.runner.get_input_details(), model.inputs),
        "outputs": told(proto.graph.output, model.runner.get_output_details(), model.outputs),
    }


def told(entries, details, values):
    """How graph inputs or outputs stand to the values of the model."""
    names = {detail["name"]: name for name, detail in details.items()}
    return [{"name": e.name, "value": names[e.name], "permutation": list(values[names[e.name]].order)} for e in entries]


EXPORTERS = {"tflite": tflite}
