"""onnx2kerastl: attributes that are not read, or read by their place; a padding of zeros where ONNX has none.

onnx2kerastl 0.0.198, tensorflow 2.12.0, onnx 1.13.0, numpy 1.23.5. Environment: onnx2kerastl0.0.198.
    .tox/onnx2kerastl0.0.198/bin/python docs/findings/onnx2kerastl_operators.py
"""

import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np
import tensorflow as tf
from onnx import TensorProto, checker, helper, numpy_helper
from onnx2kerastl import onnx_to_keras

seen = []


def case(finding, x, expected, op, constants=(), opset=13, **attributes):
    """Runs one node on x; the converted model should miss `expected`."""
    expected = np.asarray(expected, "f4")
    held = [numpy_helper.from_array(np.asarray(array), "c%d" % i) for i, array in enumerate(constants)]
    node = helper.make_node(op, ["x"] + [array.name for array in held], ["y"], **attributes)
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, expected.shape)
    graph = helper.make_graph([node], "g", [value], [result], held)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=7)
    checker.check_model(model, full_check=True)
    converted = onnx_to_keras(model, ["x"], verbose=False, allow_partial_compilation=False).converted_model
    got = converted(tf.constant(x)).numpy()
    print("%s: expected %s %s" % (finding, expected.shape, expected.ravel()[:6]))
    print("  got %s %s" % (got.shape, got.ravel()[:6]))
    seen.append(got.shape != expected.shape or not np.allclose(got, expected, atol=1e-4))


row = np.array([[-1, -2, 3]], "f4")
case("LeakyRelu without alpha, which is 0.01", row, [[-0.01, -0.02, 3]], "LeakyRelu")

w = np.arange(6, dtype="f4").reshape(3, 2)
case("Gemm with alpha 2 and beta 3", row, 2 * row @ w + 3, "Gemm", [w, np.ones(2, "f4")], alpha=2.0, beta=3.0)
thrice = np.repeat(row, 3, 0)
case("Gemm with transA", thrice, thrice.T @ w, "Gemm", [w], transA=1)

x = np.arange(1, 31, dtype="f4").reshape(1, 5, 2, 3)
squares = np.pad(x**2, [(0, 0), (1, 1), (0, 0), (0, 0)])
normal = x / (1 + 0.1 / 3 * (squares[:, :-2] + squares[:, 1:-1] + squares[:, 2:])) ** 0.75
case("LRN", x, normal, "LRN", size=3, alpha=0.1, beta=0.75, bias=1.0)

square = np.arange(1, 17, dtype="f4").reshape(1, 1, 4, 4)
rows = [(0, 0), (0, 0), (2, 0), (0, 0)]
pads = np.array([0, 0, 2, 0, 0, 0, 0, 0])
case("Pad with 7", square, np.pad(square, rows, constant_values=7), "Pad", [pads, np.float32(7)])
case("Pad of the channels", square, np.pad(square, [(0, 0), (1, 0), (0, 0), (0, 0)]), "Pad", [np.roll(pads // 2, -1)])
case("Pad by two of the edge", square, np.pad(square, rows, mode="edge"), "Pad", [pads], mode="edge")

pool = {"kernel_shape": [2, 2], "strides": [2, 2], "pads": [1, 1, 1, 1]}
case("MaxPool of negative numbers", -square, [[[[-1, -2, -4], [-5, -6, -8], [-13, -14, -16]]]], "MaxPool", **pool)
case("AveragePool without the padding", square, [[[[1, 2.5, 4], [7, 8.5, 10], [13, 14.5, 16]]]], "AveragePool", **pool)
ones = np.ones((1, 1, 3, 3), "f4")
pool = {"kernel_shape": [3, 3], "strides": [1, 1], "pads": [1, 1, 1, 1], "count_include_pad": 1}
case("AveragePool with the padding", ones, np.array([[[[4, 6, 4], [6, 9, 6], [4, 6, 4]]]]) / 9, "AveragePool", **pool)
pool = {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1}
case("AveragePool with ceil_mode", square, [[[[6, 7.5], [12, 13.5]]]], "AveragePool", **pool)

# Channels last, as JAX and Flax are written: (1, 2, 3, 4) to (1, 4, 6, 4). Axis 1 is taken for the last.
channels_last = np.arange(24, dtype="f4").reshape(1, 2, 3, 4)
larger = channels_last.repeat(2, 1).repeat(2, 2)
nearest = {"mode": "nearest", "coordinate_transformation_mode": "half_pixel"}
empty = np.zeros(0, "f4")
case(
    "Resize of the axes 1 and 2, by scales",
    channels_last,
    larger,
    "Resize",
    [empty, np.array([1, 2, 2, 1], "f4")],
    **nearest,
)
case(
    "Resize of the axes 1 and 2, by sizes",
    channels_last,
    larger,
    "Resize",
    [empty, empty, np.array([1, 4, 6, 4])],
    **nearest,
)

case("Squeeze of two axes", np.ones((2, 3, 1, 1), "f4"), np.ones((2, 3)), "Squeeze", opset=9, axes=[2, 3])
w = np.ones((1, 1, 1, 4), "f4")  # ones in front of and behind each other: 1, 1, 2, 2, 1, 1 without the padding
turned = {"kernel_shape": [1, 4], "strides": [1, 2], "pads": [0, 1, 0, 1]}
case("ConvTranspose, pads of one axis", np.ones((1, 1, 1, 2), "f4"), [[[[1, 2, 2, 1]]]], "ConvTranspose", [w], **turned)

norms = np.sqrt((x**2).sum((2, 3), keepdims=True))
case("ReduceL2 without keepdims, which is 1", x, norms, "ReduceL2", axes=[2, 3])

# The branches of an If are taken in the order in which they lie in the file; helper.make_node sorts them by name.
value, result = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3]) for name in "xy")
mean = helper.make_node("ReduceMean", ["x"], ["s"], axes=[0, 1], keepdims=0)
positive = helper.make_node("Greater", ["s", "zero"], ["p"])
branches = {}
for name, op in (("then_branch", "Abs"), ("else_branch", "Neg")):
    out = helper.make_tensor_value_info(op, TensorProto.FLOAT, [1, 3])
    branches[name] = helper.make_graph([helper.make_node(op, ["x"], [op])], name, [], [out])
choice = helper.make_node("If", ["p"], ["y"], **branches)
zero = numpy_helper.from_array(np.array(0, "f4"), "zero")
graph = helper.make_graph([mean, positive, choice], "g", [value], [result], [zero])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7)
checker.check_model(model, full_check=True)
x = np.array([[-1, 2, 3]], "f4")
got = (
    onnx_to_keras(model, ["x"], verbose=False, allow_partial_compilation=False).converted_model(tf.constant(x)).numpy()
)
print("If of a positive mean: expected %s\n  got %s" % (np.abs(x), got))
seen.append(not np.array_equal(got, np.abs(x)))

print("reproduced" if all(seen) else "not reproduced")
sys.exit(not all(seen))
