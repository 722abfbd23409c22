"""The check of an exported file, done by a worker in the host's environment: is it valid, and what does it take?

A file is trusted in nothing. What lies outside its case's folder, or may lead there, is refused before any runtime
sees it; so is what cannot be asked for outputs. Besides the verdict the check lays the case out as ONNX's own test
data (test_data_set_N/input_0.pb, output_0.pb), so that onnx_test_runner and others can use it, and writes the feeds
of each input set for the importers.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError, Message  # type: ignore[import-untyped]
from onnx import numpy_helper

from matrix.jobs import dtype_name, dtype_of, model_file, read_arrays, write_arrays
from matrix.text import printable

MOST_BYTES = 2**31 - 1
"""What protobuf can hold in one message."""
_KINDS = ((stat.S_ISDIR, "a directory"), (stat.S_ISFIFO, "a named pipe"), (stat.S_ISLNK, "a symbolic link"))


class _RefusedError(Exception):
    """The file is not to be given to any runtime."""


def check(job: dict[str, Any], stage: Callable[[str], None]) -> dict[str, Any]:
    """Check out/model.onnx of an export job.

    Returns status, message (PASS, or what is wrong with the file), and runnable (whether it makes sense, and does no
    harm, to give it to a runtime); as far as the file can be read also emitted_opset, sha256, bytes, and inputs and
    outputs: name, dtype, shape in the file, and how they stand to the model's ("value", "permutation", or "zeros");
    outputs also with the model's own dtype as "wanted".
    """
    stage("check")
    out = Path(job["out"])
    found: dict[str, Any] = {"status": "ERROR", "message": "", "runnable": False}
    try:
        _look(out)
        with (out / "model.onnx").open("rb") as file:
            found.update(sha256=hashlib.file_digest(file, "sha256").hexdigest(), bytes=os.fstat(file.fileno()).st_size)
        model = _parsed(out)
    except _RefusedError as refusal:
        return {**found, "message": printable(str(refusal))}
    reference = json.loads((Path(job["model"]) / "model.json").read_text())
    found.update(_described(model, reference, job["mapping"] or {}))
    found["tolerance"] = reference.get("tolerance") or job["tolerance"]
    (status, message), runnable = _problem(model, out, found, reference, job)
    found.update(status=status, message=printable(message), runnable=runnable)
    if runnable:
        _write_data_sets(out, Path(job["model"]), reference, found, job["sets"])
    return found


# -- what is refused -------------------------------------------------------------------------------------------------


def _look(out: Path) -> None:
    """Refuse, before anything is opened, what is no file of this folder, and links, which lead who reads elsewhere."""
    if not os.path.lexists(out / "model.onnx"):
        raise _RefusedError("no model.onnx was written")
    for folder, folders, files in os.walk(out):
        for path in (Path(folder, name) for name in folders + files):
            mode, name = path.lstat().st_mode, path.relative_to(out)
            if not (stat.S_ISREG(mode) or (stat.S_ISDIR(mode) and str(name) != "model.onnx")):
                kind = next((word for fits, word in _KINDS if fits(mode)), "a device or socket")
                leads = f" to {str(path.readlink())!r}" if stat.S_ISLNK(mode) else ""
                raise _RefusedError(f"{name} in the case's folder is {kind}{leads}: refused")
    if (size := (out / "model.onnx").stat().st_size) > MOST_BYTES:
        raise _RefusedError(f"model.onnx has {size} bytes, protobuf can hold {MOST_BYTES}: refused")


def _parsed(out: Path) -> Any:
    try:
        model = onnx.load(out / "model.onnx", load_external_data=False)
    except DecodeError as error:
        raise _RefusedError(f"damaged, or nested deeper than the 100 levels that protobuf reads: {error}") from None
    if not model.HasField("graph"):
        raise _RefusedError("there is no graph in the file")
    leads = [_external(tensor) for tensor in _messages(model) if isinstance(tensor, onnx.TensorProto)]
    if leads := list(filter(None, leads)):
        raise _RefusedError(next((lead for lead in leads if lead.endswith("refused")), leads[0]))
    if foreign := next(_undecoded(model), None):
        raise _RefusedError(f"a text that is not UTF-8: {foreign!r}")
    return model


def _messages(model: Message) -> Iterator[Any]:
    """Every message of the file, at whatever depth: a tensor may lie in attributes, subgraphs, functions, training."""
    waiting = [model]
    while waiting:
        message = waiting.pop()
        yield message
        if not isinstance(message, onnx.TensorProto):  # it holds no further one, and to list its fields copies the data
            for field, value in message.ListFields():
                if field.message_type:
                    waiting.extend([value] if isinstance(value, Message) else value)


def _external(tensor: Any) -> str:
    """Where the data of a tensor lies if not in the file itself; "" if there."""
    if tensor.data_location != onnx.TensorProto.EXTERNAL and not tensor.external_data:
        return ""
    location = next((str(entry.value) for entry in tensor.external_data if entry.key == "location"), "")
    shown, parts = f"external data at '{printable(location, 200)}'", re.split(r"[/\\]", location)
    if "_ORT_MEM_ADDR_" in parts:
        return f"{shown} is an address in memory: refused"
    if ".." in parts or not parts[0] or re.match(r"\w:", location):
        return f"{shown} leads out of the case's folder: refused"
    return "weights were written to an external file"


def _undecoded(model: Message) -> Iterator[bytes]:
    """The texts that are not UTF-8: protobuf gives their bytes."""
    for message in _messages(model):
        yield from (text for text in _texts(message) if isinstance(text, bytes))


def _texts(message: Any) -> Iterator[str | bytes]:
    if isinstance(message, onnx.TensorProto):
        yield from (message.name, message.doc_string)
        return
    for field, value in message.ListFields():
        if field.type == field.TYPE_STRING:
            yield from [value] if isinstance(value, str | bytes) else value


# -- what the file is ------------------------------------------------------------------------------------------------


def _described(model: Any, reference: dict[str, Any], mapping: dict[str, Any]) -> dict[str, Any]:
    inputs, outputs = _interface(model, reference, mapping)
    dtypes = {entry["name"]: entry["dtype"] for entry in reference["outputs"]}
    for entry in outputs:
        dtype = dtypes.get(entry["value"])
        entry["wanted"] = _width_told(entry, dtype) if dtype else None
    return {
        "emitted_opset": max((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), default=0),
        "ir_version": model.ir_version,
        "producer": printable(f"{model.producer_name} {model.producer_version}".strip(), 200),
        "operators": _operators(model),
        "inputs": inputs,
        "outputs": outputs,
    }


def _width_told(entry: dict[str, Any], dtype: str) -> str:
    """The model's dtype, or what the exporter says its framework has instead of int64: JAX has int32."""
    integers = ("int32", "int64")
    told = entry.get("wanted")
    return str(told) if told in integers and dtype in integers else dtype


def _operators(model: Any) -> list[str]:
    """Every operator type of the file, also in bodies of If, Loop and Scan; with its domain if that is not ONNX's."""
    nodes = [message for message in _messages(model) if isinstance(message, onnx.NodeProto)]
    types = {f"{n.domain}::{n.op_type}" if n.domain not in ("", "ai.onnx") else n.op_type for n in nodes}
    return sorted({printable(name, 200) for name in types})


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
        sides.append([{"value": None, **stated.get(i.name, {}), **_declared(i)} for i in infos])
    return sides[0], sides[1]


def _declared(info: Any) -> dict[str, Any]:
    tensor = info.type.tensor_type
    shape = [d.dim_value if d.HasField("dim_value") else printable(d.dim_param, 200) or None for d in tensor.shape.dim]
    return {"name": info.name, "dtype": _dtype(tensor.elem_type), "shape": shape if tensor.HasField("shape") else None}


def _dtype(number: int) -> str:
    """NumPy's name for one of ONNX's types of elements, "" for a number that is none."""
    try:
        name = str(onnx.helper.tensor_dtype_to_np_dtype(number)) if number else ""
        return "string" if name == "object" else name
    except KeyError:
        return ""


# -- what is wrong with it -------------------------------------------------------------------------------------------


def _problem(
    model: Any, out: Path, found: dict[str, Any], reference: dict[str, Any], job: dict[str, Any]
) -> tuple[tuple[str, str], bool]:
    """(status, message) of the file, and whether a runtime can be asked to run it."""
    for side in ("inputs", "outputs"):
        wanted = {entry["name"] for entry in reference[side]}
        served = [entry["value"] for entry in found[side] if "zeros" not in entry]
        strangers = [e["name"] for e in found[side] if "zeros" not in e and e["value"] not in wanted]
        # A model may lose an input that it does not need, never an output.
        if strangers or len(set(served)) != len(served) or (side == "outputs" and set(served) != wanted):
            names = ", ".join(_named(entry) for entry in found[side])
            return ("WRONG", f"graph {side} are {names}; the model has {', '.join(sorted(wanted))}"), False
    dtypes = {entry["name"]: entry["dtype"] for entry in reference["inputs"]}
    if strings := [_named(e) for e in found["inputs"] if e["dtype"] == "string" != dtypes.get(e["value"])]:
        return ("WRONG", f"graph inputs {', '.join(strings)} are of strings, which the model has not"), False
    try:
        onnx.checker.check_model(str(out / "model.onnx"), full_check=True)
    except Exception as error:
        return ("ERROR", f"onnx.checker: {printable(str(error).strip(), 1500)}"), True
    if job["opset"] and job["opset"] != found["emitted_opset"]:
        return ("WRONG", f"opset {job['opset']} was asked for, {found['emitted_opset']} was written"), True
    deviations = _deviations(found["inputs"], reference, job["dynamic"])
    deviations += _misdeclared(found["outputs"], Path(job["model"]), job["sets"])
    return (("WRONG", "; ".join(deviations)) if deviations else ("PASS", "")), True


def _named(entry: dict[str, Any]) -> str:
    return printable(entry["name"], 100)


def _deviations(found: list[dict[str, Any]], reference: dict[str, Any], dynamic: bool) -> list[str]:
    """Where graph inputs of the file are not the model's: dtype, rank, other sizes, dynamic axes that became fixed."""
    told = []
    models, sizes = {entry["name"]: entry for entry in reference["inputs"]}, reference["input_sets"][0]
    for entry in (entry for entry in found if "zeros" not in entry):
        own, shape, name = models[entry["value"]], entry["shape"], _named(entry)
        if entry["dtype"] != (wanted := _width_told(entry, own["dtype"])):
            told.append(f"input {name} is {entry['dtype'] or 'of no known type'}, in the model {wanted}")
        if shape is None:
            continue
        if len(shape) != len(own["shape"]):
            told.append(f"input {name} has {len(shape)} axes, in the model {len(own['shape'])}")
            continue
        for axis, place in enumerate(entry.get("permutation") or range(len(shape))):
            size = own["shape"][place]
            if isinstance(shape[axis], int) and shape[axis] != (size if dynamic else sizes.get(size, size)):
                told.append(f"axis {axis} of input {name} is fixed to {shape[axis]}, in the model {size}")
    return told


def _misdeclared(found: list[dict[str, Any]], model: Path, sets: list[int]) -> list[str]:
    """Where the file declares shapes that the model's outputs do not have, as when it fixes a dynamic axis.

    Runtimes may compute the right values all the same, or trust what is declared.
    """
    told = []
    rounded = read_arrays(model_file(model, "rounded"))
    for entry in (entry for entry in found if entry["shape"] is not None):
        for number in sets:
            shape = np.shape(rounded[f"{number}/{entry['value']}"])
            shape = tuple(shape[place] for place in entry.get("permutation") or range(len(shape)))
            if not _fits(entry["shape"], shape):
                told.append(f"output {_named(entry)} is declared {entry['shape']}, input set {number} has {shape}")
                break
    return told


def _fits(declared: list[int | str | None], shape: tuple[int, ...]) -> bool:
    """Whether an array of this shape is what the file declares: equal wherever it gives a number."""
    pairs = zip(declared, shape, strict=False)
    return len(declared) == len(shape) and all(size in (n, None) or isinstance(size, str) for size, n in pairs)


def _feed(entry: dict[str, Any], sizes: dict[str, int], arrays: Any, number: int) -> Any:
    """What a graph input gets for one input set."""
    if "zeros" in entry:
        return np.zeros([sizes.get(n, n) for n in entry["zeros"]], dtype_of(entry.get("dtype") or "float32"))
    array = arrays[f"{number}/{entry['value']}"]
    if dtype_name(array) in ("", "string"):
        return array
    array = array.transpose(entry["permutation"]) if entry.get("permutation") else array
    # A file may want another dtype than the model: that is the exporter's doing, which no runtime can answer for.
    array = array.astype(dtype_of(entry["dtype"]) if entry["dtype"] else array.dtype)
    return np.ascontiguousarray(array).reshape(array.shape)  # it makes an axis for a scalar


def _write_data_sets(out: Path, model: Path, reference: dict[str, Any], found: dict[str, Any], sets: list[int]) -> None:
    feeds = {}
    inputs, rounded = (read_arrays(model_file(model, name)) for name in ("inputs", "rounded"))
    for place, number in enumerate(sets):
        folder = out / f"test_data_set_{place}"
        folder.mkdir(exist_ok=True)
        for i, entry in enumerate(found["inputs"]):
            value = _feed(entry, reference["input_sets"][number], inputs, number)
            feeds[f"{number}/{entry['name']}"] = value
            (folder / f"input_{i}.pb").write_bytes(_protobuf(value, entry["name"]))
        for i, entry in enumerate(found["outputs"]):
            value = rounded[f"{number}/{entry['value']}"]
            if dtype_name(value) not in ("", "string"):
                # Integers too: what an exporter told to be int32 is expected as int32.
                value = value.astype(dtype_of(entry["wanted"]))
                value = value.transpose(entry["permutation"]) if entry.get("permutation") else value
            (folder / f"output_{i}.pb").write_bytes(_protobuf(value, entry["name"]))
    write_arrays(out / "feeds.arrays", feeds)


def _map(value: dict[Any, Any], name: str = "") -> Any:
    """A map as protobuf: numpy_helper.from_dict knows no keys that are texts."""
    if not isinstance(next(iter(value), None), str):
        return numpy_helper.from_dict(value, name)
    values = numpy_helper.from_list(list(value.values()))
    return onnx.MapProto(name=name, key_type=onnx.TensorProto.STRING, string_keys=map(str.encode, value), values=values)


def _protobuf(value: Any, name: str) -> bytes:
    """A tensor, sequence, map or empty optional as ONNX's own test data has it."""
    if value is None:
        message = numpy_helper.from_optional(None, name)
    elif isinstance(value, dict):
        message = _map(value, name)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        maps = [_map(item) for item in value]
        message = onnx.SequenceProto(name=name, elem_type=onnx.SequenceProto.MAP, map_values=maps)
    elif isinstance(value, list):
        message = numpy_helper.from_list(value, name)
    else:
        message = numpy_helper.from_array(np.ascontiguousarray(value).reshape(np.shape(value)), name)
    data: bytes = message.SerializeToString()
    return data
