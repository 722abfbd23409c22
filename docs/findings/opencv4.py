"""OpenCV 4: BatchNormalization behind ConvTranspose is applied once more whenever the size of the input changes; and
up to 4.8, the last axis of a three-dimensional input is taken for colours, which are lost.

opencv-python-headless 4.12.0.88, numpy 2.2.6, and 4.8.1.78, numpy 1.26.4 (5.0.0.93 is right). Environment: opencv4.12
or opencv4.8, after make_files.py.
    python docs/findings/make_files.py /tmp/findings
    .tox/opencv4.12/bin/python docs/findings/opencv4.py /tmp/findings
"""

import sys

import cv2
import numpy as np

folder = sys.argv[1]
rng = np.random.default_rng(0)
seen = []


def load(name):
    return cv2.dnn.readNetFromONNX(f"{folder}/{name}.onnx")


def forward(net, x):
    net.setInput(x, "x")
    return net.forward().copy()


net = load("Transposed-BatchNorm")
for size, wrong in ((2, False), (2, False), (1, True), (3, True), (2, True)):
    x = rng.normal(size=(size, 3, 4, 4)).astype("f4")
    expected, got = forward(load("Transposed-BatchNorm"), x), forward(net, x)
    right = np.allclose(expected, got, atol=1e-4)
    print(f"a batch of {size}: expected {expected.ravel()[:3]}\n  got {got.ravel()[:3]}")
    seen.append(right != wrong)

x = rng.normal(size=(2, 4, 5)).astype("f4")
got = forward(load("Abs-3"), x)
print(f"Abs of {x.shape}: got {got.shape}")
older = int(cv2.__version__.split(".")[1]) < 9
seen.append((got.shape == (2, 4)) == older)
print("reproduced" if all(seen) else "not reproduced")
sys.exit(not all(seen))
