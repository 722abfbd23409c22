"""tract up to 0.22: integers read as floats, and InstanceNormalization and Resize with half pixels are wrong.

tract 0.22.4 (0.21.19 alike; 0.23.9 is right), numpy 2.4.6. Environment: tract0.22, after make_files.py.
    python docs/findings/make_files.py /tmp/findings
    .tox/tract0.22/bin/python docs/findings/tract_older.py /tmp/findings
"""

import sys

import numpy as np
import tract

folder = sys.argv[1]
rng = np.random.default_rng(0)
seen = []


def case(name, x, expected, wrong=True):
    """Compares what tract makes of FOLDER/name.onnx."""
    model = tract.onnx().model_for_path(f"{folder}/{name}.onnx").into_optimized()
    got = model.into_runnable().run([x])[0].to_numpy()
    right = got.dtype == expected.dtype and got.shape == expected.shape and np.allclose(got, expected, atol=1e-4)
    print(f"{name}: expected {expected.ravel()[:4]} {expected.dtype}\n  got {got.ravel()[:4]} {got.dtype}")
    seen.append(right != wrong)


x = rng.normal(size=(2, 6)).astype("f4")
case("ArgMax-int64", x, x.argmax(1))  # to_numpy reads the bytes of every output as float32
case("ArgMax", x, x.argmax(1, keepdims=True).astype("f4"), wrong=False)  # the same, cast to float in the file

for rank in (1, 2):
    x = rng.normal(size=(2, 4, 5, 6)[: rank + 2]).astype("f4")
    axes, scale = tuple(range(2, rank + 2)), np.arange(1, 5, dtype="f4").reshape((4,) + (1,) * rank)
    centred = x - x.mean(axes, keepdims=True)
    case(f"InstanceNorm-{rank}d", x, centred / np.sqrt(x.var(axes, keepdims=True) + 1e-5) * scale)


def linear(x, axis, place):
    """x at the places of an axis of twice its length, between its neighbours, and its ends beyond them."""
    size = x.shape[axis]
    at = np.clip([place(i, size) for i in range(2 * size)], 0, size - 1)
    low = np.minimum(at.astype(int), size - 2)
    part = (at - low).reshape([-1 if a == axis else 1 for a in range(x.ndim)])
    return (np.take(x, low, axis) * (1 - part) + np.take(x, low + 1, axis) * part).astype("f4")


x = rng.normal(size=(1, 1, 3, 4)).astype("f4")
half, aligned = (lambda i, n: (i + 0.5) / 2 - 0.5), (lambda i, n: i * (n - 1) / (2 * n - 1))
case("Resize-half_pixel", x, linear(linear(x, 2, half), 3, half))
case("Resize-align_corners", x, linear(linear(x, 2, aligned), 3, aligned), wrong=False)
print("reproduced" if all(seen) else "not reproduced")
sys.exit(not all(seen))
