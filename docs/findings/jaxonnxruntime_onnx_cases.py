"""jaxonnxruntime on ONNX's own operator cases: what it gives, without an error, instead of what ONNX demands.

jaxonnxruntime 0.3.0, jax 0.10, onnx 1.23.2, numpy 2.4.6. Environment: jaxonnxruntime0.3, after make_case_files.py.
    python docs/findings/make_case_files.py /tmp/findings/cases
    .tox/jaxonnxruntime0.3/bin/python docs/findings/jaxonnxruntime_onnx_cases.py /tmp/findings/cases
"""

import os
import sys

os.environ["JAX_PLATFORMS"] = "cpu"

import numpy as np
import onnx
from jaxonnxruntime import backend

folder = sys.argv[1]
seen = []
GIVEN = {  # dtype, shape and values of the last output; None: it is missing
    "Add-float64": ("float32", (2,), [np.inf, 3]),  # of 2e300 and 3
    "Add-uint64": ("uint32", (2,), [6, 28]),
    "ArgMax-default": ("int32", (1, 3), [1, 0, 1]),  # right but for the type: JAX has no 64 bits unless it is told
    "Div-integers": ("int32", (2,), [3, -4]),  # rounded down
    "Squeeze-one": ("float32", (), [5]),  # every axis of length 1
}


def forward(name, inputs, outputs):
    """The last output."""
    return np.asarray(backend.prepare(onnx.load("%s/%s.onnx" % (folder, name))).run(inputs)[-1])


def same(got, dtype, shape, values):
    """Whether an output is just that."""
    return (str(got.dtype), got.shape) == (dtype, shape) and np.allclose(got.ravel(), np.ravel(values), 1e-3, 1e-4)


for name, given in sorted(GIVEN.items()):
    case = np.load("%s/%s.npz" % (folder, name))
    expected = case["expected"]
    got = forward(name, {key[3:]: case[key] for key in case if key.startswith("in_")}, len(case["names"]))
    print("%s: expected %s %s %s" % (name, expected.dtype, expected.shape, expected.ravel()[:8]))
    print("  got", "nothing" if got is None else "%s %s %s" % (got.dtype, got.shape, got.ravel()[:8]))
    right = got is not None and same(got, str(case["dtype"]), expected.shape, expected)
    seen.append(not right and (got is None if given is None else got is not None and same(got, *given)))
print("reproduced" if all(seen) else "not reproduced")
sys.exit(not all(seen))
