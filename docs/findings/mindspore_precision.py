"""MindSpore on a CPU: tanh of float32 is off by 1e-4 near 5, and beyond 1 there; log_softmax of float64 by 1e-6.

mindspore 2.10.0, numpy 2.4.6. Environment: mindspore2.10.
    .tox/mindspore2.10/bin/python docs/findings/mindspore_precision.py
"""

import sys

import mindspore as ms
import numpy as np
from mindspore import Tensor, ops

ms.set_context(mode=ms.GRAPH_MODE)
ms.set_device("CPU")

x = np.linspace(-8, 8, 4001).astype(np.float32)
y = ops.tanh(Tensor(x)).asnumpy().astype(np.float64)
error = abs(y - np.tanh(x.astype(np.float64))).max()
print("tanh of float32: expected an error below 1e-6, got %.1e; expected at most 1, got %.8f" % (error, y.max()))
seen = [error > 5e-5 and y.max() > 1]

y = ops.exp(Tensor(x)).asnumpy().astype(np.float64)
error = abs(y / np.exp(x.astype(np.float64)) - 1).max()
print("exp of float32: expected a relative error below 2e-7, got %.1e" % error)
seen.append(error > 2e-6)
y = ops.sigmoid(Tensor(x)).asnumpy().astype(np.float64)
error = abs(y - 1 / (1 + np.exp(-x.astype(np.float64)))).max()
print("sigmoid of float32: expected an error below 1e-7, got %.1e" % error)
seen.append(error > 4e-7)

x = np.random.RandomState(0).randn(4, 12) * 4
expected = x - x.max(-1, keepdims=True)
expected -= np.log(np.exp(expected).sum(-1, keepdims=True))
error = abs(ops.log_softmax(Tensor(x), -1).asnumpy() - expected).max()
print("log_softmax of float64: expected an error below 1e-13, got %.1e" % error)
seen.append(error > 1e-7)

print("reproduced" if all(seen) else "not reproduced")
sys.exit(not all(seen))
