"""The pages scores, speed and method in a real browser, from file://."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from browser import opened
from score_matrix import TARGETS, matrix

from matrix.site.build import build

PAGES = ("scores", "speed", "method")


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("public")
    build(matrix(), folder)
    return folder


def sideways(page: Any) -> bool:
    """Whether the page itself scrolls sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth > innerWidth"))


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", [390, 1400])
def test_a_page_loads_without_trouble_and_fits(public: Path, name: str, width: int) -> None:
    with opened(width) as page:
        page.goto(f"file://{public}/{name}.html")
        if name != "method":
            page.wait_for_selector("svg")
        assert not sideways(page)


def test_each_framework_and_runtime_that_has_a_score_has_its_plot(public: Path) -> None:
    with opened() as page:
        page.goto(f"file://{public}/scores.html")
        page.wait_for_selector("svg.radar")
        assert page.locator("[data-of=frameworks] svg").count() == 2
        assert page.locator("[data-of=runtimes] figcaption small").all_inner_texts() == list(TARGETS[1:3])
        # Three families; where there is no cell there is no dot.
        first = page.locator("[data-of=frameworks] svg").first
        assert (first.locator("circle.dot:not(.other)").count(), first.locator("circle.dot.other").count()) == (3, 2)
        # The weakest first.
        assert first.locator("title").text_content() == (
            "one: recurrent 0 %, activation 67 %, layers built in 76 %, with composed 93 %, convnet 100 %"
        )


def test_a_score_leads_to_its_cells(public: Path) -> None:
    with opened() as page:
        page.goto(f"file://{public}/scores.html")
        page.locator("section, table").get_by_role("link", name="6/6").first.click()
        page.wait_for_url("**/index.html#target=onnxruntime.all%40onnxruntime1.0")
        page.wait_for_selector("#only b")
        assert page.locator("#only b").inner_text() == TARGETS[1]


def test_without_scripts_all_figures_are_there(public: Path) -> None:
    with opened(scripts=False) as page:
        for name in PAGES:
            page.goto(f"file://{public}/{name}.html")
            assert page.locator("table tbody tr").count() > 2


def test_charts_are_drawn_again_for_another_width(public: Path) -> None:
    with opened(1200) as page:
        page.goto(f"file://{public}/speed.html")
        page.wait_for_selector("#times-chart svg")
        wide = page.locator("#times-chart svg").get_attribute("width")
        page.set_viewport_size({"width": 400, "height": 800})
        page.wait_for_function("w => document.querySelector('#times-chart svg').getAttribute('width') !== w", arg=wide)
        assert not sideways(page)
