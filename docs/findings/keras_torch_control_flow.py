"""Keras on PyTorch, Model.export(format="onnx"): the file keeps the way that one example went, whatever its input is.

keras.ops.cond, while_loop, fori_loop and scan are Python's `if`, `while` and `for` there. Dynamo refuses a choice that
depends on numbers; Keras then takes the TorchScript exporter, without a word, and that one traces: of `cond` one branch
is left, of the loops as many steps as an example of ones makes. PyTorch's TracerWarning says so; Keras means to
suppress it. keras 3.15.1, torch 2.13.0.
Environment: kerastorch3.15.
    .tox/kerastorch3.15/bin/python docs/findings/keras_torch_control_flow.py
"""

import os
import sys
import tempfile
import warnings

os.environ["KERAS_BACKEND"] = "torch"

import keras
import numpy as np
import onnx
from keras import ops
from onnx.reference import ReferenceEvaluator


class Choice(keras.layers.Layer):
    def call(self, x):
        return ops.cond(ops.mean(x) > 0, lambda: x + 1.0, lambda: x - 1.0)


class Doubling(keras.layers.Layer):
    def call(self, x):
        return ops.while_loop(lambda x: ops.mean(x) < 10.0, lambda x: x * 2.0, x)


class Counted(keras.layers.Layer):
    def call(self, x, count):
        return ops.fori_loop(ops.zeros_like(count), count, lambda i, x: x * 2.0, x)


class Running(keras.layers.Layer):
    def call(self, x):
        return ops.scan(lambda total, x: (total + x, total + x), ops.zeros((2,)), x)[1]


X = ("float32", (3,))
CASES = (
    ("cond", Choice(), [X], [np.full(3, 2.0), np.full(3, -2.0)]),
    ("while_loop", Doubling(), [X], [np.full(3, 1.0), np.full(3, 30.0)]),
    ("fori_loop", Counted(), [X, ("int64", ())], [np.full(3, 1.0), 1], [np.full(3, 1.0), 5]),
    ("scan", Running(), [("float32", (None, 2))], [np.ones((1, 2))], [np.ones((4, 2))]),
)

done = []
for name, layer, described, *feeds in CASES:
    if len(described) == 1 and len(feeds) == 1:
        feeds = [[x] for x in feeds[0]]
    inputs = [keras.Input(batch_shape=shape, dtype=dtype) for dtype, shape in described]
    model = keras.Model(inputs, layer(*inputs))
    signature = [keras.InputSpec(dtype=x.dtype, shape=x.shape, name="x%d" % i) for i, x in enumerate(inputs)]
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        path = os.path.join(folder, "model.onnx")
        model.export(path, format="onnx", verbose=False, input_signature=[signature])
        proto = onnx.load(path)
    session = ReferenceEvaluator(proto)
    right = []
    for feed in feeds:
        arrays = [np.asarray(array, dtype) for array, (dtype, _) in zip(feed, described)]
        wanted = ops.convert_to_numpy(model([ops.convert_to_tensor(array) for array in arrays]))
        try:
            (got,) = session.run(None, dict(zip(session.input_names, arrays)))
        except Exception as error:
            got = np.array(repr(error)[:80])
        print(f"ops.{name}: expected {wanted.ravel().tolist()}, got {got.ravel().tolist()}")
        right.append(np.array_equal(got, wanted))
    print("  operators:", *[node.op_type for node in proto.graph.node])
    print("  warnings:", *sorted({warning.category.__name__ for warning in told}))
    done.append(not all(right))

print("reproduced" if all(done) else "not reproduced")
sys.exit(not all(done))
