"""onnx2kerastl on ONNX's own operator cases: what it gives, without an error, instead of what ONNX demands.

onnx2kerastl 0.0.198, onnx 1.13.0, numpy 1.23.5. Environment: onnx2kerastl0.0.198, after make_case_files.py.
    python docs/findings/make_case_files.py /tmp/findings/cases
    .tox/onnx2kerastl0.0.198/bin/python docs/findings/onnx2kerastl_onnx_cases.py /tmp/findings/cases
"""

import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np
import onnx
import tensorflow as tf
from onnx2kerastl import onnx_to_keras

folder = sys.argv[1]
seen = []
GIVEN = {  # dtype, shape and values of the last output; None: it is missing
    "ArgMax-default": ("int64", (2, 1), [1, 2]),  # along the last axis
    "ArgMax-last": ("int64", (1, 1), [0]),  # select_last_index is not looked at
    "Split-three": None,  # always two parts
    "Trilu-fed": ("float32", (2, 2), [1, 0, 3, 4]),  # k is 0
    "ScatterND-row-add": ("float32", (3,), [1, 10, 3]),  # replaced, not added
    "Selu": ("float32", (2,), [-1.1113, 1.0507]),  # alpha and gamma are not looked at
    "IsInf-negative": ("bool", (3,), [1, 1, 0]),
    "BitShift": ("uint64", (1,), [400]),
    "BitwiseNot": ("int32", (1,), [-2]),
    "Div-integers": ("float64", (2,), [3.5, -3.5]),
    "ReduceMean-empty": ("float32", (2, 2), [1, 2, 3, 4]),  # no axes are none, not all
    "MaxPool-dilations": ("float32", (1, 1, 1, 3), [2, 3, 4]),
    "MaxPool-upper": ("float32", (1, 1, 1, 2), [3, 5]),  # auto_pad is not looked at
    "Resize-nearest": ("float32", (1, 1, 1, 7), [5, 5, 5, 6, 6, 6, 6]),
    "ConvTranspose-shape": ("float32", (1, 1, 1, 3), [1, 0, 2]),
    "Softmax-11": ("float32", (1, 2, 1, 1), [1, 1]),  # along the last axis
    "Mod-zero": ("float32", (2,), [np.inf, -np.inf]),  # opset 28 wants the sign of the divisor
}


def forward(name, inputs, outputs):
    """The last output, None where the Keras model has fewer."""
    types = [tf.dtypes.as_dtype(array.dtype) for array in inputs.values()]
    model = onnx.load("%s/%s.onnx" % (folder, name))
    made = onnx_to_keras(model, list(inputs), input_types=types, verbose=False, allow_partial_compilation=False)
    model = made.converted_model
    arrays = [tf.constant(array) for array in inputs.values()]
    arrays = [array[None] if array.ndim < len(own.shape) else array for array, own in zip(arrays, model.inputs)]
    result = model(arrays if len(arrays) > 1 else arrays[0], training=False)
    results = [result] if tf.is_tensor(result) else result
    return results[-1].numpy() if len(results) == outputs else None


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
