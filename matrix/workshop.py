"""The work folder: materialised models, exported files, logs, and the journal; everything in it can be made again.

models/index.json          which model lies where, for which state of models/, and what its files must be
models/NAME-DIGEST/        one reference model, named by its content
exports/SOURCE/MODEL…/     one exported file with its test data and native outputs
logs/                      what workers printed, for everything that did not pass
canaries/                  what every target is tried with first
cells.jsonl                the journal
lock                       held by the one host that works here
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import tempfile
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import cache
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import Any

from matrix.catalogue import ROOT
from matrix.errors import MachineError, UserError
from matrix.process import Place, open_plain
from matrix.records import Journal
from matrix.watcher import Watcher
from models.catalogue import all_models
from models.store import write_model

MEMORY = Path("/dev/shm")
LEAST_FREE_MB = 4
"""With less room than this, whatever fails may have failed for want of it."""
KEPT_LOG_BYTES = 200_000
"""A longer log is kept by its beginning and its end."""
#: What a case consists of for those who run it.
CASE_FILES = ("model.onnx", "native.arrays", "feeds.arrays")
REFERENCE = "reference"
"""The folder, within a case, of a model that its source brings itself."""
Index = dict[str, dict[str, Any]]


class Workshop:
    """Paths of one work folder, and its journal."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.journal = Journal(self.folder / "cells.jsonl")
        # Named by the work folder: what a killed run leaves there is found, and removed, by the next one.
        label = f"onnx-interop-{hashlib.sha256(str(self.folder).encode()).hexdigest()[:12]}"
        self.passing = (MEMORY if os.access(MEMORY, os.W_OK) else self.folder) / label
        """What passes between host and workers."""
        self.scratch = Path(tempfile.gettempdir()) / f"{label}-scratch"
        """Where each worker has its HOME and its temporary folder."""

    def share(self) -> None:
        """Have what passes between host and workers in the work folder: other machines see that, but not our memory."""
        self.passing = self.folder / "passing"

    @classmethod
    @contextmanager
    def alone(cls, folder: Path) -> Iterator[Workshop]:
        """The workshop of a folder in which nobody else works meanwhile; its journal is closed at the end.

        Raises UserError when another host works there; a dead host holds no lock.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = (folder / "lock").open("a+")
        except OSError as error:
            raise UserError(f"{folder} cannot be worked in: {error.strerror}; choose another --work") from None
        with lock as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                owner = file.read().strip() or "another process"
                raise UserError(
                    f"{folder} is in use by {owner}: wait until that run has ended, or choose another --work"
                ) from None
            file.truncate(0)
            file.write(f"process {os.getpid()}")
            file.flush()
            workshop = cls(folder)
            try:
                yield workshop
            finally:
                workshop.journal.close()

    @contextmanager
    def passing_folders(self) -> Iterator[None]:
        """The folders of what passes between host and workers: empty now, and gone afterwards."""
        places = (self.passing, self.scratch)
        for place in places:
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(parents=True, mode=0o700)
        try:
            yield
        finally:
            for place in places:
                shutil.rmtree(place, ignore_errors=True)

    def place(self, *writable: Path) -> Place:
        """Where workers of this folder are: they may write to what passes, and to these folders."""
        for folder in writable:
            folder.mkdir(parents=True, exist_ok=True)
        return Place(self.scratch, (self.passing, *writable), (self.folder,))

    def full(self) -> Path | None:
        """A folder of ours on a disk that has no room left."""
        for place in (self.folder, self.passing, self.scratch):
            if place.exists() and shutil.disk_usage(place).free < LEAST_FREE_MB * 2**20:
                return place
        return None

    def keep_log(self, log: Path, key: str, status: str) -> str | None:
        """Move the log of a job to where it stays; one of what passed, or an empty one, does not.

        Returns its path in the work folder.
        """
        text = _shortened(log) if status != "PASS" else b""
        log.unlink(missing_ok=True)
        if not text:
            return None
        kept = self.folder / "logs" / f"{safe_name(key)}.log"
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(text)
        return self.relative(kept)

    def relative(self, path: Path) -> str:
        """A path as records hold it: within the work folder, which may be moved."""
        return str(path.relative_to(self.folder))

    def export_folder(self, key: str, fingerprint: str) -> Path:
        """Where the file of an export and what belongs to it go."""
        source, rest = key.split("/", 1)
        return self.folder / "exports" / safe_name(source) / f"{safe_name(rest)}-{fingerprint[:12]}"

    def models(
        self, wanted: Iterable[tuple[str, str]], full: bool, workers: int, watcher: Watcher
    ) -> dict[tuple[str, str], Path]:
        """The folder of each (model, dtype), written now if it is not there whole, for the present code."""
        store, index_path = self.folder / "models", self.folder / "models" / "index.json"
        store.mkdir(parents=True, exist_ok=True)
        for torn in store.glob("tmp*"):  # of a run that was killed
            shutil.rmtree(torn, ignore_errors=True)
        index = _read_index(index_path)
        labels = {(name, dtype): f"{name}{'@full' if full else ''}@{dtype}" for name, dtype in wanted}
        missing = [key for key, label in labels.items() if not _is_whole(store, index.get(label), watcher)]
        watcher.begin("models", len(missing))
        if missing:
            # spawn: no thread or descriptor of the host leaks into the children.
            size, spawn = min(workers, len(missing)), get_context("spawn")
            with ProcessPoolExecutor(size, mp_context=spawn, initializer=_end_with_host) as pool:
                futures = {pool.submit(_write, *key, store, full): key for key in missing}
                for future in as_completed(futures):
                    try:
                        index[labels[futures[future]]] = future.result()
                    except BrokenProcessPool:
                        raise MachineError(
                            "a process that writes models was killed: run the same command again"
                        ) from None
                    watcher.advance("models", None)
            _replace(index_path, json.dumps({"code": models_digest(), "models": index}))
        return {key: store / index[label]["folder"] for key, label in labels.items()}


def _end_with_host() -> None:
    """End this process of the pool when the host does: it would wait for work forever, since each one of them keeps
    the others' pipe open."""

    def wait() -> None:
        if host := parent_process():
            host.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _write(name: str, dtype: str, store: Path, full: bool) -> dict[str, Any]:
    folder = write_model(all_models()[name], store, full, dtype)
    return {"folder": folder.name, "files": digests(folder)}


def _is_whole(store: Path, entry: dict[str, Any] | None, watcher: Watcher) -> bool:
    """Whether a model lies there as it was written; what does not is removed."""
    if entry is None or not (folder := store / entry["folder"]).is_dir():
        return False
    if digests(folder) == entry["files"]:
        return True
    watcher.tell(f"{folder} is damaged: it is made again")
    shutil.rmtree(folder)
    return False


def _read_index(path: Path) -> Index:
    """What is known to be written for the present code; nothing where the index is missing, damaged or stale."""
    try:
        data = json.loads(path.read_text())
        entries = {
            label: {"folder": str(e["folder"]), "files": dict(e["files"])} for label, e in data["models"].items()
        }
        return entries if data["code"] == models_digest() else {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def merge_models(stores: Iterable[Path], into: Path) -> None:
    """Copy the models of other work folders that are not there yet, as far as they are of the present code.

    What was torn on the way is noticed by its digests, and made again, when it is needed.
    """
    index = _read_index(into / "index.json")
    for store in stores:
        for label, entry in _read_index(store / "index.json").items():
            folder = entry["folder"]
            if label in index or Path(folder).name != folder or not (store / folder).is_dir():
                continue
            if not (into / folder).exists():
                scratch = into / f"tmp-{folder}"
                shutil.rmtree(scratch, ignore_errors=True)
                into.mkdir(parents=True, exist_ok=True)
                shutil.copytree(store / folder, scratch, symlinks=True)
                os.replace(scratch, into / folder)
            index[label] = entry
    if index:
        _replace(into / "index.json", json.dumps({"code": models_digest(), "models": index}))


def _replace(path: Path, text: str) -> None:
    scratch = path.with_name(f"tmp-{path.name}")
    scratch.write_text(text)
    os.replace(scratch, path)


def _shortened(log: Path) -> bytes:
    """The text of a log, without the middle where it is long; nothing where there is no such file."""
    half = KEPT_LOG_BYTES // 2
    try:
        with open_plain(log) as file:
            size = os.fstat(file.fileno()).st_size
            if size <= KEPT_LOG_BYTES:
                return file.read()
            head = file.read(half)
            file.seek(-half, os.SEEK_END)
            return head + f"\n… {size - 2 * half} bytes left out …\n".encode() + file.read(half)
    except OSError:
        return b""


def digests(folder: Path) -> dict[str, str]:
    """A digest of each file in a folder, by which one that is torn or changed is noticed."""
    return _digests(sorted(folder.iterdir()))


def _digests(paths: Iterable[Path]) -> dict[str, str]:
    return {path.name: _file_digest(path) for path in paths if path.is_file() and not path.is_symlink()}


def case_files(folder: Path) -> dict[str, str]:
    """A digest of each file that a case consists of, where there is one."""
    return _digests(folder / name for name in CASE_FILES)


def clear_case(case: Path) -> None:
    """Leave nothing in the folder of a case but what an export is to write: the check writes there next."""
    for path in case.iterdir():
        if path.name not in ("model.onnx", "native.arrays", REFERENCE):
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


@cache
def models_digest() -> str:
    """A digest of all code that describes the models."""
    return digest_of(*sorted((ROOT / "models").rglob("*.py")))


@cache
def digest_of(*paths: Path) -> str:
    """A digest of the contents of files."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def safe_name(key: str) -> str:
    """A key as a file name: no separators, nothing hidden, and short enough for every file system."""
    name = re.sub(r"[^\w@.+-]+", "--", key, flags=re.ASCII)
    if len(name) > 150:
        name = f"{name[:120]}-{hashlib.sha256(key.encode(errors='replace')).hexdigest()[:16]}"
    return name
