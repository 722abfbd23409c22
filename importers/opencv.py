"""OpenCV's dnn module, on the CPU, with the engine that it chooses by itself (from 5.0 on: the new one)."""

import cv2

PACKAGES = ("opencv-python-headless",)
UNSUPPORTED = (r"Can't create layer", r"not supported", r"[Uu]nsupported", r"only (.* )?support", r"not implemented")

cv2.setNumThreads(1)


def load(path, request):
    """The network, and the names of its outputs."""
    return cv2.dnn.readNetFromONNX(path), request.outputs


def run(session, inputs):
    """All outputs by name; OpenCV gives None for one without elements, so its user does not learn the shape."""
    net, names = session
    for name, array in inputs.items():
        net.setInput(array, name)
    return {name: None if array is None else array.copy() for name, array in zip(names, net.forward(names))}
