"""OpenCV: a branch of an If that is first taken at a later forward(), a Loop whose state is a graph output, one whose
states begin with the same tensor, the shape of a loop's number, and reductions over all axes by their numbers.

opencv-python-headless 5.0.0.93, numpy 2.4.6. Environment: opencv5.0, after make_files.py.
    python docs/findings/make_files.py /tmp/findings
    .tox/opencv5.0/bin/python docs/findings/opencv_control_flow.py /tmp/findings
"""

import sys

import cv2
import numpy as np

folder = sys.argv[1]
seen = []


def forward(net, x):
    """The output, or the message."""
    try:
        net.setInput(x, "x")
        return net.forward()
    except cv2.error as error:
        return " ".join(str(error).split())[-90:]


def case(finding, got, expected, wrong):
    """Compares; `wrong` is what we claim."""
    same = isinstance(got, np.ndarray) and got.shape == expected.shape and np.allclose(got, expected)
    said = f"{got.shape}: {got.ravel().tolist()}" if isinstance(got, np.ndarray) else got
    print(f"{finding}: expected {expected.shape}: {expected.ravel().tolist()}, got {said}")
    seen.append(wrong != same)


x = np.array([[1, 2, 3], [4, 5, 6]], "f4")
for order in ((x, -x), (-x, x)):
    net = cv2.dnn.readNetFromONNX(f"{folder}/If.onnx")
    for time, feed in enumerate(order):
        upper = feed.mean() > 0
        finding = f"If, call {time + 1}, the {'upper' if upper else 'lower'} branch"
        case(finding, forward(net, feed), -feed if upper else 2 * feed, wrong=bool(time and not upper))
zeros = np.zeros(2, "f4")
# The state of the loop is a graph output, or a Neg stands between; the condition is computed from the state, or is not.
for name, sign in (("computed", 1), ("handed-on", 1), ("computed-Neg", -1), ("handed-on-Neg", -1)):
    try:
        got = forward(cv2.dnn.readNetFromONNX(f"{folder}/Loop-{name}.onnx"), zeros)
    except cv2.error as error:
        got = " ".join(str(error).split())[-90:]
    case(f"Loop-{name}", got, sign * (zeros + 3), wrong=name == "handed-on")
for name in ("one", "two"):
    got = forward(cv2.dnn.readNetFromONNX(f"{folder}/Loop-{name}-tensor.onnx"), zeros)
    case(f"Loop, states that begin with {name} tensor(s)", got, np.array([3, 3, 3, 3], "f4"), wrong=name == "one")
rows = np.arange(6, dtype="f4").reshape(3, 2)
got = forward(cv2.dnn.readNetFromONNX(f"{folder}/Loop-rows.onnx"), rows)
case("Loop, a row at each step, by its number", got, -rows, wrong=True)
got = forward(cv2.dnn.readNetFromONNX(f"{folder}/ReduceMean-all.onnx"), x)
case("ReduceMean, axes 0 and 1, keepdims=0", got, np.array(3.5, "f4"), wrong=True)

print("reproduced" if all(seen) else "not reproduced")
sys.exit(not all(seen))
