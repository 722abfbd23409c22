"""pnnx and ncnn: arrays of float16 are read as float32, a Cast that has `saturate` does nothing, and more.

ncnn 1.0.20261020, pnnx 20261020, onnx 1.23.2, numpy 2.4.6. Environment: ncnn1.0, after the files are made by the
suite's own Python.
    python docs/findings/ncnn_more_cases.py make /tmp/findings/more
    .tox/ncnn1.0/bin/python docs/findings/ncnn_more_cases.py /tmp/findings/more
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np


def f(dtype, *values):
    return np.array(values, dtype)


def points(*columns):
    return f("f4", *[[x, 0] for x in columns]).reshape(1, 1, -1, 2)


def row(*values):
    return f("f4", *values).reshape(1, 1, 1, -1)


PAIR = {"x": f("f2", 3, 2, 1), "z": f("f2", 1, 4, 4)}
PAIRS = "(float16[3] x, float16[3] z) => (float16[3] y)"
CAST = "({}[4] x) => ({}[4] y)".format
GRID = "(float[1,1,3,3] x, float[1,1,2,2] z) => (float[1,1,1,2] y)"
REFLECTION = 'y = GridSample<mode="linear", padding_mode="reflection", align_corners=1>(x, z)'
IMAGE = f("f4", *[[0, 1, 5]] * 3).reshape(1, 1, 3, 3)
DTYPES = {"half": "f2", "float": "f4"}
#: Signature, body, inputs, what ONNX demands, what ncnn gives.
CASES = {
    # (3, 2) are 2.004 as one float32, (1, 4) are 512.9, and the third numbers 2.2e-41 and 2.5e-41.
    "Max of float16": (PAIRS, "y = Max(x, z)", PAIR, f("f2", 3, 4, 4), f("f2", 1, 4, 4)),
    "Min of float16": (PAIRS, "y = Min(x, z)", PAIR, f("f2", 1, 2, 1), f("f2", 3, 2, 1)),
    # The columns 0, 1, 5 lie at -1, 0 and 1; a point is reflected once at each border, the lower one first.
    "GridSample, reflection, at -4.5 and 2": (
        GRID, REFLECTION, {"x": IMAGE, "z": points(-4.5, 2)}, row(0.5, 1), "right",
    ),
    "GridSample, reflection, at -7 and 4": (GRID, REFLECTION, {"x": IMAGE, "z": points(-7, 4)}, row(5, 1), row(0, 0)),
    # pnnx copies it by its name, and ncnn has a layer of that name, which knows neither attribute. Without `saturate`
    # it is a layer that ncnn does not have.
    "Cast of float to float16": (
        CAST("float", "float16"), "y = Cast<to=10, saturate=1>(x)", {"x": f("f4", 1, 2, 3, 4)},
        f("f2", 1, 2, 3, 4), f("f4", 1, 2, 3, 4),
    ),
    "Cast of float to double": (
        CAST("float", "double"), "y = Cast<to=11, saturate=1>(x)", {"x": f("f4", 1, 2, 3, 4)},
        f("f8", 1, 2, 3, 4), f("f4", 1, 2, 3, 4),
    ),
    "Cast of float16 to float": (
        CAST("float16", "float"), "y = Cast<to=1, saturate=1>(x)", {"x": f("f2", 1, 2, 3, 4)},
        f("f4", 1, 2, 3, 4), f("f2", 1, 2, 3, 4),
    ),
}  # fmt: skip


def make(path, signature, body, inputs, expected):
    """An ONNX file; the evaluator has to give what we say that ONNX demands."""
    from onnx import checker, parser, save
    from onnx.reference import ReferenceEvaluator

    model = parser.parse_model(f'<ir_version: 10, opset_import: ["" : 20]> g {signature} {{ {body} }}')
    checker.check_model(model, full_check=True)
    assert like(ReferenceEvaluator(model).run(["y"], inputs)[0], expected)
    save(model, path)


def forward(path, inputs):
    """The output, fed as the script that pnnx writes shows, and the layers of the network."""
    import importlib.util

    import ncnn

    # The program in the wheel: its Python package wants PyTorch.
    program = os.path.join(os.path.dirname(importlib.util.find_spec("pnnx").origin), "pnnx")
    at = tempfile.mkdtemp()
    shutil.copy(path, f"{at}/m.onnx")
    subprocess.run([program, "m.onnx", "fp16=0"], cwd=at, capture_output=True, check=True)
    script = Path(at, "m_ncnn.py").read_text()
    dtypes = re.findall(r"in\d+ = torch\.\w+\(.*dtype=torch\.(\w+)\)", script)
    batches = [int(n) for n in re.findall(r"batch_index=(\d+)", script)]
    net = ncnn.Net()
    for option in ("use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic", "use_bf16_storage"):
        setattr(net.opt, option, False)
    net.load_param(f"{at}/m.ncnn.param")
    net.load_model(f"{at}/m.ncnn.bin")
    extractor = net.create_extractor()
    for number, (array, dtype, batch) in enumerate(zip(inputs.values(), dtypes, batches[:-1], strict=True)):
        assert array.dtype == DTYPES[dtype]
        extractor.input(f"in{number}", ncnn.Mat(array, batch_index=batch).clone())
    layers = [line.split()[0] for line in Path(at, "m.ncnn.param").read_text().splitlines()[2:]]
    return np.array(extractor.extract("out0")[1].numpy(batch_index=batches[-1])), layers


def like(one, other):
    return one.dtype == other.dtype and one.shape == other.shape and np.allclose(one, other, 1e-3, 1e-4)


making, seen = sys.argv[1] == "make", []
if making:
    os.makedirs(sys.argv[2], exist_ok=True)
for number, (finding, (signature, body, inputs, expected, given)) in enumerate(CASES.items()):
    path = os.path.join(sys.argv[-1], f"{number}.onnx")
    if making:
        make(path, signature, body, inputs, expected)
        continue
    got, layers = forward(path, inputs)
    print(f"## {finding}: expected {expected.dtype} {expected}\n  got {got.dtype} {got}; of the network: {layers}")
    right = like(got, expected)
    seen.append(right if isinstance(given, str) else not right and like(got, given))
    if not seen[-1]:
        print("  NOT AS CLAIMED")
if not making:
    print("reproduced" if all(seen) else "not reproduced")
    sys.exit(not all(seen))
