"""Batches of a run on the machines of a Dask cluster, instead of on this one.

A Dask worker says by labels which environments it holds: `onnx-interop worker ADDRESS` starts one so. A label covers
the package versions and the code of the suite, so that wherever a job runs, it is the job that was meant. This machine
alone compares and writes the journal. The work folder must be seen by all, under the same path.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matrix.batch import Batch, OnResult, run_batch
from matrix.catalogue import ROOT
from matrix.environments import Environment, environments
from matrix.errors import MachineError, UserError
from matrix.process import Job, Limits, Place, Result
from matrix.provenance import cpu
from matrix.workshop import digest_of

if TYPE_CHECKING:
    from distributed import Client, Future

LARGEST_PART = 32
"""So many jobs at most go out at once: what a machine loses when it dies is done again."""
SMALLEST_PART = 4
"""So many at least, where there are as many: each part pays for an import of the framework."""
ANSWER_SECONDS = 10.0
"""How long a scheduler may take to answer."""
PATIENCE_SECONDS = 60.0
"""How long an environment may be held by nobody: a machine that comes back needs a moment."""
LOOK_SECONDS = 1.0


def label_of(environment: Environment) -> str:
    """What a worker is labelled with that holds this environment, with the same packages and the same suite."""
    folders = (ROOT / name for name in ("matrix", "exporters", "importers"))
    code = digest_of(*(path for folder in folders for path in sorted(folder.glob("*.py"))))
    return f"{environment.name}@{hashlib.sha256(f'{environment.lock} {code}'.encode()).hexdigest()[:12]}"


def _dask() -> Any:
    """Dask's cluster. Raises UserError where it is not installed."""
    try:
        import distributed
    except ImportError:
        raise UserError("a cluster needs dask.distributed: pip install 'onnx-interop[cluster]'") from None
    return distributed


def worker_command(address: str, workers: int, options: Sequence[str]) -> list[str]:
    """The command that starts Dask workers here, labelled with all installed environments; `options` are Dask's own.

    Raises UserError where Dask is not installed.
    """
    _dask()
    labels = " ".join(f"{label_of(e)}=1" for e in environments().values() if e.installed)
    # Jobs have processes and limits of their own: Dask need not watch its memory. None has two jobs at a time.
    usual = ["--nworkers", str(workers), "--nthreads", "1", "--memory-limit", "0", "--no-dashboard"]
    return [sys.executable, "-m", "distributed.cli.dask_worker", address, *usual, "--resources", labels, *options]


class Cluster:
    """The workers that a Dask scheduler knows. To be used with `with`."""

    def __init__(self, address: str) -> None:
        """Raises UserError where Dask is not installed, or no scheduler answers."""
        try:
            self._client: Client = _dask().Client(address, timeout=ANSWER_SECONDS)
        except (OSError, ValueError) as error:
            raise UserError(
                f"no Dask scheduler answers at {address}: {error}; start one with: dask scheduler"
            ) from None
        self._seen: dict[str, float] = {}

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    @property
    def cpus(self) -> list[str]:
        """The processors that it runs on, each kind once."""
        return sorted(set(self._client.run(cpu).values()))

    @property
    def workers(self) -> dict[str, set[str]]:
        """The labels of each worker, by its address."""
        known = self._client.scheduler_info(n_workers=-1)["workers"]
        return {address: set(worker["resources"]) for address, worker in known.items()}

    def see(self, folder: Path) -> None:
        """Raises UserError where there is no worker, or one does not see the work folder."""
        with tempfile.NamedTemporaryFile(dir=folder, prefix="seen-") as file:
            seen = self._client.run(os.path.exists, file.name)
        if not seen:
            raise UserError(f"the scheduler knows no worker: start some with: onnx-interop worker {self._address}")
        if blind := [address for address, there in seen.items() if not there]:
            raise UserError(f"{', '.join(blind)} cannot see {folder}: choose a --work that all machines share")

    def run_batches(self, batches: Iterable[Batch], limits: Limits, on_result: OnResult, stop: threading.Event) -> int:
        """Work the batches off, as `matrix.batch.run_batches` does here; returns in how many parts."""
        self._seen.clear()
        parts = {self._submit(batch, jobs, limits): (batch, jobs) for batch in batches for jobs in self._parts(batch)}
        started = len(parts)
        try:
            while parts and not stop.is_set():
                for future in self._ended(parts):
                    for job, result in self._results(future, *parts.pop(future)):
                        on_result(job, result)
        finally:
            self._client.cancel(list(parts))
        return started

    @property
    def _address(self) -> str:
        return str(self._client.scheduler.address)

    def _parts(self, batch: Batch) -> Iterator[list[Job]]:
        """The jobs of a batch in as many parts as give every worker some."""
        size = min(LARGEST_PART, max(SMALLEST_PART, len(batch.jobs) // (2 * max(1, len(self.workers)))))
        while batch.jobs:
            yield [batch.jobs.popleft() for _ in range(min(size, len(batch.jobs)))]

    def _submit(self, batch: Batch, jobs: list[Job], limits: Limits) -> Future:
        module = os.path.relpath(batch.module, ROOT)  # a worker's checkout may lie elsewhere
        task = (batch.environment.name, batch.kind, module, jobs, batch.place, batch.fresh, limits)
        return self._client.submit(_work, *task, resources={label_of(batch.environment): 1}, pure=False)

    def _ended(self, parts: dict[Future, tuple[Batch, list[Job]]]) -> list[Future]:
        """The parts that are done, or that nobody can do; after a moment at most."""
        from distributed import wait

        with suppress(TimeoutError):
            return list(wait(list(parts), timeout=LOOK_SECONDS, return_when="FIRST_COMPLETED").done)
        now, held = time.monotonic(), self._held()
        wanted = {label_of(batch.environment) for batch, _ in parts.values()}
        self._seen.update({label: now for label in wanted if label in held or label not in self._seen})
        gone = {label for label in wanted if now - self._seen[label] > PATIENCE_SECONDS}
        return [future for future, (batch, _) in parts.items() if label_of(batch.environment) in gone]

    def _held(self) -> set[str]:
        return set().union(*self.workers.values())

    def _results(self, future: Future, batch: Batch, jobs: list[Job]) -> Iterable[tuple[Job, Result]]:
        """What became of the jobs of a part. Raises MachineError where the scheduler is gone."""
        if future.status == "finished":
            return zip(jobs, future.result(), strict=True)
        if future.status == "pending":
            reason = f"no worker of the cluster holds {label_of(batch.environment)}; held are {sorted(self._held())}"
        elif future.status == "error":
            reason = f"the cluster failed: {future.exception()}"
        else:
            raise MachineError(
                "the scheduler of the cluster is gone: what is recorded stays, run the same command again"
            )
        return [(job, Result("NOT_RUN", "load", reason)) for job in jobs]


def _work(
    name: str, kind: str, module: str, jobs: list[Job], place: Place, fresh: bool, limits: Limits
) -> list[Result]:
    """On a machine of the cluster: the results of some jobs, in their order."""
    here = replace(place, scratch=Path(tempfile.gettempdir()))
    batch = Batch(environments()[name], kind, ROOT / module, deque(jobs), here, fresh)
    results: list[Result] = []
    with _until_nobody_waits() as stop:
        run_batch(batch, limits, lambda job, result: results.append(result), stop)
    return results


@contextmanager
def _until_nobody_waits() -> Iterator[threading.Event]:
    """Set once the run that wants this task has stopped or died: Dask itself cannot end what runs in a thread."""
    from distributed import get_worker

    worker, stop = get_worker(), threading.Event()
    key = worker.get_current_task()

    def watch() -> None:
        while not stop.wait(LOOK_SECONDS):
            task = worker.state.tasks.get(key)
            if task is None or task.state == "cancelled":
                stop.set()

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join()
