"""X2Paddle with Paddle Inference: a bias that is a part of a constant is right in the first run, and in no later one.

x2paddle 1.6.0, paddlepaddle 3.3.1, numpy 1.26.4. Environment: x2paddle1.6, after make_crash_files.py.
    python docs/findings/make_crash_files.py /tmp/findings/crashes
    .tox/x2paddle1.6/bin/python docs/findings/x2paddle_second_run.py /tmp/findings/crashes
"""

import os
import subprocess
import sys
import tempfile

os.environ["OMP_NUM_THREADS"] = "1"

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
        settings = inference.Config(saved + ".json", saved + ".pdiparams")
        settings.disable_gpu()
        settings.set_cpu_math_library_num_threads(1)
        made = inference.create_predictor(settings)
    fed, answers, kept = np.load(f"{folder}/{name}.npz")["x"], [], []
    for _ in range(3):
        x = paddle.to_tensor(fed)
        given = paddle.utils.flatten(made(x)) if kind == "layer" else made.run([x])
        answers.append(given[0].numpy().copy())
        kept += [paddle.full(sizes, 7.0) for sizes in ([1, 12], [2, 12]) * 50]  # takes the memory that was freed
    return [float(np.abs(answer - answers[0]).max()) for answer in answers[1:]]


if len(sys.argv) > 2:
    print("\n" + " ".join(f"{number:.2g}" for number in differences(*sys.argv[2:])))
    sys.exit()
CASES = (("bias-split", "inference", True), ("bias-split", "layer", False), ("bias", "inference", False))
seen = []
for name, kind, wrong in CASES:
    command = [sys.executable, __file__, folder, name, kind]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip().splitlines()[-1]
    print(f"{name}, {kind}: expected 0 0 between the answers to one input, got {said}")
    seen.append(wrong == (said != "0 0"))
print("reproduced" if all(seen) else "not reproduced")
sys.exit(not all(seen))
