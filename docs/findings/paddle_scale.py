"""PaddlePaddle: a tensor times or plus a number is written in float32; an output that is input + 1 is the input.

paddlepaddle 3.3.1, paddle2onnx 2.1.0, onnx 1.17.0, onnxruntime 1.31.1, numpy 2.4.6. Environment: paddle3.3.
    .tox/paddle3.3/bin/python docs/findings/paddle_scale.py
"""

import contextlib
import io
import os
import sys

os.environ["POLYGRAPHY_AUTOINSTALL_DEPS"] = "0"

import numpy as np
import onnxruntime
import paddle
import polygraphy.backend.onnx  # noqa: F401 - reads the variable above

PATH = "/tmp/paddle_scale"
seen = []


class Next(paddle.nn.Layer):
    """The next number."""

    def forward(self, x):
        return x + 1


class AbsOfNext(paddle.nn.Layer):
    """The same, and an operator behind it."""

    def forward(self, x):
        return paddle.abs(x + 1)


class Third(paddle.nn.Layer):
    """A third of a number."""

    def forward(self, x):
        return x * (1 / 3)


for model, x, least in (
    (Next(), np.array([1.0, 2.0], np.float32), 1),
    (AbsOfNext(), np.array([1, 2**24 + 2, 2**53 - 2], np.int64), 1),
    (Third(), np.array([1.0, 10.0], np.float64), 1e-9),
):
    model.eval()
    expected = model(paddle.to_tensor(x)).numpy()
    with contextlib.redirect_stdout(io.StringIO()):
        paddle.onnx.export(model, PATH, [paddle.static.InputSpec(x.shape, str(x.dtype), "x")], opset_version=13)
    got = onnxruntime.InferenceSession(PATH + ".onnx", providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]
    told = (type(model).__name__, x.dtype, expected.tolist(), got.tolist())
    print("%s of %s: expected %s, got %s" % told, flush=True)
    seen.append(abs(expected - got).max() >= least)

print("reproduced" if all(seen) else "not reproduced")
sys.exit(not all(seen))
