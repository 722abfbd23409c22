"""Known failures: what the files may say, which cells they mean, and what a status is in their light."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from matrix.errors import UserError
from matrix.expect import DECLARABLE, FOLDER, Expectations, cell_key, load
from matrix.plan import Cell, Export, Selection, make_plan
from matrix.progress import STATUSES

GOOD = {
    "status": '"WRONG"', "reason": '"a bug"', "seen": '"onnx 1.23.2"', "link": '""', "question_after": "2027-05-21",
    "cells": '["canonical/relu/static"]',
}  # fmt: skip
CELL = "canonical@host/relu/static/reference@host"


def entry(**changes: str | None) -> str:
    """An entry in TOML, with these fields otherwise (None: left out)."""
    fields = {**GOOD, **changes}
    return "[[known]]\n" + "".join(f"{name} = {text}\n" for name, text in fields.items() if text is not None)


def expectations(folder: Path, *entries: str, target: str = "reference") -> Expectations:
    (folder / f"{target}.toml").write_text("\n".join(entries))
    return load(folder)


def words(known: Expectations, key: str = CELL) -> dict[str, str]:
    return {status: known.verdict(key, status).word for status in STATUSES}


# -- what an outcome means -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("declared", [status for status in DECLARABLE if status != "FLAKY"])
def test_only_the_declared_status_is_known(declared: str, tmp_path: Path) -> None:
    known = expectations(tmp_path, entry(status=f'"{declared}"'))
    assert words(known) == {
        **dict.fromkeys(STATUSES, "new"),
        **dict.fromkeys(("PASS", "IMPRECISE"), "unexpected pass"),
        **dict.fromkeys(("NOT_EXPORTED", "NOT_RUN"), ""),
        declared: "known",
    }


def test_of_a_flaky_cell_every_end_is_known(tmp_path: Path) -> None:
    known = expectations(tmp_path, entry(status='"FLAKY"'))
    assert words(known) == {**dict.fromkeys(STATUSES, "known"), **dict.fromkeys(("NOT_EXPORTED", "NOT_RUN"), "")}


def test_without_an_entry_every_failure_is_new(tmp_path: Path) -> None:
    quiet = ("PASS", "IMPRECISE", "NOT_EXPORTED", "NOT_RUN")
    for known in (load(tmp_path), expectations(tmp_path, entry(cells='["canonical/elu/static"]'))):
        assert words(known) == {**dict.fromkeys(STATUSES, "new"), **dict.fromkeys(quiet, "")}


def test_a_verdict_says_what_was_expected_where_that_stands_and_what_to_do(tmp_path: Path) -> None:
    known = expectations(tmp_path, entry(link='"https://example.org/1"'))
    assert known.verdict(CELL, "WRONG").text == "WRONG: a bug https://example.org/1"
    assert known.verdict(CELL, "CRASH").text == "expected WRONG, got CRASH (reference.toml, entry 1: a bug)"
    assert known.verdict(CELL, "PASS").text == (
        "expected WRONG, got PASS (reference.toml, entry 1: a bug); if it is mended: onnx-interop expectations update"
    )


# -- which cells a pattern means -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "key", "means"),
    [
        ("canonical/relu/static", CELL, True),
        ("canonical@host/relu/static", CELL, True),
        ("canonical@host/relu/static", "canonical@other/relu/static/reference@host", False),
        ("canonical/relu/static", "canonical@host/relu/static-opset13/reference@host", False),
        ("canonical/relu/static", "canonical@host/relu/static-full/reference@host", False),
        ("canonical/relu/static*", "canonical@host/relu/static-full-opset13/reference@host", True),
        ("canonical/relu/static", "canonical@host/relu/dynamic/reference@host", False),
        ("canonical/relu/static", "canonical@host/leaky-relu/static/reference@host", False),
        ("canonical/*relu/*", "canonical@host/leaky-relu/static/reference@host", True),
        ("*/relu/static", "pytorch.dynamo@torch2.13/relu/static/reference@host", True),
        ("pytorch.*@torch2.1?/relu/static", "pytorch.dynamo@torch2.13/relu/static/reference@host", True),
        ("pytorch.*/relu/static", "pytorchXdynamo@torch2.13/relu/static/reference@host", False),
        ("canonical/re[lm]u/static", CELL, True),
        ("Canonical/relu/static", CELL, False),
        ("canonical/relu/static", "canonical@host/relu/static/onnxruntime.all@host", False),
    ],
)
def test_a_pattern_means_cells_with_and_without_the_environment_of_the_source(
    pattern: str, key: str, means: bool, tmp_path: Path
) -> None:
    known = expectations(tmp_path, entry(cells=f'["{pattern}"]'))
    assert bool(known.entry(key)) is means


def test_an_entry_of_an_environment_says_nothing_of_others(tmp_path: Path) -> None:
    known = expectations(tmp_path, entry(environment='"tvm0.2*"'), target="tvm")
    assert known.verdict("canonical@host/relu/static/tvm@tvm0.27", "WRONG").word == "known"
    assert known.verdict("canonical@host/relu/static/tvm@tvm0.30", "WRONG").word == "new"
    assert known.verdict("canonical@host/relu/static/tvm@tvm0.30", "PASS").word == ""


def test_the_key_of_a_published_row_is_that_of_the_plan() -> None:
    plan = make_plan(Selection(models=["relu"], targets=["reference"], sources=["canonical"], opsets=[13], size="full"))
    [cell] = plan.cells
    export: Export = cell.export
    row = {
        "source": export.source_name, "model": "relu", "variant": "static", "opset": 13, "full": True,
        "target": cell.target_name,
    }  # fmt: skip
    assert cell_key(row) == cell.key
    assert cell_key({**row, "opset": None, "full": False}) == CELL
    assert (
        cell_key({n: v for n, v in row.items() if n != "full"})
        == Cell(
            Export(export.source, export.environment, export.model, "static", 13), cell.target, cell.environment
        ).key
    )


# -- mistakes in the files -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (entry() + entry(status='"PASS"'), "reference.toml, entry 2: 'PASS' is no status to expect: WRONG, "),
        (entry(status='"IMPRECISE"'), "'IMPRECISE' is no status to expect"),
        (entry(status='"NOT_RUN"'), "'NOT_RUN' is no status to expect"),
        (entry(status='"NOT_EXPORTED"'), "'NOT_EXPORTED' is no status to expect"),
        (entry(status='"wrong"'), "'wrong' is no status to expect"),
        (entry(since='"1.0"'), "no field 'since'"),
        (entry(reasons='"x"'), "no field 'reasons': did you mean reason"),
        *((entry(**{name: None}), f"entry 1: {name} is missing") for name in GOOD),
        (entry(reason='""'), "reason is empty"),
        (entry(seen='""'), "seen is empty"),
        (entry(environment='""'), "environment is empty"),
        (entry(reason="3"), "reason is no string: 3"),
        (entry(question_after='"2027-05-21"'), "question_after is no date such as 2027-05-21: '2027-05-21'"),
        (entry(question_after="2027-05-21T10:00:00"), "question_after is no date such as 2027-05-21"),
        (entry(cells='"canonical/relu/static"'), "cells is no list"),
        (entry(cells="[]"), "cells is empty"),
        (entry(cells="[3]"), "3 is no pattern of a cell"),
        (entry(cells='["canonical/relu"]'), "'canonical/relu' is no pattern of a cell, source/model/variant"),
        (entry(cells=f'["{CELL}"]'), "is no pattern of a cell"),
        (entry(cells='["canonical//static"]'), "is no pattern of a cell"),
        ("[[known]\n", "reference.toml cannot be read: "),
        ("known = 3\n", "only [[known]] tables belong here"),
        ("known = [3]\n", "only [[known]] tables belong here"),
        ("[[unknown]]\n", "only [[known]] tables belong here, not 'unknown'"),
        (entry() + entry(status='"CRASH"'), "entry 1 and reference.toml, entry 2 both name canonical/relu/static"),
    ],
)
def test_a_mistake_in_a_file_is_refused_by_file_and_entry(text: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as raised:
        expectations(tmp_path, text)
    assert "reference.toml" in str(raised.value)
    assert told in str(raised.value)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "tvm.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match=r"tvm\.toml cannot be read: "):
        load(tmp_path)


def test_patterns_of_two_entries_that_meet_in_a_cell_are_refused(tmp_path: Path) -> None:
    known = expectations(tmp_path, entry(cells='["canonical/*/static"]'), entry(status='"CRASH"'))
    known.check(["canonical@host/elu/static/reference@host"])
    with pytest.raises(UserError, match=rf"entry [12] and reference\.toml, entry [12] both name {CELL}"):
        known.check([CELL])


def test_the_same_cell_may_stand_once_for_each_environment(tmp_path: Path) -> None:
    known = expectations(
        tmp_path, entry(environment='"tvm0.27"'), entry(status='"CRASH"', environment='"tvm0.28"'), target="tvm"
    )
    assert known.verdict("canonical@host/relu/static/tvm@tvm0.27", "WRONG").word == "known"
    assert known.verdict("canonical@host/relu/static/tvm@tvm0.28", "CRASH").word == "known"


# -- what matches nothing, what is questioned ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "pattern",
    [
        "canonical/relu/static", "canonical@host/relu/static", "pytorch.*@torch*/lstm/dynamic", "*/conv2d*/*",
        "mxnet.gluon/lstm/static-full", "*/lstm/dynamic-opset17", "*/lstm/*-full-opset13", "*/lstm/static-*",
        "*/lstm/[a-s]*", "*/lstm/*-opset1?", "*/lstm/static*",
    ],
)  # fmt: skip
def test_a_pattern_of_what_could_be_planned_is_no_complaint(pattern: str, tmp_path: Path) -> None:
    assert expectations(tmp_path, entry(cells=f'["{pattern}"]')).unmatched() == []


@pytest.mark.parametrize(
    ("pattern", "near"),
    [
        ("cannonical/relu/static", "no source 'cannonical': did you mean canonical"),
        ("pytorch.dynamo@torch0.1/relu/static", "no source 'pytorch.dynamo@torch0.1': did you mean pytorch.dynamo@"),
        ("canonical/rleu/static", "no model 'rleu': did you mean relu"),
        ("canonical/rleu-*/static", "no model 'rleu-*'"),
        ("canonical/relu/statci", "no variant 'statci': did you mean static"),
        ("canonical/relu/static-ful", "no variant 'static-ful': did you mean static"),
        ("canonical/relu/static-opset13-full", "no variant 'static-opset13-full'"),
        ("canonical/relu/dynamic-opset", "no variant 'dynamic-opset'"),
    ],
)
def test_a_pattern_that_matches_nothing_is_named_with_the_near_ones(pattern: str, near: str, tmp_path: Path) -> None:
    [complaint] = expectations(tmp_path, entry(cells=f'["canonical/elu/static", "{pattern}"]')).unmatched()
    assert complaint.startswith(f"reference.toml, entry 1: {pattern} matches no cell: ")
    assert near in complaint


def test_a_variant_that_a_model_lacks_matches_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = expectations(tmp_path, entry(cells='["canonical/relu/dynamic"]'))
    assert known.unmatched() == []
    relu = make_plan(Selection(models=["relu"], targets=["reference"])).exports[0].model
    monkeypatch.setitem(relu.__dict__, "dynamic", False)
    assert "no variant 'dynamic'" in known.unmatched()[0]


def test_a_file_or_an_environment_of_nothing_is_named(tmp_path: Path) -> None:
    (tmp_path / "openvino.f23.toml").write_text(entry())
    known = expectations(tmp_path, entry(environment='"tvm9*"'), target="tvm")
    no_target, no_environment = known.unmatched()
    assert no_target.startswith("openvino.f23.toml: no target 'openvino.f23': did you mean openvino.f32")
    assert no_environment.startswith("tvm.toml, entry 1 matches no cell: no environment 'tvm9*'")


def test_the_host_is_an_environment_of_the_targets_that_may_run_there(tmp_path: Path) -> None:
    assert expectations(tmp_path, entry(environment='"host"'), target="onnxruntime.all").unmatched() == []
    assert expectations(tmp_path, entry(environment='"host"'), target="tvm").unmatched() != []


def test_an_entry_is_questioned_from_the_day_after_its_date(tmp_path: Path) -> None:
    known = expectations(tmp_path, entry(), entry(cells='["canonical/elu/static"]', question_after="2030-01-01"))
    day, next_day = date(2027, 5, 21), date(2027, 5, 22)
    assert known.questioned(day) == []
    assert known.questioned(next_day) == [
        "reference.toml, entry 1: questioned since 2027-05-21: look again, then onnx-interop expectations update"
    ]
    assert known.questioned(next_day, [CELL]) == known.questioned(next_day)
    assert known.questioned(next_day, ["canonical@host/elu/static/reference@host"]) == []
    assert len(known.questioned(date(2031, 1, 1))) == 2


# -- the suite's own -------------------------------------------------------------------------------------------------


def test_the_files_of_the_suite_name_cells_that_there_are_and_each_once() -> None:
    known = load(FOLDER)
    assert known.unmatched() == []
    known.check(cell.key for cell in make_plan(Selection()).cells)
