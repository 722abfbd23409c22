"""OpenCV: x * HardSigmoid(z) is taken for HardSwish, though z is not x. Squeeze-and-excitation is such a product.

opencv-python-headless 5.0.0.93, numpy 2.4.6. Environment: opencv5.0, after make_files.py.
    python docs/findings/make_files.py /tmp/findings
    .tox/opencv5.0/bin/python docs/findings/opencv_hard_swish.py /tmp/findings
"""

import sys

import cv2
import numpy as np

x = np.array([[-2, -1, 1, 2]], "f4")
z = np.maximum(x, 0)
expected = x * np.clip(z / 6 + 0.5, 0, 1)
net = cv2.dnn.readNetFromONNX(f"{sys.argv[1]}/HardSigmoid-Mul.onnx")
net.setInput(x, "x")
got = net.forward(["y"])[0]
print("expected x * HardSigmoid(Relu(x)):", expected.ravel().tolist())
print("got                              :", got.ravel().tolist())
print("HardSwish(Relu(x))               :", (z * np.clip(z / 6 + 0.5, 0, 1)).ravel().tolist())
reproduced = got.shape != expected.shape or not np.allclose(got, expected, 1e-4)
print("reproduced" if reproduced else "not reproduced")
sys.exit(not reproduced)
