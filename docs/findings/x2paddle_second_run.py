"""X2Paddle with Paddle Inference: where a bias is a part of a constant, the first run is right and each later one is not.

x2paddle 1.6.0, paddlepaddle 3.3.1, numpy 1.26.4. Environment: x2paddle1.6, after make_crash_files.py.
    python docs/findings/make_crash_files.py /tmp/findings/crashes
    .tox/x2paddle1.6/bin/python docs/findings/x2paddle_second_run.py /tmp/findings/crashes
"""

import os
import subprocess
import sys
import tempfile

import numpy as np
import paddle
from paddle import inference
from x2paddle.convert import onnx2paddle

folder = sys.argv[1]


def differences(name, kind):
    """How far the second and third answer to one input are from the first."""
    saved = os.path.join(tempfile.mkdtemp(), "made")
    onnx2paddle(f"{folder}/{name}.onnx", saved, disable_feedback=True)
    saved += "/inference_model/model"
    if kind == "layer":
        made = paddle.jit.load(saved)
        made.eval()
    else:
        made = inference.create_predictor(inference.Config(saved + ".json", saved + ".pdiparams"))
    x = paddle.to_tensor(np.load(f"{folder}/{name}.npz")["x"])
    answers = []
    for _ in range(3):
        given = made(x) if kind == "layer" else made.run([x])[0]
        answers.append(paddle.utils.flatten(given)[0].numpy().copy())
    return [float(np.abs(answer - answers[0]).max()) for answer in answers[1:]]


if len(sys.argv) > 2:
    print("\n" + " ".join(f"{number:.2g}" for number in differences(*sys.argv[2:])))
    sys.exit()
seen = []
for name, kind, wrong in (
    ("bias-split", "inference", True),
    ("bias-split", "layer", False),
    ("bias", "inference", False),
):
    command = [sys.executable, __file__, folder, name, kind]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip().splitlines()[-1]
    print(f"{name}, {kind}: expected 0 0 between the answers to one input, got {said}")
    seen.append(wrong == (said != "0 0"))
print("reproduced" if all(seen) else "not reproduced")
sys.exit(not all(seen))
