"""A small matrix for the tests of pages: every kind of cell, and names and messages that are HTML."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from matrix.dataset import CELLS, EXPORTS, SCHEMA, Matrix
from matrix.publish import publish

HOSTILE = "<script>alert('it')</script> & \"more\" | </td>"
SOURCES = ("canonical@host", "fake.<b>bold@new")
TARGETS = ("reference@host", "fake.off@host", "fake.<i>dead@host", "fake.on@older")
MODELS = (("alexnet", "architecture", "convnet"), ("lstm", "layer", "recurrent"), ("a/b <u>", "own", "zoo"))
#: By source, model and variant: the status on each target.
STATUSES = {
    (0, 0, "static"): ("PASS", "WRONG", "NOT_RUN", "PASS"),
    (0, 0, "dynamic"): ("PASS", "CRASH", "NOT_RUN", "IMPRECISE"),
    (0, 1, "static"): ("IMPRECISE", "PASS", "NOT_RUN", "ERROR"),
    (1, 0, "static"): ("NOT_EXPORTED", "NOT_EXPORTED", "NOT_EXPORTED", "NOT_EXPORTED"),
    (1, 2, "float16"): ("UNSUPPORTED", "WRONG", "NOT_RUN", "PASS"),
}
BLAME = {"NOT_RUN": "us", "NOT_EXPORTED": "exporter", "PASS": "", "IMPRECISE": ""}
MEASURE = {
    "set": 0, "output": "y <s>", "status": "WRONG", "message": HOSTILE, "max_abs": 0.123456789, "max_rel": float("inf"),
    "rms": 0.1, "cosine": 0.5, "noise": 1e6, "histogram": [3, *[0] * 11, 2],
}  # fmt: skip


def site_matrix() -> Matrix:
    """The matrix. The export of the model a/b is in the folder exports/one; WRONG cells have the log logs/one.log."""
    exports, cells = [], []
    for (source, model, variant), statuses in STATUSES.items():
        what = {"source": SOURCES[source], "model": MODELS[model][0], "variant": variant, "full": False, "run": "run-0"}
        lost = "NOT_EXPORTED" in statuses
        exports.append(
            {
                **what, "status": "ERROR" if lost else "PASS", "stage": "export" if lost else "check", "seconds": 1.5,
                "blame": "exporter" if lost else "", "message": HOSTILE if lost else "", "environment": "made",
                "emitted_opset": None if lost else 17, "bytes": None if lost else 2048, "operators": ["Relu"],
                "folder": "exports/one" if model == 2 else None, "key": "",
            }
        )  # fmt: skip
        cells += [
            {
                **what, "target": target, "status": status, "stage": "run",
                "message": "" if status == "PASS" else HOSTILE,
                "blame": BLAME.get(status, "runtime"), "expected": "new" if status == "WRONG" else "", "noise": 1.5,
                "seconds": 0.75, "load_seconds": 0.5, "run_seconds": 0.25,
                "spread": 1e-9 if target == TARGETS[0] else None,
                "environment": "ran", "measures": [MEASURE] if status == "WRONG" else None,
                "log": "logs/one.log" if status == "WRONG" else None,
            }
            for target, status in zip(TARGETS, statuses, strict=True)
        ]  # fmt: skip
    return Matrix(_about(), pl.DataFrame(exports, schema=EXPORTS), pl.DataFrame(cells, schema=CELLS))


#: Versions that are not the usual ones.
OTHER_SOURCE, OTHER_TARGET = "canonical@old1.0", "fake.off@off0.1"


def with_versions() -> Matrix:
    """The small matrix with another version of a source, which has one file, and of a target, which was given one."""
    plain = site_matrix()
    alexnet = (pl.col("source") == SOURCES[0]) & (pl.col("model") == "alexnet") & (pl.col("variant") == "static")
    renamed = pl.lit(OTHER_SOURCE).alias("source")
    cells = plain.cells.filter(alexnet)
    older = cells.filter(pl.col("target") == TARGETS[0]).with_columns(renamed, status=pl.lit("CRASH"))
    given = cells.filter(pl.col("target") == TARGETS[1]).with_columns(
        target=pl.lit(OTHER_TARGET), status=pl.lit("PASS")
    )
    source, target = plain.about["sources"][0], plain.about["targets"][1]
    about = {
        **plain.about,
        "sources": [{**source, "name": OTHER_SOURCE, "environment": "old1.0"}, *plain.about["sources"]],
        "targets": [*plain.about["targets"], {**target, "name": OTHER_TARGET, "environment": "off0.1"}],
    }
    exports = pl.concat([plain.exports, plain.exports.filter(alexnet).with_columns(renamed)])
    return Matrix(about, exports, pl.concat([plain.cells, older, given]))


def _about() -> dict[str, Any]:
    variants = {m: [v for _, model, v in STATUSES if model == m] for m in range(len(MODELS))}
    return {
        "schema": SCHEMA,
        "run": "run-0",
        "generated": "2026-11-21T00:00:00Z",
        "suite": "0.1.0",
        "sources": [
            {
                "name": name, "framework": f"Framework {n}", "exporter": "own", "environment": name.split("@")[1],
                "tier": 2, "packages": {"onnx": "1.2.3"}, "layers": {"native": 1, "composed": 0},
            }
            for n, name in enumerate(SOURCES)
        ],
        "targets": [
            {"name": name, "runtime": f"Runtime {n}", "environment": name.split("@")[1], "packages": {}}
            for n, name in enumerate(TARGETS)
        ],
        "models": [
            {"name": name, "family": family, "kind": kind, "variants": variants[n]}
            for n, (name, kind, family) in enumerate(MODELS)
        ],
        "runs": {"run-0": {"suite": "0.1.0", "commit": "abc"}},
        "environments": {"made": {"name": "host", "packages": {"onnx": "1.2.3"}}, "ran": {"name": "host"}},
        "canaries": {
            **{name: {"status": "PASS", "message": ""} for name in TARGETS},
            TARGETS[2]: {"status": "NOT_RUN", "message": f"canary: it died {HOSTILE}"},
        },
    }  # fmt: skip


def published(folder: Path, matrix: Matrix | None = None) -> Path:
    """The site of the matrix, or of one made of it, with what its work folder holds; `folder` gets both."""
    case = folder / "work" / "exports" / "one"
    (case / "test_data_set_0").mkdir(parents=True)
    (case / "model.onnx").write_bytes(b"model")
    (case / "feeds.arrays").write_bytes(b"ours")
    (case / "test_data_set_0" / "input_0.pb").write_bytes(b"input")
    (folder / "work" / "logs").mkdir()
    exported = folder / "work" / "exports" / "x"
    log = f'begun\n  File "{exported}", line 1\n  File "/srv/ab/.tox/e/lib/site-packages/t.py"\n{HOSTILE}\n'
    (folder / "work" / "logs" / "one.log").write_text(log)
    publish(matrix or site_matrix(), folder / "public", folder / "work")
    return folder / "public"
