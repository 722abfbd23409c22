"""Causes of wrong numbers: what the files may say, which cells they mean, what is open of the published matrix."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from matrix.catalogue import ROOT
from matrix.causes import Causes, account, load
from matrix.cli import main
from matrix.dataset import read
from matrix.errors import UserError
from matrix.expect import cell_key

PUBLISHED = ROOT / "published"
GOOD = {
    "what": '"takes x for y"', "fault": '"Tool"', "script": '""',
    "targets": '["tract@*"]', "cells": '["canonical/relu/*"]',
}  # fmt: skip
CELL = "canonical@host/relu/static/tract@tract0.23"


def causes(folder: Path, **changes: str | None) -> Causes:
    """One cause in TOML, with these fields otherwise (None: left out)."""
    fields = {**GOOD, **changes}
    told = "[[cause]]\n" + "".join(f"{name} = {text}\n" for name, text in fields.items() if text is not None)
    (folder / "tool.toml").write_text(told)
    return load(folder)


@pytest.mark.parametrize(
    ("cells", "targets", "laid"),
    [
        ("canonical/relu/*", "tract@*", True),
        ("canonical@host/relu/static", "tract@tract0.23", True),
        ("canonical/relu", "tract@*", False),
        ("canonical/elu/*", "tract@*", False),
        ("pytorch.*/relu/*", "tract@*", False),
        ("canonical/relu/*", "tract@tract0.2[12]", False),
        ("*", "mnn@*", False),
    ],
)
def test_patterns_of_files_and_targets_say_which_cells(cells: str, targets: str, laid: bool, tmp_path: Path) -> None:
    known = causes(tmp_path, cells=f'["{cells}"]', targets=f'["{targets}"]')
    assert bool(known.of(CELL)) is laid
    assert account(known, [CELL]).open == ([] if laid else [CELL])


def test_a_pattern_that_names_no_cell_is_told(tmp_path: Path) -> None:
    known = causes(tmp_path, cells='["canonical/relu/*", "canonical/elu/*"]', targets='["tract@*", "mnn@*"]')
    assert account(known, [CELL]).idle == ["tool.toml, entry 1: canonical/elu/*", "tool.toml, entry 1: mnn@*"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"what": None}, "what"), ({"fault": "3"}, "fault"), ({"why": '"x"'}, "why"),
        ({"cells": "[]"}, "not empty"), ({"targets": "[3]"}, "patterns"), ({"what": "unquoted"}, "cannot be read"),
    ],
)  # fmt: skip
def test_what_is_not_as_it_should_be_is_refused(changes: dict[str, str | None], told: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=told):
        causes(tmp_path, **changes)


def test_the_command_tells_what_is_open(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "none").mkdir()
    told = ["causes", str(PUBLISHED), "--causes", str(tmp_path / "none"), "--targets", "litert@*"]
    assert main(told) == 1
    assert "open: " in capsys.readouterr().out
    assert main([*told[:3], str(tmp_path / "nowhere")]) == 2


def test_the_causes_name_cells_of_the_published_matrix_and_scripts_that_are_there() -> None:
    wrong = read(PUBLISHED, measures=False).cells.filter(pl.col("status") == "WRONG")
    known = load()
    found = account(known, map(cell_key, wrong.iter_rows(named=True)))
    assert found.idle == []
    missing = {cause.script for cause in known.causes if not (ROOT / "docs/findings" / cause.script).exists()}
    assert not missing
    # What is not laid to a cause yet is counted in docs/findings.md, so that nobody takes silence for an answer.
    told = (ROOT / "docs/findings.md").read_text(encoding="utf-8")
    assert f"{wrong.height - len(found.open):,} of its {wrong.height:,} WRONG cells" in told
