"""MNN: the types in which its outputs come, quantised numbers, and Resize without its mode.

MNN 3.6.1, onnx 1.23.2, numpy 2.4.6. Environment: mnn3.6, after the files are made by the suite's own Python.
    python docs/findings/mnn_types.py make /tmp/findings/types
    .tox/mnn3.6/bin/python docs/findings/mnn_types.py /tmp/findings/types
"""

import os
import sys
import tempfile

import numpy as np

X = (np.arange(12).reshape(2, 3, 1, 2) - 5).astype("f4")
ROWS = np.array([[1, 2], [3, 4]], "f4")
HALF, BYTE, WEIGHTS = np.float32(0.5), np.array([[-3, 0], [1, 2], [100, -100]], "i1"), np.array([[1, 2], [3, 4]], "i1")
SWAPPED = X.transpose(1, 0, 2, 3)
FLOOR = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
#: Nodes, constants, input, what ONNX demands, what MNN gives.
CASES = {
    "ArgMax": ([("ArgMax", "x", {"axis": 0, "keepdims": 0})], {}, ROWS, np.array([1, 1]), np.array([1, 1], "i4")),
    "Shape": ([("Shape", "x", {})], {}, ROWS, np.array([2, 2]), np.array([2, 2], "i4")),
    "Less": ([("Less", "x c", {})], {"c": np.float32(2.5)}, ROWS, ROWS < 2.5, (ROWS < 2.5).astype("i4")),
    "EyeLike to float32": (
        [("Cast", "x", {"to": 6}), ("EyeLike", "1", {"dtype": 1})],
        {},
        ROWS,
        np.eye(2, dtype="f4"),
        np.eye(2),
    ),
    "DequantizeLinear of int8 behind QuantizeLinear (the first two axes are exchanged)": (
        [("QuantizeLinear", "x s z", {}), ("DequantizeLinear", "1 s z", {})],
        {"s": HALF, "z": np.int8(8)}, X, X, SWAPPED,
    ),
    "  of uint8 (128 too many are taken away besides)": (
        [("QuantizeLinear", "x s z", {}), ("DequantizeLinear", "1 s z", {})],
        {"s": HALF, "z": np.uint8(100)}, X, X, SWAPPED - 64,
    ),
    "  of int8 behind a Gather": (
        [("Cast", "x", {"to": 7}), ("Gather", "w 1", {}), ("DequantizeLinear", "2 s z", {})],
        {"w": BYTE, "s": HALF, "z": np.int8(0)}, np.array([0, 1], "f4"), BYTE[:2] / np.float32(2),
        (BYTE[:2].view("u1") - 128.0) / 2,
    ),
    "  of an int8 constant, along its axis 0, then transposed, in a MatMul": (
        [("DequantizeLinear", "w s z", {"axis": 0}), ("Transpose", "1", {}), ("MatMul", "x 2", {})],
        {"w": WEIGHTS, "s": np.array([1, 10], "f4"), "z": np.zeros(2, "i1")}, ROWS,
        ROWS @ (WEIGHTS * [[1], [10]]).T.astype("f4"), None,
    ),
    "Resize without mode, which is nearest (it is linear)": (
        [("Resize", "x - s", FLOOR)],
        {"s": np.array([1, 1, 1, 2], "f4")}, ROWS[None, None], ROWS[None, None].repeat(2, 3),
        np.array([[[[1, 1.5, 2, 2], [3, 3.5, 4, 4]]]], "f4"),
    ),
    "  with mode": (
        [("Resize", "x - s", {"mode": "nearest", **FLOOR})],
        {"s": np.array([1, 1, 1, 2], "f4")}, ROWS[None, None], ROWS[None, None].repeat(2, 3), "right",
    ),
    "  with nearest_mode ceil (it is floor)": (
        [("Resize", "x - s", {"mode": "nearest", "nearest_mode": "ceil"})],
        {"s": np.array([1, 1, 1, 2], "f4")}, ROWS[None, None], ROWS[None, None][..., [0, 1, 1, 1]],
        ROWS[None, None].repeat(2, 3),
    ),
}  # fmt: skip


def make(path, nodes, constants, x, expected):
    """An ONNX file: the nodes' outputs are 1, 2, …, the last is y; "-" is an input that is left out."""
    import onnx
    from onnx import helper, numpy_helper

    last = len(nodes)
    made = [
        helper.make_node(
            op, ["" if i == "-" else i for i in inputs.split()], ["y" if n == last else str(n)], **attributes
        )
        for n, (op, inputs, attributes) in enumerate(nodes, 1)
    ]
    kind = helper.np_dtype_to_tensor_dtype(expected.dtype)
    graph = helper.make_graph(
        made,
        "case",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, x.shape)],
        [helper.make_tensor_value_info("y", kind, expected.shape)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


def forward(path, x):
    """The output, run as the documentation does."""
    import _tools
    import MNN

    made = os.path.join(tempfile.mkdtemp(), "model.mnn")
    _tools.mnnconvert(["mnnconvert", "-f", "ONNX", "--modelFile", path, "--MNNModel", made, "--bizCode", "MNN"])
    manager = MNN.nn.create_runtime_manager(({"backend": "CPU", "numThread": 1, "precision": "high"},))
    module = MNN.nn.load_module_from_file(made, ["x"], ["y"], runtime_manager=manager)
    found = module.forward([MNN.expr.const(x, x.shape, MNN.expr.NCHW, MNN.expr.float)])[0]
    return np.array(MNN.expr.convert(found, MNN.expr.NCHW).read())


def like(one, other):
    return one.dtype == other.dtype and one.shape == other.shape and np.allclose(one, other, atol=1e-4)


if sys.argv[1] == "make":
    os.makedirs(sys.argv[2], exist_ok=True)
seen = []
for number, (finding, (nodes, constants, x, expected, given)) in enumerate(CASES.items()):
    path = os.path.join(sys.argv[-1], "{}.onnx".format(number))
    if sys.argv[1] == "make":
        make(path, nodes, constants, x, expected)
        continue
    got = forward(path, x)
    print("## {}:\n  expected".format(finding), expected.dtype, expected.shape, expected.ravel()[:6])
    print("  got     ", got.dtype, got.shape, got.ravel()[:6])
    if isinstance(given, str):
        seen.append(like(got, expected))
    else:
        seen.append(not like(got, expected) and (given is None or like(got, given.astype(got.dtype))))
    if not seen[-1]:
        print("  NOT AS CLAIMED")
if sys.argv[1] != "make":
    print("reproduced" if all(seen) else "not reproduced")
    sys.exit(not all(seen))
