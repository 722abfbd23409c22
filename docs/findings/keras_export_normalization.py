"""Keras 3.15 on TensorFlow, `Model.export(format="onnx")`: the constants of a Normalization become graph inputs.

Environment: tensorflow2.21. Command: .tox/tensorflow2.21/bin/python docs/findings/keras_export_normalization.py
The layer keeps its mean and deviation as eager tensors, which the traced function captures; tf2onnx declares captured
tensors as inputs of the graph, without a value and without a warning. Nobody who feeds the model's own input can run
the file. keras.applications.ConvNeXt* have the layer in front, and so have EfficientNetB* and V2.
"""

import os
import sys
import tempfile

os.environ["KERAS_BACKEND"] = "tensorflow"

import keras
import onnx

model = keras.Sequential(
    [keras.Input((4,), name="x"), keras.layers.Normalization(mean=[1.0, 2.0, 3.0, 4.0], variance=[1.0, 4.0, 9.0, 16.0])]
)
model(keras.ops.ones((2, 4)))
path = os.path.join(tempfile.mkdtemp(), "model.onnx")
model.export(path, format="onnx", verbose=False)
names = [value.name for value in onnx.load(path).graph.input]
print("expected: one graph input\ngot:      %s" % names)
wrong = len(names) != 1
print("reproduced" if wrong else "not reproduced")
sys.exit(0 if wrong else 1)
