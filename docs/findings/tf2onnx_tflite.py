"""tf2onnx's reader of .tflite files leaves operators in the file that ONNX does not have; one_hot counts from the end.

GELU and RELU_N1_TO_1, which TensorFlow Lite's converter makes of Keras's gelu and of tf.clip_by_value(x, -1, 1), stay
under ONNX's domain: only the log says so. tf.one_hot of an id below zero has no class; ONNX's OneHot takes -1 as the
last one, and nothing is put before it, whether the model is read from a .tflite file or from the function.
Environment: tensorflow2.21 (tensorflow-cpu 2.21.0, tf2onnx 1.17.0, onnx 1.23.2).
    .tox/tensorflow2.21/bin/python docs/findings/tf2onnx_tflite.py
"""

import os
import sys
import tempfile

import keras
import numpy as np
import onnx
import tensorflow as tf
import tf2onnx
from onnx.reference import ReferenceEvaluator


def read(converter):
    """What tf2onnx makes of the converter's file."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.tflite")
        with open(path, "wb") as file:
            file.write(converter.convert())
        return tf2onnx.convert.from_tflite(path)[0]


def traced(call, dtype):
    return tf.function(call, input_signature=[tf.TensorSpec([3], dtype, "x")])


def of_function(function):
    return tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()], function)


done = []
x = keras.Input(batch_shape=(1, 4))
gelu = tf.lite.TFLiteConverter.from_keras_model(keras.Model(x, keras.ops.gelu(x, approximate=False)))
clip = of_function(traced(lambda x: tf.clip_by_value(x, -1.0, 1.0), tf.float32))
for name, converter in (("gelu", gelu), ("clip", clip)):
    operators = [node.op_type for node in read(converter).graph.node]
    print(f"{name}: expected operators of ONNX, got {operators}")
    done.append(any(operator.startswith("TFL_") for operator in operators))

ids = np.array([1, -1, 5], np.int32)
one_hot = traced(lambda x: tf.one_hot(x, 3), tf.int32)
wanted = one_hot(ids).numpy()
direct, _ = tf2onnx.convert.from_function(one_hot, one_hot.input_signature)
for name, proto in (("read from .tflite", read(of_function(one_hot))), ("read from the function", direct)):
    onnx.checker.check_model(proto, full_check=True)
    for node in proto.graph.node:  # the evaluator wants a scalar, see reference_evaluator.py
        for depth in (t for t in proto.graph.initializer if node.op_type == "OneHot" and t.name == node.input[1]):
            del depth.dims[:]
    (got,) = ReferenceEvaluator(proto).run(None, {proto.graph.input[0].name: ids})
    print(f"one_hot of {ids.tolist()}, {name}: expected {wanted.tolist()}, got {got.tolist()}")
    done.append(not np.array_equal(got, wanted))

print("reproduced" if all(done) else "not reproduced")
sys.exit(not all(done))
