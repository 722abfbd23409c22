"""ONNX Runtime on five of ONNX's own operator cases, and on Cast to texts, whose cases ONNX 1.22 has no longer.

No error, other numbers than those that come with them. onnx 1.23.2, onnxruntime 1.31.1.
Environment: the suite's own Python (`pip install -e .`).
    python docs/findings/onnxruntime_onnx_cases.py
"""

import sys
import warnings

import numpy as np
import onnxruntime as ort
from onnx import TensorProto, helper
from onnx.backend.test.case.node import collect_testcases

CASES = (
    "test_resize_downsample_scales_linear_align_corners",
    "test_resize_downsample_scales_cubic_align_corners",
    "test_maxunpool_export_with_output_shape",
    "test_attention_4d_with_past_and_present_qk_matmul_bias_3d_mask_causal",
    "test_attention_4d_with_past_and_present_qk_matmul_bias_4d_mask_causal",
)

warnings.simplefilter("ignore")
found = 0
for case in collect_testcases(None):
    if case.name in CASES:
        case.model.ir_version = 10  # that of onnx 1.23 is too new for the runtime
        session = ort.InferenceSession(case.model.SerializeToString(), providers=["CPUExecutionProvider"])
        inputs, expected = case.data_sets[0]
        got = session.run(None, {i.name: np.asarray(x) for i, x in zip(session.get_inputs(), inputs)})
        wrong = [n for n, (a, b) in enumerate(zip(expected, got)) if not np.allclose(a, b, 1e-3, 1e-5)]
        for n in wrong:
            with np.printoptions(precision=3, suppress=True, threshold=12):
                print(case.name, "output", session.get_outputs()[n].name)
                print("  expected", np.asarray(expected[n]).ravel()[-12:], "\n  got     ", got[n].ravel()[-12:])
        found += bool(wrong)

# The cases of ONNX 1.16 want the shortest text that is this float32; ONNX's text says nothing of the number of digits.
x = np.array([0.6048455, 0.1, 1000.00006, 1000.0001], np.float32)
values = [helper.make_tensor_value_info(n, t, [4]) for n, t in (("x", TensorProto.FLOAT), ("y", TensorProto.STRING))]
graph = helper.make_graph([helper.make_node("Cast", ["x"], ["y"], to=TensorProto.STRING)], "g", values[:1], values[1:])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=8)
got = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]
print("Cast to texts\n  expected", [str(n) for n in x], "\n  got     ", got.tolist())
texts = got[0] == "0.60484552" and got[2] == got[3]
print("reproduced" if found == len(CASES) and texts else "not reproduced")
sys.exit(found != len(CASES) or not texts)
