"""One run, as a list of plain steps: install, write the models, export, check, run the cells, seek evidence.

Every planned export and cell ends in exactly one record of the journal. What is recorded with the fingerprint that
it would have now is not done again.
"""

from __future__ import annotations

import errno
import hashlib
import itertools
import json
import os
import shutil
import threading
import time
import uuid
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil

from matrix import blame, canaries, provenance
from matrix.batch import Batch, Service, run_batches
from matrix.catalogue import EVALUATOR, ROOT, TARGETS, Target
from matrix.cluster import Cluster
from matrix.environments import HOST, Environment, install
from matrix.errors import MachineError
from matrix.jobs import model_file
from matrix.plan import Cell, Export, Plan
from matrix.process import Job, Limits, Result
from matrix.records import Record
from matrix.text import printable
from matrix.verdict import Outcome, judged, native_fault, outcome, repeats
from matrix.watcher import Silence, Watcher
from matrix.workshop import REFERENCE, Workshop, case_files, clear_case, digest_of

#: Everything on the host's side that shapes a result.
_MECHANISM = [
    ROOT / "matrix" / name for name in ("guard.py", "worker.py", "jobs.py", "check.py", "compare.py", "verdict.py")
]
STATIC_SETS, DYNAMIC_SETS, GIVEN_SETS = [0, 1], [0, 2, 3], [0]
Queues = dict[tuple[Environment, Path], list[Job]]


@dataclass
class Run:
    """A plan being carried out in a work folder."""

    plan: Plan
    workshop: Workshop
    limits: Limits = field(default_factory=Limits)
    watcher: Watcher = field(default_factory=Silence)
    workers: int = 0
    """Worker processes at a time; 0: as many as cores and memory allow."""
    refresh: bool = False
    """Do everything again, whatever is recorded."""
    repeat: int = 1
    """Run each cell so many times, each in a fresh process."""
    cluster: Cluster | None = None
    """Whose machines do the jobs, in place of this one."""

    def __post_init__(self) -> None:
        self.id = time.strftime("%Y%m%d-%H%M%S-") + uuid.uuid4().hex[:6]
        self.workers = self.workers or default_workers(self.limits)
        self._stop = threading.Event()
        self._models: dict[tuple[str, str], Path] = {}
        self._numbers = itertools.count()
        self._announcing = threading.Lock()
        self.started = 0

    def stop(self) -> None:
        """Let the run end now: the workers are ended, what is done is kept."""
        self._stop.set()

    # -- the steps -----------------------------------------------------------------------------------------------

    def install(self) -> dict[str, str]:
        """Install the environments that are missing; {name: reason} of those that cannot be."""
        missing = [e for e in self.plan.environments if not e.installed]
        self.watcher.begin("environments", len(missing))
        reasons = {}
        for environment in missing:
            if reason := install(environment):
                reasons[environment.name] = reason
            self.watcher.advance("environments", None)
        return reasons

    def carry_out(self, reasons: dict[str, str] | None = None) -> None:
        """Do all that is planned. `reasons`: environments that could not be installed, and why.

        Raises MachineError when the disk is full; what is recorded by then stays.
        """
        unusable = {
            e: (reasons or {}).get(e.name) or f"environment {e.name} is not installed: tox run --notest -e {e.name}"
            for e in self.plan.environments
            if not e.installed
        }
        with self._watched_disk(), self.workshop.passing_folders():
            self.prepare()
            self._export(unusable)
            self._cells(self.plan.cells, unusable, "cells")
            self._cells(self._evidence(), unusable, "evidence")

    def prepare(self) -> None:
        """Write the models, and what the records of this run refer to."""
        layer_graphs = [export for export in self.plan.exports if not export.source.family]
        wanted = list(dict.fromkeys((export.model.name, export.way.dtype) for export in layer_graphs))
        full = any(export.full for export in self.plan.exports)
        self._models = self.workshop.models(wanted, full, self.workers, self.watcher)
        for environment in {*self.plan.environments, HOST}:
            if environment.installed and not self.workshop.journal.get("environment", environment.lock):
                self.workshop.journal.append("environment", environment.lock, provenance.of_environment(environment))

    @contextmanager
    def _watched_disk(self) -> Iterator[None]:
        """Say in plain words that the disk is full, wherever it is noticed."""
        try:
            yield
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise MachineError.full(error.filename or self.workshop.folder) from error

    def _export(self, unusable: dict[Environment, str]) -> None:
        todo = []
        self.watcher.begin("exports", len(self.plan.exports))
        for export in self.plan.exports:
            fingerprint = self._export_fingerprint(export)
            known = self._known("export", export.key, fingerprint)
            if known and self._is_whole(known):
                self.watcher.advance("exports", known)
            elif export.environment in unusable:
                result = Result("NOT_RUN", "load", unusable[export.environment])
                folder = self.workshop.export_folder(export.key, fingerprint)
                self._record_export(export, fingerprint, result, None, folder)
            else:
                todo.append((export, fingerprint))
        queues: Queues = defaultdict(list)
        for export, fingerprint in todo:
            queues[export.environment, export.source.path].append(self._export_job(export, fingerprint))
        by_key = {export.key: (export, fingerprint) for export, fingerprint in todo}
        # Checked as it comes, so that a run which is killed has lost only the exports in hand.
        place = self.workshop.place(self.workshop.folder / "exports")
        checks = Batch(HOST, "check", ROOT / "matrix" / "check.py", deque(), place)
        with Service(checks, self.limits, self._stop) as checker:

            def on_export(job: Job, result: Result) -> None:
                checked = None
                if result.status == "OK":
                    clear_case(Path(job["out"]))
                    checked = checker.ask({**job, "mapping": result.value})
                    if checked is None:
                        return  # the run was stopped
                    self._expect_room(checked)
                self._record_export(*by_key[job["id"]], result, checked, Path(job["out"]))

            self._run_queues("export", queues, on_export, self.workshop.folder / "exports")

    def _cells(self, cells: list[Cell], unusable: dict[Environment, str], step: str) -> None:
        self.watcher.begin(step, len(cells))
        todo: dict[str, tuple[Cell, str, Record]] = {}
        for cell in cells:
            export = self.workshop.journal.get("export", cell.export.key)
            if export is None:
                continue  # the run was stopped
            fingerprint = self._cell_fingerprint(cell, export)
            if known := self._known("cell", cell.key, fingerprint):
                self.watcher.advance(step, known)
            elif not export["runnable"]:
                status = "NOT_RUN" if export["status"] == "NOT_RUN" else "NOT_EXPORTED"
                message = f"{export['status']} in {export['stage']}: {export['message']}"
                self._record_cell(step, cell, fingerprint, export, [Outcome(Result(status, "export", message))])
            else:
                todo[cell.key] = (cell, fingerprint, export)
        refused = unusable_targets(unusable, (cell for cell, _, _ in todo.values()))
        refused |= self._complaints([c for c, _, _ in todo.values() if (c.target, c.environment) not in refused])
        queues: Queues = defaultdict(list)
        for cell, fingerprint, export in todo.values():
            if reason := refused.get((cell.target, cell.environment)):
                result = Result("NOT_RUN", "load", reason)
                self._record_cell(step, cell, fingerprint, export, [Outcome(result)])
            else:
                model = self.workshop.folder / export["folder"] / "model.onnx"
                truth = Path(model_file(self._reference(cell.export, model.parent), "truth"))
                queues[cell.environment, cell.target.path] += [
                    self._cell_job(cell.key, cell.target.option, export, model, truth) for _ in range(self.repeat)
                ]
        outcomes: dict[str, list[Outcome]] = defaultdict(list)

        def on_result(job: Job, result: Result) -> None:
            cell, fingerprint, export = todo[job["id"]]
            found = outcome(job, result, export, self.workshop.folder / export["folder"])
            Path(job["out"]).unlink(missing_ok=True)
            outcomes[cell.key].append(found)
            if len(outcomes[cell.key]) == self.repeat:
                self._record_cell(step, cell, fingerprint, export, outcomes.pop(cell.key))

        self._run_queues("run", queues, on_result)

    def _evidence(self) -> list[Cell]:
        """Cells outside the plan that blame needs: the evaluator on every file that somebody gets wrong."""
        planned = {cell.key for cell in self.plan.cells}
        wrong: dict[str, Export] = {}
        for cell in self.plan.cells:
            record = self.workshop.journal.get("cell", cell.key)
            if record and record["status"] in ("WRONG", "ERROR", "CRASH"):
                wrong[cell.export.key] = cell.export
        evidence = [Cell(export, TARGETS[EVALUATOR], HOST) for export in wrong.values()]
        return [cell for cell in evidence if cell.key not in planned]

    def _complaints(self, cells: list[Cell]) -> dict[tuple[Target, Environment], str]:
        """Why targets of these cells cannot be trusted with them, by their canaries."""
        journal, folder = self.workshop.journal, self.workshop.folder / "canaries"
        placed = {cell.target_name: cell for cell in cells}
        fingerprints = {name: self._target_fingerprint(cell) for name, cell in placed.items()}
        todo = {name: c for name, c in placed.items() if not journal.fresh("canary", name, fingerprints[name])}
        if todo:
            canaries.write(folder)
        found: dict[str, dict[str, Outcome]] = defaultdict(dict)
        queues: Queues = defaultdict(list)
        for name, cell in todo.items():
            for which, (file, truth) in canaries.FILES.items():
                job = self._cell_job(which, cell.target.option, canaries.EXPORT, folder / file, folder / truth)
                queues[cell.environment, cell.target.path].append({**job, "target": name})

        def on_result(job: Job, result: Result) -> None:
            own = found[job["target"]]
            own[job["id"]] = outcome(job, result, canaries.EXPORT, folder)
            if len(own) == len(canaries.WANTED):
                name = job["target"]
                self._record_canary(name, fingerprints[name], placed[name].environment, own)

        self._run_queues("run", queues, on_result)
        told = {name: journal.get("canary", name) for name in placed}
        return {
            (placed[name].target, placed[name].environment): str(record["message"])
            for name, record in told.items()
            if record and record["status"] != "PASS"
        }

    # -- batches -------------------------------------------------------------------------------------------------

    def _run_queues(self, kind: str, queues: Queues, on_result: Callable[[Job, Result], None], *writable: Path) -> None:
        """Work off one queue of jobs per environment and module."""
        place = self.workshop.place(*writable)
        fresh = kind == "run" and self.repeat > 1
        batches = [
            Batch(environment, kind, module, deque(queue), place, fresh)
            for (environment, module), queue in queues.items()
        ]

        def on_sound_result(job: Job, result: Result) -> None:
            self._expect_room(result)
            on_result(job, result)

        if self.cluster:
            self.started += self.cluster.run_batches(batches, self.limits, on_sound_result, self._stop)
        else:
            self.started += run_batches(batches, self.workers, self.limits, on_sound_result, self._stop)

    def _expect_room(self, result: Result) -> None:
        """What fails on a full disk may have failed for that, whatever it says."""
        if result.status not in ("OK", "UNSUPPORTED") and (folder := self.workshop.full()):
            raise MachineError.full(folder)

    def _export_job(self, export: Export, fingerprint: str) -> Job:
        folder = self.workshop.export_folder(export.key, fingerprint)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return {
            "id": export.key,
            "log": self._passing("log"),
            "model": str(self._reference(export, folder)),
            "own": export.model.name if export.source.family else None,
            "exporter": export.source.exporter,
            "opset": export.opset,
            "dynamic": export.way.dynamic,
            "dtype": export.way.dtype,
            "quantised": export.way.quantised,
            "tolerance": export.way.tolerance,
            "sets": sets_of(export),
            "out": str(folder),
        }

    def _cell_job(self, key: str, option: str, export: Record, model: Path, truth: Path) -> Job:
        """To run a file of a case, whose feeds lie beside it."""
        return {
            "id": key,
            "log": self._passing("log"),
            "model": str(model),
            "feeds": str(model.with_name("feeds.arrays")),
            "sets": export["sets"],
            "option": option,
            "inputs": [{k: i[k] for k in ("name", "dtype", "shape")} for i in export["inputs"]],
            "outputs": [o["name"] for o in export["outputs"]],
            "out": self._passing("arrays"),
            "truth": str(truth),
        }

    def _passing(self, kind: str) -> str:
        """A new file name for what a job in hand writes."""
        return str(self.workshop.passing / f"{next(self._numbers)}.{kind}")

    # -- what is known -------------------------------------------------------------------------------------------

    def _known(self, kind: str, key: str, fingerprint: str) -> Record | None:
        """The record that makes it needless to do this again."""
        record = None if self.refresh else self.workshop.journal.fresh(kind, key, fingerprint)
        if record is None or record["status"] == "NOT_EXPORTED":
            return record
        if kind == "cell" and record["repeats"]["times"] < self.repeat:
            return None
        # What ran out of time or memory may not do so with more of it.
        given, now = record["limits"], asdict(self.limits)
        more = {"TIMEOUT": "seconds", "MEMORY": "memory_mb"}.get(record["status"])
        return None if more and now[more] > given[more] else record

    def _reference(self, export: Export, case: Path) -> Path:
        """The folder of the export's model: of the suite's, or the one that its source wrote into the case."""
        return case / REFERENCE if export.source.family else self._models[export.model.name, export.way.dtype]

    def _is_whole(self, export: Record) -> bool:
        """Whether the files of a recorded export lie there as they were written."""
        if export["files"] == case_files(self.workshop.folder / export["folder"]):
            return True
        self.watcher.tell(f"the files of {export['key']} are damaged or gone: it is exported again")
        return False

    def _export_fingerprint(self, export: Export) -> str:
        return _digest(
            export.model.name if export.source.family else self._models[export.model.name, export.way.dtype].name,
            digest_of(*export.source.files, *_MECHANISM),
            self._lock(export),
            HOST.lock,
            [export.source.exporter, export.variant, export.opset],
        )

    def _lock(self, export: Export) -> str:
        """The lock of an export's environment; where that is not installed here, the one in which another machine made
        the export whose record was merged in: its file can be run all the same."""
        journal, own = self.workshop.journal, export.environment
        record = None if own.installed else journal.get("export", export.key)
        lock = str(record["environment"]) if record and record.get("environment") else ""
        made_in = journal.get("environment", lock) if lock else None
        return lock if made_in and made_in["name"] == own.name else own.lock

    def _target_fingerprint(self, cell: Cell) -> str:
        return _digest(digest_of(*cell.target.files, *_MECHANISM), cell.environment.lock, cell.target.option)

    def _cell_fingerprint(self, cell: Cell, export: Record) -> str:
        return _digest(export["fingerprint"], export.get("sha256"), self._target_fingerprint(cell))

    # -- records -------------------------------------------------------------------------------------------------

    def _record_export(
        self, export: Export, fingerprint: str, result: Result, checked: Result | None, folder: Path
    ) -> None:
        record: Record = {
            **self._provenance(fingerprint, export.environment, result),
            "source": export.source_name,
            "model": export.model.name,
            "variant": export.variant,
            "opset": export.opset,
            "full": export.full,
            "status": result.status,
            "stage": result.stage,
            "message": self._shown(result.message),
            "runnable": False,
            "folder": self.workshop.relative(folder),
            "sets": sets_of(export),
        }
        case = (folder, self._reference(export, folder), sets_of(export), "quantised" if export.way.quantised else "")
        if checked is not None:
            record["seconds"] = {**result.seconds, **checked.seconds}
            record.update(judged(checked, *case))
            record["message"] = self._shown(record["message"])
        elif fault := native_fault(*case, export.way.dtype):
            record["message"] = self._shown(f"{result.message}; and its native run is WRONG: {fault}")
        record["files"] = case_files(folder)
        record["blame"] = blame.blame_export(record)
        record["log"] = self._kept_log(result, export.key, record["status"])
        self.watcher.advance("exports", self._append("export", export.key, record))

    def _record_cell(self, step: str, cell: Cell, fingerprint: str, export: Record, outcomes: list[Outcome]) -> None:
        """Record a cell by the last of its outcomes, or as FLAKY where they differ."""
        last, found = outcomes[-1], repeats(outcomes)
        flaky = len(found["statuses"]) > 1
        told = ", ".join(f"{status} {n}" for status, n in found["statuses"].items())
        record: Record = {
            **self._provenance(fingerprint, cell.environment, last.result),
            "source": cell.export.source_name,
            "model": cell.export.model.name,
            "variant": cell.export.variant,
            "opset": cell.export.opset,
            "full": cell.export.full,
            "target": cell.target_name,
            "status": "FLAKY" if flaky else last.status,
            "stage": last.stage,
            "message": self._shown(f"of {len(outcomes)} runs: {told}; {last.message}" if flaky else last.message),
            "repeats": found,
            "attempts": last.result.attempts,
            "sha256": export.get("sha256"),
            "device": last.result.value,
        }
        if comparison := last.comparison:
            record["measures"] = comparison.as_data()
            record.update({name: comparison.worst(name) for name in ("noise", "max_abs", "max_rel")})
        record["log"] = self._kept_log(last.result, cell.key, record["status"])
        self.watcher.advance(step, self._append("cell", cell.key, record))

    def _record_canary(self, name: str, fingerprint: str, environment: Environment, found: dict[str, Outcome]) -> None:
        told = [text for which in canaries.WANTED if (text := canaries.complaint(which, found[which]))]
        # Where even the environment cannot be used, every canary says so in the same words.
        first = found["right"].result
        message = first.message if first.status == "NOT_RUN" else "; ".join(told)
        record = {
            **self._provenance(fingerprint, environment, first),
            "target": name,
            "status": "NOT_RUN" if told else "PASS",
            "message": self._shown(message),
            "outcomes": {which: [o.status, o.stage, self._shown(o.message)] for which, o in found.items()},
            "log": self._kept_log(first, f"canary-{name}", "NOT_RUN" if told else "PASS"),
        }
        self._append("canary", name, record)

    def _shown(self, message: str) -> str:
        """A message as it is kept: fit for any screen, and without the folders of this machine."""
        for folder in (self.workshop.folder, self.workshop.passing, self.workshop.scratch, ROOT):
            message = message.replace(f"{folder}/", "")
        return printable(message)

    def _kept_log(self, result: Result, key: str, status: str) -> str | None:
        return self.workshop.keep_log(result.log, key, status) if result.log else None

    def _append(self, kind: str, key: str, record: Record) -> Record:
        """Append a record; before the first one, what there is to say of this run."""
        with self._announcing:  # a host that is killed in between leaves no record whose run is unknown
            if not self.workshop.journal.get("run", self.id):
                cpus = self.cluster.cpus if self.cluster else None
                description = provenance.of_run(self.plan, self.limits, self.workers, self.repeat, cpus)
                self.workshop.journal.append("run", self.id, description)
        return self.workshop.journal.append(kind, key, record)

    def _provenance(self, fingerprint: str, environment: Environment, result: Result) -> Record:
        return {
            "fingerprint": fingerprint,
            "run": self.id,
            "time": round(time.time(), 1),
            "environment": environment.lock if environment.installed else None,
            "python": result.worker.get("python"),
            "fence": result.worker.get("fence"),
            "limits": {"seconds": self.limits.seconds, "memory_mb": self.limits.memory_mb},
            "seconds": result.seconds,
            "peak_mb": result.peak_mb,
        }


def sets_of(export: Export) -> list[int]:
    """The input sets of an export: two of its size, three sizes where it is dynamic, the one that is given with it."""
    if export.source.given:
        return GIVEN_SETS
    return DYNAMIC_SETS if export.way.dynamic else STATIC_SETS


def unusable_targets(unusable: dict[Environment, str], cells: Iterable[Cell]) -> dict[tuple[Target, Environment], str]:
    """The reason for each target of these cells whose environment cannot be used."""
    return {(c.target, c.environment): unusable[c.environment] for c in cells if c.environment in unusable}


def default_workers(limits: Limits) -> int:
    """One worker per core, as far as each may use all the memory that it is allowed."""
    by_memory = psutil.virtual_memory().available // 2**20 // limits.memory_mb
    return max(1, min(os.cpu_count() or 1, int(by_memory)))


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:24]
