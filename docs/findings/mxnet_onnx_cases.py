"""MXNet's importer on ONNX's own operator cases: what it gives, without an error, instead of what ONNX demands.

mxnet 1.9.1 (1.8.0.post0 and 1.7.0.post2 alike), onnx 1.8.1, numpy 1.23.5. Environment: mxnet1.9, after
make_case_files.py.
    python docs/findings/make_case_files.py /tmp/findings/cases
    .tox/mxnet1.9/bin/python docs/findings/mxnet_onnx_cases.py /tmp/findings/cases
"""

import os
import sys

os.environ["MXNET_ENGINE_TYPE"] = "NaiveEngine"

import mxnet as mx
import numpy as np
from mxnet.contrib import onnx as onnx2mx

folder = sys.argv[1]
seen = []
GIVEN = {  # dtype, shape and values of the last output; None: it is missing
    "ArgMax-last": ("int64", (1, 1), [0]),  # select_last_index is not looked at
    "ReduceLogSum-fed": ("float32", (1, 1), [np.log(21)]),  # of all numbers
    "MaxPool-upper": ("float32", (1, 1, 1, 2), [3, 5]),  # auto_pad is not looked at
    "MaxPool-dilations": ("float32", (1, 1, 1, 3), [2, 3, 4]),
    "Gather-negative": ("float32", (1,), [1]),  # cut to 0
    "Shape-part": ("int64", (2,), [2, 3]),  # start and end are not looked at
    "Hardmax": ("float32", (1, 2, 2), [0, 0, 1, 0]),  # one of all numbers
    "LpNormalization": ("float32", (1,), [4]),  # the norm
    "LRN": ("float32", (1, 1, 1, 1), [2.0**-0.75]),  # the default of bias is 2
    "Less": ("float32", (1,), [1]),
    "Size": ("int64", (1,), [6]),
}


def forward(name, inputs, outputs):
    """The last output."""
    symbol, arguments, states = onnx2mx.import_model("%s/%s.onnx" % (folder, name))
    feeds = {key: mx.nd.array(array, dtype=array.dtype) for key, array in inputs.items()}
    executor = symbol.bind(mx.cpu(), dict(arguments, **feeds), aux_states=states, grad_req="null")
    return executor.forward(is_train=False)[-1].asnumpy()


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
