"""The two laws: foreign code never enters the host, host code never enters a foreign environment."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from matrix.catalogue import ROOT

INSIDE = sorted(
    [path for folder in ("exporters", "importers") for path in (ROOT / folder).glob("*.py")]
    + [ROOT / "matrix" / name for name in ("guard.py", "worker.py", "jobs.py")]
)
OF_THE_HOST = {"google", "numpy", "onnx", "jinja2", "polars", "psutil", "pytest", "rich", "tomli_w", "matrix", "models"}


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


inside = pytest.mark.parametrize("path", INSIDE, ids=named)


def imported(path: Path) -> set[str]:
    """The top names of all modules that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports its neighbours"
            found.add((node.module or "").split(".")[0])
    return found


@inside
def test_files_of_the_environments_keep_to_the_syntax_of_python_3_6(path: Path) -> None:
    tree = ast.parse(path.read_text(), feature_version=(3, 6))
    assert "annotations" not in {a.name for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) for a in n.names}


def test_python_3_6_itself_compiles_the_files_of_the_environments() -> None:
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = next(map(str, versions.glob("3.6.*/bin/python")), None) or shutil.which("python3.6")
    if not found:
        pytest.skip("no Python 3.6 on this machine")
    script = "import sys\nfor path in sys.argv[1:]: compile(open(path, encoding='utf-8').read(), path, 'exec')"
    done = subprocess.run([found, "-c", script, *map(str, INSIDE)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@inside
def test_host_code_never_enters_an_environment(path: Path) -> None:
    assert not imported(path) & {"matrix", "models", "exporters", "importers"}


@pytest.mark.parametrize(
    "path", sorted({*(ROOT / "matrix").glob("*.py"), *(ROOT / "models").rglob("*.py")} - set(INSIDE)), ids=named
)
def test_foreign_code_never_enters_the_host(path: Path) -> None:
    allowed = OF_THE_HOST if "matrix" in path.parts[-2:] else {"numpy", "models"}
    allowed = allowed | ({"distributed"} if path.name == "cluster.py" else set())  # only where a cluster is asked for
    assert imported(path) - set(sys.stdlib_module_names) - {"__future__"} <= allowed
