"""The tables of what exists say the truth about the files they name."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from matrix.catalogue import EVALUATOR, ROOT, SOURCES, TARGETS, Source, Target, literal
from matrix.environments import environments
from models.layers import LAYERS

everything = pytest.mark.parametrize("item", [*SOURCES.values(), *TARGETS.values()], ids=lambda item: str(item.name))
every_source = pytest.mark.parametrize("source", SOURCES.values(), ids=lambda source: str(source.name))


def functions(path: Path) -> set[str]:
    """The functions at the top of a Python file."""
    return {node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)}


def test_the_tables_are_sorted_and_know_each_entry_by_its_name() -> None:
    for table in (SOURCES, TARGETS):
        assert list(table) == sorted(table)
        assert [item.name for item in table.values()] == list(table)


@everything
def test_every_module_is_there_and_names_its_packages(item: Source | Target) -> None:
    assert item.path.is_file()
    packages = literal(item.path, "PACKAGES")
    assert packages
    assert all(isinstance(name, str) for name in packages)
    assert all(isinstance(pattern, str) for pattern in literal(item.path, "UNSUPPORTED"))


@everything
def test_every_family_of_environments_is_in_tox_ini_and_named_there_as_its_own_package(item: Source | Target) -> None:
    placed = [e for e in environments().values() if e.family == item.environment]
    assert placed
    for environment in placed:
        if environment.family != "host":
            assert environment.requirements


@every_source
def test_every_source_names_an_exporter_and_layers_of_the_vocabulary(source: Source) -> None:
    assert source.exporter in literal(source.path, "EXPORTERS")
    native, composed = literal(source.path, "LAYERS"), literal(source.path, "COMPOSED")
    assert set(native) | set(composed) <= set(LAYERS)
    assert not set(native) & set(composed)
    assert len(set(native)) == len(native)
    assert "build" in functions(source.path)
    assert source.tier in (0, 1, 2)


@pytest.mark.parametrize("target", TARGETS.values(), ids=lambda target: str(target.name))
def test_every_target_loads_and_runs(target: Target) -> None:
    assert functions(target.path) >= {"load", "run"}


def test_a_half_in_another_language_counts_among_the_files() -> None:
    for item in (SOURCES["tfjs.layers"], TARGETS["onnxruntime-node"]):
        assert [path.suffix for path in item.files] == [".mjs", ".py"]


def test_the_evaluator_runs_on_the_host() -> None:
    assert TARGETS[EVALUATOR].environment == "host"


@pytest.mark.parametrize("folder", ["exporters", "importers"])
def test_every_file_of_a_framework_or_runtime_is_in_the_tables(folder: str) -> None:
    used = {source.path for source in SOURCES.values()} | {target.path for target in TARGETS.values()}
    assert {path for path in (ROOT / folder).glob("*.py") if path.name != "__init__.py"} <= used


def test_literals_are_read_without_running_the_file(tmp_path: Path) -> None:
    path = tmp_path / "exporter.py"
    path.write_text(
        "import a_framework_that_is_not_here\n"
        "PACKAGES = ('a', 'b')\n"
        "LAYERS = {'conv2d': build_conv, **MORE, 'linear': lambda x: x}\n"
        "def inside():\n    HIDDEN = ('c',)\n"
    )
    assert literal(path, "PACKAGES") == ("a", "b")
    assert literal(path, "LAYERS") == ("conv2d", "linear")
    assert literal(path, "HIDDEN") == ()
    assert literal(path, "ABSENT") == ()


def test_an_exporter_that_builds_on_another_changes_with_it() -> None:
    assert {path.name for path in SOURCES["onnxruntime.qdq"].files} == {"ort_qdq.py", "canonical.py"}
    assert [path.name for path in SOURCES["canonical"].files] == ["canonical.py"]
    assert {path.name for path in TARGETS["onnxruntime.openvino"].files} == {"ortopenvino.py", "onnxruntime.py"}
    loaders = {s.module for s in SOURCES.values() if re.search(r"^ *(from|import) beside\b", s.path.read_text(), re.M)}
    assert loaders == {
        s.module for s in SOURCES.values() if any(p.name != s.module for p in s.files if p.suffix == ".py")
    }
