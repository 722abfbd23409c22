"""OpenVINO: the greatest or least along an axis, then quantised: other numbers. It is what maxout comes to in int8.

openvino 2026.4.1, numpy 2.4.6. Environment: openvino2026.4, after make_files.py.
    python docs/findings/make_files.py /tmp/findings
    .tox/openvino2026.4/bin/python docs/findings/openvino_quantised_reduction.py /tmp/findings
"""

import sys

import numpy as np
import openvino as ov

x = np.array([[[-0.5, -0.25], [0.5, 1]]], "f4")  # whole steps of 0.01, in the range of the zero point, 100
reductions = {"ReduceMax": np.max, "ReduceMin": np.min, "ReduceMean": np.mean}
seen = []
for op, reduce in reductions.items():
    for keep in (False, True):
        for kind in ("Quantize", "alone"):  # with QuantizeLinear and DequantizeLinear behind it; without
            name = f"{op}-{kind}" + ("-kept" if keep else "")
            settings = {"INFERENCE_PRECISION_HINT": "f32"}
            got = ov.Core().compile_model(f"{sys.argv[1]}/{name}.onnx", "CPU", settings)({"x": x})[0]
            expected = reduce(x, axis=-1, keepdims=keep)
            print(f"{name}: expected {expected.ravel()}, got {got.ravel()}")
            wrong = op != "ReduceMean" and kind == "Quantize"
            seen.append(got.shape == expected.shape and wrong != np.allclose(got, expected, atol=0.0051))

print("reproduced" if all(seen) else "not reproduced")
sys.exit(not all(seen))
