"""What is published of a run: the documented keys, the same counts in every format, and no hostile text let in."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakery import CANONICAL, REFERENCE, fake_source, fake_target

from matrix.catalogue import SOURCES, Source
from matrix.dataset import of_plan
from matrix.environments import HOST
from matrix.expect import NOTHING, Expectations, load
from matrix.plan import Cell, Export, Plan
from matrix.provenance import of_environment
from matrix.publish import publish
from matrix.workshop import Workshop
from models.catalogue import all_models

HOSTILE = "<script>alert('it')</script> & \"more\" | </td>\nsecond line"
FIRST_LINE = HOSTILE.splitlines()[0]
#: Status of each cell, in the order of the plan: three targets for each of three models.
STATUSES = ["PASS", "WRONG", "NOT_RUN", "IMPRECISE", "PASS", "CRASH", "NOT_EXPORTED", "NOT_EXPORTED", "NOT_EXPORTED"]
TARGETS = [REFERENCE, fake_target("off"), fake_target("right", name="fake.<b>bold")]


@pytest.fixture
def workshop(tmp_path: Path) -> Iterator[Workshop]:
    workshop = Workshop(tmp_path / "work")
    yield workshop
    workshop.journal.close()


@pytest.fixture
def plan() -> Plan:
    models = [all_models()[name] for name in ("alexnet", "linear", "relu")]
    exports = [Export(CANONICAL, HOST, model, "static") for model in models]
    return Plan(exports, [Cell(export, target, HOST) for export in exports for target in TARGETS])


@pytest.fixture
def public(plan: Plan, workshop: Workshop, tmp_path: Path) -> Path:
    """The site made of records that hold every kind of cell."""
    for export in plan.exports:
        bad = export.model.name == "relu"
        write_export(workshop, export, *(("ERROR", "export", "exporter") if bad else ("PASS", "check", "")))
    for cell, status in zip(plan.cells, STATUSES, strict=True):
        write_cell(workshop, cell, status)
    published(plan, workshop, tmp_path / "public", "run-1")
    return tmp_path / "public"


def published(
    plan: Plan, workshop: Workshop, folder: Path, run: str = "", expectations: Expectations = NOTHING
) -> dict[str, Any]:
    publish(of_plan(plan, workshop.journal, run, expectations), folder)
    return matrix(folder)


def write_export(workshop: Workshop, export: Export, status: str, stage: str, blame: str) -> None:
    record = {
        "source": export.source_name, "model": export.model.name, "variant": export.variant, "opset": None,
        "status": status, "stage": stage, "blame": blame, "message": HOSTILE, "seconds": {"build": 0.25, "export": 0.5},
        "emitted_opset": 17, "folder": "/somewhere/private", "environment": HOST.lock,
    }  # fmt: skip
    workshop.journal.append("export", export.key, record)
    workshop.journal.append("environment", HOST.lock, of_environment(HOST))


def write_cell(workshop: Workshop, cell: Cell, status: str) -> None:
    record = {
        "source": cell.export.source_name, "model": cell.export.model.name, "variant": "static", "opset": None,
        "full": False, "target": cell.target_name, "status": status, "stage": "run",
        "message": "" if status == "PASS" else HOSTILE,
        "seconds": {"load": 0.5, "run": 0.25}, "peak_mb": 7, "noise": 1.5, "max_abs": 1e-7, "max_rel": 1e-6,
        "log": "logs/cell.log", "run": "run-0", "environment": HOST.lock, "fence": "full",
        "repeats": {"times": 2, "statuses": {status: 2}, "spread": 1e-9},
    }  # fmt: skip
    workshop.journal.append("cell", cell.key, record)


def matrix(public: Path) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((public / "matrix.json").read_text())
    return data


# -- matrix.json -----------------------------------------------------------------------------------------------------

#: The documented keys; others rely on them.
KEYS = {
    "sources": "name framework exporter environment tier packages layers",
    "targets": "name runtime environment packages",
    "models": "name family kind variants",
    "exports": "source model variant opset status stage blame message seconds emitted_opset bytes operators full sha256"
    " run environment fence log",
    "cells": (
        "source model variant opset target status stage blame message noise max_abs max_rel seconds load_seconds"
        " run_seconds peak_mb expected spread full sha256 run environment fence log device"
    ),
}
ABOUT = ["schema", "run", "generated", "suite", "sources", "targets", "models", "runs", "environments", "canaries"]


def test_matrix_json_has_the_documented_keys(public: Path) -> None:
    data = matrix(public)
    assert list(data) == [*ABOUT, "exports", "cells"]
    assert (data["schema"], data["run"]) == (2, "run-1")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", data["generated"])
    for part, keys in KEYS.items():
        for entry in data[part]:
            assert list(entry) == keys.split(), part


def test_every_number_leads_to_the_run_and_the_versions_that_made_it(
    public: Path, workshop: Workshop, plan: Plan
) -> None:
    workshop.journal.append("run", "run-0", {"arguments": ["--work", "/home/somebody"], "suite": "0.1.0"})
    workshop.journal.append("environment", HOST.lock, {"name": "host", "packages": {"onnx": "1.23.2"}})
    data = published(plan, workshop, public, "run-1")
    assert data["runs"] == {"run-0": {"suite": "0.1.0"}}
    assert data["environments"] == {HOST.lock: {"name": "host", "packages": {"onnx": "1.23.2"}}}
    cell = data["cells"][0]
    assert (cell["run"], cell["environment"], cell["fence"], cell["log"], cell["spread"]) == (
        "run-0", HOST.lock, "full", "logs/cell.log", 1e-9,
    )  # fmt: skip


def test_what_was_not_run_says_so_in_place_of_numbers(public: Path) -> None:
    assert "Not run, by our own trouble: " in (public / "matrix.md").read_text()


def test_matrix_json_says_what_was_recorded(public: Path, plan: Plan) -> None:
    data = matrix(public)
    assert [cell["status"] for cell in data["cells"]] == STATUSES
    assert [(c["model"], c["target"]) for c in data["cells"]] == [
        (c.export.model.name, c.target_name) for c in plan.cells
    ]
    assert data["cells"][1]["seconds"] == 0.75
    assert data["cells"][1]["blame"] == "runtime"
    assert data["cells"][2]["blame"] == "us"
    assert data["cells"][6]["blame"] == "exporter"
    assert data["cells"][1]["message"] == FIRST_LINE
    alexnet = all_models()["alexnet"]
    assert data["models"][0] == {
        "name": "alexnet", "family": alexnet.family, "kind": "architecture", "variants": ["static"],
    }  # fmt: skip
    assert data["sources"][0]["name"] == "canonical@host"
    assert data["sources"][0]["packages"]["onnx"] == HOST.packages["onnx"]
    assert "/somewhere/private" not in json.dumps(data)


def test_each_cell_says_whether_it_was_expected(plan: Plan, public: Path, workshop: Workshop, tmp_path: Path) -> None:
    assert [cell["expected"] for cell in matrix(public)["cells"]] == ["", "new", "", "", "", "new", "", "", ""]
    (tmp_path / "fake.off.toml").write_text(
        '[[known]]\nstatus = "WRONG"\nreason = "it is off by one"\nseen = "1"\nlink = ""\n'
        'question_after = 2027-05-21\ncells = ["canonical/*/static"]\n'
    )
    data = published(plan, workshop, tmp_path / "again", "", load(tmp_path))
    told = ["", "known", "", "", "unexpected pass", "new", "", "", ""]
    assert [cell["expected"] for cell in data["cells"]] == told


def test_cells_without_a_record_are_not_invented(plan: Plan, workshop: Workshop, tmp_path: Path) -> None:
    write_export(workshop, plan.exports[0], "PASS", "check", "")
    write_cell(workshop, plan.cells[0], "PASS")
    data = published(plan, workshop, tmp_path, "")
    assert (len(data["exports"]), len(data["cells"])) == (1, 1)


def test_the_layers_of_a_source_are_counted(workshop: Workshop, tmp_path: Path) -> None:
    source = Source("fake", "a fake", str(tmp_path / "exporter.py"), "right", "host", 0)
    source.path.write_text(
        "LAYERS = {'relu': 1, 'linear': 2}\nCOMPOSED = {'gelu': 3}\nPACKAGES = ('numpy', 'absent')\n"
    )
    export = Export(source, HOST, all_models()["relu"], "static")
    write_export(workshop, export, "PASS", "check", "")
    data = published(Plan([export], [Cell(export, REFERENCE, HOST)]), workshop, tmp_path, "")
    assert data["sources"][0]["layers"] == {"native": 2, "composed": 1}
    assert data["sources"][0]["packages"] == {"numpy": HOST.packages["numpy"]}


# -- the other formats -----------------------------------------------------------------------------------------------


def test_csv_has_the_same_cells(public: Path) -> None:
    rows = list(csv.DictReader(io.StringIO((public / "matrix.csv").read_text())))
    cells = matrix(public)["cells"]
    assert [list(row) for row in rows] == [KEYS["cells"].split()] * len(cells)
    for row, cell in zip(rows, cells, strict=True):
        assert row == {name: "" if value is None else str(value) for name, value in cell.items()}


def tables(text: str) -> list[list[list[str]]]:
    """The tables of a Markdown text, as rows of cells."""
    blocks = re.findall(r"(?:^\|.*\|\n)+", text, re.M)
    return [[[c.strip() for c in row.strip("|").split("|")] for row in block.splitlines()] for block in blocks]


def test_markdown_has_the_same_counts_and_well_formed_tables(public: Path) -> None:
    text = (public / "matrix.md").read_text()
    heat, exports, targets = tables(text)
    for table in (heat, exports, targets):
        assert len({len(row) for row in table}) == 1
        assert set("".join(table[1])) <= set("-:")
    # alexnet, linear and relu on each target; NOT_RUN and NOT_EXPORTED are in no denominator.
    assert heat[2] == ["canonical@host", "2/2", "1/2", "0/1"]
    assert dict(zip(exports[0], exports[2], strict=True)) == {
        "source": "canonical@host", "PASS": "2", "WRONG": "", "UNSUPPORTED": "", "ERROR": "1", "CRASH": "",
        "TIMEOUT": "", "MEMORY": "", "NOT_RUN": "",
    }  # fmt: skip
    counted: Counter[str] = Counter()
    for row in targets[2:]:
        counted.update({s: int(n or 0) for s, n in zip(targets[0][1:-1], row[1:-1], strict=True)})
    assert counted == Counter(STATUSES)
    assert [row[-1] for row in targets[2:]] == ["100 %", "50 %", "0 %"]


def test_files_are_replaced_whole(public: Path) -> None:
    assert sorted(path.name for path in public.iterdir() if path.is_file()) == [
        "about.json", "cell.html", "cells.parquet", "choose.html", "exports.parquet", "feed.xml", "index.html",
        "junit.xml", "matrix.csv", "matrix.json", "matrix.md", "method.html", "operators.html", "pair.html",
        "scores.html", "scores.json", "speed.html", "wrong.html",
    ]  # fmt: skip


def test_nothing_but_failures_of_ours_is_no_score_at_all(plan: Plan, workshop: Workshop, tmp_path: Path) -> None:
    write_export(workshop, plan.exports[0], "PASS", "check", "")
    for cell in plan.cells[:3]:
        write_cell(workshop, cell, "NOT_RUN")
    published(plan, workshop, tmp_path, "")
    assert tables((tmp_path / "matrix.md").read_text())[0][2] == ["canonical@host", "–", "–", "–"]


def test_real_sources_are_published_under_their_names(workshop: Workshop, tmp_path: Path) -> None:
    export = Export(SOURCES["canonical"], HOST, all_models()["relu"], "dynamic", 17)
    other = Export(fake_source("right"), HOST, all_models()["relu"], "static")
    cells = [Cell(e, REFERENCE, HOST) for e in (export, other)]
    for own in (export, other):
        write_export(workshop, own, "PASS", "check", "")
    write_cell(workshop, cells[0], "PASS")
    data = published(Plan([export, other], cells), workshop, tmp_path, "")
    assert [source["name"] for source in data["sources"]] == ["canonical@host", "fake.right@host"]
    assert data["models"][0]["variants"] == ["dynamic", "static"]
