"""ONNX Runtime on five of ONNX's own operator cases: no error, other numbers than those that come with them.

onnx 1.23.2, onnxruntime 1.31.1. Environment: the suite's own Python (`pip install -e .`).
    python docs/findings/onnxruntime_onnx_cases.py
"""

import sys
import warnings

import numpy as np
import onnxruntime as ort
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
print("reproduced" if found == len(CASES) else "not reproduced")
sys.exit(found != len(CASES))
