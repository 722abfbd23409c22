"""OpenVINO: its default precision is bfloat16 on a CPU that has that; a transposed convolution at the end is spared.

openvino 2026.4.1, numpy 2.4.6. Environment: openvino2026.4, after make_files.py; a CPU with AMX or AVX-512 BF16.
    python docs/findings/make_files.py /tmp/findings
    .tox/openvino2026.4/bin/python docs/findings/openvino_bfloat16.py /tmp/findings
"""

import sys

import numpy as np
import openvino as ov

CHOSEN = {"MatMul": ["bf16"], "Transposed": ["f32"], "Transposed-Conv": ["bf16", "bf16"]}
LAYERS = ("FullyConnected", "MatMul", "Convolution", "Deconvolution")
rng = np.random.default_rng(0)
seen = []


def compute(name, x, settings):
    """What FOLDER/name.onnx makes of x, and the precision of each of its layers."""
    compiled = ov.Core().compile_model(f"{sys.argv[1]}/{name}.onnx", "CPU", settings)
    infos = [node.get_rt_info() for node in compiled.get_runtime_model().get_ordered_ops()]
    precisions = [info["runtimePrecision"].astype(str) for info in infos if info["layerType"].astype(str) in LAYERS]
    return compiled({"x": x})[0], precisions


for name, chosen in CHOSEN.items():
    x = rng.normal(size=(64, 64) if name == "MatMul" else (2, 4, 8, 8)).astype("f4")
    exact, told = compute(name, x, {"INFERENCE_PRECISION_HINT": "f32"})
    got, precisions = compute(name, x, {})
    error = np.abs(got - exact).max() / np.abs(exact).max()
    print(f"{name}: expected {told}, got {precisions}, {error:.1e} of the scale from float32")
    seen.append(precisions == chosen and set(told) == {"f32"} and (error > 1e-4) == ("bf16" in chosen))

print("reproduced" if all(seen) else "not reproduced")
sys.exit(not all(seen))
