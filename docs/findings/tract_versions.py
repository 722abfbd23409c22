"""tract on files of one node: what 0.21 and 0.22 get wrong and 0.23 does not, and sums in float16.

tract 0.21.19, 0.22.4, 0.23.9, numpy 2.4.6. Environment: tract0.21, tract0.22 or tract0.23. With the suite's own Python,
which has onnx (1.23.2) and no tract, it writes the files.
    python docs/findings/tract_versions.py /tmp/findings/tract
    .tox/tract0.22/bin/python docs/findings/tract_versions.py /tmp/findings/tract
"""

import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np

folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
square = np.arange(16, dtype="f4").reshape(1, 1, 4, 4)
pair = np.array([[1, 3], [5, 11]], "f4").reshape(2, 1, 2)
three = np.array([1, 2, 3], "f4")
OLD, ALL = ("0.21", "0.22"), ("0.21", "0.22", "0.23")


def shaped(*shape):
    """A function that gives numbers a shape."""
    return lambda *numbers: np.array(numbers, "f4").reshape(shape)


CASES = {  # the versions that are wrong, opset, result, nodes, input, the truth, and what those versions give
    # A pool takes neighbours, whatever the dilations: the result is larger.
    "MaxPool": (OLD, 12, "float[A,B,C,D] y", "y = MaxPool<kernel_shape=[2,2], dilations=[2,2]>(x)", square,
                shaped(1, 1, 2, 2)(10, 11, 14, 15), shaped(1, 1, 3, 3)(5, 6, 7, 9, 10, 11, 13, 14, 15)),
    "AveragePool": (OLD, 19, "float[A,B,C,D] y", "y = AveragePool<kernel_shape=[2,2], dilations=[2,2]>(x)", square,
                    shaped(1, 1, 2, 2)(5, 6, 9, 10),
                    shaped(1, 1, 3, 3)(2.5, 3.5, 4.5, 6.5, 7.5, 8.5, 10.5, 11.5, 12.5)),
    # The last of two updates of one place stays.
    "ScatterElements": (OLD, 16, "float[3] y", 'n = Constant<value=int64[2]{1,1}>() '
                        'u = Constant<value=float[2]{5,7}>() y = ScatterElements<reduction="add">(x, n, u)', three,
                        shaped(3)(1, 14, 3), shaped(3)(1, 7, 3)),
    "ScatterND": (OLD, 16, "float[3] y", 'n = Constant<value=int64[2,1]{1,1}>() u = Constant<value=float[2]{5,7}>() '
                  'y = ScatterND<reduction="mul">(x, n, u)', three,
                  shaped(3)(1, 70, 3), shaped(3)(1, 7, 3)),
    # Mean and variance are those of the batch: of 1, 3, 5, 11 and not of 1, 3 and of 5, 11.
    "InstanceNormalization": (OLD, 6, "float[2,1,2] y", "s = Constant<value=float[1]{1}>() "
                              "b = Constant<value=float[1]{0}>() y = InstanceNormalization(x, s, b)", pair,
                              shaped(2, 1, 2)(-1, 1, -1, 1), (pair - 5) / np.sqrt(14)),
    # What lies before the first number is extrapolated.
    "Resize": (OLD, 13, "float[1,1,1,6] y", 'f = Constant<value=float[4]{1,1,1,2}>() y = Resize<mode="linear">(x, , f)',
               three.reshape(1, 1, 1, 3), shaped(1, 1, 1, 6)(1, 1.25, 1.75, 2.25, 2.75, 3),
               shaped(1, 1, 1, 6)(0.75, 1.25, 1.75, 2.25, 2.75, 3)),
    # A second zero behind a batch of 1 is taken for 1.
    "Reshape": (OLD, 13, "float[A,B,C] y", "s = Constant<value=int64[3]{0,0,-1}>() y = Reshape(x, s)",
                shaped(1, 2, 2, 1)(0, 1, 2, 3), shaped(1, 2, 2)(0, 1, 2, 3), shaped(1, 1, 4)(0, 1, 2, 3)),
    # Places by columns are asked for, places by rows given.
    "MaxPool-places": (OLD, 12, "float[1,1,2,2] y", "v, n = MaxPool<kernel_shape=[2,2], strides=[2,2], "
                       "storage_order=1>(x) y = Cast<to=1>(n)", square,
                       shaped(1, 1, 2, 2)(5, 13, 7, 15), shaped(1, 1, 2, 2)(5, 7, 13, 15)),
    # The factor is left out.
    "Celu": (ALL, 12, "float[3] y", "y = Celu<alpha=2.0>(x)", -three,
             2 * np.expm1(-three / 2), np.expm1(-three / 2)),
    # To the left by 32, 33 and -1 bits, of which opset 28 says that nothing stays: as by 0, 1 and 31.
    "BitShift": (ALL, 28, "float[3] y", 'n = Cast<to=6>(x) b = Constant<value=int32[3]{32,33,-1}>() '
                 's = BitShift<direction="LEFT">(n, b) y = Cast<to=1>(s)', three,
                 shaped(3)(0, 0, 0), shaped(3)(1, 4, -(2**31))),
    # Sums in float16, where 2048 + 1 is 2048. No version is right.
    "Conv": (ALL, 13, "float[1,1,2,2] y", "o = Constant<value=float[1]{1}>() s = Constant<value=int64[4]{1,512,3,3}>() "
             "e = Expand(o, s) w = Cast<to=10>(e) h = Cast<to=10>(x) c = Conv(h, w) y = Cast<to=1>(c)",
             np.ones((1, 512, 4, 4), "f4"), np.full((1, 1, 2, 2), 4608), np.full((1, 1, 2, 2), 2048)),
}  # fmt: skip


def write():
    """All files."""
    from onnx import checker, parser, save

    for name, (_, opset, result, body, x, *_) in CASES.items():
        given = f"float[{','.join(map(str, x.shape))}] x"
        model = parser.parse_model(
            f'<ir_version: 8, opset_import: ["" : {opset}]> g ({given}) => ({result}) {{ {body} }}'
        )
        checker.check_model(model, full_check=True)
        save(model, folder / f"{name}.onnx")


def run(name, x):
    """What tract makes of a file; 0.23 has other words for the same."""
    import tract

    if hasattr(tract.onnx(), "load"):
        model = tract.onnx().load(f"{folder}/{name}.onnx").into_model()
    else:
        model = tract.onnx().model_for_path(f"{folder}/{name}.onnx").into_optimized()
    return model.into_runnable().run([x])[0].to_numpy()


def main():
    seen = []
    for name, (wrong, _, _, _, x, truth, given) in CASES.items():
        got = run(name, x)
        due = given if version("tract")[:4] in wrong else truth
        print(f"{name}: expected {truth.ravel()[:9]} {truth.shape}\n  got {got.ravel()[:9]} {got.shape}")
        seen.append(got.shape == due.shape and np.allclose(got, due, 1e-3, 1e-4))
    print("reproduced" if all(seen) else "not reproduced")
    sys.exit(not all(seen))


if __name__ == "__main__":
    try:
        import tract  # noqa: F401
    except ImportError:
        write()
    else:
        main()
