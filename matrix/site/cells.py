"""To be written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from matrix.dataset import Matrix

TITLE = "x"


def view(matrix: Matrix) -> dict[str, Any]:
    """What the template shows before any script runs."""
    return {}


def data(matrix: Matrix, work: Path | None) -> Iterator[tuple[str, Any]]:
    """The data scripts of the page, by name."""
    yield from ()
