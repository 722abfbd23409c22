"""PyTorch: a second export of a dynamic LSTM or GRU in one process fixes the time axis to the example's length.

torch 2.13.0, onnxscript 0.7.2, onnx 1.23.2. Environment: torch2.13.
    .tox/torch2.13/bin/python docs/findings/torch_second_lstm.py
"""

import logging
import sys
import warnings

import onnx
import torch
from torch import nn

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)


def time_axis(layer, path="/tmp/torch_second_lstm.onnx"):
    """What the export of a layer with dynamic batch and time says of its input's time axis."""
    axes = {0: torch.export.Dim("batch"), 1: torch.export.Dim("time")}
    example = torch.randn(2, 7, 5)
    torch.onnx.export(layer.eval(), (example,), path, dynamo=True, verbose=False, dynamic_shapes=(axes,))
    axis = onnx.load(path).graph.input[0].type.tensor_type.shape.dim[1]
    return axis.dim_param or axis.dim_value


got = []
for kind in (nn.LSTM, nn.GRU):
    for turn in ("first", "second"):
        got.append(time_axis(kind(5, 4, batch_first=True)))
        print(f"{kind.__name__}, {turn} export: expected time, got {got[-1]}")
    getattr(torch.ops.aten, kind.__name__.lower()).input._dispatch_cache.clear()
    got.append(time_axis(kind(5, 4, batch_first=True)))
    print(f"{kind.__name__}, after _dispatch_cache.clear(): expected time, got {got[-1]}")

reproduced = got == ["time", 7, "time"] * 2
print("reproduced" if reproduced else "not reproduced")
sys.exit(not reproduced)
