"""MXNet 1.7 and 1.8: the importer's Softmax without axis works along axis 1, also at opset 13, where the default is -1.

1.9 takes -1, which is right from opset 13 on. mxnet 1.8.0.post0 (1.7.0.post2 alike), onnx 1.5.0, numpy 1.19.5.
Environment: mxnet1.8.
    .tox/mxnet1.8/bin/python docs/findings/mxnet_older.py
"""

import os
import sys

os.environ["MXNET_ENGINE_TYPE"] = "NaiveEngine"

import mxnet as mx
import numpy as np
import onnx
from mxnet.contrib import onnx as onnx2mx
from onnx import TensorProto, helper

path, seen = "/tmp/mxnet_older.onnx", []
x = np.log(np.array([[[1, 3], [1, 1]]], "f4"))  # (1, 2, 2)
last, second = np.array([[[1, 3], [2, 2]]]) / 4, np.array([[[2, 3], [2, 1]]]) / 4
for finding, attributes, given in (("without axis", {}, second), ("with axis -1", {"axis": -1}, last)):
    node = helper.make_node("Softmax", ["x"], ["y"], **attributes)
    ends = [[helper.make_tensor_value_info(name, TensorProto.FLOAT, x.shape)] for name in "xy"]
    model = helper.make_model(helper.make_graph([node], "g", *ends))
    model.opset_import[0].version, model.ir_version = 13, 4
    onnx.save(model, path)
    symbol, arguments, states = onnx2mx.import_model(path)
    executor = symbol.bind(mx.cpu(), dict(arguments, x=mx.nd.array(x)), aux_states=states, grad_req="null")
    got = executor.forward()[0].asnumpy()
    print("Softmax of opset 13 %s: expected %s\n  got %s" % (finding, last.tolist(), got.tolist()))
    seen.append(np.allclose(got, given, atol=1e-5))

print("reproduced" if all(seen) else "not reproduced")
sys.exit(not all(seen))
