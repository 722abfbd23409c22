"""The pure functions of the site's modules, tested by node."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def test_modules() -> None:
    node = shutil.which("node")
    if node is None and "CI" not in os.environ:
        pytest.skip("node is not installed")
    tests = sorted(map(str, HERE.glob("*.test.mjs")))
    command = [str(node), "--import", str(HERE / "resolver.mjs"), "--test", *tests]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
