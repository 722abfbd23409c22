"""OpenVINO: what ONNX's own operator cases found: attributes and inputs that are not read, shifts that saturate, floats
of 64 and of 8 bits, reductions and pools that cannot hold minus infinity, ties.

openvino 2026.4.1, numpy 2.4.6. Environment: openvino2026.4, after make_files.py.
    python docs/findings/make_files.py /tmp/findings
    .tox/openvino2026.4/bin/python docs/findings/openvino_onnx_cases.py /tmp/findings
"""

import sys

import numpy as np
import openvino as ov

core = ov.Core()
seen = []


def case(name, feeds, expected, wrong=True, output=0):
    """Runs FOLDER/name.onnx in float32; `wrong` is what we claim, of the values or of the shape."""
    compiled = core.compile_model(f"{sys.argv[1]}/{name}.onnx", "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    got = compiled(feeds)[output]
    expected = np.asarray(expected)
    right = got.shape == expected.shape and np.allclose(got, expected, rtol=1e-3, atol=1e-4)
    print(f"{name}: expected {expected.shape} {expected.ravel()}\n  got {got.shape} {got.ravel()}")
    seen.append(right != wrong)


# Shifts.
for name, x, shift, expected, wrong in (
    ("u1-LEFT", [200, 3, 1], [1, 1, 1], [144, 6, 2], True),  # 400 is 144 and one bit too many
    ("u1-RIGHT", [200, 3, 1], [1, 1, 1], [100, 1, 0], False),
    ("u4-LEFT", [2**31, 3, 1], [1, 1, 1], [0, 6, 2], False),
    ("u4-RIGHT", [2**32 - 1, 3, 1], [1, 1, 1], [2**31 - 1, 1, 0], True),
    ("u8-RIGHT", [2**63, 3, 1], [1, 1, 1], [2**62, 1, 0], True),
    ("i1-LEFT", [64, -1, 1], [1, 1, 8], [-128, -2, 0], True),
    ("i1-RIGHT", [64, -1, -3], [1, 1, 1], [32, -1, -2], True),  # arithmetic: rounds down
):
    dtype = name[:2]
    case(f"BitShift-{name}", {"x": np.array(x, dtype), "n": np.array(shift, dtype)}, np.array(expected, dtype), wrong)

# Wide types, which are computed in 32 bits.
case("Cast-f4-f8", {"x": np.array([1, np.inf, -np.inf], "f4")}, [1, np.inf, -np.inf])
case("Cast-f8-f4", {"x": np.array([1, np.inf, 1e300])}, [1, np.inf, np.inf])
case("Add-f8", {"x": np.array([1e300, 1, 2]), "z": np.zeros(3)}, [1e300, 1, 2])
case("Add-i8", {"x": np.array([2**40, 2**31, 2]), "z": np.array([1, 1, 1])}, [2**40 + 1, 2**31 + 1, 3])

# float8: what is too great becomes the greatest number, as `saturate` is 1; float8e8m0 is rounded up.
x = {"x": np.array([1e6, np.inf, 3], "f4")}
case("Cast-FLOAT8E4M3FN", x, [448, 448, 3])
case("Cast-FLOAT8E5M2", x, [57344, 57344, 3])
case("Cast-FLOAT8E8M0", {"x": np.array([1.1, 3, 4], "f4")}, [2, 4, 4])

# The greatest of nothing but minus infinity.
case("ReduceMax-infinite", {"x": np.array([[-np.inf, -np.inf], [1, -np.inf]], "f4")}, [[-np.inf], [1]])
case("ReduceMin-infinite", {"x": np.array([[np.inf, np.inf], [1, np.inf]], "f4")}, [[np.inf], [1]])

# Ties go to the lower index, when k is a constant.
ties = np.array([1, 2, 2, 1, 2, 1], "f4")
case("TopK", {"x": ties, "k": np.array([4])}, [1, 2, 4, 0], output=1)
case("TopK-constant", {"x": ties}, [1, 2, 4, 0], wrong=False, output=1)

# Two boxes, one half of the other; 0.5 is not more than the threshold 0.5.
boxes = {"b": np.array([[[0, 0, 1, 2], [0, 0, 1, 1]]], "f4"), "s": np.array([[[0.9, 0.8]]], "f4")}
case("NonMaxSuppression", boxes, [[0, 0, 0], [0, 0, 1]])

# Of [1 2 3] by strides of 3: the second window lies behind the end, and does not count.
case("MaxPool-ceil", {"x": np.array([[[1, 2, 3]]], "f4")}, [[[1]]])

# DFT of [[1 2] [3 4]]; along axis 2: sum and difference of the rows.
square = np.array([1, 2, 3, 4], "f4").reshape(1, 2, 2, 1)
along = np.array([3, 0, -1, 0, 7, 0, -1, 0]).reshape(1, 2, 2, 2)
case("DFT-19", {"x": square}, along, wrong=False)
case("DFT-20", {"x": square}, along)
case("DFT-20", {"x": square}, np.array([4, 0, 6, 0, -2, 0, -2, 0]).reshape(1, 2, 2, 2), wrong=False)  # along axis 1
case("DFT-onesided", {"x": np.array([[[1], [2]]], "f4")}, [[[3, 0], [-1, 0]]])  # (1, 2, 1) to (1, 2, 2)
case("DFT-inverse", {"x": np.array([[[3, 0], [-1, 0]]], "f4")}, [[[1], [2]]])  # (1, 2, 2) to (1, 2, 1)

# Halving 1 ... 16, positions 0 ... 3 along each axis. Antialiased, a pixel is the mean of four by the weights 1 3 3 1,
# of which that outside counts as the border. A cubic (a = -0.75) that excludes the outside leaves out its weight.
image = {"x": np.arange(1, 17, dtype="f4").reshape(1, 1, 4, 4)}
plain, wide = np.array([0.5, 2.5]), np.array([0.625, 2.375])
cubic = np.array([-0.09375, 0.59375, 0.59375, -0.09375])
border = cubic[1:] / cubic[1:].sum() @ np.arange(3)
grid = {
    "antialias-0": plain,
    "antialias-1": wide,
    "exclude-outside-0": np.array([cubic @ [0, 0, 1, 2], cubic @ [1, 2, 3, 3]]),
    "exclude-outside-1": np.array([border, 3 - border]),
}
for name, at in grid.items():
    case(f"Resize-{name}", image, (1 + 4 * at[:, None] + at).reshape(1, 1, 2, 2), wrong=name.endswith("1"))
case("Resize-not-larger", image, np.array([1, 3, 9, 11]).reshape(1, 1, 2, 2))  # (4, 4) within (2, 4)

# Layout 1: two sequences of one step, not one of two.
x = {"x": np.array([[[1]], [[2]]], "f4")}
first = {"RNN": lambda v: np.tanh(v / 2)}
sigmoid = lambda v: 1 / (1 + np.exp(-v))  # noqa: E731
first["GRU"] = lambda v: (1 - sigmoid(v / 2)) * np.tanh(v / 2)
first["LSTM"] = lambda v: sigmoid(v / 2) * np.tanh(sigmoid(v / 2) * np.tanh(v / 2))
for op, step in first.items():
    case(f"{op}-layout-1", x, step(np.array([1, 2])).reshape(2, 1, 1, 1))
    both = core.compile_model(f"{sys.argv[1]}/{op}-layout-0.onnx", "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(x)[0]
    case(f"{op}-layout-1", x, both, wrong=False)  # as layout 0


def peepholes(p):
    """Both steps of an LSTM whose weights are 0.5 and whose peepholes are p."""
    h = c = 0
    for v in (1, 2):
        s = (v + h) / 2
        c = sigmoid(s + p * c) * c + sigmoid(s + p * c) * np.tanh(s)
        h = sigmoid(s + p * c) * np.tanh(c)
        yield h


case("LSTM-peepholes-0", x, np.reshape(list(peepholes(0)), (2, 1, 1, 1)), wrong=False)
case("LSTM-peepholes-1", x, np.reshape(list(peepholes(1)), (2, 1, 1, 1)))
case("LSTM-peepholes-1", x, np.reshape(list(peepholes(0)), (2, 1, 1, 1)), wrong=False)  # as without

cube = {"x": np.arange(8, dtype="f4").reshape(1, 2, 2, 2)}
case("SpaceToDepth-13", cube, np.array([0, 4, 1, 5, 2, 6, 3, 7]).reshape(1, 8, 1, 1), wrong=False)
case("SpaceToDepth-28", cube, np.arange(8).reshape(1, 8, 1, 1))

# Repeats that are fed: on three axes behind the first the numbers are others, on two they are right.
cells = np.arange(16, dtype="f4").reshape(2, 2, 2, 2)
for repeats, wrong in (([1, 2, 2, 2], True), ([2, 2, 2, 1], False)):
    case("Tile-fed", {"x": cells, "n": np.array(repeats)}, np.tile(cells, repeats), wrong=wrong)

# Attention whose scores are all alike: the mean of the values that may be seen.
zeros = np.zeros((1, 1, 5, 1), "f4")
values = np.arange(5, dtype="f4").reshape(1, 1, 5, 1)
means = np.array([1, 1.5, 2.5, 3, 3.5]).reshape(1, 1, 5, 1)  # of one before to two behind
case("Attention-window", {"q": zeros, "k": zeros, "v": values}, means)
case("Attention-window", {"q": zeros, "k": zeros, "v": values}, np.full_like(means, 2), wrong=False)  # of all
for new in (2, 3):  # two queries behind one past key: the first sees two keys, the second three
    feeds = {"q": zeros[:, :, :2], "k": zeros[:, :, :new], "v": 1 + values[:, :, 1 : new + 1]}
    feeds.update(pk=zeros[:, :, :1], pv=1 + values[:, :, :1])
    case(f"Attention-past-{new}", feeds, np.array([1.5, 2]).reshape(1, 1, 2, 1), wrong=new == 3)

print("reproduced" if all(seen) else "not reproduced")
sys.exit(not all(seen))
