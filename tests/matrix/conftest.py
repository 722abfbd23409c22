"""Work folders for the tests that carry out whole runs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakery import TINY

from matrix.watcher import Silence
from matrix.workshop import Workshop


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The models that these tests use, written once."""
    workshop = Workshop(tmp_path_factory.mktemp("store"))
    workshop.models([(name, "float32") for name in TINY], False, 1, Silence())
    workshop.journal.close()
    return workshop.folder / "models"


@pytest.fixture
def workshop(store: Path, tmp_path: Path) -> Iterator[Workshop]:
    """A work folder in which nothing is recorded."""
    shutil.copytree(store, tmp_path / "work" / "models")
    workshop = Workshop(tmp_path / "work")
    yield workshop
    workshop.journal.close()
