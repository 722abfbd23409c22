"""tinygrad: its own reader of ONNX, on the CPU device, whose kernels are C code that it hands to clang."""

import os
import shutil

# Read when tinygrad is imported: the device, no threads or processes of its own.
os.environ.update(DEV="CPU", NUM_CPU_THREADS="1", PARALLEL="0")

import numpy as np
from tinygrad import Device, Tensor, dtypes
from tinygrad.nn.onnx import OnnxRunner

PACKAGES = ("tinygrad",)
UNSUPPORTED = (
    r"is not supported",
    r"is not a valid (OnnxDataType|Domain|AttributeType)",
    r"invalid coordinate_transformation_mode",
)
WRITES_BESIDE_MODEL = True  # nothing, but it opens the file for reading and writing

if not shutil.which("clang"):
    raise RuntimeError(
        "tinygrad compiles its kernels with clang, and there is none on PATH (Debian: apt install clang)"
    )


def load(path, request):
    """The runner, which reads the file and nothing more; the kernels are made when it runs."""
    return OnnxRunner(path)


def run(session, inputs):
    """All outputs by name."""
    return {name: returned(value) for name, value in session(inputs).items()}


def returned(value):
    """An output as NumPy has it: a tensor, a list of them, or a number; `numpy()` would widen what is bfloat16."""
    if isinstance(value, (list, tuple)):
        return [returned(item) for item in value]
    if not isinstance(value, Tensor):
        return np.asarray(value)
    if value.dtype != dtypes.bfloat16:
        return value.numpy()
    import ml_dtypes

    return value.bitcast(dtypes.uint16).numpy().view(ml_dtypes.bfloat16)


def describe(session):
    """The device, and what makes its kernels."""
    return {"device": Device.DEFAULT, "renderer": type(Device[Device.DEFAULT].renderer).__name__}
