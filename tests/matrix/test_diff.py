"""Differences between two published matrices: each kind, its thresholds, versions, the command, and mistakes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from made import cell, export, matrix

from matrix.cli import main
from matrix.dataset import Matrix, write, write_json
from matrix.diff import KINDS, Differences, Thresholds, differences, key_of

A, T = "a.b@torch2.13", "t@tvm0.27"


def one(before: dict[str, Any], after: dict[str, Any], **more: Any) -> dict[str, tuple[int, int]]:
    """The counts of what changed between a cell and what became of it."""
    return counts(differences(matrix([before]), matrix([after]), **more))


def counts(found: Differences) -> dict[str, tuple[int, int]]:
    return {kind: (own["exports"], own["cells"]) for kind, own in found.counts.items() if any(own.values())}


@pytest.mark.parametrize(
    ("was", "now", "kind"),
    [
        ("PASS", "WRONG", "broken"),
        ("IMPRECISE", "CRASH", "broken"),
        ("PASS", "NOT_EXPORTED", "broken"),
        ("PASS", "FLAKY", "broken"),
        ("UNSUPPORTED", "PASS", "fixed"),
        ("NOT_EXPORTED", "IMPRECISE", "fixed"),
        ("WRONG", "CRASH", "otherwise"),
        ("PASS", "IMPRECISE", "number"),
        ("IMPRECISE", "PASS", "number"),
        ("NOT_RUN", "WRONG", "new"),
        ("PASS", "NOT_RUN", "gone"),
        ("PASS", "PASS", ""),
        ("WRONG", "WRONG", ""),
        ("NOT_RUN", "NOT_RUN", ""),
    ],
)
def test_what_a_change_of_status_is(was: str, now: str, kind: str) -> None:
    assert one(cell(A, "relu", T, was), cell(A, "relu", T, now)) == ({kind: (0, 1)} if kind else {})


@pytest.mark.parametrize(
    ("was", "now", "changed"),
    [
        ({"noise": 1.5}, {"noise": 16.0}, True),
        ({"noise": 16.0}, {"noise": 1.5}, True),
        ({"noise": 1.5}, {"noise": 14.0}, False),
        ({"noise": 0.001}, {"noise": 0.9}, False),  # both are as exact as the framework
        ({"noise": 2.0, "max_abs": 1e-6}, {"noise": 2.0, "max_abs": 2e-5}, True),
        ({"noise": 0.5, "max_abs": 1e-6}, {"noise": 0.5, "max_abs": 2e-5}, False),
        ({"noise": None, "max_abs": None}, {"noise": 90.0}, False),
        ({"noise": 2.0, "max_abs": 0.0}, {"noise": 2.0, "max_abs": 1.0}, False),
    ],
)
def test_another_number_is_one_by_more_than_the_factor(was: dict[str, Any], now: dict[str, Any], changed: bool) -> None:
    assert one(cell(A, "relu", T, **was), cell(A, "relu", T, **now)) == ({"number": (0, 1)} if changed else {})


@pytest.mark.parametrize(
    ("was", "now", "slower"),
    [
        ({"run_seconds": 0.1}, {"run_seconds": 0.5}, ("run", 5.0)),
        ({"run_seconds": 0.5}, {"run_seconds": 0.1}, ("run", 0.2)),
        ({"run_seconds": 0.001}, {"run_seconds": 0.01}, None),  # ten times, but nothing to speak of
        ({"run_seconds": 1.0}, {"run_seconds": 2.0}, None),
        ({"load_seconds": 0.1, "run_seconds": 0.1}, {"load_seconds": 0.9, "run_seconds": 0.5}, ("load", 9.0)),
    ],
)
def test_another_speed_is_one_by_factor_and_milliseconds(
    was: dict[str, Any], now: dict[str, Any], slower: tuple[str, float] | None
) -> None:
    found = differences(matrix([cell(A, "relu", T, **was)]), matrix([cell(A, "relu", T, **now)]))
    assert counts(found) == ({"speed": (0, 1)} if slower else {})
    if slower:
        row = found.changes.row(0, named=True)
        assert (row["slower"], round(row["factor"], 9)) == slower


def test_the_thresholds_are_the_readers_choice() -> None:
    was, now = cell(A, "relu", T, run_seconds=0.1, noise=2.0), cell(A, "relu", T, run_seconds=0.15, noise=5.0)
    assert one(was, now) == {}
    assert one(was, now, thresholds=Thresholds(2.0, 1.2, 20)) == {"number": (0, 1), "speed": (0, 1)}


def test_an_export_that_breaks_is_told_of_the_export_too() -> None:
    before = matrix([cell(A, "relu", T)], [export(A, "relu", seconds=0.1), export(A, "elu", seconds=0.1)])
    after = matrix([cell(A, "relu", T, "NOT_EXPORTED")], [export(A, "relu", "ERROR"), export(A, "elu", seconds=2.0)])
    found = differences(before, after)
    assert counts(found) == {"broken": (1, 1), "speed": (1, 0)}
    assert [key_of(row) for row in found.changes.iter_rows(named=True)] == [
        "a.b@torch2.13/relu/static", "a.b@torch2.13/relu/static/t@tvm0.27", "a.b@torch2.13/elu/static",
    ]  # fmt: skip


def test_what_is_only_in_one_is_new_or_gone_and_an_opset_is_another_cell() -> None:
    before, after = (matrix([cell(A, "relu", T, opset=opset)]) for opset in (None, 17))
    found = differences(before, after)
    # The exports of both have no opset here.
    assert counts(found) == {"new": (0, 1), "gone": (0, 1)}


NEWER, OLDER = "a.b@torch2.15", "a.b@torch2.9"


def test_other_versions_are_other_cells_unless_they_are_to_be_compared() -> None:
    before, after = matrix([cell(A, "relu", T)]), matrix([cell(NEWER, "relu", "t@tvm0.30", "WRONG")])
    assert set(counts(differences(before, after))) == {"new", "gone"}
    found = differences(before, after, across_versions=True)
    assert counts(found) == {"broken": (0, 1)}
    row = found.changes.row(0, named=True)
    assert (row["source"], row["source_before"]) == (NEWER, A)
    assert (row["target"], row["target_before"]) == ("t@tvm0.30", T)


def test_of_several_versions_in_one_matrix_the_newest_is_compared() -> None:
    rows = [cell(NEWER, "relu", T, "WRONG"), cell(OLDER, "relu", T), cell("a.b@host", "relu", T)]
    found = differences(matrix([cell(A, "relu", T)]), matrix(rows), across_versions=True)
    assert counts(found) == {"broken": (0, 1)}, "2.15 is newer than 2.9, and the host is the stopgap"
    assert found.changes["source"].to_list() == [NEWER]


def test_times_of_different_machines_are_said_to_be_so() -> None:
    elsewhere = {"lock": {"name": "host", "cpu": "another"}}
    before, after = matrix([cell(A, "relu", T)]), matrix([cell(A, "relu", T)], environments=elsewhere)
    assert differences(before, after).machines == ["a processor", "another"]
    assert differences(before, before).machines == []


# -- the command -----------------------------------------------------------------------------------------------------


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, Path]:
    """Two published matrices: something broke, something was mended."""
    hostile = "[bold]it[/bold] \x1b[31m<b>"
    before = [cell(A, "relu", T), cell(A, "elu", T, "ERROR"), cell(A, "gelu", T)]
    after = [cell(A, "relu", T, "WRONG", message=hostile, blame="runtime"), cell(A, "elu", T), cell(A, "gelu", T)]
    for name, cells in (("before", before), ("after", after)):
        (tmp_path / name).mkdir()
        write(matrix(cells), tmp_path / name)
    return tmp_path / "before", tmp_path / "after"


def test_the_command_tells_what_broke_and_fails_for_it(
    two: tuple[Path, Path], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    before, after = map(str, two)
    assert main(["diff", before, after, "--json", str(tmp_path / "diff.json")]) == 1
    printed = capsys.readouterr().out
    assert "a.b@torch2.13/relu/static/t@tvm0.27: PASS → WRONG in run, blame runtime: [bold]it[/bold]" in printed
    assert "\x1b" not in printed
    assert "newly fixed:\n  a.b@torch2.13/elu/static/t@tvm0.27: ERROR → PASS" in printed
    data = json.loads((tmp_path / "diff.json").read_text())
    assert data["schema"] == 1
    assert data["counts"]["broken"] == {"exports": 0, "cells": 1}
    assert data["compared"] == 6
    assert [(c["kind"], c["model"], c["status_after"]) for c in data["changes"]] == [
        ("broken", "relu", "WRONG"), ("fixed", "elu", "PASS"),
    ]  # fmt: skip
    assert list(data["counts"]) == list(KINDS)


def test_nothing_broken_is_exit_code_0_and_matrix_json_will_do(
    two: tuple[Path, Path], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    before, after = two
    assert main(["diff", str(before), str(before)]) == 0
    fixed = matrix([cell(A, "elu", T)])
    write_json(fixed, tmp_path / "matrix.json")
    assert main(["diff", str(before), str(tmp_path / "matrix.json")]) == 0
    assert "newly fixed" in capsys.readouterr().out
    assert main(["diff", str(after), str(before)]) == 1, "elu: PASS before, ERROR now"


def test_mistakes_are_answered(two: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before, after = two
    (tmp_path / "other").mkdir()
    write(matrix([cell("a.b@torch2.15", "relu", "t@tvm0.30")]), tmp_path / "other")
    (tmp_path / "broken.json").write_text("[]")
    for arguments, words in (
        ([str(tmp_path / "befor"), str(after)], f"did you mean {before}"),
        ([str(before), str(tmp_path / "broken.json")], "is no matrix of this suite"),
        ([str(before), str(tmp_path)], "no matrix in"),
        ([str(before), str(tmp_path / "other")], "add --across-versions"),
        ([str(before), str(after), "--number", "0.5"], "no factor from 1 up"),
        ([str(before), str(after), "--speed", "fast"], "no factor from 1 up"),
        ([str(before), str(after), "--json", str(tmp_path / "no" / "where.json")], "cannot be written"),
        ([str(before)], "AFTER"),
        ([str(before), str(after), "--acros-versions"], "did you mean --across-versions"),
    ):
        assert main(["diff", *arguments]) == 2, arguments
        assert words in capsys.readouterr().err, arguments


def test_many_changes_of_one_kind_are_told_by_a_few(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def many(status: str) -> Matrix:
        return matrix([cell(A, f"m{n}", T, status) for n in range(60)])

    for name, status in (("a", "PASS"), ("b", "WRONG")):
        (tmp_path / name).mkdir()
        write(many(status), tmp_path / name)
    assert main(["diff", str(tmp_path / "a"), str(tmp_path / "b")]) == 1
    assert "… and 20 more" in capsys.readouterr().out
