"""Keras on PyTorch, Model.export(format="onnx"): a recurrent layer of open length is written for one step.

Keras makes the example itself, with 1 for each open axis; its loop over time is Python's, and is traced with that.
keras 3.15.1, torch 2.13.0, onnx 1.23.2. Environment: kerastorch3.15.
    .tox/kerastorch3.15/bin/python docs/findings/keras_torch_recurrent.py
"""

import os
import sys
import tempfile

os.environ["KERAS_BACKEND"] = "torch"

import keras
import numpy as np
import onnx
from onnx.reference import ReferenceEvaluator

done = []
x = np.linspace(-1, 1, 30, dtype="f4").reshape(2, 5, 3)
for kind in (keras.layers.LSTM, keras.layers.GRU, keras.layers.SimpleRNN):
    for sequences in (True, False):
        symbolic = keras.Input((None, 3))
        model = keras.Model(symbolic, kind(4, return_sequences=sequences)(symbolic))
        expected = keras.ops.convert_to_numpy(model(x))
        path = os.path.join(tempfile.mkdtemp(), "model.onnx")
        model.export(path, format="onnx", verbose=False)
        file = onnx.load(path)
        onnx.checker.check_model(file, full_check=True)
        got = ReferenceEvaluator(file).run(None, {file.graph.input[0].name: x})[0]
        same = got.shape == expected.shape
        said = "off by %.2g" % np.abs(got - expected).max() if same else "another shape"
        print(
            "%s, return_sequences=%s: expected %s, got %s, %s"
            % (kind.__name__, sequences, expected.shape, got.shape, said)
        )
        one = keras.ops.convert_to_numpy(model(x[:, :1]))
        done.append(np.allclose(got, one, atol=1e-5) and not (same and np.allclose(got, expected, atol=1e-3)))
        print("  the answer for the first step alone:", bool(done[-1]))
print("reproduced" if all(done) else "not reproduced")
sys.exit(not all(done))
