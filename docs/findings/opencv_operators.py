"""OpenCV: what its GRU, reverse LSTM, five-dimensional reductions, overhanging averages, Reshapes in a row and Gelu by
tanh give; and a crash.

opencv-python-headless 5.0.0.93, numpy 2.4.6. Environment: opencv5.0, after make_files.py.
    python docs/findings/make_files.py /tmp/findings
    .tox/opencv5.0/bin/python docs/findings/opencv_operators.py /tmp/findings
"""

import math
import os
import signal
import sys

import cv2
import numpy as np

folder = sys.argv[1]
rng = np.random.default_rng(1)
x = rng.normal(size=(7, 2, 4)).astype("f4")
seen = []


def sigmoid(v):
    return 1 / (1 + np.exp(-v))


def gru(x, w, r):
    """ONNX's GRU (gates z, r, h; linear_before_reset=0): all states, (time, 1, batch, units)."""
    (wz, wr, wh), (rz, rr, rh) = np.split(w[0], 3), np.split(r[0], 3)
    h, states = np.zeros((x.shape[1], 3)), []
    for step in x:
        z, reset = sigmoid(step @ wz.T + h @ rz.T), sigmoid(step @ wr.T + h @ rr.T)
        h = (1 - z) * np.tanh(step @ wh.T + (reset * h) @ rh.T) + z * h
        states.append(h)
    return np.array(states)[:, None]


def forward(name, outputs, feed=x, times=1):
    """The outputs of the last of so many runs of one net, or the message."""
    net = cv2.dnn.readNetFromONNX(f"{folder}/{name}.onnx")
    try:
        for _ in range(times):
            net.setInput(feed, "x")
            result = net.forward(outputs)
        return result
    except cv2.error as error:
        return [str(error).strip().splitlines()[-1][-110:]]


def case(finding, got, expected, wrong=True):
    """Compares; `wrong` is what we claim."""
    same = getattr(got, "shape", None) == expected.shape
    said = f"{got.shape}, error {np.abs(got - expected).max():.1e}" if same else getattr(got, "shape", got)
    print(f"{finding}: expected {expected.shape}, got {said}")
    seen.append(wrong != (same and np.allclose(got, expected, atol=1e-4)))


weights = dict(np.load(f"{folder}/gru.npz"))
states, backward = gru(x, **weights), gru(x[::-1], **weights)[::-1]
case("GRU, first run", forward("GRU-forward-both", ["y", "h"])[0], states, wrong=False)
case("GRU, second run", forward("GRU-forward-both", ["y", "h"], times=2)[0], states)
case("GRU, reverse", forward("GRU-reverse-both", ["y", "h"])[0], backward)
case("  the same by the forward GRU", forward("GRU-reverse-both", ["y", "h"])[0], states, wrong=False)
case("GRU, only Y", forward("GRU-forward-y", ["y"])[0], states)
case("  the same by Y_h", forward("GRU-forward-y", ["y"])[0], states[-1], wrong=False)
y, h = forward("LSTM-reverse-both", ["y", "h"])
case("LSTM, reverse: Y_h by the first of Y", h, y[0])
case("  the same by the last of Y", h, y[-1], wrong=False)

for axes in ((1, 2, 3), (2, 3, 4)):
    five = rng.normal(size=(2, 3, 4, 5, 6)).astype("f4")
    got = forward("ReduceMax-" + "".join(map(str, axes)), ["y"], five)[0]
    case(f"ReduceMax over {axes}", got, five.max(axes, keepdims=True), wrong=axes == (1, 2, 3))

# A window of 3 over [0] 1 2 3 4 [0], stride 2: the last has 4, a padding cell, and one beyond that does not count.
row = np.array([[[[1, 2, 3, 4]]]], "f4")
case("AveragePool", forward("AveragePool", ["y"], row)[0], np.array([[[[1, 3, 2]]]], "f4"))

# SAME_UPPER: a window of 3 over 4 cells needs one more cell with stride 2, which goes behind, and two with stride 1.
square = np.arange(16, dtype="f4").reshape(1, 1, 4, 4)
for stride, first in ((1, [5, 6]), (2, [10, 11])):
    got = forward(f"MaxPool-same-{stride}", ["y"], square)[0].ravel()[:2]
    case(f"MaxPool, SAME_UPPER, stride {stride}", got, np.array(first), wrong=stride == 2)

# (14, 8) to (2, 7, 8) to (0, -1, 2, 4): the 0 stands for the 2.
numbers = np.arange(112, dtype="f4").reshape(14, 8)
case("Reshape behind Reshape", forward("Reshapes", ["y"], numbers)[0], numbers.reshape(2, 7, 2, 4))
case("  with Relu between them", forward("Reshapes-Relu", ["y"], numbers)[0], numbers.reshape(2, 7, 2, 4), wrong=False)

# Channels last, as JAX and Flax are written: (1, 2, 3, 4) to (1, 4, 6, 4).
channels_last = np.arange(24, dtype="f4").reshape(1, 2, 3, 4)
for by in ("scales", "sizes"):
    got = forward(f"Resize-channels-last-{by}", ["y"], channels_last)[0]
    case(f"Resize of the axes 1 and 2, by {by}", got, channels_last.repeat(2, 1).repeat(2, 2))

v = np.linspace(-3, 3, 14).astype("f4").reshape(2, 7)
exact = v / 2 * (1 + np.vectorize(math.erf)(v / math.sqrt(2)))
by_tanh = v / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (v + 0.044715 * v**3)))
case("Gelu, approximate=none", forward("Gelu-none", ["y"], v)[0], exact, wrong=False)
case("Gelu, approximate=tanh", forward("Gelu-tanh", ["y"], v)[0], by_tanh)
case("  the same by the exact Gelu", forward("Gelu-tanh", ["y"], v)[0], exact, wrong=False)

child = os.fork()
if not child:
    forward("Elu", ["y"], np.ones((2, 3, 4), "f4"))
    os._exit(0)
status = os.waitpid(child, 0)[1]
print("Div, Elu, Mul: expected no signal, got signal", os.WTERMSIG(status) if os.WIFSIGNALED(status) else "none")
seen.append(os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGSEGV)

print("reproduced" if all(seen) else "not reproduced")
sys.exit(not all(seen))
