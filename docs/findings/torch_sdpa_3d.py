"""PyTorch: scaled_dot_product_attention of three dimensions runs, but is not exported.

torch 2.13.0, onnxscript 0.7.2. Environment: torch2.13.
    .tox/torch2.13/bin/python docs/findings/torch_sdpa_3d.py
"""

import logging
import sys
import warnings

import torch
from torch import nn

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)


class Attention(nn.Module):
    def forward(self, x):
        return nn.functional.scaled_dot_product_attention(x, x, x)


said = {}
for shape in ((2, 7, 8), (2, 1, 7, 8)):
    x = torch.randn(*shape)
    print(f"{shape}: expected an export of a model whose native result has shape", tuple(Attention()(x).shape))
    try:
        torch.onnx.export(Attention(), (x,), "/tmp/torch_sdpa_3d.onnx", dynamo=True, verbose=False)
        said[len(shape)] = "written"
    except Exception as error:
        while error.__cause__:
            error = error.__cause__
        said[len(shape)] = f"{type(error).__name__}: {error}"[:150]
    print("  got:", said[len(shape)])

reproduced = said[4] == "written" and said[3] != "written"
print("reproduced" if reproduced else "not reproduced")
sys.exit(not reproduced)
