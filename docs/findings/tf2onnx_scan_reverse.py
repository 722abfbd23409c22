"""tf2onnx: the results of tf.scan(reverse=True) stand in the order in which the loop makes them, last element first.

tf.scan writes each result to the place of its element; the file's Loop appends them, whatever their place. Nothing is
logged, and the checker takes the file. tensorflow-cpu 2.21.0, tf2onnx 1.17.0, onnx 1.23.2. Environment: tensorflow2.21.
    .tox/tensorflow2.21/bin/python docs/findings/tf2onnx_scan_reverse.py
"""

import sys

import numpy as np
import onnx
import tensorflow as tf
import tf2onnx
from onnx.reference import ReferenceEvaluator

x = np.array([1, 2, 3, 4], np.float32)
done = []
for reverse in (False, True):

    @tf.function(input_signature=[tf.TensorSpec([4], tf.float32, name="x")], autograph=False)
    def sums(x, reverse=reverse):
        return tf.scan(tf.add, x, tf.constant(0.0), reverse=reverse)

    proto, _ = tf2onnx.convert.from_function(sums, sums.input_signature)
    onnx.checker.check_model(proto, full_check=True)
    # The evaluator concatenates scan outputs of a Loop, so that it returns one axis more; the numbers are those.
    (got,) = ReferenceEvaluator(proto).run(None, {"x": x})
    wanted = sums(tf.constant(x)).numpy()
    print(f"tf.scan, reverse={reverse}: expected {wanted.tolist()}, got {got.ravel().tolist()}")
    done.append(np.array_equal(got.ravel(), wanted[::-1] if reverse else wanted))

print("reproduced" if all(done) else "not reproduced")
sys.exit(not all(done))
