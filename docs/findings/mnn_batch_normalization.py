"""MNN: BatchNormalization whose mean and variance are computed from a constant, as in timm's NFNets.

MNN 3.6.1, numpy 2.4.6. Environment: mnn3.6, and a second one with onnx to write the file.
    .tox/onnxruntime1.31/bin/python docs/findings/mnn_batch_normalization.py /tmp/bn.onnx
    .tox/mnn3.6/bin/python docs/findings/mnn_batch_normalization.py /tmp/bn.onnx
"""

import os
import sys
import tempfile

import numpy as np

path = sys.argv[1]
x = np.array([[[1, 2, 3, 4], [10, 20, 30, 40]]], "f4")
expected = x + (x - x.mean(2, keepdims=True)) / np.sqrt(x.var(2, keepdims=True) + 1e-5)

if not os.path.exists(path):
    import onnx
    from onnx import TensorProto, helper

    value = helper.make_tensor_value_info
    numbers = {"s": [1, 1], "b": [0, 0]}
    held = [helper.make_tensor(name, TensorProto.FLOAT, [2], given) for name, given in numbers.items()]
    held.append(helper.make_tensor("axes", TensorProto.INT64, [2], [0, 2]))
    held.append(helper.make_tensor("w", TensorProto.FLOAT, x.shape, x.ravel().tolist()))
    nodes = [
        helper.make_node("ReduceMean", ["w", "axes"], ["kept"]),
        helper.make_node("ReduceMean", ["w", "axes"], ["mean"], keepdims=0),
        helper.make_node("Sub", ["w", "kept"], ["off"]),
        helper.make_node("Mul", ["off", "off"], ["square"]),
        helper.make_node("ReduceMean", ["square", "axes"], ["variance"], keepdims=0),
        helper.make_node("BatchNormalization", ["w", "s", "b", "mean", "variance"], ["normal"]),
        helper.make_node("Add", ["x", "normal"], ["y"]),
    ]
    ends = [[value(name, TensorProto.FLOAT, [1, 2, 4])] for name in "xy"]
    graph = helper.make_graph(nodes, "g", *ends, held)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)
    import onnxruntime

    got = onnxruntime.InferenceSession(path).run(None, {"x": x})[0]
    print("ONNX Runtime's error:", np.abs(got - expected).max())
    sys.exit()

import _tools  # noqa: E402
import MNN  # noqa: E402

made = os.path.join(tempfile.mkdtemp(), "model.mnn")
_tools.mnnconvert(["mnnconvert", "-f", "ONNX", "--modelFile", path, "--MNNModel", made, "--bizCode", "MNN"])
manager = MNN.nn.create_runtime_manager(({"backend": "CPU", "numThread": 1, "precision": "high"},))
module = MNN.nn.load_module_from_file(made, ["x"], ["y"], runtime_manager=manager)
fed = MNN.expr.const(x, x.shape, MNN.expr.NCHW, MNN.expr.float)
got = np.array(MNN.expr.convert(module.forward([fed])[0], MNN.expr.NCHW).read())
print("expected", expected.round(4).tolist())
print("got", got.shape, got.round(4).tolist())
seen = not np.allclose(got.ravel(), expected.ravel(), atol=1e-2)
print("reproduced" if seen else "not reproduced")
sys.exit(not seen)
