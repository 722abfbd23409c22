"""ONNX Runtime: a Gather by Range(n - 1, -1, -1) comes out empty from the extended optimisations on.

onnxruntime 1.31.1, onnx 1.23.2, numpy 2.4.6. Environment: the suite's own Python (`pip install -e .`).
    python docs/findings/onnxruntime_range.py
"""

import sys

import numpy as np
import onnxruntime as ort
from onnx import TensorProto, checker, helper, numpy_helper

nodes = [
    helper.make_node("Shape", ["x"], ["s"]),
    helper.make_node("Gather", ["s", "zero"], ["n"]),
    helper.make_node("Sub", ["n", "one"], ["last"]),
    helper.make_node("Range", ["last", "minus_one", "minus_one"], ["ids"]),
    helper.make_node("Gather", ["x", "ids"], ["y"], axis=0),
]
constants = [numpy_helper.from_array(np.array(v), n) for n, v in (("zero", 0), ("one", 1), ("minus_one", -1))]
x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["a", "b"])
y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["c", "b"])
graph = helper.make_graph(nodes, "reverse", [x], [y], constants)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7)
checker.check_model(model, full_check=True)

feed = np.arange(12, dtype="f4").reshape(3, 4)
right = {}
print("expected", feed[::-1].tolist())
for level in ("ORT_DISABLE_ALL", "ORT_ENABLE_BASIC", "ORT_ENABLE_EXTENDED", "ORT_ENABLE_ALL"):
    options = ort.SessionOptions()
    options.graph_optimization_level = getattr(ort.GraphOptimizationLevel, level)
    got = ort.InferenceSession(model.SerializeToString(), options).run(None, {"x": feed})[0]
    right[level] = np.array_equal(got, feed[::-1])
    print(f"{level}: got {got.shape} {got.tolist()}")

reproduced = list(right.values()) == [True, True, False, False]
print("reproduced" if reproduced else "not reproduced")
sys.exit(not reproduced)
