"""Apache TVM: the ONNX file as a Relax module, compiled by LLVM without tuning, in the Relax virtual machine."""

import os

os.environ["TVM_NUM_THREADS"] = "1"  # read when the library is loaded

import numpy as np
import onnx
import tvm
from tvm import relax
from tvm.relax.frontend.onnx import from_onnx

PACKAGES = ("apache-tvm", "onnx")
UNSUPPORTED = (
    r"^OpNotImplemented\b",
    r"not (yet )?supported",
    r"[Uu]nsupported",
    r"Only constant",
    r"[Oo]nly (.* )?support",
    r"must be a constant",
    r"cannot handle ShapeExpr",
    r"unknown dtype `object`",  # texts, empty optionals
    r"datatype should be one of",
    r"only applies to float",
)
TARGET = "llvm"


def load(path, request):
    """The virtual machine of the compiled file, the names of its parameters in order, and of its outputs."""
    model = onnx.load(path)
    constants = {tensor.name for tensor in model.graph.initializer}
    parameters = [value.name for value in model.graph.input if value.name not in constants]
    outputs = [value.name for value in model.graph.output]
    executable = tvm.compile(from_onnx(model), target=TARGET)
    return relax.VirtualMachine(executable, tvm.cpu()), parameters, outputs


def run(session, inputs):
    """All outputs by name."""
    machine, parameters, outputs = session
    result = machine["main"](*[handed(inputs[name]) for name in parameters])
    values = [result] if len(outputs) == 1 else result
    return {name: returned(value) for name, value in zip(outputs, values)}


def handed(value):
    """A tensor, or a sequence of them: `tensor` would stack a list."""
    return [handed(item) for item in value] if isinstance(value, list) else tvm.runtime.tensor(value)


def returned(value):
    """An array, or a list of them; TVM has shapes, the outputs of `Shape`, as a kind of their own."""
    if isinstance(value, tvm.runtime.ShapeTuple):
        return np.array([int(n) for n in value], "int64")
    return value.numpy() if hasattr(value, "numpy") else [returned(item) for item in value]


def describe(session):
    """What the code was compiled for."""
    return {"target": str(tvm.target.Target(TARGET))}
