"""An importer whose option says how it behaves, run in the real worker. Its model file is never opened: y is 2 x."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import json
import os
import resource
import signal
import socket
import stat
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


def _leave_grandchild() -> None:
    """A process with a session of its own, which holds all that this one holds open, the way to the host included."""
    if os.fork() == 0:
        os.setsid()
        os.execvp("sleep", ["sleep", _said(f"60.{uuid.uuid4().int}")])
    time.sleep(0.2)


def _said(seconds: str) -> str:
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            os.set_inheritable(int(name), True)
    print(f"child {seconds}", flush=True)
    return seconds


def _channel() -> int:
    """The descriptor on which the worker speaks to the host: the last pipe that can be written to."""
    pipes = []
    for number in range(3, 64):
        with contextlib.suppress(OSError):
            if stat.S_ISFIFO(os.fstat(number).st_mode) and fcntl.fcntl(number, fcntl.F_GETFL) & os.O_WRONLY:
                pipes.append(number)
    return pipes[-1]


def _say(text: bytes) -> None:
    while text:
        text = text[os.write(_channel(), text) :]


def _half_an_answer() -> None:
    _say(b'{"event": "done", "status": "OK", "sta')
    os._exit(0)


def _forge(answer: str) -> None:
    """Answers for this job, by the token that the worker keeps: some frame has it."""
    frame = sys._getframe()
    while "job" not in frame.f_locals:
        assert frame.f_back is not None
        frame = frame.f_back
    _say(f'\n{{"event": "done", "token": "{frame.f_locals["job"]["token"]}", {answer}}}\n'.encode())
    time.sleep(60)


def _close_output() -> None:
    sys.stdout.close()
    sys.stderr.close()
    for number in (1, 2):
        with contextlib.suppress(OSError):
            os.close(number)


def _move() -> None:
    os.chdir("/")
    os.environ["OMP_NUM_THREADS"] = "77"
    os.environ["LEFT_BEHIND"] = "by another job"


def _print_without_end() -> None:
    while True:
        print("x" * 1000)


def _start_thread() -> None:
    threading.Thread(target=time.sleep, args=(60,)).start()


def _die_once(path: str) -> None:
    """Dies where it was not before; the model's folder tells."""
    marker = Path(path).with_name("was-here")
    if not marker.exists():
        marker.touch()
        _die(signal.SIGSEGV)


def _spy(path: str) -> None:
    """Tries to get at what is none of its business, and prints what came of it, as JSON."""
    outside = Path(path).with_name("outside")
    found = {}
    attempts: dict[str, Callable[[], Any]] = {
        "write": lambda: (outside / "written").write_text("by a worker"),
        "secret": lambda: [p.read_bytes().decode() for p in Path("/proc").glob("[0-9]*/environ") if os.access(p, 4)],
        "socket": lambda: socket.create_connection(("127.0.0.1", int((outside / "port").read_text())), 2).close(),
        "kill": lambda: os.kill(int((outside / "pid").read_text()), 0),
        "core": lambda: resource.getrlimit(resource.RLIMIT_CORE),
        "nice": lambda: os.nice(0),
    }
    for name, attempt in attempts.items():
        try:
            found[name] = attempt()
        except OSError as error:
            found[name] = type(error).__name__
    print(json.dumps(found))


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
LOAD: dict[str, Callable[[str], Any]] = {
    "die once": _die_once,
    "hang in load": lambda path: _sleep(),
    "raise in load": lambda path: _raise(RuntimeError("cannot read the file")),
    "spy": _spy,
}

#: What `run` does before it returns 2 x.
BEFORE: dict[str, Callable[[], Any]] = {
    "abort": os.abort,
    "child": _leave_child,
    "close all": lambda: os.closerange(0, 256),
    "close output": _close_output,
    "die later": _die_later,
    "disk full": lambda: _raise(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))),
    "disk full, natively": lambda: _raise(RuntimeError("cannot write cache: No space left on device")),
    "exit": lambda: os._exit(0),
    "exit 3": lambda: os._exit(3),
    "endless": _print_without_end,
    "flood": _flood,
    "forged pass": lambda: _forge('"status": "PASS", "stage": "run", "message": "", "seconds": {}, "peak_mb": 1'),
    "forged half": lambda: _forge('"status": "OK"'),
    "flood the host": lambda: _say(b"z" * 10 * 2**20),
    "garbage": lambda: _say(b"\nnot JSON\n[1]\n{}\nnull\n\xff\xfe\n" + b"[" * 5000 + b"\n"),
    "grandchild": _leave_grandchild,
    "half": _half_an_answer,
    "hang": _sleep,
    "hang deaf": _sleep_deaf,
    "hoard": _hoard,
    "illegal": lambda: _die(signal.SIGILL),
    "input": sys.stdin.read,
    "interrupt": lambda: _raise(KeyboardInterrupt()),
    "memory error": lambda: _raise(MemoryError("std::bad_alloc")),
    "move": _move,
    "no kernel": lambda: _raise(ValueError("no kernel for Mish")),
    "not implemented": lambda: _raise(NotImplementedError("no LSTM here")),
    "raise": lambda: _raise(KernelError("the kernel said no\nwith details")),
    "segfault": lambda: _die(signal.SIGSEGV),
    "slow": lambda: time.sleep(0.02),
    "stale": lambda: _say(b'\n{"event": "done", "token": "0123456789abcdef", "status": "OK", "stage": "run"}\n'),
    "surroundings": _tell_surroundings,
    "sys.exit": lambda: sys.exit("leaving"),
    "thread": _start_thread,
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
    "objects": lambda y: {"y": np.array([object()])},
    "random": lambda y: {"y": y["y"] + np.float32(time.time_ns() % 1000 / 1e6)},
    "text": lambda y: {"y": np.array(["a", "b"])},
    "transposed": lambda y: {"y": y["y"].T},
}


def load(path: str, request: SimpleNamespace) -> str:
    option = str(request.option)
    if option in LOAD:
        LOAD[option](path)
    return option


def run(session: str, inputs: dict[str, Any]) -> Any:
    if session.startswith("connect "):
        _connect(int(session.split()[1]))
    BEFORE.get(session, lambda: None)()
    outputs = {"y": inputs["x"] * 2}
    return AFTER[session](outputs) if session in AFTER else outputs


def describe(session: str) -> Any:
    told = {"no JSON": {"device": object()}, "long answer": {"device": "x" * 2_000_000}}
    return told.get(session, {"pid": os.getpid(), "process": IDENTITY})
