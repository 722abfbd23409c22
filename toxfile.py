"""Lets tox and uv find the interpreters that pyenv keeps outside PATH; tox loads this file by itself."""

import os
from pathlib import Path


def _add_pyenv_interpreters() -> None:
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    path = os.environ.get("PATH", "").split(os.pathsep)
    # Behind PATH, newest first: what the user chose still wins.
    found = sorted((str(folder) for folder in root.glob("versions/*/bin")), reverse=True)
    os.environ["PATH"] = os.pathsep.join(path + [folder for folder in found if folder not in path])


_add_pyenv_interpreters()
