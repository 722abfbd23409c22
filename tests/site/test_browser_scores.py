"""The pages scores, speed and method in a real browser, from file://."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import launched
from score_matrix import TARGETS, matrix

from matrix.site.build import build

PAGES = ("scores", "speed", "method")


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("public")
    build(matrix(), folder)
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with launched() as found:
        yield found


def opened(browser: Any, public: Path, name: str, **settings: Any) -> Any:
    """A page that is loaded; whatever the console said and whatever was asked of other hosts are in page.troubles."""
    page = browser.new_page(**settings)
    page.troubles = []
    page.on("console", lambda said: page.troubles.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: page.troubles.append(str(error)))
    page.on("dialog", lambda dialog: (page.troubles.append("a script of a name was run"), dialog.dismiss()))
    page.on("request", lambda r: None if r.url.startswith(("file:", "data:")) else page.troubles.append(r.url))
    page.goto((public / f"{name}.html").as_uri())
    page.wait_for_load_state("networkidle")
    return page


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", [390, 1400])
def test_a_page_loads_without_trouble_and_fits(browser: Any, public: Path, name: str, width: int) -> None:
    page = opened(browser, public, name, viewport={"width": width, "height": 800})
    if name != "method":
        page.wait_for_selector("svg")
    assert page.troubles == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.close()


def test_each_framework_and_runtime_that_has_a_score_has_its_plot(browser: Any, public: Path) -> None:
    page = opened(browser, public, "scores")
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
    page.close()


def test_a_score_leads_to_its_cells(browser: Any, public: Path) -> None:
    page = opened(browser, public, "scores")
    page.locator("section, table").get_by_role("link", name="6/6").first.click()
    page.wait_for_url("**/index.html#target=onnxruntime.all%40onnxruntime1.0")
    page.close()


def test_without_scripts_all_figures_are_there(browser: Any, public: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    for name in PAGES:
        page = context.new_page()
        page.goto((public / f"{name}.html").as_uri())
        assert page.locator("table tbody tr").count() > 2
        page.close()
    context.close()


def test_charts_are_drawn_again_for_another_width(browser: Any, public: Path) -> None:
    page = opened(browser, public, "speed", viewport={"width": 1200, "height": 800})
    page.wait_for_selector("#times-chart svg")
    wide = page.locator("#times-chart svg").get_attribute("width")
    page.set_viewport_size({"width": 400, "height": 800})
    page.wait_for_function("w => document.querySelector('#times-chart svg').getAttribute('width') !== w", arg=wide)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.close()
