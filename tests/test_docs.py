"""What the documentation says of the repository agrees with it."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

from matrix.catalogue import ROOT, SOURCES, TARGETS, literal
from models.catalogue import all_models
from models.layers import LAYERS

README = (ROOT / "README.md").read_text()
FINDINGS = (ROOT / "docs/findings.md").read_text()
SCRIPTS = {path.name: path for path in (ROOT / "docs/findings").glob("*.py")}
#: The file of the exporter of each framework in README's table of layers.
EXPORTERS = {
    "PyTorch": "pytorch.py",
    "Keras on TensorFlow, PyTorch or JAX": "keras.py",
    "MXNet Gluon": "mxnet.py",
    "PaddlePaddle": "paddle_nn.py",
    "JAX": "jax.py",
    "MindSpore": "mindspore_nn.py",
    "NNabla": "nnabla_pf.py",
}


def test_the_findings_name_the_scripts_that_there_are() -> None:
    assert set(re.findall(r"\(findings/(\w+\.py)\)", FINDINGS)) == set(SCRIPTS)


def test_each_promise_names_tests_that_there_are() -> None:
    promises = (ROOT / "docs/reliability.md").read_text()
    code = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    named = set(re.findall(r"`(test_\w+)`", promises))
    assert len(named) > 30
    assert not [name for name in sorted(named) if f"def {name}(" not in code]
    for path in re.findall(r"`(tests/[\w/]+\.py)`", promises):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_each_script_says_where_and_how_to_run_it(script: Path) -> None:
    text = ast.get_docstring(ast.parse(script.read_text(), feature_version=(3, 8))) or ""
    assert "Environment: " in text
    assert f"python docs/findings/{script.name}" in text


@pytest.mark.parametrize("page", ["README.md", *(f"docs/{p.name}" for p in (ROOT / "docs").glob("*.md"))])
def test_links_within_the_repository_lead_somewhere(page: str) -> None:
    for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", (ROOT / page).read_text()):
        assert ((ROOT / page).parent / link).exists(), link


def test_the_readme_counts_the_models() -> None:
    kinds = Counter(model.kind for model in all_models().values())
    counts = f"{kinds['architecture']} architectures (AlexNet … ViT, char-lm, seq2seq with attention)"
    assert f"| {counts} and {kinds['layer']} layer models in {len(LAYERS)} layers, static and dynamic |" in README


@pytest.mark.parametrize("framework", EXPORTERS)
def test_the_readme_counts_the_layers_of_each_framework(framework: str) -> None:
    path = ROOT / "exporters" / EXPORTERS[framework]
    native, composed = (set(literal(path, table)) & set(LAYERS) for table in ("LAYERS", "COMPOSED"))
    composed -= native
    missing = len(LAYERS) - len(native) - len(composed)
    assert f"Of the {len(LAYERS)} layers" in README
    assert f"| {framework} | {len(native)} | {len(composed)} | {missing} |" in README


def test_the_readme_names_every_source_and_target() -> None:
    for name in (*SOURCES, *TARGETS):
        family, _, rest = name.partition(".")
        assert f"`{name}`" in README or (f"`{family}." in README and f"`.{rest}`" in README), name
