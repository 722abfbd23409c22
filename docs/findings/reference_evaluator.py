"""What ONNX's reference evaluator gets wrong, by NumPy and ONNX Runtime; and an LRN that ONNX Runtime refuses.

onnx 1.23.2, onnxruntime 1.31.1, numpy 2.4.6. Environment: the suite's own Python (`pip install -e .`).
    python docs/findings/reference_evaluator.py
"""

import sys

import numpy as np
import onnxruntime as ort
from onnx import TensorProto, checker, helper
from onnx.reference import ReferenceEvaluator

rng = np.random.default_rng(0)
ort.set_default_logger_severity(4)
seen = []


def case(finding, expected, op, arrays, opset=17, outputs=1, suspect="evaluator", rank=None, **attributes):
    """Runs one node on both; `expected` None: ONNX Runtime's answer. The suspect alone should miss it."""
    names = [f"i{i}" for i in range(len(arrays))]
    inputs = [
        helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape)
        for n, a in zip(names, arrays)
    ]
    rank = rank or expected.ndim
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, [None] * rank)
    node = helper.make_node(op, names, ["final"] * (outputs - 1) + ["y"], **attributes)
    model = helper.make_model(
        helper.make_graph([node], "g", inputs, [result]), opset_imports=[helper.make_opsetid("", opset)], ir_version=8
    )
    checker.check_model(model, full_check=True)
    feeds = dict(zip(names, arrays))
    runtimes = {
        "onnxruntime": lambda: ort.InferenceSession(model.SerializeToString()).run(None, feeds)[0],
        "evaluator": lambda: ReferenceEvaluator(model).run(None, feeds)[0],
    }
    print(f"{finding}: expected", "what ONNX Runtime gives" if expected is None else expected.shape)
    for name, run in runtimes.items():
        try:
            got = run()
            expected = got if expected is None else expected
            same = got.shape == expected.shape
            right = same and np.allclose(got, expected, atol=1e-4)
            said = f"got {got.shape}" + (f", error {np.abs(got - expected).max():.1e}" if same else "")
        except Exception as error:
            right, said = False, f"{type(error).__name__}: {str(error).splitlines()[0][:120]}"
        print(f"  {name}: {said}")
        seen.append(right == (name != suspect))


def lrn(x, size, alpha=0.1, beta=0.75):
    """The operator's own formula: squares summed over `size` channels around each."""
    squares = np.pad(x**2, [(0, 0), ((size - 1) // 2, size // 2), (0, 0), (0, 0)])
    return x / (1 + alpha / size * sum(squares[:, i : i + x.shape[1]] for i in range(size))) ** beta


x = rng.normal(size=(2, 5, 3, 3)).astype("f4")
z = rng.normal(size=(2, 3, 7)).astype("f4")
scale, bias, mean = rng.normal(size=(3, 5)).astype("f4")
normal = (x - mean[:, None, None]) / np.sqrt(2 + 1e-5) * scale[:, None, None] + bias[:, None, None]
q, w = rng.normal(size=(1, 4, 3, 3)).astype("f4"), rng.normal(size=(4, 1, 2, 2)).astype("f4")
each = np.zeros((1, 4, 4, 4), "f4")  # a depthwise transposed convolution, by its definition
for i, j in np.ndindex(2, 2):
    each[:, :, i : i + 3, j : j + 3] += q * w[:, 0, i, j][:, None, None]
sequence, r = rng.normal(size=(3, 1, 2)).astype("f4"), rng.normal(size=(1, 2, 2)).astype("f4")
zero_one = np.array([0, 1], "f4")
state = np.ones((2, 4), "f4")
value = helper.make_tensor_value_info
body = helper.make_graph(  # hands on its condition and its state, and scans the state
    [helper.make_node("Identity", [a], [b]) for a, b in (("c", "c1"), ("s", "s1"), ("s", "scan"))],
    "body",
    [value("i", TensorProto.INT64, []), value("c", TensorProto.BOOL, []), value("s", TensorProto.FLOAT, [2, 4])],
    [
        value("c1", TensorProto.BOOL, []),
        value("s1", TensorProto.FLOAT, [2, 4]),
        value("scan", TensorProto.FLOAT, [2, 4]),
    ],
)

case("LRN", lrn(x, 3), "LRN", [x], size=3, alpha=0.1)
many = np.tile(x[:1], (5, 1, 1, 1))  # as many images as channels: there the evaluator's LRN is right
case("LRN of even size", lrn(many, 4), "LRN", [many], size=4, alpha=0.1, suspect="onnxruntime")
case("GlobalMaxPool of three dimensions", z.max(2, keepdims=True), "GlobalMaxPool", [z])
for opset in (9, 13):
    batch_norm = [x, scale, bias, mean, np.full(5, 2, "f4")]
    case(f"BatchNormalization at opset {opset}", normal, "BatchNormalization", batch_norm, opset)
shift = np.arange(4, dtype="f4")
case("ConvTranspose, depthwise", each + shift[:, None, None], "ConvTranspose", [q, w, shift], group=4)
case("ConvTranspose, 2 groups", None, "ConvTranspose", [q, np.tile(w, (1, 3, 1, 1))], group=2, rank=4)
for shape in ((4,), (4, 1, 1)):  # ONNX does not define the first: it broadcasts over the last axis, which has five
    slopes, image = np.arange(4, dtype="f4").reshape(shape), rng.normal(size=(2, 4, 6, 5)).astype("f4")
    leaky = np.where(image < 0, image * slopes.reshape(4, 1, 1), image)
    refusing = "onnxruntime" if slopes.ndim == 1 else None
    finding = f"PRelu, slope {shape} for (2, 4, 6, 5)" + (", rightly refused; by channel" if refusing else "")
    case(finding, leaky, "PRelu", [image, slopes], suspect=refusing)
case("OneHot, depth of shape (1)", np.eye(3, dtype="f4")[[2, 0]], "OneHot", [np.array([2, 0]), np.array([3]), zero_one])
case("GlobalLpPool", np.sqrt((x**2).sum((2, 3), keepdims=True)), "GlobalLpPool", [x])
case("RNN with Relu", None, "RNN", [sequence, r, r], outputs=2, rank=3, hidden_size=2, activations=["Relu"])
case("Loop, scan output", np.stack([state] * 7), "Loop", [np.array(7), np.array(True), state], outputs=2, body=body)
columns = np.array([[[6, 0], [1, 1], [2, 5]]] * 2)
for axis, suspect in ((2, None), (-1, "evaluator")):
    picked = np.take_along_axis(z, columns, 2)
    case(f"GatherElements, axis {axis}", picked, "GatherElements", [z, columns], suspect=suspect, axis=axis)
for length, suspect in ((63, None), (64, "evaluator")):
    row, first = np.arange(length, dtype="f4")[None], np.array([[0, 1, 2]])
    case(f"GatherElements of {length}", row[:, :3], "GatherElements", [row, first], suspect=suspect, axis=1)

nodes = [helper.make_node("Optional", ["x"], ["o"]), helper.make_node("OptionalGetElement", ["o"], ["y"])]
graph = helper.make_graph(nodes, "g", *([value(n, TensorProto.FLOAT, [3])] for n in "xy"))
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
checker.check_model(model, full_check=True)
print("The element of an Optional: expected", shift[:3])
for name, run in (
    ("onnxruntime", ort.InferenceSession(model.SerializeToString()).run),
    ("evaluator", ReferenceEvaluator(model).run),
):
    got = run(None, {"x": shift[:3]})[0]
    print(f"  {name}: got {got}")
    seen.append(isinstance(got, list) == (name == "evaluator"))

print("reproduced" if all(seen) else "not reproduced")
sys.exit(not all(seen))
