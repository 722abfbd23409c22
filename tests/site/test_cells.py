"""What lies behind the pages of cells: chunks of details, ends of logs, cases to take along."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from site_matrix import HOSTILE, published, site_matrix
from test_index import value

from matrix.compare import HISTOGRAM
from matrix.site import cells
from matrix.site.pairs import MEASURED


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return published(tmp_path_factory.mktemp("site"))


def test_a_chunk_tells_the_cells_of_a_source_on_a_target(public: Path) -> None:
    chunk = value(public, "pairs/0-1")
    assert list(zip(chunk["model"], chunk["label"], chunk["status"], strict=True)) == [
        ("alexnet", "static", "WRONG"), ("alexnet", "dynamic", "CRASH"), ("lstm", "static", "PASS"),
    ]  # fmt: skip
    assert chunk["file_opset"] == [17, 17, 17]
    assert chunk["measures"][1:] == [None, None]
    measure = dict(zip(MEASURED, chunk["measures"][0][0], strict=True))
    assert (measure["max_abs"], measure["max_rel"], measure["message"]) == (0.1235, None, HOSTILE)
    assert len(measure["histogram"]) == len(HISTOGRAM) + 2 == len(cells.view(site_matrix())["bins"])


def test_an_export_tells_its_file_and_the_command(public: Path) -> None:
    export = value(public, "exports/1")[1]
    assert (export["bytes"], export["emitted_opset"], export["status"]) == (2048, 17, "PASS")
    assert export["command"] == (
        "onnx-interop run --refresh --sources 'fake.<b>bold@new' --models 'a/b <u>' --variants float16 --targets ''"
    )
    assert set(value(public, "environments")) == {"environments", "runs", "logs"}


def test_the_case_of_what_is_not_right_can_be_taken_along(public: Path) -> None:
    assert [export["case"] for export in value(public, "exports/1")] == [None, "cases/1/one.zip"]
    with zipfile.ZipFile(io.BytesIO((public / "cases" / "1" / "one.zip").read_bytes())) as archive:
        assert archive.namelist() == ["one/model.onnx", "one/test_data_set_0/input_0.pb"]
        assert archive.read("one/model.onnx") == b"model"


def test_large_cases_and_those_elsewhere_are_not_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    published(tmp_path)
    work = tmp_path / "work"
    assert cells._case(work, "exports/one")
    assert cells._case(work / "logs", "../exports/one") is None
    assert cells._case(work, "exports/none") is None
    monkeypatch.setattr(cells, "CASE_BYTES", 9)
    assert cells._case(work, "exports/one") is None


def test_the_end_of_a_log_is_fit_to_be_shown(public: Path, tmp_path: Path) -> None:
    somebody, root = (Path("/", *parts) for parts in (("home", "somebody"), ("root",)))
    told = value(public, "logs/0-1")["alexnet/static"]
    assert told == f'begun\n  File "exports/x", line 1\n  File ".tox/e/lib/site-packages/t.py"\n{HOSTILE}'
    (tmp_path / "long.log").write_text(f"{somebody}/x and {root}/y\n" + "\x1b[31mé\x1b[0m\n" * 9000 + "end")
    told = cells.log_end(tmp_path, "long.log")
    assert told.startswith("…")
    assert told.endswith("é\nend")
    assert "\x1b" not in told
    (tmp_path / "home.log").write_text(f"{somebody}/x and {root}/y")
    assert cells.log_end(tmp_path, "home.log") == "~/x and ~/y"
    assert cells.log_end(tmp_path, "../outside.log") == ""
    assert cells.log_end(tmp_path, "none.log") == ""


def test_without_a_work_folder_there_are_neither_logs_nor_cases() -> None:
    told = dict(cells.data(site_matrix(), None))
    assert set(told) == {"environments", "exports/0", "exports/1", "causes/0-1", "causes/1-1"}
    assert {export["case"] for place in "01" for export in told[f"exports/{place}"]} == {None}
