"""Keras on PyTorch: ops.matmul of float64 is computed in float32, and so are Dense and MultiHeadAttention.

Keras's promotion (backend/common/dtypes.py, BIT64_TO_BIT32_DTYPE) makes float32 of float64 unless the backend is
TensorFlow. keras 3.15.1, torch 2.13.0. Environment: kerastorch3.15.
    .tox/kerastorch3.15/bin/python docs/findings/keras_torch_float64.py
"""

import os
import sys

os.environ["KERAS_BACKEND"] = "torch"

import keras
import numpy as np
from keras import ops

a, b = np.random.default_rng(0).normal(size=(2, 8, 8))
expected = a @ b
done = []
layer = keras.layers.Dense(8, use_bias=False, dtype="float64")
layer.build((8, 8))
layer.set_weights([b])
x, y = (ops.convert_to_tensor(array, "float64") for array in (a, b))
for what, got in (("ops.matmul", ops.matmul(x, y)), ("Dense", layer(x))):
    got = ops.convert_to_numpy(got)
    error = np.abs(got - expected).max()
    print(f"{what}: {got.dtype}, expected errors near 1e-15, got {error:.1e}")
    done.append(error > 1e-9)
print("reproduced" if all(done) else "not reproduced")
sys.exit(not all(done))
