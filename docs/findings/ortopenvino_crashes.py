"""ONNX Runtime on OpenVINO: small valid files that end the process, each in a process of its own.

onnxruntime-openvino 1.24.1 (OpenVINO 2025.4.1), numpy 2.4.6.
Environment: ortopenvino1.24, after make_crash_files.py.
    python docs/findings/make_crash_files.py /tmp/findings/crashes
    .tox/ortopenvino1.24/bin/python docs/findings/ortopenvino_crashes.py /tmp/findings/crashes
"""

import sys

import numpy as np
import onnxruntime
from parts.crashing import tell

folder = sys.argv[1]
CASES = {  # file -> what it is, whether it ends the process
    "loop-outside-and-state": ("Loop whose body reads a tensor from outside and hands a state on as it came", True),
    "loop-outside": ("  reads from outside alone", False),
    "loop-state": ("  hands on alone", False),
    "rms-norm-Mul": ("a root mean square norm of six operators", True),
    "rms-norm-Add": ("  with Add for the last Mul", False),
    "concat-zero-point-5": ("Concat, quantised and dequantised, a product, quantised; zero point 5", True),
    "concat-zero-point-0": ("  zero point 0", False),
}


def run(name):
    """Loads the file and runs it."""
    provider = ("OpenVINOExecutionProvider", {"device_type": "CPU"})
    session = onnxruntime.InferenceSession(f"{folder}/{name}.onnx", providers=[provider], enable_fallback=0)
    session.run(None, dict(np.load(f"{folder}/{name}.npz")))


tell(run, CASES)
