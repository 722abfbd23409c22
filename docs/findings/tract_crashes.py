"""tract: small valid files whose panic ends the process (SIGABRT), each in a process of its own.

tract 0.22.4, and 0.21.19 and 0.23.9 (each case knows in which it dies), numpy 2.4.6.
Environment: tract0.22, tract0.21, tract0.23, after make_crash_files.py.
    python docs/findings/make_crash_files.py /tmp/findings/crashes
    .tox/tract0.22/bin/python docs/findings/tract_crashes.py /tmp/findings/crashes
"""

import sys
from importlib.metadata import version as installed

import numpy as np
import tract
from parts.crashing import tell

folder = sys.argv[1]
version = ".".join(installed("tract").split(".")[:2])
OLDER = "0.21 0.22"
CASES = {  # file -> what it is, the versions in which it ends the process
    "cast-to-int4": ("Cast to int4", OLDER),
    "cast-to-float8e4m3fn": ("Cast to float8", OLDER),
    "cast-to-int8": ("  to int8", ""),
    "input-int4": ("an input of int4", OLDER),
    "input-float8e4m3fn": ("an input of float8", OLDER),
    "input-int8": ("  of int8", ""),
    "input-sequence": ("an input that is a sequence", OLDER),
    "scan-untyped": ("Scan whose body does not state types", OLDER),
    "scan-typed": ("  states them", ""),
    "dropout-mask": ("Dropout whose mask is an output", OLDER),
    "dropout": ("  without a mask", ""),
    "shape-crossed": ("Shape with start=2, end=1", OLDER),
    "shape": ("  with start=1, end=2", ""),
    "slice-fed": ("Slice by starts and ends that are fed, without axes", "0.21"),
    "rnn-batch": ("RNN whose batch has a name, not a size", "0.21 0.22 0.23"),
    "rnn-time": ("  whose time has", ""),
}


def run(name):
    """Loads the file and runs it."""
    tool = tract.onnx()
    model = (tool.load if hasattr(tool, "load") else tool.model_for_path)(f"{folder}/{name}.onnx")
    model = model.into_model() if hasattr(model, "into_model") else model.into_optimized()
    fed = dict(np.load(f"{folder}/{name}.npz"))
    if "b" in fed:
        fed.update(b=np.array([0, 0]), e=np.array([2, 3]))
    model.into_runnable().run(list(fed.values()))


tell(run, {name: (title, version in dying.split()) for name, (title, dying) in CASES.items()})
