"""PyTorch: the integer kernel of ConvTranspose2d computes something else than the layer that it quantises.

Environment: torch2.13 of tox.ini. Command: python docs/findings/pytorch_quantised_conv_transpose.py
convert_to_reference_fx writes the same layer out as dequantise, convolve, quantise; both should agree to a step.
"""

import copy
import sys
import warnings

import torch
from torch import nn
from torch.ao.quantization import get_default_qconfig_mapping
from torch.ao.quantization.quantize_fx import convert_fx, convert_to_reference_fx, prepare_fx

warnings.simplefilter("ignore")
torch.manual_seed(0)
wrong = False
for engine in ("x86", "fbgemm"):
    torch.backends.quantized.engine = engine
    for channels in (4, 64):
        model = nn.Sequential(nn.ConvTranspose2d(channels, channels // 2, 2, 2)).eval()
        x = torch.randn(2, channels, 4, 3)
        with torch.no_grad():
            prepared = prepare_fx(model, get_default_qconfig_mapping(engine), (x,))
            prepared(x)
            expected = convert_to_reference_fx(copy.deepcopy(prepared))(x)
            got = convert_fx(prepared)(x)
        error, scale = float((got - expected).abs().max()), float(expected.abs().max())
        print("%s, %d channels: expected %s" % (engine, channels, expected[0, 0, 0, :3].tolist()))
        print("    got %s, off by %.3g (scale %.3g)" % (got[0, 0, 0, :3].tolist(), error, scale))
        wrong |= error > 0.1 * scale

print("reproduced" if wrong else "not reproduced")
sys.exit(0 if wrong else 1)
