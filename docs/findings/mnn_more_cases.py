"""MNN on more of ONNX's own cases: Resize, a Split into nothing, ConstantOfShape, a GRU both ways, sequences, and what
ONNX leaves open.

MNN 3.6.1, onnx 1.23.2, numpy 2.4.6. Environment: mnn3.6, after the files are made by the suite's own Python.
    python docs/findings/mnn_more_cases.py make /tmp/findings/more
    .tox/mnn3.6/bin/python docs/findings/mnn_more_cases.py /tmp/findings/more
"""

import os
import sys
import tempfile

import numpy as np


def f(*values):
    return np.array(values, "f4")


nan, line, square = np.nan, f(1, 2, 3, 4).reshape(1, 1, 1, 4), np.arange(1, 17, dtype="f4").reshape(1, 1, 4, 4)
SIZES = "(float[1,1,{}] x, float[4] s) => (float[1,1,{}] y)".format
SMALLER, WIDER = {"x": square, "s": f(1, 1, 0.8, 0.8)}, {"x": line, "s": f(1, 1, 1, 1.5)}
CUBIC, LINEAR = 'y = Resize<mode="cubic"{}>(x, , s)'.format, 'y = Resize<mode="linear"{}>(x, , s)'.format
PLAIN = f([1.4712, 2.7812, 4.0825], [6.7114, 8.0215, 9.3228], [11.9165, 13.2266, 14.5278])[None, None]
SYMMETRIC = ', coordinate_transformation_mode="half_pixel_symmetric"'
ALIGNED = ', coordinate_transformation_mode="align_corners"'
LONG = np.arange(384, dtype="f4").reshape(2, 3, 64)
GATED = "(float[2,1,1] x, float[2,3,1] w, float[2,3,1] r) => (float[2,2,1,1] all, float[2,1,1] y)"
GRU = 'all, y = GRU<direction="bidirectional", hidden_size=1, linear_before_reset=1>(x, w, r)'
WEIGHTS = {"w": np.full((2, 3, 1), 0.5, "f4"), "r": np.full((2, 3, 1), 0.25, "f4")}
GREATEST = 'y = RoiAlign<coordinate_transformation_mode="output_half_pixel", mode="max", sampling_ratio=1>(x, r, i)'
# 7 is written as its bits where the parser asks for them.
SEVEN = "n = Constant<value={}>() s = ConstantOfShape<value={}>(n) c = Cast<to=1>(s) y = Add(x, c)".format
#: Opset, signature, body, inputs, what ONNX demands, what MNN gives; None: something else each time.
CASES = {
    "Resize, cubic, twice as wide (-0.25 is taken for 0.75)": (
        19, SIZES("1,4", "1,8"), CUBIC(""), {"x": line, "s": f(1, 1, 1, 2)},
        f([[[0.8945, 1.1914, 1.668, 2.2969, 2.7031, 3.332, 3.8086, 4.1055]]]),
        f([[[1.668, 1.1914, 1.668, 2.2969, 2.7031, 3.332, 3.8086, 4.1055]]]),
    ),
    "Resize, cubic, smaller": (19, SIZES("4,4", "3,3"), CUBIC(""), SMALLER, PLAIN, "right"),
    "  with cubic_coeff_a=-0.5": (
        19, SIZES("4,4", "3,3"), CUBIC(", cubic_coeff_a=-0.5"), SMALLER,
        f([1.3857, 2.6836, 4.0068], [6.5771, 7.875, 9.1982], [11.8701, 13.168, 14.4912])[None, None], PLAIN,
    ),
    "  with exclude_outside=1": (
        19, SIZES("4,4", "3,3"), CUBIC(", exclude_outside=1"), SMALLER,
        f([1.4396, 2.756, 4.0864], [6.7051, 8.0215, 9.3519], [12.0268, 13.3431, 14.6736])[None, None], PLAIN,
    ),
    "Resize, half_pixel_symmetric (as asymmetric)": (
        19, SIZES("1,4", "1,2"), LINEAR(SYMMETRIC), {"x": line, "s": f(1, 1, 1, 0.6)},
        f([[[5 / 3, 10 / 3]]]), f([[[1, 8 / 3]]]),
    ),
    "Split into 64 and nothing, and Concat of both": (
        18, "(float[2,3,64] x) => (float[2,3,64] y)",
        "n = Constant<value=int64[2] {64, 0}>() a, b = Split<axis=2>(x, n) y = Concat<axis=2>(a, b)",
        {"x": LONG}, LONG, None,
    ),
    "  into 64 alone": (
        18, "(float[2,3,64] x) => (float[2,3,64] y)",
        "n = Constant<value=int64[1] {64}>() a = Split<axis=2>(x, n) y = Concat<axis=2>(a)",
        {"x": LONG}, LONG, "right",
    ),
    "ConstantOfShape of the shape (): memory": (
        21, "(float[4] x) => (float[4] y)", SEVEN("int64[0] {}", "float[1] {7.0}"),
        {"x": f(1, 2, 3, 4)}, f(8, 9, 10, 11), None,
    ),
    "  of the shape (1)": (
        21, "(float[4] x) => (float[4] y)", SEVEN("int64[1] {1}", "float[1] {7.0}"),
        {"x": f(1, 2, 3, 4)}, f(8, 9, 10, 11), "right",
    ),
    "  of the shape (1) in float16: memory": (
        21, "(float[4] x) => (float[4] y)", SEVEN("int64[1] {1}", "float16[1] {18176}"),
        {"x": f(1, 2, 3, 4)}, f(8, 9, 10, 11), None,
    ),
    "  in bfloat16: memory": (
        21, "(float[4] x) => (float[4] y)", SEVEN("int64[1] {1}", "bfloat16[1] {16608}"),
        {"x": f(1, 2, 3, 4)}, f(8, 9, 10, 11), None,
    ),
    "  in float64": (
        21, "(float[4] x) => (float[4] y)", SEVEN("int64[1] {1}", "double[1] {7.0}"),
        {"x": f(1, 2, 3, 4)}, f(8, 9, 10, 11), "right",
    ),
    "last states of a bidirectional GRU": (
        14, GATED, GRU, {"x": f([[0.5]], [[-1]]), **WEIGHTS}, f([[-0.2386]], [[-0.0619]]), f([[-0.2386]], [[0]]),
    ),
    "GatherElements at -1": (
        13, "(float[2,2] x, int64[1,2] n) => (float[1,2] y)", "y = GatherElements(x, n)",
        {"x": f([1, 2], [3, 4]), "n": np.array([[-1, -1]])}, f([3, 4]), f([0, 0]),
    ),
    "a sequence of two as the output": (
        13, "(float[4] x) => (seq(float[n]) y)", "n = Constant<value=int64 {2}>() y = SplitToSequence(x, n)",
        {"x": f(1, 2, 3, 4)}, f([1, 2], [3, 4]), f(1, 2, 3, 4),
    ),
    "LpNormalization of zeros (ONNX's text says 0, that of 1.16 did not)": (
        22, "(float[2,2] x) => (float[2,2] y)", "y = LpNormalization<axis=0>(x)",
        {"x": f([0, 3], [0, 4])}, f([0, 0.6], [0, 0.8]), f([nan, 0.6], [nan, 0.8]),
    ),
    # Where ONNX's text and its cases differ, or the text leaves it open. ONNX Runtime gives the same in all of them
    # but RoiAlign.
    "Resize by 0.6, linear, align_corners: the length 2.4 counts (it is cut to 2 before)": (
        19, SIZES("1,4", "1,2"), LINEAR(ALIGNED), {"x": line, "s": f(1, 1, 1, 0.6)},
        f([[[1, 1 + 3 / 1.4]]]), f([[[1, 4]]]),
    ),
    "  by 0.8, cubic": (
        19, SIZES("4,4", "3,3"), CUBIC(ALIGNED), SMALLER,
        f([1, 2.3952, 3.7904], [6.5808, 7.9759, 9.3711], [12.1615, 13.5567, 14.9519])[None, None],
        f([1, 2.5, 4], [7, 8.5, 10], [13, 14.5, 16])[None, None],
    ),
    "MaxUnpool to (3, 3): 3 is counted in (2, 2) (in the output)": (
        22, "(float[1,1,1,1] x, int64[1,1,1,1] i, int64[4] s) => (float[1,1,3,3] y)",
        "y = MaxUnpool<kernel_shape=[2,2], strides=[2,2]>(x, i, s)",
        {"x": f([[[5]]]), "i": np.array([[[[3]]]]), "s": np.array([1, 1, 3, 3])},
        f([[0, 0, 0], [0, 5, 0], [0, 0, 0]])[None], f([[0, 0, 0], [5, 0, 0], [0, 0, 0]])[None],
    ),
    "RoiAlign, max: the greatest weighted corner (the interpolated value)": (
        16, "(float[1,1,2,2] x, float[1,4] r, int64[1] i) => (float[1,1,1,1] y)", GREATEST,
        {"x": f([[1, 2], [3, 4]])[None], "r": f([0, 0, 1, 1]), "i": np.array([0])}, f([[[1]]]), f([[[2.5]]]),
    ),
    "Upsample of opset 9, linear, of which ONNX says no more: PyTorch writes half pixels as it (asymmetric)": (
        9, "(float[1,1,1,2] x) => (float[1,1,1,4] y)",
        "s = Constant<value=float[4] {1, 1, 1, 2}>() y = Upsample<mode=\"linear\">(x, s)",
        {"x": f([[[1, 2]]])}, f([[[1, 1.25, 1.75, 2]]]), f([[[1, 1.5, 2, 2]]]),
    ),
}  # fmt: skip


def make(path, opset, signature, body, inputs, expected):
    """An ONNX file; the evaluator, which has no linear Upsample, has to give what we say that ONNX demands."""
    from onnx import checker, numpy_helper, parser, save
    from onnx.reference import ReferenceEvaluator

    model = parser.parse_model(f'<ir_version: 8, opset_import: ["" : {opset}]> g {signature} {{ {body} }}')
    for own in (a.t for node in model.graph.node for a in node.attribute if a.name == "value"):
        own.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(own)))  # as all exporters write it
    checker.check_model(model, full_check=True)
    found = ReferenceEvaluator(model).run(["y"], inputs)[0] if opset > 9 else expected
    assert like(np.asarray(found), expected), (found, expected)
    save(model, path)


def variable(array):
    """As the documentation demands: floats as float32, integers as int32."""
    dtype, own = (np.float32, MNN.expr.float) if array.dtype.kind == "f" else (np.int32, MNN.expr.int)
    return MNN.expr.const(array.astype(dtype), array.shape, MNN.expr.NCHW, own)


def forward(path, inputs):
    """The output, run as the documentation does."""
    made = os.path.join(tempfile.mkdtemp(), "model.mnn")
    _tools.mnnconvert(["mnnconvert", "-f", "ONNX", "--modelFile", path, "--MNNModel", made, "--bizCode", "MNN"])
    manager = MNN.nn.create_runtime_manager(({"backend": "CPU", "numThread": 1, "precision": "high"},))
    module = MNN.nn.load_module_from_file(made, list(inputs), ["y"], runtime_manager=manager)
    found = module.forward([variable(array) for array in inputs.values()])[0]
    return np.array(MNN.expr.convert(found, MNN.expr.NCHW).read())


def like(one, other):
    return one.shape == other.shape and np.allclose(one, other, 1e-3, 1e-4, equal_nan=True)


making, seen = sys.argv[1] == "make", []
if making:
    os.makedirs(sys.argv[2], exist_ok=True)
else:
    import _tools
    import MNN
for number, (finding, (opset, signature, body, inputs, expected, given)) in enumerate(CASES.items()):
    path = os.path.join(sys.argv[-1], f"{number}.onnx")
    if making:
        make(path, opset, signature, body, inputs, expected)
        continue
    got = forward(path, inputs)
    print(f"## {finding}: expected {expected.shape} {expected.ravel()[:9]}\n  got {got.shape} {got.ravel()[:9]}")
    right = like(got, expected)
    seen.append(right if isinstance(given, str) else not right and (given is None or like(got, given)))
    if not seen[-1]:
        print("  NOT AS CLAIMED")
if not making:
    print("reproduced" if all(seen) else "not reproduced")
    sys.exit(not all(seen))
