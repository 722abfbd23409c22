"""One run, as a list of plain steps: install, write the models, export, check, run the cells, seek evidence.

Every planned export and cell ends in exactly one record of the journal. What is recorded with the fingerprint that
it would have now is not done again.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import platform
import shutil
import threading
import time
import uuid
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from matrix import blame
from matrix.batch import Batch, Limits, Result, Service, run_batches
from matrix.catalogue import EVALUATOR, ROOT, TARGETS
from matrix.compare import Comparison, compare
from matrix.environments import HOST, Environment, install
from matrix.jobs import read_sets
from matrix.plan import Cell, Export, Plan
from matrix.records import Record
from matrix.watcher import Silence, Watcher
from matrix.workshop import Workshop, digest_of

#: Everything on the host's side that shapes a result.
_MECHANISM = [ROOT / "matrix" / name for name in ("worker.py", "jobs.py", "check.py", "compare.py")]
STATIC_SETS, DYNAMIC_SETS = [0, 1], [0, 2, 3]


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

    def __post_init__(self) -> None:
        self.id = time.strftime("%Y%m%d-%H%M%S-") + uuid.uuid4().hex[:6]
        self.workers = self.workers or default_workers(self.limits)
        self._stop = threading.Event()
        self._models: dict[str, Path] = {}
        self._numbers = itertools.count()
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
        """Do all that is planned. `reasons`: environments that could not be installed, and why."""
        unusable = {
            e: (reasons or {}).get(e.name) or f"environment {e.name} is not installed: tox run --notest -e {e.name}"
            for e in self.plan.environments
            if not e.installed
        }
        names = list(dict.fromkeys(export.model.name for export in self.plan.exports))
        self._models = self.workshop.models(
            names, any(export.full for export in self.plan.exports), self.workers, self.watcher
        )
        self._record_environments()
        self.workshop.clear_passing()
        try:
            self._export(unusable)
            self._cells(self.plan.cells, unusable, "cells")
            self._cells(self._evidence(), unusable, "evidence")
        finally:
            shutil.rmtree(self.workshop.passing, ignore_errors=True)

    def _record_environments(self) -> None:
        for environment in {*self.plan.environments, HOST}:
            if environment.installed and not self.workshop.journal.get("environment", environment.lock):
                self.workshop.journal.append(
                    "environment",
                    environment.lock,
                    {
                        "name": environment.name,
                        "packages": environment.packages,
                        "platform": platform.platform(),
                        "cpu": _cpu(),
                    },
                )

    def _export(self, unusable: dict[Environment, str]) -> None:
        journal, todo = self.workshop.journal, []
        self.watcher.begin("exports", len(self.plan.exports))
        for export in self.plan.exports:
            fingerprint = self._export_fingerprint(export)
            known = None if self.refresh else journal.fresh("export", export.key, fingerprint)
            if known and known.get("files") == _sizes(Path(known["folder"])):
                self.watcher.advance("exports", known)
            elif export.environment in unusable:
                result = Result("NOT_RUN", "load", unusable[export.environment])
                self._record_export(export, fingerprint, result, None, Path())
            else:
                todo.append((export, fingerprint))
        batches: dict[tuple[Environment, Path], list[dict[str, Any]]] = defaultdict(list)
        for export, fingerprint in todo:
            batches[export.environment, export.source.path].append(self._export_job(export, fingerprint))
        by_key = {export.key: (export, fingerprint) for export, fingerprint in todo}
        # Checked as it comes, so that a run which is killed has lost only the exports in hand.
        checks = Batch(HOST, "check", ROOT / "matrix" / "check.py", deque())
        with Service(checks, self.limits, self._stop) as checker:

            def on_export(job: dict[str, Any], result: Result) -> None:
                checked = checker.ask({**job, "mapping": result.value}) if result.status == "OK" else None
                if checked or result.status != "OK":
                    self._record_export(*by_key[job["id"]], result, checked, Path(job["out"]))

            self._run_batches("export", batches, on_export)

    def _cells(self, cells: list[Cell], unusable: dict[Environment, str], step: str) -> None:
        journal = self.workshop.journal
        self.watcher.begin(step, len(cells))
        batches: dict[tuple[Environment, Path], list[dict[str, Any]]] = defaultdict(list)
        by_key = {}
        for cell in cells:
            export = journal.get("export", cell.export.key)
            if export is None:
                continue  # the run was stopped
            fingerprint = self._cell_fingerprint(cell, export)
            known = None if self.refresh else journal.fresh("cell", cell.key, fingerprint)
            if known:
                self.watcher.advance(step, known)
            elif not export["runnable"]:
                status = "NOT_RUN" if export["status"] == "NOT_RUN" else "NOT_EXPORTED"
                message = f"{export['status']} in {export['stage']}: {export['message']}"
                self._record_cell(step, cell, fingerprint, export, Result(status, "export", message), None)
            elif cell.environment in unusable:
                result = Result("NOT_RUN", "load", unusable[cell.environment])
                self._record_cell(step, cell, fingerprint, export, result, None)
            else:
                batches[cell.environment, cell.target.path].append(self._cell_job(cell, export))
                by_key[cell.key] = (cell, fingerprint, export)

        def on_result(job: dict[str, Any], result: Result) -> None:
            cell, fingerprint, export = by_key[job["id"]]
            comparison = _compared(job, export) if result.status == "OK" else None
            Path(job["out"]).unlink(missing_ok=True)
            self._record_cell(step, cell, fingerprint, export, result, comparison)

        self._run_batches("run", batches, on_result)

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

    # -- batches -------------------------------------------------------------------------------------------------

    def _run_batches(
        self,
        kind: str,
        queues: dict[tuple[Environment, Path], list[dict[str, Any]]],
        on_result: Callable[[dict[str, Any], Result], None],
    ) -> None:
        """Work off one queue of jobs per environment and module."""
        batches = [Batch(environment, kind, module, deque(queue)) for (environment, module), queue in queues.items()]
        self.started += run_batches(batches, self.workers, self.limits, on_result, self._stop)

    def _export_job(self, export: Export, fingerprint: str) -> dict[str, Any]:
        folder = self.workshop.export_folder(export.key, fingerprint)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return {
            "id": export.key,
            "log": self._passing("log"),
            "model": str(self._models[export.model.name]),
            "exporter": export.source.exporter,
            "opset": export.opset,
            "dynamic": export.variant == "dynamic",
            "sets": DYNAMIC_SETS if export.variant == "dynamic" else STATIC_SETS,
            "out": str(folder),
        }

    def _cell_job(self, cell: Cell, export: Record) -> dict[str, Any]:
        folder = Path(export["folder"])
        return {
            "id": cell.key,
            "log": self._passing("log"),
            "model": str(folder / "model.onnx"),
            "feeds": str(folder / "feeds.arrays"),
            "sets": export["sets"],
            "option": cell.target.option,
            "inputs": [{k: i[k] for k in ("name", "dtype", "shape")} for i in export["inputs"]],
            "outputs": [o["name"] for o in export["outputs"]],
            "out": self._passing("arrays"),
            "truth": str(self._models[cell.export.model.name] / "truth.npz"),
        }

    def _passing(self, kind: str) -> str:
        """A new file name for what a job in hand writes."""
        return str(self.workshop.passing / f"{next(self._numbers)}.{kind}")

    # -- fingerprints and records --------------------------------------------------------------------------------

    def _export_fingerprint(self, export: Export) -> str:
        return _digest(
            self._models[export.model.name].name,
            digest_of(export.source.path, *_MECHANISM),
            export.environment.lock,
            HOST.lock,
            [export.source.exporter, export.variant, export.opset],
        )

    def _cell_fingerprint(self, cell: Cell, export: Record) -> str:
        return _digest(
            export["fingerprint"],
            export.get("sha256"),
            digest_of(cell.target.path, *_MECHANISM),
            cell.environment.lock,
            cell.target.option,
        )

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
            "message": result.message,
            "runnable": False,
            "folder": str(folder),
            "sets": DYNAMIC_SETS if export.variant == "dynamic" else STATIC_SETS,
        }
        if checked is not None:
            record["seconds"] = {**result.seconds, **checked.seconds}
            record.update(_judged(checked, folder, self._models[export.model.name], record["sets"]))
        record["files"] = _sizes(folder)
        record["blame"] = blame.blame_export(record)
        record["log"] = result.log and self.workshop.keep_log(result.log, export.key, record["status"])
        self.watcher.advance("exports", self.workshop.journal.append("export", export.key, record))

    def _record_cell(
        self, step: str, cell: Cell, fingerprint: str, export: Record, result: Result, comparison: Comparison | None
    ) -> None:
        record: Record = {
            **self._provenance(fingerprint, cell.environment, result),
            "source": cell.export.source_name,
            "model": cell.export.model.name,
            "variant": cell.export.variant,
            "opset": cell.export.opset,
            "full": cell.export.full,
            "target": cell.target_name,
            "status": comparison.status if comparison else result.status,
            "stage": "compare" if comparison else result.stage,
            "message": comparison.message if comparison else result.message,
            "sha256": export.get("sha256"),
            "device": result.value,
        }
        if comparison:
            record["measures"] = comparison.as_data()
            record.update({name: comparison.worst(name) for name in ("noise", "max_abs", "max_rel")})
        record["log"] = result.log and self.workshop.keep_log(result.log, cell.key, record["status"])
        self.watcher.advance(step, self.workshop.journal.append("cell", cell.key, record))

    def _provenance(self, fingerprint: str, environment: Environment, result: Result) -> Record:
        return {
            "fingerprint": fingerprint,
            "run": self.id,
            "time": round(time.time(), 1),
            "environment": environment.lock if environment.installed else None,
            "python": result.worker.get("python"),
            "network": result.worker.get("network"),
            "seconds": result.seconds,
            "peak_mb": result.peak_mb,
        }


def default_workers(limits: Limits) -> int:
    """One worker per core, as far as each may use all the memory that it is allowed."""
    by_memory = psutil.virtual_memory().available // 2**20 // limits.memory_mb
    return max(1, min(os.cpu_count() or 1, int(by_memory)))


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:24]


def _sizes(folder: Path) -> dict[str, int]:
    """Bytes of the files of an exported case, by which one that is gone or torn is noticed and made again."""
    files = (folder / name for name in ("model.onnx", "native.arrays", "feeds.arrays"))
    return {file.name: file.stat().st_size for file in files if file.exists()}


def _judged(checked: Result, folder: Path, model: Path, sets: list[int]) -> Record:
    """What the check and the native run say of an export: its status, and what a runtime needs to know of the file."""
    if checked.status != "OK":
        return {"status": checked.status, "stage": "check", "message": checked.message}
    found = dict(checked.value)
    status, message, stage = found.pop("status"), found.pop("message"), "check"
    if status == "PASS":
        dtypes = {o["value"]: o["wanted"] for o in found["outputs"]}
        native = compare(
            read_sets(folder / "native.arrays", sets), read_sets(model / "truth.npz", sets), None, dtypes, sets
        )
        # The native run sets the unit of noise, so against epsilon alone it may well be IMPRECISE: that is no fault.
        if native.status == "WRONG":
            status, message, stage = "WRONG", native.message, "native"
        found["native"] = native.as_data()
    return {**found, "status": status, "stage": stage, "message": message}


def _compared(job: dict[str, Any], export: Record) -> Comparison:
    """Bring a runtime's outputs back to the model's names and layout, and compare them."""
    sets = job["sets"]
    try:
        values = read_sets(job["out"], sets)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        return Comparison("WRONG", f"the outputs cannot be read: {error}")
    outputs = {o["name"]: o for o in export["outputs"]}
    actual = [
        {_own_name(outputs, name): _own_layout(outputs.get(name), array) for name, array in arrays.items()}
        for arrays in values
    ]
    native = read_sets(Path(export["folder"]) / "native.arrays", sets)
    dtypes = {o["value"]: o["wanted"] for o in export["outputs"]}
    return compare(actual, read_sets(job["truth"], sets), native, dtypes, sets)


def _own_name(outputs: dict[str, Any], name: str) -> str:
    return str(outputs[name]["value"]) if name in outputs else name


def _own_layout(output: dict[str, Any] | None, array: Any) -> Any:
    permutation = (output or {}).get("permutation")
    if not permutation or array.ndim != len(permutation):
        return array
    return array.transpose([permutation.index(axis) for axis in range(array.ndim)])


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
