"""Small ONNX files after ONNX's own operator cases, with inputs and the outputs that ONNX demands, for the environments
without the onnx package: those of OpenCV, tract, MNN and ncnn.

The outputs were worked out by hand; the reference evaluator agrees with all but two.
onnx 1.23.2, numpy 2.4.6. Environment: the suite's own Python (`pip install -e .`).
    python docs/findings/make_case_files.py FOLDER
"""

import sys
import warnings
from pathlib import Path

import numpy as np
from onnx import checker, helper, parser, save
from onnx.reference import ReferenceEvaluator

folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
OTHERWISE = ("Softmax-11", "Unique-unsorted")  # wrong in the evaluator; ONNX Runtime and ONNX's cases agree with us
written = set()
warnings.simplefilter("ignore")  # overflows and zeros as divisors are meant


def write(name, opset, signature, body, expected, **inputs):
    """A graph, its inputs, and the value of its last output."""
    assert name not in written, name
    written.add(name)
    model = parser.parse_model(f'<ir_version: 10, opset_import: ["" : {opset}]> g {signature} {{ {body} }}')
    checker.check_model(model, full_check=True)
    names = [output.name for output in model.graph.output]
    dtype = helper.tensor_dtype_to_np_dtype(model.graph.output[-1].type.tensor_type.elem_type)
    expected = np.array(expected, dtype)
    found = np.asarray(ReferenceEvaluator(model).run(names[-1:], inputs)[0])
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape), (name, found, expected)
    same = np.allclose(found.astype(float), expected.astype(float), 1e-3, 1e-4)
    assert same or name in OTHERWISE, (name, found, expected)
    save(model, folder / f"{name}.onnx")
    held = expected if dtype.isbuiltin == 1 else expected.astype("f4")  # bfloat16 is no dtype of NumPy's own
    fed = {f"in_{n}": array for n, array in inputs.items()}
    np.savez(folder / f"{name}.npz", expected=held, dtype=dtype.name, names=names, **fed)


def f(*values):
    return np.array(values, "f4")


def i(*values, dtype="i8"):
    return np.array(values, dtype)


ramp = np.arange(1, 5, dtype="f4").reshape(1, 1, 2, 2)
line = f(1, 2, 3, 4).reshape(1, 1, 1, 4)
square = np.arange(1, 17, dtype="f4").reshape(1, 1, 4, 4)
inf = np.inf

# Shapes and dtypes of what comes out.
write("Det", 22, "(float[2,2] x) => (float y)", "y = Det(x)", -2, x=f([0, 1], [2, 3]))
write("Size", 21, "(float[2,3] x) => (int64 y)", "y = Size(x)", 6, x=np.zeros((2, 3), "f4"))
loss = "(float[2,2] x, int64[2] t) => (float y)"
scores = f([-1, -2], [-3, -4])
write("NLL", 22, loss, "y = NegativeLogLikelihoodLoss(x, t)", 2.5, x=scores, t=i(0, 1))
write("SCE", 13, loss, "y = SoftmaxCrossEntropyLoss(x, t)", np.log(2), x=f([1, 1], [2, 2]), t=i(0, 1))
write(
    "ReduceMean-scalar", 18, "(float[2,3] x) => (float y)", "y = ReduceMean<keepdims=0>(x)", 1, x=np.ones((2, 3), "f4")
)
write("Neg-half", 13, "(float16[2] x) => (float16[2] y)", "y = Neg(x)", [-1, 2], x=i(1, -2, dtype="f2"))
write("Cast-half", 21, "(float[2] x) => (float16[2] y)", "y = Cast<to=10>(x)", [1, 0.33325], x=f(1, 1 / 3))
write("Cast-bfloat16", 21, "(float[2] x) => (bfloat16[2] y)", "y = Cast<to=16>(x)", [1, -2], x=f(1, -2))
write("Dropout", 22, "(float[2] x) => (float[2] y, bool[2] m)", "y, m = Dropout(x)", [True, True], x=f(1, 2))
power = "(int32[2] x, float[2] e) => (int32[2] y)"
write("Pow", 15, power, "y = Pow(x, e)", [8, 1], x=i(2, 2, dtype="i4"), e=f(3, 0.5))

# Attention: queries and keys of zeros, so that each query takes the mean of the values that it sees.
zeros, values = np.zeros((1, 1, 3, 1), "f4"), f(1, 2, 6).reshape(1, 1, 3, 1)
qkv = {"q": zeros, "k": zeros, "v": values}
three = "float[1,1,3,1] q, float[1,1,3,1] k, float[1,1,3,1] v"
window = "y = Attention<left_window_size=1, right_window_size=0>(q, k, v)"
seen = np.array([1, 1.5, 4]).reshape(1, 1, 3, 1)
write("Attention-window", 25, f"({three}) => (float[1,1,3,1] y)", window, seen, **qkv)
mask = i([1, 1, 0], [0, 0, 0], [1, 1, 1], dtype="?")
seen = np.array([1.5, 0, 3]).reshape(1, 1, 3, 1)
masked = f"({three}, bool[3,3] m) => (float[1,1,3,1] y)"
write("Attention-masked-row", 23, masked, "y = Attention(q, k, v, m)", seen, m=mask, **qkv)
infinite = np.where(mask[:1], 0, -inf).astype("f4").repeat(3, 0)
capped = f"({three}, float[3,3] m) => (float[1,1,3,1] y)"
seen = np.full((1, 1, 3, 1), 1.5)
write("Attention-softcap", 23, capped, "y = Attention<softcap=0.5>(q, k, v, m)", seen, m=infinite, **qkv)
past = f"({three}, float[1,1,2,1] pk, float[1,1,2,1] pv) => (float[1,1,5,1] o, float[1,1,5,1] n, float[1,1,3,1] y)"
causal = "y, o, n = Attention<is_causal=1>(q, k, v, , pk, pv)"
seen, held = np.array([11, 8.75, 8.2]).reshape(1, 1, 3, 1), {"pk": zeros[:, :, :2], "pv": values[:, :, :2] * 0 + 16}
write("Attention-past", 24, past, causal, seen, **qkv, **held)

# Pooling and convolution.
pool = "(float[1,1,2,2] x) => (float[1,1,1,1] y)"
write("MaxPool-ceil", 22, pool, "y = MaxPool<ceil_mode=1, kernel_shape=[1,1], strides=[2,2]>(x)", [[[[1]]]], x=ramp)
ceil = "y = AveragePool<ceil_mode=1, count_include_pad=1, kernel_shape=[3,3], pads=[1,1,1,1], strides=[3,3]>(x)"
write("AveragePool-ceil", 22, pool, ceil, [[[[10 / 9]]]], x=ramp)
row = "(float[1,1,1,4] x) => (float[1,1,1,4] y)"
lower = 'kernel_shape=[1,2], auto_pad="SAME_LOWER">(x)'
write("MaxPool-lower", 22, row, f"y = MaxPool<{lower}", [[[[1, 2, 3, 4]]]], x=line)
write("AveragePool-lower", 22, row, f"y = AveragePool<{lower}", [[[[1, 1.5, 2.5, 3.5]]]], x=line)
convolved = "(float[1,1,1,4] x, float[1,1,1,2] w) => (float[1,1,1,4] y)"
lower = 'y = Conv<auto_pad="SAME_LOWER">(x, w)'
write("Conv-lower", 22, convolved, lower, [[[[1, 3, 5, 7]]]], x=line, w=np.ones((1, 1, 1, 2), "f4"))
places = "(float[1,1,2,4] x) => (float[1,1,1,2] v, int64[1,1,1,2] y)"
columns = "v, y = MaxPool<kernel_shape=[2,2], strides=[2,2], storage_order=1>(x)"
write("MaxPool-columns", 22, places, columns, [[[[3, 7]]]], x=np.arange(8, dtype="f4").reshape(1, 1, 2, 4))
stretched = "(float[1,1,1,2] x, float[1,1,1,3] w) => (float[1,1,1,4] y)"
same = 'y = ConvTranspose<strides=[1,2], auto_pad="SAME_UPPER">(x, w)'
ones = np.ones((1, 1, 1, 3), "f4")
write("ConvTranspose-same", 22, stretched, same, [[[[1, 1, 3, 2]]]], x=f(1, 2).reshape(1, 1, 1, 2), w=ones)

# Resize and sampling.
sizes = "(float[1,1,{}] x, {}[{}] s) => (float[1,1,{}] y)".format
less = 'y = Resize<mode="linear", antialias=1>(x, , s)'
spike = f([0, 0, 0, 8, 0, 0, 0, 0]).repeat(2, 0).reshape(1, 1, 2, 8)  # without antialias: 0, 4, 0, 0
write("Resize-antialias", 19, sizes("2,8", "float", 4, "2,4"), less, [[[[0, 3, 1, 0]] * 2]], x=spike, s=f(1, 1, 1, 0.5))
symmetric = 'y = Resize<mode="linear", coordinate_transformation_mode="half_pixel_symmetric">(x, , s)'
rows = f([1, 2], [1, 2]).reshape(1, 1, 2, 2)
write("Resize-symmetric", 19, sizes("2,2", "float", 4, "2,3"), symmetric, [[[[1, 1.5, 2], [1, 1.5, 2]]]],
      x=rows, s=f(1, 1, 1, 1.75))  # fmt: skip
turned = 'y = Resize<mode="nearest", axes=[3,2]>(x, , s)'
write("Resize-axes", 19, sizes("1,2", "float", 2, "1,4"), turned, [[[[5, 5, 6, 6]]]],
      x=f(5, 6).reshape(1, 1, 1, 2), s=f(2, 1))  # fmt: skip
policy = 'y = Resize<mode="nearest", axes=[2,3], keep_aspect_ratio_policy="not_larger">(x, , , s)'
write("Resize-policy", 19, sizes("1,2", "int64", 2, "2,4"), policy, [[[[5, 5, 6, 6], [5, 5, 6, 6]]]],
      x=f(5, 6).reshape(1, 1, 1, 2), s=i(3, 4))  # fmt: skip
aligned = 'y = Resize<mode="linear", coordinate_transformation_mode="align_corners">(x, , s)'
write("Resize-aligned", 19, sizes("2,4", "float", 4, "2,2"), aligned, [[[[1, 1 + 3 / 1.4]] * 2]],
      x=line.repeat(2, 2), s=f(1, 1, 1, 0.6))  # fmt: skip
grid = "(float[1,1,1,4] x, float[1,1,2,2] g) => (float[1,1,1,2] y)"
at = f(0.5, 0, 0, 0).reshape(1, 1, 2, 2)  # columns 2.5 and 1.5: weights -3, 19, 19, -3, of 32, and 0 beyond the edge
write("GridSample-cubic", 20, grid, 'y = GridSample<mode="cubic">(x, g)', [[[[127 / 32, 2.5]]]], x=line, g=at)

# Elements.
rest, pair = "(float[4] a, float[4] b) => (float[4] y)", {"a": f(-4.5, 7.5, 5, -5), "b": f(2, -3, 8, 8)}
write("Mod", 28, rest, "y = Mod<fmod=0>(a, b)", [1.5, -1.5, 5, 3], **pair)
zero = "(float[2] a, float[2] b) => (float[2] y)"
write("Mod-zero", 28, zero, "z = Mod<fmod=0>(a, b) y = Reciprocal(z)", [-inf, inf], a=f(0, -0.0), b=f(-2, 2))
write("Swish", 24, "(float[2] x) => (float[2] y)", "y = Swish<alpha=0.0>(x)", [1, -2], x=f(2, -4))
hot = "(int64[3] n, int64 d, float[2] v) => (float[3,3] y)"
some = {"n": i(3, -4, 1), "d": np.array(3), "v": f(0, 1)}
write("OneHot", 11, hot, "y = OneHot(n, d, v)", [[0, 0, 0], [0, 0, 0], [0, 1, 0]], **some)
none = "(bool[2,0] x, int64[1] a) => (bool[2,1] y)"
write("ReduceMax-none", 20, none, "y = ReduceMax(x, a)", [[False], [False]], x=np.zeros((2, 0), "?"), a=i(1))
for op, side in (("ReduceMax", -inf), ("ReduceMin", inf)):
    body = f"a = Constant<value_ints=[1]>() y = {op}(x, a)"
    write(f"{op}-infinite", 18, "(float[1,2] x) => (float[1,1] y)", body, [[side]], x=f([side, side]))
quantised = "(float[4] x, float s, uint8 z) => (uint8[4] y)"
ties = {"x": f(0.5, 1.5, 2.5, 3.5), "s": np.float32(1), "z": np.uint8(1)}
write("QuantizeLinear-ties", 21, quantised, "y = QuantizeLinear(x, s, z)", [1, 3, 3, 5], **ties)
blocks = "(float[1,2,2,2] x) => (float[1,8,1,1] y)"
order = np.array([0, 1, 2, 3, 4, 5, 6, 7]).reshape(1, 8, 1, 1)
eight = np.arange(8, dtype="f4").reshape(1, 2, 2, 2)
write("SpaceToDepth-CRD", 28, blocks, 'y = SpaceToDepth<blocksize=2, mode="CRD">(x)', order, x=eight)
for side, expected in (("LEFT", [0, 0, 8]), ("RIGHT", [0, -1, 2])):
    shift = f'y = BitShift<direction="{side}">(a, b)'
    pair = {"a": i(4, -4, 4, dtype="i4"), "b": i(33, 32, 1, dtype="i4")}
    write(f"BitShift-{side}", 28, "(int32[3] a, int32[3] b) => (int32[3] y)", shift, expected, **pair)
write("DFT-axis", 20, "(float[1,2,2,1] x, int64 a) => (float[1,2,2,2] y)", "y = DFT(x, , a)",
      [[[[3, 0], [-1, 0]], [[7, 0], [-1, 0]]]], x=ramp.reshape(1, 2, 2, 1), a=np.array(2))  # fmt: skip

# The first axis is longer than 2, and there are three: rows 0, 1, 2 should count alike.
thirds = np.repeat(f(1, 10, 100), 8).reshape(3, 2, 2, 2)
for op, each in (("Mean", 37), ("Sum", 444), ("Max", 100)):
    reduce = f"y = Reduce{op}(x, a)"
    write(f"Reduce{op}-023", 18, "(float[3,2,2,2] x, int64[3] a) => (float[1,2,1,1] y)", reduce,
          np.full((1, 2, 1, 1), each), x=thirds, a=i(0, 2, 3))  # fmt: skip
write("ReduceMean-23", 18, "(float[3,2,2,2] x, int64[2] a) => (float[3,2,1,1] y)", "y = ReduceMean(x, a)",
      np.repeat([1, 10, 100], 2).reshape(3, 2, 1, 1), x=thirds, a=i(2, 3))  # fmt: skip
behind = "i = Constant<value_ints=[1,0]>() g = Gather(x, i) n = Cast<to=7>(g) y = Cast<to=1>(n)"
write("Gather-Cast", 21, "(float[2] x) => (float[2] y)", behind, [6, 5], x=f(5.5, 6))
ratio = """s = Shape(x) i = Constant<value=int64{0}>() j = Constant<value=int64{1}>() a = Gather(s, i) b = Gather(s, j)
    c = Cast<to=1>(a) d = Cast<to=1>(b) y = Div(c, d)"""
write("Gather-Div", 21, "(float[2,4] x) => (float y)", ratio, 0.5, x=np.zeros((2, 4), "f4"))
for kind, one in (("value_int=1", "-int"), ("value=int64{1}", "")):
    picked = f"i = Constant<{kind}>() y = Gather(x, i)"
    write(f"Constant{one}", 21, "(float[2] x) => (float y)", picked, 6, x=f(5, 6))
write("ConstantOfShape", 21, "(int64[1] s) => (float[2] y)", "y = ConstantOfShape(s)", [0, 0], s=i(2))
# Operators that MNN and ncnn compute otherwise.
pair = f([1, 2, 3], [4, 5, 6])
for op, value in (("L1", [[6], [15]]), ("LogSum", np.log([[6], [15]])), ("Sum", [[6], [15]])):
    reduced = f"y = Reduce{op}<keepdims=1>(x, a)"
    write(f"Reduce{op}-fed", 18, "(float[2,3] x, int64[1] a) => (float[2,1] y)", reduced, value, x=pair, a=i(1))
    held = f"a = Constant<value_ints=[1]>() y = Reduce{op}<keepdims=1>(x, a)"
    write(f"Reduce{op}-held", 18, "(float[2,3] x) => (float[2,1] y)", held, value, x=pair)
    held = f"a = Constant<value=int64[0]{{}}>() y = Reduce{op}(x, a)"
    write(f"Reduce{op}-nothing", 18, "(float[2,3] x) => (float[1,1] y)", held, [[np.sum(value)]] if op != "LogSum" else
          [[np.log(21)]], x=pair)  # fmt: skip
    write(f"Reduce{op}-all", 18, "(float[2,3] x) => (float[1,1] y)", f"y = Reduce{op}(x)",
          [[21]] if op != "LogSum" else [[np.log(21)]], x=pair)  # fmt: skip
noop = "y = ReduceSum<noop_with_empty_axes=1>(x, a)"
write("ReduceSum-noop", 13, "(float[2,3] x, int64[0] a) => (float[2,3] y)", noop, pair, x=pair, a=np.zeros(0, "i8"))
write("Split-number", 18, "(float[2,4] x) => (float[2,2] a, float[2,2] y)", "a, y = Split<axis=1, num_outputs=2>(x)",
      [[3, 4], [7, 8]], x=np.arange(1, 9, dtype="f4").reshape(2, 4))  # fmt: skip
write("Split-uneven", 18, "(float[5] x) => (float[3] a, float[2] y)", "a, y = Split<num_outputs=2>(x)", [4, 5],
      x=f(1, 2, 3, 4, 5))  # fmt: skip
pool = "(float[1,1,4,4] x) => (float[1,1,2,2] y)"
wide = "kernel_shape=[2,2], strides=[1,1], dilations=[2,2]>(x)"
write("MaxPool-2d-dilations", 22, pool, f"y = MaxPool<{wide}", [[[[11, 12], [15, 16]]]], x=square)
write("AveragePool-dilations", 22, pool, f"y = AveragePool<{wide}", [[[[6, 7], [10, 11]]]], x=square)
cube = np.arange(27, dtype="f4").reshape(1, 1, 3, 3, 3)
write("Conv-3d-dilations", 22, "(float[1,1,3,3,3] x) => (float[1,1,1,1,1] y)",
      f"w = Constant<value=float[1,1,2,2,2]{{{','.join('1' * 8)}}}>() "
      "y = Conv<kernel_shape=[2,2,2], dilations=[2,2,2]>(x, w)", np.full((1, 1, 1, 1, 1), 104), x=cube)  # fmt: skip
same = 'y = AveragePool<kernel_shape=[2,2], auto_pad="SAME_UPPER">(x)'
write("AveragePool-upper", 22, "(float[1,1,2,2] x) => (float[1,1,2,2] y)", same, [[[[2.5, 3], [3.5, 4]]]], x=ramp)
last = "(float[3] x) => (int64[1] y)"
write("ArgMax-vector-last", 13, last, "y = ArgMax<select_last_index=1>(x)", [2], x=f(5, 1, 5))
write(
    "Cast-int4",
    21,
    "(float[3] x) => (float[3] y)",
    "a = Cast<to=22>(x) y = Cast<to=1>(a)",
    [1, 7, -8],
    x=f(1.25, 7, -8),
)
write("Cast-float8", 21, "(float[3] x) => (float[3] y)", "a = Cast<to=17>(x) y = Cast<to=1>(a)", [1, 0.46875, 448],
      x=f(1, 0.479, 1e6))  # fmt: skip
write("Clip-integers", 13, "(int32[3] x) => (int32[3] y)", "y = Clip(x)", [-1, 0, 1], x=i(-1, 0, 1, dtype="i4"))
write("GatherElements-negative", 13, "(float[2,2] x, int64[1,2] n) => (float[1,2] y)", "y = GatherElements(x, n)",
      [[3, 4]], x=f([1, 2], [3, 4]), n=i([-1, -1]))  # fmt: skip
scattered = "(float[3] x, int64[2] n, float[2] u) => (float[3] y)"
twice = {"x": f(1, 2, 3), "n": i(1, 1), "u": f(5, 7)}
write("Scatter-negative", 18, scattered, "y = ScatterElements(x, n, u)", [1, 7, 5], x=f(1, 2, 3), n=i(-1, 1), u=f(5, 7))
for mode, value in (("add", 14), ("mul", 70), ("min", 2), ("max", 7)):
    write(f"Scatter-{mode}", 18, scattered, f'y = ScatterElements<reduction="{mode}">(x, n, u)', [1, value, 3], **twice)
    write(f"ScatterND-{mode}", 18, "(float[3] x, int64[2,1] n, float[2] u) => (float[3] y)",
          f'y = ScatterND<reduction="{mode}">(x, n, u)', [1, value, 3],
          x=f(1, 2, 3), n=i([1], [1]), u=f(5, 7))  # fmt: skip
middle = f(-0.5, 0).reshape(1, 1, 1, 2)  # column 0.5: to the even one
at = "(float[1,1,1,4] x, float[1,1,1,2] g) => (float[1,1,1,1] y)"
write("GridSample-nearest", 20, at, 'y = GridSample<mode="nearest">(x, g)', [[[[1]]]], x=line, g=middle)
beyond = f(3, 0).reshape(1, 1, 1, 2)  # column 7.5, reflected at 3.5 to -0.5, and cut to 0
write("GridSample-reflection", 20, at, 'y = GridSample<padding_mode="reflection">(x, g)', [[[[1]]]], x=line, g=beyond)
write(
    "Mod-fmod", 13, rest, "y = Mod<fmod=1>(a, b)", [-0.5, 1.5, 5, -5], **{"a": f(-4.5, 7.5, 5, -5), "b": f(2, -3, 8, 8)}
)
kept = "(float[2,2] x, int64[2] t) => (float y)"
write("NLL-ignore", 22, kept, "y = NegativeLogLikelihoodLoss<ignore_index=1>(x, t)", 1, x=scores, t=i(0, 1))
write("Round", 22, "(float[4] x) => (float[4] y)", "y = Round(x)", [0, 2, 2, -2], x=f(0.5, 1.5, 2.5, -2.5))
unsorted = "(float[4] x) => (float[3] y)"
write("Unique-unsorted", 11, unsorted, "y = Unique<sorted=0>(x)", [2, 1, 3], x=f(2, 1, 3, 1))
write("Unique-axis", 11, "(float[2,2] x) => (float[1,2] y)", "y = Unique<axis=0>(x)", [[1, 0]], x=f([1, 0], [1, 0]))
write("Softmax-11", 11, "(float[1,2,1,1] x) => (float[1,2,1,1] y)", "y = Softmax(x)", np.full((1, 2, 1, 1), 0.5),
      x=np.ones((1, 2, 1, 1), "f4"))  # fmt: skip
write("Pad-attribute", 2, "(float[2] x) => (float[3] y)", "y = Pad<pads=[0,1], value=2.0>(x)", [1, 1, 2], x=f(1, 1))
length = "s = SequenceConstruct(x, x) y = SequenceLength(s)"
write("SequenceLength", 11, "(float[2] x) => (int64 y)", length, 2, x=f(1, 1))
scale = "(int8[2] x, float s, int8 z) => (float[2] y)"
shifted = {"s": np.float32(2), "z": np.int8(1)}
write("DequantizeLinear", 21, scale, "y = DequantizeLinear(x, s, z)", [4, -8], x=i(3, -3, dtype="i1"), **shifted)
shorts = {"x": i(3, -3, dtype="i2"), "s": np.float32(2), "z": np.int16(1)}
write("DequantizeLinear-16", 21, scale.replace("int8", "int16"), "y = DequantizeLinear(x, s, z)", [4, -8], **shorts)
rows = {"x": i([2, 2], [2, 2], dtype="i1"), "s": f(1, 10), "z": i(0, 0, dtype="i1")}
write("DequantizeLinear-axis", 21, "(int8[2,2] x, float[2] s, int8[2] z) => (float[2,2] y)",
      "y = DequantizeLinear<axis=0>(x, s, z)", [[2, 2], [20, 20]], **rows)  # fmt: skip
write("DynamicQuantizeLinear", 11, "(float[2] x) => (uint8[2] a, float s, uint8 y)",
      "a, s, y = DynamicQuantizeLinear(x)", 255, x=f(-255, -100))  # fmt: skip
write("Einsum-diagonal", 12, "(float[1,2,2] x) => (float[1,2] y)", 'y = Einsum<equation="...ii->...i">(x)', [[1, 4]],
      x=f([1, 2], [3, 4]).reshape(1, 2, 2))  # fmt: skip
crop = """r = Constant<value=float[4]{0.5,0.5,1.0,1.0}>() y = Resize<mode="linear", axes=[2,3],
    coordinate_transformation_mode="tf_crop_and_resize">(x, r, , s)"""
write("Resize-crop", 19, sizes("3,3", "int64", 2, "2,2"), crop, [[[[5, 6], [8, 9]]]],
      x=np.arange(1, 10, dtype="f4").reshape(1, 1, 3, 3), s=i(2, 2))  # fmt: skip
upper = 'y = Resize<mode="nearest", nearest_mode="ceil">(x, , s)'
write("Resize-ceil", 19, sizes("1,2", "float", 4, "1,4"), upper, [[[[5, 6, 6, 6]]]],
      x=f(5, 6).reshape(1, 1, 1, 2), s=f(1, 1, 1, 2))  # fmt: skip
write("MatMul-numbers", 13, "(float[2] a, float[2] b) => (float y)", "y = MatMul(a, b)", 11, a=f(1, 2), b=f(3, 4))
write("Max-integers", 13, "(int32[2] a, int32[2] b) => (int32[2] y)", "y = Max(a, b)", [3, 5],
      a=i(1, 5, dtype="i4"), b=i(3, 2, dtype="i4"))  # fmt: skip
write("Max-three", 13, "(float[2] a, float[2] b, float[2] c) => (float[2] y)", "y = Max(a, b, c)", [4, 9],
      a=f(1, 5), b=f(3, 2), c=f(4, 9))  # fmt: skip
write("Max-one", 13, "(float[2] a) => (float[2] y)", "y = Max(a)", [1, 5], a=f(1, 5))
write("Pow-integers", 13, "(int32[2] x, int32[2] e) => (int32[2] y)", "y = Pow(x, e)", [8, 9],
      x=i(2, 3, dtype="i4"), e=i(3, 2, dtype="i4"))  # fmt: skip
write("Pow-negative", 13, "(float[8] x, float[8] e) => (float[8] y)", "y = Pow(x, e)", [-8] * 8,
      x=np.full(8, -2, "f4"), e=np.full(8, 3, "f4"))  # fmt: skip
write("Pow-zero", 13, "(float[8] x, float[8] e) => (float[8] y)", "y = Pow(x, e)", [0] * 8,
      x=np.zeros(8, "f4"), e=np.full(8, 0.5, "f4"))  # fmt: skip
write("Shrink", 9, "(float[4] x) => (float[4] y)", "y = Shrink<lambd=1.5, bias=1.5>(x)", [-0.5, 0, 0, 0.5],
      x=f(-2, -1, 1, 2))  # fmt: skip
heads = """a = Constant<value_ints=[2]>() u = Unsqueeze(x, a) e = Constant<value_ints=[2,2,2,1,2]>() w = Expand(u, e)
    s = Constant<value_ints=[2,4,1,2]>() y = Reshape(w, s)"""  # as of attention in groups: heads 0, 0, 1, 1
eight = np.arange(8, dtype="f4").reshape(2, 2, 1, 2)
write("Expand-heads", 21, "(float[2,2,1,2] x) => (float[2,4,1,2] y)", heads, eight.repeat(2, 1), x=eight)
widths = "w = Constant<value=float[1,1,2,2]{1,1,1,1}>() y = ConvTranspose<strides=[2,2], output_shape=[5,5]>(x, w)"
write("ConvTranspose-squares", 22, "(float[1,1,2,2] x) => (float[1,1,5,5] y)", widths,
      np.pad(ramp.repeat(2, 2).repeat(2, 3), ((0, 0), (0, 0), (0, 1), (0, 1))), x=ramp)  # fmt: skip
most = "y = ReduceMax<keepdims=1>(x)"
write("ReduceMax-all", 18, "(float[2,3] x) => (float[1,1] y)", most, [[6]], x=pair)
write("ReduceL1-attribute", 13, "(float[2,3] x) => (float[2,1] y)", "y = ReduceL1<axes=[1]>(x)", [[6], [15]], x=pair)
used = "e = Exp(x) r = ReduceSum<keepdims=0>(e) z = ConstantOfShape(s) y = Add(z, r)"  # in memory that e has used
write("ConstantOfShape-Add", 21, "(float[4,64] x, int64[2] s) => (float[4,64] y)", used, np.full((4, 64), 256),
      x=np.zeros((4, 64), "f4"), s=i(4, 64))  # fmt: skip
filled = used.replace("ConstantOfShape(s)", "ConstantOfShape<value=float[1]{0.0}>(s)")
write("ConstantOfShape-zero-Add", 21, "(float[4,64] x, int64[2] s) => (float[4,64] y)", filled, np.full((4, 64), 256),
      x=np.zeros((4, 64), "f4"), s=i(4, 64))  # fmt: skip
held = """w = Constant<value=int8[2]{3,-3}>() s = Constant<value=float{2.0}>() z = Constant<value=int8{1}>()
    d = DequantizeLinear(w, s, z) y = Mul(x, d)"""
write("DequantizeLinear-held", 21, "(float[2] x) => (float[2] y)", held, [4, -8], x=f(1, 1))
# By the formulae of ONNX, weights of 1/2, one unit, two steps; the state before the first is 0.
half, steps = np.float32(0.5), f(1, -2)
for direction in ("forward", "reverse"):
    state = 0
    for value in steps if direction == "forward" else steps[::-1]:
        state = np.tanh(half * value + half * state)
    recurrent = f"""w = Constant<value=float[1,1,1]{{0.5}}>() r = Constant<value=float[1,1,1]{{0.5}}>()
        a, y = RNN<hidden_size=1, direction="{direction}">(x, w, r)"""
    write(f"RNN-{direction}", 14, "(float[2,1,1] x) => (float[2,1,1,1] a, float[1,1,1] y)", recurrent, [[[state]]],
          x=steps.reshape(2, 1, 1))  # fmt: skip
    last = recurrent.replace("a, y", ", y")
    write(f"RNN-{direction}-last", 14, "(float[2,1,1] x) => (float[1,1,1] y)", last, [[[state]]],
          x=steps.reshape(2, 1, 1))  # fmt: skip
recurrent = """w = Constant<value=float[1,1,1]{0.5}>() r = Constant<value=float[1,1,1]{0.5}>()
    y, a = RNN<hidden_size=1, layout=1>(x, w, r)"""
state = np.tanh(0.5), np.tanh(-1)
write("RNN-layout", 14, "(float[2,1,1] x) => (float[2,1,1,1] y, float[2,1,1] a)", recurrent,
      np.reshape(state, (2, 1, 1)), x=steps.reshape(2, 1, 1))  # fmt: skip


# For onnx2kerastl, X2Paddle, NNabla, jaxonnxruntime and MXNet.
pairs = f([1, 9, 2], [3, 4, 5])
nothing = "(float[2] x, int64[1] starts, int64[1] ends) => (float[0] y)"
write("Slice-empty", 13, nothing, "y = Slice(x, starts, ends)", [], x=f(1, 2), starts=i(1), ends=i(1))
write("ArgMax-default", 13, "(float[2,3] x) => (int64[1,3] y)", "y = ArgMax(x)", [[1, 0, 1]], x=pairs)
last = "y = ArgMax<axis=1, select_last_index=1>(x)"
write("ArgMax-last", 13, "(float[1,2] x) => (int64[1,1] y)", last, [[1]], x=f([2, 2]))
six = np.arange(6, dtype="f4")
write("Split-three", 13, "(float[6] x) => (float[2] a, float[2] b, float[2] y)", "a, b, y = Split(x)", [4, 5], x=six)
parts = "(float[6] x, int64[2] s) => (float[2] a, float[4] y)"
write("Split-fed", 13, parts, "a, y = Split(x, s)", [2, 3, 4, 5], x=six, s=i(2, 4))
lower = "(float[2,2] x, int64 k) => (float[2,2] y)"
write("Trilu-fed", 14, lower, "y = Trilu<upper=0>(x, k)", [[1, 2], [3, 4]], x=f([1, 2], [3, 4]), k=np.array(1))
scatter = "(float[3] d, int64[1,1] n, float[1] u) => (float[3] y)"
add = 'y = ScatterND<reduction="add">(d, n, u)'
write("ScatterND-row-add", 16, scatter, add, [1, 12, 3], d=f(1, 2, 3), n=i([1]), u=f(10))
selu = "y = Selu<alpha=2.0, gamma=3.0>(x)"
write("Selu", 6, "(float[2] x) => (float[2] y)", selu, [6 * np.expm1(-1), 3], x=f(-1, 1))
write(
    "IsInf-negative", 10, "(float[3] x) => (bool[3] y)", "y = IsInf<detect_positive=0>(x)", [0, 1, 0], x=f(inf, -inf, 1)
)
shift = "(uint8[1] a, uint8[1] b) => (uint8[1] y)"
bits = {"a": i(200, dtype="u1"), "b": i(1, dtype="u1")}
write("BitShift", 11, shift, 'y = BitShift<direction="LEFT">(a, b)', [144], **bits)
write("BitwiseNot", 18, "(uint8[1] x) => (uint8[1] y)", "y = BitwiseNot(x)", [254], x=i(1, dtype="u1"))
divided = "(int32[2] a, int32[2] b) => (int32[2] y)"
write("Div-integers", 14, divided, "y = Div(a, b)", [3, -3], a=i(7, -7, dtype="i4"), b=i(2, 2, dtype="i4"))
axes = "(float[2,2] x, int64[{}] a) => (float[{},1] y)".format
square2 = f([1, 2], [3, 4])
write("ReduceMean-empty", 18, axes(0, 1), "y = ReduceMean(x, a)", [[2.5]], x=square2, a=np.zeros(0, "i8"))
write("ReduceL1-square", 18, axes(1, 2), "y = ReduceL1(x, a)", [[3], [7]], x=square2, a=i(1))
write("ReduceSumSquare-fed", 18, axes(1, 2), "y = ReduceSumSquare(x, a)", [[5], [25]], x=square2, a=i(1))
pooled = "(float[1,1,1,{}] x) => (float[1,1,1,{}] y)".format
wide = "y = MaxPool<kernel_shape=[1,2], dilations=[1,2], strides=[1,1]>(x)"
write("MaxPool-dilations", 12, pooled(4, 2), wide, [[[[3, 4]]]], x=line)
write("MaxPool-strides", 12, pooled(4, 3), "y = MaxPool<kernel_shape=[1,2]>(x)", [[[[2, 3, 4]]]], x=line)
upper = 'y = MaxPool<kernel_shape=[1,3], strides=[1,2], auto_pad="SAME_UPPER">(x)'
write("MaxPool-upper", 12, pooled(5, 3), upper, [[[[2, 4, 5]]]], x=np.arange(1, 6, dtype="f4").reshape(1, 1, 1, 5))
near = 'y = Resize<mode="nearest">(x, , , s)'
write("Resize-nearest", 19, sizes("1,2", "int64", 4, "1,7"), near, [[[[5, 5, 5, 5, 6, 6, 6]]]],
      x=f(5, 6).reshape(1, 1, 1, 2), s=i(1, 1, 1, 7))  # fmt: skip
told = "y = ConvTranspose<strides=[1,2], output_shape=[1,4]>(x, w)"
write("ConvTranspose-shape", 11, "(float[1,1,1,2] x, float[1,1,1,1] w) => (float[1,1,1,4] y)", told, [[[[1, 0, 2, 0]]]],
      x=f(1, 2).reshape(1, 1, 1, 2), w=np.ones((1, 1, 1, 1), "f4"))  # fmt: skip
gathered = "(float[2,2,2] x, int64[2,1] n) => (float[2,2] y)"
write("GatherND-batch", 12, gathered, "y = GatherND<batch_dims=1>(x, n)", [[2, 3], [4, 5]],
      x=np.arange(8, dtype="f4").reshape(2, 2, 2), n=i([1], [0]))  # fmt: skip
write("Sum-three", 13, "(float[1] a, float[1] b, float[1] c) => (float[1] y)", "y = Sum(a, b, c)", [111],
      a=f(1), b=f(10), c=f(100))  # fmt: skip
shorts = {"a": i(4, 10, dtype="u2"), "b": i(2, 18, dtype="u2")}
write("Add-uint16", 14, "(uint16[2] a, uint16[2] b) => (uint16[2] y)", "y = Add(a, b)", [6, 28], **shorts)
write("Gather-negative", 13, "(float[3] x, int64[1] n) => (float[1] y)", "y = Gather(x, n)", [3], x=f(1, 2, 3), n=i(-1))
write("Shape-part", 15, "(float[2,3] x) => (int64[1] y)", "y = Shape<start=1>(x)", [3], x=pairs)
hardest = f([1, 2], [3, 0]).reshape(1, 2, 2)
write("Hardmax", 13, "(float[1,2,2] x) => (float[1,2,2] y)", "y = Hardmax<axis=1>(x)", [[[0, 1], [1, 0]]], x=hardest)
lp = "y = LpNormalization<axis=1, p=1>(x)"
write("LpNormalization", 1, "(float[1,2] x) => (float[1,2] y)", lp, [[0.75, 0.25]], x=f([3, 1]))
one = np.ones((1, 1, 1, 1), "f4")
write("LRN", 13, pooled(1, 1), "y = LRN<size=1>(x)", [[[[1.0001**-0.75]]]], x=one)
write("Less", 9, "(float[1] a, float[1] b) => (bool[1] y)", "y = Less(a, b)", [1], a=f(1), b=f(2))
write("And", 7, "(bool[1] a, bool[1] b) => (bool[1] y)", "y = And(a, b)", [1], a=i(1, dtype="?"), b=i(1, dtype="?"))
vector = "(float[1,1,2] a, float[2] b) => (float[1,1] y)"
write("MatMul-vector", 13, vector, "y = MatMul(a, b)", [[11]], a=f(1, 2).reshape(1, 1, 2), b=f(3, 4))
write("NonZero", 13, "(bool[2,2] x) => (int64[2,n] y)", "y = NonZero(x)", [[0, 1, 1], [0, 0, 1]],
      x=i([1, 0], [1, 1], dtype="?"))  # fmt: skip
write("Gather-table", 13, "(float[3,2] x, int64[1,2] n) => (float[1,2,2] y)", "y = Gather(x, n)", [[[5, 6], [1, 2]]],
      x=f([1, 2], [3, 4], [5, 6]), n=i([2, 0]))  # fmt: skip
longs = {"a": i(4, 10, dtype="u8"), "b": i(2, 18, dtype="u8")}
write("Add-uint64", 14, "(uint64[2] a, uint64[2] b) => (uint64[2] y)", "y = Add(a, b)", [6, 28], **longs)
doubles = {"a": i(1e300, 1, dtype="f8"), "b": i(1e300, 2, dtype="f8")}
write("Add-float64", 14, "(double[2] a, double[2] b) => (double[2] y)", "y = Add(a, b)", [2e300, 3], **doubles)
shorts = {"a": i(16, 12, dtype="u2"), "b": i(4, 3, dtype="u2")}
write("Sub-uint16", 14, "(uint16[2] a, uint16[2] b) => (uint16[2] y)", "y = Sub(a, b)", [12, 9], **shorts)
write("AveragePool-strides", 12, pooled(4, 3), "y = AveragePool<kernel_shape=[1,2]>(x)", [[[[1.5, 2.5, 3.5]]]], x=line)
apart = f([0, 0], [0, 0]).reshape(1, 2, 1, 2)  # along axis 1, or over all from there on, the two differ
for op, each in (("Softmax", 0.5), ("LogSoftmax", np.log(0.5))):
    last = f"a = Constant<value=float[1,2,1,1]{{0,4}}>() b = Add(x, a) y = {op}(b)"
    write(f"{op}-default", 13, "(float[1,2,1,2] x) => (float[1,2,1,2] y)", last, np.full((1, 2, 1, 2), each), x=apart)
# The value is the column. The one bin's middle is column 2, less the half pixel; of its four points, 3 is the most.
columns = np.arange(4, dtype="f4") * np.ones((1, 1, 4, 1), "f4")
region = {"x": columns, "r": f([0, 0, 4, 4]), "n": i(0)}
said = "output_height=1, output_width=1, spatial_scale=1.0, sampling_ratio=2"
bins = "(float[1,1,4,4] x, float[1,4] r, int64[1] n) => (float[1,1,1,1] y)"
write("RoiAlign-half", 16, bins, f"y = RoiAlign<{said}>(x, r, n)", [[[[1.5]]]], **region)
most = f'y = RoiAlign<{said}, coordinate_transformation_mode="output_half_pixel", mode="max">(x, r, n)'
write("RoiAlign-max", 16, bins, most, [[[[3]]]], **region)
write("Squeeze-one", 6, "(float[1,1] x) => (float[1] y)", "y = Squeeze<axes=[0]>(x)", [5], x=f([5]))

print(len(list(folder.glob("*.onnx"))), "files in", folder)
