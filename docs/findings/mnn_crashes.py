"""MNN: small valid files that end the process, while they are converted or run, each in a process of its own.

Some damage the heap, and die at the end alone, or in another way.

MNN 3.6.1, numpy 2.4.6.
Environment: mnn3.6, after make_crash_files.py.
    python docs/findings/make_crash_files.py /tmp/findings/crashes
    .tox/mnn3.6/bin/python docs/findings/mnn_crashes.py /tmp/findings/crashes
"""

import os
import sys
import tempfile

import _tools
import MNN
import numpy as np
from parts.crashing import tell

folder = os.path.abspath(sys.argv[1])
CASES = {  # file -> what it is, whether it ends the process
    "dequantize-Gemm": ("DequantizeLinear of the input and of int8 weights, into a Gemm", True),
    "dequantize-MatMul": ("  into a MatMul", False),
    "layer-norm-dequantized": ("LayerNormalization whose scale comes out of a DequantizeLinear", True),
    "layer-norm-constant": ("  whose scale is a constant", False),
    "batch-norm-fed": ("BatchNormalization whose scale is fed", True),
    "batch-norm-constant": ("  whose scale is a constant", False),
    "cast-uint8": ("Cast to uint8", True),
    "cast-int8": ("  to int8", False),
    "quantize-fed": ("QuantizeLinear whose scale and zero point are fed", True),
    "quantize-constant": ("  are constants", False),
    "slice-backward-4": ("Slice backward over the first of four axes", True),
    "slice-backward-3": ("  of three", False),
    "resize-linear": ("Resize, linear, of the axes 1 and 2 of four", True),
    "resize-nearest": ("  nearest", False),
    "constant-of-shape-float16": ("ConstantOfShape of float16", True),
    "constant-of-shape-float": ("  of float32", False),
    "Max-one": ("Max of one input", True),
    "Min-one": ("Min of one input", True),
    "Mean-one": ("Mean of one input", True),
    "Sum-one": ("Sum of one input", True),
    "Max-two": ("  Max of two", False),
    "AveragePool-no-strides": ("AveragePool without strides", True),
    "MaxPool-no-strides": ("MaxPool without strides", True),
    "LpPool-no-strides": ("LpPool without strides", True),
    "MaxPool-strides": ("  MaxPool with strides of 1", False),
    "reduce-nothing": ("ReduceMax over an axis of length 0", True),
    "reduce-something": ("  of length 3", False),
    "matmul-vectors": ("MatMul of two vectors", True),
    "matmul-matrix": ("  of a matrix and a vector", False),
    "pad-axes": ("Pad with axes", True),
    "pad-all": ("  without axes", False),
    "sequence-last": ("ConcatFromSequence along a new last axis, -1", True),
    "sequence-first": ("  along a new first axis", False),
    "scan-8": ("Scan of opset 8", True),
}


def variable(array):
    """An array as MNN takes it: float32 or int32."""
    kind, dtype = (MNN.expr.float, "f4") if array.dtype.kind == "f" else (MNN.expr.int, "i4")
    return MNN.expr.const(array.astype(dtype), array.shape, MNN.expr.NCHW, kind)


def run(name):
    """Converts the file and runs it."""
    os.chdir(tempfile.mkdtemp())  # the converter leaves a file where it is called
    made = "model.mnn"
    given = ["-f", "ONNX", "--modelFile", f"{folder}/{name}.onnx", "--MNNModel", made, "--bizCode", "MNN"]
    _tools.mnnconvert(["mnnconvert", *given])
    fed = dict(np.load(f"{folder}/{name}.npz"))
    manager = MNN.nn.create_runtime_manager(({"backend": "CPU", "numThread": 1, "precision": "high"},))
    module = MNN.nn.load_module_from_file(made, list(fed), ["y"], runtime_manager=manager)
    found = module.forward([variable(array) for array in fed.values()])
    np.array(MNN.expr.convert(found[0], MNN.expr.NCHW).read())


tell(run, CASES)
