"""What the tests of the host code share: the fakes as sources, targets and jobs, and a batch that is run to its end."""

from __future__ import annotations

import json
import os
import threading
import time
from collections import Counter, deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from matrix.batch import Batch, run_batch
from matrix.catalogue import ROOT, Source, Target
from matrix.environments import HOST, Environment
from matrix.jobs import write_sets
from matrix.plan import Cell, Export, Plan
from matrix.process import Limits, Place, Result
from matrix.records import Record
from matrix.run import Run
from matrix.worker import load_module
from matrix.workshop import Workshop, digest_of
from models.catalogue import all_models

FAKES = Path(__file__).with_name("fakes")
TINY = ("relu", "linear")
LIMITS = Limits(seconds=20, start_seconds=20, memory_mb=2000)


def fake_module(name: str) -> Any:
    """One of the fakes, as a worker loads it."""
    return load_module(f"fake_{name}", str(FAKES / f"{name}.py"))


def fake_target(option: str, module: str = "evaluator.py", name: str = "") -> Target:
    return Target(name or f"fake.{option}", "a fake", str(FAKES / module), option, "host")


def fake_source(exporter: str, module: str = "exporter.py") -> Source:
    return Source(f"fake.{exporter}", "a fake", str(FAKES / module), exporter, "host", 0)


CANONICAL = Source("canonical", "ONNX", str(ROOT / "exporters" / "canonical.py"), "canonical", "host", 2)
REFERENCE = Target("reference", "evaluator", str(ROOT / "importers" / "reference.py"), "default", "host")
ONNXRUNTIME = Target("onnxruntime.all", "ONNX Runtime", str(ROOT / "importers" / "onnxruntime.py"), "all", "host")


def importer_jobs(folder: Path, *options: str) -> list[dict[str, Any]]:
    """One job for each option; the model is not there, the inputs are two sets of x = [[0, 1, 2], [3, 4, 5]]."""
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    write_sets(folder / "feeds.arrays", [0, 1], [{"x": x}, {"x": x + 1}])
    return [
        {
            "id": str(n),
            "log": str(folder / f"{n}.log"),
            "model": str(folder / "model.onnx"),
            "feeds": str(folder / "feeds.arrays"),
            "sets": [0, 1],
            "option": option,
            "inputs": [{"name": "x", "dtype": "float32", "shape": [2, 3]}],
            "outputs": ["y"],
            "out": str(folder / f"out-{n}.arrays"),
        }
        for n, option in enumerate(options)
    ]


def fates(
    jobs: Sequence[dict[str, Any]],
    module: str = "importer.py",
    limits: Limits = LIMITS,
    environment: Environment = HOST,
    batch: Batch | None = None,
) -> list[tuple[str, Result]]:
    """(option, result) in the order in which the host was told."""
    told: list[tuple[str, Result]] = []
    batch = batch or fake_batch(jobs, module, environment)
    run_batch(batch, limits, lambda job, result: told.append((job["option"], result)), threading.Event())
    return told


def fake_batch(jobs: Sequence[dict[str, Any]], module: str = "importer.py", environment: Environment = HOST) -> Batch:
    place = Place(writable=tuple({Path(job["log"]).parent for job in jobs}))
    return Batch(environment, "run", FAKES / module, deque(jobs), place)


def alive(pid: int) -> bool:
    """Whether that process still runs (a zombie does not)."""
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False


def running(arguments: Sequence[str], seconds: float = 2.0) -> list[str]:
    """Which of these last arguments still belong to a running process, after a moment in which they may go."""
    deadline = time.monotonic() + seconds
    while True:
        lines = [p.info["cmdline"] or [""] for p in psutil.process_iter(["cmdline"])]
        found = [line[-1] for line in lines if line and line[-1] in arguments]
        if not found or time.monotonic() > deadline:
            return found
        time.sleep(0.05)


def own_children() -> set[int]:
    """The living children of this process."""
    tasks = Path("/proc/self/task").glob("*/children")
    return {int(pid) for task in tasks for pid in task.read_text().split() if alive(int(pid))}


def python_environment() -> dict[str, str]:
    """Variables for a Python subprocess that must find the packages of this checkout."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"}


def plan_of(
    sources: Sequence[Source],
    targets: Sequence[Target],
    models: Sequence[str] = ("relu",),
    variants: Sequence[str] = ("static",),
    places: dict[str, Environment] | None = None,
) -> Plan:
    """Every source and model on every target; `places` by name of source or target, the host where there is none."""
    where = places or {}
    exports = [
        Export(source, where.get(source.name, HOST), all_models()[model], variant)
        for source in sources
        for model in models
        for variant in variants
    ]
    return Plan(exports, [Cell(e, target, where.get(target.name, HOST)) for e in exports for target in targets])


def carried_out(plan: Plan, workshop: Workshop, **options: Any) -> Run:
    digest_of.cache_clear()  # a run of its own process reads every file again
    run = Run(plan, workshop, LIMITS, workers=2, **options)
    run.carry_out()
    return run


def journal_lines(workshop: Workshop) -> list[Record]:
    return [json.loads(line) for line in workshop.journal.path.read_text().splitlines()]


def lines_by_key(workshop: Workshop, kind: str) -> Counter[str]:
    """How many records each key of a kind has."""
    return Counter(line["key"] for line in journal_lines(workshop) if line["kind"] == kind)
