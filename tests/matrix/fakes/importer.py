"""An importer whose option says how it behaves, run in the real worker. Its model file is never opened: y is 2 x."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

PACKAGES = ("numpy",)
UNSUPPORTED = (r"^ValueError: no kernel for",)
#: Kept alive for as long as the process lives.
HOARD: list[bytearray] = []
#: What tells this process from others, whose numbers may be the same on either side of a fence.
IDENTITY = uuid.uuid4().hex
Outputs = dict[str, Any]


class KernelError(Exception):
    """A native exception type of the pretended runtime."""


def _raise(error: BaseException) -> Any:
    raise error


def _die(number: int) -> Any:
    os.kill(os.getpid(), number)
    time.sleep(60)


def _sleep() -> Any:
    print("about to sleep", flush=True)
    time.sleep(60)


def _sleep_deaf() -> Any:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(60)


def _hoard() -> Any:
    """Takes memory until somebody stops it, or 2 GB."""
    for _ in range(200):
        HOARD.append(bytearray(b"x") * (10 * 2**20))
        time.sleep(0.02)


def _flood() -> None:
    """10 MB by Python's print, 10 MB by a system call, and something that looks like an answer."""
    line = "x" * 1023
    for _ in range(10 * 1024):
        print(line)
    sys.stdout.flush()
    for _ in range(10):
        os.write(1, b"y" * 2**20)
    os.write(1, b'\n{"event": "done", "id": "0", "status": "CRASH"}\n')
    ctypes.CDLL(None).puts(b"from C")


def _leave_child() -> None:
    """It is told by its command line, since its number may mean another process on the host."""
    seconds = f"60.{uuid.uuid4().int}"
    subprocess.Popen(["sleep", seconds])
    print(f"child {seconds}")


def _die_later() -> None:
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGKILL)).start()


def _tell_surroundings() -> Any:
    """Prints what this process can see, as JSON."""
    home = Path(os.environ["HOME"])
    (home / "cache").write_text("left by a framework")
    print(json.dumps({"variables": dict(os.environ), "cwd": os.getcwd(), "home": str(home), "pid": os.getpid()}))


def _connect(port: int) -> Any:
    with socket.create_connection(("127.0.0.1", port), timeout=2):
        print("connected")


#: What `load` does before it returns.
LOAD: dict[str, Callable[[], Any]] = {
    "raise in load": lambda: _raise(RuntimeError("cannot read the file")),
    "hang in load": _sleep,
}

#: What `run` does before it returns 2 x.
BEFORE: dict[str, Callable[[], Any]] = {
    "abort": os.abort,
    "child": _leave_child,
    "die later": _die_later,
    "exit": lambda: os._exit(0),
    "exit 3": lambda: os._exit(3),
    "flood": _flood,
    "hang": _sleep,
    "hang deaf": _sleep_deaf,
    "hoard": _hoard,
    "interrupt": lambda: _raise(KeyboardInterrupt()),
    "memory error": lambda: _raise(MemoryError("std::bad_alloc")),
    "no kernel": lambda: _raise(ValueError("no kernel for Mish")),
    "not implemented": lambda: _raise(NotImplementedError("no LSTM here")),
    "raise": lambda: _raise(KernelError("the kernel said no\nwith details")),
    "segfault": lambda: _die(signal.SIGSEGV),
    "slow": lambda: time.sleep(0.02),
    "surroundings": _tell_surroundings,
    "sys.exit": lambda: sys.exit("leaving"),
    "value error": lambda: _raise(ValueError("a kernel for Mish is broken")),
}

#: What `run` makes of the right outputs.
AFTER: dict[str, Callable[[Outputs], Any]] = {
    "as list": lambda y: [[1.0, 2.0], [3.0, 4.0]],
    "extra": lambda y: {**y, "z": y["y"]},
    "float64": lambda y: {"y": y["y"].astype(np.float64)},
    "missing": lambda y: {},
    "nan": lambda y: {"y": y["y"] * np.nan},
    "none": lambda y: None,
    "none inside": lambda y: {"y": None},
    "text": lambda y: {"y": np.array(["a", "b"])},
    "transposed": lambda y: {"y": y["y"].T},
}


def load(path: str, request: SimpleNamespace) -> str:
    option = str(request.option)
    LOAD.get(option, lambda: None)()
    return option


def run(session: str, inputs: dict[str, Any]) -> Any:
    if session.startswith("connect "):
        _connect(int(session.split()[1]))
    BEFORE.get(session, lambda: None)()
    outputs = {"y": inputs["x"] * 2}
    return AFTER[session](outputs) if session in AFTER else outputs


def describe(session: str) -> Any:
    return {"device": object()} if session == "no JSON" else {"pid": os.getpid(), "process": IDENTITY}
