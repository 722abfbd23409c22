"""pnnx and ncnn on ONNX's own operator cases: what comes, without an error, instead of what ONNX demands.

ncnn 1.0.20261020, pnnx 20261020, numpy 2.4.6. Environment: ncnn1.0, after make_case_files.py.
    python docs/findings/make_case_files.py /tmp/findings/cases
    .tox/ncnn1.0/bin/python docs/findings/ncnn_onnx_cases.py /tmp/findings/cases
"""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import ncnn
import numpy as np

# The program in the wheel: its Python package wants PyTorch.
PNNX = os.path.join(os.path.dirname(importlib.util.find_spec("pnnx").origin), "pnnx")
DTYPES = {"float": "f4", "int": "i4"}
folder, seen = sys.argv[1], []
least = -3.4028235e38
GIVEN = {  # shape and values of the output; "right": as they should be
    # Reductions over axes that are a constant input, as from opset 13 (ReduceSum) or 18 on, reduce nothing.
    "ReduceL1-held": ((2, 3), [1, 2, 3, 4, 5, 6]),
    "ReduceL1-nothing": ((2, 3), [1, 2, 3, 4, 5, 6]),
    "ReduceSum-held": ((2, 3), [1, 2, 3, 4, 5, 6]),
    "ReduceL1-attribute": "right",
    "ReduceSum-all": "right",
    # Integers, which the script feeds as such, are read as floats: 3 is 4.2e-45.
    "Clip-integers": ((3,), [least, 0, 0]),
    "Max-integers": ((2,), [0, 0]),
    "Pow-integers": ((2,), [1, 1]),
    # What is not looked at.
    "AveragePool-lower": ((1, 1, 1, 4), [0.5, 1.5, 2.5, 3.5]),  # count_include_pad=0
    "AveragePool-upper": ((1, 1, 2, 2), [2.5, 1.5, 1.75, 1]),
    "MaxPool-lower": "right",
    "ConvTranspose-squares": ((1, 1, 4, 4), [1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4]),
    "GridSample-cubic": ((1, 1, 1, 2), [3.5, 2.5]),  # bilinear
    "Max-three": ((2,), [3, 5]),  # the third
    "Max-one": ((1,), [5]),  # as ReduceMax
    "Split-uneven": ((3,), [3, 4, 5]),
    "Swish": ((2,), [2 / (1 + np.exp(-2)), -4 / (1 + np.exp(4))]),  # alpha=1
    # Other numbers.
    "Expand-heads": ((2, 4, 1, 2), [0, 1, 2, 3, 0, 1, 2, 3, 4, 5, 6, 7, 4, 5, 6, 7]),  # heads 0, 1, 0, 1
    "GridSample-nearest": ((1, 1, 1, 1), [2]),  # column 0.5
    "Pow-negative": ((8,), [2.4061436e38] * 8),
    "Pow-zero": ((8,), [2.4061436e38] * 8),
    "Shrink": ((4,), [-2, -1, 1, 2]),
    "Softmax-11": ((1, 2, 1, 1), [1, 1]),
    # Other shapes.
    "AveragePool-ceil": ((1, 1, 2, 2), [10 / 9, 0, 0, 0]),
    "MaxPool-ceil": ((1, 1, 2, 2), [1, least, least, least]),
    "MatMul-numbers": ((1,), [11]),
    "ReduceMax-all": ((1,), [6]),
}


def forward(name, case):
    """The last output, fed as the script that pnnx writes shows."""
    at = tempfile.mkdtemp()
    shutil.copy(f"{folder}/{name}.onnx", f"{at}/m.onnx")
    subprocess.run([PNNX, "m.onnx", "fp16=0"], cwd=at, capture_output=True, check=True)
    script = Path(at, "m_ncnn.py").read_text()
    dtypes = re.findall(r"in\d+ = torch\.\w+\(.*dtype=torch\.(\w+)\)", script)
    net = ncnn.Net()
    for option in ("use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic", "use_bf16_storage"):
        setattr(net.opt, option, False)
    net.load_param(f"{at}/m.ncnn.param")
    net.load_model(f"{at}/m.ncnn.bin")
    extractor = net.create_extractor()
    fed = [case[key] for key in case.files if key.startswith("in_")]
    batches = re.findall(r'ex\.input\("in\d+", .*batch_index=(\d+)', script)
    for number, (array, dtype, batch) in enumerate(zip(fed, dtypes, batches, strict=True)):
        held = np.ascontiguousarray(array, DTYPES[dtype])
        extractor.input(f"in{number}", ncnn.Mat(held, batch_index=int(batch)).clone())
    last = len(case["names"]) - 1
    batch = int(re.search(rf"out{last}\.numpy\(.*batch_index=(\d+)", script).group(1))
    return np.array(extractor.extract(f"out{last}")[1].numpy(batch_index=batch))


for name, given in GIVEN.items():
    case = np.load(f"{folder}/{name}.npz")
    got, expected = forward(name, case), case["expected"]
    print(f"## {name}: expected {expected.shape} {expected.ravel()[:8]}\n  got {got.shape} {got.ravel()[:8]}")
    right = got.shape == expected.shape and np.allclose(got, expected, 1e-3, 1e-4)
    if isinstance(given, str):
        seen.append(right)
    else:
        shape, values = given
        seen.append(not right and got.shape == shape and np.allclose(got.ravel(), values, 1e-3, 1e-4))
    if not seen[-1]:
        print("  NOT AS CLAIMED")
print("reproduced" if all(seen) else "not reproduced")
sys.exit(not all(seen))
