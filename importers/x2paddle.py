"""X2Paddle: the ONNX file converted to Python code, parameters and from these a saved PaddlePaddle program.

The program is run as a layer ("jit"), or by Paddle Inference with the passes that it chooses by itself ("inference").
The code itself cannot be run in the process that wrote it: converting has taken the names of its parameters.
"""

import contextlib
import io
import os
import re
import tempfile

# Read when the libraries are loaded: one thread.
os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"

import paddle
from paddle import inference
from x2paddle.convert import onnx2paddle
from x2paddle.decoder.onnx_decoder import ONNXDecoder

PACKAGES = ("x2paddle", "paddlepaddle", "onnx")
ISOLATE = True  # the code of every file is a module of the same name
UNSUPPORTED = (
    r"Model is not supported yet",
    r"[Oo]nly (.* )?support",
    r"[Nn]ot (yet |currently )?support",
    r"Check data type error for op",
    r"ir_version .* is higher than the checker's",
)

paddle.set_device("cpu")


def load(path, request):
    """What runs a list of tensors, the names in the program of these, and the outputs' names."""
    folder = tempfile.mkdtemp()
    convert(path, folder)
    saved = os.path.join(folder, "inference_model", "model")
    program, parameters = LOADERS[request.option](saved)
    return program, parameters, request.outputs


def convert(path, folder):
    """Write the program to the folder. X2Paddle prints which operators and opsets it lacks, hides why it failed at a
    node, and tells what is wrong with its own code at the end of a long story."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            onnx2paddle(path, folder, disable_feedback=True)
    except (Exception, SystemExit) as error:
        why = re.findall(r"^=+ (\w+) =+$", said.getvalue(), re.M)
        why += re.findall(r"^\[WARNING\] (.*only support.*)$", said.getvalue(), re.M)
        if error.__context__ is not None:
            why.append("%s: %s" % (type(error.__context__).__name__, error.__context__))
        ends = re.findall(r"^\s*(\w+(?:Error|Exception): .*)$", str(error), re.M)
        error.args = (": ".join((ends[-1:] or [str(error)]) + sorted(why)),)
        raise
    finally:
        print(said.getvalue())


def layer(saved):
    """The program as a layer, and the names of its inputs in order."""
    made = paddle.jit.load(saved)
    made.eval()

    def call(tensors):
        with paddle.no_grad():
            return paddle.utils.flatten(made(*tensors))

    return call, [spec.name for spec in made._input_spec()]


def predictor(saved):
    """The program in Paddle Inference, and the names of its inputs in order."""
    settings = inference.Config(saved + ".json", saved + ".pdiparams")
    settings.disable_gpu()
    settings.set_cpu_math_library_num_threads(1)
    made = inference.create_predictor(settings)
    return made.run, made.get_input_names()


LOADERS = {"inference": predictor, "jit": layer}


def run(session, inputs):
    """All outputs by name. X2Paddle has changed the inputs' names in its own way, and left out those without a use."""
    program, parameters, outputs = session
    feeds = {ONNXDecoder.make_variable_name(None, name): array for name, array in inputs.items()}
    results = program([paddle.to_tensor(feeds[name]) for name in parameters])
    return {name: tensor.numpy() for name, tensor in zip(outputs, results)}
