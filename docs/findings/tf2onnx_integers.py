"""tf2onnx: comparisons of integers lose digits, and % and // of integers below zero give other numbers.

Less and Greater of integers are written behind casts to float32, which has 24 bits. FloorMod and FloorDiv are written
with ONNX's Div, which rounds integers towards zero; the Floor behind it is left out for them.
Nothing is logged, and the checker takes the files. tensorflow-cpu 2.21.0, tf2onnx 1.17.0, onnx 1.23.2.
Environment: tensorflow2.21.
    .tox/tensorflow2.21/bin/python docs/findings/tf2onnx_integers.py
"""

import sys

import numpy as np
import onnx
import tensorflow as tf
import tf2onnx
from onnx.reference import ReferenceEvaluator

NEAR = [16777216, 16777217], [16777217, 16777216]
CASES = (
    (tf.less, *NEAR),
    (tf.greater, *NEAR),
    (tf.math.floormod, [-7, 7, -1, 5], [2, -2, 4, 3]),
    (tf.math.floordiv, [-7, 7, -1, 5], [2, -2, 4, 3]),
)

done = []
for call, *values in CASES:
    arrays = [np.array(value, np.int64) for value in values]
    spec = tf.TensorSpec(arrays[0].shape, tf.int64)
    function = tf.function(lambda a, b, call=call: call(a, b), input_signature=[spec] * 2, autograph=False)
    proto, _ = tf2onnx.convert.from_function(function, function.input_signature)
    onnx.checker.check_model(proto, full_check=True)
    session = ReferenceEvaluator(proto)
    (got,) = session.run(None, dict(zip(session.input_names, arrays)))
    wanted = function(*map(tf.constant, arrays)).numpy()
    print(f"{call.__name__} of {values}: expected {wanted.tolist()}, got {got.tolist()},", end=" ")
    print("operators:", *[node.op_type for node in proto.graph.node])
    done.append(not np.array_equal(got, wanted))

print("reproduced" if all(done) else "not reproduced")
sys.exit(not all(done))
