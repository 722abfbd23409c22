"""What a worker cannot do: a real one tries, inside the fence and, where the system has none, without it."""

from __future__ import annotations

import json
import os
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fakery import LIMITS, fake_batch, fates, importer_jobs

from matrix import fence

SECRET = "hush-4f1c"
needs_bubblewrap = pytest.mark.skipif(
    not fence.available() and not os.environ.get("CI"), reason="bubblewrap is not there, or cannot work here"
)


@pytest.fixture
def spied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What a worker gets hold of that may write to the folder of its jobs, but not to the one inside it."""
    monkeypatch.setenv("SECRET_TOKEN", SECRET)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "pid").write_text(str(os.getpid()))
    jobs = importer_jobs(tmp_path, "spy")
    batch = fake_batch(jobs)
    # The log and the outputs alone may be written.
    (tmp_path / "passing").mkdir()
    jobs[0]["log"] = str(tmp_path / "passing" / "log")
    jobs[0]["out"] = str(tmp_path / "passing" / "arrays")
    batch.place = replace(batch.place, writable=(tmp_path / "passing",))
    with socket.create_server(("127.0.0.1", 0)) as server:
        (outside / "port").write_text(str(server.getsockname()[1]))
        [(_, result)] = fates(jobs, batch=batch, limits=replace(LIMITS, nice=5))
    assert result.status == "OK", result.message
    found = json.loads((tmp_path / "passing" / "log").read_text())
    return {**found, "fence": result.worker["fence"], "outside": outside}


@needs_bubblewrap
def test_a_fenced_worker_gets_at_nothing_that_is_none_of_its_business(spied: dict[str, Any]) -> None:
    assert spied["fence"] == fence.FULL
    assert spied["socket"] == "ConnectionRefusedError" or spied["socket"] == "OSError"
    assert spied["write"] == "OSError"
    assert not (spied["outside"] / "written").exists()
    assert SECRET not in json.dumps(spied["secret"])
    assert spied["kill"] == "ProcessLookupError"


def test_no_worker_leaves_a_core_or_keeps_its_priority_where_another_was_asked_for(spied: dict[str, Any]) -> None:
    assert spied["core"] == [0, 0]
    assert spied["nice"] == os.nice(0) + 5


def test_where_bubblewrap_is_not_to_be_had_the_record_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("matrix.fence.available", lambda: False)
    [(_, result)] = fates(importer_jobs(tmp_path, "right"))
    assert result.worker["fence"] == (fence.NETWORK if result.worker["network"] == "none" else fence.NONE)


def test_a_system_without_bubblewrap_is_noticed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    fence.available.cache_clear()
    assert not fence.available()
    assert fence.fenced(["python", "x"], (tmp_path,)) == ["python", "x"]
    (tmp_path / "bwrap").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "bwrap").chmod(0o755)
    fence.available.cache_clear()
    assert not fence.available(), "a container that does not let it work"
    monkeypatch.undo()
    fence.available.cache_clear()
