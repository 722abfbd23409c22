"""OpenVINO 2023.3: dilated pools, axes and bounds that are ignored, indices from the end, infinities; and 2025.4 with
it: norms of zeros, Swish, blocks, empty arrays.

openvino 2023.3.0 and 2025.4.1, numpy 1.26 and 2.4; 2026.4 is right in all of them. Environment: openvino2023.3 and
openvino2025.4; as they have no onnx, the suite's own Python makes the files.
    python docs/findings/openvino_older.py make /tmp/findings
    .tox/openvino2023.3/bin/python docs/findings/openvino_older.py run /tmp/findings
    .tox/openvino2025.4/bin/python docs/findings/openvino_older.py run /tmp/findings
"""

import sys

import numpy as np

task, folder = sys.argv[1:]
if task == "make":
    import onnx
    import onnx.helper as oh
else:
    import openvino as ov

FLOAT = 1
seen, kept = [], []
rng = np.random.default_rng(0)


def case(name, op, inputs, expected, opset=18, fed=1, wrong=("2023.3",), **attributes):
    """Makes a file of one node, or compares what OpenVINO makes of it where that is claimed to be wrong, or is 2026.4.

    Inputs behind the first `fed` are constants.
    """
    path = f"{folder}/openvino-{name.replace(' ', '-')}.onnx"
    if task == "make":
        make(path, op, inputs, expected, opset, fed, attributes)
        return
    if ov.__version__[:6] not in (*wrong, "2026.4"):
        return
    core = ov.Core()
    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}
    kept.append(core.compile_model(core.read_model(path), "CPU", settings))  # to let it go may end the process
    got = kept[-1](inputs[:fed])[0]
    right = got.shape == expected.shape and np.allclose(got, expected, atol=1e-4, equal_nan=True)
    print(f"{name}: expected {expected.shape} {expected.ravel()[:4]}\n  got {got.shape} {got.ravel()[:4]}")
    seen.append(not right)


def make(path, op, inputs, expected, opset, fed, attributes):
    def told(name, x):
        return oh.make_tensor_value_info(name, oh.np_dtype_to_tensor_dtype(x.dtype), x.shape)

    inputs = [np.asarray(x) for x in inputs]
    names = [f"i{n}" for n in range(len(inputs))]
    node = oh.make_node(op, names, ["y"], **attributes)
    given = [told(n, x) for n, x in zip(names, inputs)]
    constants = [onnx.numpy_helper.from_array(x, n) for n, x in zip(names, inputs)]
    graph = oh.make_graph([node], "g", given[:fed], [told("y", expected)], constants[fed:])
    model = oh.make_model(graph, opset_imports=[oh.make_opsetid("", opset)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, path)


x = rng.normal(size=(1, 1, 4, 4)).astype("f4")
dilated = np.array([[x[0, 0, i : i + 3 : 2, j : j + 3 : 2].mean() for j in (0, 1)] for i in (0, 1)], "f4")
case("AveragePool, dilations", "AveragePool", [x], dilated[None, None], 19, kernel_shape=[2, 2], dilations=[2, 2])
rows = rng.normal(size=(3, 4)).astype("f4")
case("ReduceMean, axes an input", "ReduceMean", [rows, np.array([1])], rows.mean(1, keepdims=True))
case("ReduceMax, axes an input", "ReduceMax", [rows, np.array([1])], rows.max(1, keepdims=True))
case("Shape, start and end", "Shape", [rows], np.array([3]), 15, start=0, end=1)
values = np.array([0, 1], "f4")
hot = np.array([[0, 0, 1, 0]], "f4")
case("OneHot of -2", "OneHot", [np.array([-2]), np.array(4), values], hot, 11, axis=1)
picked = np.take_along_axis(rows, np.array([[-1, -2, 0, 0]]), 0)
case("GatherElements at -1", "GatherElements", [rows, np.array([[-1, -2, 0, 0]])], picked, 13, axis=0)
half = np.array([-np.inf, 1, np.inf], "f2")
case("Cast of infinity, float16", "Cast", [half], half.astype("f4"), 13, to=FLOAT)
case("IsInf, float16", "IsInf", [half], np.isinf(half), 20)
kernel = rng.normal(size=(1, 2, 3, 3)).astype("f4")
wide = np.zeros((1, 2, 7, 7), "f4")
for i, j in np.ndindex(3, 3):
    wide[:, :, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3] += x[0, 0, i, j] * kernel
case("ConvTranspose, SAME_UPPER", "ConvTranspose", [x[:, :, :3, :3], kernel], wide[:, :, :6, :6], 11,
     auto_pad="SAME_UPPER", strides=[2, 2])  # fmt: skip
logits = np.log(np.array([[1, 2, 1], [1, 2, 1]], "f4"))
loss = -np.log(np.array([0.25, 0.5], "f4"))
case("SoftmaxCrossEntropyLoss of class 0", "SoftmaxCrossEntropyLoss", [logits, np.array([0, 1])], loss, 13,
     reduction="none")  # fmt: skip
zeros = np.array([[0, 0], [3, 4]], "f4")
both, last = ("2023.3", "2025.4"), ("2025.4",)
case("LpNormalization of zeros", "LpNormalization", [zeros], np.array([[0, 0], [0.6, 0.8]], "f4"), 1, wrong=both)
case("Swish, alpha", "Swish", [rows], rows / (1 + np.exp(-rows / 2)), 24, wrong=both, alpha=0.5)
whole, scales = np.array([[1, 2, 3, 4]], "u1"), np.array([[1, 10]], "f4")
case("DequantizeLinear, blocks", "DequantizeLinear", [whole, scales], np.array([[1, 2, 30, 40]], "f4"), 21, wrong=last,
     axis=1, block_size=2)  # fmt: skip
padded = np.array([[0, 0, 0, 0], [0, 3, 4, 0]], "f4")
case("Pad, axes", "Pad", [zeros, np.array([1, 1]), np.float32(0), np.array([1])], padded, fed=2, wrong=last)
empty = np.zeros((0, 3), "f4")
case("Reshape, allowzero", "Reshape", [empty, np.array([3, 0])], empty.T, 14, fed=2, wrong=last, allowzero=1)

if task == "make":
    sys.exit()
print("reproduced" if all(seen) else f"not reproduced: {seen.count(False)} of {len(seen)} are right")
raise SystemExit(not all(seen))
