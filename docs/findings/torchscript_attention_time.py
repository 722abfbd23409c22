"""PyTorch's TorchScript exporter: nn.MultiheadAttention keeps the length of the example; and what it refuses.

torch 2.13.0, onnx 1.23.2, numpy 2.4.6. Environment: torch2.13.
    .tox/torch2.13/bin/python docs/findings/torchscript_attention_time.py
"""

import sys
import warnings

import torch
from onnx.reference import ReferenceEvaluator
from torch import nn

warnings.filterwarnings("ignore")
path = "/tmp/torchscript_attention_time.onnx"


class Attend(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, x):
        return self.attention(x, x, x, need_weights=False)[0]


class Call(nn.Module):
    def __init__(self, call):
        super().__init__()
        self.call, self.cell, self.mixed = call, nn.GRUCell(8, 4), nn.Bilinear(8, 8, 3)

    def forward(self, x):
        return self.call(self, x)


def export(model, x):
    """Writes the file; what went wrong, if anything."""
    axes = {"x": {0: "batch", 1: "time"}}
    try:
        torch.onnx.export(model, (x,), path, dynamo=False, input_names=["x"], output_names=["y"], dynamic_axes=axes)
    except Exception as error:
        return f"{type(error).__name__}: {str(error).splitlines()[0][:110]}"
    return "written"


model, example, longer = Attend().eval(), torch.randn(2, 7, 8), torch.randn(3, 9, 8)
with torch.no_grad():
    expected = model(longer)
    traced = torch.jit.trace(model, (example,), check_trace=False)(longer)
print("exported at (2, 7, 8), run at (3, 9, 8). Expected", tuple(expected.shape))
print("  the traced module: error", (traced - expected).abs().max().item())
seen = [torch.allclose(traced, expected, atol=1e-5), export(model, example) == "written"]
try:
    got = ReferenceEvaluator(path).run(None, {"x": longer.numpy()})[0].shape
except Exception as error:
    got = f"{type(error).__name__}: {error}"
print("  the file: got", got)
seen.append(got != tuple(expected.shape))

for name, call in {
    "GRUCell behind a squeezed slice": lambda model, x: model.cell(x[:, 0:1].squeeze(1)),
    "bilinear": lambda model, x: model.mixed(x, x),
    "rms_norm": lambda model, x: nn.functional.rms_norm(x, (8,)),
    "adaptive pooling of 7 to 3": lambda model, x: nn.functional.adaptive_avg_pool1d(x, 3),
}.items():
    said = export(Call(call).eval(), example)
    print(f"{name}: expected written, got {said}")
    seen.append(said != "written")

print("reproduced" if all(seen) else "not reproduced")
sys.exit(not all(seen))
