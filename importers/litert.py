"""LiteRT: the ONNX file converted by onnx2tf to a float32 .tflite file, run by LiteRT's interpreter on one thread.

onnx2tf makes channels last what is channels first. Its option `keep_shape_absolutely_input_names` leaves the inputs as
the file has them; outputs have no such option, and come as it made them. The option "channels-first" is help: an output
that has not the shape that the ONNX file declares, but would with its last axis put behind the first, is transposed so.

For inputs that look like images, channels last, onnx2tf downloads test data, which guide its search for the axes.
Random numbers lie in their place, where its documentation has those put who are offline.
"""

import contextlib
import io
import os
import tempfile

import ai_edge_litert.interpreter as litert
import numpy as np
import onnx
import onnx2tf

PACKAGES = ("onnx2tf", "ai-edge-litert", "tensorflow", "onnx")
UNSUPPORTED = (r"is not yet implemented", r"not supported", r"Unsupported TensorFlow type")
WRITES_BESIDE_MODEL = True  # it simplifies the file where it lies
ISOLATE = True  # Keras keeps names and graphs

TEST_DATA = "calibration_image_sample_data_20x128x128x3_float32.npy"


def load(path, request):
    """What runs the file, the shapes to transpose outputs to, and the ONNX file's names of the outputs."""
    os.chdir(tempfile.mkdtemp())
    np.save(TEST_DATA, np.random.RandomState(0).rand(20, 128, 128, 3).astype("float32"))
    shapes = declared(path) if request.option == "channels-first" else {}
    convert(
        input_onnx_file_path=path,
        output_folder_path="out",
        output_signaturedefs=True,
        keep_shape_absolutely_input_names=[i["name"] for i in request.inputs],
        verbosity="error",
    )
    made = [name for name in os.listdir("out") if name.endswith("_float32.tflite")]
    interpreter = litert.Interpreter(os.path.join("out", made[0]), num_threads=1)
    signed = interpreter.get_signature_list()
    call = interpreter.get_signature_runner() if signed else unsigned(interpreter, list(request.outputs))
    # A signature's names have no colons; onnx2tf writes them so.
    names = {name.replace(":", "__"): name for name in request.outputs}
    return call, shapes, names


def unsigned(interpreter, outputs):
    """What a signature's runner would be: inputs by name, outputs in the order of the ONNX file.

    Where TensorFlow does not convert the Keras model, onnx2tf falls back to a file without a signature.
    """

    def call(**inputs):
        given = interpreter.get_input_details()
        places = {i["name"].split(":")[0].replace("serving_default_", ""): i["index"] for i in given}
        for name, array in inputs.items():
            interpreter.resize_tensor_input(places[name], array.shape)
        interpreter.allocate_tensors()
        for name, array in inputs.items():
            interpreter.set_tensor(places[name], array)
        interpreter.invoke()
        found = interpreter.get_output_details()
        return {name: interpreter.get_tensor(o["index"]) for name, o in zip(outputs, found)}

    return call


def declared(path):
    """The shape of each output by the ONNX file; None for the length of a dynamic axis."""
    outputs = {value.name: value.type.tensor_type.shape.dim for value in onnx.load(path).graph.output}
    return {name: [d.dim_value if d.HasField("dim_value") else None for d in dims] for name, dims in outputs.items()}


def convert(**options):
    """Let onnx2tf write its files. Where it fails it says why on stdout, and ends the process."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            onnx2tf.convert(**options)
    except SystemExit as error:
        raise RuntimeError("onnx2tf: %s" % said.getvalue()) from error
    finally:
        print(said.getvalue())


def run(session, inputs):
    """All outputs by name."""
    call, shapes, names = session
    outputs = {names.get(name, name): array for name, array in call(**inputs).items()}
    return {name: channels_first(array, shapes.get(name)) for name, array in outputs.items()}


def channels_first(array, shape):
    """The array, its last axis behind the first where only that gives it the shape that was declared."""
    if shape is None or array.ndim < 3 or fits(array, shape):
        return array
    moved = np.moveaxis(array, -1, 1)
    return moved if fits(moved, shape) else array


def fits(array, shape):
    """Whether an array has a shape, in which None is any length."""
    return array.ndim == len(shape) and all(n in (None, length) for n, length in zip(shape, array.shape))
