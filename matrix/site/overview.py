"""The first page: sources × targets, by family, with filters."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from matrix.dataset import Matrix

TITLE = "Overview"


def view(matrix: Matrix) -> dict[str, Any]:
    """What the template shows before any script runs."""
    return {"counts": {"exports": matrix.exports.height, "cells": matrix.cells.height}}


def data(matrix: Matrix, work: Path | None) -> Iterator[tuple[str, Any]]:
    """The data scripts of the page, by name."""
    yield "about", {key: matrix.about[key] for key in ("run", "generated", "suite", "sources", "targets", "models")}
