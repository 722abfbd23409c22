"""Keras: adaptive pooling to 1 in a graph is a ValueError, and AdaptiveMaxPooling2D(1) run eagerly ends in SIGFPE.

keras 3.15.1, tensorflow-cpu 2.21.0. Environment: tensorflow2.21.
    .tox/tensorflow2.21/bin/python docs/findings/keras_adaptive_pooling.py
"""

import os
import signal
import sys

import keras
import numpy as np
import tensorflow as tf

x = np.random.default_rng(0).normal(size=(2, 5, 5, 3)).astype("f4")


def call(layer, graph):
    """How a process ended that called the layer: 0, 1 for an exception, or a signal."""
    child = os.fork()
    if not child:
        try:
            got = (tf.function(layer) if graph else layer)(tf.constant(x)).numpy()
            print("  got", got.shape, got.ravel()[:3], flush=True)
        except Exception as error:
            print(
                f"  got {type(error).__name__}:",
                next(line.strip() for line in str(error).splitlines() if "dimension" in line),
                flush=True,
            )
            os._exit(1)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


ends = {}
for kind, expected in (("Average", x.mean((1, 2))), ("Max", x.max((1, 2)))):
    for graph in (False, True):
        print(f"{kind}, {'graph' if graph else 'eager'}: expected (2, 1, 1, 3)", expected.ravel()[:3], flush=True)
        ends[kind, graph] = call(getattr(keras.layers, f"Adaptive{kind}Pooling2D")(1), graph)
        print("  ended with", ends[kind, graph])

reproduced = ends["Average", True] == ends["Max", True] == 1 and ends["Max", False] == -signal.SIGFPE
print("reproduced" if reproduced else "not reproduced")
sys.exit(not reproduced)
