"""tinygrad: its own reader of ONNX, on the CPU device, whose kernels are C code that it hands to clang."""

import os
import shutil

# Read when tinygrad is imported: the device, no threads or processes of its own.
os.environ.update(DEV="CPU", NUM_CPU_THREADS="1", PARALLEL="0")

from tinygrad import Device
from tinygrad.nn.onnx import OnnxRunner

PACKAGES = ("tinygrad",)
UNSUPPORTED = (r"is not supported",)
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
    return {name: tensor.numpy() for name, tensor in session(inputs).items()}


def describe(session):
    """The device, and what makes its kernels."""
    return {"device": Device.DEFAULT, "renderer": type(Device[Device.DEFAULT].renderer).__name__}
