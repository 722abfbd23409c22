"""TensorFlow Lite: a quantised REVERSE_V2 copies integers from one scale to another.

The quantiser gives its output a scale of its own. Where the input's is wider, because a Concat beside it has made the
scales of its inputs one, the kernel copies the integers all the same, and the numbers are another multiple.
Environment: tensorflow2.21 (tensorflow-cpu 2.21.0).
    .tox/tensorflow2.21/bin/python docs/findings/tflite_reverse.py
"""

import sys

import numpy as np
import tensorflow as tf


def model(x):
    """x backward, and x beside twice x."""
    return {"backward": tf.reverse(x, [1]), "beside": tf.concat([x, 2.0 * x], 1)}


function = tf.function(model, input_signature=[tf.TensorSpec([3, 5], tf.float32, "x")])
x = np.random.RandomState(0).uniform(-1, 1, (3, 5)).astype(np.float32)
generator = np.random.RandomState(1)
converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()], function)
converter.optimizations = [tf.lite.Optimize.DEFAULT]
converter.representative_dataset = lambda: ([generator.uniform(-1, 1, (3, 5)).astype(np.float32)] for _ in range(100))
content = converter.convert()

done = []
kinds = tf.lite.experimental.OpResolverType
for kind in (kinds.AUTO, kinds.BUILTIN_WITHOUT_DEFAULT_DELEGATES):
    interpreter = tf.lite.Interpreter(model_content=content, experimental_op_resolver_type=kind)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)
    interpreter.invoke()
    results = [interpreter.get_tensor(d["index"]) for d in interpreter.get_output_details()]
    (got,) = [r for r in results if r.shape == x.shape]
    print(f"{kind.name}: expected {x[0, ::-1]}, got {got[0]}")
    done.append(np.abs(got - x[:, ::-1]).max() > 0.1)

print("reproduced" if all(done) else "not reproduced")
sys.exit(not all(done))
