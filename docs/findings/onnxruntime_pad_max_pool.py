"""ONNX Runtime with its default optimisations: a Pad by 0 becomes that of MaxPool, which is by minus infinity.

onnxruntime 1.31.0 (1.24 alike, 1.16 is right), numpy; the suite's own Python makes the file.
Environment: onnxruntime1.31.
    python docs/findings/onnxruntime_pad_max_pool.py /tmp/findings/onnxruntime_pad_max_pool make
    .tox/onnxruntime1.31/bin/python docs/findings/onnxruntime_pad_max_pool.py /tmp/findings/onnxruntime_pad_max_pool
"""

import sys
from pathlib import Path

import numpy as np

path = Path(sys.argv[1]) / "pad-max-pool.onnx"
x = np.array([-1, -2], np.float32).reshape(1, 1, 1, 2)


def make():
    """Zeros on both sides of a row, and the greatest of each two."""
    from onnx import checker, parser, save

    model = parser.parse_model("""<ir_version: 8, opset_import: ["" : 15]>
        g (float[1,1,1,2] x) => (float[1,1,1,3] y) <int64[8] pads = {0, 0, 0, 1, 0, 0, 0, 1}> {
            padded = Pad(x, pads)
            y = MaxPool<kernel_shape = [1, 2]>(padded)
        }""")
    checker.check_model(model, full_check=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    save(model, path)


def check():
    """Whether the optimised file alone is wrong."""
    import onnxruntime as ort

    expected, got = [0, -1, 0], {}
    for name in ("ORT_ENABLE_ALL", "ORT_DISABLE_ALL"):
        options = ort.SessionOptions()
        options.graph_optimization_level = getattr(ort.GraphOptimizationLevel, name)
        session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        got[name] = session.run(None, {"x": x})[0].ravel().tolist()
        print(f"{name}: expected {expected}, got {got[name]}")
    reproduced = got == {"ORT_ENABLE_ALL": [-1, -1, -2], "ORT_DISABLE_ALL": expected}
    print("reproduced" if reproduced else "not reproduced")
    return not reproduced


sys.exit(make() if sys.argv[2:] == ["make"] else check())
