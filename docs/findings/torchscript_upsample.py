"""TorchScript's exporter at opset 9 writes bilinear interpolation as Upsample, which has no half pixels.

torch 2.13.0 and numpy make the files; onnxruntime 1.31 runs them. Environment: torch2.13, then onnxruntime1.31.
    .tox/torch2.13/bin/python docs/findings/torchscript_upsample.py /tmp/findings/torchscript_upsample make
    .tox/onnxruntime1.31/bin/python docs/findings/torchscript_upsample.py /tmp/findings/torchscript_upsample
"""

import sys
from pathlib import Path

import numpy as np

folder = Path(sys.argv[1])
x = np.array([[[[0, 4]]]], np.float32)


def make():
    """The layer at two opsets, and its own answer."""
    import torch

    folder.mkdir(parents=True, exist_ok=True)
    layer = torch.nn.Upsample(scale_factor=2, mode="bilinear")  # align_corners=False: half pixels
    np.save(folder / "native.npy", layer(torch.from_numpy(x)).numpy())
    for opset in (9, 13):
        names = {"input_names": ["x"], "output_names": ["y"]}
        torch.onnx.export(
            layer, torch.from_numpy(x), folder / f"{opset}.onnx", dynamo=False, opset_version=opset, **names
        )


def check():
    """Whether opset 9 alone has other numbers."""
    import onnxruntime as ort

    native, right = np.load(folder / "native.npy"), {}
    for opset in (9, 13):
        session = ort.InferenceSession(folder / f"{opset}.onnx", providers=["CPUExecutionProvider"])
        got = session.run(None, {"x": x})[0]
        right[opset] = np.allclose(got, native)
        print(f"opset {opset}: expected {native[0, 0, 0]}, got {got[0, 0, 0]}")
    print("reproduced" if right == {9: False, 13: True} else "not reproduced")
    return right != {9: False, 13: True}


sys.exit(make() if sys.argv[2:] == ["make"] else check())
