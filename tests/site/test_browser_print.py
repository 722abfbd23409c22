"""Pages on paper: no controls, and tables whole, however many runtimes there are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from browser import opened
from site_matrix import SOURCES, TARGETS, published
from test_operators import with_cases

from matrix.dataset import Matrix

#: Pixels across a sheet of A4 between its margins, upright and on its side.
UPRIGHT, LYING = 703, 1032
MANY = 60
VIEWS = {
    "index.html": (LYING, "#heat"),
    "operators.html": (LYING, "#operators"),
    "scores.html": (UPRIGHT, "svg.radar"),
    f"pair.html#source={SOURCES[0]}&target={TARGETS[1]}&model=alexnet": (UPRIGHT, "#pair table"),
    f"cell.html#cell={SOURCES[0]}/alexnet/static/{TARGETS[1]}": (UPRIGHT, "#cell figure svg"),
    "choose.html": (UPRIGHT, ".ranking > li"),
}
#: What of the tables lies outside the sheet, or is cut off by what it lies in.
CUT = """() => [...document.querySelectorAll("table :is(th, td):not([hidden])")].filter(cell => {
  const box = cell.getBoundingClientRect();
  if (!box.width) return false;
  for (let around = cell.parentElement; around; around = around.parentElement) {
    const { overflowX, position } = getComputedStyle(around);
    if (overflowX !== "visible" && box.right > around.getBoundingClientRect().right + 1) return true;
  }
  return box.right > innerWidth + 1;
}).map(cell => cell.textContent)"""


def of_many_targets() -> Matrix:
    plain = with_cases()
    last = plain.about["targets"][-1]
    more = [{**last, "name": f"{n}.{last['name']}"} for n in range(MANY)]
    return replace(plain, about={**plain.about, "targets": [*plain.about["targets"], *more]})


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return published(tmp_path_factory.mktemp("site"), of_many_targets())


def cut(page: Any) -> list[str]:
    found: list[str] = page.evaluate(CUT)
    return found


@pytest.mark.parametrize("address", VIEWS)
def test_a_page_is_whole_on_paper(public: Path, address: str) -> None:
    width, ready = VIEWS[address]
    with opened(width) as page:
        page.goto(f"file://{public}/{address}")
        page.wait_for_selector(ready, state="attached")
        controls = page.locator("header nav, form, .tabs, button:not(.counts button), input, select")
        page.emulate_media(media="print")
        assert controls.evaluate_all("all => all.filter(one => one.checkVisibility()).map(one => one.outerHTML)") == []
        assert cut(page) == []
        assert page.locator("h1").is_visible()


def test_a_table_that_scrolls_would_be_cut(public: Path) -> None:
    with opened(LYING) as page:
        page.goto(f"file://{public}/index.html")
        assert len(cut(page)) > MANY


def test_a_heat_map_lies_on_its_side(public: Path) -> None:
    with opened() as page:
        for name, turned in (("index", True), ("scores", False)):
            page.goto(f"file://{public}/{name}.html")
            sheet = page.pdf(prefer_css_page_size=True).partition(b"/MediaBox [")[2].split(b"]")[0].split()
            assert (float(sheet[2]) > float(sheet[3])) is turned
