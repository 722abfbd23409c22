"""MNN: the ONNX file converted to MNN's own format by its converter, then run as a module on the CPU.

The converter is called inside this process: the command `mnnconvert` does the same and then reports the use to its
maker's servers, for which it installs a package. MNN has neither int64 nor bool, and of floats float32 alone, as its
documentation tells: integers are fed as int32 and floats as float32, as its users must, and its outputs are left as
they are.
"""

import ctypes
import os
import tempfile

import _tools
import MNN
import numpy as np

PACKAGES = ("MNN", "numpy")
UNSUPPORTED = (r"These Op Not Support", r"Don't support (type|cast)", r"unsupported data type")
ISOLATE = True  # a file that it cannot convert may end the process

SETTINGS = {"backend": "CPU", "numThread": 1, "precision": "high"}


def load(path, request):
    """The module, the names of its inputs and those of its outputs."""
    converted = os.path.join(tempfile.mkdtemp(), "model.mnn")
    arguments = ["-f", "ONNX", "--modelFile", path, "--MNNModel", converted, "--bizCode", "MNN"]
    log = printed(_tools.mnnconvert, ["mnnconvert"] + arguments)
    if not os.path.exists(converted):
        raise RuntimeError("the converter made no file: " + " ".join(log.split("MNN Net...")[-1].split()))
    names = [i["name"] for i in request.inputs]
    manager = MNN.nn.create_runtime_manager((SETTINGS,))
    module = MNN.nn.load_module_from_file(converted, names, list(request.outputs), runtime_manager=manager)
    return module, names, list(request.outputs)


def printed(function, *arguments):
    """What a call writes to stdout and stderr: the converter says nowhere else why it fails."""
    with tempfile.TemporaryFile() as file:
        kept = [os.dup(1), os.dup(2)]
        for number in (1, 2):
            os.dup2(file.fileno(), number)
        try:
            function(*arguments)
            ctypes.CDLL(None).fflush(None)
        finally:
            for number, copy in zip((1, 2), kept):
                os.dup2(copy, number)
                os.close(copy)
        file.seek(0)
        log = file.read().decode(errors="replace")
    print(log)
    return log


def variable(array):
    """An array as a variable of MNN's: float32, or int32. Raises NotImplementedError for what is no array."""
    if not isinstance(array, np.ndarray):
        raise NotImplementedError("MNN takes tensors alone, no %s" % type(array).__name__)
    if array.dtype.kind in "OU":
        raise NotImplementedError("MNN has numbers alone, no texts")
    if "float" in array.dtype.name:  # those of ml_dtypes too, which are no kind "f"
        return MNN.expr.const(array.astype(np.float32), array.shape, MNN.expr.NCHW, MNN.expr.float)
    return MNN.expr.const(array.astype(np.int32), array.shape, MNN.expr.NCHW, MNN.expr.int)


def run(session, inputs):
    """All outputs by name."""
    module, names, outputs = session
    feeds, results = [variable(inputs[name]) for name in names], []
    log = printed(lambda: results.extend(module.forward(feeds)))
    if len(results) != len(outputs):
        raise RuntimeError(
            "forward returned %d of %d outputs: %s" % (len(results), len(outputs), " ".join(log.split()))
        )
    return {name: np.array(MNN.expr.convert(v, MNN.expr.NCHW).read()) for name, v in zip(outputs, results)}
