"""PaddlePaddle: files that paddle.onnx.export writes with an attribute that the model does not have, or without a node.

paddlepaddle 3.3.1, paddle2onnx 2.1.0, onnx 1.17.0, onnxruntime 1.31.1, numpy 2.4.6. Environment: paddle3.3.
    .tox/paddle3.3/bin/python docs/findings/paddle_export.py
Where an attribute was never read, the file has what was in memory there: it differs from one export to the next, and
may be right by chance, as 0 is for the padding of LocalResponseNorm.
"""

import contextlib
import io
import os
import sys

os.environ["POLYGRAPHY_AUTOINSTALL_DEPS"] = "0"

import numpy as np
import onnx
import onnxruntime
import paddle
import paddle.nn.functional as F  # noqa: N812
import polygraphy.backend.onnx  # noqa: F401 - reads the variable above
from paddle import nn

PATH = "/tmp/paddle_export"
seen = []


class Call(nn.Layer):
    """Returns what `call` makes of x."""

    def __init__(self, call):
        super().__init__()
        self.call = call

    def forward(self, x):
        y = self.call(x)
        return y[0] if isinstance(y, tuple) else y


def exported(call, x, opset=13):
    """The ONNX model of `call`, a function or a layer."""
    model = Call(call)
    model.eval()
    spec = paddle.static.InputSpec(x.shape, "float32", "x")
    with contextlib.redirect_stdout(io.StringIO()):
        paddle.onnx.export(model, PATH, [spec], opset_version=opset)
    return onnx.load(PATH + ".onnx")


def attributes(model, operator):
    """The attributes of the first node of that operator."""
    node = next(node for node in model.graph.node if node.op_type == operator)
    return {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}


def case(finding, expected, got):
    """Prints and notes whether what was got is what was expected."""
    print("%s: expected %s, got %s" % (finding, expected, got), flush=True)
    seen.append(expected != got)


def spread(call, x):
    """By how much ONNX Runtime is off with the file."""
    expected = call(paddle.to_tensor(x)).numpy()
    exported(call, x)
    got = onnxruntime.InferenceSession(PATH + ".onnx").run(None, {"x": x})[0]
    return float(np.abs(got - expected).max())


x = np.random.RandomState(0).randn(2, 6, 5, 4).astype(np.float32)

slopes = [attributes(exported(lambda x: F.leaky_relu(x, 0.1), x), "LeakyRelu")["alpha"] for _ in range(3)]
case("leaky_relu(x, 0.1), alpha in three exports", ["0.1"] * 3, ["%.3g" % a for a in slopes])

norm = nn.GroupNorm(3, 6, 1e-3)
epsilons = [attributes(exported(norm, x), "InstanceNormalization")["epsilon"] for _ in range(3)]
case("GroupNorm(epsilon=1e-3), epsilon in three exports", ["0.001"] * 3, ["%.3g" % e for e in epsilons])

model = exported(lambda x: F.pad(x, [1, 0, 0, 0], value=2.5, data_format="NCHW"), x, 9)
case("pad with 2.5, value", 2.5, attributes(model, "Pad").get("value", 0.0))

off = spread(lambda x: F.gelu(x, approximate=True), x)
case("gelu(approximate=True) is written as the exact one: off by more than 1e-5", False, off > 1e-5)

off = spread(nn.AdaptiveAvgPool2D([3, 5]), np.random.RandomState(0).randn(2, 3, 10, 8).astype(np.float32))
case("AdaptiveAvgPool2D of 10 x 8 to 3 x 5: off by more than 1e-5", False, off > 1e-5)

model = exported(nn.SimpleRNN(4, 3), x[:, 0])
made = {name for node in model.graph.node for name in node.output} | {i.name for i in model.graph.input}
made |= {t.name for t in model.graph.initializer}
lost = [name for node in model.graph.node for name in node.input if name and name not in made]
case("SimpleRNN: inputs of nodes that nothing makes", [], lost)

print("reproduced" if all(seen) else "not reproduced")
sys.exit(0 if all(seen) else 1)
