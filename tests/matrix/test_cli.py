"""The command line: what it prints, its exit codes, and that nothing is run on a mistake."""

from __future__ import annotations

import json
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from fakery import fake_target, python_environment

from matrix.catalogue import ROOT, TARGETS
from matrix.cli import _parser, main, selection_of
from matrix.environments import environments
from matrix.plan import make_plan
from matrix.records import Journal
from matrix.reproduction import reproduction
from matrix.run import Run
from matrix.workshop import Workshop
from models.catalogue import all_models

SELECTED = ["--sources", "canonical", "--targets", "reference,onnxruntime.all@host", "--models", "relu"]
CELL = "canonical@host/relu/static/reference@host"


@pytest.fixture(autouse=True)
def wide_terminal_and_own_signals(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Tables are not cut to 80 columns; what `run` does about SIGTERM ends with the test."""
    monkeypatch.setenv("COLUMNS", "240")
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A work folder with a run in it, its site beside it, and what the run printed."""
    folder = tmp_path_factory.mktemp("cli")
    command = [sys.executable, "-m", "matrix", "run", *SELECTED, *folders(folder)]
    done = subprocess.run(command, capture_output=True, text=True, env=python_environment(), cwd=folder, check=False)
    assert done.returncode == 0, done.stderr
    (folder / "printed").write_text(done.stdout)
    return folder


def folders(folder: Path) -> list[str]:
    return ["--work", str(folder / "work"), "--public", str(folder / "public")]


# -- commands that run nothing ---------------------------------------------------------------------------------------


def test_environments_lists_every_environment_and_what_runs_in_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("matrix.cli._megabytes", lambda environment: 1234)  # walking gigabytes takes seconds
    assert main(["environments"]) == 0
    printed = capsys.readouterr().out
    for name in environments():
        assert name in printed
    assert "canonical" in printed
    assert "onnx-interop run --install" in printed


def test_a_log_is_not_taken_for_80_columns(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("COLUMNS")
    assert main(["environments"]) == 0
    assert "…" not in capsys.readouterr().out


def test_environments_says_what_cannot_be_installed_and_why_what_it_takes_and_what_is_not_default(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("matrix.environments.ROOT", tmp_path)
    (tmp_path / ".tox").mkdir()
    shutil.copy(ROOT / "tox.ini", tmp_path)
    older = next(e for e in environments().values() if not e.default and e.size_mb)
    failed = {"asked": [older.base_python, *older.requirements], "reason": "no [wheel] for it"}
    (tmp_path / ".tox" / f"{older.name}.failed.json").write_text(json.dumps(failed))
    default = next(e for e in environments().values() if e.default and e.family == older.family)
    folder = default.folder
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").write_bytes(bytes(3 * 2**20))
    info = {"PythonRun": {"deps": {"requirements": default.requirements}}}
    (folder / ".tox-info.json").write_text(json.dumps(info))

    assert main(["environments"]) == 0
    rows = [[part.strip() for part in line.split("│")[1:-1]] for line in capsys.readouterr().out.splitlines()]
    known = {row[0]: row[1:] for row in rows if len(row) == 6}
    assert known[older.name][1:4] == ["cannot be installed here: no [wheel] for it", f"~{older.size_mb}", ""]
    assert known[default.name][1:4] == ["installed", "3", "yes"]


def test_models_lists_every_model_with_its_variants(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == 0
    lines = {line.split()[1]: line for line in capsys.readouterr().out.splitlines() if "│" in line}
    assert set(lines) >= set(all_models())
    assert "static, dynamic" in lines["alexnet"]
    assert "Krizhevsky" in lines["alexnet"]


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"]])
def test_help_is_no_mistake(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 0
    assert "run" in capsys.readouterr().out


# -- run, show, publish ----------------------------------------------------------------------------------------------


def test_run_ends_with_a_summary_and_the_page(recorded: Path) -> None:
    printed = (recorded / "printed").read_text()
    assert f"the page: {recorded / 'public' / 'index.html'}" in printed
    assert "onnxruntime.all@host" in printed
    data = json.loads((recorded / "public" / "matrix.json").read_text())
    assert [(cell["target"], cell["status"]) for cell in data["cells"]] == [
        ("onnxruntime.all@host", "PASS"),
        ("reference@host", "PASS"),
    ]


def test_show_prints_the_record_and_a_command_that_plans_that_cell_alone(
    recorded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["show", CELL, "--work", str(recorded / "work")]) == 0
    printed = capsys.readouterr().out
    record, _, rest = printed.partition("─")
    assert json.loads(record)["key"] == CELL
    command = rest.strip().splitlines()[-1]
    assert_plans_alone(command, CELL)


def assert_plans_alone(command: str, key: str) -> None:
    program, *arguments = shlex.split(command)
    assert program == "onnx-interop"
    options = _parser().parse_args(arguments)
    assert options.refresh
    assert [cell.key for cell in make_plan(selection_of(options), installed_only=True).cells] == [key]


@pytest.mark.parametrize("opset", [None, 13])
def test_every_cell_can_be_planned_alone(opset: int | None) -> None:
    opsets = [opset] if opset else []
    options = _parser().parse_args(["run", "--models", "lstm,alexnet", "--all"])
    plan = make_plan(selection_of(options).__class__(models=["lstm", "alexnet"], scope="all", opsets=opsets))
    for cell in plan.cells[:: max(1, len(plan.cells) // 25)]:
        record = {
            "source": cell.export.source_name, "model": cell.export.model.name, "variant": cell.export.variant,
            "opset": cell.export.opset, "target": cell.target_name,
        }  # fmt: skip
        assert_plans_alone(reproduction(record), cell.key)


def test_show_prints_the_log_of_a_failure_and_exports_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "it.log"
    log.write_text("[bold]what the tool said[/bold]\n")
    journal = Journal(tmp_path / "work" / "cells.jsonl")
    record = {
        "source": "canonical@host", "model": "relu", "variant": "static", "opset": 13, "status": "ERROR",
        "log": str(log),
    }  # fmt: skip
    journal.append("export", "canonical@host/relu/static-opset13", record)
    journal.close()
    assert main(["show", "canonical@host/relu/static-opset13", "--work", str(tmp_path / "work")]) == 0
    printed = capsys.readouterr().out
    assert "[bold]what the tool said[/bold]" in printed
    assert "--opset 13" in printed


def test_publish_makes_the_site_again_from_what_is_recorded(
    recorded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [*SELECTED, "--work", str(recorded / "work"), "--public", str(tmp_path / "again")]
    assert main(["publish", *arguments]) == 0
    assert str(tmp_path / "again" / "index.html") in capsys.readouterr().out
    first, again = (
        json.loads((folder / "matrix.json").read_text()) for folder in (recorded / "public", tmp_path / "again")
    )
    assert first["cells"] == again["cells"]


def test_a_snapshot_gives_its_pages_without_the_work_folder(
    recorded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    published = str(tmp_path / "published")
    arguments = [*SELECTED, "--work", str(recorded / "work"), "--public", str(tmp_path / "one")]
    assert main(["publish", *arguments, "--snapshot", published]) == 0
    assert main(["publish", "--from", published, "--public", str(tmp_path / "two")]) == 0
    one, two = (json.loads((tmp_path / name / "matrix.json").read_text())["cells"] for name in ("one", "two"))
    assert [(cell["target"], cell["status"]) for cell in one] == [(cell["target"], cell["status"]) for cell in two]
    pages = {path.name for path in (tmp_path / "one").glob("*.html")}
    assert pages == {path.name for path in (tmp_path / "two").glob("*.html")}
    capsys.readouterr()
    for mistake, words in (
        (["--from", published, "--public", published], "choose another --public"),
        (["--from", published, "--models", "relu"], "--from takes a published matrix as it is"),
        (["--from", str(tmp_path / "nowhere"), *folders(tmp_path)], "no matrix in"),
    ):
        assert main(["publish", *mistake]) == 2
        assert words in capsys.readouterr().err


def test_publish_of_nothing_is_a_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["publish", *SELECTED, *folders(tmp_path)]) == 2
    assert "onnx-interop run first" in capsys.readouterr().err
    assert not list(tmp_path.iterdir()), "a site that was there is not replaced by an empty one"


def test_a_damaged_journal_is_told_and_redone(
    recorded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "cells.jsonl").write_text("no JSON\n")
    (tmp_path / "work" / "models").symlink_to(recorded / "work" / "models")
    assert main(["run", *SELECTED, *folders(tmp_path)]) == 0
    assert "1 lines are damaged: they are left out and done again" in capsys.readouterr().out


# -- expectations ----------------------------------------------------------------------------------------------------

KNOWN = """\
[[known]]
status = "{status}"
reason = "it is off by one"
seen = "1.0"
link = ""
question_after = {after}
cells = ["{cells}"]
"""


def know(folder: Path, status: str = "WRONG", cells: str = "canonical/relu/static", after: str = "2999-01-01") -> None:
    """Expect this of the target fake.off."""
    (folder / "known").mkdir(exist_ok=True)
    (folder / "known" / "fake.off.toml").write_text(KNOWN.format(status=status, cells=cells, after=after))


@pytest.fixture
def of_the_off(recorded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Arguments that run a target which is always wrong, with the expectations of tmp_path/known."""
    monkeypatch.setitem(TARGETS, "fake.off", fake_target("off"))
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "models").symlink_to(recorded / "work" / "models")
    selected = ["--sources", "canonical", "--targets", "fake.off", "--models", "relu"]
    return [*selected, *folders(tmp_path), "--expectations", str(tmp_path / "known")]


@pytest.mark.parametrize(
    ("known", "code", "counted", "named"),
    [
        ({}, 0, "1 known failures, 0 new failures, 0 unexpected passes, 0 that match nothing, 0 questioned", ""),
        ({"status": "CRASH"}, 1, "0 known failures, 1 new failures", "static/fake.off@host: expected CRASH, got WRONG"),
        ({"cells": "canonical/elu/static"}, 1, "0 known failures, 1 new failures", "relu/static/fake.off@host: WRONG"),
        ({"cells": "*/re[l-m]u*/*"}, 0, "1 known failures", ""),
        ({"after": "2020-01-01"}, 0, "1 questioned", "fake.off.toml, entry 1: questioned since 2020-01-01: look again"),
        ({"cells": "*/rleu/*"}, 1, "1 that match nothing", "entry 1: */rleu/* matches no cell: no model 'rleu'"),
    ],
)
def test_a_run_says_how_it_compares_with_what_is_known(
    known: dict[str, str],
    code: int,
    counted: str,
    named: str,
    of_the_off: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    know(tmp_path, **known)
    assert main(["run", "--strict", *of_the_off]) == code
    printed = capsys.readouterr().out
    assert counted in printed
    assert named in printed
    assert main(["run", *of_the_off]) == 0, "only --strict makes it fail"
    assert main(["publish", *of_the_off]) == 0
    assert counted in capsys.readouterr().out


def test_a_pass_that_was_not_expected_is_a_reason_to_fail(
    recorded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    know(tmp_path)
    (tmp_path / "known" / "fake.off.toml").rename(tmp_path / "known" / "reference.toml")
    arguments = [*SELECTED, *folders(recorded), "--expectations", str(tmp_path / "known")]
    assert main(["run", "--strict", *arguments]) == 1
    printed = capsys.readouterr().out
    assert "1 unexpected passes" in printed
    assert f"{CELL}: expected WRONG, got PASS (reference.toml, entry 1: it is off by one)" in printed


def test_expectations_come_from_a_run_and_the_next_run_keeps_to_them(
    of_the_off: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "known").mkdir()
    assert main(["run", "--strict", *of_the_off]) == 1
    assert "1 new failures" in capsys.readouterr().out
    update = ["expectations", "update", "--from", str(tmp_path / "public"), "--expectations", str(tmp_path / "known")]

    assert main([*update, "--dry-run"]) == 0
    shown = capsys.readouterr().out
    assert '+    "canonical/relu/static",' in shown.splitlines()
    assert "1 files, 0 entries become 1 (--dry-run: nothing is written)" in shown
    assert not list((tmp_path / "known").iterdir())

    assert main(update) == 0
    assert capsys.readouterr().out == shown.replace(" (--dry-run: nothing is written)", "")
    assert main(update) == 0
    assert capsys.readouterr().out.endswith("known: nothing changes\n")
    assert main(["run", "--strict", *of_the_off]) == 0
    assert "1 known failures, 0 new failures" in capsys.readouterr().out


def test_expectations_are_listed_with_what_wants_attention(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    know(tmp_path, after="2020-01-01")
    assert main(["expectations", "--expectations", str(tmp_path / "known")]) == 0
    printed = capsys.readouterr().out
    assert printed.split("│")[1].strip() == "fake.off"
    assert "fake.off.toml: no target 'fake.off'" in printed
    assert "fake.off.toml, entry 1: questioned since 2020-01-01" in printed


def test_two_entries_for_a_cell_are_a_mistake_before_anything_is_run(
    of_the_off: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Run, "carry_out", lambda *_: pytest.fail("something was run"))
    know(tmp_path)
    file = tmp_path / "known" / "fake.off.toml"
    file.write_text(file.read_text() + KNOWN.format(status="CRASH", cells="canonical/*/static", after="2999-01-01"))
    assert main(["run", *of_the_off]) == 2
    assert "both name canonical@host/relu/static/fake.off@host" in capsys.readouterr().err


# -- mistakes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["rnu"], "no command 'rnu': did you mean run"),
        ([], "COMMAND"),
        (["run", "--modls", "relu"], "no option '--modls': did you mean --models"),
        (["run", "--targets=reference", "--varants=static"], "no option '--varants': did you mean --variants"),
        (["run", "--models", "alexnt"], "no model 'alexnt': did you mean alexnet"),
        (["run", "--sources", "pytorch.dynmo"], "no source 'pytorch.dynmo': did you mean pytorch.dynamo"),
        (["run", "--targets", "openvino.f23"], "no target 'openvino.f23': did you mean openvino.f32"),
        (["run", "--environments", "troch2.13"], "no environment 'troch2.13': did you mean torch"),
        (["run", "--variants", "dynamc"], "no variant 'dynamc': did you mean dynamic"),
        (["run", "--opset", "seventeen"], "'seventeen' is no list of opset numbers"),
        (["run", "--opset", "0"], "opset"),
        (["run", "--opset", "-1"], "opset"),
        (["run", "--size", "huge"], "--size"),
        (["run", "--workers", "many"], "--workers"),
        (["run", "--workers", "-3"], "--workers"),
        (["run", "--timeout", "0"], "--timeout"),
        (["run", "--memory", "-1"], "--memory"),
        (["run", "--expectations", "/nowhere"], "there is no folder /nowhere"),
        (["expectations", "--expectations", "/nowhere"], "there is no folder /nowhere"),
        (["expectations", "update", "--from", "/nowhere"], "no matrix in /nowhere"),
        (["expectations", "updat"], "updat"),
        (["expectations", "--dry-run"], "belong to `onnx-interop expectations update`"),
        (["show"], "CELL"),
    ],
)
def test_a_mistake_is_answered_with_exit_code_2_and_nothing_is_run(
    arguments: list[str],
    words: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Run, "carry_out", lambda *_: pytest.fail("something was run"))
    extra = folders(tmp_path) if arguments[:1] == ["run"] else []
    assert main([*arguments, *extra]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("onnx-interop: ")
    assert words in captured.err
    assert not list(tmp_path.iterdir())


def test_an_unknown_cell_is_answered_with_the_near_ones(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", CELL.replace("relu", "rleu"), "--work", str(recorded / "work")]) == 2
    assert f"did you mean {CELL}" in capsys.readouterr().err


# -- interrupts ------------------------------------------------------------------------------------------------------


def test_an_interrupted_run_ends_its_workers_keeps_what_is_done_and_goes_on(tmp_path: Path) -> None:
    selected = ["--sources", "canonical", "--targets", "reference", "--models", "max-pool*", "--all"]
    command = [sys.executable, "-m", "matrix", "run", *selected, "--workers", "1", *folders(tmp_path)]
    journal, patience = tmp_path / "work" / "cells.jsonl", time.monotonic() + 60
    # As in a terminal: what a script starts in its background ignores interrupts, and so would its children.
    command = ["env", "--default-signal=INT", *command]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, env=python_environment()) as run:
        while '"kind":"environment"' not in (journal.read_text() if journal.exists() else ""):
            assert run.poll() is None
            assert time.monotonic() < patience
            time.sleep(0.02)
        time.sleep(0.3)
        children = psutil.Process(run.pid).children(recursive=True)
        run.send_signal(signal.SIGINT)
        _, error = run.communicate(timeout=20)
    assert run.returncode == 130
    assert "the same command goes on from here" in error.decode()
    assert not psutil.wait_procs(children, timeout=3)[1]
    assert not list((tmp_path / "public").glob("*"))
    assert "NOT_RUN" not in journal.read_text()
    assert not Workshop(tmp_path / "work").passing.exists()
