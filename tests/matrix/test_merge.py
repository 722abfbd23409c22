"""Merging work folders: the newest record of each key, with its files; nothing lost, nothing strange let in."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from made import record_cell, record_export

from matrix.cli import main
from matrix.errors import UserError
from matrix.merge import Shard, merge, told
from matrix.records import Journal

EXPORT = "a.b@torch2.13/relu/static"
CELL, OTHER = f"{EXPORT}/t@tvm0.27", f"{EXPORT}/u@host"
Open = Callable[[Path], Journal]


@pytest.fixture
def journal() -> Iterator[Open]:
    """Opens the journal of a folder; all are closed at the end."""
    with ExitStack() as stack:

        def opened(folder: Path) -> Journal:
            found = Journal(folder / "cells.jsonl")
            stack.callback(found.close)
            return found

        yield opened


@pytest.fixture
def shards(tmp_path: Path, journal: Open) -> list[Path]:
    """Two machines that made the same export, and a cell each; b is the later one."""
    for name, time, cell in (("a", 1.0, CELL), ("b", 2.0, OTHER)):
        folder = tmp_path / name
        own = journal(folder)
        own.append("environment", f"lock-{name}", {"name": "host"})
        own.append("run", f"run-{name}", {"suite": "0.1.0"})
        own.append("canary", "t@tvm0.27", {"status": "PASS", "message": "", "time": time})
        record_export(folder, own, EXPORT, time, f"a file of {name}")
        record_cell(folder, own, cell, time, "WRONG")
        own.close()
    return [tmp_path / "a", tmp_path / "b"]


def test_all_records_come_together_with_their_files(shards: list[Path], tmp_path: Path, journal: Open) -> None:
    given = merge(shards, tmp_path / "all")
    merged = journal(tmp_path / "all")
    assert {kind: sorted(merged.keys(kind)) for kind in ("export", "cell", "run", "environment", "canary")} == {
        "export": [EXPORT], "cell": [CELL, OTHER], "run": ["run-a", "run-b"], "environment": ["lock-a", "lock-b"],
        "canary": ["t@tvm0.27"],
    }  # fmt: skip
    export = merged.get("export", EXPORT)
    assert export is not None
    assert export["time"] == 2.0
    case = tmp_path / "all" / export["folder"]
    assert (case / "model.onnx").read_text() == "a file of b", "the file is that of the record that counts"
    for key, said in ((CELL, "1.0"), (OTHER, "2.0")):
        record = merged.get("cell", key)
        assert record is not None
        assert said in (tmp_path / "all" / record["log"]).read_text()
    assert (merged.damaged, merged.outdated) == (0, 0)
    assert given[0].taken == {"environment": 1, "run": 1, "canary": 1, "export": 1, "cell": 1}
    assert not list((tmp_path / "all").rglob("*.new")) + list((tmp_path / "all").rglob("tmp-*"))


@pytest.mark.parametrize("backwards", [False, True])
def test_the_newest_record_counts_in_whatever_order(backwards: bool, tmp_path: Path, journal: Open) -> None:
    for name, time, status in (("old", 1.0, "WRONG"), ("new", 2.0, "PASS")):
        own = journal(tmp_path / name)
        record_export(tmp_path / name, own, EXPORT, time, name)
        record_cell(tmp_path / name, own, CELL, time, status)
        own.close()
    places = [tmp_path / "old", tmp_path / "new"]
    merge(places[::-1] if backwards else places, tmp_path / "all")
    merged = journal(tmp_path / "all")
    record, export = merged.get("cell", CELL), merged.get("export", EXPORT)
    assert record is not None
    assert export is not None
    assert record["status"] == "PASS"
    assert (tmp_path / "all" / export["folder"] / "model.onnx").read_text() == "new"


def test_what_was_not_run_here_replaces_no_result_from_elsewhere(tmp_path: Path, journal: Open) -> None:
    for name, time, status in (("had-it", 1.0, "PASS"), ("lacks-it", 2.0, "NOT_RUN")):
        own = journal(tmp_path / name)
        record_export(tmp_path / name, own, EXPORT, time, name, status=status)
        record_cell(tmp_path / name, own, CELL, time, status)
        own.close()
    merge([tmp_path / "lacks-it", tmp_path / "had-it"], tmp_path / "all")
    merged = journal(tmp_path / "all")
    assert [r["status"] for kind in ("export", "cell") for r in merged.all(kind)] == ["PASS", "PASS"]


def test_merging_again_and_into_a_folder_with_records_loses_and_adds_nothing(
    shards: list[Path], tmp_path: Path, journal: Open
) -> None:
    merge(shards[:1], tmp_path / "all")
    merge(shards[1:], tmp_path / "all")
    before = (tmp_path / "all" / "cells.jsonl").read_bytes()
    assert all(not shard.taken for shard in merge(shards, tmp_path / "all"))
    assert (tmp_path / "all" / "cells.jsonl").read_bytes() == before
    assert len(journal(tmp_path / "all").keys("cell")) == 2


def test_files_that_no_record_names_are_kept_too_but_no_links(shards: list[Path], tmp_path: Path) -> None:
    (shards[0] / "exports" / "old" / "case").mkdir(parents=True)
    (shards[0] / "exports" / "old" / "case" / "model.onnx").write_text("older")
    (shards[0] / "exports" / "old" / "case" / "link").symlink_to("/etc/passwd")
    (shards[0] / "logs" / "link.log").symlink_to("/etc/passwd")
    os.mkfifo(shards[0] / "logs" / "pipe.log")
    merge(shards, tmp_path / "all")
    assert (tmp_path / "all" / "exports" / "old" / "case" / "model.onnx").read_text() == "older"
    assert not [path for path in (tmp_path / "all").rglob("*") if path.is_symlink() or path.is_fifo()]


def test_damaged_and_foreign_lines_are_counted_and_named(shards: list[Path], tmp_path: Path) -> None:
    with (shards[0] / "cells.jsonl").open("a") as file:
        file.write('no JSON\n{"schema": 1, "kind": "cell", "key": "x"}\n')
    first = merge(shards, tmp_path / "all")[0]
    assert "lines left out: 1 damaged, 1 of another version of the suite (lines 6, 7)" in told(first)


@pytest.mark.parametrize(
    "more", [{"log": "../../secret"}, {"log": "/etc/passwd"}, {"log": "exports/x"}, {"log": 7}, {"log": "logs/\0"}]
)
def test_records_that_name_files_elsewhere_are_left_out(
    more: dict[str, Any], shards: list[Path], tmp_path: Path, journal: Open
) -> None:
    own = journal(shards[0])
    record_cell(shards[0], own, f"{EXPORT}/evil@host", 3.0, **more)
    own.close()
    first = merge(shards, tmp_path / "all")[0]
    assert first.strange == [f"{EXPORT}/evil@host"]
    assert "1 records left out, which name files outside of their work folder" in told(first)
    assert journal(tmp_path / "all").get("cell", f"{EXPORT}/evil@host") is None


def test_an_export_whose_files_are_gone_is_told(shards: list[Path], tmp_path: Path) -> None:
    next(shards[1].rglob("model.onnx")).write_text("changed since")
    assert merge(shards, tmp_path / "all")[1].torn == [EXPORT]


def test_a_folder_in_use_is_refused_on_either_side(shards: list[Path], tmp_path: Path) -> None:
    for busy in (tmp_path / "all", shards[1]):
        busy.mkdir(exist_ok=True)
        with (busy / "lock").open("w") as lock:
            lock.write("process 7")
            lock.flush()
            fcntl.flock(lock, fcntl.LOCK_EX)
            with pytest.raises(UserError, match=f"{busy} is in use by process 7"):
                merge(shards, tmp_path / "all")
        assert not (tmp_path / "all" / "cells.jsonl").exists()


def test_mistakes_are_answered(shards: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    work = ["--work", str(tmp_path / "all")]
    for arguments, words in (
        ([str(tmp_path / "c"), *work], "no work folder"),
        ([f"{shards[0]}a", *work], f"did you mean {shards[0]}"),
        ([str(tmp_path), *work], f"{shards[0]}"),
        ([str(shards[0]), str(shards[0]), *work], "given twice"),
        ([str(shards[0]), "--work", str(shards[0])], "is what is merged into"),
        ([str(shards[0])], "--work"),
        (work, "SHARD"),
    ):
        assert main(["merge", *arguments]) == 2, arguments
        assert words in capsys.readouterr().err, arguments


def test_what_was_merged_is_published_with_nothing_installed(
    shards: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    all_, public = str(tmp_path / "all"), tmp_path / "public"
    assert main(["merge", *map(str, shards), "--work", all_]) == 0
    printed = capsys.readouterr().out
    assert f"{shards[0]}: 1 environments, 1 runs, 1 canaries, 1 exports, 1 cells" in printed
    assert f"onnx-interop publish --work {all_}" in printed
    assert main(["publish", "--work", all_, "--public", str(public)]) == 0
    assert len((public / "matrix.csv").read_text().splitlines()) == 3


def test_a_shard_says_what_it_gave_in_words(tmp_path: Path, journal: Open) -> None:
    shard = Shard(tmp_path, journal(tmp_path))
    assert told(shard) == f"{tmp_path}: nothing new"
