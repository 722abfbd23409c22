"""The matrix as pytest shows it, in a pytest of its own: one test per cell, and the options that users know."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from fakery import FAKES, python_environment

from matrix.catalogue import ROOT

CELLS = [f"canonical@host/{m}/static/{t}@host" for m in ("relu", "linear") for t in ("onnxruntime.all", "reference")]

#: A plugin that puts fakes into the tables, before anything is planned.
FAKED = f"""
from matrix import catalogue
from matrix.catalogue import Target
for name in ("off", "raising"):
    catalogue.TARGETS["fake." + name] = Target("fake." + name, "a fake", {str(FAKES / "evaluator.py")!r}, name, "host")
"""


class Ended:
    """What a pytest process printed, and its exit code."""

    def __init__(self, done: subprocess.CompletedProcess[str]) -> None:
        self.code, self.printed = done.returncode, done.stdout + done.stderr

    def outcomes(self) -> dict[str, str]:
        """Outcome by cell, from the lines of `pytest -v`."""
        lines = [line.split() for line in self.printed.splitlines() if "::test_cell[" in line and "%]" in line]
        return {line[0].split("[", 1)[1].rstrip("]"): line[1] for line in lines}


Pytest = Callable[..., Ended]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where all of this module's sessions work and publish: they go on from each other, as a user's do."""
    folder = tmp_path_factory.mktemp("session")
    (folder / "faked.py").write_text(FAKED)
    (folder / "known").mkdir()
    return folder


@pytest.fixture(scope="module")
def run_pytest(site: Path) -> Pytest:
    """Runs pytest on tests/interop with these arguments."""
    environment = python_environment()
    environment["PYTHONPATH"] += f":{site}"

    def run(*arguments: str, targets: str = "reference,onnxruntime.all@host") -> Ended:
        command = [sys.executable, "-m", "pytest", "-v", "-p", "faked", "-o", f"cache_dir={site / 'cache'}"]
        selected = ["--sources", "canonical", "--targets", targets, "--models", "relu,linear"]
        # With "=": pytest looks for its configuration beside any argument that is an existing folder.
        places = [f"--work={site / 'work'}", f"--public={site / 'public'}", f"--expectations={site / 'known'}"]
        everything = [*command, *selected, *places, *arguments]
        done = subprocess.run(everything, capture_output=True, text=True, cwd=ROOT, env=environment, check=False)
        return Ended(done)

    return run


def recorded(site: Path) -> list[str]:
    journal = site / "work" / "cells.jsonl"
    records = [json.loads(line) for line in journal.read_text().splitlines()] if journal.exists() else []
    return [record["key"] for record in records if record["kind"] == "cell"]


def test_k_runs_what_it_selects_and_no_more(run_pytest: Pytest, site: Path) -> None:
    ended = run_pytest("-k", "relu and reference")
    assert ended.code == 0, ended.printed
    assert ended.outcomes() == {"canonical@host/relu/static/reference@host": "PASSED"}
    assert "4 deselected" in ended.printed, "three cells, and the test of the expectations"
    assert recorded(site) == ["canonical@host/relu/static/reference@host"]
    assert f"the page: {site / 'public' / 'index.html'}" in ended.printed


def test_there_is_one_test_for_each_cell_and_what_is_recorded_is_not_run_again(run_pytest: Pytest, site: Path) -> None:
    ended = run_pytest()
    assert ended.code == 0, ended.printed
    assert sorted(ended.outcomes()) == sorted(CELLS)
    assert set(ended.outcomes().values()) == {"PASSED"}
    assert sorted(recorded(site)) == sorted(CELLS)
    data = json.loads((site / "public" / "matrix.json").read_text())
    assert sorted(f"{c['source']}/{c['model']}/{c['variant']}/{c['target']}" for c in data["cells"]) == sorted(CELLS)


def test_other_tests_may_run_in_the_same_session(run_pytest: Pytest) -> None:
    """Parametrised ones too, which have no cell."""
    ended = run_pytest(
        "tests/models/test_control.py",
        "tests/interop",
        "-k",
        "test_cell or test_no_decision_is_near_its_threshold_in_any_precision",
    )
    assert ended.code == 0, ended.printed
    assert sorted(ended.outcomes()) == sorted(CELLS)


def test_a_failing_cell_says_why_and_how_to_run_it_alone_and_lf_takes_it_up(run_pytest: Pytest, site: Path) -> None:
    failing = "canonical@host/relu/static/fake.off@host"
    ended = run_pytest("--junitxml", str(site / "junit.xml"), "--models", "relu", targets="reference,fake.off")
    assert ended.code == 1, ended.printed
    assert ended.outcomes() == {"canonical@host/relu/static/reference@host": "PASSED", failing: "FAILED"}, ended.printed
    assert "WRONG in compare: output y, input set 0: " in ended.printed
    assert "to run it alone: onnx-interop run --refresh --sources canonical@host" in ended.printed

    suite = next(ElementTree.parse(site / "junit.xml").iter("testsuite"))
    assert {name: suite.get(name) for name in ("tests", "failures", "errors")} == {
        "tests": "3", "failures": "1", "errors": "0",
    }  # fmt: skip
    [failed] = [case for case in suite.iter("testcase") if case.find("failure") is not None]
    properties = {p.get("name"): p.get("value") for p in failed.iter("property")}
    assert (properties["status"], properties["stage"]) == ("WRONG", "compare")

    again = run_pytest("--lf", "--models", "relu", targets="reference,fake.off")
    assert (again.code, again.outcomes()) == (1, {failing: "FAILED"})


def test_x_stops_at_the_first_failure_and_publishes_what_there_is(run_pytest: Pytest, site: Path) -> None:
    ended = run_pytest("-x", targets="fake.raising,fake.off")
    assert ended.code == 1, ended.printed
    assert list(ended.outcomes().values()) == ["FAILED"]
    assert "stopping after 1 failures" in ended.printed
    assert (site / "public" / "index.html").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--models", "rleu"], "no model 'rleu': did you mean relu"),
        (["--opset", "many"], "'many' is no list of opset numbers"),
    ],
)
def test_a_mistake_is_answered_with_the_near_names_and_nothing_is_run(
    arguments: list[str], words: str, run_pytest: Pytest, site: Path
) -> None:
    before = recorded(site)
    ended = run_pytest(*arguments)
    assert ended.code in (2, 4), "pytest's own codes for a collection that failed, and for wrong usage"
    assert words in ended.printed
    assert recorded(site) == before
    assert not ended.outcomes()


def test_collecting_runs_nothing(run_pytest: Pytest, site: Path) -> None:
    before = recorded(site)
    ended = run_pytest("--collect-only", "-q", targets="fake.raising,fake.off")
    assert ended.code == 0
    assert ended.printed.count("test_cell[") == 4
    assert recorded(site) == before


OFF = "canonical@host/relu/static/fake.off@host"


@pytest.fixture
def know(site: Path) -> Iterator[Callable[..., None]]:
    """Writes an entry for fake.off; it is gone after the test."""
    file = site / "known" / "fake.off.toml"

    def write(status: str = "WRONG", cells: str = "canonical/relu/static", after: str = "2999-01-01") -> None:
        said = f'status = "{status}"\nreason = "it is off by one"\nseen = "1.0"\nlink = "https://example.org/1"\n'
        file.write_text(f'[[known]]\n{said}question_after = {after}\ncells = ["{cells}"]\n')

    yield write
    file.unlink()


def test_a_known_failure_is_an_xfail_which_runxfail_shows_as_the_failure_it_is(
    run_pytest: Pytest, site: Path, know: Callable[..., None]
) -> None:
    know(after="2020-01-01")
    arguments = ["--models", "relu", "-rx", "--junitxml", str(site / "xfail.xml")]
    ended = run_pytest(*arguments, targets="reference,fake.off")
    assert ended.code == 0, ended.printed
    assert ended.outcomes()[OFF] == "XFAIL"
    assert "WRONG: it is off by one https://example.org/1" in ended.printed
    assert "fake.off.toml, entry 1: questioned since 2020-01-01" in ended.printed
    [skipped] = ElementTree.parse(site / "xfail.xml").iter("skipped")
    assert (skipped.get("type"), skipped.get("message")) == (
        "pytest.xfail", "WRONG: it is off by one https://example.org/1",
    )  # fmt: skip
    [cell] = [c for c in json.loads((site / "public" / "matrix.json").read_text())["cells"] if "off" in c["target"]]
    assert cell["expected"] == "known"

    shown = run_pytest(*arguments, "--runxfail", targets="reference,fake.off")
    assert (shown.code, shown.outcomes()[OFF]) == (1, "FAILED")
    assert "WRONG in compare: output y" in shown.printed


def test_another_failure_than_the_known_one_fails(run_pytest: Pytest, know: Callable[..., None]) -> None:
    know("CRASH")
    ended = run_pytest("--models", "relu", targets="fake.off")
    assert (ended.code, ended.outcomes()) == (1, {OFF: "FAILED"})
    assert "expected CRASH, got WRONG (fake.off.toml, entry 1: it is off by one)" in ended.printed
    assert "WRONG in compare: output y" in ended.printed


def test_an_unexpected_pass_fails_and_names_the_entry_and_what_to_do(
    run_pytest: Pytest, site: Path, know: Callable[..., None]
) -> None:
    know()
    (site / "known" / "fake.off.toml").rename(site / "known" / "reference.toml")
    ended = run_pytest("--models", "relu", targets="reference")
    (site / "known" / "reference.toml").rename(site / "known" / "fake.off.toml")
    assert (ended.code, set(ended.outcomes().values())) == (1, {"FAILED"})
    assert "expected WRONG, got PASS (reference.toml, entry 1: it is off by one)" in ended.printed
    assert "onnx-interop expectations update" in ended.printed


@pytest.mark.parametrize("only", [True, False])
def test_an_entry_that_matches_nothing_fails_a_test_of_its_own(
    only: bool, run_pytest: Pytest, site: Path, know: Callable[..., None]
) -> None:
    know(cells="canonical/rleu/static")
    (site / "known" / "openvino.f23.toml").write_text("")
    ended = run_pytest(*(["-k", "expectation"] if only else ["--models", "relu"]))
    (site / "known" / "openvino.f23.toml").unlink()
    assert ended.code == 1
    assert len(ended.outcomes()) == (0 if only else 2)
    assert "1 failed" in ended.printed
    assert "canonical/rleu/static matches no cell: no model 'rleu': did you mean relu" in ended.printed
    assert "no target 'openvino.f23': did you mean openvino.f32" in ended.printed


def test_a_mistake_in_a_file_of_expectations_runs_nothing(run_pytest: Pytest, know: Callable[..., None]) -> None:
    know("PASS")
    ended = run_pytest()
    assert ended.code in (2, 4)
    assert "fake.off.toml, entry 1: 'PASS' is no status to expect" in ended.printed
    assert not ended.outcomes()


@pytest.mark.parametrize("cell", ["lstm"])
def test_a_test_of_somebody_else_may_have_an_argument_called_cell(cell: str) -> None:
    assert cell == "lstm"
