"""onnx2kerastl: attributes that are not read, or read by their place; a padding of zeros where ONNX has none; types and
outputs that are lost.

onnx2kerastl 0.0.198, tensorflow 2.12.0, onnx 1.13.0, numpy 1.23.5. Environment: onnx2kerastl0.0.198.
    .tox/onnx2kerastl0.0.198/bin/python docs/findings/onnx2kerastl_operators.py
"""

import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np
import tensorflow as tf
from onnx import TensorProto, checker, helper, numpy_helper, parser
from onnx2kerastl import onnx_to_keras

seen = []


def f(*values):
    return np.array(values, "f4")


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


def whole(finding, opset, signature, body, expected, given, known=True, **inputs):
    """The last output of a graph: ONNX demands `expected`; None for `given`: it is missing. Types are looked at too."""
    model = parser.parse_model('<ir_version: 7, opset_import: ["" : %d]> g %s { %s }' % (opset, signature, body))
    if known:  # this onnx is older than Gelu
        checker.check_model(model, full_check=True)
    types = [tf.dtypes.as_dtype(array.dtype) for array in inputs.values()]
    made = onnx_to_keras(model, list(inputs), input_types=types, verbose=False, allow_partial_compilation=False)
    fed = [tf.constant(array) for array in inputs.values()]
    fed = [
        array[None] if array.ndim < len(own.shape) else array for array, own in zip(fed, made.converted_model.inputs)
    ]
    result = made.converted_model(fed if len(fed) > 1 else fed[0])
    results = result if isinstance(result, list) else [result]
    got = np.asarray(results[-1]) if len(results) == len(model.graph.output) else None
    print("%s: expected %s %s" % (finding, expected.dtype, expected.tolist()))
    print("  got", "nothing" if got is None else "%s %s" % (got.dtype, got.tolist()))
    if got is None or given is None:
        seen.append(got is given)
    else:
        same = (got.dtype, got.shape) == (given.dtype, given.shape) and np.allclose(got, given, 1e-4, 1e-5)
        seen.append(same and (given.dtype != expected.dtype or not np.allclose(given, expected, 1e-4, 1e-5)))


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
before = {"kernel_shape": [1, 1, 1], "pads": [1, 0, 0, 0, 0, 0]}  # one behind, too, is made of it
cube, unit = np.ones((1, 1, 1, 1, 2), "f4"), np.ones((1, 1, 1, 1, 1), "f4")
case(
    "Conv of three axes, pads before alone", cube, [[[[[0, 0]], [[1, 1]]]]], "Conv", [unit], strides=[1, 1, 1], **before
)
pool = {"kernel_shape": [1, 2], "strides": [1, 1], "pads": [0, 1, 0, 0]}
case("AveragePool, pads before alone", np.ones((1, 1, 1, 2), "f4"), [[[[1, 1]]]], "AveragePool", **pool)
pool = {"kernel_shape": [2], "strides": [1], "pads": [1, 1]}  # the channels are padded
case("MaxPool of one axis with pads", f([[1, 2, 3]]), [[[1, 2, 3, 3]]], "MaxPool", **pool)
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
branches = "else_branch = e () => (float[2] o) { o = Constant<value=float[2] {3, 4}>() }"
branches += ", then_branch = t () => (float[2] p) { p = Constant<value=float[2] {1, 2}>() }"
chosen = "(bool c) => (float[2] y)", "y = If(c) <%s>" % branches
whole("If of constants", 11, *chosen, f(1, 2), f(3, 4), c=np.array(True))

# RoiAlign. Its points up to a pixel outside of the image have the value of the border; here they count 0.
regions = "(float[1,1,2,2] x, float[1,4] r, int64[1] i) => (float[1,1,%s] y)"
corners = 'y = RoiAlign<coordinate_transformation_mode="half_pixel", output_height=2, output_width=2, sampling_ratio=2>'
all_ones, first = np.ones((1, 1, 2, 2), "f4"), np.array([0])
whole(
    "RoiAlign of ones, half pixels",
    16,
    regions % "2,2",
    corners + "(x, r, i)",
    all_ones,
    all_ones / 4,
    x=all_ones,
    r=f([0, 0, 2, 2]),
    i=first,
)
# The greatest: ONNX's text takes the interpolated value of a point, its cases the greatest weighted corner.
ramp = np.arange(1, 5, dtype="f4").reshape(1, 1, 2, 2)
greatest = 'y = RoiAlign<coordinate_transformation_mode="output_half_pixel", mode="max", sampling_ratio=1>(x, r, i)'
at = {"x": ramp, "r": f([0, 0, 1, 1]), "i": first}
whole("RoiAlign, max, by ONNX's cases", 16, regions % "1,1", greatest, f([[[1]]]), f([[[2.5]]]), **at)

# Types, and outputs that are not made.
ids = "(float[1,3] x) => (float[1,2] v, int64[1,2] y)", "k = Constant<value=int64[1] {2}>() v, y = TopK(x, k)"
whole("TopK", 13, *ids, np.array([[2, 0]]), np.array([[2, 0]], "i4"), x=f([1, -2, 3]))
whole("Size", 13, "(float[1,3] x) => (int64 y)", "y = Size(x)", np.array(3), np.array(3, "i4"), x=f([1, -2, 3]))
places = np.array([[0, 0], [0, 2]])
whole("NonZero", 13, "(float[1,3] x) => (int64[2,n] y)", "y = NonZero(x)", places, places.astype("i4"), x=f([1, 0, 3]))
unique = "(float[4] x) => (float[n] y)", "y, i, j, k = Unique(x)"
whole("Unique", 11, *unique, f(1.25, 2.5), np.array([1, 2], "i4"), x=f(2.5, 1.25, 1.25, 2.5))
masked = "(float[1,2] x) => (float[1,2] v, bool[1,2] y)", "v, y = Dropout(x)"
whole("the mask of Dropout", 13, *masked, np.array([[True, True]]), None, x=f([1, 2]))
most = "v, y = MaxPool<kernel_shape=[2,2], strides=[2,2]>(x)"
pooled = "(float[1,1,2,2] x) => (float[1,1,1,1] v, int64[1,1,1,1] y)"
whole("the indices of MaxPool", 12, pooled, most, np.array([[[[3]]]]), None, x=ramp)
third = np.full((2, 2), 1 / 3)
two = "(double[2,2] x, double[2,2] z) => (double[2,2] y)"
product = 'y = Einsum<equation="ij,jk->ik">(x, z)'
whole("Einsum of float64", 12, two, product, third @ third, (third @ third).astype("f4"), x=third, z=third)
whole("Add of float64", 14, two, "y = Add(x, z)", 2 * third, (2 * third).astype("f4"), x=third, z=third)
one = "(double[2,2] x) => (double[2,2] y)"
whole("Softmax of float64", 13, one, "y = Softmax(x)", third * 1.5, f([0.5, 0.5], [0.5, 0.5]), x=third)
constant = "c = Constant<value=double {1}>() y = Add(x, c)"
whole("Add of float64 and a constant", 14, one, constant, third + 1, (third + 1).astype("f4"), x=third)

gelu = "(float[1,1] x) => (float[1,1] y)", 'y = Gelu<approximate="tanh">(x)'
whole("Gelu by tanh (it is by erf)", 20, *gelu, f([2.484916]), f([2.484476]), known=False, x=f([2.5]))

print("reproduced" if all(seen) else "not reproduced")
sys.exit(not all(seen))
