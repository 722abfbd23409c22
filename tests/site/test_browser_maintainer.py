"""The pages of differences and of versions in a real browser, from file://."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from browser import opened
from made import cell, export, matrix

from matrix.dataset import Matrix
from matrix.diff import differences
from matrix.site.build import build

NEW, OLD, T, U = "a.b@torch2.13", "a.b@torch2.9", "t@tvm0.27", "u.<img src=x onerror=alert(1)>@x1"
HOSTILE = "<img src=x onerror=alert(1)></script><script>alert(2)</script>"


def changed() -> Matrix:
    """Two versions of a source; what the newer one does broke in many ways since."""
    both = [cell(source, f"m{n}", target) for source in (OLD, NEW) for n in range(4) for target in (T, U)]
    after = [dict(row) for row in both]
    for row, status in zip(after[8:12], ("WRONG", "CRASH", "NOT_RUN", "IMPRECISE"), strict=True):
        row.update(status=status, message=HOSTILE, blame="runtime")
    after[12]["run_seconds"] = 9.0
    exports = [export(source, f"m{n}", "PASS" if n else "ERROR") for source in (OLD, NEW) for n in range(4)]
    before, now = matrix(both), matrix(after, exports)
    return replace(now, since=differences(before, now), history=(before,))


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("public")
    build(changed(), folder)
    return folder


def shown(page: Any) -> list[str]:
    """The rows of the table of changes."""
    page.wait_for_selector("#changes p")
    found: list[str] = page.locator("#changes tbody th").all_inner_texts()
    return found


def test_tabs_and_filters_choose_and_the_address_keeps_the_view(public: Path) -> None:
    with opened() as page:
        page.goto(f"file://{public}/diff.html")
        assert len(shown(page)) == 4, "two exports, two cells"
        page.get_by_role("button", name="changed speed").click()
        assert shown(page) == [f"{NEW}/m2/static/{T}"]
        assert "kind=speed" in page.url
        page.go_back()
        page.get_by_label("exports or cells").select_option("cells")
        assert sorted(shown(page)) == sorted([f"{NEW}/m0/static/{T}", f"{NEW}/m0/static/{U}"])
        page.locator("select[name=target]").select_option(U)
        page.get_by_label("model or message has").fill("img src")
        assert shown(page) == [f"{NEW}/m0/static/{U}"]
        assert page.locator("#changes img").count() == 0
        shared = page.url
    with opened() as page:
        page.goto(shared)
        assert shown(page) == [f"{NEW}/m0/static/{U}"]
        page.get_by_role("button", name="All of them").click()
        assert len(shown(page)) == 4


def test_a_change_leads_to_its_cell(public: Path) -> None:
    with opened() as page:
        page.goto(f"file://{public}/diff.html#part=cells&target={T.replace('@', '%40')}")
        shown(page)
        address = page.locator("#changes tbody a").first.get_attribute("href")
        assert unquote(address) == f"cell.html#cell={NEW}/m0/static/{T}"


def test_the_cells_of_a_tool_are_loaded_on_demand(public: Path) -> None:
    with opened() as page:
        page.goto(f"file://{public}/versions.html")
        assert page.locator(".cells table").count() == 0
        page.get_by_role("button", name="Its cells: ").first.click()
        rows = page.locator(".cells tbody tr")
        page.wait_for_selector(".cells tbody tr")
        assert rows.count() == 3, "m0 on both targets, and its export"
        assert page.locator(".cells thead th").all_inner_texts()[3:] == [
            "2.9 run 1",
            "2.13 run 1",
            "2.9 run 2",
            "2.13 run 2",
        ]
        page.get_by_role("button", name="Those that stayed the same").click()
        page.wait_for_function("document.querySelectorAll('.cells tbody tr').length === 12")
        page.get_by_label("model, variant or target has").fill("m1 tvm")
        page.wait_for_function("document.querySelectorAll('.cells tbody tr').length === 1")


@pytest.mark.parametrize("name", ["diff.html", "versions.html", "versions.html#tool=versions%2Ftarget-t&all=1"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_scrolls_sideways_on_a_phone(public: Path, name: str, scheme: str) -> None:
    with opened(width=390, scheme=scheme) as page:
        page.goto(f"file://{public}/{name}")
        page.wait_for_selector("#changes p" if name == "diff.html" else "[data-scripted]:not([hidden])")
        if "#" in name:
            page.wait_for_selector(".cells tbody tr")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_without_scripts_counts_and_what_broke_are_there(public: Path) -> None:
    with opened(scripts=False) as page:
        page.goto(f"file://{public}/diff.html")
        assert page.get_by_role("row", name="newly broken").count() == 1
        assert f"{NEW}/m0/static/{T}" in page.inner_text("main")
