"""Merging the work folders of several machines: of each key the newest record, with the files that belong to it.

A shard is what `onnx-interop run --work SHARD` left, on whichever machine. The folder that is merged into may hold
records itself; merging the same shards again changes nothing. Files are copied before the records that name them are
written.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from matrix.errors import MachineError, UserError, unknown
from matrix.records import Journal, Record
from matrix.workshop import Workshop, case_files, merge_models

KINDS = ("environment", "run", "canary", "export", "cell")
"""What is merged, in this order: what a record refers to is there before it."""
_FOLDERS = {"log": "logs", "folder": "exports"}
"""The members of a record that are paths, and the folder of the work folder that each must lie in."""
JOURNAL = "cells.jsonl"


@dataclass
class Shard:
    """One of the work folders."""

    folder: Path
    journal: Journal
    taken: dict[str, int] = field(default_factory=dict)
    """Records of each kind that were taken from it, being the newest."""
    strange: list[str] = field(default_factory=list)
    """Keys of records that are left out because they name files outside of their work folder."""
    torn: list[str] = field(default_factory=list)
    """Keys of exports whose files are not what their record says: they are taken, and a run makes them again."""


def merge(places: Sequence[Path], into: Path) -> list[Shard]:
    """Merge these work folders into one, which is made if it is not there; what each of them gave.

    Raises UserError where one is none, is in use, or is given twice; MachineError when the disk is full.
    """
    folders = [_work_folder(place, into) for place in places]
    if len(set(folders)) < len(folders):
        raise UserError("the same work folder is given twice")
    with ExitStack() as stack:
        workshop = stack.enter_context(Workshop.alone(into))
        for folder in folders:
            stack.enter_context(_unused(folder))
        shards = [Shard(folder, Journal(folder / JOURNAL)) for folder in folders]
        for shard in shards:
            stack.callback(shard.journal.close)
        try:
            for kind in KINDS:
                _merge_kind(kind, shards, workshop)
            for shard in shards:
                for name in ("exports", "logs", "canaries"):
                    _copy_missing(shard.folder / name, workshop.folder / name)
            merge_models([shard.folder / "models" for shard in shards], workshop.folder / "models")
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise MachineError.full(into) from error
            raise
    return shards


def _work_folder(place: Path, into: Path) -> Path:
    """The folder of a shard. Raises UserError."""
    if not (place / JOURNAL).is_file():
        parent = place.parent if place.parent.is_dir() else Path()
        known = [str(path.parent) for path in (*parent.glob(f"*/{JOURNAL}"), *place.glob(f"*/{JOURNAL}"))]
        where = f"the folders with a {JOURNAL}; `onnx-interop run --work FOLDER` makes one"
        raise unknown("work folder", str(place), known, where)
    if place.resolve() == into.resolve():
        raise UserError(f"{place} is what is merged into: it keeps what it has, leave it out of the list")
    return place.resolve()


@contextmanager
def _unused(folder: Path) -> Iterator[None]:
    """Make sure that no host works in a folder, which may be read-only. Raises UserError."""
    if not (folder / "lock").exists():
        yield
        return
    with (folder / "lock").open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f"{folder} is in use by {lock.read().strip()}: wait until that run has ended") from None
        yield


def _merge_kind(kind: str, shards: Sequence[Shard], workshop: Workshop) -> None:
    """Take in, from each shard in turn, the records of a kind that are newer than what is there by then."""
    for shard in shards:
        for key in shard.journal.keys(kind):
            record = shard.journal.get(kind, key)
            present = workshop.journal.get(kind, key)
            if record is None or record == present or (present is not None and not _is_newer(record, present)):
                continue
            if not _stays_inside(record):
                shard.strange.append(key)
                continue
            if not _take_files(kind, record, shard, workshop):
                shard.torn.append(key)
            workshop.journal.append(kind, key, record)
            shard.taken[kind] = shard.taken.get(kind, 0) + 1


def _is_newer(record: Record, present: Record) -> bool:
    """Whether a record replaces another one of its key. What only says that it was not run replaces no result."""
    was_run = [r.get("status") != "NOT_RUN" for r in (record, present)]
    if was_run[0] != was_run[1]:
        return was_run[0]
    return float(record.get("time") or 0) > float(present.get("time") or 0)


def _stays_inside(record: Record) -> bool:
    """Whether the paths of a record are such as ours are: a shard may come from anywhere."""
    for name, folder in _FOLDERS.items():
        path = record.get(name)
        if path is not None and not _is_below(path, folder):
            return False
    return True


def _is_below(path: Any, folder: str) -> bool:
    parts = PurePosixPath(path).parts if isinstance(path, str) else ()
    return len(parts) > 1 and parts[0] == folder and ".." not in parts and "\0" not in path


def _take_files(kind: str, record: Record, shard: Shard, workshop: Workshop) -> bool:
    """Copy the log of a record and, of an export, its case, over those of the one that it replaces.

    Whether a case is what its record says.
    """
    if record.get("log"):
        _replace_file(shard.folder / record["log"], workshop.folder / record["log"])
    if kind != "export" or not record.get("folder"):
        return True
    source, place = shard.folder / record["folder"], workshop.folder / record["folder"]
    if place.is_dir() and case_files(place) == record.get("files"):
        return True
    if source.is_dir() and not source.is_symlink():
        _replace_folder(source, place)
    return case_files(place) == record.get("files")


def _copy_missing(source: Path, place: Path) -> None:
    """Copy what is not there yet: files of older records, too, for nothing is to be lost."""
    for path in sorted(_plain(source)):
        if path.is_dir() and path.parent.name != "exports" and not (place / path.name).exists():
            _replace_folder(path, place / path.name)
        elif path.is_dir():
            _copy_missing(path, place / path.name)
        elif not (place / path.name).exists():
            _replace_file(path, place / path.name)


def _plain(folder: Path) -> Iterator[Path]:
    """The files and folders in a folder, but no link, pipe or device."""
    if folder.is_dir() and not folder.is_symlink():
        yield from (p for p in folder.iterdir() if not p.is_symlink() and (p.is_dir() or p.is_file()))


def _replace_file(source: Path, place: Path) -> None:
    if source.is_file() and not source.is_symlink():
        place.parent.mkdir(parents=True, exist_ok=True)
        scratch = place.with_name(f"{place.name}.new")
        shutil.copyfile(source, scratch)
        os.replace(scratch, place)


def _replace_folder(source: Path, place: Path) -> None:
    """A copy of a folder that is there whole, or not at all; without links, pipes and devices."""
    scratch = place.with_name(f"tmp-{place.name}")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(source, scratch, ignore=_strange, copy_function=shutil.copyfile)
    shutil.rmtree(place, ignore_errors=True)
    os.replace(scratch, place)


def _strange(folder: str, names: list[str]) -> list[str]:
    """Of the names in a folder, those that are not to be copied."""
    plain = {path.name for path in _plain(Path(folder))}
    return [name for name in names if name not in plain]


def told(shard: Shard) -> str:
    """What a shard gave, and what of it is left out, for a person."""
    taken = ", ".join(f"{number} {kind}{'' if kind == 'canary' else 's'}" for kind, number in shard.taken.items())
    text = f"{shard.folder}: {taken.replace('canary', 'canaries') or 'nothing new'}"
    journal = shard.journal
    left_out = journal.damaged + journal.outdated
    if left_out:
        numbers = ", ".join(map(str, journal.left_out)) + (" …" if left_out > len(journal.left_out) else "")
        which = f"{journal.damaged} damaged, {journal.outdated} of another version of the suite"
        text += f"\n  {JOURNAL}: lines left out: {which} (lines {numbers})"
    for keys, what in (
        (shard.strange, "records left out, which name files outside of their work folder"),
        (shard.torn, "exports whose files are damaged or gone, which a run makes again"),
    ):
        if keys:
            text += f"\n  {len(keys)} {what}: {', '.join(keys[:5])}{' …' if len(keys) > 5 else ''}"
    return text
