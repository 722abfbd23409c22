"""PyTorch: an nn.RNN whose time is dynamic is exported with time = 7, the example's, without a word to the caller.

torch 2.13.0, onnxscript 0.7.2, onnx 1.23.2. Environment: torch2.13.
    .tox/torch2.13/bin/python docs/findings/torch_rnn_time.py
"""

import logging
import sys
import warnings

import onnx
import torch
from torch import nn

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)
path = "/tmp/torch_rnn_time.onnx"
layer, example = nn.RNN(5, 4, batch_first=True).eval(), torch.randn(2, 7, 5)
print("native at 11 steps:", tuple(layer(torch.randn(3, 11, 5))[0].shape))

axes = ({0: torch.export.Dim("batch"), 1: torch.export.Dim("time")},)
try:
    torch.export.export(layer, (example,), dynamic_shapes=axes)
    said = ""
except Exception as error:
    said = f"{type(error).__name__}: " + " ".join(str(error).split())[:110]
print("torch.export.export alone:", said)

torch.onnx.export(layer, (example,), path, dynamo=True, verbose=False, dynamic_shapes=axes)
got = [axis.dim_param or axis.dim_value for axis in onnx.load(path).graph.input[0].type.tensor_type.shape.dim]
print("torch.onnx.export: expected ['batch', 'time', 5], got", got)

reproduced = bool(said) and got == ["batch", 7, 5]
print("reproduced" if reproduced else "not reproduced")
sys.exit(not reproduced)
