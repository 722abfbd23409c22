"""Apache TVM on ONNX's own operator cases: what it gives, without an error, instead of what ONNX demands.

The expected outputs were worked out by hand; the reference evaluator, in the same environment, agrees with each.
apache-tvm 0.27.0, onnx 1.23.2, numpy 2.4.6. Environment: tvm0.27.
    .tox/tvm0.27/bin/python docs/findings/tvm_onnx_cases.py
"""

import os
import sys
import warnings

os.environ["TVM_NUM_THREADS"] = "1"

import ml_dtypes
import numpy as np
import tvm
from onnx import checker, parser
from onnx.reference import ReferenceEvaluator
from tvm import relax
from tvm.relax.frontend.onnx import from_onnx

warnings.simplefilter("ignore")
inf, nan, seen = np.inf, np.nan, []


def same(got, dtype, values):
    """Whether an output is just that; the sign of a zero is looked at too."""
    values = np.asarray(values, "f8")
    if (got.dtype.name, got.shape) != (dtype, values.shape):
        return False
    found = got.astype("f8")
    signs = np.array_equal(np.signbit(found[found == 0]), np.signbit(values[found == 0]))
    return signs and np.allclose(found, values, 1e-3, 1e-4, equal_nan=True)


def case(finding, opset, signature, body, expected, given, **inputs):
    """The last output; expected and given: dtype and values. TVM should give `given`, or what is expected if None."""
    model = parser.parse_model('<ir_version: 10, opset_import: ["" : %d]> g %s { %s }' % (opset, signature, body))
    checker.check_model(model, full_check=True)
    names = [output.name for output in model.graph.output]
    demanded = np.asarray(ReferenceEvaluator(model).run(names[-1:], inputs)[0])
    machine = relax.VirtualMachine(tvm.compile(from_onnx(model), target="llvm"), tvm.cpu())
    result = machine["main"](*[tvm.runtime.tensor(array) for array in inputs.values()])
    got = (result if len(names) == 1 else result[len(names) - 1]).numpy()
    print("%s: expected %s %s\n  got %s %s %s" % (finding, *expected, got.dtype, got.shape, got.tolist()))
    seen.append(same(demanded, *expected) and same(got, *(given or expected)))


def f(*values):
    return np.array(values, "f4")


def i(*values):
    return np.array(values, "i8")


# Casts to and from float8: neither infinities nor what is too great nor NaN, nor, on the way back, zero.
great, narrow = f(1e6, -1e6, inf, nan, 0.5), "(float[5] x) => (%s[5] y)"
case(
    "Cast to float8e4m3fn",
    19,
    narrow % "float8e4m3fn",
    "y = Cast<to=17>(x)",
    ("float8_e4m3fn", [448, -448, 448, nan, 0.5]),
    ("float8_e4m3fn", [-15, -15, 1, 1.5, 0.5]),
    x=great,
)
case(
    "Cast to float8e5m2",
    19,
    narrow % "float8e5m2",
    "y = Cast<to=19>(x)",
    ("float8_e5m2", [57344, -57344, 57344, nan, 0.5]),
    ("float8_e5m2", [-0.000244, -0.000244, 1, 1.5, 0.5]),
    x=great,
)
case(
    "Cast to float8e5m2, not saturating",
    19,
    narrow % "float8e5m2",
    "y = Cast<to=19, saturate=0>(x)",
    ("float8_e5m2", [inf, -inf, inf, nan, 0.5]),
    ("float8_e5m2", [-0.000244, -0.000244, 1, 1.5, 0.5]),
    x=great,
)
for name, zero, strange in (("float8e4m3fn", 2.0**-7, 480), ("float8e5m2", 2.0**-15, 98304)):
    held = f(0, 1, nan).astype(getattr(ml_dtypes, name.replace("float8", "float8_")))
    case(
        "Cast of 0, 1 and NaN from " + name,
        19,
        "(%s[3] x) => (float[3] y)" % name,
        "y = Cast<to=1>(x)",
        ("float32", [0, 1, nan]),
        ("float32", [zero, 1, strange]),
        x=held,
    )
for mode, right in (("up", [2, 4, 4]), ("down", [1, 2, 2])):
    case(
        "Cast to float8e8m0, round_mode " + mode,
        24,
        "(float[3] x) => (float8e8m0[3] y)",
        'y = Cast<to=24, round_mode="%s">(x)' % mode,
        ("float8_e8m0fnu", right),
        ("float8_e8m0fnu", [1, 2, 4]),
        x=f(1.1, 2.5, 3.5),
    )

# Outputs that are not computed, or not of the dtype.
norm = "(float[2,2] x, float[2] w, float[2] b) => (float[2,2] y, float[2,1] m)"
units = {"x": f([1, 3], [5, 5]), "w": f(1, 1), "b": f(0, 0)}
case(
    "Mean of LayerNormalization",
    17,
    norm,
    "y, m = LayerNormalization(x, w, b)",
    ("float32", [[2], [5]]),
    ("float32", 0),
    **units,
)
case(
    "mask of Dropout",
    22,
    "(float[2] x) => (float[2] y, bool[2] m)",
    "y, m = Dropout(x)",
    ("bool", [1, 1]),
    ("float32", [1, 1]),
    x=f(1, 2),
)
train = "(float[2,1] x, float[1] s, float[1] b, float[1] m, float[1] v) => (float[2,1] y, float[1] n, float[1] w)"
ones = {name: f(1) for name in "sb"}
case(
    "running mean and variance of BatchNormalization, momentum 0.9",
    15,
    train,
    "y, n, w = BatchNormalization<training_mode=1>(x, s, b, m, v)",
    ("float32", [18]),
    ("float32", [10]),
    x=f([0], [6]),
    **ones,
    m=f(1),
    v=f(19),
)

# Inputs and attributes that are not looked at.
boxes = "(float[1,2,4] b, float[1,1,2] s, int64[1] n) => (int64[k,3] y)"
apart = {"b": f([[0, 0, 1, 1], [2, 2, 3, 3]]), "s": f([[0.9, 0.8]])}
least = "o = Constant<value=float[1] {0.5}>() t = Constant<value=float[1] {0.0}>() "  # the evaluator wants both
case(
    "NonMaxSuppression, the most boxes fed",
    13,
    boxes,
    least + "y = NonMaxSuppression(b, s, n, o, t)",
    ("int64", [[0, 0, 0], [0, 0, 1]]),
    ("int64", np.zeros((0, 3))),
    **apart,
    n=i(2),
)
signs = "(float[3] x) => (bool[3] y)"
case(
    "IsInf, detect_negative=0",
    20,
    signs,
    "y = IsInf<detect_negative=0>(x)",
    ("bool", [1, 0, 0]),
    ("bool", [1, 1, 0]),
    x=f(inf, -inf, 1),
)
case(
    "IsInf, detect_positive=0",
    20,
    signs,
    "y = IsInf<detect_positive=0>(x)",
    ("bool", [0, 1, 0]),
    ("bool", [1, 1, 0]),
    x=f(inf, -inf, 1),
)
case(
    "ConvTranspose, output_shape",
    22,
    "(float[1,1,2] x, float[1,1,1] w) => (float[1,1,4] y)",
    "y = ConvTranspose<output_shape=[4], strides=[2]>(x, w)",
    ("float32", [[[1, 0, 2, 0]]]),
    ("float32", [[[1, 0, 2]]]),
    x=f(1, 2).reshape(1, 1, 2),
    w=f(1).reshape(1, 1, 1),
)
case(
    "SpaceToDepth, CRD",
    28,
    "(float[1,2,2,2] x) => (float[1,8,1,1] y)",
    'y = SpaceToDepth<blocksize=2, mode="CRD">(x)',
    ("float32", np.arange(8).reshape(1, 8, 1, 1)),
    ("float32", np.array([0, 4, 1, 5, 2, 6, 3, 7]).reshape(1, 8, 1, 1)),
    x=np.arange(8, dtype="f4").reshape(1, 2, 2, 2),
)

# A shape that is fed is taken as it is, not broadcast.
case(
    "Expand by a shape that is fed",
    13,
    "(float[2,1] x, int64[2] s) => (float[a,b] y)",
    "y = Expand(x, s)",
    ("float32", [[1, 1, 1], [2, 2, 2]]),
    ("float32", [[1, 1, 1]]),
    x=f([1], [2]),
    s=i(1, 3),
)
case(
    "the same by a constant",
    13,
    "(float[2,1] x) => (float[2,3] y)",
    "s = Constant<value=int64[2] {1, 3}>() y = Expand(x, s)",
    ("float32", [[1, 1, 1], [2, 2, 2]]),
    None,
    x=f([1], [2]),
)

case(
    "SequenceInsert at -1, before the last",
    13,
    "(float[1] a, float[1] b) => (float[1] y)",
    "p = Constant<value=int64 {-1}>() s = SequenceConstruct(a) t = SequenceInsert(s, b, p) y = SequenceAt(t, p)",
    ("float32", [1]),
    ("float32", [2]),
    a=f(1),
    b=f(2),
)

# ONNX's text takes the interpolated value of a point, its cases the greatest of its four weighted corners.
case(
    "RoiAlign, max, by ONNX's cases",
    22,
    "(float[1,1,2,2] x, float[1,4] r, int64[1] i) => (float[1,1,1,1] y)",
    'y = RoiAlign<coordinate_transformation_mode="output_half_pixel", mode="max", sampling_ratio=1>(x, r, i)',
    ("float32", [[[[1]]]]),
    ("float32", [[[[2.5]]]]),
    x=f(1, 2, 3, 4).reshape(1, 1, 2, 2),
    r=f([0, 0, 1, 1]),
    i=i(0),
)

# Other rules than those of opset 28, which TVM does not know and takes all the same.
case(
    "Mod of zeros",
    28,
    "(float[2] a, float[2] b) => (float[2] y)",
    "z = Mod<fmod=0>(a, b) y = Reciprocal(z)",
    ("float32", [-inf, inf]),
    ("float32", [inf, inf]),
    a=f(0, -0.0),
    b=f(-2, 2),
)
case(
    "BitShift by 32 and more",
    28,
    "(int32[2] a, int32[2] b) => (int32[2] y)",
    'y = BitShift<direction="LEFT">(a, b)',
    ("int32", [0, 0]),
    ("int32", [4, -1]),
    a=np.array([4, -1], "i4"),
    b=np.array([32, 64], "i4"),
)

print("reproduced" if all(seen) else "not reproduced")
sys.exit(not all(seen))
