"""The check of an exported file, done by a worker in the host's environment: is it valid, and what does it take?

Besides the verdict it lays the case out as ONNX's own test data (test_data_set_N/input_0.pb, output_0.pb), so that
onnx_test_runner and others can use it, and writes the feeds of each input set for the importers.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from matrix.jobs import write_arrays


def check(job: dict[str, Any], stage: Callable[[str], None]) -> dict[str, Any]:
    """Check out/model.onnx of an export job.

    Returns status, message (PASS, or what is wrong with the file), runnable (whether it makes sense to give it to a
    runtime), emitted_opset, sha256, bytes, and inputs and outputs: name, dtype, shape in the file, and how they stand
    to the model's ("value", "permutation", or "zeros"); outputs also with the model's own dtype as "wanted".
    """
    stage("check")
    out = Path(job["out"])
    model = onnx.load(out / "model.onnx", load_external_data=False)
    reference = json.loads((Path(job["model"]) / "model.json").read_text())
    inputs, outputs = _interface(model, reference, job["mapping"] or {})
    dtypes = {entry["name"]: entry["dtype"] for entry in reference["outputs"]}
    for entry in outputs:
        entry["wanted"] = dtypes.get(entry["value"])
    found: dict[str, Any] = {
        "emitted_opset": max((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), default=0),
        "ir_version": model.ir_version,
        "producer": f"{model.producer_name} {model.producer_version}".strip(),
        "operators": _operators(model),
        "sha256": hashlib.sha256((out / "model.onnx").read_bytes()).hexdigest(),
        "bytes": (out / "model.onnx").stat().st_size,
        "inputs": inputs,
        "outputs": outputs,
    }
    problem, runnable = _problem(model, out, found, reference, job)
    found.update(status=problem[0], message=problem[1], runnable=runnable)
    if runnable:
        _write_data_sets(out, Path(job["model"]), reference, found, job["sets"])
    return found


def _operators(model: Any) -> list[str]:
    """Every operator type of the file, with its domain when it is not ONNX's own."""
    nodes = [*model.graph.node, *(n for f in model.functions for n in f.node)]
    return sorted({f"{n.domain}::{n.op_type}" if n.domain not in ("", "ai.onnx") else n.op_type for n in nodes})


def _interface(model: Any, reference: dict[str, Any], mapping: dict[str, Any]) -> tuple[list[Any], list[Any]]:
    """Graph inputs and outputs of the file, each with the model's input or output that it stands for."""
    constants = {i.name for i in model.graph.initializer}
    sides = []
    for key, infos in (
        ("inputs", [i for i in model.graph.input if i.name not in constants]),
        ("outputs", list(model.graph.output)),
    ):
        names, own = [info.name for info in infos], [entry["name"] for entry in reference[key]]
        stated = {entry["name"]: entry for entry in mapping.get(key, ())}
        if not stated:
            same = sorted(names) == sorted(own)
            stated = {n: {"value": n if same else o} for n, o in zip(names, own, strict=False)}
        sides.append([{"value": None, **stated.get(i.name, {}), **_described(i)} for i in infos])
    return sides[0], sides[1]


def _described(info: Any) -> dict[str, Any]:
    tensor = info.type.tensor_type
    shape = [d.dim_value if d.HasField("dim_value") else d.dim_param or None for d in tensor.shape.dim]
    dtype = str(onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)) if tensor.elem_type else ""
    return {"name": info.name, "dtype": dtype, "shape": shape if tensor.HasField("shape") else None}


def _problem(
    model: Any, out: Path, found: dict[str, Any], reference: dict[str, Any], job: dict[str, Any]
) -> tuple[tuple[str, str], bool]:
    """(status, message) of the file, and whether a runtime can be asked to run it."""
    if any(i.data_location == onnx.TensorProto.EXTERNAL for i in model.graph.initializer):
        return ("ERROR", "weights were written to an external file"), False
    for side in ("inputs", "outputs"):
        wanted = {entry["name"] for entry in reference[side]}
        served = [entry["value"] for entry in found[side] if "zeros" not in entry]
        strangers = [e["name"] for e in found[side] if "zeros" not in e and e["value"] not in wanted]
        # A model may lose an input that it does not need, never an output.
        if strangers or len(set(served)) != len(served) or (side == "outputs" and set(served) != wanted):
            names = ", ".join(str(entry["name"]) for entry in found[side])
            return ("WRONG", f"graph {side} are {names}; the model has {', '.join(sorted(wanted))}"), False
    try:
        onnx.checker.check_model(str(out / "model.onnx"), full_check=True)
    except Exception as error:
        return ("ERROR", f"onnx.checker: {str(error).strip()[:1500]}"), True
    if job["opset"] and job["opset"] != found["emitted_opset"]:
        return ("WRONG", f"opset {job['opset']} was asked for, {found['emitted_opset']} was written"), True
    deviations = _deviations(found["inputs"], reference["inputs"], job["dynamic"])
    deviations += _misdeclared(found["outputs"], Path(job["model"]), job["sets"])
    return (("WRONG", "; ".join(deviations)) if deviations else ("PASS", "")), True


def _deviations(found: list[dict[str, Any]], reference: list[dict[str, Any]], dynamic: bool) -> list[str]:
    """Where graph inputs of the file are not what the model's are: dtype, rank, dynamic axes that became fixed."""
    told = []
    models = {entry["name"]: entry for entry in reference}
    for entry in (entry for entry in found if "zeros" not in entry):
        own, shape = models[entry["value"]], entry["shape"]
        if entry["dtype"] != own["dtype"]:
            told.append(f"input {entry['name']} is {entry['dtype']}, in the model {own['dtype']}")
        if shape is None:
            continue
        if len(shape) != len(own["shape"]):
            told.append(f"input {entry['name']} has {len(shape)} axes, in the model {len(own['shape'])}")
            continue
        for axis, place in enumerate(entry.get("permutation") or range(len(shape))):
            if dynamic and isinstance(own["shape"][place], str) and isinstance(shape[axis], int):
                symbol = own["shape"][place]
                told.append(f"axis {axis} of input {entry['name']} is fixed to {shape[axis]}, in the model {symbol}")
    return told


def _misdeclared(found: list[dict[str, Any]], model: Path, sets: list[int]) -> list[str]:
    """Where the file declares shapes that the model's outputs do not have, as when it fixes a dynamic axis.

    Runtimes may compute the right values all the same, or trust what is declared.
    """
    told = []
    with np.load(model / "rounded.npz") as rounded:
        for entry in (entry for entry in found if entry["shape"] is not None):
            for number in sets:
                shape = rounded[f"{number}/{entry['value']}"].shape
                shape = tuple(shape[place] for place in entry.get("permutation") or range(len(shape)))
                if not _fits(entry["shape"], shape):
                    told.append(f"output {entry['name']} is declared {entry['shape']}, input set {number} has {shape}")
                    break
    return told


def _fits(declared: list[int | str | None], shape: tuple[int, ...]) -> bool:
    """Whether an array of this shape is what the file declares: equal wherever it gives a number."""
    pairs = zip(declared, shape, strict=False)
    return len(declared) == len(shape) and all(size in (n, None) or isinstance(size, str) for size, n in pairs)


def _feed(entry: dict[str, Any], sizes: dict[str, int], arrays: Any, number: int) -> Any:
    """What a graph input gets for one input set."""
    if "zeros" in entry:
        return np.zeros([sizes.get(n, n) for n in entry["zeros"]], entry.get("dtype") or "float32")
    array = arrays[f"{number}/{entry['value']}"]
    array = array.transpose(entry["permutation"]) if entry.get("permutation") else array
    # A file may want another dtype than the model: that is the exporter's doing, which no runtime can answer for.
    return np.ascontiguousarray(array.astype(entry["dtype"] or array.dtype))


def _write_data_sets(out: Path, model: Path, reference: dict[str, Any], found: dict[str, Any], sets: list[int]) -> None:
    feeds = {}
    with np.load(model / "inputs.npz") as inputs, np.load(model / "rounded.npz") as rounded:
        for place, number in enumerate(sets):
            folder = out / f"test_data_set_{place}"
            folder.mkdir(exist_ok=True)
            for i, entry in enumerate(found["inputs"]):
                feeds[f"{number}/{entry['name']}"] = array = _feed(
                    entry, reference["input_sets"][number], inputs, number
                )
                (folder / f"input_{i}.pb").write_bytes(_tensor(array, entry["name"]))
            for i, entry in enumerate(found["outputs"]):
                array = rounded[f"{number}/{entry['value']}"]
                array = array.transpose(entry["permutation"]) if entry.get("permutation") else array
                (folder / f"output_{i}.pb").write_bytes(_tensor(array, entry["name"]))
    write_arrays(out / "feeds.arrays", feeds)


def _tensor(array: Any, name: str) -> bytes:
    data: bytes = numpy_helper.from_array(np.ascontiguousarray(array), name).SerializeToString()
    return data
