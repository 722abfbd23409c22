"""NNabla: what its ONNX converter writes with the wrong operator, padding, type, shape or opset; read from the graph.

nnabla 1.39.0, nnabla-converter 1.39.0, onnx 1.13.1, numpy 1.26.4. Environment: nnabla1.39.
    .tox/nnabla1.39/bin/python docs/findings/nnabla_export.py
"""

import sys

import nnabla as nn
import nnabla.functions as F  # noqa: N812
import numpy as np
import onnx
from nnabla.utils.converter.nnabla import NnpImporter
from nnabla.utils.converter.onnx import OnnxExporter
from nnabla.utils.save import save

NNP = "/tmp/nnabla_export.nnp"
seen = []


def exported(inputs, output, **options):
    """The ONNX model of a graph, as `nnabla_cli convert` writes it."""
    names = {"x%d" % n: x for n, x in enumerate(inputs)}
    batch = inputs[0].shape[0]
    contents = {
        "networks": [{"name": "net", "batch_size": batch, "names": names, "outputs": {"y": output}}],
        "executors": [{"name": "run", "network": "net", "data": list(names), "output": ["y"]}],
    }
    save(NNP, contents)
    OnnxExporter(NnpImporter(NNP, expand_network=True).execute(), batch, -1, **options).execute(
        "/tmp/nnabla_export.onnx"
    )
    return onnx.load("/tmp/nnabla_export.onnx")


def variable(*shape):
    return nn.Variable.from_numpy_array(np.random.RandomState(0).randn(*shape).astype(np.float32))


def types(model):
    return [onnx.TensorProto.DataType.Name(i.type.tensor_type.elem_type) for i in model.graph.input]


def case(finding, expected, got):
    print("%s: expected %s, got %s" % (finding, expected, got))
    seen.append(expected != got)


x = variable(2, 6, 5)
for name, call in (("ArgMax", F.max), ("ArgMin", F.min)):
    model = exported([x], call(x, 2, only_index=True))
    case("%s(x, 2, only_index=True), operator" % call.__name__, name, model.graph.node[-1].op_type)

image = nn.Variable.from_numpy_array(np.arange(16, dtype=np.float32).reshape(1, 1, 4, 4))
y = F.average_pooling(image, (3, 3), (2, 2), pad=(1, 1), including_pad=False)
pad = next(node for node in exported([image], y).graph.node if node.op_type == "Pad")
mode = next((a.s.decode() for a in pad.attribute if a.name == "mode"), "constant")
case("average_pooling(including_pad=False): what the mean is taken of", "no padding", "padding, mode %s" % mode)

x = variable(2, 6, 7)
y = F.slice(x, (0, 0, 6), (2, 6, -8), (1, 1, -1))
shape = exported([x], y).graph.output[0].type.tensor_type.shape
case("slice backward to the first cell, declared shape", list(y.shape), [d.dim_value for d in shape.dim])

condition, a, b = variable(2, 1), variable(2, 3), variable(2, 3)
model = exported([condition, a, b], F.where(F.broadcast(condition, (2, 3)), a, b))
case("where of a broadcast condition: type of the condition", "BOOL", types(model)[0])

x = variable(2, 3)
for opset in (8, 12, 14):
    case("opset asked for %d" % opset, opset, exported([x], F.relu(x), opset=str(opset)).opset_import[0].version)

constant = exported([x], F.reshape(x, (3, 2)), opset="7").graph.node[0]
kind = onnx.TensorProto.DataType.Name(constant.attribute[0].t.data_type)
case("reshape at opset 7: type of the Constant, which may be", "FLOAT", kind)

print("reproduced" if all(seen) else "not reproduced")
sys.exit(not all(seen))
