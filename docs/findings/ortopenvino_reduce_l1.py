"""ONNX Runtime with OpenVINO: ReduceL1 before opset 18 ignores its axes, as it does in OpenVINO alone.

onnxruntime-openvino 1.24.1 (OpenVINO 2025.4.1), numpy 2.4.6. Environment: ortopenvino1.24, after make_files.py.
    python docs/findings/make_files.py /tmp/findings
    .tox/ortopenvino1.24/bin/python docs/findings/ortopenvino_reduce_l1.py /tmp/findings
"""

import sys

import numpy as np
import onnxruntime as ort

x = np.random.default_rng(0).normal(size=(2, 3, 4)).astype("f4")
cases = {"ReduceL1": np.abs(x).sum(1, keepdims=True), "ReduceLogSumExp": np.log(np.exp(x).sum(1, keepdims=True))}
seen = []
for name, expected in cases.items():
    for opset in (13, 17, 18):
        session = ort.InferenceSession(f"{sys.argv[1]}/{name}-{opset}.onnx", providers=["OpenVINOExecutionProvider"])
        got = session.run(None, {"x": x})[0]
        right = got.shape == expected.shape and np.allclose(got, expected, atol=1e-4)
        print(f"{name}-{opset}: expected {expected.shape} {expected.ravel()[:2]}\n  got {got.shape} {got.ravel()[:2]}")
        seen.append(right != (name == "ReduceL1" and opset < 18))
print("reproduced" if all(seen) else "not reproduced")
sys.exit(not all(seen))
