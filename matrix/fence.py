"""What keeps a worker in: its environment variables, and bubblewrap where the system has it.

Inside bubblewrap a worker has no network, sees no process but its own, and may write to its own folders alone. Where
that cannot be had, the worker still leaves the network by itself if the system lets it; each record says which.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable
from functools import cache
from pathlib import Path

#: How well a worker is fenced, as its records say.
FULL, NETWORK, NONE = "full", "network", "none"


def variables(python: Path, scratch: Path) -> dict[str, str]:
    """The environment variables of a worker: nothing of the user's, one thread per library."""
    return {
        "PATH": f"{python.parent}:/usr/local/bin:/usr/bin:/bin",
        "HOME": str(scratch),
        "TMPDIR": str(scratch),
        "LANG": "C.UTF-8",
        "CUDA_VISIBLE_DEVICES": "",
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "TF_NUM_INTRAOP_THREADS": "1",
        "TF_NUM_INTEROP_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
    }


def fenced(command: list[str], writable: Iterable[Path], readable: Iterable[Path] = ()) -> list[str]:
    """The command, behind bubblewrap where that works here; `readable` matters for folders below /dev alone."""
    return [*_bubblewrap(), *_binds(writable, readable), "--", *command] if available() else command


def _binds(writable: Iterable[Path], readable: Iterable[Path]) -> list[str]:
    # /dev is a new one, and with it /dev/shm, where the host may have put folders of a run.
    hidden = [path for path in readable if path.is_relative_to("/dev")]
    places = [("--ro-bind", path) for path in hidden] + [("--bind", path) for path in writable]
    return [word for option, path in places for word in (option, str(path), str(path))]


def _bubblewrap() -> list[str]:
    program = shutil.which("bwrap") or ""
    apart = ["--unshare-net", "--unshare-pid", "--unshare-ipc"]
    return [program, *apart, "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"] if program else []


@cache
def available() -> bool:
    """Whether bubblewrap is there and the system lets it work (containers often do not)."""
    command = _bubblewrap()
    return bool(command) and subprocess.run([*command, "--", "true"], capture_output=True, check=False).returncode == 0


def strength(network: str) -> str:
    """How well a worker is fenced that says of its network "none" or "open"."""
    return NONE if network != "none" else FULL if available() else NETWORK
