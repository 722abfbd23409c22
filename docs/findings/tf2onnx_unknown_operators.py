"""tf2onnx: operators that it does not know stay in the file, which it writes without raising.

tf2onnx 1.17.0, tensorflow-cpu 2.21.0, keras 3.15.1, onnx 1.23.2. Environment: tensorflow2.21.
    .tox/tensorflow2.21/bin/python docs/findings/tf2onnx_unknown_operators.py
"""

import logging
import sys

import keras
import onnx
import tensorflow as tf
import tf2onnx

tf.get_logger().setLevel("ERROR")
logged = []
handler = logging.Handler()
handler.emit = lambda record: logged.append(record.getMessage())
logging.getLogger("tf2onnx").addHandler(handler)
logging.getLogger("tf2onnx").propagate = False

image, row = tf.TensorSpec((2, 6, 6, 4), tf.float32), tf.TensorSpec((2, 4), tf.float32)
convolution = keras.layers.Conv2D(8, 3, groups=2)
convolution(tf.zeros(image.shape))
calls = {
    "Erfc": (lambda x: tf.nn.gelu(x, approximate=False), row),
    "Expm1": (tf.math.expm1, row),
    "EuclideanNorm": (lambda x: tf.math.reduce_euclidean_norm(x, axis=1), row),
    "StatefulPartitionedCall": (convolution, image),
}
seen = []
for expected, (call, spec) in calls.items():
    logged.clear()
    model, _ = tf2onnx.convert.from_function(tf.function(call), input_signature=[spec], opset=17)
    operators = sorted({node.op_type for node in model.graph.node})
    try:
        onnx.checker.check_model(model, full_check=True)
        said = "valid"
    except Exception as error:
        said = str(error).splitlines()[0][:80]
    complaint = [text for text in logged if "nsupported" in text]
    print(f"{expected}: expected a valid file, or an error; got {operators}; checker: {said}; log: {complaint}")
    seen.append(expected in operators and said != "valid" and bool(complaint))

print("reproduced" if all(seen) else "not reproduced")
sys.exit(not all(seen))
