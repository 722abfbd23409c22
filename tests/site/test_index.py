"""The first page as it is without scripts: the same counts as the data, and whatever tools say stays text."""

from __future__ import annotations

import base64
import gzip
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from site_matrix import (
    HOSTILE,
    MODELS,
    OTHER_SOURCE,
    OTHER_TARGET,
    SOURCES,
    STATUSES,
    TARGETS,
    published,
    site_matrix,
    with_versions,
)

from matrix.site.shown import group_of, percent, share, step


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return published(tmp_path_factory.mktemp("site"))


class Page(HTMLParser):
    """The tags of a page, its rows of cells, and all its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.rows: list[list[str]] = []
        self.text = ""
        self._open = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self._open = True

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._open = False

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._open:
            self.rows[-1][-1] += data.strip()


def value(public: Path, name: str) -> Any:
    """What a data script sets."""
    text = (public / "data" / f"{name}.js").read_text()
    found = re.fullmatch(r"\(globalThis\.matrix\?\?=\{\}\)\[(.*?)\]=(.*);\n", text, re.S)
    assert found
    assert json.loads(found[1]) == name
    return json.loads(found[2])


def unpacked(column: dict[str, str]) -> list[int]:
    raw = gzip.decompress(base64.b64decode(column["data"]))
    return [int(n) for n in np.frombuffer(raw, np.dtype(column["dtype"]).newbyteorder("<"))]


def test_the_page_has_the_same_counts(public: Path) -> None:
    page = Page((public / "index.html").read_text())
    heat = [row[1:] for row in page.rows[1:]]
    # Led by what was exported; what was not exported, or not run, is in no denominator. Percent, then the counts.
    assert heat == [
        ["", "75" "3/4", "25" "1/4", "not run", "75" "3/4"],
        ["100" "3/3", "100" "3/3", "33" "1/3", "not run", "66" "2/3"],
        ["50" "1/2", "0" "0/1", "0" "0/1", "not run", "100" "1/1"],
    ]  # fmt: skip


def test_whatever_a_tool_says_stays_text(public: Path) -> None:
    for name in ("index", "pair", "cell"):
        text = (public / f"{name}.html").read_text()
        page = Page(text)
        assert "<script>alert" not in text
        assert not {"i", "u", "s"} & set(page.tags)
        assert "<b>bold" not in text
    page = Page((public / "index.html").read_text())
    assert f"canary: it died {HOSTILE}" in page.text
    assert any(SOURCES[1] in row[0] for row in page.rows if row)


def test_what_varies_and_what_was_not_run_is_told(public: Path) -> None:
    text = Page((public / "index.html").read_text()).text
    assert "Other numbers on a repeat" in text
    assert "reference@host: 5 cells, by up to 1e-09" in text
    assert "Not run, by our own trouble" in text


def test_the_pages_ask_nothing_of_other_servers(public: Path) -> None:
    for path in [*public.glob("*.html"), public / "assets" / "style.css"]:
        # A reader may follow a link to elsewhere; the page itself loads nothing from there.
        loads = r"""(?:\bsrc\s*=|<link[^>]*\shref\s*=|url\(|@import)\s*["']?(?:https?:)?//"""
        assert not re.findall(loads, path.read_text()), path


def test_the_columns_are_the_cells(public: Path) -> None:
    about, cells = value(public, "about"), value(public, "cells")
    files = {name: unpacked(column) for name, column in cells["files"].items()}
    told = {name: unpacked(column) for name, column in cells["cells"].items()}
    found = {}
    for file, target, status in zip(told["file"], told["target"], told["status"], strict=True):
        key = files["source"][file], files["model"][file], cells["labels"][files["label"][file]]["name"], target
        found[key] = cells["statuses"][status]
    wanted = {(s, m, v, t): status for (s, m, v), row in STATUSES.items() for t, status in enumerate(row)}
    assert found == wanted
    assert [source["name"] for source in about["sources"]] == list(SOURCES)
    assert [model["group"] for model in about["models"]] == ["conv", "layers", "zoo"]
    assert {cells["opsets"][n] for n in files["opset"]} == {17, None}
    assert [label["precision"] for label in cells["labels"]] == ["float32", "float16", "float32"]
    messages = value(public, "messages")
    said = [messages["texts"][n] for n in unpacked(messages["of"])]
    assert said == site_matrix().cells["message"].to_list()


def test_every_cell_of_the_table_leads_to_its_cells(public: Path) -> None:
    text = (public / "index.html").read_text()
    links = re.findall(r'href="pair\.html#([^"]*)"', text)
    assert len(links) == len(SOURCES) * (len(TARGETS) - 1)
    assert "source=canonical@host&amp;target=fake.on@older" in links
    assert (public / "pair.html").exists()


def test_other_versions_are_there_hidden_and_not_counted(tmp_path: Path, public: Path) -> None:
    page = (published(tmp_path, with_versions()) / "index.html").read_text()
    plain = (public / "index.html").read_text()
    lead = "5 exports from 2 sources, run on 4 targets:\n20 cells"
    others = (
        "6 exports from 2 sources and 1 other version of them, run on 4 targets and 1 other version of them:\n22 cells"
    )
    assert lead in Page(plain).text
    assert others in Page(page).text
    counts = r"<ul class=.counts.*?</ul>"
    assert re.findall(counts, page, re.S) == re.findall(counts, plain, re.S)
    # Without the hidden column and row, the table is that of the matrix without them.
    heads = re.findall(r"<th scope=.col. class=.turned. [^>]*>", page)
    assert ["hidden" in head for head in heads] == [False, False, True, False, False], "by runtime and age"
    own = [row[1:] for row in Page(page).rows[1:] if OTHER_SOURCE not in row[0]]
    assert [row[:3] + row[4:] for row in own] == [row[1:] for row in Page(plain).rows[1:]]
    assert f'<tr data-source="0" hidden>\n<th scope="row">Framework 0<small>{OTHER_SOURCE}' in page
    assert f'<option value="{OTHER_TARGET.partition("@")[2]}">' in page
    assert ('name="versions"' in page, 'name="versions"' in plain) == (True, False)


def test_shares() -> None:
    assert [step(n) for n in (0.0, 0.01, 0.25, 0.5, 0.75, 0.9, 0.999, 1.0)] == [0, 1, 2, 3, 4, 5, 5, 6]
    assert [percent(n) for n in (0.0, 0.001, 0.29, 0.999, 1.0)] == ["0", "<1", "29", "99", "100"]
    assert share({"NOT_RUN": 3, "NOT_EXPORTED": 2}) == {"right": 0, "run": 0, "percent": "", "step": None}
    assert share({"PASS": 1, "IMPRECISE": 1, "WRONG": 2, "NOT_RUN": 9})["percent"] == "50"
    assert [group_of({"name": n, "kind": k, "family": f}) for n, k, f in (*MODELS, ("x", "own", "of its own"))] == [
        "conv", "layers", "zoo", "others",
    ]  # fmt: skip
