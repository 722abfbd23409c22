"""OpenCV on ONNX's own operator cases: what it gives, without an error, instead of the outputs that ONNX demands.

opencv-python-headless 5.0.0.93, numpy 2.4.6. Environment: opencv5.0, after make_case_files.py.
    python docs/findings/make_case_files.py /tmp/findings/cases
    .tox/opencv5.0/bin/python docs/findings/opencv_onnx_cases.py /tmp/findings/cases
"""

import sys

import cv2
import numpy as np

folder = sys.argv[1]
least, seen = -3.4028235e38, []
GIVEN = {  # dtype, shape and values of the last output; None: there is none; "refused"; "right": as it should be
    # A number comes as a vector of one, but not from everybody.
    "Det": ("float32", (1,), -2),
    "Size": ("int64", (1,), 6),
    "NLL": ("float32", (1,), 2.5),
    "SCE": ("float32", (1,), np.log(2)),
    "Constant-int": ("float32", (1,), 6),  # value_int; so has what is gathered
    "Constant": "right",  # value, of the shape ()
    "ReduceMean-scalar": "right",
    # An array without elements is None in Python: its user does not learn the shape.
    "Slice-empty": None,
    # Other dtypes than the file declares.
    "Neg-half": ("float32", (2,), [-1, 2]),
    "Cast-half": ("float32", (2,), [1, 0.33325]),
    "Cast-bfloat16": ("uint16", (2,), [0x3F80, 0xC000]),  # the bits of 1 and -2
    "Dropout": ("float32", (2,), [1, 2]),  # the mask is the input
    "Pow": ("float32", (2,), [8, 2**0.5]),
    # Attributes and inputs that are not looked at.
    "Attention-window": ("float32", (1, 1, 3, 1), 3),
    "DFT-axis": ("float32", (1, 2, 2, 2), [4, 0, 6, 0, -2, 0, -2, 0]),  # as along axis 1
    "GridSample-cubic": ("float32", (1, 1, 1, 2), [3.5, 2.5]),  # bilinear
    "MaxPool-columns": ("int64", (1, 1, 1, 2), [5, 7]),  # counted by rows
    "Resize-antialias": ("float32", (1, 1, 2, 4), [0, 4, 0, 0] * 2),
    "Resize-axes": ("float32", (1, 1, 2, 2), [5, 6, 5, 6]),  # [2, 3]
    "Resize-policy": ("float32", (1, 1, 3, 4), [5, 5, 6, 6] * 3),
    "Resize-symmetric": ("float32", (1, 1, 2, 3), [1, 5 / 3, 2] * 2),  # as asymmetric
    "SpaceToDepth-CRD": ("float32", (1, 8, 1, 1), [0, 4, 1, 5, 2, 6, 3, 7]),  # DCR
    "Swish": ("float32", (2,), [2 / (1 + np.exp(-2)), -4 / (1 + np.exp(4))]),  # alpha=1
    "MaxPool-lower": ("float32", (1, 1, 1, 4), [2, 3, 4, 4]),  # SAME_UPPER
    "AveragePool-lower": ("float32", (1, 1, 1, 4), [1.5, 2.5, 3.5, 4]),
    "Conv-lower": ("float32", (1, 1, 1, 4), [3, 5, 7, 4]),
    "ConvTranspose-same": ("float32", (1, 1, 1, 3), [1, 3, 2]),
    # A window that begins behind the input and its padding.
    "MaxPool-ceil": ("float32", (1, 1, 2, 2), [1, least, least, least]),
    "AveragePool-ceil": ("float32", (1, 1, 2, 2), [10 / 9, 0, 0, 0]),
    # Other numbers.
    "Attention-masked-row": ("float32", (1, 1, 3, 1), [1.5, 3, 3]),  # the mean of all
    "Mod": ("float32", (4,), [0, -2, 5, 3]),  # of -4, 7 by 2, -3: integers
    "OneHot": ("float32", (3, 3), [[1, 0, 0], [0, 0, 1], [0, 1, 0]]),  # what is out of range is cut to the range
    "QuantizeLinear-ties": ("uint8", (4,), [2, 2, 4, 4]),  # the zero point is added before rounding
    "Gather-Cast": ("float32", (2,), [6, 5.5]),  # the Cast behind a Gather is left out
    "Gather-Div": ("int64", (), 0),
    "ReduceMax-none": ("bool", (2, 1), True),
    "ReduceMax-infinite": ("float32", (1, 1), least),
    "ReduceMin-infinite": ("float32", (1, 1), -least),
    "ReduceMean-023": ("float32", (1, 2, 1, 1), 7),  # (1 + 10 + 10) / 3: the second twice, the third not at all
    "ReduceSum-023": ("float32", (1, 2, 1, 1), 84),
    "ReduceMax-023": ("float32", (1, 2, 1, 1), 10),
    "ReduceMean-23": "right",
    # As ONNX had it before it changed its mind.
    "Attention-softcap": ("float32", (1, 1, 3, 1), 2.5471),  # the cap behind the mask: 6 counts exp(-0.5)
    "Mod-zero": ("float32", (2,), np.inf),  # no signed zeros
    "Resize-aligned": ("float32", (1, 1, 2, 2), [1, 4] * 2),  # as ONNX Runtime
    "ConstantOfShape": "refused",  # without a value, which is 0 then
}


def forward(name, case):
    """The last output, None where an array without elements is due; "refused"."""
    outputs = [str(output) for output in case["names"]]
    try:
        net = cv2.dnn.readNetFromONNX(f"{folder}/{name}.onnx")
        for key in case:
            if key.startswith("in_"):
                net.setInput(case[key], key[3:])
        return net.forward(outputs)[-1]
    except cv2.error as error:
        print(" ", str(error).strip().splitlines()[0][-110:])
        return "refused"


def same(got, dtype, shape, values):
    """Whether an output is just that."""
    return (str(got.dtype), got.shape) == (dtype, shape) and np.allclose(got.ravel(), np.ravel(values), 1e-3, 1e-4)


for name, given in GIVEN.items():
    case = np.load(f"{folder}/{name}.npz")
    expected, dtype = case["expected"], str(case["dtype"])
    got = forward(name, case)
    print(f"{name}: expected {dtype} {expected.shape} {expected.ravel()[:8]}")
    if not isinstance(got, np.ndarray):
        print("  got", got)
        seen.append(got == given)
        continue
    print(f"  got {got.dtype} {got.shape} {got.ravel()[:8]}")
    right = same(got, dtype, expected.shape, expected)
    seen.append(right if given == "right" else not right and isinstance(given, tuple) and same(got, *given))
print("reproduced" if all(seen) else "not reproduced")
sys.exit(not all(seen))
