"""What every target is tried with before its cells: a model that it must run right, a file that it must refuse, and a
wrong expectation that must be noticed.

A target that fails this is not given the matrix: its adapter, its environment or our comparison is broken, so its
cells are NOT_RUN and no zeros.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from matrix.jobs import write_sets
from matrix.records import Record
from matrix.verdict import Outcome

SHAPE = [1, 3, 4, 5]
#: What each canary must come out as; None: anything but an answer.
WANTED = {"right": "PASS", "corrupt": None, "wrong": "WRONG"}
#: The file that each runs, and what it is compared with.
FILES = {
    "right": ("right.onnx", "right.arrays"),
    "corrupt": ("corrupt.onnx", "right.arrays"),
    "wrong": ("right.onnx", "wrong.arrays"),
}
WHAT = {
    "right": "a model of one Relu",
    "corrupt": "a file that is no ONNX",
    "wrong": "the same model with a wrong expectation",
}


def write(folder: Path) -> None:
    """Write the canaries' files; opset 9 and no weights, since every runtime there is reads that."""
    import onnx  # a run that has nothing to do need not wait for it
    from onnx import TensorProto, helper

    folder.mkdir(parents=True, exist_ok=True)
    infos = [helper.make_tensor_value_info(name, TensorProto.FLOAT, SHAPE) for name in "xy"]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "canary", infos[:1], infos[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 9)], ir_version=4)
    onnx.save(model, folder / "right.onnx")
    (folder / "corrupt.onnx").write_bytes(b"\x08\x04this is not the protobuf that it begins as\xff\xff\xff")
    x = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)
    write_sets(folder / "feeds.arrays", [0], [{"x": x}])
    write_sets(folder / "native.arrays", [0], [{"y": np.maximum(x, 0)}])
    write_sets(folder / "right.arrays", [0], [{"y": np.maximum(x, 0).astype(np.float64)}])
    write_sets(folder / "wrong.arrays", [0], [{"y": np.maximum(x, 0) + 0.125}])


#: The export that the canaries would be of.
EXPORT: Record = {
    "sets": [0],
    "tolerance": "float32",
    "inputs": [{"name": "x", "dtype": "float32", "shape": SHAPE}],
    "outputs": [{"name": "y", "value": "y", "wanted": "float32"}],
}


def complaint(name: str, found: Outcome) -> str:
    """Why a canary shows that the target cannot be used, or ""."""
    refused = found.status != "NOT_RUN" and not found.comparison
    if refused if WANTED[name] is None else found.status == WANTED[name]:
        return ""
    wanted = WANTED[name] or "a refusal"
    return f"canary: {WHAT[name]} ended as {found.status}, not as {wanted}: {found.message}".rstrip(": ")
