"""ONNX Runtime 1.16 and 1.24: reductions of nothing; Attention with soft caps, masks, padding; no error, other numbers.

onnxruntime 1.16 or 1.24, numpy; the suite's own Python, with onnx, makes the files. Environment: onnxruntime1.16 for
the reductions, onnxruntime1.24 for Attention.
    python docs/findings/onnxruntime_older.py /tmp/findings/onnxruntime_older make
    .tox/onnxruntime1.16/bin/python docs/findings/onnxruntime_older.py /tmp/findings/onnxruntime_older
    .tox/onnxruntime1.24/bin/python docs/findings/onnxruntime_older.py /tmp/findings/onnxruntime_older
"""

import sys
from pathlib import Path

import numpy as np

FOLDER, MAKE = Path(sys.argv[1]), sys.argv[2:] == ["make"]
FLOAT, INT64, BOOL = 1, 7, 9  # as onnx.TensorProto has them
wrong = []


def case(name, operator, attributes, opset, kinds, feeds, expected, inputs=None):
    path = FOLDER / f"{name.replace(' ', '_').replace(',', '')}.onnx"
    if MAKE:
        from onnx import helper, save

        values = [helper.make_tensor_value_info(n, kinds[n], feeds[n].shape) for n in feeds]
        output = helper.make_tensor_value_info("y", FLOAT, expected.shape)
        node = helper.make_node(operator, inputs or list(feeds), ["y"], **attributes)
        graph = helper.make_graph([node], "g", values, [output])
        ir = 8 if opset < 20 else 10
        FOLDER.mkdir(parents=True, exist_ok=True)
        save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir), path)
        return
    import onnxruntime as ort

    try:
        got = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"]).run(None, feeds)[0]
    except Exception as error:
        print(f"{name}: refused, {str(error)[:60]}")
        return
    same = got.shape == expected.shape and np.allclose(got, expected, atol=1e-5)
    worst = f"off by {abs(got - expected).max():.3g}" if got.shape == expected.shape else "another shape"
    print(f"{name}: expected {expected.shape}, got {got.shape}, {'right' if same else worst}")
    if not same:
        wrong.append(name)


empty = {"x": np.zeros((2, 0, 4), np.float32), "axes": np.array([1], np.int64)}
kinds = {"x": FLOAT, "axes": INT64}
for operator, opset, value in (
    ("ReduceSum", 13, 0),
    ("ReduceProd", 18, 1),
    ("ReduceL1", 18, 0),
    ("ReduceL2", 18, 0),
    ("ReduceSumSquare", 18, 0),
):
    case(operator, operator, {"keepdims": 1}, opset, kinds, empty, np.full((2, 1, 4), value, np.float32))

rng = np.random.default_rng(0)
q, k, v = (rng.standard_normal((1, 1, 3, 4)).astype(np.float32) for _ in range(3))


def attention(mask, softcap):
    scores = q @ k.swapaxes(2, 3) / 2
    if softcap:
        scores = softcap * np.tanh(scores / softcap)
    weights = np.where(np.isfinite(mask), np.exp(scores + mask), 0)
    total = weights.sum(-1, keepdims=True)
    return (weights / np.where(total == 0, 1, total) @ v).astype(np.float32)


mask = np.array([[0, -np.inf, 0.5], [0, 0, -np.inf], [0, 1, 0]], np.float32)
row = np.array([[True, True, False], [False, False, False], [True, True, True]])
feeds = {"q": q, "k": k, "v": v}
kinds = {"q": FLOAT, "k": FLOAT, "v": FLOAT, "mask": FLOAT}
for name, given, softcap, kind, added in (
    ("Attention, softcap before the mask is added", mask, 1.0, FLOAT, mask),
    ("Attention, a row that is all masked", row, 0.0, BOOL, np.where(row, 0, -np.inf)),
):
    truth = attention(added, softcap)
    case(name, "Attention", {"softcap": softcap}, 23, {**kinds, "mask": kind}, {**feeds, "mask": given}, truth)

# The number of keys that are no padding: since ONNX 1.23 the diagonal of opset 24 ends at the last of them. Until 1.22
# it began at the upper left, as it does in ONNX Runtime 1.24.
inputs = ["q", "k", "v", "", "", "", "keys"]
columns, rows = np.arange(3), np.arange(2)[:, None]
for name, keys, causal, allowed in (
    ("Attention, one of three keys is padding", 2, 0, columns < 2),
    ("Attention, causal, two queries and three keys", 3, 1, columns <= rows + 1),
):
    q = q[:, :, :2]
    truth = attention(np.where(allowed, 0, -np.inf), 0)
    feeds = {"q": q, "k": k, "v": v, "keys": np.array([keys])}
    case(name, "Attention", {"is_causal": causal}, 24, {**kinds, "keys": INT64}, feeds, truth, inputs)

if MAKE:
    sys.exit()
print("reproduced" if wrong else "not reproduced")
sys.exit(not wrong)
