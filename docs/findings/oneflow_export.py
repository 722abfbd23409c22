"""OneFlow: valid files that oneflow_onnx writes of another model, at its own opset, 10, and at 13.

oneflow 0.8.0, oneflow-onnx 0.6.2, onnx 1.13.1, onnx-simplifier 0.4.33, onnxruntime 1.19.2, numpy 1.23.5.
Environment: oneflow0.8. OneFlow makes a folder log/ where it is started.
    .tox/oneflow0.8/bin/python docs/findings/oneflow_export.py
Each model is run by OneFlow, and by ONNX Runtime from the file.
"""

import contextlib
import io
import os
import sys
import tempfile

import numpy as np
import oneflow as flow
import onnx
import onnxruntime
from oneflow import nn
from oneflow_onnx.oneflow2onnx.util import export_onnx_model

seen = []


class Call(nn.Module):
    """Returns what `call` makes of x."""

    def __init__(self, call):
        super().__init__()
        self.call = call

    def forward(self, x):
        return self.call(x)


class Graph(nn.Graph):
    """The static graph of a module."""

    def __init__(self, module):
        super().__init__()
        self.module = module

    def build(self, x):
        return self.module(x)


def exported(call, x, read, **options):
    """What `read` makes of the file of `call`."""
    graph = Graph(Call(call).eval())
    graph._compile(flow.tensor(x))
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        path = os.path.join(folder, "model.onnx")
        clean_up = export_onnx_model(graph, onnx_model_path=path, **options)[1]
        clean_up()
        return read(path)


def run_by(path):
    """ONNX Runtime with a file."""
    quiet = onnxruntime.SessionOptions()
    quiet.log_severity_level = 3
    return onnxruntime.InferenceSession(path, quiet)


def case(finding, call, x, **options):
    """Prints the first numbers of OneFlow and of the file, and notes whether they differ."""
    expected, made = call(flow.tensor(x)).numpy(), exported(call, x, run_by, **options)
    got = made.run(None, {made.get_inputs()[0].name: x})[0]
    print(finding)
    for word, array in (("expected", expected), ("got", got)):
        print("    %s %s %s" % (word, array.shape, np.round(array.ravel()[:5], 4)), flush=True)
    seen.append(expected.shape != got.shape or not np.allclose(expected, got, atol=1e-4))


x = np.random.RandomState(0).randn(2, 4, 4, 4).astype(np.float32)
odd = np.random.RandomState(0).randn(2, 4, 3, 5).astype(np.float32)

case("two transpositions behind each other vanish", lambda x: x.permute(0, 2, 1, 3).permute(0, 1, 3, 2) * 2, x)
case("MaxPool2d(2, 1, dilation=2) is written without its dilation", nn.MaxPool2d(2, 1, 0, 2), x)
case("MaxPool2d(2, 2, 1, ceil_mode=True) is written without its padding", nn.MaxPool2d(2, 2, 1, ceil_mode=True), odd)
case("AvgPool2d(2, 2, divisor_override=3) is written without its divisor", nn.AvgPool2d(2, 2, divisor_override=3), x)
case("Hardtanh(-1, 1) is written as Clip(0, 6)", nn.Hardtanh(-1.0, 1.0), x)
case("Softplus(beta=3) is written as Softplus()", nn.Softplus(beta=3), x)
case("flatten(x, 0, 2) is written as Flatten of axis 1", lambda x: flow.flatten(x, 0, 2), x)
case("sum(x, 1) at opset 13 sums over all axes", lambda x: flow.sum(x, dim=1), odd, opset=13)
case("var(x, 1) at opset 13 counts the cells of axis 0", lambda x: flow.var(x, dim=1), odd, opset=13)

made = exported(lambda x: x * 2, x, run_by, dynamic_batch_size=True)
shapes = made.get_inputs()[0].shape, made.get_outputs()[0].shape
print("dynamic_batch_size=True: expected a free first axis of input and output, got %s and %s" % shapes)
seen.append(shapes[0][0] != shapes[1][0])

(norm,) = exported(nn.BatchNorm2d(4).eval(), x, onnx.load, opset=6).graph.node
told = sorted(attribute.name for attribute in norm.attribute)
print("BatchNorm2d for inference at opset 6: expected is_test, without which it is in training, got", ", ".join(told))
seen.append("is_test" not in told)

print("reproduced" if all(seen) else "not reproduced")
sys.exit(0 if all(seen) else 1)
