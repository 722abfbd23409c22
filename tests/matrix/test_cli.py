"""The command line: what it prints, its exit codes, and that nothing is run on a mistake."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from fakery import python_environment

from matrix.cli import _parser, main, reproduction, selection_of
from matrix.environments import environments
from matrix.plan import make_plan
from matrix.records import Journal
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
    assert "canonical, reference" in printed
    assert "onnx-interop run --install" in printed


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
