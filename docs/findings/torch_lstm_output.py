"""PyTorch: the sequence that an nn.LSTM or nn.GRU with dynamic time returns is declared as long as the example's.

torch 2.13.0, onnxscript 0.7.2, onnx 1.23.2. Environment: torch2.13.
    .tox/torch2.13/bin/python docs/findings/torch_lstm_output.py
"""

import logging
import sys
import warnings

import numpy as np
import onnx
import torch
from onnx.reference import ReferenceEvaluator
from torch import nn

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)
path = "/tmp/torch_lstm_output.onnx"


def declared(value):
    """The axes that the file gives a graph input or output."""
    return [axis.dim_param or axis.dim_value for axis in value.type.tensor_type.shape.dim]


seen = []
for kind in (nn.LSTM, nn.GRU):  # the first export of each: see torch_second_lstm.py
    layer, axes = kind(5, 4, batch_first=True).eval(), {0: torch.export.Dim("batch"), 1: torch.export.Dim("time")}
    torch.onnx.export(layer, (torch.randn(2, 7, 5),), path, dynamo=True, verbose=False, dynamic_shapes=(axes,))
    graph, x = onnx.load(path).graph, torch.randn(3, 11, 5)
    into, out = declared(graph.input[0]), declared(graph.output[0])
    got = ReferenceEvaluator(path).run(None, {graph.input[0].name: x.numpy()})[0]
    error = np.abs(got - layer(x)[0].detach().numpy()).max()
    print(f"{kind.__name__}, input {into}: expected output ['batch', 'time', 4], got {out}")
    print(f"  the graph, run at 11 steps: {got.shape}, error {error:.1e}")
    seen.append(into == ["batch", "time", 5] and out[1] == 7 and error < 1e-5)

print("reproduced" if all(seen) else "not reproduced")
sys.exit(not all(seen))
