"""ONNX Runtime with OpenVINO: what OpenVINO alone gets wrong too: ReduceL1 before opset 18, LRN of even size, averages;
and, until 2025.4, Clip of int64 without a maximum.

onnxruntime-openvino 1.24.1 (OpenVINO 2025.4.1), numpy 2.4.6. Environment: ortopenvino1.24, after make_files.py.
    python docs/findings/make_files.py /tmp/findings
    .tox/ortopenvino1.24/bin/python docs/findings/ortopenvino_operators.py /tmp/findings
"""

import sys

import numpy as np
import onnxruntime as ort

rng = np.random.default_rng(0)
seen = []


def case(name, x, expected, wrong=True):
    """Runs FOLDER/name.onnx; says which provider took its node."""
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    session = ort.InferenceSession(f"{sys.argv[1]}/{name}.onnx", options, providers=["OpenVINOExecutionProvider"])
    provider = session.get_provider_graph_assignment_info()[0].ep_name
    got = session.run(None, {"x": x})[0]
    right = got.shape == expected.shape and np.allclose(got, expected, atol=1e-4)
    print(f"{name}: expected {expected.shape} {expected.ravel()[:4]}\n  {provider} got {got.shape} {got.ravel()[:4]}")
    seen.append(right != wrong and provider == "OpenVINOExecutionProvider")


x = rng.normal(size=(2, 3, 4)).astype("f4")
for opset in (13, 17, 18):
    case(f"ReduceL1-{opset}", x, np.abs(x).sum(1, keepdims=True), wrong=opset < 18)
    case(f"ReduceLogSumExp-{opset}", x, np.log(np.exp(x).sum(1, keepdims=True)), wrong=False)

x = rng.normal(size=(2, 5, 3, 3)).astype("f4")
squares = np.pad(x**2, [(0, 0), (1, 2), (0, 0), (0, 0)])  # ONNX: (size - 1) // 2 channels before, size // 2 behind
case("LRN", x, x / (1 + 0.1 / 4 * sum(squares[:, i : i + 5] for i in range(4))) ** 0.75)

# A window of 3 over [0] 1 2 3 4 [0], stride 2: the last has 4, a padding cell, and one beyond that does not count.
case("AveragePool", np.array([[[[1, 2, 3, 4]]]], "f4"), np.array([[[[1, 3, 2]]]], "f4"))

x = np.array([0, 1, 2, -3, 4])
case("Clip-int64-1", x, np.maximum(x, 1))
case("Clip-int64-2", x, np.clip(x, 1, 3), wrong=False)
print("reproduced" if all(seen) else "not reproduced")
sys.exit(not all(seen))
