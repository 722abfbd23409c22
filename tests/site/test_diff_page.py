"""The page of differences: there only where it is wanted, readable without scripts, hostile text kept text."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from made import cell, export, matrix

from matrix.dataset import Matrix
from matrix.diff import differences
from matrix.publish import publish
from matrix.site import diff

A, T = "a.b@torch2.13", "t@tvm0.27"
HOSTILE = "</script><script>alert(1)</script>"


def changed(number: int = 1) -> Matrix:
    before = matrix([cell(A, f"m{n}", T) for n in range(number)] + [cell(A, "elu", T, "ERROR")])
    rows = [cell(A, f"m{n}", T, "WRONG", message=HOSTILE, blame="runtime") for n in range(number)]
    after = matrix([*rows, cell(A, "elu", T)], [export(A, "m0", "ERROR"), export(A, "elu")])
    return replace(after, since=differences(before, after))


def test_the_page_is_there_only_where_there_is_something_to_compare_with(tmp_path: Path) -> None:
    publish(changed(), tmp_path)
    page = (tmp_path / "diff.html").read_text()
    assert 'href="diff.html"' in (tmp_path / "index.html").read_text()
    assert "cell.html#cell=a.b%40torch2.13%2Fm0%2Fstatic%2Ft%40tvm0.27" in page
    publish(replace(changed(), since=None), tmp_path)
    assert not (tmp_path / "diff.html").exists(), "what was published there before is no longer so"
    assert 'href="diff.html"' not in (tmp_path / "index.html").read_text()


def test_whoever_reads_without_scripts_sees_counts_and_what_broke(tmp_path: Path) -> None:
    publish(changed(150), tmp_path)
    page = (tmp_path / "diff.html").read_text()
    assert "The first 100 of 151." in page
    assert page.count('data-status="WRONG"') == 99, "the broken export is among the hundred"
    assert "&lt;/script&gt;&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page


def test_the_data_have_each_kind_and_no_more_than_a_page_can_bear(monkeypatch: Any) -> None:
    monkeypatch.setattr(diff, "SHOWN", 10)
    ((name, found),) = diff.data(changed(150), None)
    assert name == "diff"
    assert {kind: len(rows) for kind, rows in found.items() if rows} == {"broken": 10, "fixed": 1, "gone": 10}
    assert found["broken"][0] == {
        "key": f"{A}/m0/static", "source": A, "target": "", "model": "m0", "was": "PASS", "now": "ERROR", "blame": "",
        "told": "in run",
    }  # fmt: skip
    assert found["broken"][1]["told"] == f"in run, blame runtime: {HOSTILE}"
    assert json.dumps(found, allow_nan=False)
