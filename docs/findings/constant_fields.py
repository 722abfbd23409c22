"""Constants whose elements stand in the field of their type (`int32_data`, `uint64_data`) and not in `raw_data`.

ONNX allows both. Each file adds 1, 0, 1, 1, 0, 1 of one type, cast to float32, to zeros, in a process of its own.
mnn 3.6.1, opencv-python-headless 5.0.0.93, openvino 2026.4.1, tract 0.23.9, numpy 2.4.6.
Environment: mnn3.6, opencv5.0, openvino2026.4, tract0.23; TOOL is the name without the number.
    python docs/findings/make_crash_files.py /tmp/findings/crashes
    .tox/ENVIRONMENT/bin/python docs/findings/constant_fields.py /tmp/findings/crashes TOOL
"""

import os
import signal
import subprocess
import sys
import tempfile

import numpy as np

folder, tool = os.path.abspath(sys.argv[1]), sys.argv[2]
KINDS = ("float32", "float64", "float16", "bfloat16", "int8", "uint8", "int16", "uint16", "int32", "uint32")
KINDS += ("int64", "uint64", "bool", "int4", "uint4", "float8_e4m3fn", "float8_e5m2")
#: The types that come out wrong, or end the process, from the field; all are right from `raw_data`, where it is taken.
WRONG = {
    "mnn": ("int8", "bool"),
    "opencv": ("uint32", "uint64"),
    "openvino": ("bfloat16", "uint32", "float8_e4m3fn", "float8_e5m2"),
    "tract": (),
}
DYING = {
    "mnn": ("float16", "bfloat16", "int16", "uint16", "uint32", "int4", "uint4", "float8_e4m3fn", "float8_e5m2"),
    "opencv": ("bool",),
    "openvino": (),
    "tract": (),
}
REFUSED = {"tract": ("uint32", "uint64")}


def mnn(path, x):
    import _tools
    import MNN

    os.chdir(tempfile.mkdtemp())  # the converter leaves a file where it is called
    made = "model.mnn"
    _tools.mnnconvert(["mnnconvert", "-f", "ONNX", "--modelFile", path, "--MNNModel", made, "--bizCode", "MNN"])
    module = MNN.nn.load_module_from_file(made, ["x"], ["y"])
    y = module.forward([MNN.expr.const(x, x.shape, MNN.expr.NCHW, MNN.expr.float)])[0]
    return MNN.expr.convert(y, MNN.expr.NCHW).read()


def opencv(path, x):
    import cv2

    net = cv2.dnn.readNetFromONNX(path)
    net.setInput(x, "x")
    return net.forward(["y"])[0]


def openvino(path, x):
    import openvino as ov

    return ov.Core().compile_model(path, "CPU")({"x": x})[0]


def tract(path, x):
    import tract as library

    return library.onnx().load(path).into_model().into_runnable().run([x])[0].to_numpy()


def ended(name):
    """What a process with this file prints at its end, "refused", or the signal that ended it."""
    command = [sys.executable, __file__, folder, tool, name]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode < 0:
        return signal.Signals(-done.returncode).name
    return done.stdout.strip().splitlines()[-1] if done.returncode == 0 else "refused"


if len(sys.argv) > 3:
    found = globals()[tool](f"{folder}/{sys.argv[3]}.onnx", np.zeros(6, "f4"))
    print("\n" + ("nothing" if found is None else " ".join(f"{number:g}" for number in np.ravel(found))))
    sys.exit()
seen = []
for kind in KINDS:
    fields, raw = (ended(f"constant-{kind}-{held}") for held in ("fields", "raw"))
    print(f"{kind}: expected 1 0 1 1 0 1, got {fields}; from raw_data {raw}")
    said = "right" if fields == "1 0 1 1 0 1" else fields
    if kind in DYING[tool]:
        seen.append(said.startswith("SIG"))
    elif kind in WRONG[tool]:
        seen.append(said not in ("right", "refused") and raw == "1 0 1 1 0 1")
    elif kind in REFUSED.get(tool, ()):
        seen.append(said == "refused" and raw == "1 0 1 1 0 1")
    else:
        seen.append(said in ("right", "refused"))
print("reproduced" if all(seen) else "not reproduced")
sys.exit(not all(seen))
