"""OpenVINO: reductions that ignore their axes or lead a Mul astray, LRN of even size, overhanging averages, Reshapes
that do not fit, Unsqueeze without axes, Loops that return what they were given, a Dropout that renames x.

openvino 2026.4.1, numpy 2.4.6. Environment: openvino2026.4, after make_files.py.
    python docs/findings/make_files.py /tmp/findings
    .tox/openvino2026.4/bin/python docs/findings/openvino_operators.py /tmp/findings
"""

import sys

import numpy as np
import openvino as ov

rng = np.random.default_rng(0)
seen = []


def case(name, x, expected, wrong=True):
    """Runs FOLDER/name.onnx in float32."""
    settings = {"INFERENCE_PRECISION_HINT": "f32"}
    try:
        compiled = ov.Core().compile_model(f"{sys.argv[1]}/{name}.onnx", "CPU", settings)
        got = compiled({"x": x})[0]
        same = got.shape == expected.shape
        right = same and np.allclose(got, expected, atol=1e-4)
        said = f"{got.shape} {got.ravel()[:4]}" + (f", error {np.abs(got - expected).max():.1e}" if same else "")
    except Exception as error:
        right, said = False, f"{type(error).__name__}: {' '.join(str(error).split())[-110:]}"
    print(f"{name}: expected {expected.shape} {expected.ravel()[:4]}")
    print("  got", said)
    seen.append(right != wrong)


x = rng.normal(size=(2, 3, 4)).astype("f4")
for opset in (13, 17, 18):
    case(f"ReduceL1-{opset}", x, np.abs(x).sum(1, keepdims=True), wrong=opset < 18)
    case(f"ReduceLogSumExp-{opset}", x, np.log(np.exp(x).sum(1, keepdims=True)), wrong=opset < 18)

# Mul by 1 ... 6 along the axis of six, behind a reduction over the last axis: wrong where x has three axes.
reductions = {"Sum": np.sum, "Mean": np.mean, "Max": np.max, "L2": np.linalg.norm}
for name, reduce in reductions.items():
    for shape, rows in (((6, 4), (6, 1)), ((2, 6, 4), (6, 1)), ((2, 6, 4, 4), (6, 1, 1))):
        x = np.arange(np.prod(shape), dtype="f4").reshape(shape)
        expected = reduce(x, axis=-1, keepdims=True) * np.arange(1, 7).reshape(rows)
        case(f"Reduce{name}-Mul-{len(shape)}", x, expected, wrong=len(shape) == 3)

x = rng.normal(size=(2, 5, 3, 3)).astype("f4")
squares = np.pad(x**2, [(0, 0), (1, 2), (0, 0), (0, 0)])  # ONNX: (size - 1) // 2 channels before, size // 2 behind
case("LRN", x, x / (1 + 0.1 / 4 * sum(squares[:, i : i + 5] for i in range(4))) ** 0.75)

# A window of 3 over [0] 1 2 3 4 [0], stride 2: the last has 4, a padding cell, and one beyond that does not count.
x = np.array([[[[1, 2, 3, 4]]]], "f4")
case("AveragePool", x, np.array([[[[1, 3, 2]]]], "f4"))

x = np.array([[1, 2, 3], [4, 5, 6]], "f4")
case("Unsqueeze", x, x)
for name in ("Loop-k", "Loop-kept"):  # adds 1 three times; the body returns the 1 as it came, or through an Identity
    case(name, np.zeros(2, "f4"), np.array([3, 3], "f4"), wrong=name == "Loop-k")

# Reshape to (7, 2, 4): 56 numbers, then 16, which do not fit.
fits, short = np.arange(56, dtype="f4").reshape(2, 7, 4), np.full((1, 4, 4), 100, "f4")
for threads in (1, 2):
    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads}
    compiled = ov.Core().compile_model(f"{sys.argv[1]}/Reshape.onnx", "CPU", settings)
    before = compiled({"x": fits})[0].copy()
    try:
        got = compiled({"x": short})[0]
        said, silent = f"{got.shape} {got.ravel()[:4]}", True
    except Exception as error:
        said, silent = f"{type(error).__name__}: {' '.join(str(error).split())[-60:]}", False
    print(f"Reshape of 16 to 56 numbers, threads: {threads}: expected an exception\n  got {said}")
    seen.append(silent == (threads == 1))

case("Dropout", np.ones((2, 3), "f4"), np.ones((2, 3), "f4"))
print("  input names:", ov.Core().read_model(f"{sys.argv[1]}/Dropout.onnx").inputs[0].get_names())

print("reproduced" if all(seen) else "not reproduced")
sys.exit(not all(seen))
