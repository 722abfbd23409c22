"""Keras on PyTorch, Model.export(format="onnx"): ops.take over an axis becomes a Squeeze of an axis longer than one.

keras.ops.take calls Tensor.squeeze(axis) behind index_select, which in PyTorch leaves a longer axis alone; torch.onnx
(dynamo) writes a Squeeze of that axis all the same, which ONNX forbids. keras 3.15.1, torch 2.13.0, onnxscript 0.7.2.
Environment: kerastorch3.15.
    .tox/kerastorch3.15/bin/python docs/findings/keras_export_torch.py
"""

import os
import sys
import tempfile

os.environ["KERAS_BACKEND"] = "torch"

import keras
import numpy as np
import onnx
import torch
from keras import ops


def refusal(proto):
    """What the checker has against a file, or ""."""
    try:
        onnx.checker.check_model(proto, full_check=True)
    except Exception as error:
        return " ".join(str(error).split())[:200]
    return ""


class Selected(torch.nn.Module):
    def forward(self, x):
        return torch.index_select(x, 1, torch.tensor([2, 0])).squeeze(1)


x = keras.Input(batch_shape=(2, 3, 4), name="x")
model = keras.Model(x, ops.take(x, np.array([2, 0]), axis=1))
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "model.onnx")
    signature = [keras.InputSpec("float32", (2, 3, 4), name="x")]
    model.export(path, format="onnx", verbose=False, input_signature=signature)
    files = {"keras.ops.take": onnx.load(path)}
files["index_select, squeeze"] = torch.onnx.export(Selected(), (torch.ones(2, 3, 4),), dynamo=True).model_proto

done = []
for what, proto in files.items():
    said = refusal(proto)
    print(what, [node.op_type for node in proto.graph.node], "expected a valid file, got", said or "one")
    done.append("Squeeze" in said)
print("reproduced" if all(done) else "not reproduced")
sys.exit(not all(done))
