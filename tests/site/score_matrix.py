"""A small matrix that has every kind of score, with names that would be HTML."""

from __future__ import annotations

from typing import Any

import polars as pl

from matrix.dataset import CELLS, EXPORTS, SCHEMA, Matrix

HOSTILE = "<img src=x onerror=alert(1)>"
TARGETS = ("reference@host", "onnxruntime.all@onnxruntime1.0", f"{HOSTILE}@it1.0", "broken@broken1.0")
SOURCES = ("one@one1.0", f"two.{HOSTILE}@two1.0", "zoo@zoo1.0")
#: Statuses by model and target, the last of the file at all.
STATUSES = {
    "alexnet": ("PASS", "PASS", "PASS", "NOT_RUN"),
    "lstm": ("WRONG", "PASS", "WRONG", "NOT_RUN"),
    "relu": ("PASS", "PASS", "IMPRECISE", "NOT_RUN"),
    "selu": ("PASS", "PASS", "ERROR", "NOT_RUN"),
    "gelu": ("UNSUPPORTED", "ERROR", "UNSUPPORTED", "NOT_RUN"),
    "silu": ("NOT_EXPORTED",) * 4,
}


def matrix() -> Matrix:
    """Two sources of six files each on four targets, of which one failed its canary."""
    rows = [
        {
            "source": source, "model": model, "variant": "static", "target": target, "status": status,
            "message": HOSTILE,
            "noise": place + 0.5, "load_seconds": 0.1 * (place + 1), "run_seconds": 0.01 * (place + 1),
            "peak_mb": 60 + place,
        }
        for source in SOURCES[:2]
        for model, statuses in STATUSES.items()
        for place, (target, status) in enumerate(zip(TARGETS, statuses, strict=True))
    ]  # fmt: skip
    exports = [
        {
            "source": source, "model": model, "variant": "static", "message": "", "stage": "check",
            "status": "PASS" if statuses[0] != "NOT_EXPORTED" else "ERROR",
        }
        for source in SOURCES[:2]
        for model, statuses in STATUSES.items()
    ]  # fmt: skip
    families = {"alexnet": "convnet", "lstm": "recurrent"}
    about = {
        "schema": SCHEMA, "run": "run", "generated": "2026-01-01T00:00:00Z", "suite": "0", "runs": {},
        "environments": {"lock": {"name": "host", "cpu": HOSTILE}},
        "sources": [
            {
                "name": name, "framework": name.partition("@")[0], "exporter": "export",
                "environment": name.partition("@")[2], "tier": 2 - place, "packages": {},
                "layers": {"native": 90, "composed": 20},
            }
            for place, name in enumerate(SOURCES)
        ],
        "targets": [
            {"name": name, "runtime": f"the runtime {name}", "environment": name.partition("@")[2], "packages": {}}
            for name in TARGETS
        ],
        "models": [
            {"name": name, "family": families.get(name, "activation"), "kind": "layer", "variants": ["static"]}
            for name in STATUSES
        ],
        "canaries": {
            **{name: {"status": "PASS", "message": ""} for name in TARGETS[:3]},
            TARGETS[3]: {"status": "NOT_RUN", "message": f"it died {HOSTILE}"},
        },
    }  # fmt: skip
    return Matrix(about, pl.DataFrame(exports, schema=EXPORTS), pl.DataFrame(rows, schema=CELLS))


def empty() -> Matrix:
    """A matrix of nothing at all."""
    about: dict[str, Any] = {
        **matrix().about,
        "sources": [],
        "targets": [],
        "models": [],
        "canaries": {},
        "environments": {},
    }
    return Matrix(about, pl.DataFrame(schema=EXPORTS), pl.DataFrame(schema=CELLS))
