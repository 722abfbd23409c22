"""OpenCV 4 on ONNX's own operator cases: what it gives, without an error, instead of the outputs that ONNX demands.

opencv-python-headless 4.12.0.88, numpy 2.2.6, and 4.8.1.78, numpy 1.26.4. Environment: opencv4.12 or opencv4.8, after
the files were made with the suite's own Python (onnx 1.23.2), whose evaluator says what is expected.
    python docs/findings/opencv_older_cases.py make /tmp/findings/older
    .tox/opencv4.12/bin/python docs/findings/opencv_older_cases.py /tmp/findings/older
"""

import sys
from pathlib import Path

import numpy as np

folder = Path(sys.argv[-1])
line = np.arange(1, 5, dtype="f4")
plane = np.arange(1, 17, dtype="f4").reshape(1, 1, 4, 4)
square = np.array([[1, 2], [3, 4]], "f4")
third = square / 3
batch = np.array([1, 2, 10, 20, 100, 200, 1000, 2000, 5, 6, 7, 8], "f4").reshape(3, 2, 1, 2)
images = np.array([0, 1, 2, 3, 5, 5, 9, 9] * 2, "f4").reshape(2, 2, 2, 2)
ramp = [-1.3411, -0.44703, 0.44703, 1.3411]
numbers = {"x": square.astype("i1"), "z": np.full((2, 2), 2, "i1")}
product = {"a": square, "b": np.eye(2, dtype="f4")}
same, pool, gemm = (
    "(float[2,2] x) => (float[2,2] y)",
    "(float[1,1,4,4] x) => (float[1,1,{0},{0}] y)",
    "float[2,2] a, float[2,2] b",
)
FOUR, MEMORY = ("4.8", "4.12"), None
CASES = {  # opset, signature, body, inputs; the versions that are wrong, and what they give: dtype, shape and values
    # Shapes.
    "Abs-vector": (13, "(float[4] x) => (float[4] y)", "y = Abs(x)", {"x": line}, FOUR, "f4", (4, 1), line),
    "Concat-vectors": (
        *(13, "(float[4] a, float[4] b) => (float[8] y)", "y = Concat<axis=-1>(a, b)", {"a": line, "b": line + 4}),
        *(FOUR, "f4", (4, 2), [1, 5, 2, 6, 3, 7, 4, 8]),
    ),
    "Gather-vector": (
        *(13, "(float[2,2] x, int64[2] i) => (float[2,2] y)", "y = Gather(x, i)", {"x": square, "i": np.array([1, 0])}),
        *(FOUR, "f4", (2, 1, 2), [3, 4, 1, 2]),
    ),
    "ReduceSum-number": (
        *(13, "(float[2,2] x) => (float y)", "y = ReduceSum<keepdims=0>(x)", {"x": square}, FOUR, "f4", (1, 1), 10),
    ),
    # Types.
    "ArgMax": (13, "(float[2,2] x) => (int64[2,1] y)", "y = ArgMax<axis=1>(x)", {"x": square}, FOUR, "f4", (2, 1), 1),
    "Add-int8": (
        *(14, "(int8[2,2] x, int8[2,2] z) => (int8[2,2] y)", "y = Add(x, z)", numbers),
        *(FOUR, "f4", (2, 2), [3, 4, 5, 6]),
    ),
    "Div-int8": (
        *(14, "(int8[2,2] x, int8[2,2] z) => (int8[2,2] y)", "y = Div(x, z)", numbers),
        *(FOUR, "f4", (2, 2), [0.5, 1, 1.5, 2]),
    ),
    "Add-int64": (  # x for x + w, or what lay in the memory of w
        *(13, "(int64[2,2] x) => (int64[2,2] y)", "w = Constant<value = int64[2,2] {10, 20, 30, 50}>() y = Add(x, w)"),
        *({"x": square.astype("i8")}, ("4.8",), "f4", (2, 2), MEMORY),
    ),
    "Neg-half": (
        *(13, "(float16[2,2] x) => (float16[2,2] y)", "y = Neg(x)", {"x": square.astype("f2")}),
        *(FOUR, "f4", (2, 2), -square),
    ),
    "Abs-double": (
        *(13, "(double[2,2] x) => (double[2,2] y)", "y = Abs(x)", {"x": square.astype("f8")}),
        *(FOUR, "f4", (2, 2), square),
    ),
    "MaxPool-indices": (
        *(
            12,
            "(float[1,1,4,4] x) => (float[1,1,2,2] z, int64[1,1,2,2] y)",
        ),
        *(
            "z, y = MaxPool<kernel_shape=[2,2], strides=[2,2]>(x)",
            {"x": plane},
            FOUR,
            "f4",
            (1, 1, 2, 2),
            [5, 7, 13, 15],
        ),
    ),
    "Dropout": (
        *(13, "(float[2,2] x) => (float[2,2] z, bool[2,2] y)", "z, y = Dropout(x)", {"x": square}),
        *(("4.12",), "f4", (2, 2), MEMORY),
    ),
    **{
        f"Cast-{name}": (
            *(21, f"(float[2,2] x) => ({name}[2,2] y)", f"y = Cast<to={to}>(x)", {"x": third}),
            *(FOUR, "f4", (2, 2), third),
        )
        for name, to in (("float16", 10), ("bfloat16", 16), ("float8e4m3fn", 17), ("int4", 22))
    },
    "QuantizeLinear": (
        *(13, "(float[2,2] x, float s, uint8 z) => (uint8[2,2] y)", "y = QuantizeLinear(x, s, z)"),
        *(
            {"x": square, "s": np.array(1, "f4"), "z": np.array(124, "u1")},
            ("4.12",),
            "i1",
            (2, 2),
            [125, 126, 127, 127],
        ),
    ),
    # Attributes and inputs that are not looked at.
    "ReduceSum-axes": (
        *(13, "(float[2,2] x, int64[1] a) => (float[2,1] y)", "y = ReduceSum(x, a)", {"x": square, "a": np.array([1])}),
        *(FOUR, "f4", (1, 1), 10),
    ),
    "ReduceMax-axes": (
        *(18, "(float[2,2] x, int64[1] a) => (float[2,1] y)", "y = ReduceMax(x, a)", {"x": square, "a": np.array([1])}),
        *(FOUR, "f4", (1, 1), 4),
    ),
    "CumSum-axis": (
        *(14, "(float[2,2] x, int32 a) => (float[2,2] y)", "y = CumSum(x, a)", {"x": square, "a": np.array(0, "i4")}),
        *(("4.8",), "f4", (2, 2), MEMORY),
    ),
    "CumSum-first": (  # a greater array ends the process
        *(14, same, "a = Constant<value = int64 {0}>() y = CumSum(x, a)", {"x": square}),
        *(("4.8",), "f4", (2, 2), MEMORY),
    ),
    "Softmax-default": (  # along axis 1, as before opset 13
        *(13, "(float[1,1,2,2] x) => (float[1,1,2,2] y)", "y = Softmax(x)", {"x": square[None, None]}),
        *(("4.8",), "f4", (1, 1, 2, 2), 1),
    ),
    "MaxPool-dilations": (
        *(12, pool.format(2), "y = MaxPool<kernel_shape=[2,2], dilations=[2,2]>(x)", {"x": plane}),
        *(FOUR, "f4", (1, 1, 3, 3), plane[0, 0, 1:, 1:]),
    ),
    "AveragePool-dilations": (
        *(19, pool.format(2), "y = AveragePool<kernel_shape=[2,2], dilations=[2,2]>(x)", {"x": plane}),
        *(FOUR, "f4", (1, 1, 3, 3), plane[0, 0, :3, :3] + 2.5),
    ),
    "AveragePool-pads": (
        *(
            11,
            pool.format(4),
            "y = AveragePool<kernel_shape=[3,3], pads=[1,1,1,1], count_include_pad=1>(x)",
            {"x": plane},
        ),
        *(FOUR, "f4", (1, 1, 4, 4), np.add.outer([3.5, 5.5, 9.5, 11.5], [0, 0.5, 1.5, 2])),
    ),
    "MaxPool-lower": (
        *(12, pool.format(4), 'y = MaxPool<kernel_shape=[2,2], auto_pad="SAME_LOWER">(x)', {"x": plane}),
        *(FOUR, "f4", (1, 1, 4, 4), plane[0, 0][[1, 2, 3, 3]][:, [1, 2, 3, 3]]),
    ),
    "AveragePool-lower": (
        *(11, pool.format(4), 'y = AveragePool<kernel_shape=[2,2], auto_pad="SAME_LOWER">(x)', {"x": plane}),
        *(FOUR, "f4", (1, 1, 4, 4), np.add.outer([3.5, 7.5, 11.5, 13.5], [0, 1, 2, 2.5])),
    ),
    "MaxPool-ceil": (
        *(12, pool.format(2), "y = MaxPool<kernel_shape=[1,1], strides=[2,2], ceil_mode=1>(x)", {"x": plane}),
        *(FOUR, "f4", (1, 1, 3, 3), [1, 3, 0, 9, 11, 0, 0, 0, 0]),
    ),
    "Gelu": (
        *(20, same, 'y = Gelu<approximate="tanh">(x)', {"x": square - 2}),
        *(FOUR, "f4", (2, 2), [-0.158655, 0, 0.841345, 1.9545]),
    ),
    "Swish": (24, same, "y = Swish<alpha=0.0>(x)", {"x": square}, FOUR, "f4", (2, 2), square / (1 + np.exp(-square))),
    "SpaceToDepth": (
        *(28, "(float[1,2,2,2] x) => (float[1,8,1,1] y)", 'y = SpaceToDepth<blocksize=2, mode="CRD">(x)'),
        *({"x": np.arange(8, dtype="f4").reshape(1, 2, 2, 2)}, FOUR, "f4", (1, 8, 1, 1), [0, 4, 1, 5, 2, 6, 3, 7]),
    ),
    # Other numbers.
    "ReduceMean-023": (
        *(13, "(float[3,2,1,2] x) => (float[1,2,1,1] y)", "y = ReduceMean<axes=[0,2,3]>(x)", {"x": batch}),
        *(FOUR, "f4", (1, 2, 1, 1), [100.5, 1005]),
    ),
    "Gemm-vector": (
        *(13, f"({gemm}, float[2] c) => (float[2,2] y)", "y = Gemm(a, b, c)", dict(product, c=line[:2])),
        *(("4.12",), "f4", (2, 2), MEMORY),
    ),
    "Gemm-number": (
        *(13, f"({gemm}, float c) => (float[2,2] y)", "y = Gemm(a, b, c)", dict(product, c=np.array(10, "f4"))),
        *(("4.12",), "f4", (2, 2), MEMORY),
    ),
    "Mod": (
        *(
            28,
            "(float[2,2] x, float[2,2] z) => (float[2,2] y)",
            "y = Mod<fmod=0>(x, z)",
            {"x": square + 0.5, "z": -square},
        ),
        *(("4.12",), "f4", (2, 2), 0),
    ),
    "InstanceNormalization": (
        *(
            6,
            "(float[2,2,2,2] x) => (float[2,2,2,2] y)",
        ),
        "s = Constant<value = float[2] {1, 3}>() b = Constant<value = float[2] {0, 7}>() "
        "y = InstanceNormalization<epsilon=0.001>(x, s, b)",  # the second image is not scaled
        *({"x": images}, ("4.8",), "f4", (2, 2, 2, 2)),
        [*ramp, 4.0004, 4.0004, 9.9996, 9.9996, *ramp, -0.99987, -0.99987, 0.99987, 0.99987],
    ),
}


def make():
    """The files, and with each what the evaluator gets from it."""
    from onnx import checker, helper, parser, save
    from onnx.reference import ReferenceEvaluator

    folder.mkdir(parents=True, exist_ok=True)
    for name, (opset, signature, body, inputs, *_) in CASES.items():
        model = parser.parse_model(f'<ir_version: 10, opset_import: ["" : {opset}]> g {signature} {{ {body} }}')
        checker.check_model(model)
        expected = np.asarray(ReferenceEvaluator(model).run(["y"], inputs)[0])
        dtype = helper.tensor_dtype_to_np_dtype(model.graph.output[-1].type.tensor_type.elem_type)
        save(model, folder / f"{name}.onnx")
        np.savez(folder / f"{name}.npz", expected=expected.astype("f4"), dtype=dtype.name)


def check():
    """Whether this version gives what is said of it."""
    import cv2

    version = ".".join(cv2.__version__.split(".")[:2])
    seen = []
    for name, (_, _, _, inputs, versions, dtype, shape, values) in CASES.items():
        if version not in versions:
            continue
        case = np.load(folder / f"{name}.npz")
        net = cv2.dnn.readNetFromONNX(str(folder / f"{name}.onnx"))
        for key, value in inputs.items():
            net.setInput(value, key)
        got, expected, right = net.forward("y"), case["expected"], str(case["dtype"])
        print(f"{name}: expected {right} {expected.shape} {expected.ravel()[:8]}")
        print(f"  got {got.dtype} {got.shape} {got.ravel()[:8]}")
        wrong = (str(got.dtype), got.shape) != (right, expected.shape) or not np.allclose(got, expected, 1e-4, 1e-5)
        given = expected if values is MEMORY else np.broadcast_to(np.ravel(values), got.size)
        claimed = np.allclose(got.ravel(), given.ravel(), 1e-4, 1e-5) != (values is MEMORY)
        seen.append(wrong and (got.dtype, got.shape) == (dtype, shape) and claimed)
        if not seen[-1]:
            print("  not as claimed")
    print("reproduced" if seen and all(seen) else "not reproduced")
    return not seen or not all(seen)


sys.exit(make() if sys.argv[1] == "make" else check())
