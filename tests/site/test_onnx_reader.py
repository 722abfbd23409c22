"""The page's reader of .onnx files, on files that onnx itself wrote."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

HERE = Path(__file__).parent
FLOAT = TensorProto.FLOAT


def read(*paths: Path) -> list[dict[str, Any]]:
    node = shutil.which("node")
    if node is None and "CI" not in os.environ:
        pytest.skip("node is not installed")
    command = [str(node), "--import", str(HERE / "resolver.mjs"), str(HERE / "read_model.mjs"), *map(str, paths)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert ended.returncode == 0, ended.stderr
    told: list[dict[str, Any]] = json.loads(ended.stdout)
    return told


def value(name: str, shape: list[Any] | None, kind: int = FLOAT) -> Any:
    return helper.make_tensor_value_info(name, kind, shape)


def network(weights: np.ndarray[Any, Any] | None = None) -> Any:
    """If, with a Scan in one of its branches; a function of the file's own; a tensor in a Constant."""
    step = helper.make_graph([helper.make_node("Tanh", ["a"], ["b"])], "step", [value("a", [2])], [value("b", [2])])
    scan = helper.make_node("Scan", ["x"], ["y"], body=step, num_scan_inputs=1)
    branches = [
        helper.make_graph([scan], "then", [], [value("y", None)]),
        helper.make_graph([helper.make_node("Erf", ["x"], ["z"])], "else", [], [value("z", None)]),
    ]
    double = helper.make_function(
        "own", "Twice", ["v"], ["w"], [helper.make_node("Add", ["v", "v"], ["w"])], [helper.make_opsetid("", 18)]
    )
    nodes = [
        helper.make_node("MatMul", ["x", "weight"], ["m"]),
        helper.make_node("Constant", [], ["k"], value=numpy_helper.from_array(np.zeros(3, np.float16))),
        helper.make_node("If", ["which"], ["i"], then_branch=branches[0], else_branch=branches[1]),
        helper.make_node("Twice", ["i"], ["t"], domain="own"),
        helper.make_node("Normalizer", ["t"], ["out"], domain="ai.onnx.ml"),
    ]
    inputs = [value("x", ["batch", None, 4]), value("which", [], TensorProto.BOOL), value("weight", [4, 4])]
    initializer = numpy_helper.from_array(np.eye(4, dtype=np.float32) if weights is None else weights, "weight")
    graph = helper.make_graph(nodes, "graph", inputs, [value("out", None)], [initializer])
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 3), helper.make_opsetid("own", 1)]
    return helper.make_model(graph, opset_imports=opsets, functions=[double], producer_name="test <b>")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    onnx.save(network(), tmp_path / "model.onnx")
    return tmp_path / "model.onnx"


def test_operators_of_subgraphs_and_functions_are_read(file: Path) -> None:
    model = read(file)[0]["model"]
    assert model["operators"] == {
        "Add": 1, "Constant": 1, "Erf": 1, "If": 1, "MatMul": 1, "Scan": 1, "Tanh": 1, "ai.onnx.ml::Normalizer": 1,
    }  # fmt: skip
    assert model["functions"] == ["own::Twice"]
    assert model["subgraphs"] == 3
    assert model["opsets"] == {"": 18, "ai.onnx.ml": 3, "own": 1}
    assert model["producer"] == "test <b>"


def test_inputs_are_those_that_are_no_weights(file: Path) -> None:
    model = read(file)[0]["model"]
    assert model["inputs"] == [
        {"name": "x", "dtype": "FLOAT", "shape": ["batch", None, 4]},
        {"name": "which", "dtype": "BOOL", "shape": []},
    ]
    assert model["weights"] == {"number": 2, "dtypes": {"FLOAT": 1, "FLOAT16": 1}, "external": False}


def test_weights_in_other_files_are_not_needed(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    onnx.save(network(), path, save_as_external_data=True, location="model.data", size_threshold=0)
    (tmp_path / "model.data").unlink()
    model = read(path)[0]["model"]
    assert model["weights"]["external"] is True
    assert "MatMul" in model["operators"]


def test_large_weights_are_stepped_over(tmp_path: Path) -> None:
    path = tmp_path / "large.onnx"
    onnx.save(network(np.zeros((5500, 5500), np.float32)), path)
    assert path.stat().st_size > 100_000_000
    model = read(path)[0]["model"]
    assert model["operators"]["MatMul"] == 1
    assert [entry["name"] for entry in model["inputs"]] == ["x", "which"]
    assert model["read"] < 100_000


def test_a_file_beyond_what_protobuf_holds(tmp_path: Path) -> None:
    """3 GB in one tensor, as far as the file's headers say; on the disk it is a hole."""
    size = 3 * 2**30
    tensor = numpy_helper.from_array(np.zeros(0, np.float32), "weight").SerializeToString() + b"\x4a" + varint(size)
    graph = network().graph
    del graph.initializer[:]
    rest = graph.SerializeToString()
    head = b"\x2a" + varint(len(tensor) + size) + tensor
    model = network()
    model.ClearField("graph")
    path = tmp_path / "huge.onnx"
    with path.open("wb") as out:
        out.write(model.SerializeToString() + b"\x3a" + varint(len(head) + size + len(rest)) + head)
        out.seek(size, os.SEEK_CUR)
        out.write(rest)
    told = read(path)[0]["model"]
    assert "MatMul" in told["operators"]
    assert told["read"] < 100_000


def varint(number: int) -> bytes:
    parts = []
    while number > 127:
        parts.append(number & 127 | 128)
        number >>= 7
    return bytes([*parts, number])


def test_every_cut_of_a_file_is_refused_or_read(file: Path, tmp_path: Path) -> None:
    """A cut between two fields of the model may leave one that says less; no cut is an error of ours."""
    whole = file.read_bytes()
    cuts = [tmp_path / f"{n}" for n in range(0, len(whole), 7)]
    for n, path in zip(range(0, len(whole), 7), cuts, strict=True):
        path.write_bytes(whole[:n])
    told = read(*cuts)
    assert sum("refused" in one for one in told) > 0.9 * len(told)
    assert told[0] == {"refused": "The file is empty."}
    assert any("cut off" in one.get("refused", "") for one in told)


def test_damaged_bytes_are_refused_or_read(file: Path, tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    whole = np.frombuffer(file.read_bytes(), np.uint8)
    damaged = []
    for n in range(200):
        own = whole.copy()
        own[generator.integers(0, len(own), 3)] = generator.integers(0, 256, 3)
        damaged.append(tmp_path / f"damaged-{n}")
        damaged[-1].write_bytes(own.tobytes())
    assert len(read(*damaged)) == len(damaged)


@pytest.mark.parametrize(
    "content",
    [b"PK\x03\x04" + b"\0" * 500, b"<!doctype html><html></html>" * 20, b"\x89HDF\r\n\x1a\n" + b"\0" * 500, b"{}",
     b"\0" * 9, b"\x1c\0\0\0TFL3" + b"\x12" * 300, bytes(range(256)) * 9],
)  # fmt: skip
def test_what_is_no_onnx_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(content)
    assert "ONNX" in read(tmp_path / "file")[0]["refused"]


def test_graphs_in_graphs_without_end_are_refused(tmp_path: Path) -> None:
    """Written by hand: protobuf itself refuses to."""

    def field(number: int, content: bytes) -> bytes:
        return bytes([number << 3 | 2]) + varint(len(content)) + content

    graph = b""
    for _ in range(60):
        graph = field(1, field(4, b"If") + field(5, field(6, graph)))
    (tmp_path / "deep.onnx").write_bytes(b"\x08\x08" + field(7, graph))
    assert "deep" in read(tmp_path / "deep.onnx")[0]["refused"]
