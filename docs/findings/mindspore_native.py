"""MindSpore on a CPU: ops.lrn of 16 channels fails; output_padding of nn.Conv2dTranspose are zeros behind the output.

mindspore 2.10.0, numpy 2.4.6. Environment: mindspore2.10.
    .tox/mindspore2.10/bin/python docs/findings/mindspore_native.py
"""

import sys

import mindspore as ms
import numpy as np
from mindspore import Tensor, nn, ops

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

# One row of ones under a kernel of ones: 2 x 2 - 1 cells of 1, 2, 1 and, with one cell more, the last tap once again.
layer = nn.Conv2dTranspose(
    1, 1, (1, 3), (1, 2), pad_mode="pad", padding=(0, 0, 1, 1), output_padding=(0, 1),
    weight_init="ones", has_bias=True, bias_init="ones",
)  # fmt: skip
got = layer(Tensor(np.ones((1, 1, 1, 2), np.float32))).asnumpy().ravel().tolist()
expected = [2.0, 3.0, 2.0, 2.0]
print("Conv2dTranspose(output_padding=(0, 1)), bias 1: expected %s, got %s" % (expected, got))
seen.append(got != expected)

print("reproduced" if all(seen) else "not reproduced")
sys.exit(not all(seen))
