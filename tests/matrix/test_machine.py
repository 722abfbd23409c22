"""What the machine does to a run: a full disk, a second host on the same folder, a host that is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from fakery import FAKES, python_environment

from matrix import fence
from matrix.cli import main
from matrix.records import Journal
from matrix.workshop import Workshop

needs_bubblewrap = pytest.mark.skipif(
    not fence.available() and not os.environ.get("CI"), reason="bubblewrap is not there, or cannot work here"
)
SELECTED = ["--sources", "canonical", "--targets", "onnxruntime.all@host,reference"]


def command(work: Path, *more: str) -> list[str]:
    """The command line of a run in that folder."""
    places = ["--work", str(work), "--public", str(work.parent / "public")]
    return [sys.executable, "-m", "matrix", "run", *SELECTED, *places, *more]


# -- one host at a time ----------------------------------------------------------------------------------------------


def test_a_second_host_on_the_same_folder_is_refused_with_the_name_of_the_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Workshop.alone(tmp_path / "work"):
        assert main(command(tmp_path / "work", "--models", "relu")[3:]) == 2
    told = capsys.readouterr().err
    assert f"is in use by process {os.getpid()}: wait until that run has ended, or choose another --work" in told
    assert not (tmp_path / "public").exists()
    with Workshop.alone(tmp_path / "work"):
        pass  # a lock goes with its holder


def test_pytest_is_refused_too(tmp_path: Path) -> None:
    run = [sys.executable, "-m", "pytest", *SELECTED, "--models", "relu", f"--work={tmp_path}", f"--public={tmp_path}"]
    with Workshop.alone(tmp_path):
        done = subprocess.run(run, capture_output=True, text=True, env=python_environment(), check=False)
    assert done.returncode == 2
    assert "is in use by process" in done.stdout + done.stderr


@pytest.mark.parametrize(("place", "words"), [("work", "cannot be worked in"), ("public", "cannot be published in")])
def test_a_folder_that_cannot_be_had_is_named(
    place: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / place).write_text("a file")
    assert main(command(tmp_path / "work", "--models", "relu")[3:]) == 2
    assert f"{tmp_path / place} {words}: File exists; choose another --{place}" in capsys.readouterr().err


# -- a full disk -----------------------------------------------------------------------------------------------------


@needs_bubblewrap
@pytest.mark.parametrize("megabytes", [1, 5, 9])
def test_a_full_disk_stops_the_run_in_plain_words_and_keeps_what_was_recorded(megabytes: int, tmp_path: Path) -> None:
    """The work folder is a memory file system of so many MB: first the models, then the exports find no room."""
    small, kept = tmp_path / "small", tmp_path / "kept"
    small.mkdir()
    room = ["bwrap", "--bind", "/", "/", "--dev-bind", "/dev", "/dev", "--proc", "/proc"]
    room += ["--size", str(megabytes * 2**20), "--tmpfs", str(small)]
    script = '"$@"; code=$?; cp -r "$0/work" "$KEPT"; exit $code'
    run = ["sh", "-c", script, str(small), *command(small / "work", "--models", "relu,alexnet,resnet-18,oxfordnet")]
    environment = {**python_environment(), "KEPT": str(kept)}
    done = subprocess.run([*room, "--", *run], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "onnx-interop: no space left at " in done.stderr
    assert "Traceback" not in done.stderr
    journal = Journal(kept / "cells.jsonl")
    assert journal.damaged == 0
    statuses = {record["status"] for kind in ("export", "cell") for record in journal.all(kind)}
    assert statuses <= {"PASS", "WRONG"}, "nothing was laid at the door of a tool"


# -- a killed host ---------------------------------------------------------------------------------------------------

DRIVER = f"""
import sys
from matrix import catalogue
from matrix.catalogue import Target
catalogue.TARGETS["fake.stuck"] = Target("fake.stuck", "a fake", {str(FAKES / "evaluator.py")!r}, "stuck", "host")
from matrix.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("fenced", [True, False])
def test_the_workers_of_a_killed_host_end_and_what_passed_is_cleared_by_the_next(fenced: bool, tmp_path: Path) -> None:
    work = tmp_path / "work"
    arguments = ["run", "--sources", "canonical", "--targets", "fake.stuck", "--models", "relu"]
    places = ["--work", str(work), "--public", str(tmp_path / "public")]
    environment = python_environment()
    if not fenced:
        (tmp_path / "bwrap").write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / "bwrap").chmod(0o755)
        environment["PATH"] = f"{tmp_path}:{environment['PATH']}"
    run = [sys.executable, "-c", DRIVER, *arguments, *places]
    with subprocess.Popen(run, env=environment, stdout=subprocess.DEVNULL) as host:
        try:
            workers = wait_for_stuck_workers(host.pid, work)
        finally:
            host.send_signal(signal.SIGKILL)
    gone, alive = psutil.wait_procs(workers, timeout=5)
    assert gone
    assert not alive
    assert Workshop(work).passing.exists()
    with Workshop.alone(work) as workshop, workshop.passing_folders():
        assert not list(workshop.passing.iterdir())
        assert not list(workshop.scratch.iterdir())
    assert not workshop.passing.exists()


def sleeps(process: psutil.Process) -> bool:
    """Whether this is what a cell of fake.stuck hangs at."""
    try:
        return "sleep" in " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return False


def wait_for_stuck_workers(pid: int, work: Path) -> list[psutil.Process]:
    """All processes of the host, as soon as its canaries are recorded and a cell hangs."""
    deadline, journal, family = time.monotonic() + 60, work / "cells.jsonl", list[psutil.Process]()
    while '"kind":"canary"' not in (journal.read_text() if journal.exists() else "") or not any(map(sleeps, family)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
        family = psutil.Process(pid).children(recursive=True)
    return family


def test_a_folder_may_be_moved_between_two_runs(tmp_path: Path) -> None:
    first = command(tmp_path / "work", "--models", "relu")
    assert subprocess.run(first, env=python_environment(), capture_output=True, check=False).returncode == 0
    before = (tmp_path / "work" / "cells.jsonl").read_bytes()
    (tmp_path / "work").rename(tmp_path / "moved")
    again = command(tmp_path / "moved", "--models", "relu")
    assert subprocess.run(again, env=python_environment(), capture_output=True, check=False).returncode == 0
    assert (tmp_path / "moved" / "cells.jsonl").read_bytes() == before
    data = json.loads((tmp_path / "public" / "matrix.json").read_text())
    assert {cell["status"] for cell in data["cells"]} == {"PASS"}
