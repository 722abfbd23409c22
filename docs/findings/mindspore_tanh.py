"""MindSpore on a CPU: tanh of float32 is off by 1e-4 near 5, and beyond 1 there; of float64 it is right.

mindspore 2.10.0, numpy 2.4.6. Environment: mindspore2.10.
    .tox/mindspore2.10/bin/python docs/findings/mindspore_tanh.py
"""

import sys

import mindspore as ms
import numpy as np
from mindspore import Tensor, ops

ms.set_context(mode=ms.GRAPH_MODE)
ms.set_device("CPU")

x = np.linspace(-8, 8, 4001)
errors, greatest = {}, {}
for dtype in ("float32", "float64"):
    y = ops.tanh(Tensor(x.astype(dtype))).asnumpy().astype("float64")
    errors[dtype], greatest[dtype] = abs(y - np.tanh(x.astype(dtype).astype("float64"))).max(), abs(y).max()
    print("%s: expected an error below 1e-6, got %.1e; expected |tanh| up to 1, got %.8f"
          % (dtype, errors[dtype], greatest[dtype]))  # fmt: skip

reproduced = errors["float32"] > 5e-5 and greatest["float32"] > 1 and errors["float64"] < 1e-12
print("reproduced" if reproduced else "not reproduced")
sys.exit(0 if reproduced else 1)
