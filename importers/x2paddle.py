"""x2paddle: the ONNX file as Python code for PaddlePaddle and its parameters, run as the layer that the code defines."""

import importlib
import inspect
import os
import sys
import tempfile

# Read when the libraries are loaded: one thread.
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"

import paddle
from x2paddle.convert import onnx2paddle
from x2paddle.decoder.onnx_decoder import ONNXDecoder

PACKAGES = ("x2paddle", "paddlepaddle", "onnx")
ISOLATE = True  # every file becomes a module of the same name
UNSUPPORTED = (r"Model is not supported yet", r"ir_version .* is higher than the checker's")

paddle.set_device("cpu")


def load(path, request):
    """The layer, its parameters' names in order, each input's name among them, and the outputs' names."""
    folder = tempfile.mkdtemp()
    onnx2paddle(path, folder, disable_feedback=True)
    return layer_of(folder), request.outputs


def layer_of(folder):
    """The layer that the generated code in a folder defines, with its parameters."""
    sys.path.insert(0, folder)
    code = importlib.import_module("x2paddle_code")
    (kind,) = [k for k in vars(code).values() if inspect.isclass(k) and k.__module__ == code.__name__]
    layer = kind()
    layer.set_dict(paddle.load(os.path.join(folder, "model.pdparams")))
    layer.eval()
    return layer


def run(session, inputs):
    """All outputs by name."""
    layer, names = session
    feeds = {ONNXDecoder.make_variable_name(None, name): paddle.to_tensor(array) for name, array in inputs.items()}
    wanted = inspect.signature(layer.forward).parameters
    with paddle.no_grad():
        result = layer(**{name: feeds[name] for name in wanted})
    tensors = [result] if len(names) == 1 else result
    return {name: tensor.numpy() for name, tensor in zip(names, tensors)}
