"""PyTorch 2.9, dynamo: two convolutions without a bias that read one tensor, each with its BatchNorm, share a bias.

onnxscript's rule that folds a BatchNorm into its convolution names the new bias after the convolution's input, and the
second replaces the first. torch 2.9.1, onnxscript 0.5.6, onnx 1.19.1, numpy 2.3.5; right in onnxscript 0.7.2.
Environment: torch2.9.
    .tox/torch2.9/bin/python docs/findings/torch_fused_batch_norm.py
"""

import sys
import warnings

import numpy as np
import onnx
import torch
from onnx.reference import ReferenceEvaluator
from torch import nn

warnings.filterwarnings("ignore")
torch.manual_seed(0)
path = "/tmp/torch_fused_batch_norm.onnx"


class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.left = nn.Sequential(nn.Conv2d(2, 3, 1, bias=False), nn.BatchNorm2d(3))
        self.right = nn.Sequential(nn.Conv2d(2, 3, 1, bias=False), nn.BatchNorm2d(3))

    def forward(self, x):
        return self.left(x), self.right(x)


model = Two().eval()
for norm in (model.left[1], model.right[1]):
    norm.running_mean.normal_()
x = torch.randn(1, 2, 2, 2)
torch.onnx.export(model, (x,), path, dynamo=True, verbose=False)
file = onnx.load(path)
for node in file.graph.node:
    print(node.op_type, list(node.input))
got = ReferenceEvaluator(file).run(None, {file.graph.input[0].name: x.numpy()})
right = []
for name, a, b in zip(("left", "right"), model(x), got):
    a = a.detach().numpy()
    print(name, "expected", a[0, :, 0, 0], "got", b[0, :, 0, 0])
    right.append(np.allclose(a, b, atol=1e-4))
print("reproduced" if right == [False, True] else "not reproduced")
sys.exit(right != [False, True])
