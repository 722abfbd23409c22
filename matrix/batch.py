"""Running a list of jobs in an environment, through worker processes that may die at any of them.

`run_batch` takes jobs from its queue until that is empty, so several workers may share one queue; `run_batches` does
so for many queues with a few threads.

A job that ends by the death of its process (CRASH, TIMEOUT, MEMORY) is tried once more, in a fresh process, before its
result is told. If it ends otherwise then, it is FLAKY, unless the first process had done other jobs before: then they
may have damaged it, and what the fresh process says counts.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from matrix.environments import Environment
from matrix.process import LOST, Job, Limits, Message, Place, Result, StoppedError, Worker, started

JOBS_WORTH_A_START = 8
"""A second worker joins a batch only while more jobs than this are left."""
DEATHS = ("CRASH", "TIMEOUT", "MEMORY")


@dataclass
class Batch:
    """Jobs of one kind for one module in one environment. Each job has an "id" and a "log"."""

    environment: Environment
    kind: str
    module: Path
    jobs: deque[Job]
    place: Place = field(default_factory=Place)
    fresh: bool = False
    """Each job in a process of its own, and once."""
    workers: int = 0
    """Workers that are busy with it now."""


OnResult = Callable[[Job, Result], None]


def run_batches(batches: list[Batch], workers: int, limits: Limits, on_result: OnResult, stop: threading.Event) -> int:
    """Work the batches off with so many workers at a time; returns how many times one was set to a batch.

    A worker that is free takes the batch with the most jobs for each worker on it: few processes are started, since
    an import may take seconds, and all end at about the same time.
    """
    lock, begun = threading.Lock(), 0

    def next_batch() -> Batch | None:
        nonlocal begun
        with lock:
            worth_it = [b for b in batches if len(b.jobs) > (JOBS_WORTH_A_START if b.workers else 0)]
            batch = max(worth_it, key=lambda b: len(b.jobs) / (1 + b.workers), default=None)
            if batch is not None:
                batch.workers, begun = batch.workers + 1, begun + 1
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
    return begun


@dataclass
class _Turn:
    """A job in hand, and what became of it before."""

    job: Job
    before: list[Message] = field(default_factory=list)

    def again(self, result: Result, worker: Worker) -> _Turn:
        """The turn that follows this result."""
        return _Turn(self.job, [*self.before, _attempt(result, worker)])


def _attempt(result: Result, worker: Worker) -> Message:
    fresh = worker.done <= 1 or bool(worker.hello.get("isolated"))
    return {"status": result.status, "stage": result.stage, "message": result.message, "fresh": fresh}


def run_batch(batch: Batch, limits: Limits, on_result: OnResult, stop: threading.Event) -> None:
    """Run the jobs of the batch and hand each result to `on_result`, once; a dead worker is replaced.

    The next job is under way while `on_result` looks at the last one. When `stop` is set the worker is ended, and the
    job in hand has no result.
    """
    turn = _take(batch)
    while turn and not stop.is_set():
        with started(batch.environment, batch.kind, batch.module, limits, batch.place, stop) as worker:
            try:
                if reason := worker.greet():
                    _refuse(batch, turn, reason, on_result)
                    return
                turn = _converse(batch, worker, turn, on_result) or _take(batch)
            except StoppedError:
                return


def _refuse(batch: Batch, turn: _Turn | None, reason: str, on_result: OnResult) -> None:
    """No job of this batch can be run."""
    while turn:
        on_result(turn.job, Result("NOT_RUN", "load", reason))
        turn = _take(batch)


def _converse(batch: Batch, worker: Worker, turn: _Turn, on_result: OnResult) -> _Turn | None:
    """Give jobs to a worker for as long as it lives and there are some; the turn with which a fresh one is to begin."""
    worker.send(turn.job)
    while True:
        result = worker.result(turn.job)
        retry = _retry(batch, worker, turn, result)
        if retry and not worker.hello.get("isolated"):
            worker.end()  # it may live, if all that it did was to say that its memory is full
        following = retry or (_take(batch) if worker.alive and not batch.fresh else None)
        if following and worker.alive:
            worker.send(following.job)
        if retry is None:
            on_result(turn.job, _settled(turn, result, worker))
        if following is None or not worker.alive:
            return following
        turn = following


def _take(batch: Batch) -> _Turn | None:
    try:
        return _Turn(batch.jobs.popleft())
    except IndexError:
        return None


def _retry(batch: Batch, worker: Worker, turn: _Turn, result: Result) -> _Turn | None:
    """The turn that follows a death, None where the result stands."""
    if result.status == LOST and worker.done > 1:
        return turn  # the process died of what it had done before
    return turn.again(result, worker) if result.status in DEATHS and not turn.before and not batch.fresh else None


def _settled(turn: _Turn, result: Result, worker: Worker) -> Result:
    """What is told of a job, from all its attempts."""
    if result.status == LOST:
        return replace(result, status="NOT_RUN", message=f"the worker left before it began: {result.message}")
    if not turn.before:
        return result
    first, attempts = turn.before[0], turn.again(result, worker).before
    if first["status"] == result.status or result.status == "NOT_RUN" or not first["fresh"]:
        return replace(result, attempts=attempts)
    message = f"{first['status']} in {first['stage']} ({first['message']}), then {result.status}: {result.message}"
    return replace(result, status="FLAKY", message=message.removesuffix(": "), attempts=attempts)


class Service:
    """One worker that answers single jobs, whichever thread asks; a dead one is replaced. To be used with `with`."""

    def __init__(self, batch: Batch, limits: Limits, stop: threading.Event) -> None:
        self._batch, self._limits, self._stop = batch, limits, stop
        self._lock, self._open = threading.Lock(), ExitStack()
        self._worker: Worker | None = None

    def __enter__(self) -> Service:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def ask(self, job: Job) -> Result | None:
        """The result of one job, which is tried again if its process dies; None when the run was stopped meanwhile."""
        with self._lock:
            try:
                result = self._once(job)
                if result.status not in DEATHS:
                    return result
                self._open.close()  # it may live, if all that it did was to say that its memory is full
                return self._once(job)
            except StoppedError:
                return None

    def _once(self, job: Job) -> Result:
        if self._worker is None or not self._worker.alive:
            self._open.close()
            batch = self._batch
            start = started(batch.environment, batch.kind, batch.module, self._limits, batch.place, self._stop)
            self._worker = self._open.enter_context(start)
            if reason := self._worker.greet():
                return Result("NOT_RUN", "load", reason)
        self._worker.send(job)
        return _settled(_Turn(job), self._worker.result(job), self._worker)
