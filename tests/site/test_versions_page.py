"""The page of versions: who has a history, its counts, and the cells behind them."""

from __future__ import annotations

import base64
import gzip
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made import cell, export, matrix

from matrix.names import by_age, tool_of, version_of
from matrix.publish import publish
from matrix.site import versions

OLD, NEW, T = "a.b@torch2.9", "a.b@torch2.13", "t@tvm0.27"


def two_versions() -> Any:
    rows = [
        cell(NEW, "relu", T, "WRONG"), cell(OLD, "relu", T), cell(OLD, "elu", T), cell(OLD, "gelu", T),
        cell(NEW, "gelu", T, "NOT_EXPORTED"),
    ]  # fmt: skip
    exports = [export(NEW, "relu"), export(NEW, "gelu", "ERROR"), *(export(OLD, m) for m in ("relu", "elu", "gelu"))]
    return matrix(rows, exports)


def unpacked(packed: dict[str, str]) -> list[int]:
    found: list[int] = np.frombuffer(gzip.decompress(base64.b64decode(packed["data"])), packed["dtype"]).tolist()
    return found


def test_versions_are_counted_the_oldest_first_and_on_what_they_have_in_common() -> None:
    (tool,) = versions.view(two_versions())["tools"]["source"]
    assert (tool["tool"], tool["changed"]) == ("a.b", 3)
    kinds = ("cells", "common", "exports", "common_exports")
    counts = [(p["version"], *((p[what]["right"], p[what]["run"]) for what in kinds)) for p in tool["points"]]
    assert counts == [("2.9", (3, 3), (1, 1), (3, 3), (2, 2)), ("2.13", (0, 1), (0, 1), (1, 2), (1, 2))]


def test_the_usual_version_is_told_and_each_leads_to_its_cells() -> None:
    now, (tool,) = two_versions(), versions.view(two_versions())["tools"]["source"]
    assert [(p["usual"], p["link"]) for p in tool["points"]] == [
        (True, "index.html#source=a.b%40torch2.9"),
        (False, "index.html#source=a.b%40torch2.13"),
    ]
    (tool,) = versions.view(replace(now, history=(now,)))["tools"]["source"]
    assert [bool(p["link"]) for p in tool["points"]] == [False, False, True, True], "the pages are of the last run"


def test_the_cells_of_a_tool_can_be_loaded() -> None:
    ((name, found),) = versions.data(two_versions(), None)
    assert name == "versions/source-a.b"
    assert found["names"] == {"other": ["", T], "model": ["elu", "gelu", "relu"], "label": ["static"]}
    of = [[[*found["statuses"], "–"][code] for code in unpacked(own)] for own in found["of"]]
    rows = list(zip(unpacked(found["rows"]["other"]), unpacked(found["rows"]["model"]), *of, strict=True))
    assert rows == [
        (0, 0, "PASS", "–"), (0, 1, "PASS", "ERROR"), (0, 2, "PASS", "PASS"),
        (1, 0, "PASS", "–"), (1, 1, "PASS", "NOT_EXPORTED"), (1, 2, "PASS", "WRONG"),
    ]  # fmt: skip


def test_the_page_is_there_where_there_is_a_history(tmp_path: Path) -> None:
    one = matrix([cell(NEW, "relu", T)])
    publish(one, tmp_path / "one")
    assert not (tmp_path / "one" / "versions.html").exists()
    publish(two_versions(), tmp_path / "two")
    page = (tmp_path / "two" / "versions.html").read_text()
    assert "a.b" in page
    assert ">run<" not in page, "there is one"
    publish(replace(one, history=(two_versions(),)), tmp_path / "runs")
    page = (tmp_path / "runs" / "versions.html").read_text()
    assert "in each of 2 runs" in page
    assert len(list((tmp_path / "runs" / "data" / "versions").iterdir())) == 2, "the target has a history, too"


@pytest.mark.parametrize(
    ("names", "sorted_names"),
    [
        (["x@t1.23", "x@t1.9", "x@host", "x@t2026.4"], ["x@host", "x@t1.9", "x@t1.23", "x@t2026.4"]),
        (["x@onnx2torch1.5", "x@onnx2torch1.10"], ["x@onnx2torch1.5", "x@onnx2torch1.10"]),
    ],
)
def test_versions_are_sorted_as_numbers(names: list[str], sorted_names: list[str]) -> None:
    assert by_age(names) == sorted_names
    assert version_of("x@onnx2torch1.5") == "1.5"
    assert tool_of("x+y.z@t1") == "x+y.z"
