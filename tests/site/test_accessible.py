"""Every page of the site for those who cannot see it well, or at all: axe-core finds nothing serious on it."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from browser import opened
from site_matrix import SOURCES, TARGETS, published, site_matrix
from test_operators import with_cases

from matrix.diff import differences
from matrix.site.build import BEHIND, PAGES

WORST = ("serious", "critical")
SHAPES = [(1400, "light"), (1400, "dark"), (390, "light"), (390, "dark")]
PAIR = f"source={SOURCES[0]}&target={TARGETS[1]}"
#: By view, where it is, and what stands there when it is ready: every page, and what opens on some of them.
VIEWS = {
    "index": ("index.html", "#told"),
    "index narrowed": (f"index.html#model=alexnet&target={TARGETS[0]}&status=WRONG&words=it", "#only b"),
    "pair": (f"pair.html#{PAIR}&model=alexnet", "#pair table"),
    "cell": (f"cell.html#cell={SOURCES[0]}/alexnet/static/{TARGETS[1]}", "#cell figure svg"),
    "choose": ("choose.html", ".ranking > li"),
    "scores": ("scores.html", "svg.radar"),
    "speed": ("speed.html", "#times-chart svg"),
    "operators": ("operators.html", "#operators td"),
    "operator": (f"operators.html#operator=Relu&target={TARGETS[1]}", "#operator table"),
    "versions": ("versions.html#tool=versions%2Ftarget-fake.off&all=1", ".cells tbody tr"),
    "wrong": ("wrong.html", "#open"),
    "diff": ("diff.html", "#changes p"),
    "method": ("method.html", "table"),
}


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of a matrix that has all pages: with cases of operators, older versions, and a run before."""
    now, before = with_cases(), site_matrix()
    return published(tmp_path_factory.mktemp("site"), replace(now, since=differences(before, now), history=(before,)))


def violations(page: Any) -> list[dict[str, Any]]:
    """What axe-core holds for serious, of the page as it is."""
    if "CI" not in os.environ:
        pytest.importorskip("axe_playwright_python")
    from axe_playwright_python.sync_playwright import Axe

    # Without preload: it would read style sheets by requests, which file:// refuses.
    found = Axe().run(page, options={"resultTypes": ["violations"], "preload": False}).response["violations"]
    return [violation for violation in found if violation["impact"] in WORST]


@pytest.mark.parametrize(("width", "scheme"), SHAPES)
def test_no_page_has_a_serious_violation(public: Path, width: int, scheme: str) -> None:
    told = []
    with opened(width, scheme) as page:
        for name, (address, ready) in VIEWS.items():
            page.goto("about:blank")
            page.goto(f"file://{public}/{address}")
            page.wait_for_selector(ready, state="attached")
            page.wait_for_function("!document.querySelector('[data-scripted][hidden]')")
            told += [f"{name}: {v['id']} at {n['html'][:200]}" for v in violations(page) for n in v["nodes"]]
    assert not told, "\n".join(told)


def test_every_page_is_among_them(public: Path) -> None:
    assert {address.partition(".")[0] for address, _ in VIEWS.values()} == {*PAGES, *BEHIND}
    assert {path.stem for path in public.glob("*.html")} == {*PAGES, *BEHIND}


def test_a_field_without_a_label_is_found(public: Path) -> None:
    with opened() as page:
        page.goto(f"file://{public}/index.html")
        page.evaluate("document.querySelector('label').replaceWith(document.querySelector('label select'))")
        assert [violation["id"] for violation in violations(page)] == ["select-name"]
