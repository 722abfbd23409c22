"""MXNet 1.7 and 1.8: Deconvolution of 64 channels with a bias is wrong natively; without a bias it is right.

It is oneDNN's: with MXNET_MKLDNN_ENABLED=0 the U-Net of the suite, whose cell this was, is right. mxnet 1.8.0.post0
(1.7.0.post2 alike; 1.9.1 is right), numpy 1.19.5. Environment: mxnet1.8.
    .tox/mxnet1.8/bin/python docs/findings/mxnet_deconvolution.py
"""

import sys

import numpy as np
from mxnet import nd

rng = np.random.RandomState(0)
seen = []
for channels, filters, biased in ((8, 4, True), (64, 32, False), (64, 32, True)):
    shapes = (2, channels, 4, 3), (channels, filters, 2, 2), (filters,)
    x, w, b = (rng.randn(*shape).astype("f4") for shape in shapes)
    expected = np.einsum("ncij,cfkl->nfikjl", x, w).reshape(2, filters, 8, 6) + b[:, None, None] * biased
    options = {"kernel": (2, 2), "stride": (2, 2), "num_filter": filters, "no_bias": not biased}
    got = nd.Deconvolution(*[nd.array(a) for a in (x, w, b)[: 2 + biased]], **options).asnumpy()
    print(channels, "channels,", "with" if biased else "without", "bias:", expected.ravel()[:3], "got", got.ravel()[:3])
    seen.append(np.allclose(got, expected, atol=1e-3) != (channels == 64 and biased))
print("reproduced" if all(seen) else "not reproduced")
sys.exit(not all(seen))
