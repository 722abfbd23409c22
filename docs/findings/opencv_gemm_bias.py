"""OpenCV: Gemm takes a bias that does not broadcast, and returns numbers.

opencv-python-headless 5.0.0.93, numpy 2.4.6. Environment: opencv5.0, after make_files.py.
    python docs/findings/make_files.py /tmp/findings
    .tox/opencv5.0/bin/python docs/findings/opencv_gemm_bias.py /tmp/findings
"""

import sys

import cv2
import numpy as np

print("expected: refused, since C has 4 numbers and A x B is (4, 5)")
try:
    net = cv2.dnn.readNetFromONNX(f"{sys.argv[1]}/Gemm-bias.onnx")
    net.setInput(np.ones((4, 3), "f4"), "x")
    got = net.forward()
    print("got", got.tolist())
except cv2.error as error:
    got = None
    print("got", " ".join(str(error).split())[-150:])
print("not reproduced" if got is None else "reproduced")
sys.exit(got is None)
