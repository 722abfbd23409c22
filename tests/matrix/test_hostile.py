"""Hostile files through a whole run: each is refused clearly or recorded, and does no harm outside the work folder."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import tempfile
import threading
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakery import LIMITS, ONNXRUNTIME, REFERENCE, carried_out, fake_module, fake_source, lines_by_key, plan_of
from onnx import numpy_helper

from matrix.batch import Batch, run_batch
from matrix.catalogue import ROOT
from matrix.cli import main
from matrix.dataset import of_plan
from matrix.environments import HOST
from matrix.plan import Plan
from matrix.process import Place, Result
from matrix.progress import STATUSES
from matrix.publish import publish
from matrix.records import Record
from matrix.workshop import Workshop

hostile = fake_module("hostile")

#: Forty bytes that would do as ten weights, and that can be recognised wherever they turn up.
SECRET = b"THE SECRET OF THIS HOST, IN FORTY BYTES."

#: What the check says of files that no runtime may see.
REFUSED = {
    "bit_flipped": ("ERROR", "damaged, or nested deeper"),
    "dangling_model": ("ERROR", "model.onnx in the case's folder is a symbolic link to 'model.onnx': refused"),
    "device_model": ("ERROR", "model.onnx in the case's folder is a symbolic link to '/dev/zero': refused"),
    "directory_model": ("ERROR", "model.onnx in the case's folder is a directory: refused"),
    "duplicate_inputs": ("WRONG", "graph inputs are x, x; the model has x"),
    "empty": ("ERROR", "there is no graph in the file"),
    "external_absolute": ("ERROR", "/secret.bin' leads out of the case's folder: refused"),
    "external_beside": ("ERROR", "weights were written to an external file"),
    "external_folder_symlink": ("ERROR", "weights were written to an external file"),
    "external_in_constant": ("ERROR", "leads out of the case's folder: refused"),
    "external_in_function": ("ERROR", "leads out of the case's folder: refused"),
    "external_in_sparse": ("ERROR", "leads out of the case's folder: refused"),
    "external_in_subgraph": ("ERROR", "leads out of the case's folder: refused"),
    "external_in_training": ("ERROR", "leads out of the case's folder: refused"),
    "external_memory": ("ERROR", "external data at '*/_ORT_MEM_ADDR_/*' is an address in memory: refused"),
    "external_parent": ("ERROR", "external data at '../../../../secret.bin' leads out of the case's folder: refused"),
    "external_symlink": ("ERROR", "weights were written to an external file"),
    "external_undeclared": ("ERROR", "leads out of the case's folder: refused"),
    "fifo_model": ("ERROR", "model.onnx in the case's folder is a named pipe: refused"),
    "garbage": ("ERROR", "damaged, or nested deeper"),
    "invalid_utf8": ("ERROR", r"a text that is not UTF-8: b'\xff\xfe'"),
    "invalid_utf8_inside": ("ERROR", r"a text that is not UTF-8: b'\xff\xfe'"),
    "nested_1000": ("ERROR", "damaged, or nested deeper than the 100 levels that protobuf reads"),
    "no_graph": ("ERROR", "there is no graph in the file"),
    "no_outputs": ("WRONG", "graph outputs are ; the model has y"),
    "over_2gb": ("ERROR", "model.onnx has 2147487744 bytes, protobuf can hold 2147483647: refused"),
    "native_symlink": ("ERROR", "native.arrays in the case's folder is a symbolic link to '"),
    "stranger_names": ("WRONG", r"graph outputs are \x1b]0;title\x07\u202e<b>|nnn"),
    "strings": ("WRONG", "graph inputs x are of strings, which the model has not"),
    "symlink_model": ("ERROR", "/other.onnx': refused"),
    "truncated": ("ERROR", "damaged, or nested deeper"),
}
#: What it says of those that runtimes are asked to run, each in its own process.
RUNNABLE = {
    "a_map": ("ERROR", "onnx.checker: "),
    "custom_domain": ("PASS", ""),
    "cycle": ("ERROR", "onnx.checker: Nodes in a graph must be topologically sorted"),
    "duplicate_names": ("ERROR", "onnx.checker: "),
    "function_cycle": ("ERROR", "onnx.checker: Cycle detected"),
    "huge_computed": ("PASS", ""),
    "huge_dims_input": ("WRONG", "axis 0 of input x is fixed to 1000000000000000000, in the model batch"),
    "huge_initializer": ("ERROR", "4000000000000000000 bytes required"),
    "long_data": ("PASS", ""),
    "negative_dims": ("WRONG", "axis 0 of input x is fixed to -5, in the model batch"),
    "negative_initializer": ("ERROR", "onnx.checker: Negative dimension"),
    "no_opset": ("ERROR", "onnx.checker: "),
    "overflowing_initializer": ("ERROR", "onnx.checker: "),
    "short_data": ("ERROR", "4000 bytes required"),
    "unknown_dtype": ("ERROR", "onnx.checker: Invalid tensor data type 999"),
    "unknown_dtype_inside": ("ERROR", "onnx.checker: Invalid tensor data type 999"),
}
#: Odd, but right: both runtimes give the truth.
RIGHT = (
    "control_names", "html_names", "long_names", "nested_20", "nul_names", "path_names", "planted_symlink",
    "unknown_field",
)  # fmt: skip
EXPECTED = {**REFUSED, **RUNNABLE, **dict.fromkeys(RIGHT, ("PASS", ""))}


@dataclass
class Outcome:
    """A run of all cases, the folder in which all happened, and what lay outside the work folder before it."""

    base: Path
    plan: Plan
    workshop: Workshop
    before: dict[str, tuple[int, int]]

    def export(self, case: str) -> Record:
        record = self.workshop.journal.get("export", f"fake.{case}@host/relu/static")
        assert record is not None
        return record

    def cells(self, case: str) -> list[Record]:
        keys = [cell.key for cell in self.plan.cells if cell.export.source.name == f"fake.{case}"]
        return [record for key in keys if (record := self.workshop.journal.get("cell", key))]


def outside(base: Path) -> dict[str, tuple[int, int]]:
    """Size and time of every file beside the work folder."""
    places = [p for p in base.rglob("*") if p.relative_to(base).parts[0] not in ("work", "public")]
    return {str(p.relative_to(base)): (p.lstat().st_size, p.lstat().st_mtime_ns) for p in places if not p.is_dir()}


def unread(path: Path) -> None:
    """Let the time of access, which most file systems write only after a change, tell of the next time it is read."""
    os.utime(path, (0, 1))


@pytest.fixture(scope="module")
def outcome(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcome]:
    base = tmp_path_factory.mktemp("hostile")
    (base / hostile.SECRET).write_bytes(SECRET)
    for name in ("scratch", "here"):
        (base / name).mkdir()
    hostile.relu_file(base / "other.onnx")
    for name in (hostile.SECRET, "other.onnx"):
        unread(base / name)
    shutil.copytree(store, base / "work" / "models")
    workshop = Workshop(base / "work")
    plan = plan_of([fake_source(case, "hostile.py") for case in hostile.CASES], [ONNXRUNTIME, REFERENCE])
    before = outside(base)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(base / "here")
        patch.setattr(tempfile, "tempdir", str(base / "scratch"))
        carried_out(plan, workshop)
        publish(of_plan(plan, workshop.journal, "run-1"), base / "public")
    yield Outcome(base, plan, workshop, before)
    workshop.journal.close()


# -- records ---------------------------------------------------------------------------------------------------------


def test_every_case_is_listed_here() -> None:
    assert set(EXPECTED) == set(hostile.CASES)


def test_each_planned_cell_has_exactly_one_record_and_none_is_trouble_of_the_host(outcome: Outcome) -> None:
    assert lines_by_key(outcome.workshop, "cell") == Counter(cell.key for cell in outcome.plan.cells)
    assert lines_by_key(outcome.workshop, "export") == Counter(export.key for export in outcome.plan.exports)
    for kind in ("export", "cell"):
        assert {r["status"] for r in outcome.workshop.journal.all(kind)} <= set(STATUSES) - {"NOT_RUN"}


@pytest.mark.parametrize("case", EXPECTED)
def test_the_check_says_what_is_wrong(case: str, outcome: Outcome) -> None:
    status, words = EXPECTED[case]
    record = outcome.export(case)
    assert (record["status"], record["stage"], record["runnable"]) == (status, "check", case not in REFUSED)
    assert words in record["message"]
    assert bool(words) == bool(record["message"])
    assert record["message"].replace("\n", "").isprintable()


@pytest.mark.parametrize("case", REFUSED)
def test_no_runtime_sees_what_is_refused(case: str, outcome: Outcome) -> None:
    for cell in outcome.cells(case):
        assert (cell["status"], cell["stage"], cell["seconds"]) == ("NOT_EXPORTED", "export", {})


@pytest.mark.parametrize("case", RIGHT)
def test_odd_files_that_are_right_pass(case: str, outcome: Outcome) -> None:
    assert [cell["status"] for cell in outcome.cells(case)] == ["PASS", "PASS"]


@pytest.mark.parametrize("case", ["custom_domain", "huge_computed", "huge_initializer", "long_data", "cycle"])
def test_what_cannot_be_computed_is_recorded_as_a_failure(case: str, outcome: Outcome) -> None:
    assert {cell["status"] for cell in outcome.cells(case)} <= {"ERROR", "MEMORY", "UNSUPPORTED"}


# -- nothing outside -------------------------------------------------------------------------------------------------


def test_nothing_outside_the_work_folder_is_written(outcome: Outcome) -> None:
    assert outside(outcome.base) == outcome.before
    assert not list((outcome.base / "scratch").iterdir())
    assert not outcome.workshop.passing.exists()


@pytest.mark.parametrize("name", [hostile.SECRET, "other.onnx"])
def test_nothing_outside_the_work_folder_is_read(name: str, outcome: Outcome, tmp_path: Path) -> None:
    (tmp_path / "control").write_bytes(SECRET)
    unread(tmp_path / "control")
    (tmp_path / "control").read_bytes()
    if not (tmp_path / "control").stat().st_atime:
        pytest.skip("this file system does not say when a file was read")
    assert (outcome.base / name).stat().st_atime == 0


def test_the_secret_is_nowhere_in_what_is_kept_or_published(outcome: Outcome) -> None:
    files = [path for name in ("work", "public") for path in (outcome.base / name).rglob("*")]
    small = [p for p in files if not p.is_symlink() and p.is_file() and p.stat().st_size < 2**24]
    assert len(small) > 100
    assert not [path for path in small if SECRET[:16] in path.read_bytes()]
    leaked = float(np.frombuffer(SECRET, np.float32).sum())
    assert 1e3 < leaked < 1e38, "it could be told from rounding"
    assert not [c for c in outcome.workshop.journal.all("cell") if (c.get("max_abs") or 0) > leaked / 2]


# -- the site --------------------------------------------------------------------------------------------------------


class Page(HTMLParser):
    """Tags, names of attributes and JSON of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: set[str] = set()
        self.data = ""
        self._json = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes |= {name for name, _ in attrs}
        self._json = dict(attrs).get("type") == "application/json"

    def handle_data(self, data: str) -> None:
        self.data += data if self._json else ""

    def handle_endtag(self, tag: str) -> None:
        self._json = False


def test_nothing_of_a_file_becomes_part_of_the_page(outcome: Outcome) -> None:
    text = (outcome.base / "public" / "index.html").read_text()
    page = Page(text)
    assert (page.tags["script"], page.tags["b"], page.tags["img"]) == (2, 1, 0), "our own"
    assert not {name for name in page.attributes if name.startswith("on")}
    assert any("<b>" in failure["message"] for failure in json.loads(page.data)), "it is there, as text"
    assert not set(text) & set("\x00\x07\x08\x1b\x7f\u202e")


def test_the_other_formats_can_be_read_back(outcome: Outcome) -> None:
    public = outcome.base / "public"
    data = json.loads((public / "matrix.json").read_text())
    assert len(data["cells"]) == len(outcome.plan.cells)
    rows = list(csv.DictReader(io.StringIO((public / "matrix.csv").read_text())))
    assert [row["message"] for row in rows] == [cell["message"] for cell in data["cells"]]
    assert all(cell["message"].isprintable() and len(cell["message"]) < 340 for cell in data["cells"])
    table = [line for line in (public / "matrix.md").read_text().splitlines() if line.startswith("| fake.")]
    assert {line.count("|") for line in table[: len(hostile.CASES)]} == {4}


@pytest.mark.parametrize("case", ["custom_domain/relu/static/reference@host", "stranger_names/relu/static"])
def test_a_record_is_shown_without_its_controls(
    case: str, outcome: Outcome, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["show", f"fake.{case.replace('/', '@host/', 1)}", "--work", str(outcome.workshop.folder)]) == 0
    out = capsys.readouterr().out
    assert r"\x1b" in out
    assert not set(out) & set("\x00\x07\x08\x1b\x7f\u202e")


# -- damage ----------------------------------------------------------------------------------------------------------


def damaged(data: bytes) -> Iterator[bytes]:
    """The file cut off at every tenth byte, and with every third of its bits turned, one at a time."""
    yield from (data[:size] for size in range(0, len(data), 10))
    for bit in range(0, 8 * len(data), 3):
        turned = bytearray(data)
        turned[bit // 8] ^= 1 << bit % 8
        yield bytes(turned)


def test_the_check_has_a_verdict_on_every_damaged_file(store: Path, tmp_path: Path) -> None:
    whole = hostile.leaking([2, 4, 6, 5], numpy_helper.from_array(np.zeros(1, np.float32), "w")).SerializeToString()
    jobs: deque[dict[str, Any]] = deque()
    [model] = store.glob("relu-*")
    for number, data in enumerate(damaged(whole)):
        out = tmp_path / str(number)
        out.mkdir()
        (out / "model.onnx").write_bytes(data)
        job = {"id": str(number), "log": str(out / "log"), "model": str(model), "out": str(out), "sets": [0, 1]}
        jobs.append({**job, "mapping": None, "opset": None, "dynamic": False, "tolerance": "float32"})
    told: list[Result] = []
    batch = Batch(HOST, "check", ROOT / "matrix" / "check.py", jobs, Place(writable=(tmp_path,)))
    run_batch(batch, LIMITS, lambda job, result: told.append(result), threading.Event())
    assert {result.message for result in told if result.status != "OK"} == set()
    verdicts = Counter(result.value["status"] for result in told)
    assert set(verdicts) == {"PASS", "ERROR", "WRONG"}
    assert all(result.value["message"] for result in told if result.value["status"] != "PASS")
