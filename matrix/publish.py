"""Making `public/` from the journal: matrix.json, matrix.csv, matrix.md and a static page."""

from __future__ import annotations

import csv
import io
import json
import os
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from jinja2 import Environment as Templates
from jinja2 import PackageLoader, StrictUndefined

from matrix.blame import RIGHT, blame
from matrix.catalogue import Source, Target, literal
from matrix.environments import Environment
from matrix.errors import UserError
from matrix.expect import NOTHING, Expectations
from matrix.plan import Plan
from matrix.progress import STATUSES
from matrix.records import Journal, Record
from matrix.text import headline, markdown, printable
from matrix.workshop import Workshop

SCHEMA = 1
CELL_FIELDS = (
    "source", "model", "variant", "opset", "target", "status", "stage", "blame", "message", "noise", "max_abs",
    "max_rel", "seconds", "peak_mb", "full", "expected", "spread", "run", "environment", "fence", "log",
)  # fmt: skip
EXPORT_FIELDS = (
    "source", "model", "variant", "opset", "status", "stage", "blame", "message", "seconds", "emitted_opset",
    "full", "sha256", "run", "environment", "fence", "log",
)  # fmt: skip


@dataclass(frozen=True)
class Results:
    """The records of a plan, with blame laid."""

    exports: list[Record]
    cells: list[Record]


def results(plan: Plan, workshop: Workshop, expectations: Expectations = NOTHING) -> Results:
    """The record of every planned export and cell that has one, in the order of the plan."""
    journal = workshop.journal
    exports = {e.key: record for e in plan.exports if (record := journal.get("export", e.key))}
    of_file: dict[str, list[Record]] = defaultdict(list)
    for record in journal.all("cell"):
        of_file[record["key"].rsplit("/", 1)[0]].append(record)
    cells = []
    for cell in plan.cells:
        found = journal.get("cell", cell.key)
        export = exports.get(cell.export.key)
        if found and export:
            siblings = [r for r in of_file[cell.export.key] if r.get("sha256") == found.get("sha256")]
            expected = expectations.verdict(cell.key, found["status"]).word
            spread = (found.get("repeats") or {}).get("spread")
            own = {"blame": blame(found, export, siblings), "expected": expected, "spread": spread}
            cells.append({**found, **own})
    return Results(list(exports.values()), cells)


def matrix_data(plan: Plan, found: Results, run: str, journal: Journal) -> dict[str, Any]:
    """The contents of matrix.json, schema 1."""
    sources = {e.source_name: (e.source, e.environment) for e in plan.exports}
    targets = {c.target_name: (c.target, c.environment) for c in plan.cells}
    variants: dict[str, dict[str, None]] = defaultdict(dict)
    models = {}
    for export in plan.exports:
        models[export.model.name] = export.model
        variants[export.model.name][export.variant] = None
    return {
        "schema": SCHEMA,
        "run": run,
        "generated": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "suite": metadata.version("onnx-interop"),
        "sources": [_source(name, *placed) for name, placed in sources.items()],
        "targets": [_target(name, *placed) for name, placed in targets.items()],
        "models": [
            {"name": m.name, "family": m.family, "kind": m.kind, "variants": list(variants[m.name])}
            for m in models.values()
        ],
        "exports": [_row(record, EXPORT_FIELDS) for record in found.exports],
        "cells": [_row(record, CELL_FIELDS) for record in found.cells],
        "runs": _made_by("run", [*found.exports, *found.cells], journal),
        "environments": _made_by("environment", [*found.exports, *found.cells], journal),
    }


def _made_by(kind: str, records: Iterable[Record], journal: Journal) -> dict[str, Any]:
    """The runs, or the environments, that made these records: what each was, without the user's own command line."""
    keys = dict.fromkeys(record[kind] for record in records if record.get(kind))
    hidden = ("schema", "kind", "key", "arguments")
    known = {key: journal.get(kind, key) or {} for key in keys}
    return {key: {k: v for k, v in record.items() if k not in hidden} for key, record in known.items()}


def _source(name: str, source: Source, environment: Environment) -> dict[str, Any]:
    return {
        "name": name,
        "framework": source.framework,
        "exporter": source.exporter,
        "environment": environment.name,
        "tier": source.tier,
        "packages": _packages(source, environment),
        "layers": {"native": len(literal(source.path, "LAYERS")), "composed": len(literal(source.path, "COMPOSED"))},
    }


def _target(name: str, target: Target, environment: Environment) -> dict[str, Any]:
    return {
        "name": name,
        "runtime": target.runtime,
        "environment": environment.name,
        "packages": _packages(target, environment),
    }


def _packages(item: Source | Target, environment: Environment) -> dict[str, str]:
    """Versions of the packages that the module names as its own."""
    wanted = [name.lower().replace("_", "-") for name in literal(item.path, "PACKAGES")]
    return {name: environment.packages[name] for name in wanted if name in environment.packages}


def _row(record: Record, fields: Iterable[str]) -> dict[str, Any]:
    row = {name: record.get(name) for name in fields}
    row["seconds"] = round(sum((record.get("seconds") or {}).values()), 4)
    row["message"] = printable(headline(record.get("message") or ""), 300)
    return row


def publish(
    plan: Plan, workshop: Workshop, folder: Path, run: str, expectations: Expectations = NOTHING
) -> dict[str, Any]:
    """Write every file of the site into `folder`, each whole or not at all; returns the matrix's data."""
    data = matrix_data(plan, results(plan, workshop, expectations), run, workshop.journal)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder} cannot be published in: {error.strerror}; choose another --public") from None
    _write(folder / "matrix.json", json.dumps(data, separators=(",", ":")))
    _write(folder / "matrix.csv", _csv(data["cells"]))
    templates = Templates(
        loader=PackageLoader("matrix"),
        autoescape=lambda name: bool(name and ".html" in name),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters["markdown"] = markdown
    view = _view(data)
    for template, name in (("matrix.md.j2", "matrix.md"), ("index.html.j2", "index.html")):
        _write(folder / name, templates.get_template(template).render(**view))
    return data


def _write(path: Path, text: str) -> None:
    scratch = path.with_name(path.name + ".new")
    scratch.write_text(text, encoding="utf-8")
    os.replace(scratch, path)


def _csv(cells: list[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, CELL_FIELDS, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _no_formula(value) for name, value in cell.items()} for cell in cells)
    return text.getvalue()


def _no_formula(value: Any) -> Any:
    """A text that a spreadsheet would compute is made one that it shows, by an apostrophe in front."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@")) else value


def counts(rows: Iterable[dict[str, Any]], by: str) -> dict[str, Counter[str]]:
    """Statuses counted for each value of one field."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        found[row[by]][row["status"]] += 1
    return dict(found)


def _share(counter: Counter[str]) -> dict[str, Any]:
    """How many of the files that were there to run came out right. NOT_EXPORTED and NOT_RUN do not count."""
    run = sum(counter.values()) - counter["NOT_EXPORTED"] - counter["NOT_RUN"]
    right = sum(counter[status] for status in RIGHT)
    return {"right": right, "run": run, "percent": round(100 * right / run) if run else None, "statuses": dict(counter)}


def _view(data: dict[str, Any]) -> dict[str, Any]:
    """What the templates show."""
    pairs: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    models: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for cell in data["cells"]:
        pairs[cell["source"], cell["target"]][cell["status"]] += 1
        models[cell["model"], cell["target"]][cell["status"]] += 1
    exported = counts(data["exports"], "source")
    sources, targets = [s["name"] for s in data["sources"]], [t["name"] for t in data["targets"]]
    return {
        "data": data,
        "statuses": [s for s in STATUSES if any(c["status"] == s for c in data["cells"])],
        "heat": {s: {t: _share(pairs[s, t]) for t in targets} for s in sources},
        "by_model": {m["name"]: {t: _share(models[m["name"], t]) for t in targets} for m in data["models"]},
        "by_target": {t: _share(c) for t, c in counts(data["cells"], "target").items()},
        "failures": [_failure(c) for c in data["cells"] if c["status"] not in ("PASS", "NOT_EXPORTED")],
        "by_source": {s: exported.get(s, Counter()) for s in sources},
        "not_run": _not_run(data["cells"]),
        "unsteady": _unsteady(data["cells"]),
    }


def _not_run(cells: list[dict[str, Any]]) -> dict[str, list[tuple[str, int]]]:
    """By target that was not run, or not everywhere: our reasons, and how many cells each has cost."""
    reasons: dict[str, Counter[str]] = defaultdict(Counter)
    for cell in cells:
        if cell["status"] == "NOT_RUN":
            reasons[cell["target"]][cell["message"]] += 1
    return {target: counter.most_common() for target, counter in reasons.items()}


def _unsteady(cells: list[dict[str, Any]]) -> dict[str, tuple[int, float]]:
    """By target: how many cells gave other numbers when they were repeated, and by how much at most."""
    spreads: dict[str, list[float]] = defaultdict(list)
    for cell in cells:
        if cell["spread"]:
            spreads[cell["target"]].append(cell["spread"])
    return {target: (len(found), max(found)) for target, found in spreads.items()}


def _failure(cell: dict[str, Any]) -> dict[str, str]:
    return {f: cell[f] for f in ("model", "variant", "source", "target", "status", "stage", "blame", "message")}
