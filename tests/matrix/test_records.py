"""The journal survives whatever cuts it short, and never takes our own trouble for a result."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from fakery import python_environment

from matrix.records import SCHEMA, Journal

Open = Callable[[], Journal]


@pytest.fixture
def reopened(tmp_path: Path) -> Iterator[Open]:
    """Opens the journal of this test again; all are closed at its end."""
    with ExitStack() as stack:

        def open_again() -> Journal:
            journal = Journal(tmp_path / "work" / "cells.jsonl")
            stack.callback(journal.close)
            return journal

        yield open_again


def write(journal: Journal, key: str, status: str = "PASS", fingerprint: str = "f") -> None:
    journal.append("cell", key, {"status": status, "fingerprint": fingerprint})


def test_what_was_written_is_read_again(reopened: Open) -> None:
    first = reopened()
    write(first, "a")
    first.append("export", "a", {"status": "WRONG", "noise": float("nan")})
    second = reopened()
    assert second.get("cell", "a") == first.get("cell", "a")
    assert second.get("cell", "a") == {
        "schema": SCHEMA, "kind": "cell", "key": "a", "status": "PASS", "fingerprint": "f",
    }  # fmt: skip
    assert [record["status"] for record in second.all("export")] == ["WRONG"]
    assert second.get("cell", "b") is None
    assert second.damaged == 0


def test_the_last_record_of_a_key_counts(reopened: Open) -> None:
    journal = reopened()
    for status in ("PASS", "CRASH", "WRONG"):
        write(journal, "a", status)
    for read in (journal, reopened()):
        assert [record["status"] for record in read.all("cell")] == ["WRONG"]


def test_a_torn_last_line_is_counted_and_does_not_swallow_the_next_record(reopened: Open) -> None:
    journal = reopened()
    write(journal, "whole")
    write(journal, "torn")
    text = journal.path.read_text()
    journal.path.write_text(text[:-20])
    second = reopened()
    assert second.damaged == 1
    assert second.get("cell", "torn") is None
    write(second, "next")
    third = reopened()
    assert {record["key"] for record in third.all("cell")} == {"whole", "next"}
    assert third.damaged == 1


def test_a_record_for_which_there_is_no_room_leaves_nothing_behind(
    reopened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal, real = reopened(), os.write
    write(journal, "kept")

    def full(descriptor: int, data: bytes) -> int:
        if len(data) < 60:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(descriptor, data[:50])

    monkeypatch.setattr("os.write", full)
    with pytest.raises(OSError, match="No space left"):
        write(journal, "torn")
    monkeypatch.undo()
    assert journal.get("cell", "torn") is None
    write(journal, "next")
    again = reopened()
    assert again.damaged == 0
    assert {record["key"] for record in again.all("cell")} == {"kept", "next"}


def test_a_last_line_without_its_newline_still_counts(reopened: Open) -> None:
    journal = reopened()
    write(journal, "a")
    journal.path.write_text(journal.path.read_text().rstrip("\n"))
    second = reopened()
    assert second.damaged == 0
    write(second, "b")
    assert {record["key"] for record in reopened().all("cell")} == {"a", "b"}


@pytest.mark.parametrize(
    "line",
    [
        b"not JSON",
        b"{}",
        b"7",
        b"null",
        b'"text"',
        b'{"schema": 2, "kind": "cell"}',
        b'{"schema": 2, "kind": "cell", "key": []}',
        b'{"schema":2,"kind":"cell","key":"a","status":"PASS","crc":"00000000"}',
        b"\xff\xfe\x00",
        b'{"schema": 1, "kind": "ce',
    ],
)
def test_a_damaged_line_is_counted_and_the_others_are_kept(line: bytes, reopened: Open) -> None:
    journal = reopened()
    write(journal, "before")
    with journal.path.open("ab") as file:
        file.write(line + b"\n")
    write(journal, "after")
    second = reopened()
    assert second.damaged == 1
    assert {record["key"] for record in second.all("cell")} == {"before", "after"}


def test_a_line_that_was_changed_is_damaged_although_it_is_still_json(reopened: Open) -> None:
    journal = reopened()
    write(journal, "a", "WRONG")
    journal.path.write_text(journal.path.read_text().replace("WRONG", "PASS"))
    second = reopened()
    assert (second.damaged, second.get("cell", "a")) == (1, None)


def test_records_of_another_schema_are_left_out(reopened: Open) -> None:
    journal = reopened()
    write(journal, "a")
    record = json.loads(journal.path.read_text())
    journal.path.write_text(json.dumps({**record, "schema": SCHEMA + 1}) + "\n")
    second = reopened()
    assert (second.outdated, second.damaged, second.get("cell", "a")) == (1, 0, None)


def test_only_what_has_the_same_fingerprint_and_was_really_run_is_fresh(reopened: Open) -> None:
    journal = reopened()
    write(journal, "passed")
    write(journal, "crashed", "CRASH")
    write(journal, "our trouble", "NOT_RUN")
    for read in (journal, reopened()):
        assert read.fresh("cell", "passed", "f") == read.get("cell", "passed")
        assert read.fresh("cell", "crashed", "f") is not None
        assert read.fresh("cell", "passed", "another") is None
        assert read.fresh("cell", "our trouble", "f") is None
        assert read.fresh("cell", "unknown", "f") is None
        assert read.fresh("export", "passed", "f") is None


ENDLESS = """
import sys
from pathlib import Path
from matrix.records import Journal
journal = Journal(Path(sys.argv[1]))
number = 0
while True:
    journal.append("cell", str(number), {"status": "PASS", "fingerprint": "f", "message": "x" * 20000})
    print(number, flush=True)
    number += 1
"""


def test_a_writer_that_is_killed_loses_no_record_that_it_had_finished(reopened: Open) -> None:
    path = reopened().path
    command = [sys.executable, "-c", ENDLESS, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=python_environment()) as writer:
        assert writer.stdout is not None
        finished = [int(writer.stdout.readline()) for _ in range(50)][-1]
        writer.send_signal(signal.SIGKILL)
    journal = reopened()
    assert journal.damaged <= 1
    kept = {int(record["key"]) for record in journal.all("cell")}
    assert kept >= set(range(finished + 1))
    write(journal, "next")
    assert reopened().get("cell", "next") is not None
