"""OpenCV: a quantised convolution with a kernel of one cell is wrong on some CPUs, and right with a kernel of nine.

On an AMD CPU with AVX-512; on one of Intel with AMX the same file of squeezenet in int8 was right.

opencv-python-headless 5.0.0.93, numpy 2.4.6. Environment: opencv5.0, after make_files.py.
    python docs/findings/make_files.py /tmp/findings
    .tox/opencv5.0/bin/python docs/findings/opencv_int8_pointwise.py /tmp/findings
"""

import sys

import cv2
import numpy as np

x = np.random.RandomState(0).randn(2, 4, 5, 5).astype("f4")
errors = {}


def rounded(values):
    """What a quantiser of this scale and zero point leaves of them."""
    return (np.clip(np.rint(values / np.float32(0.03)) + 126, 0, 255) - 126) * np.float32(0.03)


for size in (1, 3):
    weights = np.arange(-127, 128)[: 24 * size * size].reshape(6, 4, size, size) * np.float32(0.004)
    windows = np.lib.stride_tricks.sliding_window_view(rounded(x), (size, size), (2, 3))
    expected = rounded(np.einsum("bchwij,ocij->bohw", windows, weights))
    net = cv2.dnn.readNetFromONNX(f"{sys.argv[1]}/Conv-int8-{size}x{size}.onnx")
    net.setInput(x, "x")
    errors[size] = float(np.abs(net.forward("y") - expected).max())
    print(f"kernel {size} x {size}: expected an error of a step, 0.03, at most, got {errors[size]:.3g}")
reproduced = errors[1] > 0.1 and errors[3] < 0.031
print("reproduced" if reproduced else "not reproduced")
sys.exit(not reproduced)
