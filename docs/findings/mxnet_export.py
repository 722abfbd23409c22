"""MXNet: files that mx.onnx.export_model writes with the wrong output, attribute, shape or type; read from the graph.

mxnet 1.9.1, onnx 1.8.1, numpy 1.23.5. Environment: mxnet1.9.
    .tox/mxnet1.9/bin/python docs/findings/mxnet_export.py
"""

import os
import sys

os.environ["MXNET_ENGINE_TYPE"] = "NaiveEngine"

import mxnet as mx
import mxnet.onnx
import onnx
from mxnet import nd
from mxnet.gluon import HybridBlock, nn, rnn
from onnx import numpy_helper

seen = []


def exported(block, *inputs):
    """The ONNX model of a block that was initialized and run."""
    block.initialize(mx.init.Normal(0.5))
    block.hybridize()
    block(*inputs)
    block.export("/tmp/mxnet_export")
    names = ["data%d" % i for i in range(len(inputs))] if len(inputs) > 1 else ["data"]
    order = [names.index(n) for n in mx.sym.load("/tmp/mxnet_export-symbol.json").list_inputs() if n in names]
    files = "/tmp/mxnet_export-symbol.json", "/tmp/mxnet_export-0000.params"
    shapes, types = [inputs[i].shape for i in order], [inputs[i].dtype for i in order]
    mx.onnx.export_model(files[0], files[1], shapes, types, "/tmp/mxnet_export.onnx")
    return onnx.load("/tmp/mxnet_export.onnx")


def constant(model, name):
    return next(numpy_helper.to_array(t) for t in model.graph.initializer if t.name == name)


def nodes(model, operator):
    return [node for node in model.graph.node if node.op_type == operator]


def maker(model, name):
    return next(node for node in model.graph.node if name in node.output)


def case(finding, expected, got):
    print("%s: expected %s, got %s" % (finding, expected, got))
    seen.append(expected != got)


class States(HybridBlock):
    """Returns what `call` makes of the layer and the inputs."""

    def __init__(self, layer, call):
        super().__init__()
        self.layer, self.call = layer, call

    def hybrid_forward(self, F, x, *states):
        return self.call(self.layer, x, list(states))


x = nd.random.normal(shape=(2, 6))

dense, twice = nn.Dense(6, in_units=6), nn.HybridSequential()
twice.add(dense, nn.Activation("relu"), dense)
model = exported(twice, x)
made = maker(model, model.graph.output[0].name)
operators = [node.op_type for node in model.graph.node]
case("a block used twice, %s: node of the output" % operators, len(operators) - 1, list(model.graph.node).index(made))

model = exported(
    nn.HybridLambda(lambda F, x: F.contrib.BilinearResize2D(x, scale_height=2, scale_width=2, align_corners=False)),
    nd.random.normal(shape=(1, 1, 3, 4)),
)
modes = [a.s.decode() for a in nodes(model, "Resize")[0].attribute if a.name == "coordinate_transformation_mode"]
case("BilinearResize2D(align_corners=False)", "half_pixel", modes[0])

zeros = nd.zeros((2, 4))
model = exported(States(rnn.LSTMCell(4, input_size=6), lambda cell, x, s: cell(x, s)[1]), x, zeros, zeros)
case("LSTMCell, its two states: graph outputs", 2, len(model.graph.output))

for kind in (rnn.RNN, rnn.LSTM, rnn.GRU):
    states = [nd.zeros((2, 2, 4))] * (2 if kind is rnn.LSTM else 1)
    stack = States(kind(4, 2, input_size=6), lambda layer, x, s: layer(x, s)[0])
    model = exported(stack, nd.random.normal(shape=(3, 2, 6)), *states)
    first = maker(model, nodes(model, kind.__name__)[0].input[1])  # Reshape of the first layer's W
    gates = {"RNN": 1, "LSTM": 4, "GRU": 3}[kind.__name__]
    wide = [1, gates * 4, 6]
    case("%s of two layers, 6 to 4: W of the first" % kind.__name__, wide, constant(model, first.input[1]).tolist())

model = exported(nn.PReLU(in_channels=3), nd.random.normal(shape=(2, 3, 4, 5)))
case("PReLU of 3 channels, (2, 3, 4, 5)", (3, 1, 1), constant(model, nodes(model, "PRelu")[0].input[1]).shape)

model = exported(nn.HybridLambda(lambda F, x: F.split_v2(x, (1, 3), axis=-1)), x)
cut = nodes(model, "Slice")[0]  # of the shape, for the size along the axis
start, end = (constant(model, name)[0] for name in cut.input[1:3])
case("split_v2(axis=-1) of (2, 6): shape[%d:%d]" % (start, end), (6,), x.shape[start:end])

row, ids = nd.ones((1, 6)), nd.zeros((1, 2))
pads = {
    "where": (lambda F, x, y: F.where(x, x, y), x, x),
    "tile": (lambda F, x: F.tile(x, (2, 1)), row),
    "gather_nd": (lambda F, x, y: F.gather_nd(x, y), x, ids),
}
for name, (call, *inputs) in pads.items():
    model = exported(nn.HybridLambda(call), *inputs)
    case("%s: shape of the value of Pad" % name, (), constant(model, nodes(model, "Pad")[0].input[2]).shape)

hot = nn.HybridSequential()
hot.add(nn.HybridLambda(lambda F, x: F.one_hot(x, depth=5)), nn.Dense(3, in_units=10, use_bias=False))
model = exported(hot, nd.array([[0, 1], [2, 3]], dtype="int64"))
case(
    "one_hot of int64, Dense: type of the bias", "float32", constant(model, nodes(model, "Gemm")[0].input[2]).dtype.name
)

print("reproduced" if all(seen) else "not reproduced")
sys.exit(not all(seen))
