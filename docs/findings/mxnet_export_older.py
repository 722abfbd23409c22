"""MXNet 1.7: max pooling with ceil_mode is written without it, though the file is of opset 10, which has it.

The log says that ONNX does not support it. mxnet 1.7.0.post2, onnx 1.5.0, numpy 1.19.5; 1.8.0.post0 and 1.9.1 write it.
Environment: mxnet1.7.
    .tox/mxnet1.7/bin/python docs/findings/mxnet_export_older.py
"""

import sys

import numpy as np
import onnx
from mxnet import nd
from mxnet.contrib import onnx as mx_onnx
from mxnet.gluon import nn

net = nn.HybridSequential()
net.add(nn.MaxPool2D(3, 2, ceil_mode=True))
net.hybridize()
expected = net(nd.zeros((1, 1, 6, 6))).shape  # windows begin at 0, 2 and 4
net.export("/tmp/mxnet_export_older")
files = "/tmp/mxnet_export_older-symbol.json", "/tmp/mxnet_export_older-0000.params"
mx_onnx.export_model(files[0], files[1], [(1, 1, 6, 6)], np.float32, "/tmp/mxnet_export_older.onnx")
model = onnx.load("/tmp/mxnet_export_older.onnx")
node = model.graph.node[0]
attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
print("opset", model.opset_import[0].version, node.op_type, attributes)
ceil = attributes.get("ceil_mode", 0)
print("expected", expected, "by ceil_mode=1, got ceil_mode=%d" % ceil)
print("reproduced" if expected == (1, 1, 3, 3) and not ceil else "not reproduced")
sys.exit(expected != (1, 1, 3, 3) or bool(ceil))
