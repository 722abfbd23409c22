"""IREE on ONNX's own operator cases: what it gives, without an error, instead of what ONNX demands.

iree-base-compiler 3.13.0, iree-base-runtime 3.13.0, onnx 1.23.2, numpy 2.4.6. Environment: iree3.13.
    .tox/iree3.13/bin/python docs/findings/iree_onnx_cases.py
"""

import sys
import warnings

import ml_dtypes
import numpy as np
from iree import compiler, runtime
from iree.compiler.extras import onnx_importer
from iree.compiler.ir import Context
from onnx import parser, reference, shape_inference

warnings.simplefilter("ignore")  # of the importer, and of the evaluator's divisions by zero
NAN, INF, F8 = np.nan, np.inf, ml_dtypes.float8_e4m3fn
POOL = "AveragePool<ceil_mode=1, count_include_pad=1, kernel_shape=[3], strides=[2]>"
RESIZE = 'Resize<coordinate_transformation_mode="align_corners", mode="linear">'
LSTM = (
    "float[1,1,2] x, float[1,4,2] w, float[1,4,1] r, float[1,8] b, "
    "int32[1] s, float[1,1,1] h, float[1,1,1] c, float[1,3] p"
)
GATES = [np.full(shape, 0.1, "f4") for shape in ((1, 4, 2), (1, 4, 1))]
STATES = [np.zeros((1, 8), "f4"), np.array([1], "i4"), np.zeros((1, 1, 1), "f4"), np.ones((1, 1, 1), "f4")]
IMAGE = np.arange(1, 7, dtype="f4").reshape(1, 1, 3, 2)
PLANES = np.arange(8, dtype="f4")


def f4(*values):
    """An array of float32."""
    return np.array(values, "f4")


def i1(*values, dtype="i1"):
    """An array of int8."""
    return np.array(values, dtype)


def grid(*points):
    """A grid of one row."""
    return np.array([[points]], "f4")


#: Name, opset, inputs, outputs, nodes, values of the inputs; dtype and values of what is given as the first output.
CASES = [
    (
        "Unsigned integers",
        17,
        "uint8[2] a, uint8[2] b",
        "uint8[2] y",
        "y = Add(a, b)",
        [i1(100, 3, dtype="u1")] * 2,
        ("int8", [-56, 6]),
    ),
    (
        "Cast from float64: its bytes",
        17,
        "double[2] a",
        "float[2] y",
        "y = Cast<to=1>(a)",
        [np.array([1.5, -2])],
        ("float32", [0, 1.9375]),
    ),
    (
        "CastLike to float8",
        19,
        "float[2] a, float8e4m3fn[1] b",
        "float8e4m3fn[2] y",
        "y = CastLike(a, b)",
        [f4(1, 500), np.zeros(1, F8)],
        ("float8_e4m3fn", [1, NAN]),
    ),
    (
        "QuantizeLinear to float8",
        21,
        "float[2] a, float s, float8e4m3fn[1] z",
        "float8e4m3fn[2] y",
        "y = QuantizeLinear(a, s, z)",
        [f4(1, 1e5), np.array(2, "f4"), np.zeros(1, F8)],
        ("float8_e4m3fn", [0.5, NAN]),
    ),
    (
        "AveragePool, ceil_mode: divides by what is not there",
        19,
        "float[1,1,6] a",
        "float[1,1,3] y",
        "y = %s(a)" % POOL,
        [np.ones((1, 1, 6), "f4")],
        ("float32", [1, 1, 2 / 3]),
    ),
    ("Det of [[0, 1], [2, 3]]", 11, "float[2,2] a", "float y", "y = Det(a)", [f4([0, 1], [2, 3])], ("float32", [NAN])),
    (
        "LpNormalization of zeros",
        22,
        "float[2,2] a",
        "float[2,2] y",
        "y = LpNormalization<axis=0, p=2>(a)",
        [f4([3, 0], [4, 0])],
        ("float32", [0.6, NAN, 0.8, NAN]),
    ),
    (
        "LSTM: peepholes ignored",
        17,
        LSTM,
        "float[1,1,1] h1",
        "y, h1 = LSTM<hidden_size=1>(x, w, r, b, s, h, c, p)",
        [f4([[1, 2]]), *GATES, *STATES, f4([5, 5, 5])],
        ("float32", [0.3620265]),
    ),
    (
        "GridSample-zeros beyond the right edge",
        22,
        "float[1,1,3,2] a, float[1,1,2,2] g",
        "float[1,1,1,2] y",
        "y = GridSample(a, g)",
        [IMAGE, grid([2, 0], [3, 0])],
        ("float32", [2.5, 3]),
    ),
    (
        "GridSample-nearest: half away from zero",
        22,
        "float[1,1,3,2] a, float[1,1,1,2] g",
        "float[1,1,1,1] y",
        'y = GridSample<mode="nearest">(a, g)',
        [IMAGE, grid([0, 0])],
        ("float32", [4]),
    ),
    (
        "QLinearMatMul of three axes: no zero points",
        21,
        "int8[1,1,2] a, float s, int8 z, int8[1,2,1] b",
        "int8[1,1,1] y",
        "y = QLinearMatMul(a, s, z, b, s, z, s, z)",
        [i1([[10, 20]]), np.array(1, "f4"), np.array(5, "i1"), i1([[3], [4]])],
        ("int8", [115]),
    ),
    (
        "SoftmaxCrossEntropyLoss: by whole weights",
        13,
        "float[2,3] a, int64[2] t, float[3] w",
        "float y",
        "y = SoftmaxCrossEntropyLoss(a, t, w)",
        [f4([1, 2, 3], [3, 1, 0]), np.array([0, 2]), f4(0.5, 2, 4)],
        ("float32", [3.4707968]),
    ),
    (
        "SplitToSequence: one piece",
        12,
        "float[6] a, int64[3] n",
        "int64 y",
        "s = SplitToSequence(a, n) y = SequenceLength(s)",
        [PLANES[:6], np.array([2, 2, 2])],
        ("int64", [1]),
    ),
    (
        "DepthToSpace-CRD of 4 channels by 2",
        13,
        "float[1,4,1,2] a",
        "float[1,1,2,4] y",
        'y = DepthToSpace<blocksize=2, mode="CRD">(a)',
        [PLANES.reshape(1, 4, 1, 2)],
        ("float32", range(8)),
    ),
    (
        "SpaceToDepth-CRD (opset 28)",
        28,
        "float[1,2,2,2] a",
        "float[1,8,1,1] y",
        'y = SpaceToDepth<blocksize=2, mode="CRD">(a)',
        [PLANES.reshape(1, 2, 2, 2)],
        ("float32", [0, 4, 1, 5, 2, 6, 3, 7]),
    ),
    (
        "1 / Mod (opset 28): sign of zero",
        28,
        "float[2] a, float[2] b",
        "float[2] y",
        "r = Mod(a, b) y = Reciprocal(r)",
        [f4(0, 0), f4(-2, 2)],
        ("float32", [INF, INF]),
    ),
    (
        "Mod-fmod by infinity",
        17,
        "float[1] a, float[1] b",
        "float[1] y",
        "y = Mod<fmod=1>(a, b)",
        [f4(1), f4(INF)],
        ("float32", [NAN]),
    ),
    (
        "Resize-corners, 0.6 of 4: ambiguous",
        19,
        "float[1,1,2,4] a, float[4] s",
        "float[1,1,1,2] y",
        'y = %s(a, "", s)' % RESIZE,
        [PLANES.reshape(1, 1, 2, 4), f4(1, 1, 0.6, 0.6)],
        ("float32", [0, 3]),
    ),
]


def model_of(opset, inputs, outputs, nodes):
    """The smallest model of a case."""
    head = '<ir_version: 8, opset_import: ["" : %d]>' % opset
    return parser.parse_model("%s g (%s) => (%s) {%s}" % (head, inputs, outputs, nodes))


def forward(model, arrays):
    """The first output, as iree.runtime gives it."""
    info = onnx_importer.ModelInfo(shape_inference.infer_shapes(model, data_prop=True))
    module = info.create_module(context=Context()).operation
    onnx_importer.NodeImporter.define_function(info.main_graph, module).import_all()
    flags = ["--iree-llvmcpu-target-cpu=generic"]
    binary = compiler.compile_str(module.get_asm(), target_backends=["llvm-cpu"], extra_args=flags)
    config = runtime.Config("local-sync")
    return runtime.load_vm_module(runtime.VmModule.copy_buffer(config.vm_instance, binary), config)["g"](
        *arrays
    ).to_host()


seen = []
for name, opset, inputs, outputs, nodes, arrays, (dtype, values) in CASES:
    model = model_of(opset, inputs, outputs, nodes)
    names = [value.name for value in model.graph.input]
    expected = reference.ReferenceEvaluator(model).run(None, dict(zip(names, arrays)))[0]
    got = forward(model, arrays)
    print("%s: expected %s %s, got %s %s" % (name, expected.dtype, expected.ravel(), got.dtype, got.ravel()))
    right = [np.asarray(a, "f8").ravel() for a in (expected, got)]
    alike = expected.dtype == got.dtype and np.allclose(*right, 1e-4, equal_nan=True)
    seen.append(not alike and str(got.dtype) == dtype and np.allclose(right[1], np.ravel(values), 1e-4, equal_nan=True))
print("reproduced" if all(seen) else "not reproduced %s" % seen)
sys.exit(not all(seen))
