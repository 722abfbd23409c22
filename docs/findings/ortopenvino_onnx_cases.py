"""ONNX Runtime with OpenVINO: outputs that are not written, an empty CenterCropPad, and LpNormalization of zeros.

Of one input, Max, Min and Sum give another answer each time; so does Tile to a large array
whose repeats are fed. OpenVINO 2025.4.1 alone is wrong too with Tile (as 2026.4.1) and LpNormalization, and right with
the others. CenterCropPad is empty on one thread, and refused without `num_of_threads`; where its sessions are let go,
later ones die (SIGSEGV), hence `kept`.
onnxruntime-openvino 1.24.1 (OpenVINO 2025.4.1), numpy 2.4.6. Environment: ortopenvino1.24. With the suite's own Python,
which has onnx (1.23.2), it writes the files.
    python docs/findings/ortopenvino_onnx_cases.py /tmp/findings/ortopenvino
    .tox/ortopenvino1.24/bin/python docs/findings/ortopenvino_onnx_cases.py /tmp/findings/ortopenvino
"""

import sys
from pathlib import Path

import numpy as np

folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
rng = np.random.default_rng(0)
three, wide = rng.normal(size=3).astype("f4"), rng.random((2, 3, 4, 5)).astype("f4")
zeros, high = np.array([[0, 3], [0, 4]], "f4"), np.arange(1, 25, dtype="f4").reshape(4, 3, 2)
repeats, crop = np.array([7, 6, 4, 2]), np.array([2, 5])
cut = np.zeros((2, 5, 2), "f4")
cut[:, 1:4] = high[1:3]
CASES = {  # opset, signature, node, inputs, the truth, and whether the provider is right
    "Max": (13, "(float[3] x) => (float[3] y)", "y = Max(x)", [three], three, False),
    "Min": (13, "(float[3] x) => (float[3] y)", "y = Min(x)", [three], three, False),
    "Sum": (13, "(float[3] x) => (float[3] y)", "y = Sum(x)", [three], three, False),
    "Mean": (13, "(float[3] x) => (float[3] y)", "y = Mean(x)", [three], three, True),
    "Tile": (13, "(float[2,3,4,5] x, int64[4] n) => (float[14,18,16,10] y)", "y = Tile(x, n)", [wide, repeats],
             np.tile(wide, repeats), False),
    "CenterCropPad": (18, "(float[4,3,2] x, int64[2] n) => (float[2,5,2] y)", "y = CenterCropPad<axes=[0, 1]>(x, n)",
                      [high, crop], cut, False),
    "CenterCropPad-all": (18, "(float[4,3] x, int64[2] n) => (float[2,5] y)", "y = CenterCropPad(x, n)",
                          [high[..., 0], crop], cut[..., 0], True),
    "LpNormalization": (22, "(float[2,2] x) => (float[2,2] y)", "y = LpNormalization<axis=0, p=2>(x)", [zeros],
                        np.array([[0, 0.6], [0, 0.8]], "f4"), False),
}  # fmt: skip


def write():
    """All files."""
    from onnx import checker, parser, save

    for name, (opset, signature, body, *_) in CASES.items():
        model = parser.parse_model(f'<ir_version: 8, opset_import: ["" : {opset}]> g {signature} {{ {body} }}')
        checker.check_model(model, full_check=True)
        save(model, folder / f"{name}.onnx")


def main():
    import onnxruntime as ort

    options, provider = (
        ort.SessionOptions(),
        ("OpenVINOExecutionProvider", {"device_type": "CPU", "num_of_threads": "1"}),
    )
    options.log_severity_level = 3
    seen, kept = [], []
    for name, (_, _, _, inputs, truth, works) in CASES.items():
        answers = []
        for _ in range(5):
            session = ort.InferenceSession(f"{folder}/{name}.onnx", options, providers=[provider], enable_fallback=0)
            fed = {value.name: array for value, array in zip(session.get_inputs(), inputs)}
            kept.append(session)
            answers.append(session.run(None, fed)[0])
        right = [a.shape == truth.shape and np.allclose(a, truth, 1e-3, 1e-4) for a in answers]
        print(f"{name}: expected {truth.ravel()[:4]} {truth.shape}\n  got {answers[0].ravel()[:4]} {answers[0].shape}")
        print(f"  and then {answers[1].ravel()[:4]}; {sum(right)} of {len(right)} are right")
        seen.append(all(right) if works else not all(right))
    print("reproduced" if all(seen) else "not reproduced")
    sys.exit(not all(seen))


if __name__ == "__main__":
    try:
        import onnx  # noqa: F401
    except ImportError:
        main()
    else:
        write()
