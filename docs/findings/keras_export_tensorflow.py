"""Keras on TensorFlow, Model.export(format="onnx"): Bitcast left in the file, and bfloat16 inputs declared float16.

keras.ops.argmax looks for negative zeros through the sign bit; tf2onnx logs "Unsupported ops" and writes the file all
the same. A model in bfloat16 gets an input of float16 before weights of bfloat16. keras 3.15.1, tensorflow-cpu 2.21.0,
tf2onnx 1.17.0. Environment: tensorflow2.21.
    .tox/tensorflow2.21/bin/python docs/findings/keras_export_tensorflow.py
"""

import functools
import os
import sys
import tempfile

import keras
import onnx
from keras import ops


def exported(call, dtype):
    """The file of a Keras model that does call(x)."""
    x = keras.Input(batch_shape=(2, 3), dtype=dtype, name="x")
    model = keras.Model(x, call(x))
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.onnx")
        model.export(path, format="onnx", verbose=False, input_signature=[keras.InputSpec(dtype, (2, 3), name="x")])
        return onnx.load(path)


done = []
for function in (ops.argmax, ops.argmin):
    proto = exported(functools.partial(function, axis=1), "float32")
    left = [node.op_type for node in proto.graph.node if node.op_type == "Bitcast"]
    print(f"ops.{function.__name__}: expected operators of ONNX, got", left or "those")
    done.append(bool(left))

proto = exported(keras.layers.Dense(2, dtype="bfloat16"), "bfloat16")
found = [onnx.TensorProto.DataType.Name(i.type.tensor_type.elem_type) for i in proto.graph.input]
weights = {onnx.TensorProto.DataType.Name(i.data_type) for i in proto.graph.initializer} - {"INT64", "INT32"}
print("Dense in bfloat16: expected an input BFLOAT16, got", found[0], "and weights of", *weights)
done.append(found[0] == "FLOAT16" and weights == {"BFLOAT16"})

print("reproduced" if all(done) else "not reproduced")
sys.exit(not all(done))
