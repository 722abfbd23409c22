"""OpenCV: small valid files that end the process, each in a process of its own.

opencv-python-headless 5.0.0.93, numpy 2.4.6.
Environment: opencv5.0, after make_crash_files.py.
    python docs/findings/make_crash_files.py /tmp/findings/crashes
    .tox/opencv5.0/bin/python docs/findings/opencv_crashes.py /tmp/findings/crashes
"""

import sys

import cv2
import numpy as np
from parts.crashing import tell

folder = sys.argv[1]
CASES = {  # file -> what it is, whether it ends the process
    "bool-fields": ("And with a constant of truth values in int32_data", True),
    "bool-raw": ("  in raw_data", False),
    "reduce-constant-all": ("ReduceSum of a constant over all axes, read by the older parser", True),
    "reduce-constant-axis": ("  over one axis", False),
    "gelu-one-first": ("x / s, Erf, 1 + e, times x, times 0.5", True),
    "gelu-one-last": ("  with e + 1", False),
    "branch-identity": ("MatMul by Identity(constant) in a branch first taken at the second forward()", True),
    "branch-relu": ("  Relu in that branch", False),
    "mod-half": ("Mod of floats with fmod=0 by 0.5", True),
    "mod-whole": ("  by 1, 2, 3", False),
}


def run(name):
    """Loads the file and runs it; one with branches first with positive numbers, then with negative ones."""
    net, kept = cv2.dnn.readNetFromONNX(f"{folder}/{name}.onnx"), []
    fed = dict(np.load(f"{folder}/{name}.npz"))
    for sign in (1, -1) if name.startswith("branch") else (1,):
        for key, array in fed.items():
            net.setInput(array if array.dtype == bool else sign * abs(array), key)
        kept.append(net.forward(["y"])[0].copy())


tell(run, CASES)
