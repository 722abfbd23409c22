"""onnx-tf: sums, norms, pooling, TopK, a Clip and BatchNormalization of opset 6 that come out wrong.

onnx-tf 1.10.0, tensorflow-cpu 2.8.4, onnx 1.12.0, numpy 1.24.4. Environment: onnxtf1.10.
    .tox/onnxtf1.10/bin/python docs/findings/onnxtf_operators.py
"""

import sys

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper
from onnx_tf.backend import prepare

rng = np.random.default_rng(0)
seen = []


def case(finding, x, expected, op, constants=(), outputs=("y",), dtype=TensorProto.FLOAT, opset=13, **attributes):
    """Runs one node on x; onnx-tf's last output should miss `expected`."""
    held = [numpy_helper.from_array(np.asarray(array), "c%d" % i) for i, array in enumerate(constants)]
    node = helper.make_node(op, ["x"] + [array.name for array in held], list(outputs), **attributes)
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)
    result = helper.make_tensor_value_info(outputs[-1], dtype, expected.shape)
    graph = helper.make_graph([node], "g", [value], [result], held)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=7)
    checker.check_model(model, full_check=True)
    got = np.asarray(prepare(model).run(x)[0])
    print("%s: expected %s %s" % (finding, expected.shape, expected.ravel()[-6:]))
    print("  got %s %s" % (got.shape, got.ravel()[-6:]))
    seen.append(got.shape != expected.shape or not np.allclose(got, expected, atol=1e-4))


x = rng.normal(size=(2, 3, 4)).astype("f4")
case("ReduceSum over axes 1, 2", x, x.sum((1, 2)), "ReduceSum", [np.array([1, 2])], keepdims=0)
case("ReduceL1 over axes 1, 2", x, np.abs(x).sum((1, 2)), "ReduceL1", axes=[1, 2], keepdims=0)
case("ReduceL2 over axes 1, 2", x, np.sqrt((x**2).sum((1, 2))), "ReduceL2", axes=[1, 2], keepdims=0)

row = np.arange(6, dtype="f4").reshape(1, 1, 6)
pool = {"kernel_shape": [3], "strides": [2], "pads": [1, 1]}
case("MaxPool", row, np.array([[[1, 3, 5]]], "f4"), "MaxPool", **pool)
case("AveragePool", row, np.array([[[0.5, 2, 4]]], "f4"), "AveragePool", **pool)
# ONNX counts the cells of the padding, and none behind it: where the slices end.
square = np.arange(16, dtype="f4").reshape(4, 4)
windows = [[np.pad(square, 1)[i : i + 3, j : j + 3].mean() for j in (0, 2, 4)] for i in (0, 2, 4)]
pool = {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1], "ceil_mode": 1, "count_include_pad": 1}
case("AveragePool, overhanging", square[None, None], np.array([[windows]], "f4"), "AveragePool", **pool)

order = np.argsort(-x, axis=1)[:, :2]
case("TopK, indices", x, order, "TopK", [np.array([2])], ("v", "y"), TensorProto.INT64, axis=1)

# min(max, max(x, min)) by ONNX: all values become the lesser bound.
crossed = np.full(3, 1, "f4")
case("Clip, min 2, max 1", np.array([0, 1.5, 3], "f4"), crossed, "Clip", [np.float32(2), np.float32(1)])

# is_test is left out, which is 0, for training: by the statistics of the batch. One output is that of a test: by those
# that are given. It is neither: of each cell the mean over the batch, a tenth of it, and nine tenths of those given.
ones, mean, variance = np.ones(3, "f4"), np.float32([0, 1, 2]), np.float32([1, 2, 3])
trained = (x - x.mean((0, 2), keepdims=True)) / np.sqrt(x.var((0, 2), keepdims=True) + 1e-5)
tested = (x - mean[:, None]) / np.sqrt(variance[:, None] + 1e-5)
for name, expected in (("training", trained), ("test", tested)):
    held = [ones, 0 * ones, mean, variance]
    case("BatchNormalization 6, as in %s" % name, x, expected, "BatchNormalization", held, opset=6)

print("reproduced" if all(seen) else "not reproduced")
sys.exit(not all(seen))
