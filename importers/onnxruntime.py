"""ONNX Runtime, CPU execution provider; with all of its graph optimisations, or none."""

import ctypes

import numpy as np
import onnxruntime as ort

PACKAGES = ("onnxruntime",)
UNSUPPORTED = (
    r"^NotImplemented\b",
    r"not supported",
    r"does not support",
    r"Unsupported pooling size",
    r"is under development and support",  # an opset newer than this runtime
    r"not a registered function/op",
    r"Unsupported model IR version",
)
LEVELS = {"all": ort.GraphOptimizationLevel.ORT_ENABLE_ALL, "none": ort.GraphOptimizationLevel.ORT_DISABLE_ALL}
#: ONNX's numbers of the types that NumPy has through ml_dtypes alone: ONNX Runtime takes them as bytes with a number.
NARROW = {
    "float8_e4m3fn": 17,
    "float8_e4m3fnuz": 18,
    "float8_e5m2": 19,
    "float8_e5m2fnuz": 20,
    "bfloat16": 16,
    "uint4": 21,
    "int4": 22,
    "float4_e2m1fn": 23,
    "float8_e8m0fnu": 24,
    "uint2": 25,
    "int2": 26,
}
#: Of these, a byte holds several.
BITS = {"uint4": 4, "int4": 4, "float4_e2m1fn": 4, "uint2": 2, "int2": 2}


def load(path, request):
    """A session on one thread; `request.option` names the optimisation level."""
    options = ort.SessionOptions()
    options.graph_optimization_level = LEVELS[request.option]
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def run(session, inputs):
    """All outputs by name."""
    outputs = [output.name for output in session.get_outputs()]
    types = [value.type for value in session.get_inputs() + session.get_outputs()]
    if any(narrow(kind) for kind in types):
        arrays = {name: packed(value) for name, value in inputs.items()}  # the runtime reads their memory
        feeds = {name: to_runtime(arrays[name], inputs[name].dtype.name) for name in inputs}
        return dict(zip(outputs, map(from_runtime, session.run_with_ort_values(outputs, feeds))))
    return dict(zip(outputs, session.run(outputs, inputs)))


def narrow(kind):
    """ml_dtypes' name of a type such as tensor(bfloat16), None where NumPy has it itself."""
    name = kind.replace("tensor(", "").replace(")", "")
    names = {known.replace("_", ""): known for known in NARROW}
    return names.get(name)


def packed(array):
    """The array with several numbers to a byte, first in the lowest bits, where its type is that narrow.

    It keeps its shape: the bytes that are over are not read.
    """
    bits = BITS.get(array.dtype.name)
    if bits is None:
        return array
    codes = np.zeros(-(-array.size * bits // 8) * 8 // bits, np.uint8)
    codes[: array.size] = array.ravel().view(np.uint8) & (2**bits - 1)
    data = np.zeros(array.size, np.uint8)
    dense = (codes.reshape(-1, 8 // bits) << np.arange(0, 8, bits)).sum(1).astype(np.uint8)
    data[: dense.size] = dense
    return data.reshape(array.shape)


def to_runtime(array, dtype):
    """The array as a value of ONNX Runtime's."""
    if dtype not in NARROW:
        return ort.OrtValue.ortvalue_from_numpy(array)
    return ort.OrtValue.ortvalue_from_numpy_with_onnx_type(array, NARROW[dtype])


def from_runtime(value):
    """An array of ONNX Runtime's value; of narrow numbers, which it does not give to NumPy, from the bytes."""
    name = narrow(value.data_type())
    if name is None:
        return value.numpy()
    import ml_dtypes

    data = np.frombuffer(ctypes.string_at(value.data_ptr(), value.tensor_size_in_bytes()), np.uint8)
    dtype = np.dtype(getattr(ml_dtypes, name))
    if name in BITS:
        count = int(np.prod(value.shape()))
        bits = np.arange(0, 8, BITS[name])
        data = ((data[:, None] >> bits) & (2 ** BITS[name] - 1)).astype(np.uint8).ravel()[:count]
    return data.view(dtype).reshape(value.shape())


def describe(session):
    """The execution providers of the session."""
    return {"providers": session.get_providers()}
