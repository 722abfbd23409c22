"""The pages scores, speed and method: that they say what was computed, and let no hostile text in."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from score_matrix import HOSTILE, SOURCES, TARGETS, empty, matrix

from matrix.scores import scores
from matrix.site import method, speed
from matrix.site.build import build
from matrix.site.figures import axes, by_family, share_of, times
from matrix.site.scores import data


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("public")
    build(matrix(), folder)
    return folder


def shown(page: str) -> str:
    """The text of a page, its tags taken out."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page.replace("<wbr>", ""))))


@pytest.mark.parametrize("name", ["scores", "speed", "method"])
def test_names_stay_text(public: Path, name: str) -> None:
    page = (public / f"{name}.html").read_text()
    assert "<img" not in page
    assert HOSTILE in shown(page)


@pytest.mark.parametrize("name", ["scores", "speed", "method"])
def test_a_matrix_of_nothing_has_its_pages(tmp_path: Path, name: str) -> None:
    build(empty(), tmp_path)
    assert "</html>" in (tmp_path / f"{name}.html").read_text()


def test_every_score_stands_with_its_interval_and_leads_to_its_cells(public: Path) -> None:
    text = shown((public / "scores.html").read_text())
    found = scores(matrix())
    rating = next(row for row in found["runtimes"] if row["name"] == TARGETS[1])["rating"]
    # convnet 2 of 2, recurrent (outvoted: one right for two wrong) none, activation 4 of 4
    assert (rating["value"], rating["right"], rating["of"]) == (5.0, 6, 6)
    assert f"5.00 {rating['low']:.2f}–5.00 6/6" in text
    assert 'href="index.html#target=onnxruntime.all%40onnxruntime1.0"' in (public / "scores.html").read_text()


def test_what_has_no_score_says_why(public: Path) -> None:
    text = shown((public / "scores.html").read_text())
    assert f"its canary failed: it died {HOSTILE}" in text
    assert "it has no file that is on the list" in text
    assert "it is the judge" in text


def test_the_figures_of_a_plot_stand_in_the_table(public: Path) -> None:
    (_, plots), page = next(data(matrix(), None)), (public / "scores.html").read_text()
    assert [row["told"] for row in plots["frameworks"]] == list(SOURCES[:2])
    assert [row["told"] for row in plots["runtimes"]] == list(TARGETS[1:3])
    one = plots["frameworks"][0]
    # alexnet; lstm (the file is not faithful); relu, selu of relu, selu, silu: gelu is not judged
    assert one["axes"] == [["convnet", 1.0], ["recurrent", 0.0], ["activation", 0.6667]]
    assert one["layers"] == [["layers built in", round(90 / 118, 4)], ["with composed", round(110 / 118, 4)]]
    assert re.search(r'data-step="3">66 <small>2/3</small>', page)


def test_the_example_of_the_method_is_of_this_matrix(public: Path) -> None:
    text = shown((public / "method.html").read_text())
    score = next(row for row in scores(matrix())["sources"] if row["name"] == SOURCES[0])["export"]
    assert "1.6667 / 3 = 0.5556" in text
    assert score["value"] == 0.5556
    assert f"from {score['low']:.4f} to {score['high']:.4f}" in text
    assert "2 × 0.5556 = 1.1111" in text
    assert "Of its 6 exports on the list, 3 are valid and faithful." in text
    assert "1 are not there or not valid, 1 are valid but not faithful, 1 are not judged." in text


def test_the_waterfall_ends_in_the_score() -> None:
    view = method.view(matrix())
    numbers = [number for _, number in view["runtime"]["waterfall"]]
    deployment = view["runtime"]["deployment"]
    assert numbers == sorted(numbers, reverse=True)
    assert numbers[-2:] == [deployment["of"], deployment["right"]]


def test_the_examples_of_files_are_judged_as_they_say() -> None:
    kinds = {row["kind"]: (row["model"], row["good"]) for row in method.view(matrix())["files"]}
    assert kinds["The evaluator gets other numbers"] == ("lstm", False)
    assert kinds["The evidence is divided, or there is none"] == ("gelu", None)
    assert kinds["The evaluator gets the framework’s numbers"][1] is True


def test_who_is_closer_stands_first_however_easy_its_files_are() -> None:
    def row(name: str, closer: int, farther: int) -> dict[str, Any]:
        return {"name": name, "noise": {"of": 10}, "shared": {"closer": closer, "farther": farther, "of": 10}}

    rows = [row("worse", 1, 5), row("better", 5, 1), {"name": "none", "noise": {"of": 10}, "shared": None}]
    assert [r["name"] for r in speed.exact(rows)] == ["better", "worse", "none"]


def test_speed_is_told_against_the_reference(public: Path) -> None:
    text = shown((public / "speed.html").read_text())
    # 0.02 s and 0.03 s to run
    assert f"{TARGETS[2]} the runtime {TARGETS[2]} 1.5 1.5–1.5 1.5" in text


def test_scores_are_published_for_machines(tmp_path: Path) -> None:
    from matrix.publish import publish

    publish(matrix(), tmp_path)
    assert json.loads((tmp_path / "scores.json").read_text()) == scores(matrix())


def test_figures() -> None:
    assert share_of(2, 3) == {"right": 2, "of": 3, "percent": "66", "step": 3}
    assert [share_of(n, 200)["step"] for n in (0, 1, 50, 199, 200)] == [0, 1, 2, 5, 6]
    assert [times(ratio) for ratio in (0.7053, 1.0, 9.94, 11.79, 234.5)] == ["0.71", "1.0", "9.9", "12", "230"]
    rows = [
        {"name": "a", "cells": "#", "export": {"families": {"convnet": (1, 2)}}},
        {"name": "b", "cells": "#", "export": {"families": {}}},
    ]
    families, table = by_family(rows, "export")
    assert (families, [row["name"] for row in table]) == (["convnet"], ["a"])
    assert axes(["convnet", "mobile"], rows[0], "export") == [["convnet", 0.5], ["mobile", None]]
