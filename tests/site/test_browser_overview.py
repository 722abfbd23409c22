"""The first page, a source on a target, and a cell, in a real browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from browser import opened
from site_matrix import HOSTILE, OTHER_SOURCE, OTHER_TARGET, SOURCES, TARGETS, published, with_versions

from matrix.causes import Cause, Causes


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return published(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return published(tmp_path_factory.mktemp("versions"), with_versions())


def told(page: Any, source: str) -> list[str]:
    """The shares of a source that are in sight."""
    row = page.locator("#heat tbody tr", has_text=source)
    return [text.replace("\n", " ") for text in row.locator("td.share:visible").all_inner_texts()]


def ready(page: Any) -> None:
    page.wait_for_function("performance.getEntriesByName('shown').length > 0")


def sideways(page: Any) -> bool:
    """Whether the page itself scrolls sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth > innerWidth"))


def test_filters_families_and_the_address(public: Path) -> None:
    with opened() as page:
        page.goto(f"file://{public}/index.html")
        ready(page)
        assert told(page, SOURCES[0]) == ["100 3/3", "33 1/3", "not run", "66 2/3"]
        page.get_by_role("button", name="Layers").click()
        page.wait_for_function("location.hash === '#family=layers'")
        page.wait_for_selector("#heat tbody tr:visible >> nth=0")
        assert told(page, SOURCES[0]) == ["100 1/1", "100 1/1", "not run", "0 0/1"]
        assert page.locator("#heat tbody tr:visible").count() == 1
        page.go_back()
        page.locator("select[name=runtime]").select_option("Runtime 1")
        page.wait_for_function("location.hash.includes('runtime=Runtime+1')")
        assert told(page, SOURCES[0]) == ["33 1/3"]
        page.get_by_role("button", name="Clear").click()
        page.get_by_label("Message").fill("alert('IT')")
        page.wait_for_function("document.querySelector('#told').textContent.includes('alert')")
        page.wait_for_function("document.querySelector('#heat').classList.contains('parts')")
        assert told(page, SOURCES[0])[:2] == ["33 1/3", "66 2/3"]


def test_a_view_is_an_address(public: Path) -> None:
    with opened(scheme="dark") as page:
        page.goto(f"file://{public}/index.html#status=WRONG&framework=Framework+1")
        ready(page)
        assert told(page, SOURCES[1]) == ["0 0/1", "100 1/1", "not run", "0 0/1"]
        assert page.get_by_label("Framework").input_value() == "Framework 1"
        assert page.locator("button[value=WRONG]").get_attribute("aria-pressed") == "true"
        page.locator("#heat tbody tr:visible td.share a").nth(1).click()
        page.wait_for_selector("#pair table")
        assert f"target={TARGETS[1]}" in page.url
        assert page.get_by_label("Status").input_value() == "WRONG"


def test_a_link_narrows_to_one_model_which_can_be_cleared(public: Path) -> None:
    with opened() as page:
        page.goto(f"file://{public}/index.html#model=lstm&target={TARGETS[1]}")
        ready(page)
        assert page.locator("#only b").all_inner_texts() == ["lstm", TARGETS[1]]
        assert told(page, SOURCES[0]) == ["100 1/1"]
        page.get_by_role("button", name="Clear the target").click()
        page.wait_for_function("location.hash === '#model=lstm'")
        assert told(page, SOURCES[0]) == ["100 1/1", "100 1/1", "not run", "0 0/1"]
        page.locator("#heat tbody tr:visible td.share a").nth(1).click()
        page.wait_for_selector("#pair table")
        assert page.locator("#pair tbody th").all_inner_texts() == ["lstm"]
        page.get_by_role("button", name="Clear the model").click()
        page.wait_for_function("document.querySelectorAll('#pair table')[0].tBodies[0].rows.length === 2")
        page.goto(f"file://{public}/index.html#model=<b>none")
        page.wait_for_function("document.querySelector('#only').textContent.includes('<b>none, which this matrix')")
        page.get_by_role("button", name="Clear", exact=True).click()
        page.wait_for_function("document.querySelector('#only').textContent === ''")
        assert told(page, SOURCES[0]) == ["100 3/3", "33 1/3", "not run", "66 2/3"]


def table(page: Any) -> list[str]:
    """All that is in sight of the counts and of the table."""
    visible = ".counts li :is(span, button):visible, #heat :is(th, td):visible"
    return [" ".join(text.split()) for text in page.locator(visible).all_inner_texts()]


def test_other_versions_are_not_counted_before_scripts_run_nor_after(versions: Path) -> None:
    with opened(scripts=False) as page:
        page.goto(f"file://{versions}/index.html")
        before = table(page)
    with opened() as page:
        page.goto(f"file://{versions}/index.html")
        ready(page)
        after = table(page)
    # Where there are scripts, a status is a button, with a text within.
    assert before[-1:] == after[-1:]
    assert list(dict.fromkeys(before)) == list(dict.fromkeys(after))
    assert not any(name in text for name in (OTHER_SOURCE, OTHER_TARGET) for text in after)


def test_other_versions_are_shown_where_they_are_asked_for(versions: Path) -> None:
    with opened() as page:
        page.goto(f"file://{versions}/index.html")
        ready(page)
        assert told(page, SOURCES[0]) == ["100 3/3", "33 1/3", "not run", "66 2/3"]
        page.get_by_label("Versions").select_option("all")
        page.wait_for_function("location.hash === '#versions=all'")
        page.wait_for_selector(f"#heat th:visible :text('{OTHER_TARGET}')")
        assert told(page, SOURCES[0]) == ["100 3/3", "33 1/3", "100 1/1", "not run", "66 2/3"]
        assert told(page, OTHER_SOURCE) == ["0 0/1", "–", "–", "not run", "–"]
        assert page.locator("[data-count=CRASH]").inner_text() == "2"
        page.get_by_role("button", name="Clear").click()
        page.wait_for_function("location.hash === ''")
        page.locator("select[name=to]").select_option("off0.1")
        page.wait_for_function("location.hash === '#to=off0.1'")
        assert (told(page, SOURCES[0]), page.locator("#heat tbody tr:visible").count()) == (["100 1/1"], 1)
        for end, name, share in (("source", OTHER_SOURCE, "0 0/1"), ("target", OTHER_TARGET, "100 1/1")):
            page.goto(f"file://{versions}/index.html#{end}={name}")
            page.wait_for_function(f"document.querySelector('#only b')?.textContent === '{name}'")
            assert told(page, name if end == "source" else SOURCES[0])[0] == share


def test_from_a_share_to_a_cell_and_its_neighbours(public: Path) -> None:
    with opened() as page:
        page.goto(f"file://{public}/index.html")
        ready(page)
        page.locator("#heat tbody tr", has_text=SOURCES[0]).locator("td.share a").nth(1).click()
        page.wait_for_selector("#pair table")
        assert page.locator("h1").inner_text() == f"{SOURCES[0]} → {TARGETS[1]}"
        assert page.locator("#pair tbody tr").first.inner_text().split() == ["alexnet", "WRONG", "CRASH"]
        page.get_by_role("link", name="WRONG", exact=True).click()
        page.wait_for_selector("#cell figure svg")
        text = page.locator("#cell").inner_text()
        for wanted in (
            "alexnet, static", HOSTILE, "runtime", "a failure that was not expected", "0.123", "2.05 kB, opset 17",
            "--sources canonical@host --models alexnet --variants static --targets fake.off@host", "commit abc",
            'File "exports/x", line 1', "onnx 1.2.3",
        ):  # fmt: skip
            assert wanted in text
        page.get_by_role("link", name="fake.on@older").click()
        page.wait_for_function("document.querySelector('.verdict').textContent.includes('PASS')")


def test_a_wrong_cell_says_why_where_it_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    why = Cause("takes <b>x</b> for y", "Fake", "fake_x.py", ("fake.off@*",), ("canonical/alexnet/*",), "here")
    monkeypatch.setattr("matrix.site.cells.causes.load", lambda: Causes([why]))
    public = published(tmp_path)
    with opened() as page:
        for target, told in ((TARGETS[1], True), (TARGETS[0], False)):
            page.goto(f"file://{public}/cell.html#cell={SOURCES[0]}/alexnet/static/{target}")
            page.wait_for_function(f"document.title.includes('{target}')")
            page.wait_for_selector("#cell .verdict")
            text = "takes <b>x</b> for y (Fake; shown without the suite by docs/findings/fake_x.py)"
            assert (text in page.locator("#cell").inner_text()) is told


def test_names_with_html_in_them_stay_text(public: Path) -> None:
    with opened() as page:
        page.goto(f"file://{public}/pair.html#source={SOURCES[1]}&target={TARGETS[1]}")
        page.get_by_role("link", name="WRONG", exact=True).click()
        page.wait_for_selector("#cell figure svg")
        assert page.locator("#cell h1").inner_text() == "a/b <u>, float16"
        assert page.locator("#cell :is(u, s, i)").count() == 0
        with page.expect_download() as download:
            page.get_by_role("link", name="Download the case").click()
        assert download.value.path().read_bytes()[:2] == b"PK"


def test_what_is_not_there_says_so(public: Path) -> None:
    with opened() as page:
        page.goto(f"file://{public}/cell.html#cell=none/of/these/four")
        page.wait_for_selector("text=There is no such cell")
        page.goto(f"file://{public}/pair.html#source=a&target=b")
        page.wait_for_selector("text=There is no such source and target")


@pytest.mark.parametrize("name", ["index.html", "pair.html#source={}&target={}", "cell.html#cell={}/alexnet/static/{}"])
def test_a_phone_scrolls_the_tables_and_not_the_page(public: Path, name: str) -> None:
    with opened(width=390) as page:
        page.goto(f"file://{public}/{name.format(SOURCES[0], TARGETS[1])}")
        page.wait_for_selector("table td")
        assert not sideways(page)


def test_the_table_is_there_without_scripts(public: Path) -> None:
    with opened(scripts=False) as page:
        page.goto(f"file://{public}/index.html")
        assert told(page, SOURCES[0]) == ["100 3/3", "33 1/3", "not run", "66 2/3"]
        assert not page.locator("form").is_visible()
        assert page.locator(".counts").inner_text().split()[:2] == ["PASS", "5"]
