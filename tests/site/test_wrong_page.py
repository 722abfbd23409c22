"""The page of wrong numbers: causes by whose fault they are, and what has none."""

from __future__ import annotations

from pathlib import Path

import pytest
from made import cell, matrix

from matrix.causes import Cause, Causes
from matrix.publish import publish
from matrix.site import wrong

SOURCE, T, U = "a.b@torch2.13", "t@tvm0.27", "u@tract0.23"


def cause(what: str, fault: str, *cells: str) -> Cause:
    return Cause(what, fault, "x.py", ("*",), cells, "x.toml, cause 1")


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [
        cause("gelu is relu", "tract", "*/gelu/*"),
        cause("all is <0>", "tract", "*/m?/*"),
        cause("idle", "TVM", "*/no/*"),
    ]
    monkeypatch.setattr("matrix.causes.load", lambda: Causes(found))


def test_causes_stand_under_whose_fault_they_are_the_greatest_first() -> None:
    cells = [cell(SOURCE, "gelu", T, "WRONG"), cell(SOURCE, "elu", U, "WRONG"), cell(SOURCE, "relu", U)]
    cells += [cell(SOURCE, f"m{n}", t, "WRONG") for n in range(4) for t in (T, U)]
    shown = wrong.view(matrix(cells))
    assert (shown["cells"], shown["wrong"], shown["open"]) == (11, 10, 1)
    assert shown["named"] == [f"{SOURCE}/elu/static/{U}"]
    ((name, (most, least)),) = shown["faults"].items()
    assert (name, most["what"], most["cells"], most["where"]) == ("tract", "All is <0>", 8, f"{T}, {U}")
    assert len(most["examples"]) == wrong.EXAMPLES
    assert (least["what"], least["examples"]) == ("Gelu is relu", [f"{SOURCE}/gelu/static/{T}"])


def test_the_page_is_there_where_a_number_is_wrong(tmp_path: Path) -> None:
    publish(matrix([cell(SOURCE, "m1", T, "WRONG")]), tmp_path)
    page = (tmp_path / "wrong.html").read_text()
    assert "All is &lt;0&gt;" in page
    assert 'href="cell.html#cell=a.b%40torch2.13%2Fm1%2Fstatic%2Ft%40tvm0.27"' in page
    assert "All are laid to the causes below" in page
    assert "Not explained yet" not in page
    publish(matrix([cell(SOURCE, "m1", T)]), tmp_path)
    assert not (tmp_path / "wrong.html").exists()
