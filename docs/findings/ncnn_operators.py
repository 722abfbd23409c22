"""pnnx and ncnn: ReduceSum over one axis that is given as an input reduces nothing.

ncnn 1.0.20261020, pnnx 20261020, numpy 2.4.6. Environment: ncnn1.0, after make_files.py.
    python docs/findings/make_files.py /tmp/findings
    .tox/ncnn1.0/bin/python docs/findings/ncnn_operators.py /tmp/findings
"""

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import ncnn
import numpy as np

# The program in the wheel: its Python package wants PyTorch.
PNNX = os.path.join(os.path.dirname(importlib.util.find_spec("pnnx").origin), "pnnx")
folder = sys.argv[1]
seen = []


def forward(name, x):
    """The output, fed as the script that pnnx writes shows, and the line of the operator."""
    at = tempfile.mkdtemp()
    shutil.copy(f"{folder}/{name}.onnx", f"{at}/m.onnx")
    subprocess.run([PNNX, "m.onnx", "fp16=0"], cwd=at, capture_output=True, check=True)
    script = Path(at, "m_ncnn.py").read_text()
    batch = int(script.split("batch_index=")[1].split(")")[0])
    net = ncnn.Net()
    net.load_param(f"{at}/m.ncnn.param")
    net.load_model(f"{at}/m.ncnn.bin")
    extractor = net.create_extractor()
    extractor.input("in0", ncnn.Mat(x, batch_index=batch).clone())
    lines = [line for line in Path(at, "m.ncnn.param").read_text().splitlines() if line.startswith("Reduction")]
    return np.array(extractor.extract("out0")[1].numpy(batch_index=batch)), " ".join(lines[0].split())


x = np.arange(24, dtype="f4").reshape(2, 3, 4)
for name, axes, wrong in (("ReduceSum-1", 1, True), ("ReduceSum-12", (1, 2), False)):
    y, line = forward(name, x)
    print(f"{name}: expected {x.sum(axes).shape}, got {y.shape}; the input itself: {np.array_equal(y, x)}; {line}")
    seen.append(wrong == np.array_equal(y, x) and (wrong or np.allclose(y, x.sum(axes))))

print("reproduced" if all(seen) else "not reproduced")
sys.exit(not all(seen))
