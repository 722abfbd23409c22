"""What the suite costs over a bare loop: 500 small cells on ONNX Runtime, both ways in one run.

    python benchmarks/overhead.py [--cells 500] [--rounds 5]

The bare loop loads, runs and compares the same files in this process, one after the other, with the same importer
and the same comparison. The suite does it with one worker: start of the process, import, protocol, files, records.
Prints seconds and their ratio for every round, and the median ratio.
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import sys
import tempfile
import time
from pathlib import Path
from types import ModuleType, SimpleNamespace

from matrix.compare import compare
from matrix.jobs import read_sets
from matrix.plan import Plan, Selection, make_plan
from matrix.run import Run
from matrix.watcher import Silence
from matrix.workshop import Workshop


def importer(path: Path) -> ModuleType:
    """The importer module, as a worker loads it."""
    spec = importlib.util.spec_from_file_location("bare_importer", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def bare_loop(plan: Plan, workshop: Workshop, models: dict[str, Path]) -> float:
    """Seconds to import the runtime and load, run and compare every cell."""
    begun = time.perf_counter()
    module = importer(plan.cells[0].target.path)
    for cell in plan.cells:
        export = workshop.journal.get("export", cell.export.key)
        assert export is not None
        folder, sets = workshop.folder / export["folder"], export["sets"]
        request = SimpleNamespace(option=cell.target.option, inputs=export["inputs"], outputs=[])
        session = module.load(str(folder / "model.onnx"), request)
        actual = [module.run(session, feeds) for feeds in read_sets(folder / "feeds.arrays", sets)]
        native = read_sets(folder / "native.arrays", sets)
        truth = read_sets(models[cell.export.model.name] / "truth.npz", sets)
        dtypes = {o["value"]: o["wanted"] for o in export["outputs"]}
        compare(actual, truth, native, dtypes, sets)
    return time.perf_counter() - begun


def suite(plan: Plan, workshop: Workshop) -> float:
    """Seconds that the suite takes for the same cells, exports being there."""
    run = Run(plan, workshop, workers=1)
    run.prepare()
    run.refresh = True
    begun = time.perf_counter()
    with workshop.passing_folders():
        run._cells(plan.cells, {}, "cells")
    seconds = time.perf_counter() - begun
    statuses = {record["status"] for cell in plan.cells if (record := workshop.journal.get("cell", cell.key))}
    assert statuses == {"PASS"}, statuses
    return seconds


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    selection = Selection(sources=["canonical"], targets=["onnxruntime.all@host"], scope="all")
    with tempfile.TemporaryDirectory() as folder:
        workshop = Workshop(Path(folder))
        plan = make_plan(selection, installed_only=True)
        plan.cells = [c for c in plan.cells if c.export.model.kind == "layer"]
        Run(plan, workshop).carry_out()
        passing = {record["key"] for record in workshop.journal.all("cell") if record["status"] == "PASS"}
        plan.cells = [cell for cell in plan.cells if cell.key in passing][: options.cells]
        models = workshop.models({cell.export.model.name for cell in plan.cells}, False, 1, Silence())
        bare_loop(plan, workshop, models)  # warms the disk cache and the import for both
        ratios = []
        for number in range(options.rounds):
            bare, whole = bare_loop(plan, workshop, models), suite(plan, workshop)
            ratios.append(whole / bare)
            seconds = f"bare {bare:.2f} s, suite {whole:.2f} s, {ratios[-1]:.2f} x"
            print(f"round {number + 1}: {len(plan.cells)} cells, {seconds}")
        print(f"median ratio {statistics.median(ratios):.2f} x on {sys.platform}")
        workshop.journal.close()


if __name__ == "__main__":
    main()
