"""MindSpore: ops.lrn on a CPU fails when the channels are a multiple of 16.

mindspore 2.10.0, numpy 2.4.6. Environment: mindspore2.10.
    .tox/mindspore2.10/bin/python docs/findings/mindspore_lrn.py
"""

import sys

import mindspore as ms
import numpy as np
from mindspore import Tensor, ops

ms.set_context(mode=ms.GRAPH_MODE)
ms.set_device("CPU")

seen = []
for channels, fails in ((15, False), (17, False), (16, True), (32, True)):
    x = Tensor(np.random.RandomState(0).randn(2, channels, 4, 4).astype(np.float32))
    try:
        got = str(ops.lrn(x, 2, 1.0, 0.02, 0.75).shape)
    except RuntimeError as error:
        got = str(error).splitlines()[0]
    print("lrn of %d channels: expected %s, got %s" % (channels, x.shape, got))
    seen.append((got != str(x.shape)) == fails)

print("reproduced" if all(seen) else "not reproduced")
sys.exit(not all(seen))
