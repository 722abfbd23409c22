"""The journal of a work folder: one JSON record a line, append-only, so that a killed run goes on where it stopped.

The last record of a key counts; of cells, of which there may be a million, only its place in the file is kept in
memory. A record is good for as long as its fingerprint, the digest of all that went into it, is that of the plan. Each
line ends with a checksum of itself: one that was torn or changed is left out, and what it told is done again.
"""

from __future__ import annotations

import json
import os
import threading
import time
import zlib
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

SCHEMA = 2
Record = dict[str, Any]
_FSYNC_SECONDS = 2.0
_NAMED = 20
_BLOCK = 4096
_CHECKSUM = ',"crc":"%08x"}'


class Journal:
    """Records by kind ("export", "cell", "canary", "run", "environment") and key; thread-safe."""

    def __init__(self, path: Path) -> None:
        """Read what is there. Lines that are damaged, or of another schema, are counted, left out, and done again."""
        self.path, self.damaged, self.outdated = path, 0, 0
        self.left_out: list[int] = []
        """The numbers of the first lines, from 1, that are damaged or of another schema."""
        self._places: dict[str, dict[str, int]] = defaultdict(dict)
        self._records: dict[tuple[str, str], Record] = {}
        """All but the cells', which are read again when they are asked for."""
        self._lock, self._synced = threading.Lock(), time.monotonic()
        self._torn = self._read() if path.exists() else False
        self._descriptor = -1
        self._reader = -1

    def _read(self) -> bool:
        """Take in all whole lines; whether the last one was torn off."""
        line, place = b"\n", 0
        with self.path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if not self._take(line.rstrip(b"\n"), place) and len(self.left_out) < _NAMED:
                    self.left_out.append(number)
                place += len(line)
        return not line.endswith(b"\n")

    def _take(self, line: bytes, place: int) -> bool:
        """Take in the line that begins at this place; whether it counts."""
        try:
            record = json.loads(line)
            if record["schema"] != SCHEMA:
                self.outdated += 1
            elif line != _line(line[: -len(_CHECKSUM % 0)] + b"}"):
                self.damaged += 1
            else:
                del record["crc"]
                self._keep(record, place)
                return True
        except (ValueError, KeyError, TypeError, RecursionError):
            self.damaged += 1
        return False

    def _keep(self, record: Record, place: int) -> None:
        self._places[record["kind"]][record["key"]] = place
        if record["kind"] != "cell":
            self._records[record["kind"], record["key"]] = record

    def get(self, kind: str, key: str) -> Record | None:
        """The newest record of that key."""
        place = self._places[kind].get(key)
        return None if place is None else self._records.get((kind, key)) or self._at(place)

    def _at(self, place: int) -> Record:
        """The record of the line that begins there, which was whole when it was taken in."""
        with self._lock:
            if self._reader < 0:
                self._reader = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        line = b""
        while not line.endswith(b"\n") and (more := os.pread(self._reader, _BLOCK, place + len(line))):
            line += more[: more.find(b"\n") + 1] or more
        record: Record = json.loads(line)
        del record["crc"]
        return record

    def fresh(self, kind: str, key: str, fingerprint: str) -> Record | None:
        """The record of that key if nothing that went into it has changed, and it was not our own trouble."""
        record = self.get(kind, key)
        if record is None or record.get("fingerprint") != fingerprint or record["status"] == "NOT_RUN":
            return None
        return record

    def keys(self, kind: str) -> list[str]:
        """The keys of a kind, in the order in which they were first met."""
        return list(self._places[kind])

    def all(self, kind: str) -> Iterator[Record]:
        """The newest record of every key of a kind."""
        return (record for key in self.keys(kind) if (record := self.get(kind, key)))

    def append(self, kind: str, key: str, record: Record) -> Record:
        """Write a record; it reaches the disk within a few seconds, or at close.

        Raises OSError where it cannot be written: nothing of it is left in the file then.
        """
        record = {"schema": SCHEMA, "kind": kind, "key": key, **record}
        data = _line(json.dumps(record, separators=(",", ":"), default=float).encode()) + b"\n"
        with self._lock:
            self._keep(record, self._write(data))
            if time.monotonic() - self._synced > _FSYNC_SECONDS:
                os.fsync(self._descriptor)
                self._synced = time.monotonic()
        return record

    def _write(self, data: bytes) -> int:
        """Append a whole line, or nothing; where it begins."""
        self._open()
        end = os.lseek(self._descriptor, 0, os.SEEK_END)
        place = end + self._torn
        data, self._torn = (b"\n" if self._torn else b"") + data, False
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
        except OSError:
            with suppress(OSError):
                os.ftruncate(self._descriptor, end)
            raise
        return place

    def _open(self) -> None:
        """Open the file when there is something to write: who only reads leaves no folder behind."""
        if self._descriptor < 0:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def close(self) -> None:
        """Bring everything to the disk."""
        with self._lock:
            if self._descriptor >= 0:
                os.fsync(self._descriptor)
                os.close(self._descriptor)
                self._descriptor = -1
            if self._reader >= 0:
                os.close(self._reader)
                self._reader = -1


def _line(text: bytes) -> bytes:
    """A JSON object with a checksum of itself as its last member."""
    return text[:-1] + (_CHECKSUM % zlib.crc32(text)).encode()
