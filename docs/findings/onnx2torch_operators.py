"""onnx2torch: reductions over two axes without keepdims, CumSum, Resize with asymmetric corners, and what it has not.

onnx2torch 1.5.15, torch 2.13.0, onnx 1.23.2, numpy 2.4.6. Environment: onnx2torch1.5.
    .tox/onnx2torch1.5/bin/python docs/findings/onnx2torch_operators.py
"""

import sys

import numpy as np
import torch
from onnx import TensorProto, checker, helper, numpy_helper

declared = torch.library.Library("torchvision", "DEF")  # onnx2torch imports torchvision, which wants these two
for name in ("nms", "qnms"):
    declared.define(name + "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
import onnx2torch  # noqa: E402

rng = np.random.default_rng(0)
seen = []


def case(finding, x, expected, op, constants=(), opset=17, wrong=True, **attributes):
    """Converts one node and runs it on x; where `wrong`, onnx2torch should miss `expected`."""
    held = [numpy_helper.from_array(array, f"c{i}") for i, array in enumerate(constants)]
    names = ["x"] + [array.name if array.dims != [0] else "" for array in held]
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, [None] * expected.ndim)
    graph = helper.make_graph([helper.make_node(op, names, ["y"], **attributes)], "g", [value], [result], held)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    checker.check_model(model, full_check=True)
    try:
        got = onnx2torch.convert(model)(torch.from_numpy(x)).detach().numpy()
        right = got.shape == expected.shape and np.allclose(got, expected, atol=1e-4)
        said = f"{got.shape} {got.ravel()[:6]}"
    except Exception as error:
        right, said = False, f"{type(error).__name__}: {str(error).splitlines()[0][:120]}"
    print(f"{finding}: expected {expected.shape} {expected.ravel()[:6]}\n  got {said}")
    seen.append(right != wrong)


x = rng.normal(size=(2, 3, 5, 4)).astype("f4")
for op, numpy_op in (("ReduceMax", np.max), ("ReduceMin", np.min), ("ReduceProd", np.prod)):
    case(f"{op} over axes 1, -1", x, numpy_op(x, axis=(1, -1)), op, axes=[1, -1], keepdims=0)

along = [np.array(0)]
ones, rising = np.ones(4, "f4"), np.array([1, 2, 3, 4], "f4")
case("CumSum", ones, rising, "CumSum", along)
case("CumSum, reverse=0", ones, rising, "CumSum", along, wrong=False, reverse=0)

# x_original = x_resized / 2, between the two neighbours, the last repeated.
row = np.array([[[[0, 1, 4]]]], "f4")
doubled = np.array([[[[0, 0.5, 1, 2.5, 4, 4]]]], "f4")
scales = [np.zeros(0, "f4"), np.array([1, 1, 1, 2], "f4")]
corners = {"mode": "linear", "coordinate_transformation_mode": "asymmetric"}
case("Resize, linear, asymmetric", row, doubled, "Resize", scales, **corners)

for op in ("LSTM", "GRU", "RNN"):
    gates = {"LSTM": 4, "GRU": 3, "RNN": 1}[op]
    weights = [np.ones((1, gates * 3, 4), "f4"), np.ones((1, gates * 3, 3), "f4")]
    case(op, np.ones((7, 2, 4), "f4"), np.ones((7, 1, 2, 3)), op, weights, hidden_size=3)
case("GlobalMaxPool", x, x.max((2, 3), keepdims=True), "GlobalMaxPool")
case("LpPool", x, np.ones((2, 3, 4, 3)), "LpPool", kernel_shape=[2, 2])
one_hot = [np.array(3, "f4"), np.array([0, 1], "f4")]
case("OneHot", np.array([2, 0], "f4"), np.eye(3, dtype="f4")[[2, 0]], "OneHot", one_hot)

print("reproduced" if all(seen) else "not reproduced")
sys.exit(not all(seen))
