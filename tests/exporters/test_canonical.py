"""The textbook source, and the rules for all files that run inside foreign environments."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from matrix import jobs, worker
from models.catalogue import all_models
from models.layers import LAYERS
from models.registry import ReferenceModel
from models.store import write_model

ROOT = Path(__file__).resolve().parents[2]
CANONICAL = worker.load_module("canonical", str(ROOT / "exporters" / "canonical.py"))
DEFAULT_LAYERS = [model for model in all_models().values() if model.kind == "layer" and model.default]
IN_ENVIRONMENT = [
    *sorted(path for folder in ("exporters", "importers") for path in (ROOT / folder).glob("*.py")),
    ROOT / "matrix" / "worker.py",
    ROOT / "matrix" / "jobs.py",
]

Export = Callable[..., onnx.ModelProto]


@pytest.fixture
def export(tmp_path: Path) -> Export:
    """Runs one export job as the worker does, and reads what it wrote."""

    def run(model: ReferenceModel, opset: int | None, dynamic: bool = False, dtype: str = "float32") -> onnx.ModelProto:
        folder = write_model(model, tmp_path / "models", precision=dtype)
        job = {"model": str(folder), "sets": [0], "out": str(tmp_path), "opset": opset, "dynamic": dynamic}
        kind = {"exporter": "canonical", "own": None, "dtype": dtype, "quantised": ""}
        jobs.export(CANONICAL, {**job, **kind}, lambda stage: None)
        return onnx.load(tmp_path / "model.onnx")

    return run


def test_every_layer_of_the_vocabulary_is_there() -> None:
    assert sorted(CANONICAL.LAYERS) == sorted(LAYERS)


@pytest.mark.parametrize("model", DEFAULT_LAYERS, ids=lambda model: model.name)
@pytest.mark.parametrize("opset", [13, 17, 21])
def test_layer_is_valid_at_the_asked_opset(export: Export, model: ReferenceModel, opset: int) -> None:
    written = export(model, opset)
    onnx.checker.check_model(written, full_check=True)
    assert [(entry.domain, entry.version) for entry in written.opset_import] == [("", opset)]
    assert [i.name for i in written.graph.input] == [i.name for i in model.graph().inputs]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_all_floating_point_numbers_of_a_file_are_of_the_asked_dtype(export: Export, dtype: str) -> None:
    graph = export(all_models()["transformer-encoder"], None, dtype=dtype).graph
    wanted = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    values = [i.type.tensor_type.elem_type for i in [*graph.input, *graph.output]]
    assert {*values, *(t.data_type for t in graph.initializer)} <= {wanted, onnx.TensorProto.INT64}


def test_default_opset_is_17(export: Export) -> None:
    assert export(all_models()["relu"], None).opset_import[0].version == 17


def test_dynamic_axes_bear_their_symbols(export: Export) -> None:
    graph = export(all_models()["linear"], 17, dynamic=True).graph
    assert all(info.type.tensor_type.shape.dim[0].dim_param == "batch" for info in (*graph.input, *graph.output))


def test_initializers_are_named_after_the_weights(export: Export) -> None:
    model = all_models()["conv2d"]
    written = export(model, 17)
    assert {tensor.name for tensor in written.graph.initializer} == set(model.graph().weights)


def imported(tree: ast.AST) -> set[str]:
    """Top-level names of the modules that a file imports anywhere; "." stands for its own package."""
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {"." if node.level else str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    return {name.split(".")[0] or "." for name in names}


@pytest.mark.parametrize("path", IN_ENVIRONMENT, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_in_environment_file_keeps_to_python_3_6_and_stands_alone(path: Path) -> None:
    tree = ast.parse(path.read_text(), feature_version=(3, 6))
    assert not imported(tree) & {"models", "matrix", "exporters", "importers", "tests", ".", "__future__"}


@pytest.mark.parametrize("name", ["worker.py", "jobs.py"])
def test_what_runs_in_every_environment_needs_numpy_at_most(name: str) -> None:
    tree = ast.parse((ROOT / "matrix" / name).read_text())
    # bfloat16 is for the environments that have ml_dtypes.
    assert imported(tree) <= {*sys.stdlib_module_names, "numpy", "ml_dtypes"}


def python36(*arguments: Any) -> subprocess.CompletedProcess[str]:
    """Run a real Python 3.6; skips the test where there is none (a version manager's stub counts as none)."""
    found = shutil.which("python3.6")
    if not found or subprocess.run([found, "-V"], capture_output=True, check=False).returncode:
        pytest.skip("no Python 3.6 here")
    return subprocess.run([found, *map(str, arguments)], capture_output=True, text=True, check=False)


def test_in_environment_files_compile_with_a_real_python_3_6() -> None:
    program = "import sys; [compile(open(p, encoding='utf-8').read(), p, 'exec') for p in sys.argv[1:]]"
    done = python36("-c", program, *IN_ENVIRONMENT)
    assert done.returncode == 0, done.stderr
