"""What a run leaves: the lines of its journal, and, where something is wrong, processes and files of its own."""

from __future__ import annotations

import json
import os
import time
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from matrix.workshop import Workshop


def living(text: str) -> list[psutil.Process]:
    """The processes, other than this one, whose environment variables mention `text`: they hand these on."""
    found = []
    for process in psutil.process_iter():
        with suppress(OSError, psutil.Error):
            variables = Path(f"/proc/{process.pid}/environ").read_bytes()  # empty for a zombie
            if process.pid != os.getpid() and text.encode() in variables:
                found.append(process)
    return found


def told(processes: list[psutil.Process]) -> list[str]:
    """The command lines of those of the processes that still live."""
    lines = []
    for process in processes:
        with suppress(psutil.Error):
            lines.append(f"{process.pid}: {' '.join(process.cmdline())[-160:]}")
    return lines


def seconds_until_gone(text: str, patience: float) -> tuple[float, list[str]]:
    """How long processes that mention `text` lived on, and those that still do after `patience` seconds: they are
    killed then."""
    begun = time.monotonic()
    while (found := living(text)) and time.monotonic() - begun < patience:
        time.sleep(0.02)
    seconds, lines = time.monotonic() - begun, told(found)
    for process in found:
        with suppress(psutil.Error):
            process.kill()
    return seconds, lines


def passing_files(work: Path) -> list[str]:
    """What lies where host and workers of that work folder pass things to each other."""
    workshop = Workshop(work)
    return [str(path) for folder in (workshop.passing, workshop.scratch) for path in (folder, *folder.rglob("*"))
            if path.exists()]  # fmt: skip


def files_of(*folders: Path) -> set[str]:
    """Every file and folder in there, by its path from the parent."""
    return {str(path.relative_to(folder.parent)) for folder in folders for path in folder.rglob("*")}


def valid_lines(journal: Path) -> list[dict[str, Any]]:
    """The records whose checksum is right."""
    found = []
    for line in journal.read_bytes().splitlines():
        text, _, checksum = line.rpartition(b',"crc":"')
        if zlib.crc32(text + b"}") == int(checksum[:8] or b"0", 16):
            found.append(json.loads(line))
    return found
