"""What is published for machines beside the tables: JUnit XML, badges, the feed, the snapshot and its README."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from made import cell, export, matrix

from matrix.catalogue import ROOT
from matrix.cli import main
from matrix.dataset import Matrix, read
from matrix.diff import differences
from matrix.environments import environments
from matrix.feed import ATOM
from matrix.progress import STATUSES
from matrix.publish import publish
from matrix.scores import score_list
from matrix.snapshot import BEGIN, END, table, table_in, with_table, write_snapshot

A, T = "a.b@torch2.13", "t@tvm0.27"
HOSTILE = ']]></testcase> <b>"it\'s" & \x00\x1b[31m\ufffe\U0001f600\nsecond line'


def every() -> Matrix:
    """A matrix with each status, twice on a target whose name is strange."""
    strange = "t.<b>\"'@x1"
    rows = [cell(A, f"m-{status}", T, status, message=HOSTILE) for status in STATUSES]
    rows += [cell(A, f"m-{status}", strange, status) for status in ("PASS", "WRONG")]
    return matrix([*rows, cell(A, "known", T, "WRONG", expected="known", message="so")])


# -- JUnit -----------------------------------------------------------------------------------------------------------

#: The schema that Jenkins and others read (junit-10.xsd), as far as we use it: attributes, those that must be there,
#: and elements inside.
SCHEMA: dict[str, tuple[set[str], set[str], set[str]]] = {
    "testsuites": ({"name", "time", "tests", "failures", "disabled", "errors"}, set(), {"testsuite"}),
    "testsuite": (
        {
            "name",
            "tests",
            "failures",
            "errors",
            "time",
            "disabled",
            "skipped",
            "timestamp",
            "hostname",
            "id",
            "package",
        },
        {"name", "tests", "failures", "errors"},
        {"testcase"},
    ),
    "testcase": ({"name", "assertions", "time", "classname", "status"}, {"name"}, {"skipped", "error", "failure"}),
    "failure": ({"type", "message"}, set(), set()),
    "error": ({"type", "message"}, set(), set()),
    "skipped": ({"type", "message"}, set(), set()),
}


def assert_valid(element: ElementTree.Element) -> None:
    allowed, needed, inside = SCHEMA[element.tag]
    assert needed <= set(element.attrib) <= allowed, element.tag
    for child in element:
        assert child.tag in inside
        assert_valid(child)


def test_junit_has_each_cell_once_with_its_status(tmp_path: Path) -> None:
    publish(every(), tmp_path)
    root = ElementTree.parse(tmp_path / "junit.xml").getroot()
    assert_valid(root)
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("14", "4", "4")
    assert [(s.get("name"), s.get("tests"), s.get("skipped")) for s in root] == [
        (T, "12", "3"),
        ("t.<b>\"'@x1", "2", "0"),
    ]
    cases = {case.get("name"): next(iter(case), None) for case in root[0]}
    told = {name: None if found is None else found.tag for name, found in cases.items()}
    assert told == {
        "m-PASS/static": None, "m-IMPRECISE/static": None, "m-WRONG/static": "failure",
        "m-UNSUPPORTED/static": "failure", "m-FLAKY/static": "failure", "m-ERROR/static": "error",
        "m-CRASH/static": "error", "m-TIMEOUT/static": "error", "m-MEMORY/static": "error",
        "m-NOT_EXPORTED/static": "skipped", "m-NOT_RUN/static": "skipped", "known/static": "skipped",
    }  # fmt: skip
    known, wrong = cases["known/static"], cases["m-WRONG/static"]
    assert known is not None
    assert wrong is not None
    assert known.get("message") == "known: WRONG in run, blame none: so"
    assert wrong.get("type") == "WRONG"
    assert ']]></testcase> <b>"it\'s" & \\x00' in (wrong.text or "")


# -- badges ----------------------------------------------------------------------------------------------------------


def test_each_source_and_target_has_a_badge_in_both_forms(tmp_path: Path) -> None:
    publish(every(), tmp_path)
    found = sorted(str(path.relative_to(tmp_path / "badges")) for path in (tmp_path / "badges").rglob("*.*"))
    assert found == [
        "sources/a.b@torch2.13.json", "sources/a.b@torch2.13.svg", "targets/t.--b--@x1.json", "targets/t.--b--@x1.svg",
        "targets/t@tvm0.27.json", "targets/t@tvm0.27.svg",
    ]  # fmt: skip
    data = json.loads((tmp_path / "badges/targets/t.--b--@x1.json").read_text())
    assert data == {"schemaVersion": 1, "label": "t.<b>\"'@x1", "message": "50 % of 2 right", "color": "#8a5a00"}
    svg = ElementTree.parse(tmp_path / "badges/targets/t.--b--@x1.svg").getroot()
    texts = [element.text for element in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert texts == ["t.<b>\"'@x1", "50 % of 2 right"]


@pytest.mark.parametrize(
    ("right", "wrong", "message"), [(999, 1, "99 % of 1000 right"), (1000, 0, "100 % of 1000 right"), (0, 0, "not run")]
)
def test_a_badge_says_100_of_all_alone_and_nothing_of_what_was_not_run(
    right: int, wrong: int, message: str, tmp_path: Path
) -> None:
    statuses = ["PASS"] * right + ["WRONG"] * wrong or ["NOT_RUN", "NOT_EXPORTED"]
    publish(matrix([cell(A, f"m{n}", T, status) for n, status in enumerate(statuses)]), tmp_path)
    assert json.loads((tmp_path / "badges/targets/t@tvm0.27.json").read_text())["message"] == message


# -- the feed --------------------------------------------------------------------------------------------------------


def entries(folder: Path) -> list[dict[str, str]]:
    root = ElementTree.parse(folder / "feed.xml").getroot()
    assert root.tag == f"{ATOM}feed"
    for name in ("id", "title", "updated"):
        assert root.findtext(f"{ATOM}{name}")
    assert root.find(f"{ATOM}author/{ATOM}name") is not None
    found = [{e.tag.removeprefix(ATOM): e.text or str(e.get("href")) for e in own} for own in root.iter(f"{ATOM}entry")]
    for entry in found:
        assert re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", entry["id"])
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", entry["updated"])
    assert len({entry["id"] for entry in found}) == len(found)
    return found


def since(before: Matrix, after: Matrix) -> Matrix:
    return replace(after, since=differences(before, after))


def test_the_feed_has_an_entry_for_each_tool_of_which_something_broke(tmp_path: Path) -> None:
    before = matrix([cell(A, m, t) for m in ("relu", "elu") for t in (T, "u@host")])
    after = matrix(
        [cell(A, "relu", T, "WRONG", message=HOSTILE), cell(A, "elu", T, "CRASH"), cell(A, "relu", "u@host")],
        [export(A, "relu"), export(A, "elu", "ERROR")],
    )
    publish(since(before, after), tmp_path)
    found = entries(tmp_path)
    assert sorted(entry["title"] for entry in found) == [
        "a.b@torch2.13: 1 export newly broken", "t@tvm0.27: 2 cells newly broken",
    ]  # fmt: skip
    cells = next(entry for entry in found if entry["title"].startswith("t@"))
    assert cells["updated"] == "2026-11-01T10:00:00Z", "when it was run"
    assert cells["link"] == "diff.html#kind=broken&target=t%40tvm0.27"
    assert "a.b@torch2.13/elu/static/t@tvm0.27: PASS → CRASH in run" in cells["content"]
    assert (tmp_path / "diff.html").exists()
    publish(since(before, replace(after, about={**after.about, "generated": "2027-01-01T00:00:00Z"})), tmp_path)
    assert entries(tmp_path) == found, "published again, it is the same news"


def test_the_entries_of_the_earlier_feed_are_carried_on(tmp_path: Path) -> None:
    runs = [matrix([cell(A, "relu", T, *([status] if status else []), run=run)]) for status, run in (
        ("PASS", "20260101-000000-aaaaaa"), ("WRONG", "20260201-000000-aaaaaa"), ("PASS", "20260301-000000-aaaaaa"),
        ("CRASH", "20260401-000000-aaaaaa"),
    )]  # fmt: skip
    publish(runs[0], tmp_path / "0")
    assert entries(tmp_path / "0") == []
    for place in (1, 2, 3):
        publish(since(runs[place - 1], runs[place]), tmp_path / f"{place}", None, tmp_path / f"{place - 1}")
    assert [entry["updated"][:7] for entry in entries(tmp_path / "3")] == ["2026-04", "2026-02"]


@pytest.mark.parametrize("text", ["", "<feed", '<!DOCTYPE x [<!ENTITY a "b">]><feed>&a;</feed>', "<other/>"])
def test_an_earlier_feed_that_is_none_is_passed_over(text: str, tmp_path: Path) -> None:
    (tmp_path / "feed.xml").write_text(text)
    publish(since(every(), every()), tmp_path / "new", None, tmp_path)
    assert entries(tmp_path / "new") == []


# -- the snapshot ----------------------------------------------------------------------------------------------------


def test_a_snapshot_is_small_is_a_matrix_and_makes_the_table_of_the_readme(tmp_path: Path) -> None:
    whole = every()
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    write_snapshot(whole, tmp_path / "published")
    again = read(tmp_path / "published")
    assert again.cells.select("source", "target", "model", "status").equals(
        whole.cells.select("source", "target", "model", "status")
    )
    assert again.cells["noise"].to_list() == [2.0] * 14
    assert again.cells["measures"].null_count() == 14
    text = readme.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert table_in(text) == table(again)
    publish(again, tmp_path / "public")
    write_snapshot(again, tmp_path / "published")
    assert readme.read_text() == text


def rows(text: str) -> dict[str, list[str]]:
    cells = [[c.strip() for c in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    assert {len(row) for row in cells} == {7, 4}
    return {row[0]: row[1:] for row in cells}


def test_the_table_says_what_a_reader_wants_to_know_and_never_rounds_to_all() -> None:
    statuses = ["PASS"] * 2998 + ["IMPRECISE", "WRONG"]
    many = [cell(A, f"m{n}", T, status) for n, status in enumerate(statuses)]
    sick = {"t|2@x1": {"status": "NOT_RUN", "message": "canary: <b>"}}
    found = rows(table(matrix([*many, cell(A, "relu", "t|2@x1", "NOT_RUN")], canaries=sick)))
    assert found["t 0.27"] == ["99.9 % of 3,000", "–", "–", "0.1 %", "0.1 %", "0.0 %"]
    assert found["t&#124;2 1"][0] == "not run: canary: &#60;b&#62;"
    assert found["a.b 2.13"] == ["3,001", "99.9 %", "99.9 %"]


def test_a_valid_file_that_nobody_gets_right_is_not_faithful_whatever_its_opset() -> None:
    statuses = {None: ("PASS", "WRONG", "WRONG"), 13: ("WRONG", "WRONG", "PASS"), 17: ("WRONG", "WRONG", "WRONG")}
    targets = ("reference@host", T, "u@tvm0.27")
    cells = [
        cell(A, "relu", target, status, opset=opset)
        for opset, own in statuses.items()
        for target, status in zip(targets, own, strict=True)
    ]
    exports = [export(A, "relu", opset=opset) for opset in statuses]
    # At 13 nobody but one runtime gets the numbers, at 17 nobody at all; the evaluator's word is enough without opset.
    assert rows(table(matrix(cells, exports)))["a.b 2.13"][:2] == ["3", "33.3 %"]


def test_a_runtime_that_was_given_few_files_comes_last_however_well_it_does() -> None:
    models = score_list().files["model"].unique(maintain_order=True)[:20]
    many = [cell(A, model, T, "WRONG" if n % 2 else "PASS") for n, model in enumerate(models)]
    found = list(rows(table(matrix([*many, cell(A, models[0], "few@few1", "PASS")]))))
    assert [name for name in found if name[0] in "tf"] == ["t 0.27", "few 1"]


def test_other_versions_stand_in_tables_of_their_own_on_what_all_have(tmp_path: Path) -> None:
    own, cases, made_by = "canonical@host", "onnx.node@host", "a.b@torch2.15"
    given = [
        *(cell(own, model, T) for model in ("relu", "elu", "gelu")), cell(cases, "test_abs", T),
        cell(own, "relu", "t@tvm0.26", "WRONG"), cell(own, "elu", "t@tvm0.26"),
        cell(cases, "test_abs", "t@tvm0.26", "NOT_RUN"),
        cell(own, "relu", "t@tvm0.9"), cell(own, "elu", "t@tvm0.9", "IMPRECISE"),
        cell(A, "relu", T), cell(A, "elu", T, "NOT_EXPORTED"), cell(made_by, "relu", T, "NOT_EXPORTED"),
    ]  # fmt: skip
    exports = [
        export(A, "relu"),
        export(A, "elu", "ERROR"),
        export(made_by, "relu", "ERROR"),
        export(cases, "test_abs"),
    ]
    whole = matrix(given, [*exports, *(export(own, model) for model in ("relu", "elu", "gelu"))])
    whole.about["models"][2].update(family="operators", kind="own")
    text = table(whole)
    assert "12 cells: 3 sources (other versions: 1) × 1 targets (other versions: 2)," in text
    assert "| t 0.27 | 100.0 % of 4 | 100.0 % of 1 |" in text, "the usual versions"
    assert "| t 0.26 |" not in text
    assert "| t | 0.27: 100.0 % · 0.26: 50.0 % · 0.9: 100.0 %, of 2 | 0.27: 100.0 %, of 1 |" in text
    assert "| a.b | 2.13: 100.0 % · 2.15: 0.0 %, of 1 |" in text
    publish(whole, tmp_path)
    badges = sorted(path.name for path in (tmp_path / "badges" / "targets").glob("*.json"))
    assert badges == ["t@tvm0.27.json"]


def test_a_readme_without_marks_stays_as_it_is() -> None:
    assert with_table("# It\n", "table") == "# It\n"
    assert with_table(f"{BEGIN}\nno end\n", "table") == f"{BEGIN}\nno end\n"
    assert table_in("# It\n") is None


def test_the_table_of_our_readme_is_that_of_our_snapshot() -> None:
    if not (ROOT / "published" / "about.json").exists():
        pytest.skip("no snapshot is committed")
    assert table_in((ROOT / "README.md").read_text(encoding="utf-8")) == table(read(ROOT / "published"))


# -- environments for CI ---------------------------------------------------------------------------------------------


def test_environments_are_listed_for_machines(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["environments", "--json"]) == 0
    listed: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    assert [entry["name"] for entry in listed] == list(environments())
    torch = next(entry for entry in listed if entry["name"] == "torch2.13")
    assert torch["default"] is True
    assert "pytorch.dynamo" in torch["sources"]
    assert torch["targets"] == []
