"""pnnx and ncnn: a constant with one row for each of the batch is taken for one that has an axis more.

ncnn 1.0.20261020, pnnx 20261020, numpy 2.4.6. Environment: ncnn1.0, after make_files.py.
    python docs/findings/make_files.py /tmp/findings
    .tox/ncnn1.0/bin/python docs/findings/ncnn_batch_constant.py /tmp/findings
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
x = np.arange(120, dtype="f4").reshape(2, 3, 4, 5)
seen = []
for rows, wrong in ((1, False), (2, True)):
    at = tempfile.mkdtemp()
    shutil.copy(f"{sys.argv[1]}/Conv-Add-{rows}.onnx", f"{at}/m.onnx")
    subprocess.run([PNNX, "m.onnx", "fp16=0"], cwd=at, capture_output=True, check=True)
    batch = int(Path(at, "m_ncnn.py").read_text().split("batch_index=")[1].split(")")[0])
    net = ncnn.Net()
    net.load_param(f"{at}/m.ncnn.param")
    net.load_model(f"{at}/m.ncnn.bin")
    extractor = net.create_extractor()
    extractor.input("in0", ncnn.Mat(x, batch_index=batch).clone())
    y = np.array(extractor.extract("out0")[1].numpy(batch_index=batch))
    same = y.shape == x.shape and np.allclose(y, x + 5, atol=1e-2)
    print(
        f"x + a constant of shape ({rows}, 3, 1, 1): expected {x.shape}, got {y.shape}, {'right' if same else 'wrong'}"
    )
    seen.append(same != wrong)

print("reproduced" if all(seen) else "not reproduced")
sys.exit(not all(seen))
