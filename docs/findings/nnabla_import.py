"""NNabla: what its ONNX importer reads with the wrong constants, types or sizes.

nnabla 1.39.0, nnabla-converter 1.39.0, onnx 1.13.1, numpy 1.26.4. Environment: nnabla1.39.
    .tox/nnabla1.39/bin/python docs/findings/nnabla_import.py
"""

import sys

import numpy as np
import onnx
from nnabla.utils.converter.nnabla import NnpExporter
from nnabla.utils.converter.onnx import OnnxImporter
from nnabla.utils.nnp_graph import NnpLoader
from onnx import TensorProto, helper, numpy_helper

seen = []


def run(operator, inputs, output, opset=13, shapes=None, constants=(), **attributes):
    """What NNabla computes for one node, after `nnabla_cli convert` to .nnp; inputs are {name: array}."""
    shapes = shapes or {name: array.shape for name, array in inputs.items()}
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()]
    made = helper.make_tensor_value_info("y", *output)
    node = helper.make_node(operator, list(inputs) + [tensor.name for tensor in constants], ["y"], **attributes)
    graph = helper.make_graph([node], "net", values, [made], list(constants))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=7)
    onnx.checker.check_model(model)
    onnx.save(model, "/tmp/nnabla_import.onnx")
    NnpExporter(OnnxImporter("/tmp/nnabla_import.onnx").execute(), -1).execute("/tmp/nnabla_import.nnp")
    network = NnpLoader("/tmp/nnabla_import.nnp").get_network("net", batch_size=len(next(iter(inputs.values()))))
    for name, array in inputs.items():
        network.inputs[name].d = array
    network.outputs["y"].forward()
    return network.outputs["y"].d


def case(finding, expected, got):
    print("%s: expected %s, got %s" % (finding, expected, got))
    seen.append(expected != got)


x = np.array([[-5.0, -1.0, 2.0]], np.float32)
alpha, gamma = 1.67326319217681884765625, 1.05070102214813232421875  # the defaults since opset 6
y = run("Selu", {"x": x}, (TensorProto.FLOAT, (1, 3)))
truth = gamma * np.where(x > 0, x, alpha * np.expm1(x))
case("Selu without attributes, greatest error above 1e-5", False, bool(np.abs(y - truth).max() > 1e-5))

box = np.arange(24, dtype=np.float32).reshape(1, 4, 6)
numbers = {"starts": [0], "ends": [4], "axes": [1], "steps": [2]}
constants = [numpy_helper.from_array(np.array(value, np.int64), name) for name, value in numbers.items()]
y = run("Slice", {"x": box}, (TensorProto.FLOAT, (1, 2, 6)), constants=constants)
case("Slice of every second row (axis 1 of 3), numbers", box[:, ::2].ravel().tolist(), y.ravel().tolist())

y = run("ArgMax", {"x": x}, (TensorProto.INT64, (1,)), axis=1, keepdims=0)
case("ArgMax, dtype", "int64", str(y.dtype))

y = run("Greater", {"x": x, "z": x - 1}, (TensorProto.BOOL, (1, 3)))
case("Greater, dtype", "bool", str(y.dtype))

print("reproduced" if all(seen) else "not reproduced")
sys.exit(not all(seen))
