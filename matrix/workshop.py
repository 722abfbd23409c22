"""The work folder: materialised models, exported files, logs, and the journal; everything in it can be made again.

models/index.json          which model lies where, for which state of models/
models/NAME-DIGEST/        one reference model, named by its content
exports/SOURCE/MODEL…/     one exported file with its test data and native outputs
logs/                      what workers printed, for everything that did not pass
cells.jsonl                the journal
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import cache
from multiprocessing import get_context
from pathlib import Path

from matrix.catalogue import ROOT
from matrix.records import Journal
from matrix.watcher import Watcher
from models.catalogue import all_models
from models.store import write_model

MEMORY = Path("/dev/shm")


class Workshop:
    """Paths of one work folder, and its journal."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.journal = Journal(self.folder / "cells.jsonl")
        # Named by the work folder: what a killed run leaves there is found, and removed, by the next one.
        label = hashlib.sha256(str(self.folder).encode()).hexdigest()[:12]
        self.passing = (MEMORY if os.access(MEMORY, os.W_OK) else self.folder) / f"onnx-interop-{label}"

    def clear_passing(self) -> None:
        """Empty the folder of what passes between host and workers."""
        shutil.rmtree(self.passing, ignore_errors=True)
        self.passing.mkdir(parents=True)

    def keep_log(self, log: Path, key: str, status: str) -> str | None:
        """Move the log of a job to where it stays; one of what passed, or an empty one, does not. Returns its path."""
        if not log.exists():
            return None
        if status == "PASS" or log.stat().st_size == 0:
            log.unlink()
            return None
        place = self.folder / "logs" / f"{safe_name(key)}.log"
        place.parent.mkdir(parents=True, exist_ok=True)
        return str(shutil.move(log, place))

    def export_folder(self, key: str, fingerprint: str) -> Path:
        """Where the file of an export and what belongs to it go."""
        source, rest = key.split("/", 1)
        return self.folder / "exports" / safe_name(source) / f"{safe_name(rest)}-{fingerprint[:12]}"

    def models(self, names: Iterable[str], full: bool, workers: int, watcher: Watcher) -> dict[str, Path]:
        """The folder of each model, written now if it is not there for the present state of the code."""
        store, index_path = self.folder / "models", self.folder / "models" / "index.json"
        store.mkdir(parents=True, exist_ok=True)
        index = _read_index(index_path)
        wanted = {name: f"{name}{'@full' if full else ''}" for name in names}
        missing = [n for n, label in wanted.items() if label not in index or not (store / index[label]).is_dir()]
        watcher.begin("models", len(missing))
        if missing:
            # spawn: no thread or descriptor of the host leaks into the children.
            with ProcessPoolExecutor(min(workers, len(missing)), mp_context=get_context("spawn")) as pool:
                futures = {pool.submit(_write, name, store, full): name for name in missing}
                for future in as_completed(futures):
                    index[wanted[futures[future]]] = future.result()
                    watcher.advance("models", None)
            _replace(index_path, json.dumps({"code": models_digest(), "models": index}))
        return {name: store / index[label] for name, label in wanted.items()}


def _write(name: str, store: Path, full: bool) -> str:
    return write_model(all_models()[name], store, full).name


def _read_index(path: Path) -> dict[str, str]:
    """What is known to be written for the present code; nothing where the index is missing, damaged or stale."""
    try:
        data = json.loads(path.read_text())
        return dict(data["models"]) if data["code"] == models_digest() else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _replace(path: Path, text: str) -> None:
    scratch = path.with_suffix(f".{os.getpid()}")
    scratch.write_text(text)
    os.replace(scratch, path)


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
    """A key as a file name."""
    return re.sub(r"[^\w@.+-]+", "--", key)
