"""X2Paddle: attributes and inputs that are not read, norms of matrices, and Paddle's log-softmax, which ends at -64.

x2paddle 1.6.0, paddlepaddle 3.3.1, onnx 1.18.0, numpy 1.26.4. Environment: x2paddle1.6.
    .tox/x2paddle1.6/bin/python docs/findings/x2paddle_operators.py
"""

import contextlib
import io
import logging
import os
import sys
import tempfile

import numpy as np
import paddle
from onnx import TensorProto, checker, helper, numpy_helper, save
from x2paddle.convert import onnx2paddle

logging.disable(logging.CRITICAL)
seen = []


def case(finding, x, expected, op, constants=(), opset=13, **attributes):
    """Runs one node on x; the converted program should miss `expected`."""
    expected = np.asarray(expected, "f4")
    held = [numpy_helper.from_array(np.asarray(a), "c%d" % i) for i, a in enumerate(constants) if a is not None]
    names = ["c%d" % i if array is not None else "" for i, array in enumerate(constants)]
    node = helper.make_node(op, ["x", *names], ["y"], **attributes)
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, expected.shape)
    graph = helper.make_graph([node], "g", [value], [result], held)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=7)
    checker.check_model(model, full_check=True)
    folder = tempfile.mkdtemp()
    save(model, os.path.join(folder, "model.onnx"))
    with contextlib.redirect_stdout(io.StringIO()):
        onnx2paddle(os.path.join(folder, "model.onnx"), folder, disable_feedback=True)
    got = paddle.jit.load(os.path.join(folder, "inference_model", "model"))(paddle.to_tensor(x)).numpy()
    print("%s: expected %s %s" % (finding, expected.shape, expected.ravel()[:6]))
    print("  got %s %s" % (got.shape, got.ravel()[:6]))
    seen.append(got.shape != expected.shape or not np.allclose(got, expected, atol=1e-4))


def softmax(x, axis):
    """The exponentials over `axis`, as parts of their sum."""
    exponentials = np.exp(x - x.max(axis, keepdims=True))
    return exponentials / exponentials.sum(axis, keepdims=True)


line = np.array([[[[0, 1], [0, 1]]]], "f4")
doubled = [None, np.array([1, 1, 2, 2], "f4")]
rows = np.broadcast_to(np.array([0, 0.25, 0.75, 1], "f4"), (1, 1, 4, 4))
case("Resize, linear, half_pixel", line, rows, "Resize", doubled, mode="linear")
rows = np.broadcast_to(np.array([0, 0.5, 1, 1], "f4"), (1, 1, 4, 4))
asymmetric = {"mode": "linear", "coordinate_transformation_mode": "asymmetric"}
case("Resize, linear, asymmetric", line, rows, "Resize", doubled, **asymmetric)

# Channels last, as JAX and Flax are written: (1, 2, 3, 4) to (1, 4, 6, 4). The last two sizes, 6 and 4, count.
channels_last = np.arange(24, dtype="f4").reshape(1, 2, 3, 4)
larger = channels_last.repeat(2, 1).repeat(2, 2)
near = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
empty = np.zeros(0, "f4")
case(
    "Resize of the axes 1 and 2, by scales",
    channels_last,
    larger,
    "Resize",
    [None, np.array([1, 2, 2, 1], "f4")],
    **near,
)
case(
    "Resize of the axes 1 and 2, by sizes",
    channels_last,
    larger,
    "Resize",
    [empty, empty, np.array([1, 4, 6, 4])],
    **near,
)

square = np.arange(1, 17, dtype="f4").reshape(1, 1, 4, 4)
above = [(0, 0), (0, 0), (1, 0), (0, 0)]
pads = [np.array([0, 0, 1, 0, 0, 0, 0, 0]), np.float32(7)]
case("Pad with 7", square, np.pad(square, above, constant_values=7), "Pad", pads)
pool = {"kernel_shape": [2, 2], "strides": [2, 2], "pads": [1, 1, 0, 0]}
case("MaxPool of negative numbers, uneven pads", -square, [[[[-1, -2], [-5, -6]]]], "MaxPool", **pool)

row = np.array([[-1, -2, 3]], "f4")
case("CumSum in reverse", row, [[0, 1, 3]], "CumSum", [np.array(1)], reverse=1)

x = np.arange(1, 31, dtype="f4").reshape(1, 5, 2, 3)
norms = np.sqrt((x**2).sum((2, 3), keepdims=True))
case("ReduceL2 over two axes", x, norms, "ReduceL2", axes=[2, 3])
case("ReduceL1 over two axes", x, x.sum((2, 3), keepdims=True), "ReduceL1", axes=[2, 3])

last = [np.array([3])]  # an input since opset 18, which X2Paddle reads as its newest, 15
case("ReduceL1, axes as an input", x, x.sum(3, keepdims=True), "ReduceL1", last, opset=18)
case("ReduceL2, axes as an input", x, np.sqrt((x**2).sum(3, keepdims=True)), "ReduceL2", last, opset=18)

x = np.arange(30, dtype="f4").reshape(5, 2, 3) / 30
case("Softmax without axis, which is the last", x, softmax(x, -1), "Softmax")
case("LogSoftmax of far numbers", 100 * row, [[-400, -500, 0]], "LogSoftmax")

print("reproduced" if all(seen) else "not reproduced")
sys.exit(not all(seen))
