"""tinygrad on ONNX's own operator cases: what it gives, without an error, instead of what ONNX demands.

In Attention it does just what the evaluator of ONNX 1.18 did; ONNX has changed each of the four since, in place.

tinygrad 0.14.0 with clang 14, onnx 1.23.2, numpy 2.4.6. Environment: tinygrad0.14, after the files are made by the
suite's own Python.
    python docs/findings/tinygrad_onnx_cases.py make /tmp/findings/tinygrad
    .tox/tinygrad0.14/bin/python docs/findings/tinygrad_onnx_cases.py /tmp/findings/tinygrad
"""

import os
import sys
import warnings

os.environ.update(DEV="CPU", NUM_CPU_THREADS="1", PARALLEL="0")

import numpy as np


def f(*values):
    return np.array(values, "f4")


def u(*values):
    return np.array(values, "u1")


def lone(*values):
    """Numbers along the third of four axes."""
    return f(*values).reshape(1, 1, -1, 1)


inf, nan = np.inf, np.nan
HEADS = "(float[1,{}] q, float[1,2,1,1] k, float[1,2,1,1] v) => (float[1,{}] y)".format
TWO = f(1, 2).reshape(1, 2, 1, 1)
PAST = "({0} q, {0} k, {0} v, float[1,1,1,1] a, float[1,1,1,1] b) => ({0} y)".format("float[1,1,2,1]")
MASKED = "(float[1,1,1,1] q, float[1,1,2,1] k, float[1,1,2,1] v, {}[1,2] m) => (float[1,1,1,1] y)".format
CAUSAL = {"q": lone(0, 0), "k": lone(0, 0), "v": lone(20, 30)}
KEYS = {"q": lone(0), "k": lone(0, 0), "v": lone(1, 1000)}
INTEGERS = "(uint8[1,1,1,2] x, uint8[2,1,1,2] w, uint8 a, uint8{} b) => (int32[1,2,1,1] y)".format
POINTS = {"x": u(1, 10).reshape(1, 1, 1, 2), "w": np.full((2, 1, 1, 2), 5, "u1"), "a": np.array(0, "u1")}
NUMBERS = "({0}[{1}] x, {0}[{1}] z) => ({0}[{1}] y)".format
half = 1 / (1 + np.exp(-0.5))
#: Opset, signature, body, inputs, what ONNX demands, what tinygrad gives.
CASES = {
    "Attention, four heads to two of keys (heads 0, 1, 0, 1 for 0, 0, 1, 1)": (
        24, HEADS("4,1,1", "4,1,1"), "y = Attention(q, k, v)", {"q": np.zeros((1, 4, 1, 1), "f4"), "k": TWO, "v": TWO},
        f(1, 1, 2, 2).reshape(1, 4, 1, 1), f(1, 2, 1, 2).reshape(1, 4, 1, 1),
    ),
    "  two heads to two": (
        24, HEADS("2,1,1", "2,1,1"), "y = Attention(q, k, v)", {"q": np.zeros((1, 2, 1, 1), "f4"), "k": TWO, "v": TWO},
        TWO, "right",
    ),
    "Attention, causal, with one key of the past (each query sees one key less)": (
        24, PAST, "y, c, d = Attention<is_causal=1>(q, k, v, , a, b)", {**CAUSAL, "a": lone(0), "b": lone(10)},
        lone(15, 20), lone(10, 15),
    ),
    "  without a past": (
        24, "(float[1,1,2,1] q, float[1,1,2,1] k, float[1,1,2,1] v) => (float[1,1,2,1] y)",
        "y = Attention<is_causal=1>(q, k, v)", CAUSAL, lone(20, 25), "right",
    ),
    "Attention, softcap and a mask that forbids the second key (it is let in: the mask is capped too)": (
        24, MASKED("float"), "y = Attention<softcap=0.5>(q, k, v, m)", {**KEYS, "m": f([0, -inf])},
        lone(1), lone(half + 1000 * (1 - half)),
    ),
    "  without softcap": (
        24, MASKED("float"), "y = Attention(q, k, v, m)", {**KEYS, "m": f([0, -inf])}, lone(1), "right",
    ),
    "Attention, a mask that forbids every key": (
        24, MASKED("bool"), "y = Attention(q, k, v, m)", {**KEYS, "m": np.zeros((1, 2), bool)}, lone(0), lone(nan),
    ),
    "ConvInteger, a zero point for each channel (taken for each column of the kernel)": (
        10, INTEGERS("[2]"), "y = ConvInteger(x, w, a, b)", {**POINTS, "b": u(0, 5)},
        np.array([55, 0], "i4").reshape(1, 2, 1, 1), np.array([5, 5], "i4").reshape(1, 2, 1, 1),
    ),
    "  one zero point": (
        10, INTEGERS(""), "y = ConvInteger(x, w, a, b)", {**POINTS, "b": np.array(2, "u1")},
        np.array([33, 33], "i4").reshape(1, 2, 1, 1), "right",
    ),
    "DynamicQuantizeLinear: -2.5 by a scale of 5 / 255, in float32 -127.49999 (computed as -2.5 / 5 * 255)": (
        11, "(float[3] x) => (uint8[3] y)", "y, s, z = DynamicQuantizeLinear(x)", {"x": f(2, -3, -2.5)},
        u(255, 0, 26), u(255, 0, 25),
    ),
    "LpNormalization of zeros": (
        22, "(float[2,2] x) => (float[2,2] y)", "y = LpNormalization<axis=0>(x)",
        {"x": f([0, 3], [0, 4])}, f([0, 0.6], [0, 0.8]), f([nan, 0.6], [nan, 0.8]),
    ),
    "Mod, fmod=0, by infinity": (
        28, NUMBERS("float", 2), "y = Mod(x, z)", {"x": f(3, -3), "z": f(inf, inf)}, f(3, inf), f(nan, nan),
    ),
    "  fmod=1": (
        28, NUMBERS("float", 2), "y = Mod<fmod=1>(x, z)", {"x": f(3, -3), "z": f(inf, inf)}, f(3, -3), f(nan, nan),
    ),
    "  of zero by -2: one by the result": (
        28, NUMBERS("float", 1), "r = Mod(x, z) y = Reciprocal(r)", {"x": f(0), "z": f(-2)}, f(-inf), f(inf),
    ),
    "  of 5.5 by -2": (28, NUMBERS("float", 1), "y = Mod(x, z)", {"x": f(5.5), "z": f(-2)}, f(-0.5), "right"),
    "Range of float16": (
        27, "(float16 a, float16 b, float16 c) => (float16[2] y)", "y = Range(a, b, c)",
        {"a": np.array(1, "f2"), "b": np.array(5, "f2"), "c": np.array(2, "f2")}, np.array([1, 3], "f2"), f(1, 3),
    ),
    # Where ONNX's text is ambiguous: ONNX Runtime gives the same as tinygrad in both.
    "Resize by 0.6, linear, align_corners: the length 2.4 counts (it is cut to 2 before)": (
        19, "(float[1,1,1,4] x, float[4] s) => (float[1,1,1,2] y)",
        'y = Resize<mode="linear", coordinate_transformation_mode="align_corners">(x, , s)',
        {"x": f(1, 2, 3, 4).reshape(1, 1, 1, 4), "s": f(1, 1, 1, 0.6)}, f([[[1, 1 + 3 / 1.4]]]), f([[[1, 4]]]),
    ),
    "MaxUnpool to (3, 3): 3 is counted in (2, 2) (in the output)": (
        22, "(float[1,1,1,1] x, int64[1,1,1,1] i, int64[4] s) => (float[1,1,3,3] y)",
        "y = MaxUnpool<kernel_shape=[2,2], strides=[2,2]>(x, i, s)",
        {"x": lone(5), "i": np.array([[[[3]]]]), "s": np.array([1, 1, 3, 3])},
        f([[0, 0, 0], [0, 5, 0], [0, 0, 0]])[None], f([[0, 0, 0], [5, 0, 0], [0, 0, 0]])[None],
    ),
    # The tensors are bfloat16: Tensor.numpy() widens them.
    "Cast to bfloat16": (
        13, "(float[1,1,1,2] x) => (bfloat16[1,1,1,2] y)", "y = Cast<to=16>(x)",
        {"x": f([[[1, 3]]])}, "bfloat16", f([[[1, 3]]]),
    ),
    "MaxPool of bfloat16": (
        22, "(float[1,1,1,2] x) => (bfloat16[1,1,1,1] y)", "b = Cast<to=16>(x) y = MaxPool<kernel_shape=[1,2]>(b)",
        {"x": f([[[1, 3]]])}, "bfloat16", f([[[3]]]),
    ),
}  # fmt: skip


def make(path, opset, signature, body, inputs, expected):
    """An ONNX file; the evaluator has to give what we say that ONNX demands."""
    from onnx import checker, parser, save
    from onnx.reference import ReferenceEvaluator

    model = parser.parse_model(f'<ir_version: 10, opset_import: ["" : {opset}]> g {signature} {{ {body} }}')
    checker.check_model(model, full_check=True)
    found = np.asarray(ReferenceEvaluator(model).run(["y"], inputs)[0])
    agrees = found.dtype.name == expected if isinstance(expected, str) else like(found, expected)
    assert agrees, (path, found, expected)
    save(model, path)


def like(one, other):
    same = one.dtype == other.dtype and one.shape == other.shape
    return same and np.allclose(one, other, 1e-3, 1e-4, equal_nan=True)


making, seen = sys.argv[1] == "make", []
warnings.simplefilter("ignore")
if making:
    os.makedirs(sys.argv[2], exist_ok=True)
else:
    from tinygrad.nn.onnx import OnnxRunner
for number, (finding, (opset, signature, body, inputs, expected, given)) in enumerate(CASES.items()):
    path = os.path.join(sys.argv[-1], f"{number}.onnx")
    if making:
        make(path, opset, signature, body, inputs, expected)
        continue
    tensor = OnnxRunner(path)(inputs)["y"]
    got = tensor.numpy()
    if isinstance(expected, str):
        print(f"## {finding}: the tensor is {tensor.dtype}, its array {got.dtype} {got.shape} {got.ravel()}")
        seen.append(str(tensor.dtype).split(".")[-1] == expected and like(got, given))
    else:
        print(f"## {finding}: expected {expected.dtype} {expected.shape} {expected.ravel()}")
        print(f"  got {got.dtype} {got.shape} {got.ravel()}")
        right = like(got, expected)
        seen.append(right if isinstance(given, str) else not right and like(got, given))
    if not seen[-1]:
        print("  NOT AS CLAIMED")
if not making:
    print("reproduced" if all(seen) else "not reproduced")
    sys.exit(not all(seen))
