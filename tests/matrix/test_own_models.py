"""Sources that bring their models: what they write beside their file, what is refused, how it is compared."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from matrix import jobs
from matrix.check import check
from matrix.process import Result
from matrix.verdict import judged, outcome

SIZES = [{"batch": 2}, {"batch": 2}, {"batch": 1}, {"batch": 5}]


def doubling(model: Any, inputs: Any, request: Any, path: str) -> None:
    dims = ["batch" if request.dynamic["x"] else 2, 3]
    infos = [helper.make_tensor_value_info(name, TensorProto.FLOAT, dims) for name in "xy"]
    graph = helper.make_graph([helper.make_node("Add", ["x", "x"], ["y"])], "double", infos[:1], infos[1:])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def module(**changes: Any) -> SimpleNamespace:
    """A source whose one model doubles its input."""
    parts: dict[str, Any] = {
        "build": lambda name, request: name,
        "interface": lambda model: ([{"name": "x", "dtype": "float32", "shape": ["batch", 3]}], SIZES),
        "draw": lambda model, generator, sizes: {"x": generator.randn(sizes["batch"], 3).astype(np.float32)},
        "truth": lambda model, inputs: {"y": 2 * inputs["x"].astype(np.float64)},
        "run": lambda model, inputs: {"y": 2 * inputs["x"]},
        "EXPORTERS": {"own": doubling},
    }
    return SimpleNamespace(**{**parts, **changes})


def job(tmp_path: Path, dynamic: bool = False, sets: tuple[int, ...] = (0, 1)) -> dict[str, Any]:
    return {
        "own": "double", "model": str(tmp_path / "reference"), "out": str(tmp_path), "sets": list(sets), "opset": None,
        "exporter": "own", "dynamic": dynamic, "dtype": "float32", "quantised": "", "tolerance": "float32",
    }  # fmt: skip


def exported(source: SimpleNamespace, own: dict[str, Any]) -> dict[str, Any]:
    jobs.export(source, own, lambda stage: None)
    return check({**own, "mapping": None}, lambda stage: None)


@pytest.mark.parametrize("dynamic", [False, True])
def test_its_file_is_checked_and_judged_by_the_truth_that_it_wrote(dynamic: bool, tmp_path: Path) -> None:
    own = job(tmp_path, dynamic, (0, 2, 3) if dynamic else (0, 1))
    found = exported(module(), own)
    assert (found["status"], found["message"]) == ("PASS", "")
    record = judged(Result("OK", "check", value=found), tmp_path, tmp_path / "reference", own["sets"])
    assert record["status"] == "PASS"
    jobs.write_sets(tmp_path / "out", own["sets"], [module().run(None, x) for x in jobs.sets_in_dtype(own, "inputs")])
    cell = {**own, "out": str(tmp_path / "out"), "truth": jobs.model_file(tmp_path / "reference", "truth")}
    assert outcome(cell, Result("OK", "run"), record, tmp_path).status == "PASS"


def test_the_same_inputs_are_drawn_every_time(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
        jobs.export(module(), job(tmp_path / name), lambda stage: None)
    files = [(tmp_path / name / "reference" / "inputs.arrays").read_bytes() for name in "ab"]
    assert files[0] == files[1]


@pytest.mark.parametrize(
    "truth",
    [
        lambda model, inputs: {"y": np.zeros((2, 3))},
        lambda model, inputs: {"y": np.ones((2, 3)) + 1e-3 * inputs["x"]},
        lambda model, inputs: {"y": np.arange(6.0).reshape(2, 3)},
    ],
    ids=["zero", "no-spread", "no-change"],
)
def test_a_model_that_says_next_to_nothing_is_our_trouble(truth: Any, tmp_path: Path) -> None:
    with pytest.raises(jobs.OurTroubleError, match="vacuous: output y hardly varies"):
        jobs.export(module(truth=truth), job(tmp_path), lambda stage: None)


def test_given_outputs_need_no_run_and_may_be_sequences_and_texts(tmp_path: Path) -> None:
    given = {"y": [np.arange(3.0, dtype=np.float32), np.zeros(2, np.int64)], "z": np.array(["a"], object), "n": None}
    source = module(truth=lambda model, inputs: given, tolerance=lambda model: {"epsilon": 1.0, "relative": 0.1})
    del source.run
    jobs.export(source, job(tmp_path, sets=(0,)), lambda stage: None)
    description = json.loads((tmp_path / "reference" / "model.json").read_text())
    assert [o["dtype"] for o in description["outputs"]] == ["", "string", ""]
    assert description["tolerance"] == {"epsilon": 1.0, "relative": 0.1}
    (native,) = jobs.read_sets(tmp_path / "native.arrays", [0])
    assert [len(native["y"]), native["z"].tolist(), native["n"]] == [2, ["a"], None]


def test_parts_of_sequences_and_maps_are_compared_one_by_one(tmp_path: Path) -> None:
    truth = {"y": [np.ones(2), np.zeros(1)], "m": {"a": np.float64(1)}}
    export: dict[str, Any] = {
        "outputs": [{"name": n, "value": n, "wanted": ""} for n in truth],
        "tolerance": {"epsilon": 2.0**-23, "relative": 1e-3, "absolute": 1e-5, "clean": 1e-3},
    }

    def status(**actual: Any) -> tuple[str, str]:
        for name, values in (("out", {**truth, **actual}), ("truth", truth), ("native.arrays", truth)):
            jobs.write_sets(tmp_path / name, [0], [values])
        cell = {"out": str(tmp_path / "out"), "truth": str(tmp_path / "truth"), "sets": [0]}
        found = outcome(cell, Result("OK", "run"), export, tmp_path)
        return found.status, found.message

    assert status() == ("PASS", "")
    assert status(y=[np.ones(2), np.ones(1)])[1].startswith("output y[1], input set 0")
    assert "y.length" in status(y=[np.ones(2)])[1]
    assert status(m={"b": np.float64(1)})[0] == "WRONG"
    assert status(y=None)[0] == "WRONG"
    assert status(y=np.ones(2))[0] == "WRONG"
