"""pnnx: a MaxPool that pads the beginning more than the end is padded twice.

ncnn 1.0.20261020, pnnx 20261020, numpy 2.4.6. Environment: ncnn1.0, after make_files.py.
    python docs/findings/make_files.py /tmp/findings
    .tox/ncnn1.0/bin/python docs/findings/ncnn_max_pool_pads.py /tmp/findings
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
x = np.arange(98, dtype="f4").reshape(1, 2, 7, 7)
seen = []
for name, after, wrong in (("begin", 0, True), ("both", 1, False)):
    padded = np.pad(x, ((0, 0), (0, 0), (1, after), (1, after)), constant_values=-np.inf)[:, :, :8, :8]
    expected = padded.reshape(1, 2, 4, 2, 4, 2).max((3, 5))
    at = tempfile.mkdtemp()
    shutil.copy(f"{sys.argv[1]}/MaxPool-pads-{name}.onnx", f"{at}/m.onnx")
    subprocess.run([PNNX, "m.onnx", "fp16=0"], cwd=at, capture_output=True, check=True)
    batch = int(Path(at, "m_ncnn.py").read_text().split("batch_index=")[1].split(")")[0])
    net = ncnn.Net()
    net.load_param(f"{at}/m.ncnn.param")
    net.load_model(f"{at}/m.ncnn.bin")
    extractor = net.create_extractor()
    extractor.input("in0", ncnn.Mat(x, batch_index=batch).clone())
    y = np.array(extractor.extract("out0")[1].numpy(batch_index=batch))
    same = y.shape == expected.shape and np.array_equal(y, expected)
    print(f"pads 1 1 {after} {after}: expected {expected.shape}, got {y.shape}, {'right' if same else 'wrong'}")
    seen.append(same != wrong)
    print("  of the network:", [line.split()[0] for line in Path(at, "m.ncnn.param").read_text().splitlines()[3:]])

print("reproduced" if all(seen) else "not reproduced")
sys.exit(not all(seen))
