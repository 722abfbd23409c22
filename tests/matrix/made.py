"""Matrices and work folders made up for tests of what is done with records: nothing is run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from matrix.dataset import CELLS, EXPORTS, SCHEMA, Matrix
from matrix.records import Journal, Record
from matrix.workshop import case_files, safe_name

RUN = "20261101-100000-abc123"


def cell(source: str, model: str, target: str, status: str = "PASS", **more: Any) -> dict[str, Any]:
    return {
        "source": source, "model": model, "variant": "static", "opset": None, "target": target, "status": status,
        "stage": "run", "blame": "", "message": "", "full": False, "run": RUN, "seconds": 0.5, "load_seconds": 0.25,
        "run_seconds": 0.25, "noise": 2.0, "max_abs": 1e-6, "expected": "", **more,
    }  # fmt: skip


def export(source: str, model: str, status: str = "PASS", **more: Any) -> dict[str, Any]:
    whole = cell(source, model, "", status, **more)
    return {name: value for name, value in whole.items() if name in EXPORTS}


def matrix(cells: Sequence[dict[str, Any]], exports: Sequence[dict[str, Any]] = (), **about: Any) -> Matrix:
    """A matrix of these rows; with no `exports`, each file that a cell is of passed."""
    files = {(c["source"], c["model"]): export(c["source"], c["model"]) for c in cells}
    rows = list(exports) or list(files.values())
    frames = [
        pl.DataFrame([{name: row.get(name) for name in schema} for row in own], schema=schema)
        for own, schema in ((rows, EXPORTS), (cells, CELLS))
    ]
    return Matrix(_about(rows, cells, about), frames[0], frames[1])


def _about(exports: Sequence[dict[str, Any]], cells: Sequence[dict[str, Any]], more: dict[str, Any]) -> dict[str, Any]:
    def each(rows: Sequence[dict[str, Any]], name: str) -> list[str]:
        return list(dict.fromkeys(row[name] for row in rows))

    return {
        "schema": SCHEMA,
        "run": RUN,
        "generated": "2026-11-01T12:00:00Z",
        "suite": "0.1.0",
        "sources": [
            {
                "name": name, "framework": "a framework", "exporter": "e", "environment": name.partition("@")[2],
                "tier": 1, "packages": {}, "layers": {"native": 1, "composed": 0},
            }
            for name in each(exports, "source")
        ],
        "targets": [
            {"name": name, "runtime": "a runtime", "environment": name.partition("@")[2], "packages": {}}
            for name in each(cells, "target")
        ],
        "models": [
            {"name": name, "family": "activation", "kind": "layer", "variants": ["static"]}
            for name in each(exports, "model")
        ],
        "runs": {RUN: {"suite": "0.1.0"}},
        "environments": {"lock": {"name": "host", "cpu": "a processor"}},
        "canaries": {},
        **more,
    }  # fmt: skip


def record_export(folder: Path, journal: Journal, key: str, time: float, text: str = "a file", **more: Any) -> Record:
    """An export in a work folder, with its case."""
    source, model, variant = key.split("/")
    case = folder / "exports" / safe_name(source) / f"{model}--{variant}-0123"
    case.mkdir(parents=True, exist_ok=True)
    (case / "model.onnx").write_text(text)
    record = {
        "source": source, "model": model, "variant": variant.partition("-opset")[0], "opset": None, "full": False,
        "status": "PASS", "stage": "check", "message": "", "blame": "", "seconds": {"export": 0.5}, "time": time,
        "folder": str(case.relative_to(folder)), "files": case_files(case), "fingerprint": f"{time}", **more,
    }  # fmt: skip
    return journal.append("export", key, record)


def record_cell(folder: Path, journal: Journal, key: str, time: float, status: str = "PASS", **more: Any) -> Record:
    """A cell in a work folder, with its log where it failed."""
    export, _, target = key.rpartition("/")
    source, model, variant = export.split("/")
    log = None
    if status not in ("PASS", "NOT_RUN"):
        log = f"logs/{safe_name(key)}.log"
        (folder / "logs").mkdir(parents=True, exist_ok=True)
        (folder / log).write_text(f"what was said at {time}")
    record = {
        "source": source, "model": model, "variant": variant, "opset": None, "full": False, "target": target,
        "status": status, "stage": "run", "message": "", "seconds": {"load": 0.1, "run": 0.1}, "time": time,
        "fingerprint": f"{time}", "log": log, **more,
    }  # fmt: skip
    return journal.append("cell", key, record)
