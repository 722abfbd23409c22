"""What the check says of exported files, good and bad, and the data sets that it lays beside them."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import pytest
from fakery import LIMITS, fake_module
from onnx import TensorProto, helper, numpy_helper

from matrix.batch import Batch, run_batches
from matrix.catalogue import ROOT
from matrix.check import _feed, _width_told, check
from matrix.environments import HOST
from matrix.jobs import read_arrays
from matrix.process import Place, Result

Shape = list[int | str | None]
hostile = fake_module("hostile")
SIZES: list[dict[str, int]] = [{"batch": 2}, {"batch": 2}, {"batch": 1}, {"batch": 5}]


@pytest.fixture
def reference(tmp_path: Path) -> Path:
    """A model of two inputs and two outputs: a = x + 1, b = 2 z, at four input sets."""
    folder = tmp_path / "model"
    folder.mkdir()
    inputs = [
        {"name": "x", "dtype": "float32", "shape": ["batch", 3, 4]},
        {"name": "z", "dtype": "float32", "shape": ["batch", 5]},
    ]
    outputs = [{"name": "a", "value": "add_1", "dtype": "float32"}, {"name": "b", "value": "mul_2", "dtype": "float32"}]
    described = {"name": "two", "inputs": inputs, "outputs": outputs, "input_sets": SIZES}
    (folder / "model.json").write_text(json.dumps(described))
    generator = np.random.default_rng(7)
    arrays: dict[str, Any] = {}
    results: dict[str, Any] = {}
    for number, sizes in enumerate(SIZES):
        x = generator.normal(size=(sizes["batch"], 3, 4)).astype(np.float32)
        z = generator.normal(size=(sizes["batch"], 5)).astype(np.float32)
        arrays.update({f"{number}/x": x, f"{number}/z": z})
        results.update({f"{number}/a": x + 1, f"{number}/b": 2 * z})
    np.savez(folder / "inputs.npz", **arrays)
    np.savez(folder / "rounded.npz", **results)
    return folder


def graph_of(x: str = "x", z: str = "z", a: str = "a", b: str = "b", **changes: Any) -> Any:
    """The graph as an exporter writes it: `changes` are x_shape, z_shape, a_shape, inputs and outputs."""
    x_shape, z_shape = changes.get("x_shape", [2, 3, 4]), changes.get("z_shape", [2, 5])
    infos = {
        "x": helper.make_tensor_value_info(x, TensorProto.FLOAT, x_shape),
        "z": helper.make_tensor_value_info(z, TensorProto.FLOAT, z_shape),
        "a": helper.make_tensor_value_info(a, TensorProto.FLOAT, changes.get("a_shape", [None] * 3)),
        "b": helper.make_tensor_value_info(b, TensorProto.FLOAT, [None] * 2),
        "state": helper.make_tensor_value_info("state", TensorProto.FLOAT, [2, 6]),
    }
    constants = [numpy_helper.from_array(np.array(n, np.float32), name) for n, name in ((1, "one"), (2, "two"))]
    nodes = [helper.make_node("Add", [x, "one"], [a]), helper.make_node("Mul", [z, "two"], [b])]
    inputs, outputs = changes.get("inputs", "xz"), changes.get("outputs", "ab")
    nodes = [node for node, output in zip(nodes, "ab", strict=True) if output in outputs]
    return helper.make_graph(nodes, "two", [infos[i] for i in inputs], [infos[o] for o in outputs], constants)


Checked = Callable[..., dict[str, Any]]


@pytest.fixture
def checked(reference: Path, tmp_path: Path) -> Checked:
    """Writes a graph as model.onnx, and checks it."""

    def write_and_check(graph: Any, mapping: Any = None, opset: int | None = None, dynamic: bool = False) -> Any:
        out = tmp_path / "out"
        out.mkdir(exist_ok=True)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.save(model, out / "model.onnx")
        return check(job_of(reference, out, mapping, opset, dynamic), lambda stage: None)

    return write_and_check


def job_of(reference: Path, out: Path, mapping: Any, opset: int | None, dynamic: bool) -> dict[str, Any]:
    return {
        "id": "case",
        "log": str(out / "log"),
        "model": str(reference),
        "out": str(out),
        "mapping": mapping,
        "opset": opset,
        "dynamic": dynamic,
        "tolerance": "float32",
        "sets": [0, 2, 3] if dynamic else [0, 1],
    }


def pairs(entries: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(entry["name"], entry["value"]) for entry in entries]


# -- good files ------------------------------------------------------------------------------------------------------


def test_a_good_file_passes_and_is_described(checked: Checked, tmp_path: Path) -> None:
    found = checked(graph_of(), opset=17)
    assert (found["status"], found["message"], found["runnable"]) == ("PASS", "", True)
    assert found["emitted_opset"] == 17
    assert found["operators"] == ["Add", "Mul"]
    data = (tmp_path / "out" / "model.onnx").read_bytes()
    assert (found["bytes"], found["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
    assert found["inputs"][0] == {"value": "x", "name": "x", "dtype": "float32", "shape": [2, 3, 4]}
    assert found["outputs"][1] == {
        "value": "b", "name": "b", "dtype": "float32", "shape": [None, None], "wanted": "float32",
    }  # fmt: skip


def test_operators_in_the_bodies_of_control_flow_are_listed(checked: Checked) -> None:
    graph, yes = graph_of(outputs="b"), helper.make_node("Constant", [], ["yes"], value_int=1)
    bodies = {}
    for branch, operator in (("then_branch", "Neg"), ("else_branch", "Exp")):
        value = helper.make_tensor_value_info(branch, TensorProto.FLOAT, None)
        bodies[branch] = helper.make_graph([helper.make_node(operator, ["x"], [branch])], branch, [], [value])
    graph.node.extend([yes, helper.make_node("Cast", ["yes"], ["so"], to=TensorProto.BOOL)])
    graph.node.append(helper.make_node("If", ["so"], ["a"], **bodies))
    graph.output.append(helper.make_tensor_value_info("a", TensorProto.FLOAT, None))
    assert checked(graph)["operators"] == ["Cast", "Constant", "Exp", "If", "Mul", "Neg"]


@pytest.mark.parametrize(("a_shape", "status"), [(["batch", 3, 4], "PASS"), ([2, 3, 4], "WRONG")])
def test_an_output_that_is_declared_otherwise_is_wrong_but_runnable(
    checked: Checked, a_shape: Shape, status: str
) -> None:
    graph = graph_of(x_shape=[None, 3, 4], z_shape=["batch", 5], a_shape=a_shape)
    found = checked(graph, dynamic=True)
    assert (found["status"], found["runnable"]) == (status, True)
    assert found["message"].startswith("output a is declared" if status == "WRONG" else "")


def test_names_are_matched_before_order(checked: Checked) -> None:
    found = checked(graph_of(inputs="zx", outputs="ba"))
    assert found["status"] == "PASS"
    assert pairs(found["inputs"]) == [("z", "z"), ("x", "x")]
    assert pairs(found["outputs"]) == [("b", "b"), ("a", "a")]


def test_other_names_are_matched_by_order(checked: Checked) -> None:
    found = checked(graph_of("args_0", "args_1", "Identity:0", "Identity_1:0"))
    assert found["status"] == "PASS"
    assert pairs(found["inputs"]) == [("args_0", "x"), ("args_1", "z")]
    assert pairs(found["outputs"]) == [("Identity:0", "a"), ("Identity_1:0", "b")]


def test_an_initializer_that_is_listed_as_an_input_is_none(checked: Checked) -> None:
    graph = graph_of()
    graph.input.append(helper.make_tensor_value_info("one", TensorProto.FLOAT, []))
    found = checked(graph)
    assert found["status"] == "PASS"
    assert [entry["name"] for entry in found["inputs"]] == ["x", "z"]


def test_an_exporter_says_how_names_axes_and_states_stand_to_the_models(
    checked: Checked, reference: Path, tmp_path: Path
) -> None:
    inputs = [
        {"name": "data0", "value": "z"},
        {"name": "data1", "value": "x", "permutation": [0, 2, 1]},
        {"name": "state", "zeros": ["batch", 6]},
    ]
    outputs = [{"name": "out0", "value": "a", "permutation": [0, 2, 1]}, {"name": "out1", "value": "b"}]
    graph = graph_of("data1", "data0", "out0", "out1", inputs=["z", "x", "state"], x_shape=[2, 4, 3])
    found = checked(graph, {"inputs": inputs, "outputs": outputs})
    assert found["status"] == "PASS"
    feeds = read_arrays(tmp_path / "out" / "feeds.arrays")
    with np.load(reference / "inputs.npz") as given:
        np.testing.assert_array_equal(feeds["1/data1"], given["1/x"].transpose(0, 2, 1))
        np.testing.assert_array_equal(feeds["1/data0"], given["1/z"])
        np.testing.assert_array_equal(feeds["1/state"], np.zeros((2, 6), np.float32))
        assert feeds["1/state"].dtype == np.float32
    with np.load(reference / "rounded.npz") as results:
        written = onnx.load_tensor(tmp_path / "out" / "test_data_set_1" / "output_0.pb")
        np.testing.assert_array_equal(numpy_helper.to_array(written), results["1/a"].transpose(0, 2, 1))


def test_zeros_follow_the_sizes_of_each_input_set(checked: Checked, tmp_path: Path) -> None:
    inputs = [{"name": n, "value": n} for n in "xz"] + [{"name": "state", "zeros": ["batch", 6]}]
    graph = graph_of(inputs=["x", "z", "state"], x_shape=["N", 3, 4], z_shape=["N", 5])
    found = checked(graph, {"inputs": inputs}, dynamic=True)
    assert found["status"] == "PASS"
    feeds = read_arrays(tmp_path / "out" / "feeds.arrays")
    assert [feeds[f"{n}/state"].shape for n in (0, 2, 3)] == [(2, 6), (1, 6), (5, 6)]


@pytest.mark.parametrize("dtype", ["", "int32"])
def test_a_graph_input_without_axes_gets_none(dtype: str) -> None:
    fed = _feed({"value": "n", "dtype": dtype}, {}, {"0/n": np.array(3)}, 0)
    assert (fed.shape, fed.dtype, int(fed)) == ((), np.dtype(dtype or "int64"), 3)


def test_the_data_sets_are_those_of_onnx_and_equal_the_feeds(checked: Checked, reference: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    checked(graph_of("args_0", x_shape=["N", 3, 4], z_shape=["N", 5]), dynamic=True)
    assert sorted(p.name for p in out.glob("test_data_set_*")) == [f"test_data_set_{n}" for n in range(3)]
    feeds = read_arrays(out / "feeds.arrays")
    with np.load(reference / "rounded.npz") as results:
        assert set(feeds) == {f"{n}/{name}" for n in (0, 2, 3) for name in ("args_0", "z")}
        for place, number in enumerate((0, 2, 3)):
            folder = out / f"test_data_set_{place}"
            assert {p.name for p in folder.iterdir()} == {"input_0.pb", "input_1.pb", "output_0.pb", "output_1.pb"}
            for i, name in enumerate(("args_0", "z")):
                tensor = onnx.load_tensor(folder / f"input_{i}.pb")
                assert tensor.name == name
                np.testing.assert_array_equal(numpy_helper.to_array(tensor), feeds[f"{number}/{name}"])
            for i, name in enumerate("ab"):
                tensor = onnx.load_tensor(folder / f"output_{i}.pb")
                np.testing.assert_array_equal(numpy_helper.to_array(tensor), results[f"{number}/{name}"])


# -- the width of integers -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "dtype", "width"),
    [
        ({}, "int64", "int64"),
        ({"wanted": "int32"}, "int64", "int32"),
        ({"wanted": "int64"}, "int32", "int64"),
        # A width is all that an exporter may tell: neither another kind of number, nor the precision of the model.
        ({"wanted": "int16"}, "int64", "int64"),
        ({"wanted": "float32"}, "int64", "int64"),
        ({"wanted": "float16"}, "float32", "float32"),
        ({"wanted": "int32"}, "float32", "float32"),
        ({"wanted": "int32"}, "bool", "bool"),
        ({"wanted": None}, "int64", "int64"),
        ({"wanted": ["int32"]}, "int64", "int64"),
    ],
)
def test_an_exporter_may_tell_the_width_of_integers_alone(told: dict[str, Any], dtype: str, width: str) -> None:
    assert _width_told({"name": "n", **told}, dtype) == width


@pytest.mark.parametrize(("told", "status"), [({"wanted": "int32"}, "PASS"), ({}, "WRONG"), ({"wanted": "x"}, "WRONG")])
def test_integers_of_another_width_must_be_told(
    told: dict[str, str], status: str, reference: Path, tmp_path: Path
) -> None:
    narrow_integers(reference, tmp_path / "out")
    mapping = {"inputs": [{"name": "n", "value": "n", **told}], "outputs": [{"name": "m", "value": "m", **told}]}
    found = check(job_of(reference, tmp_path / "out", mapping, None, False), lambda stage: None)
    assert (found["status"], found["runnable"]) == (status, True)
    assert found["message"] == ("" if status == "PASS" else "input n is int32, in the model int64")
    # What runtimes must return, and what is fed to them.
    assert found["outputs"][0]["wanted"] == ("int32" if status == "PASS" else "int64")
    assert read_arrays(tmp_path / "out" / "feeds.arrays")["0/n"].dtype == np.int32
    tensor = onnx.load_tensor(tmp_path / "out" / "test_data_set_0" / "output_0.pb")
    assert numpy_helper.to_array(tensor).dtype == found["outputs"][0]["wanted"]


def narrow_integers(reference: Path, out: Path) -> None:
    """A model m = n + 1 of int64, and its file, which has int32."""
    sides = {
        side: [{"name": name, "dtype": "int64", "shape": [3]}] for side, name in (("inputs", "n"), ("outputs", "m"))
    }
    sides["outputs"][0]["value"] = "add_1"
    (reference / "model.json").write_text(json.dumps({"name": "count", "input_sets": SIZES, **sides}))
    numbers = {number: np.arange(3) + number for number in range(len(SIZES))}
    np.savez(reference / "inputs.npz", **{f"{number}/n": n for number, n in numbers.items()})  # type: ignore[arg-type]
    np.savez(reference / "rounded.npz", **{f"{n}/m": m + 1 for n, m in numbers.items()})  # type: ignore[arg-type]
    n, m = (helper.make_tensor_value_info(name, TensorProto.INT32, [3]) for name in "nm")
    one = numpy_helper.from_array(np.array(1, np.int32), "one")
    graph = helper.make_graph([helper.make_node("Add", ["n", "one"], ["m"])], "count", [n], [m], [one])
    out.mkdir()
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), out / "model.onnx")


# -- bad files -------------------------------------------------------------------------------------------------------


def verdict(found: dict[str, Any]) -> tuple[str, bool]:
    return found["status"], found["runnable"]


def test_another_opset_than_asked_for_is_wrong_but_can_be_run(checked: Checked) -> None:
    found = checked(graph_of(), opset=13)
    assert verdict(found) == ("WRONG", True)
    assert found["message"] == "opset 13 was asked for, 17 was written"


def test_what_the_checker_refuses_is_an_error_but_can_be_run(checked: Checked, tmp_path: Path) -> None:
    graph = graph_of()
    graph.node[0].op_type = "Ad"
    found = checked(graph)
    assert verdict(found) == ("ERROR", True)
    assert found["message"].startswith("onnx.checker: ")
    assert "Ad" in found["message"]
    assert (tmp_path / "out" / "feeds.arrays").exists()


def test_shapes_that_contradict_each_other_are_found_by_the_full_check(checked: Checked) -> None:
    graph = graph_of()
    graph.output[0].type.tensor_type.shape.CopyFrom(helper.make_tensor_type_proto(1, [7, 7, 7]).tensor_type.shape)
    assert verdict(checked(graph)) == ("ERROR", True)


def test_weights_in_another_file_are_an_error(checked: Checked, tmp_path: Path) -> None:
    graph = graph_of()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "weights.bin").write_bytes(np.float32(1).tobytes())
    tensor = graph.initializer[0]
    onnx.external_data_helper.set_external_data(tensor, "weights.bin", 0, 4)
    tensor.ClearField("raw_data")
    found = checked(graph)
    assert verdict(found) == ("ERROR", False)
    assert found["message"] == "weights were written to an external file"


@pytest.mark.parametrize("name", ["weights.bin", "sub", "test_data_set_0", "sub/deeper"])
def test_links_in_the_folder_are_refused(name: str, checked: Checked, tmp_path: Path) -> None:
    (tmp_path / "out" / name).parent.mkdir(parents=True)
    (tmp_path / "out" / name).symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere").mkdir()
    found = checked(graph_of())
    assert verdict(found) == ("ERROR", False)
    assert found["message"] == f"{name} in the case's folder is a symbolic link to '{tmp_path}/elsewhere': refused"
    assert not list((tmp_path / "elsewhere").iterdir())


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("weights.bin", "weights were written to an external file"),
        ("sub/weights.bin", "weights were written to an external file"),
        ("..weights", "weights were written to an external file"),
        ("/etc/passwd", "external data at '/etc/passwd' leads out of the case's folder: refused"),
        ("sub/../../x", "external data at 'sub/../../x' leads out of the case's folder: refused"),
        ("sub\\..\\x", "leads out of the case's folder: refused"),
        ("C:\\x", "leads out of the case's folder: refused"),
        ("", "leads out of the case's folder: refused"),
        ("*/_ORT_MEM_ADDR_/*", "is an address in memory: refused"),
        ("../\x1b[2J", r"external data at '../\x1b[2J' leads out"),
    ],
)
def test_a_message_about_external_data_says_where_it_leads(location: str, words: str, checked: Checked) -> None:
    graph = graph_of()
    for tensor, place in zip(graph.initializer, ("beside.bin", location), strict=True):
        onnx.external_data_helper.set_external_data(tensor, place, 0, 4)
        tensor.ClearField("raw_data")
    found = checked(graph)
    assert verdict(found) == ("ERROR", False)
    assert words in found["message"]


@pytest.mark.parametrize(
    ("graph", "words"),
    [
        (graph_of(outputs="a"), "graph outputs are a; the model has a, b"),
        (graph_of(outputs="ab", a="p", b="q", inputs=["x", "z", "state"]), "graph inputs are x, z, state"),
    ],
)
def test_lost_outputs_and_strange_inputs_are_wrong(graph: Any, words: str, checked: Checked, tmp_path: Path) -> None:
    found = checked(graph)
    assert verdict(found) == ("WRONG", False)
    assert words in found["message"]
    assert not (tmp_path / "out" / "feeds.arrays").exists()


def test_an_input_that_the_model_does_not_need_may_be_lost(checked: Checked) -> None:
    graph = graph_of(inputs="x")
    graph.initializer.append(numpy_helper.from_array(np.ones((2, 5), np.float32), "z_as_it_was"))
    graph.node[1].input[0] = "z_as_it_was"
    assert verdict(checked(graph, {"inputs": [{"name": "x", "value": "x"}]})) == ("PASS", True)


def test_two_outputs_that_stand_for_one_are_wrong(checked: Checked) -> None:
    mapping = {"outputs": [{"name": "a", "value": "a"}, {"name": "b", "value": "a"}]}
    assert verdict(checked(graph_of(), mapping)) == ("WRONG", False)


@pytest.mark.parametrize(
    ("x_shape", "z_shape", "told"),
    [
        ([2, 3, 4], ["N", 5], "axis 0 of input x is fixed to 2, in the model batch"),
        (["N", 3, 4], [2, 5], "axis 0 of input z is fixed to 2, in the model batch"),
    ],
)
def test_inputs_that_are_not_the_models_are_wrong_but_can_be_run(
    x_shape: Shape, z_shape: Shape, told: str, checked: Checked
) -> None:
    found = checked(graph_of(x_shape=x_shape, z_shape=z_shape), dynamic=True)
    assert verdict(found) == ("WRONG", True)
    assert found["message"] == told


def test_fixed_axes_are_found_behind_a_permutation(checked: Checked) -> None:
    inputs = [{"name": "x", "value": "x", "permutation": [1, 0, 2]}, {"name": "z", "value": "z"}]
    found = checked(graph_of(x_shape=[3, 2, 4], z_shape=["N", 5]), {"inputs": inputs}, dynamic=True)
    assert found["message"].endswith("axis 1 of input x is fixed to 2, in the model batch")


@pytest.mark.parametrize("x_shape", [["N", 3, 4], [None, 3, 4], [None, None, None]])
def test_axes_that_are_symbols_or_unknown_are_dynamic(x_shape: Shape, checked: Checked) -> None:
    assert checked(graph_of(x_shape=x_shape, z_shape=["N", 5]), dynamic=True)["status"] == "PASS"


@pytest.mark.parametrize("data", [b"", b"\x08\x09not protobuf at all", None])
def test_a_file_that_is_none_is_no_trouble_of_the_host(data: bytes | None, reference: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    if data is not None:
        (out / "model.onnx").write_bytes(data)
    results: list[Result] = []
    job = job_of(reference, out, None, None, False)
    batch = Batch(HOST, "check", ROOT / "matrix" / "check.py", deque([job]), Place(writable=(tmp_path,)))
    run_batches([batch], 1, LIMITS, lambda job, result: results.append(result), threading.Event())
    [result] = results
    found = result.value or {"status": result.status, "runnable": False}
    assert (found["status"] in ("ERROR", "WRONG"), found["runnable"]) == (True, False)


@pytest.mark.parametrize("case", sorted(hostile.CASES))
def test_every_hostile_file_gets_a_verdict(case: str, store: Path, tmp_path: Path) -> None:
    """test_hostile.py leads them through a whole run; here the check is asked alone."""
    [model] = store.glob("relu-*")
    out = tmp_path / "1" / "2" / "3" / "4"
    out.mkdir(parents=True)
    (out / "native.arrays").touch()
    request, path = SimpleNamespace(dynamic={"x": {}}), str(out / "model.onnx")
    [x] = json.loads((model / "model.json").read_text())["inputs"]
    graph = SimpleNamespace(inputs=[SimpleNamespace(**x)], sizes={"batch": 2})
    hostile.EXPORTERS[case](SimpleNamespace(graph=graph), {}, request, path)
    found = check(job_of(model, out, None, None, False), lambda stage: None)
    assert found["status"] in ("PASS", "ERROR", "WRONG")
    assert found["runnable"] in (True, False)
    assert bool(found["message"]) == (found["status"] != "PASS")
