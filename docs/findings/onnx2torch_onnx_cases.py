"""onnx2torch on ONNX's own operator cases: what it gives, without an error, instead of what ONNX demands.

The expected outputs were worked out by hand; the reference evaluator, in the same environment, agrees with each.
onnx2torch 1.5.15, torch 2.13.0, onnx 1.23.2, numpy 2.4.6. Environment: onnx2torch1.5.
    .tox/onnx2torch1.5/bin/python docs/findings/onnx2torch_onnx_cases.py
"""

import sys

import numpy as np
import torch
from onnx import checker, parser
from onnx.reference import ReferenceEvaluator

declared = torch.library.Library("torchvision", "DEF")  # onnx2torch imports torchvision, which wants these two
for name in ("nms", "qnms"):
    declared.define(name + "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
import onnx2torch  # noqa: E402

seen = []


def same(got, dtype, values):
    """Whether an array is just that."""
    values = np.asarray(values, "f8")
    return (got.dtype.name, got.shape) == (dtype, values.shape) and np.allclose(got, values, 1e-3, 1e-4)


def case(finding, opset, signature, body, expected, given, **inputs):
    """All that comes back; expected and given: dtype and values of the last output and of the last tensor returned."""
    model = parser.parse_model('<ir_version: 10, opset_import: ["" : %d]> g %s { %s }' % (opset, signature, body))
    checker.check_model(model, full_check=True)
    names = [output.name for output in model.graph.output]
    demanded = np.asarray(ReferenceEvaluator(model).run(names[-1:], inputs)[0])
    result = onnx2torch.convert(model).eval()(*[torch.from_numpy(array) for array in inputs.values()])
    tensors = [result] if torch.is_tensor(result) else list(result)
    got = tensors[-1].detach().numpy()
    print("%s: expected %d outputs, the last %s %s" % (finding, len(names), *expected))
    print("  got %d, the last %s %s %s" % (len(tensors), got.dtype, got.shape, got.tolist()))
    seen.append(same(demanded, *expected) and same(got, *given) and (len(tensors) < len(names) or given != expected))


def f(*values):
    return np.array(values, "f4")


norm = "(float[2,2] x, float[2] w, float[2] b) => (float[2,2] y, float[2,1] m, float[2,1] s)"
units = {"x": f([1, 3], [5, 5]), "w": f(1, 1), "b": f(0, 0)}
case(
    "LayerNormalization, mean and deviation asked for",
    17,
    norm,
    "y, m, s = LayerNormalization<epsilon=0.25>(x, w, b)",
    ("float32", [[0.8944], [2]]),
    ("float32", [[-0.8944, 0.8944], [0, 0]]),
    **units,
)
case(
    "NonZero",
    13,
    "(bool[2,2] x) => (int64[2,k] y)",
    "y = NonZero(x)",
    ("int64", [[0, 1, 1], [0, 0, 1]]),
    ("int64", [[0, 0], [1, 0], [1, 1]]),
    x=np.array([[1, 0], [1, 1]], "?"),
)
axis = "a = Constant<value=int32 {0}>() "
case(
    "CumSum, exclusive",
    14,
    "(float[3] x) => (float[3] y)",
    axis + "y = CumSum<exclusive=1>(x, a)",
    ("float32", [0, 1, 3]),
    ("float32", [5, 3, 0]),
    x=f(1, 2, 3),
)
case(
    "CumSum of int32",
    14,
    "(int32[3] x) => (int32[3] y)",
    axis + "y = CumSum<reverse=0>(x, a)",
    ("int32", [1, 3, 6]),
    ("int64", [1, 3, 6]),
    x=np.array([1, 2, 3], "i4"),
)
case(
    "Pow of an integer by a float",
    15,
    "(int32[2] x, float[2] e) => (int32[2] y)",
    "y = Pow(x, e)",
    ("int32", [8, 1]),
    ("float32", [8, 1.4142]),
    x=np.array([2, 2], "i4"),
    e=f(3, 0.5),
)
pad = 'y = Pad<mode="constant", pads=[0, 1], value=2.0>(x)'
case(
    "Pad with a value, opset 6",
    6,
    "(float[1] x) => (float[2] y)",
    pad,
    ("float32", [1, 2]),
    ("float32", [1, 0]),
    x=f(1),
)

print("reproduced" if all(seen) else "not reproduced")
sys.exit(not all(seen))
