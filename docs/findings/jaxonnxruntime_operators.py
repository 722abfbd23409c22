"""jaxonnxruntime: sizes cut to 32 bits, a beta of 0 read as 1, and Softmax, LogSoftmax and TopK that come out wrong.

jaxonnxruntime 0.3.0, jax 0.10.2, onnx 1.23.2, numpy 2.4.6. Environment: jaxonnxruntime0.3.
    .tox/jaxonnxruntime0.3/bin/python docs/findings/jaxonnxruntime_operators.py
"""

import os
import sys

os.environ["JAX_PLATFORMS"] = "cpu"

import numpy as np
from jaxonnxruntime import backend
from onnx import TensorProto, checker, helper, numpy_helper

seen = []


def case(finding, x, expected, op, constants=(), outputs=("y",), dtype="f4", opset=13, **attributes):
    """Runs one node on x; its last output should miss `expected`."""
    expected = np.asarray(expected, dtype)
    held = [numpy_helper.from_array(np.asarray(array), f"c{i}") for i, array in enumerate(constants)]
    node = helper.make_node(op, ["x", *(array.name for array in held)], list(outputs), name="n", **attributes)
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)
    kind = helper.np_dtype_to_tensor_dtype(expected.dtype)
    result = helper.make_tensor_value_info(outputs[-1], kind, expected.shape)
    graph = helper.make_graph([node], "g", [value], [result], held)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=7)
    checker.check_model(model, full_check=True)
    got = np.asarray(backend.prepare(model).run({"x": x})[0])
    print(f"{finding}: expected {expected.dtype} {expected.shape} {expected.ravel()[:6]}")
    print(f"  got {got.dtype} {got.shape} {got.ravel()[:6]}")
    wrong = got.shape != expected.shape or not np.allclose(got, expected, atol=1e-4)
    seen.append(wrong or got.dtype != expected.dtype)


row = np.array([[-1, -2, 3]], "f4")
ends = np.iinfo("i8")
case("Slice to the end, 2^63 - 1", row, row, "Slice", [np.array([n]) for n in (0, ends.max, 1)])
backwards = [np.array([n]) for n in (-1, ends.min, 1, -1)]
case("Slice backwards to the beginning, -2^63", row, row[:, ::-1], "Slice", backwards)

w = np.arange(6, dtype="f4").reshape(3, 2)
case("Gemm with beta 0", row, row @ w, "Gemm", [w, np.ones(2, "f4")], beta=0.0)
case("LogSoftmax of far numbers", 100 * row, [[-400, -500, 0]], "LogSoftmax")
x = np.arange(30, dtype="f4").reshape(1, 5, 2, 3) / 30
parts = np.exp(x) / np.exp(x).sum()
case("Softmax of opset 11, over all axes from 1 on", x, parts, "Softmax", opset=11)
ties = np.array([[[1, 1, 1, 0]]], "f4")
case("TopK of equal numbers, indices", ties, [[[0, 1]]], "TopK", [np.array([2])], ("v", "y"), "i8")
case("ArgMax", row, [[2]], "ArgMax", dtype="i8", axis=1)

print("reproduced" if all(seen) else "not reproduced")
sys.exit(not all(seen))
