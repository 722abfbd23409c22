"""OpenVINO: attention over as many positions as it has heads comes out wrong.

openvino 2026.4.1, numpy 2.4.6. Environment: openvino2026.4.
    .tox/openvino2026.4/bin/python docs/findings/openvino_attention.py

The graph is what timm's and many others' attention exports as: queries, keys and values (batch, positions, heads, size)
from one array, transposed to (batch, heads, positions, size), and the result transposed back.
"""

import sys

import numpy as np
import openvino as ov
from openvino import opset13 as ops

rng = np.random.default_rng(0)


def constant(*numbers):
    """Numbers as a constant of the graph."""
    return ops.constant(np.array(numbers, "i8"))


def error(positions, heads, back=True, size=8):
    """The greatest error of the compiled graph."""
    x = ops.parameter([1, positions, 3 * heads * size], np.float32)
    parts = ops.transpose(ops.reshape(x, constant(1, positions, 3, heads, size), False), constant(2, 0, 3, 1, 4))
    q, k, v = (ops.squeeze(part, constant(0)) for part in ops.split(parts, ops.constant(0), 3).outputs())
    scale = ops.constant(np.float32(size**-0.25))
    scores = ops.matmul(
        ops.multiply(q, scale), ops.multiply(ops.transpose(k, constant(0, 1, 3, 2)), scale), False, False
    )
    y = ops.matmul(ops.softmax(scores, -1), v, False, False)
    y = ops.transpose(y, constant(0, 2, 1, 3)) if back else y
    options = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = ov.Core().compile_model(ov.Model([ops.result(y)], [x], "attention"), "CPU", options)

    feed = rng.standard_normal((1, positions, 3 * heads * size)).astype("f4")
    q, k, v = feed.astype("f8").reshape(1, positions, 3, heads, size).transpose(2, 0, 3, 1, 4)
    weights = np.exp(q @ k.swapaxes(2, 3) / np.sqrt(size))
    expected = weights / weights.sum(-1, keepdims=True) @ v
    return np.abs(compiled([feed])[0] - (expected.swapaxes(1, 2) if back else expected)).max()


wrong = error(4, 4)
others = [error(3, 4), error(5, 4), error(4, 2), error(4, 4, back=False)]
print(f"4 positions, 4 heads: expected an error of 1e-6, got {wrong:.2g}")
print("3 or 5 positions with 4 heads, 4 with 2, 4 with 4 not transposed back:", ", ".join(f"{e:.2g}" for e in others))
seen = wrong > 0.1 and max(others) < 1e-4
print("reproduced" if seen else "not reproduced")
sys.exit(not seen)
