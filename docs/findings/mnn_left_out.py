"""MNN: LogSoftmax without its axis, LSTM without names for all of its outputs, texts as a constant.

What each of them gives is not the same in every run, so each is converted and run in five processes of its own.

MNN 3.6.1, numpy 2.4.6. Environment: mnn3.6, after make_files.py.
    python docs/findings/make_files.py /tmp/findings
    .tox/mnn3.6/bin/python docs/findings/mnn_left_out.py /tmp/findings
"""

import os
import subprocess
import sys
import tempfile

import _tools
import MNN
import numpy as np

folder = sys.argv[1]
rng = np.random.default_rng(1)
rows, steps = rng.normal(size=(2, 7)).astype("f4"), rng.normal(size=(7, 2, 4)).astype("f4")


def lstm(x, w, r):
    """All states, (time, 1, batch, units)."""
    h = c = np.zeros((x.shape[1], r.shape[2]))
    states = []
    for step in x:
        i, o, f, g = np.split(step @ w[0].T + h @ r[0].T, 4, axis=1)
        c = c / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
        h = np.tanh(c) / (1 + np.exp(-o))
        states.append(h)
    return np.array(states)[:, None]


def judged(name, x, expected):
    """One word: the file is converted and run."""
    made = os.path.join(tempfile.mkdtemp(), "model.mnn")
    given = ["-f", "ONNX", "--modelFile", f"{folder}/{name}.onnx", "--MNNModel", made, "--bizCode", "MNN"]
    _tools.mnnconvert(["mnnconvert", *given])
    if not os.path.exists(made):
        return "refused"
    manager = MNN.nn.create_runtime_manager(({"backend": "CPU", "numThread": 1, "precision": "high"},))
    module = MNN.nn.load_module_from_file(made, ["x"], ["y"], runtime_manager=manager)
    kind = MNN.expr.int if x.dtype == "int32" else MNN.expr.float
    found = module.forward([MNN.expr.const(x, x.shape, MNN.expr.NCHW, kind)])[0]
    got = np.array(MNN.expr.convert(found, MNN.expr.NCHW).read())
    return "right" if got.shape == expected.shape and np.allclose(got, expected, atol=1e-5) else "wrong"


soft = rows - np.log(np.exp(rows).sum(1, keepdims=True))
states = lstm(steps, **np.load(f"{folder}/lstm.npz"))
CASES = {  # file -> what it is, input, truth, whether MNN fails
    "LogSoftmax-none": ("LogSoftmax without axis, which is -1", rows, soft, True),
    "LogSoftmax-last": ("  with axis -1", rows, soft, False),
    "LSTM-forward-y": ("LSTM that names Y alone", steps, states, True),
    "LSTM-forward-both": ("  Y and Y_h", steps, states, True),
    "LSTM-forward-all": ("  Y, Y_h and Y_c", steps, states, False),
    "Gather-texts": ("Gather of a constant of texts", np.array([1], "i4"), np.array(["b"]), True),
    "Gather-numbers": ("  of a constant of numbers", np.array([1], "i4"), np.array([2.0]), False),
}
if len(sys.argv) > 2:
    said = judged(sys.argv[2], *CASES[sys.argv[2]][1:3])
    print(f"\n{said}", flush=True)
    os._exit(0)
seen = []
for name, (title, _, _, fails) in CASES.items():
    five = []
    for _ in range(5):
        done = subprocess.run([sys.executable, __file__, folder, name], capture_output=True, text=True, check=False)
        five.append(done.stdout.split()[-1] if done.returncode == 0 else f"died of signal {-done.returncode}")
    print(f"{title}: expected right, got {', '.join(five)}")
    seen.append(fails == (five != ["right"] * 5) and "refused" not in five)
print("reproduced" if all(seen) else "not reproduced")
sys.exit(not all(seen))
