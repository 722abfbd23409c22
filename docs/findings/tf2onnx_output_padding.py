"""tf2onnx: a transposed convolution to a larger output is written with negative padding, which nobody takes.

tf2onnx 1.17.0, tensorflow-cpu 2.21.0, onnx 1.23.2. Environment: tensorflow2.21.
    .tox/tensorflow2.21/bin/python docs/findings/tf2onnx_output_padding.py
"""

import sys

import numpy as np
import onnx
import tensorflow as tf
import tf2onnx

filters = tf.constant(np.random.default_rng(0).normal(size=(3, 3, 2, 4)).astype("f4"))
seen = []
for size in (7, 8):  # VALID, stride 2: an input of 3 is what a convolution makes of 7 as well as of 8

    @tf.function(input_signature=[tf.TensorSpec((1, 3, 3, 4), tf.float32)])
    def call(x, size=size):
        return tf.nn.conv2d_transpose(x, filters, (1, size, size, 2), strides=2, padding="VALID")

    print(f"output size {size}: native", call(tf.ones((1, 3, 3, 4))).shape)
    model, _ = tf2onnx.convert.from_function(call, input_signature=call.input_signature, opset=17)
    node = next(node for node in model.graph.node if node.op_type == "ConvTranspose")
    print("  got", {a.name: list(a.ints) for a in node.attribute if a.ints})
    try:
        onnx.checker.check_model(model, full_check=True)
        said = "valid"
    except Exception as error:
        said = " ".join(str(error).split())[:140]
    print("  expected valid, got", said)
    seen.append((said == "valid") == (size == 7))

print("reproduced" if all(seen) else "not reproduced")
sys.exit(not all(seen))
