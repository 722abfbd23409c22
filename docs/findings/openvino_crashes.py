"""OpenVINO: small valid files that end the process, each in a process of its own.

openvino 2026.4.1, and 2025.4.1 and 2023.3.0 (each case knows in which it dies), numpy 2.4.6.
Environment: openvino2026.4, openvino2025.4, openvino2023.3, after make_crash_files.py.
    python docs/findings/make_crash_files.py /tmp/findings/crashes
    .tox/openvino2026.4/bin/python docs/findings/openvino_crashes.py /tmp/findings/crashes
"""

import sys
from importlib.metadata import version as installed

import numpy as np
import openvino
from parts.crashing import tell

folder = sys.argv[1]
version = installed("openvino").split(".")[0]
CASES = {  # file -> what it is, the versions in which it ends the process
    "concat-zero-point-5": ("Concat, quantised and dequantised, a product, quantised; zero point 5", "2023 2025 2026"),
    "concat-zero-point-0": ("  zero point 0", ""),
    "scan-outside-made": ("Scan whose body reads a tensor from outside", "2023 2025"),
    "scan-outside-constant": ("  a constant from outside", ""),
    "rms-norm-Mul": ("a root mean square norm of six operators", "2025"),
    "rms-norm-Add": ("  with Add for the last Mul", ""),
}


def run(name):
    """Loads the file and runs it."""
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(f"{folder}/{name}.onnx"), "CPU")
    compiled(dict(np.load(f"{folder}/{name}.npz")))


tell(run, {name: (title, version in dying.split()) for name, (title, dying) in CASES.items()})
