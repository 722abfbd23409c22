"""A worker process, seen from the host: starting it, giving it jobs, waiting for its answers, ending it.

Every wait is bounded, and the limits are kept from outside: the wall clock of each stage, the memory of the worker and
all that it has started, the length of its log. What the worker says counts only if it bears the token of the job in
hand.
"""

from __future__ import annotations

import errno
import json
import os
import secrets
import select
import shutil
import signal
import stat
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import psutil

from matrix import fence
from matrix.environments import Environment
from matrix.guard import GRACE

GUARD = Path(__file__).with_name("guard.py")
LOOK_SECONDS = 0.2
"""How often memory and log are looked at."""
LONGEST_LINE = 4 * 2**20
"""A worker that says more than this (in bytes) without an end of line says nothing."""
LOG_BYTES = 128 * 2**20
KEPT_LOG_BYTES = 2**20
"""A log that grows beyond LOG_BYTES is cut to its beginning; what is printed later follows that."""
STAGES = ("load", "build", "native", "export", "check", "run", "compare")
ANSWERS = ("OK", "UNSUPPORTED", "ERROR", "MEMORY", "NOT_RUN")
"""What a worker can say of a job: that it PASSes is found by the host alone."""
_ANSWER = {"status": str, "stage": str, "message": str, "seconds": dict, "peak_mb": int}
Message = dict[str, Any]
Job = dict[str, Any]


@dataclass(frozen=True)
class Limits:
    """What one stage of a job, and one worker, may use."""

    seconds: float = 120.0
    """Wall clock for each stage."""
    start_seconds: float = 120.0
    """Wall clock for the import of the framework."""
    memory_mb: int = 6000
    """Resident memory of the worker and its children."""
    file_mb: int = 8192
    """Size of any one file that it writes."""
    nice: int = 0
    """Added to the scheduling priority: 19 leaves a person at the machine undisturbed."""


@dataclass(frozen=True)
class Result:
    """How a job ended: OK, UNSUPPORTED, ERROR, CRASH, TIMEOUT, MEMORY, FLAKY, or NOT_RUN (our own trouble)."""

    status: str
    stage: str
    message: str = ""
    value: Any = None
    seconds: dict[str, float] = field(default_factory=dict)
    peak_mb: int = 0
    worker: Message = field(default_factory=dict)
    """What the worker said of itself: python, fence, isolated, import_seconds."""
    log: Path | None = None
    """What was printed."""
    attempts: list[Message] = field(default_factory=list)
    """Every attempt, where there was more than one: status, stage, message, and whether in a fresh process."""


LOST = "LOST"
"""The status of a job that the worker did not live to begin: it says nothing about the job."""


@dataclass(frozen=True)
class Place:
    """Where workers are and what they may touch: their own folders are made in `scratch`."""

    scratch: Path = Path(tempfile.gettempdir())
    writable: tuple[Path, ...] = ()
    readable: tuple[Path, ...] = ()


class StoppedError(Exception):
    """The run was stopped while a worker was waited for."""


@contextmanager
def started(
    environment: Environment, kind: str, module: Path, limits: Limits, place: Place, stop: threading.Event
) -> Iterator[Worker]:
    """A worker with a folder of its own, which goes with it. To wait for it raises StoppedError once `stop` is set."""
    place.scratch.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix="onnx-interop-", dir=place.scratch))
    worker = Worker(environment, limits, scratch, stop)
    try:
        worker.start(kind, module, place)
        yield worker
    finally:
        worker.end()
        shutil.rmtree(scratch, ignore_errors=True)


class Worker:
    """A worker process; `done` counts the jobs that it has answered for."""

    def __init__(self, environment: Environment, limits: Limits, scratch: Path, stop: threading.Event) -> None:
        self.environment, self.limits, self.scratch, self._stop = environment, limits, scratch, stop
        self.alive, self.done = False, 0
        self.hello: Message = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._lifeline = -1
        self._buffer, self._log = b"", scratch / "start.log"
        self._begun, self._killed_before = time.monotonic(), _killed_for_memory()

    # -- its beginning and end -----------------------------------------------------------------------------------

    def start(self, kind: str, module: Path, place: Place) -> None:
        """Start the process; where that cannot be done, `start.log` says why."""
        settings = json.dumps({"file_mb": self.limits.file_mb, "nice": self.limits.nice})
        reading, self._lifeline = os.pipe()
        inner = [self.environment.python, "-I", GUARD, reading, kind, module, self.scratch, settings]
        command = fence.fenced([str(part) for part in inner], (self.scratch, *place.writable), place.readable)
        try:
            with self._log.open("wb") as log:
                self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    cwd=self.scratch,
                    env=fence.variables(self.environment.python, self.scratch),
                    pass_fds=[reading],
                    start_new_session=True,
                )
                self.alive = True
        except OSError as error:
            self._log.write_text(str(error))
        finally:
            os.close(reading)

    def greet(self) -> str:
        """Wait until the framework is imported; why the environment cannot be used, or ""."""
        message = self._receive(time.monotonic() + self.limits.start_seconds, self.limits.start_seconds)
        if message["event"] == "hello":
            self.hello = {**message, "fence": fence.strength(message.get("network", "open"))}
            self.hello["start_seconds"] = round(time.monotonic() - self._begun, 3)
            return ""
        self.end()
        if message["event"] == "broken":
            return f"environment {self.environment.name} is broken: {message['message']}"
        lines = self._log.read_text(errors="replace").strip().splitlines()
        reason = ": ".join([obituary(message)[1], *lines[-1:]])
        return f"environment {self.environment.name} does not start: {reason}"

    def end(self) -> None:
        """End the worker and all that it has started; the guard has GRACE for it, then it is killed with the rest."""
        self.alive = False
        if self._lifeline >= 0:
            os.close(self._lifeline)
            self._lifeline = -1
        if self._process is None:
            return
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):  # a job that it did not live to read
                    pipe.close()
        if not self._ended_within(2 * GRACE):
            for member in self._family():
                with suppress(psutil.Error):
                    member.kill()
            self._ended_within(GRACE)  # if not even the kernel can end it, we do not wait for it
        self._process = None

    def _ended_within(self, seconds: float) -> bool:
        """Wait for the end of the process, and be there at once: `Popen.wait` looks only every now and then."""
        if self._process is None or self._process.poll() is not None:
            return True
        try:
            descriptor = os.pidfd_open(self._process.pid)
        except OSError:  # a kernel before Linux 5.3
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(seconds)
        else:
            select.select([descriptor], [], [], seconds)
            os.close(descriptor)
        return self._process.poll() is not None

    def _family(self) -> list[psutil.Process]:
        """The process and all its descendants."""
        try:
            process = psutil.Process(self._process.pid if self._process else -1)
            return [process, *process.children(recursive=True)]
        except (psutil.Error, ValueError):
            return []

    # -- its jobs ------------------------------------------------------------------------------------------------

    def send(self, job: Job) -> None:
        """Give it a job, with a token that no other job has had."""
        job["token"] = secrets.token_hex(8)
        if self._process is None or self._process.stdin is None:
            return
        data, descriptor = (json.dumps(job) + "\n").encode(), self._process.stdin.fileno()
        os.set_blocking(descriptor, False)  # one that does not listen is found by result(), not waited for here
        deadline = time.monotonic() + self.limits.seconds
        with suppress(BrokenPipeError):  # it died: result() will say so
            while data and time.monotonic() < deadline and not self._stop.is_set():
                if select.select([], [descriptor], [], LOOK_SECONDS)[1]:
                    data = data[os.write(descriptor, data) :]

    def result(self, job: Job) -> Result:
        """Wait for the end of `job`, stage by stage; LOST when the worker died before it began."""
        self._log = Path(job["log"])
        stage, begun, spent = "", time.monotonic(), dict[str, float]()
        while True:
            left = self.limits.seconds - spent.get(stage, 0.0)
            message = self._receive(begun + left, self.limits.seconds, job["token"])
            now = time.monotonic()
            spent[stage] = spent.get(stage, 0.0) + now - begun
            begun = now
            if message["event"] == "stage":
                stage = message["stage"] if message.get("stage") in STAGES else stage
            elif message["event"] == "done":
                return self._answered(message, job)
            else:
                self._died(message)
                del spent[""]
                status, text = obituary(message, _killed_for_memory() - self._killed_before)
                status = LOST if status == "CRASH" and not stage else status
                peak = message.get("peak_mb", 0)
                return Result(status, stage or "load", text, None, spent, peak, self.hello, self._log)

    def _answered(self, message: Message, job: Job) -> Result:
        self.done += 1
        own: Message = {name: message.get(name) for name in _ANSWER}
        if own["status"] not in ANSWERS or not all(isinstance(own[name], kind) for name, kind in _ANSWER.items()):
            own = {"status": "NOT_RUN", "stage": "load", "message": f"no answer of a worker: {str(message)[:500]}"}
        return Result(**own, value=message.get("result"), worker=self.hello, log=Path(job["log"]))

    def _died(self, message: Message) -> None:
        """The job is over without an answer; only the fork of an isolated job leaves a worker behind that lives."""
        self.done += 1
        if message["event"] != "died":
            self.end()

    # -- what it says --------------------------------------------------------------------------------------------

    def _receive(self, deadline: float, seconds: float, token: str | None = None) -> Message:
        """The next message that bears `token`, or that of the guard; one of our own when a limit is exceeded."""
        peak, look = 0, time.monotonic() + LOOK_SECONDS
        while True:
            message = self._next_message()
            # What bears another token is of another job, or of somebody who took our pipe for stdout.
            if message is not None and (message.get("token") == token or message["event"] == "exit"):
                return {"peak_mb": peak, **message}
            if message is None and not self._wait_for_more():
                return {"event": "exit", **self._exit_status(), "peak_mb": peak}
            now = time.monotonic()
            if now > look:
                look, peak = now + LOOK_SECONDS, max(peak, self._memory_mb())
                self._trim_log()
            if peak > self.limits.memory_mb:
                return {"event": "memory", "peak_mb": peak, "limit": self.limits.memory_mb}
            if now > deadline:
                return {"event": "timeout", "peak_mb": peak, "limit": seconds}
            if self._stop.is_set():
                raise StoppedError

    def _wait_for_more(self) -> bool:
        """Take in what there is to read, waiting a moment; False when nothing more can come."""
        if not self.alive or self._process is None or self._process.stdout is None:
            return False
        readable, _, _ = select.select([self._process.stdout], [], [], LOOK_SECONDS)
        if readable:
            data = os.read(self._process.stdout.fileno(), 65536)
            if not data:
                return False
            self._buffer += data
            if len(self._buffer) > LONGEST_LINE:
                self._buffer = b""
        return True

    def _exit_status(self) -> Message:
        """How the process ended that closed its pipe without a word; it may not have ended at all."""
        code = 127
        if self._process is not None:
            with suppress(subprocess.TimeoutExpired):
                code = self._process.wait(GRACE)
        return {"signal": max(0, -code), "code": max(0, code)}

    def _next_message(self) -> Message | None:
        """The next line of the buffer that is a message."""
        while b"\n" in self._buffer:
            line, self._buffer = self._buffer.split(b"\n", 1)
            try:
                message = json.loads(line or b"{}")
            except (ValueError, RecursionError):
                continue
            if isinstance(message, dict) and "event" in message:
                return message
        return None

    def _memory_mb(self) -> int:
        """Resident memory of the worker and all its children."""
        total = 0
        for member in self._family():
            with suppress(psutil.Error):
                total += member.memory_info().rss
        return total // 2**20

    def _trim_log(self) -> None:
        """Keep an endless log from filling the disk (or the memory: it may lie there); it is open for appending."""
        if self._log.is_file() and self._log.stat().st_size > LOG_BYTES:
            # A worker may have put a link in its place.
            with suppress(OSError), open_plain(self._log, os.O_WRONLY) as log:
                os.ftruncate(log.fileno(), KEPT_LOG_BYTES)


def open_plain(path: Path, flags: int = os.O_RDONLY) -> BinaryIO:
    """Open a file that a worker has written. Raises OSError for a link, a pipe or a device in its place."""
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "no plain file", str(path))
    return os.fdopen(descriptor, "wb" if flags & os.O_WRONLY else "rb")


def _killed_for_memory() -> int:
    """How many processes the kernel has killed for want of memory since the system started."""
    try:
        lines = Path("/proc/vmstat").read_text().splitlines()
        return int(next(line.split()[1] for line in lines if line.startswith("oom_kill ")))
    except (OSError, StopIteration, ValueError):
        return 0


def obituary(message: Message, killed_for_memory: int = 0) -> tuple[str, str]:
    """Status and message of a job whose worker did not live to answer."""
    if message["event"] == "timeout":
        return "TIMEOUT", f"no end after {message['limit']:.0f} s"
    if message["event"] == "memory":
        return "MEMORY", f"{message['peak_mb']} MB in use, {message['limit']} MB allowed"
    number = message.get("signal", 0)
    if number == signal.SIGKILL and killed_for_memory:
        return "MEMORY", "killed by the system, which was out of memory"
    if number:
        return "CRASH", f"killed by {_signal_name(number)}"
    return "CRASH", f"the process left with exit code {message.get('code', 127)}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
