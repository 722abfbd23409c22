"""MNN: MaxPool and AveragePool of four spatial axes are taken, and computed as if there were two.

The windows are those of the first two axes; where an axis is not one of two its windows are not looked at.

MNN 3.6.1, numpy 2.4.6. Environment: mnn3.6, after make_files.py.
    python docs/findings/make_files.py /tmp/findings
    .tox/mnn3.6/bin/python docs/findings/mnn_pool_four_axes.py /tmp/findings
"""

import os
import sys
import tempfile

import _tools
import MNN
import numpy as np

x = np.arange(64, dtype="f4").reshape(1, 1, 2, 2, 4, 4)
windows = x.reshape(1, 1, 2, 2, 2, 2, 2, 2)
seen = []
for name, expected in (("MaxPool", windows.max((5, 7))), ("AveragePool", windows.mean((5, 7)))):
    made = os.path.join(tempfile.mkdtemp(), "model.mnn")
    path = f"{sys.argv[1]}/{name}-4d.onnx"
    _tools.mnnconvert(["mnnconvert", "-f", "ONNX", "--modelFile", path, "--MNNModel", made, "--bizCode", "MNN"])
    manager = MNN.nn.create_runtime_manager(({"backend": "CPU", "numThread": 1, "precision": "high"},))
    module = MNN.nn.load_module_from_file(made, ["x"], ["y"], runtime_manager=manager)
    found = module.forward([MNN.expr.const(x, x.shape, MNN.expr.NCHW, MNN.expr.float)])
    got = np.array(MNN.expr.convert(found[0], MNN.expr.NCHW).read())
    print(f"## {name} of 1 x 1 x 2 x 2: expected {expected.shape}, got {got.shape}: the shape of x is {x.shape}")
    seen.append(got.shape == x.shape)
print("reproduced" if all(seen) else "not reproduced")
sys.exit(not all(seen))
