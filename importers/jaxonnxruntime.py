"""jaxonnxruntime: the ONNX file as a JAX function, operator by operator, on the CPU.

As it is, it takes only initializers for sizes, axes and the like. The option "sizes" has it take computed values too,
as its messages advise; since its backend converts a file anew for the inputs of each run, these are always right.
"""

import os

# Read when the backend starts: one thread.
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ["JAX_PLATFORMS"] = "cpu"

import onnx
from jaxonnxruntime import backend, config

PACKAGES = ("jaxonnxruntime", "jax", "onnx")
UNSUPPORTED = (r"is not implemented", r"is not implement yet", r"only support", r"static arg", r"must have static")


def load(path, request):
    """The backend's representation of the file, which is converted at each run, and the names of its outputs."""
    config.update("jaxort_only_allow_initializers_as_static_args", request.option != "sizes")
    model = onnx.load(path)
    return backend.prepare(model), [value.name for value in model.graph.output]


def run(session, inputs):
    """All outputs by name."""
    model, outputs = session
    return dict(zip(outputs, model.run(inputs)))
