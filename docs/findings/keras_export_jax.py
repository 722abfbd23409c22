"""Keras on JAX, Model.export(format="onnx"): files that the checker refuses, and ids that become int32.

keras 3.15.1, jax 0.10.2, jax2onnx 0.17.1. Environment: kerasjax3.15.
    .tox/kerasjax3.15/bin/python docs/findings/keras_export_jax.py
"""

import os
import sys
import tempfile

os.environ["KERAS_BACKEND"] = "jax"
os.environ["JAX_ENABLE_X64"] = "1"

import keras
import onnx
from keras import ops


class ClassToken(keras.layers.Layer):
    def build(self, shape):
        self.token = self.add_weight(shape=(1, 1, shape[-1]), name="token")

    def call(self, x):
        return ops.concatenate([ops.tile(self.token, [ops.shape(x)[0], 1, 1]), x], axis=1)


def exported(call, shape, dtype="float32"):
    """The file of a Keras model that does call(x), or the error of its export."""
    x = keras.Input(batch_shape=shape, dtype=dtype, name="x")
    model = keras.Model(x, call(x))
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.onnx")
        try:
            model.export(path, format="onnx", verbose=False, input_signature=[keras.InputSpec(dtype, shape, name="x")])
        except Exception as error:
            return None, f"{type(error).__name__}: " + " ".join(str(error).split())[:150]
        return onnx.load(path), ""


def refusal(proto):
    """What the checker has against a file, or ""."""
    try:
        onnx.checker.check_model(proto, full_check=True)
    except Exception as error:
        return " ".join(str(error).split())[:150]
    return ""


done = []

proto, _ = exported(keras.layers.Embedding(5, 3), (2, 4), "int64")
found = onnx.TensorProto.DataType.Name(proto.graph.input[0].type.tensor_type.elem_type)
print("Embedding of int64 ids: expected an input INT64, got", found)
done.append(found == "INT32")

proto, _ = exported(lambda x: ops.cast(ops.top_k(x, 1)[1], "int64"), (2, 4))
found = onnx.TensorProto.DataType.Name(proto.graph.output[0].type.tensor_type.elem_type)
print("the places of top_k, cast to int64: expected an output INT64, got", found)
done.append(found == "INT32")

for what, call, dtype in (
    ("ops.argmax", lambda x: ops.argmax(x, axis=1), "float32"),
    ("0 + x, as Python's sum() begins", lambda x: ops.add(0, x), "float32"),
    ("Dense in float64", keras.layers.Dense(2, dtype="float64"), "float64"),
):
    proto, error = exported(call, (2, 4), dtype)
    said = error or refusal(proto)
    print(f"{what}: expected a valid file, got", said or "one")
    done.append(bool(said))

_, error = exported(ClassToken(), (2, 4, 3))
print("ops.tile of a layer's weight: expected a file, got", error or "one")
done.append("__jax_array__" in error)

print("reproduced" if all(done) else "not reproduced")
sys.exit(not all(done))
