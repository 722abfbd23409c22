"""MXNet's ONNX importer: what it makes of initializers, pooling, transposed convolutions and reductions.

mxnet 1.9.1 (1.8.0.post0 and 1.7.0.post2 alike), onnx 1.8.1, numpy 1.23.5. Environment: mxnet1.9.
    .tox/mxnet1.9/bin/python docs/findings/mxnet_import.py
"""

import os
import sys

os.environ["MXNET_ENGINE_TYPE"] = "NaiveEngine"

import mxnet as mx
import numpy as np
import onnx
from mxnet.contrib import onnx as onnx2mx
from onnx import TensorProto, helper, numpy_helper

path, rng = "/tmp/mxnet_import.onnx", np.random.default_rng(0)
seen = []


def case(finding, x, expected, op, held=(), opset=13, listed=True, wrong=True, **attributes):
    """Imports one node and runs it on x; `listed`: initializers are graph inputs too, as in files of IR version 3."""
    constants = [numpy_helper.from_array(array, "c%d" % i) for i, array in enumerate(held)]
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)]
    inputs += [helper.make_tensor_value_info(t.name, t.data_type, t.dims) for t in constants if listed]
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, expected.shape)
    node = helper.make_node(op, ["x"] + [t.name for t in constants], ["y"], **attributes)
    graph = helper.make_graph([node], "g", inputs, [result], constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)]), path)
    try:
        symbol, arguments, states = onnx2mx.import_model(path)
        arrays = dict(arguments, x=mx.nd.array(x))
        names = symbol.list_arguments()
        executor = symbol.bind(mx.cpu(), {n: a for n, a in arrays.items() if n in names}, aux_states=states)
        got = executor.forward()[0].asnumpy()
        right = got.shape == expected.shape and np.allclose(got, expected, atol=1e-4)
        said = "%s %s" % (got.shape, got.ravel()[-4:])
    except Exception as error:
        right, said = False, "%s: %s" % (type(error).__name__, str(error).splitlines()[0][:100])
    print("%s: expected %s %s\n  got %s" % (finding, expected.shape, expected.ravel()[-4:], said))
    seen.append(right != wrong)


x, w = rng.normal(size=(2, 6)).astype("f4"), rng.normal(size=(3, 6)).astype("f4")
bias = np.zeros(3, "f4")
case("Gemm, initializers are inputs too", x, x @ w.T, "Gemm", [w, bias], transB=1, wrong=False)
case("Gemm, initializers are not inputs", x, x @ w.T, "Gemm", [w, bias], transB=1, listed=False)

row = np.arange(1, 7, dtype="f4").reshape(1, 1, 1, 6)
case("MaxPool, ceil_mode", row, row[..., [3, 5]], "MaxPool", kernel_shape=[1, 4], strides=[1, 4], ceil_mode=1)
case("MaxPool, dilations", row, row[..., 2:], "MaxPool", kernel_shape=[1, 2], dilations=[1, 2])
ends = {"kernel_shape": [1, 3], "strides": [1, 3], "pads": [0, 1, 0, 1]}
for counted, first in ((0, 1.5), (1, 1)):  # MXNet always counts
    expected = np.array([[[[first, 4]]]], "f4")
    finding = "AveragePool, count_include_pad=%d" % counted
    case(finding, row, expected, "AveragePool", count_include_pad=counted, wrong=not counted, **ends)
case("LpPool, p=3", -row, np.array([[[[9, 91, 341]]]]) ** (1 / 3), "LpPool", kernel_shape=[1, 2], strides=[1, 2], p=3)
apart = {"kernel_shape": [1, 2], "dilations": [1, 2]}
case("AveragePool, dilations", row, row[..., 1:-1], "AveragePool", opset=19, **apart)
case("LpPool, dilations", row, np.hypot(row[..., :-2], row[..., 2:]), "LpPool", opset=18, p=2, **apart)
ceiled = np.array([[[[2.5, 5.5]]]])
case("AveragePool, ceil_mode", row, ceiled, "AveragePool", kernel_shape=[1, 4], strides=[1, 4], ceil_mode=1)
upper = np.array([[[[1.5, 2.5, 3.5, 4.5, 5.5, 6]]]])
case("AveragePool, SAME_UPPER", row, upper, "AveragePool", kernel_shape=[1, 2], auto_pad="SAME_UPPER")
lower = np.roll(upper, 1)
lower[..., 0] = 1
case("AveragePool, SAME_LOWER", row, lower, "AveragePool", kernel_shape=[1, 2], auto_pad="SAME_LOWER")
norms = np.hypot(row, np.append(row[..., 1:], [[[[0]]]], 3))
case("LpPool, SAME_UPPER", row, norms, "LpPool", kernel_shape=[1, 2], p=2, auto_pad="SAME_UPPER")
case("MaxPool, SAME_LOWER", row, row, "MaxPool", kernel_shape=[1, 2], auto_pad="SAME_LOWER")

ones, kernel = np.ones((1, 1, 4, 4), "f4"), np.ones((1, 1, 1, 1), "f4")
case("ConvTranspose, pads", ones, ones[:, :, 1:-1, 1:-1], "ConvTranspose", [kernel], kernel_shape=[1, 1], pads=[1] * 4)

z = rng.normal(size=(2, 3, 4)).astype("f4")
log_sum = np.log(np.exp(z).sum(1, keepdims=True))
case("ReduceLogSumExp 13, axes an attribute", z, log_sum, "ReduceLogSumExp", axes=[1], keepdims=1, wrong=False)
case("ReduceLogSumExp 18, axes an input", z, log_sum, "ReduceLogSumExp", [np.array([1])], 18, keepdims=1)
squares = (z**2).sum(1, keepdims=True)
case("ReduceSumSquare 18, axes an input", z, squares, "ReduceSumSquare", [np.array([1])], 18, keepdims=1)
case("ReduceSum 13, axes an input", z, z.sum(1, keepdims=True), "ReduceSum", [np.array([1])], keepdims=1)

print("reproduced" if all(seen) else "not reproduced")
sys.exit(not all(seen))
