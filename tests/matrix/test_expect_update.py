"""Rewriting the expectations from a run: what stays, what goes, what comes, and that a second time changes nothing."""

from __future__ import annotations

import json
import random
import tomllib
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from matrix.environments import Environment, environments
from matrix.errors import UserError
from matrix.expect import cell_key, load
from matrix.expect_update import REASON_LENGTH, alike, changes, reason

TODAY, LATER = date(2026, 11, 21), date(2027, 5, 21)
Row = dict[str, Any]


@pytest.fixture(autouse=True)
def older_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    """tox.ini may have several versions of a family, whether or not it has today."""
    older = {name: Environment(name, name.rstrip("0123456789.")) for name in ("torch2.9", "tvm0.20")}
    monkeypatch.setattr("matrix.expect_update.environments", lambda: {**environments(), **older})


def row(model: str, status: str, message: str = "a message", **more: Any) -> Row:
    return {
        "source": "canonical@host", "model": model, "variant": "static", "opset": None, "full": False,
        "target": "tvm@tvm0.27", "status": status, "message": "" if status == "PASS" else message, **more,
    }  # fmt: skip


def matrix(folder: Path, rows: Sequence[Row], **more: Any) -> Path:
    """A published matrix.json of these rows; its path."""
    names = dict.fromkeys(row["target"] for row in rows)
    targets = [{"name": name, "packages": {"apache-tvm": name.split("@")[1][3:]}} for name in names]
    path = folder / "matrix.json"
    path.write_text(json.dumps({"schema": 2, "targets": targets, "cells": list(rows), **more}))
    return path


def update(folder: Path, *rows: Row, today: date = TODAY) -> list[dict[str, Any]]:
    """Bring folder/known up to a run of these rows; the entries of tvm after it."""
    run, known = matrix(folder, rows), folder / "known"
    for change in changes(run, known, today):
        change.write()
    assert changes(run, known, today) == [], "a second time changes something"
    judged = load(known)
    assert {judged.verdict(cell_key(row), row["status"]).word for row in rows} <= {"known", ""}
    return entries(known)


def entries(known: Path, target: str = "tvm") -> list[dict[str, Any]]:
    path = known / f"{target}.toml"
    found: list[dict[str, Any]] = tomllib.loads(path.read_text()).get("known", []) if path.exists() else []
    return found


def write(folder: Path, *known: dict[str, Any], target: str = "tvm") -> None:
    """Entries written by hand, as JSON strings, which are TOML's too."""
    (folder / "known").mkdir(exist_ok=True)
    text = "".join(
        "[[known]]\n" + "".join(f"{n} = {v if isinstance(v, date) else json.dumps(v)}\n" for n, v in entry.items())
        for entry in known
    )
    (folder / "known" / f"{target}.toml").write_text("# a comment\n" + text)


def by_hand(*cells: str, **more: Any) -> dict[str, Any]:
    return {
        "status": "WRONG", "reason": "written by hand", "seen": "tvm 0.1", "link": "https://example.org",
        "question_after": LATER, "cells": list(cells), **more,
    }  # fmt: skip


# -- new entries -----------------------------------------------------------------------------------------------------


def test_new_failures_come_in_by_status_and_kind_of_message(tmp_path: Path) -> None:
    found = update(
        tmp_path,
        row("relu", "WRONG", "output y: 3 of 4 values are off"),
        row("elu", "WRONG", "output y: 7 of 9 values are off"),
        row("linear", "ERROR", "KeyError: 'a'"),
        row("lstm", "ERROR", "KeyError: 'b'", variant="dynamic", opset=13, full=True),
        row("gru", "ERROR", "ValueError: 'b'"),
        row("mlp", "CRASH", "killed by SIGSEGV"),
        row("rnn", "PASS"),
        row("celu", "IMPRECISE"),
        row("selu", "NOT_RUN"),
        row("gelu", "NOT_EXPORTED"),
    )
    assert [(e["status"], e["reason"], e["cells"]) for e in found] == [
        ("WRONG", "output y: 3 of 4 values are off (and 1 alike)", ["canonical/elu/static", "canonical/relu/static"]),
        ("ERROR", "KeyError: 'a' (and 1 alike)", ["canonical/linear/static", "canonical/lstm/dynamic-full-opset13"]),
        ("ERROR", "ValueError: 'b'", ["canonical/gru/static"]),
        ("CRASH", "killed by SIGSEGV", ["canonical/mlp/static"]),
    ]
    for entry in found:
        assert list(entry) == ["status", "reason", "seen", "link", "question_after", "cells"]
        assert (entry["seen"], entry["link"], entry["question_after"]) == ("apache-tvm 0.27", "", LATER)


def test_cells_are_written_one_a_line_under_a_heading_of_their_target(tmp_path: Path) -> None:
    update(tmp_path, row("relu", "WRONG"), row("elu", "WRONG"))
    text = (tmp_path / "known" / "tvm.toml").read_text()
    assert text.startswith("# Known failures of tvm")
    assert 'cells = [\n    "canonical/elu/static",\n    "canonical/relu/static",\n]\n' in text
    assert [path.name for path in (tmp_path / "known").iterdir()] == ["tvm.toml"]


@pytest.mark.parametrize(
    ("day", "later"), [((2026, 1, 31), (2026, 7, 31)), ((2026, 8, 31), (2027, 2, 28)), ((2027, 12, 1), (2028, 6, 1))]
)
def test_a_new_entry_is_questioned_after_half_a_year(
    day: tuple[int, int, int], later: tuple[int, int, int], tmp_path: Path
) -> None:
    [entry] = update(tmp_path, row("relu", "WRONG"), today=date(*day))
    assert entry["question_after"] == date(*later)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("shape [2, 3], not [4]", "shape [7, 8], not [-1]"),
        ("off by 1.5e-07 (scale 2)", "off by 3 (scale 1e+10)"),
        ("KeyError: 'conv/weight'", "KeyError: 'x'"),
        ('no "a" here', 'no "b" here'),
        ("cannot load /tmp/one/model.onnx: bad", "cannot load /home/x/two/model.onnx: bad"),
        ("Invalid model " + "x" * 120 + " one", "Invalid model " + "x" * 120 + " two"),
    ],
)
def test_messages_of_one_kind_are_alike(one: str, other: str) -> None:
    assert alike(one) == alike(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Operator LSTM not implemented", "Operator GRU not implemented"),
        ("ValueError: 'a'", "KeyError: 'a'"),
        ("higher than the checker's.", "higher than the checker's. Or the reader's."),
    ],
)
def test_messages_of_two_kinds_are_not(one: str, other: str) -> None:
    assert alike(one) != alike(other)


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("first\nsecond", "first"),
        ("", "no message"),
        ("no file /home/somebody/.interop/exports/x/model.onnx", "no file …/model.onnx"),
        ("in 'src/core.cpp:84'", "in 'src/core.cpp:84'"),
        ("red \x1b[31m, bell \x07, rtl \u202e, half \ud800", "red \\x1b[31m, bell \\x07, rtl \\u202e, half \\ud800"),
        ("x" * 300, "x" * (REASON_LENGTH - 1) + "…"),
    ],
)
def test_a_reason_is_one_short_printable_line_without_folders_of_this_machine(message: str, told: str) -> None:
    assert reason([message]) == told
    assert len(reason([message, message + "y"])) <= REASON_LENGTH


def test_hostile_messages_are_written_and_read_again(tmp_path: Path) -> None:
    message = 'a "quoted" \\ back\\nslash \x1b[31m \x7f \ud800 [bold] \'\'\' """'
    [entry] = update(tmp_path, row("relu", "ERROR", message))
    assert entry["reason"] == 'a "quoted" \\ back\\nslash  \\x7f \\ud800 [bold] \'\'\' """'


# -- what stays, what goes -------------------------------------------------------------------------------------------


def test_an_entry_keeps_what_a_person_wrote_and_loses_the_cells_that_are_mended(tmp_path: Path) -> None:
    write(tmp_path, by_hand("canonical/relu/static", "canonical/elu/static", "canonical/gru/static"))
    [entry] = update(tmp_path, row("relu", "WRONG"), row("elu", "PASS"))
    assert entry == by_hand("canonical/gru/static", "canonical/relu/static")  # gru was not run


def test_a_pattern_stays_while_all_its_cells_fail_as_declared_and_so_does_the_comment(tmp_path: Path) -> None:
    write(tmp_path, by_hand("canonical/*elu/static"))
    before = (tmp_path / "known" / "tvm.toml").read_text()
    update(tmp_path, row("relu", "WRONG"), row("elu", "WRONG"), row("celu", "NOT_RUN"), row("gelu", "NOT_EXPORTED"))
    assert (tmp_path / "known" / "tvm.toml").read_text() == before


def test_a_pattern_of_which_some_are_mended_is_narrowed_to_the_others(tmp_path: Path) -> None:
    write(tmp_path, by_hand("canonical/*elu/static"))
    found = update(tmp_path, row("relu", "WRONG"), row("elu", "PASS"), row("celu", "CRASH"), row("gru", "WRONG"))
    assert [(e["status"], e["reason"], e["cells"]) for e in found] == [
        ("WRONG", "a message", ["canonical/gru/static"]),
        ("WRONG", "written by hand", ["canonical/relu/static"]),
        ("CRASH", "a message", ["canonical/celu/static"]),
    ]


def test_another_failure_takes_the_place_of_the_known_one(tmp_path: Path) -> None:
    write(tmp_path, by_hand("canonical/relu/static"))
    [entry] = update(tmp_path, row("relu", "CRASH", "killed"))
    assert (entry["status"], entry["reason"]) == ("CRASH", "killed")


def test_a_flaky_entry_stays_whatever_its_cells_do(tmp_path: Path) -> None:
    flaky = by_hand("canonical/elu/static", "canonical/relu/static", status="FLAKY")
    write(tmp_path, flaky)
    assert update(tmp_path, row("relu", "PASS"), row("elu", "CRASH")) == [flaky]


def test_a_file_goes_with_its_last_entry(tmp_path: Path) -> None:
    write(tmp_path, by_hand("canonical/relu/static"))
    assert update(tmp_path, row("relu", "PASS")) == []
    assert not list((tmp_path / "known").iterdir())


def test_targets_that_were_not_run_keep_their_files(tmp_path: Path) -> None:
    write(tmp_path, by_hand("canonical/relu/static"), target="opencv")
    update(tmp_path, row("relu", "PASS"))
    assert entries(tmp_path / "known", "opencv") == [by_hand("canonical/relu/static")]


@pytest.mark.parametrize(("status", "after"), [("WRONG", date(2027, 12, 1)), ("NOT_RUN", LATER)])
def test_an_overdue_entry_gets_a_new_date_when_the_run_confirms_it(status: str, after: date, tmp_path: Path) -> None:
    write(tmp_path, by_hand("canonical/relu/static"))
    [entry] = update(tmp_path, row("relu", status), today=date(2027, 6, 1))
    assert entry == by_hand("canonical/relu/static", question_after=after)


# -- several environments --------------------------------------------------------------------------------------------


def test_environments_that_agree_share_an_entry_and_others_get_their_own(tmp_path: Path) -> None:
    old = {"target": "tvm@tvm0.20"}
    found = update(
        tmp_path,
        row("relu", "WRONG", "both"),
        row("relu", "WRONG", "both", **old),
        row("elu", "WRONG", "new only"),
        row("elu", "PASS", **old),
        row("gru", "WRONG", "new is wrong"),
        row("gru", "CRASH", "old crashes", **old),
    )
    assert [(e["reason"], e.get("environment"), e["seen"]) for e in found] == [
        ("both", None, "apache-tvm 0.27; apache-tvm 0.20"),
        ("new is wrong", "tvm0.27", "apache-tvm 0.27"),
        ("new only", "tvm0.27", "apache-tvm 0.27"),
        ("old crashes", "tvm0.20", "apache-tvm 0.20"),
    ]


def test_environments_of_the_source_that_disagree_are_named_in_the_cells(tmp_path: Path) -> None:
    rows = [
        row("relu", status, source=f"pytorch.dynamo@torch{v}") for v, status in (("2.13", "WRONG"), ("2.9", "PASS"))
    ]
    [entry] = update(tmp_path, *rows)
    assert entry["cells"] == ["pytorch.dynamo@torch2.13/relu/static"]


def test_what_is_known_of_an_environment_that_was_not_run_is_not_said_twice(tmp_path: Path) -> None:
    write(tmp_path, by_hand("canonical/relu/static", environment="tvm0.27"))
    found = update(tmp_path, row("relu", "WRONG", target="tvm@tvm0.20"))
    assert [entry["environment"] for entry in found] == ["tvm0.20", "tvm0.27"]


@pytest.mark.parametrize("seed", range(20))
def test_after_any_runs_the_files_say_of_every_cell_what_the_last_run_did(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    patterns = ["*/*elu/static", "canonical/*/static", "*@torch*/relu/*", "canonical@host/relu/static", "*/e*/*"]
    if chance.random() < 0.7:
        write(tmp_path, by_hand(chance.choice(patterns), environment=chance.choice(["tvm*", "tvm0.27", "*20"])))
    for _ in range(4):
        rows = [
            row(model, chance.choice(["PASS", "WRONG", "WRONG", "CRASH", "NOT_RUN"]), source=source, target=target)
            for model in ("relu", "elu", "gru")
            for source in ("canonical@host", "pytorch.dynamo@torch2.13", "pytorch.dynamo@torch2.9")
            for target in ("tvm@tvm0.27", "tvm@tvm0.20")
            if chance.random() < 0.8
        ]
        update(tmp_path, *rows)  # which asks for all of it


# -- mistakes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "no matrix in .*: No such file or directory .make one with onnx-interop run"),
        ("{", "is no matrix of this suite"),
        ("[]", "is no matrix of this suite"),
        ("{}", "is no matrix of this suite"),
        ('{"schema": 2, "targets": [{}], "cells": []}', "is no matrix of this suite"),
        ('{"schema": 2, "targets": [], "cells": [{}]}', "is no matrix of this suite"),
        ('{"schema": 9}', "has schema 9, not 2: make it again with onnx-interop publish"),
        ('{"schema": 2, "targets": [{"name": "../x@y", "packages": {}}], "cells": []}', r"no target '\.\./x'"),
    ],
)
@pytest.mark.parametrize("place", ["", "matrix.json"])
def test_what_is_no_published_run_is_refused(text: str | None, told: str, place: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "matrix.json").write_text(text)
    with pytest.raises(UserError, match=told):
        changes(tmp_path / place, tmp_path / "known", TODAY)


def test_a_run_of_before_there_were_expectations_can_be_taken(tmp_path: Path) -> None:
    old = {name: value for name, value in row("relu", "WRONG").items() if name != "full"}
    [entry] = update(tmp_path, old)
    assert entry["cells"] == ["canonical/relu/static"]


def test_the_difference_is_that_of_the_files(tmp_path: Path) -> None:
    [change] = changes(matrix(tmp_path, [row("relu", "WRONG")]), tmp_path / "known", TODAY)
    path = tmp_path / "known" / "tvm.toml"
    assert change.diff().startswith(f"--- /dev/null\n+++ {path}\n@@ -0,0 +1,")
    assert '+    "canonical/relu/static",' in change.diff().splitlines()
    assert not path.exists()
    change.write()
    [mended] = changes(matrix(tmp_path, [row("relu", "PASS")]), tmp_path / "known", TODAY)
    assert mended.diff().startswith(f"--- {path}\n+++ /dev/null\n")
    assert '-    "canonical/relu/static",' in mended.diff().splitlines()
