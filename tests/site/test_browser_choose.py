"""The pages of operators and of choosing, in a real browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx
import pytest
from browser import opened
from onnx import TensorProto, helper
from site_matrix import OTHER_TARGET, TARGETS, with_versions
from test_operators import CASES, with_cases

from matrix.site.build import build


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    build(with_cases(), folder)
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Relu behind an operator that nobody knows, with a name in it that is HTML; one axis is dynamic."""
    nodes = [
        helper.make_node("Relu", ["x"], ["y"]),
        helper.make_node("<img src=x onerror=alert(1)>", ["y"], ["z"], domain="own"),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["<b>n</b>", 3])
    z = helper.make_tensor_value_info("z", TensorProto.FLOAT, None)
    path = tmp_path_factory.mktemp("models") / "my.onnx"
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    onnx.save(helper.make_model(helper.make_graph(nodes, "g", [x], [z]), opset_imports=opsets), path)
    return path


def sideways(page: Any) -> bool:
    """Whether the page itself scrolls sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth > innerWidth"))


def test_operators_are_counted_again_by_cases_and_filters(public: Path) -> None:
    with opened() as page:
        page.goto(f"file://{public}/operators.html")
        page.wait_for_function("document.querySelector('#told').textContent.startsWith('1 operators')")
        rows = page.locator("#operators tbody tr:visible")
        relu = "[...document.querySelectorAll('#operators tr')].find(r => r.textContent.includes('Relu'))"
        assert rows.locator("th").all_inner_texts() == ["Conv"]
        page.get_by_role("button", name="In models").click()
        page.wait_for_function("document.querySelector('#told').textContent.startsWith('2 operators')")
        # Rows are filled a few at a time, behind the count.
        page.wait_for_function(f"{relu}.lastElementChild.textContent === '753/4'")
        page.get_by_label("Show").select_option("differ")
        page.wait_for_function("document.querySelector('#told').textContent.startsWith('1 operators')")
        page.get_by_role("button", name="Clear").click()
        page.get_by_label("Opset of the file").select_option("11")
        page.get_by_role("searchbox").fill("con")
        page.wait_for_function("location.hash.includes('find=con')")
        assert rows.locator("th").all_inner_texts() == ["Conv"]


def test_an_operator_leads_to_its_cells(public: Path) -> None:
    with opened(width=390) as page:
        page.goto(f"file://{public}/operators.html#operator=Conv&target=reference@host")
        page.wait_for_selector("#operator table")
        assert not sideways(page)
        assert not page.locator("#all").is_visible()
        assert page.locator("#operator .opsets tbody tr").count() == 1
        page.locator("#operator").get_by_role("link", name="test_conv").click()
        page.wait_for_url(f"**/cell.html#cell={CASES}/test_conv/static/reference@host")


def test_a_dropped_file_is_matched_and_stands_in_the_address(public: Path, model: Path) -> None:
    with opened() as page:
        page.goto(f"file://{public}/choose.html")
        page.wait_for_selector(".ranking > li")
        page.set_input_files("#file", str(model))
        page.wait_for_function("location.hash.includes('opset=17')")
        assert page.get_by_label("Shapes").input_value() == "dynamic"
        page.wait_for_selector("#mine b")
        assert "my.onnx" in page.locator("#mine").inner_text()
        assert "my.onnx" not in page.url
        assert "own::<img src=x onerror=alert(1)>" in page.locator("#ranking .note").last.inner_text()
        shared = page.url
        first = page.locator(".ranking h3").first.inner_text()
    with opened(scheme="dark") as page:
        page.goto(shared)
        page.wait_for_selector(".ranking > li")
        assert page.locator(".ranking h3").first.inner_text() == first
        assert "from the address" in page.locator("#mine").inner_text()
        page.get_by_role("button", name="Forget it").click()
        page.wait_for_function("!location.hash.includes('ops=')")


def test_what_is_dropped_onto_the_page_is_read(public: Path, model: Path) -> None:
    drop = """bytes => {
      const data = new DataTransfer();
      data.items.add(new File([Uint8Array.from(bytes)], 'dropped.onnx'));
      document.body.dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }));
    }"""
    with opened(width=390) as page:
        page.goto(f"file://{public}/choose.html")
        page.wait_for_selector(".ranking > li")
        page.evaluate(drop, list(b"PK" * 50))
        page.wait_for_selector("[role=alert]")
        assert "no ONNX model" in page.locator("[role=alert]").inner_text()
        page.evaluate(drop, list(model.read_bytes()))
        page.wait_for_function("document.querySelector('#mine').textContent.includes('2 operators')")
        assert not sideways(page)


def test_kinds_and_needs_choose_among_the_runtimes(public: Path) -> None:
    with opened() as page:
        page.goto(f"file://{public}/choose.html#kinds=layer/recurrent")
        page.wait_for_selector(".ranking > li")
        page.get_by_text("Kinds of networks and layers").click()
        assert page.locator("[data-kind='layer/recurrent']").is_checked()
        assert page.locator(".ranking small.mono").all_inner_texts() == [
            "reference@host",
            "fake.off@host",
            "fake.on@older",
        ]
        page.locator("[data-kind='architecture/convnet']").check()
        page.wait_for_function("location.hash.includes('convnet')")
        assert "3 files like yours" in page.locator("#ranking h2").inner_text()
        page.get_by_label("Language").select_option("Python")
        page.wait_for_function("document.querySelectorAll('.ranking > li').length === 1")
        assert "nothing is known of it" in page.locator("#ranking").inner_text()
        page.get_by_role("button", name="Clear all").click()
        page.wait_for_function("document.querySelectorAll('.ranking > li').length === 3")


def test_other_versions_are_columns_of_operators_where_asked_for_and_no_choice(tmp_path: Path) -> None:
    build(with_versions(), tmp_path)
    heads = "#operators thead th.turned:visible small"
    with opened() as page:
        page.goto(f"file://{tmp_path}/operators.html")
        page.wait_for_function("document.querySelector('#told').textContent.startsWith('1 operators')")
        assert OTHER_TARGET not in page.locator(heads).all_inner_texts()
        assert page.locator("#operators td:visible").first.inner_text().split() == ["75", "3/4"]
        page.get_by_label("Versions").select_option("all")
        page.wait_for_selector(f"#operators th:visible :text('{OTHER_TARGET}')")
        # Its own cell, and that of the other version of a source on the first target.
        shown = page.locator("#operators td:visible").all_inner_texts()
        assert [shown[0].split()[-1], shown[2].split()[-1]] == ["3/5", "1/1"]
        page.goto(f"file://{tmp_path}/operators.html#operator=Relu")
        page.wait_for_selector("#operator .opsets")
        assert OTHER_TARGET not in page.locator("#operator .opsets").inner_text()
        page.get_by_role("link", name="With other versions").click()
        page.wait_for_selector(f"#operator .opsets :text('{OTHER_TARGET}')")
        page.goto(f"file://{tmp_path}/choose.html")
        page.wait_for_selector(".ranking > li")
        names = page.locator(".ranking small.mono").all_inner_texts()
        assert sorted(names) == sorted(name for name in TARGETS if "dead" not in name)
        assert OTHER_TARGET not in page.locator("#ranking").inner_text()


def test_without_scripts_the_tables_are_there(public: Path) -> None:
    with opened(scripts=False) as page:
        page.goto(f"file://{public}/operators.html")
        assert page.locator("#operators tbody tr:visible").count() == 1
        assert not page.locator(".filters").is_visible()
        page.goto(f"file://{public}/choose.html")
        assert page.locator("#ranking tbody tr").count() == 3
        assert not page.locator(".wants").is_visible()
