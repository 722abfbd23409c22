"""The journal of a work folder: one JSON record a line, append-only, so that a killed run goes on where it stopped.

The last record of a key counts. A record is good for as long as its fingerprint, the digest of all that went into
it, is that of the plan.
"""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path
from typing import Any, TextIO

SCHEMA = 1
Record = dict[str, Any]
_FSYNC_SECONDS = 2.0


class Journal:
    """Records by kind ("export", "cell", "environment") and key; thread-safe."""

    def __init__(self, path: Path) -> None:
        """Read what is there. Lines that cannot be read are counted in `damaged`, left out, and so done again."""
        self.path, self.damaged = path, 0
        self._records: dict[tuple[str, str], Record] = {}
        self._lock, self._synced = threading.Lock(), time.monotonic()
        self._torn = self._read() if path.exists() else False
        self._file: TextIO | None = None

    def _read(self) -> bool:
        """Take in all whole lines; whether the last one was torn off."""
        line = "\n"
        with self.path.open(errors="replace") as file:
            for line in file:
                try:
                    record = json.loads(line)
                    if record["schema"] == SCHEMA:
                        self._records[record["kind"], record["key"]] = record
                except (ValueError, KeyError, TypeError):
                    self.damaged += 1
        return not line.endswith("\n")

    def get(self, kind: str, key: str) -> Record | None:
        """The newest record of that key."""
        return self._records.get((kind, key))

    def fresh(self, kind: str, key: str, fingerprint: str) -> Record | None:
        """The record of that key if nothing that went into it has changed, and it was not our own trouble."""
        record = self.get(kind, key)
        if record is None or record.get("fingerprint") != fingerprint or record["status"] == "NOT_RUN":
            return None
        return record

    def all(self, kind: str) -> list[Record]:
        """The newest record of every key of a kind."""
        return [record for (own, _), record in self._records.items() if own == kind]

    def append(self, kind: str, key: str, record: Record) -> Record:
        """Write a record; it reaches the disk within a few seconds, or at close."""
        record = {"schema": SCHEMA, "kind": kind, "key": key, **record}
        line = json.dumps(record, separators=(",", ":"), default=float) + "\n"
        with self._lock:
            self._records[kind, key] = record
            self._file = self._file or self._opened()
            self._file.write(line)
            self._file.flush()
            if time.monotonic() - self._synced > _FSYNC_SECONDS:
                os.fsync(self._file.fileno())
                self._synced = time.monotonic()
        return record

    def _opened(self) -> TextIO:
        """The file, opened when there is something to write: who only reads leaves no folder behind."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = self.path.open("a")
        if self._torn:
            file.write("\n")
            self._torn = False
        return file

    def close(self) -> None:
        """Bring everything to the disk."""
        with self._lock:
            if self._file:
                self._file.flush()
                os.fsync(self._file.fileno())
                self._file.close()
                self._file = None
