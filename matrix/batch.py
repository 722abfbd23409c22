"""Running a list of jobs in an environment, through a worker process that may die at any of them.

`run_batch` takes jobs from its queue until that is empty, so several workers may share one queue; `run_batches` does
so for many queues with a few threads.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from matrix.environments import Environment

WORKER = Path(__file__).with_name("worker.py")
GRACE = 2.0
"""Seconds between TERM and KILL."""
JOBS_WORTH_A_START = 8
"""A second worker joins a batch only while more jobs than this are left."""


@dataclass(frozen=True)
class Limits:
    """What one stage of a job, and one worker, may use."""

    seconds: float = 120.0
    """Wall clock for each stage."""
    start_seconds: float = 120.0
    """Wall clock for the import of the framework."""
    memory_mb: int = 6000


@dataclass(frozen=True)
class Result:
    """How a job ended: OK, UNSUPPORTED, ERROR, CRASH, TIMEOUT, MEMORY, or NOT_RUN (our own trouble)."""

    status: str
    stage: str
    message: str = ""
    value: Any = None
    seconds: dict[str, float] = field(default_factory=dict)
    peak_mb: int = 0
    worker: dict[str, Any] = field(default_factory=dict)
    """What the worker said of itself: python, network, import_seconds."""
    log: Path | None = None
    """What was printed."""


@dataclass
class Batch:
    """Jobs of one kind for one module in one environment. Each job has an "id" and a "log"."""

    environment: Environment
    kind: str
    module: Path
    jobs: deque[dict[str, Any]]
    workers: int = 0
    """Workers that are busy with it now."""


OnResult = Callable[[dict[str, Any], Result], None]


def run_batches(batches: list[Batch], workers: int, limits: Limits, on_result: OnResult, stop: threading.Event) -> int:
    """Work the batches off with so many workers at a time; returns how many were started.

    A worker that is free takes the batch with the most jobs for each worker on it: few processes are started, since
    an import may take seconds, and all end at about the same time.
    """
    lock, started = threading.Lock(), 0

    def next_batch() -> Batch | None:
        nonlocal started
        with lock:
            worth_it = [b for b in batches if len(b.jobs) > (JOBS_WORTH_A_START if b.workers else 0)]
            batch = max(worth_it, key=lambda b: len(b.jobs) / (1 + b.workers), default=None)
            if batch is not None:
                batch.workers, started = batch.workers + 1, started + 1
            return batch

    def work() -> None:
        while not stop.is_set() and (batch := next_batch()) is not None:
            run_batch(batch, limits, on_result, stop)
            with lock:
                batch.workers -= 1

    with ThreadPoolExecutor(workers) as pool:
        try:
            for future in [pool.submit(work) for _ in range(workers)]:
                future.result()
        except BaseException:
            stop.set()  # the pool waits for its threads, so they must be told before
            raise
    return started


def run_batch(batch: Batch, limits: Limits, on_result: OnResult, stop: threading.Event) -> None:
    """Run the jobs of the batch and hand each result to `on_result`, once; a dead worker is replaced.

    The next job is under way while `on_result` looks at the last one. When `stop` is set the worker is ended, and the
    job in hand has no result.
    """
    while batch.jobs and not stop.is_set():
        with _worker(batch, limits, stop) as worker:
            hello = worker.receive(limits.start_seconds)
            if hello["event"] == "stopped":
                return
            if hello["event"] != "hello":
                result = Result("NOT_RUN", "load", _not_started(batch, worker, hello))
                while job := _take(batch):
                    on_result(job, result)
                return
            _converse(batch, worker, hello, on_result)


def _converse(batch: Batch, worker: _Worker, hello: dict[str, Any], on_result: OnResult) -> None:
    """Give jobs to a worker for as long as it lives and there are some."""
    job = _take(batch)
    if job:
        worker.send(job)
    while job:
        result = worker.result(job, hello)
        if result is None:
            return
        following = _take(batch) if worker.alive else None
        if following:
            worker.send(following)
        on_result(job, result)
        job = following


class Service:
    """One worker that answers single jobs, whichever thread asks; a dead one is replaced. To be used with `with`."""

    def __init__(self, batch: Batch, limits: Limits, stop: threading.Event) -> None:
        self._batch, self._limits, self._stop = batch, limits, stop
        self._lock, self._open = threading.Lock(), ExitStack()
        self._worker: _Worker | None = None
        self._hello: dict[str, Any] = {}

    def __enter__(self) -> Service:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def ask(self, job: dict[str, Any]) -> Result | None:
        """The result of one job; None when the run was stopped meanwhile."""
        with self._lock:
            if self._worker is None or not self._worker.alive:
                self._open.close()
                self._worker = self._open.enter_context(_worker(self._batch, self._limits, self._stop))
                self._hello = self._worker.receive(self._limits.start_seconds)
                if self._hello["event"] != "hello":
                    self._worker.end()
                    stopped = self._hello["event"] == "stopped"
                    reason = _not_started(self._batch, self._worker, self._hello)
                    return None if stopped else Result("NOT_RUN", "load", reason)
            self._worker.send(job)
            return self._worker.result(job, self._hello)


def _take(batch: Batch) -> dict[str, Any] | None:
    try:
        return batch.jobs.popleft()
    except IndexError:
        return None


def _not_started(batch: Batch, worker: _Worker, hello: dict[str, Any]) -> str:
    if hello.get("event") == "broken":
        return f"environment {batch.environment.name} is broken: {hello['message']}"
    lines = (worker.scratch / "start.log").read_text(errors="replace").strip().splitlines()
    reason = ": ".join([_obituary(hello)[1], *lines[-1:]])
    return f"environment {batch.environment.name} does not start: {reason}"


@contextmanager
def _worker(batch: Batch, limits: Limits, stop: threading.Event) -> Iterator[_Worker]:
    scratch = Path(tempfile.mkdtemp(prefix="onnx-interop-"))
    (scratch / "start.log").touch()
    worker = _Worker(batch, limits, stop, scratch)
    try:
        yield worker
    finally:
        worker.end()
        shutil.rmtree(scratch, ignore_errors=True)


def _scrubbed_environment(batch: Batch, scratch: Path) -> dict[str, str]:
    """Nothing of the user's, one thread per library: the host runs one worker per core."""
    return {
        "PATH": f"{batch.environment.python.parent}:/usr/local/bin:/usr/bin:/bin",
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


class _Worker:
    """A worker process, seen from the host."""

    def __init__(self, batch: Batch, limits: Limits, stop: threading.Event, scratch: Path) -> None:
        self.scratch, self.limits, self.alive = scratch, limits, True
        self._stop, self._buffer = stop, b""
        command = [batch.environment.python, "-I", WORKER, batch.kind, batch.module, scratch]
        try:
            with (scratch / "start.log").open("wb") as log:
                self.process = subprocess.Popen(
                    [str(part) for part in command],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    cwd=scratch,
                    env=_scrubbed_environment(batch, scratch),
                    start_new_session=True,
                )
        except OSError as error:
            (scratch / "start.log").write_text(str(error))
            self.alive = False

    def send(self, job: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):  # it died: result() will say so
            self.process.stdin.write((json.dumps(job) + "\n").encode())
            self.process.stdin.flush()

    def result(self, job: dict[str, Any], hello: dict[str, Any]) -> Result | None:
        """Wait for the end of `job`, stage by stage; None when the run was stopped meanwhile."""
        stage, begun = "load", time.monotonic()
        seconds: dict[str, float] = {}
        while True:
            message = self.receive(self.limits.seconds)
            event = message["event"]
            if event == "stopped":
                return None
            if event == "done" and message["id"] == job["id"]:
                own = {name: message[name] for name in ("status", "stage", "message", "seconds", "peak_mb")}
                return Result(**own, value=message["result"], worker=hello, log=Path(job["log"]))
            seconds[stage] = seconds.get(stage, 0.0) + time.monotonic() - begun
            if event != "stage":
                status, text = _obituary(message)
                peak = message.get("peak_mb", 0)
                return Result(status, stage, text, None, seconds, peak, hello, Path(job["log"]))
            stage, begun = message["stage"], time.monotonic()

    def receive(self, seconds: float) -> dict[str, Any]:
        """The next message; a message of the host's own when the worker died, was too slow or took too much memory."""
        deadline, peak = time.monotonic() + seconds, 0
        while b"\n" not in self._buffer:
            if not self.alive:
                return {"event": "exit", "code": 127}
            assert self.process.stdout is not None
            readable, _, _ = select.select([self.process.stdout], [], [], min(0.25, seconds))
            if readable:
                data = os.read(self.process.stdout.fileno(), 65536)
                if not data:
                    self.alive = False
                    return {"event": "exit", "code": self.process.wait(), "peak_mb": peak}
                self._buffer += data
                continue
            if self._stop.is_set():
                self.end()
                return {"event": "stopped"}
            peak = max(peak, self._memory_mb())
            if peak > self.limits.memory_mb:
                self.end()
                return {"event": "memory", "peak_mb": peak, "limit": self.limits.memory_mb}
            if time.monotonic() > deadline:
                self.end()
                return {"event": "timeout", "peak_mb": peak, "limit": seconds}
        line, self._buffer = self._buffer.split(b"\n", 1)
        message: dict[str, Any] = json.loads(line)
        return message

    def _memory_mb(self) -> int:
        """Resident memory of the worker and all its children."""
        try:
            process = psutil.Process(self.process.pid)
            family = [process, *process.children(recursive=True)]
            return int(sum(member.memory_info().rss for member in family) // 2**20)
        except psutil.Error:
            return 0

    def end(self) -> None:
        """Close stdin, then TERM, then KILL the whole process group."""
        self.alive = False
        if not hasattr(self, "process"):
            return
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):  # a job that it did not live to read
                    pipe.close()
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)
            try:
                self.process.wait(GRACE)
            except subprocess.TimeoutExpired:
                continue


def _obituary(message: dict[str, Any]) -> tuple[str, str]:
    """Status and message of a job whose worker did not live to answer."""
    event = message["event"]
    if event == "timeout":
        return "TIMEOUT", f"no end after {message['limit']:.0f} s"
    if event == "memory":
        return "MEMORY", f"{message['peak_mb']} MB in use, {message['limit']} MB allowed"
    number = message.get("signal") or max(0, -message["code"])
    if number:
        return "CRASH", f"killed by {signal.Signals(number).name}"
    return "CRASH", f"the process left with exit code {message['code']}"
