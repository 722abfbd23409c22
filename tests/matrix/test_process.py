"""What the host makes of the end of a worker, and of a worker that does not keep to the protocol."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from fakery import FAKES, LIMITS

from matrix.environments import HOST
from matrix.process import Place, Result, Worker, obituary, started
from matrix.verdict import outcome
from matrix.workshop import Workshop

EXIT = {"event": "exit", "signal": 0, "code": 0}


@pytest.mark.parametrize(
    ("message", "for_memory", "status", "text"),
    [
        ({**EXIT, "code": 3}, 0, "CRASH", "the process left with exit code 3"),
        ({**EXIT, "signal": signal.SIGILL}, 0, "CRASH", "killed by SIGILL"),
        ({**EXIT, "signal": signal.SIGRTMIN + 2}, 0, "CRASH", f"killed by signal {signal.SIGRTMIN + 2}"),
        ({**EXIT, "signal": signal.SIGKILL}, 0, "CRASH", "killed by SIGKILL"),
        ({**EXIT, "signal": signal.SIGKILL}, 1, "MEMORY", "killed by the system, which was out of memory"),
        ({**EXIT, "signal": signal.SIGSEGV}, 1, "CRASH", "killed by SIGSEGV"),
        ({"event": "timeout", "limit": 20.0}, 0, "TIMEOUT", "no end after 20 s"),
        ({"event": "memory", "limit": 300, "peak_mb": 301}, 0, "MEMORY", "301 MB in use, 300 MB allowed"),
    ],
)
def test_how_a_worker_died_is_told_in_words(
    message: dict[str, object], for_memory: int, status: str, text: str
) -> None:
    assert obituary(message, for_memory) == (status, text)


@pytest.fixture
def worker(tmp_path: Path) -> Worker:
    """A worker that was never started."""
    return Worker(HOST, LIMITS, tmp_path, threading.Event())


def test_a_worker_that_was_never_started_can_be_spoken_to_and_ended(worker: Worker, tmp_path: Path) -> None:
    job = {"id": "1", "log": str(tmp_path / "1.log")}
    worker.send(job)
    result = worker.result(job)
    assert (result.status, result.message) == ("LOST", "the process left with exit code 127")
    worker.end()


def test_a_worker_that_does_not_listen_is_not_waited_for(tmp_path: Path) -> None:
    limits = replace(LIMITS, seconds=1)
    with started(HOST, "run", FAKES / "importer.py", limits, Place(tmp_path), threading.Event()) as worker:
        assert worker.greet() == ""
        for member in worker._family():
            member.suspend()
        job = {"id": "1", "log": str(tmp_path / "1.log"), "feeds": "x" * 10**6}
        begun = time.monotonic()
        worker.send(job)
        assert worker.result(job).status == "TIMEOUT"
        assert time.monotonic() - begun < 12


def test_a_guard_that_is_killed_takes_its_worker_along_and_is_told(tmp_path: Path) -> None:
    module = FAKES / "importer.py"
    with started(HOST, "run", module, LIMITS, Place(tmp_path), threading.Event()) as worker:
        assert worker.greet() == ""
        family = worker._family()
        [guard] = [p for p in family if "guard.py" in " ".join(p.cmdline()) and p.children()][-1:]
        worker_too = [guard, *guard.children()]
        guard.kill()
        assert not psutil.wait_procs(worker_too, timeout=5)[1]
        job = {"id": "1", "log": str(tmp_path / "1.log"), "feeds": "none", "sets": [], "model": "none", "option": ""}
        worker.send(job)
        assert worker.result(job).status == "LOST"
    assert not psutil.wait_procs(family, timeout=5)[1]


@pytest.mark.parametrize("put", [os.mkfifo, lambda path: path.symlink_to("/etc/hostname"), lambda path: path.mkdir()])
def test_what_a_worker_puts_in_the_place_of_its_files_is_neither_read_nor_waited_for(
    put: Callable[[Path], None], tmp_path: Path
) -> None:
    log, out = tmp_path / "0.log", tmp_path / "0.arrays"
    put(out)
    export: dict[str, object] = {"outputs": []}
    found = outcome({"out": str(out), "truth": "none", "sets": [0]}, Result("OK", "compare"), export, tmp_path)
    assert found.status == "NOT_RUN"
    log.symlink_to("/etc/hostname")
    workshop = Workshop(tmp_path / "work")
    assert workshop.keep_log(log, "key", "ERROR") is None
    assert not log.is_symlink()


def test_a_long_log_is_kept_by_its_ends(tmp_path: Path) -> None:
    log = tmp_path / "0.log"
    log.write_bytes(b"first" + b"x" * 1_000_000 + b"last")
    workshop = Workshop(tmp_path / "work")
    kept = workshop.keep_log(log, "a/b\x1b/../c", "ERROR")
    assert kept is not None
    text = (workshop.folder / kept).read_text()
    assert text.startswith("firstx")
    assert text.endswith("xlast")
    assert "… 800009 bytes left out …" in text
    assert kept == "logs/a--b--..--c.log"
