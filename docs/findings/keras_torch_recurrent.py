"""Keras on PyTorch, Model.export(format="onnx"): of a recurrent layer with an open length, one step is left.

Keras's LSTM, GRU and SimpleRNN are a loop of Python's there. With an open axis Keras takes the TorchScript exporter and
traces an example of ones in which every open axis is 1 long, so the file has the first step alone. The output of a
classifier, the last state, has the right shape all the same: no checker sees it. keras 3.15.1, torch 2.13.0.
Environment: kerastorch3.15.
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


def outputs(layer, folder):
    """What Keras gives for a sequence and for its first step, and what the file gives for the sequence."""
    keras.utils.set_random_seed(0)
    sequence = keras.Input((None, 3))
    model = keras.Model(sequence, layer(4)(sequence))
    x = np.random.default_rng(0).standard_normal((2, 7, 3)).astype(np.float32)
    truth, first = (np.asarray(model.predict(part, verbose=0)) for part in (x, x[:, :1]))
    path = os.path.join(folder, layer.__name__ + ".onnx")
    model.export(path, format="onnx", verbose=False)
    onnx.checker.check_model(path, full_check=True)
    evaluator = ReferenceEvaluator(path)
    return truth, first, evaluator.run(None, {evaluator.input_names[0]: x})[0]


wrong = []
with tempfile.TemporaryDirectory() as folder:
    for layer in keras.layers.LSTM, keras.layers.GRU:
        truth, first, written = outputs(layer, folder)
        print(layer.__name__, "of 7 steps: expected", truth[0].round(4), "got", written[0].round(4))
        print("    of the first step alone:", first[0].round(4))
        wrong.append(not np.allclose(written, truth, atol=1e-3) and np.allclose(written, first, atol=1e-5))
print("reproduced" if all(wrong) else "not reproduced")
sys.exit(0 if all(wrong) else 1)
