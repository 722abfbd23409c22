"""pnnx and ncnn: small valid files that end the process, each in a process of its own.

ncnn 1.0.20261020, pnnx 20261020, numpy 2.4.6.
Environment: ncnn1.0, after make_crash_files.py.
    python docs/findings/make_crash_files.py /tmp/findings/crashes
    .tox/ncnn1.0/bin/python docs/findings/ncnn_crashes.py /tmp/findings/crashes
"""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import ncnn
import numpy as np
from parts.crashing import tell

# The program in the wheel: its Python package wants PyTorch.
PNNX = os.path.join(os.path.dirname(importlib.util.find_spec("pnnx").origin), "pnnx")
folder = sys.argv[1]
CASES = {  # file -> what it is, whether it ends the process
    "split-default": ("Split into three, without sizes (opset 13)", True),
    "split-sizes": ("  with sizes", False),
    "token-norm": ("a row expanded to the batch, joined to others; LayerNormalization", True),
    "token-alone": ("  without the LayerNormalization", False),
}


def run(name):
    """Converts the file, and runs the network as the script that pnnx writes shows."""
    at = tempfile.mkdtemp()
    shutil.copy(f"{folder}/{name}.onnx", f"{at}/m.onnx")
    subprocess.run([PNNX, "m.onnx", "fp16=0"], cwd=at, capture_output=True, check=True)
    script = Path(at, "m_ncnn.py").read_text()
    net = ncnn.Net()
    net.load_param(f"{at}/m.ncnn.param")
    net.load_model(f"{at}/m.ncnn.bin")
    extractor = net.create_extractor()
    batch = int(re.search(r'ex\.input\("in0", .*batch_index=(\d+)', script)[1])
    extractor.input("in0", ncnn.Mat(np.load(f"{folder}/{name}.npz")["x"], batch_index=batch).clone())
    for number in range(len(re.findall(r'ex\.extract\("out', script))):
        np.array(extractor.extract(f"out{number}")[1])


tell(run, CASES)
