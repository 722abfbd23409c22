"""What is published of a work folder: all that is recorded, or what matches, in the order of the suite's tables."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from made import record_cell, record_export

from matrix.cli import main
from matrix.errors import UserError
from matrix.recorded import chosen, lost
from matrix.records import Journal

TORCH, OLD = "pytorch.dynamo@torch2.13", "pytorch.dynamo@torch1.13"


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """Records in no order, of tools of which none need be installed, and one that nobody knows."""
    journal, folder = Journal(tmp_path / "work" / "cells.jsonl"), tmp_path / "work"
    for source, model, variant, opset in (
        ("unheard-of@thing9", "no-such-model", "static", None),
        (TORCH, "relu", "static", 17),
        (TORCH, "relu", "static", None),
        (TORCH, "alexnet", "dynamic", None),
        (OLD, "relu", "static", None),
        ("canonical@host", "relu", "static", None),
    ):
        key = f"{source}/{model}/{variant}{f'-opset{opset}' if opset else ''}"
        record_export(folder, journal, key, 1.0, opset=opset)
        for target in ("tvm@tvm0.27", "onnxruntime.all@host"):
            record_cell(folder, journal, f"{key}/{target}", 1.0, opset=opset)
    yield journal
    journal.close()


def test_without_patterns_all_is_chosen_in_the_order_of_the_tables(journal: Journal) -> None:
    found = chosen(journal, {})
    assert list(found) == [
        "canonical@host/relu/static", f"{TORCH}/alexnet/dynamic", f"{TORCH}/relu/static",
        f"{TORCH}/relu/static-opset17", f"{OLD}/relu/static", "unheard-of@thing9/no-such-model/static",
    ]  # fmt: skip
    assert all(key.endswith("onnxruntime.all@host") for key in (own[0] for own in found.values()))
    assert sum(map(len, found.values())) == 12


@pytest.mark.parametrize(
    ("patterns", "opsets", "exports", "cells"),
    [
        ({"sources": ["pytorch.*"]}, [], 4, 8),
        ({"sources": ["*@torch1.13"]}, [], 1, 2),
        ({"targets": ["tvm"]}, [], 6, 6),
        ({"models": ["alex*"], "targets": ["tvm@tvm0.27"]}, [], 1, 1),
        ({"variants": ["dynamic"]}, [], 1, 2),
        ({"environments": ["torch2.13"]}, [], 3, 6),
        ({"environments": ["tvm0.27"]}, [], 6, 6),  # the files that it ran
        ({"environments": ["torch2.13", "tvm*"]}, [], 6, 9),
        ({}, [17], 1, 2),
        ({}, ["each"], 1, 2),
        ({"sources": ["canonical"], "models": ["alexnet"]}, [], 0, 0),
    ],
)
def test_patterns_choose(
    patterns: dict[str, list[str]], opsets: list[int | str], exports: int, cells: int, journal: Journal
) -> None:
    found = chosen(journal, patterns, opsets)
    assert (len(found), sum(map(len, found.values()))) == (exports, cells)


@pytest.mark.parametrize(
    ("patterns", "opsets", "words"),
    [
        ({"sources": ["pytorch.dynmo"]}, [], "no source 'pytorch.dynmo': did you mean pytorch.dynamo"),
        ({"targets": ["tmv"]}, [], "no target 'tmv': did you mean tvm"),
        ({"targets": ["openvino.f32"]}, [], "no target 'openvino.f32'"),
        ({"models": ["rleu"]}, [], "no model 'rleu': did you mean relu"),
        ({"variants": ["dynamc"]}, [], "did you mean dynamic"),
        ({"environments": ["torch2.31"]}, [], "did you mean torch2.13"),
        ({}, [13], "no opset '13'"),
    ],
)
def test_a_misspelt_name_is_answered_with_what_is_recorded(
    patterns: dict[str, list[str]], opsets: list[int | str], words: str, journal: Journal
) -> None:
    with pytest.raises(UserError, match=words):
        chosen(journal, patterns, opsets)


def test_an_export_of_which_no_cell_was_run_is_news_of_its_source(journal: Journal, tmp_path: Path) -> None:
    record_export(tmp_path / "work", journal, "canonical@host/elu/static", 1.0, status="ERROR")
    assert chosen(journal, {"models": ["elu"]}) == {"canonical@host/elu/static": []}
    assert chosen(journal, {"targets": ["tvm"], "models": ["elu"]}) == {}
    assert chosen(journal, {"environments": ["tvm0.27"], "models": ["elu"]}) == {}


def test_what_cannot_be_published_is_told(journal: Journal, tmp_path: Path) -> None:
    assert lost(journal) == []
    record_cell(tmp_path / "work", journal, "canonical@host/elu/static/tvm@tvm0.27", 1.0)
    with journal.path.open("a") as file:
        file.write("no JSON\n")
    again = Journal(journal.path)
    damaged, orphans = lost(again)
    assert "1 lines are damaged, and are left out (lines 20 …)" in damaged
    assert "1 cells have no record of their export" in orphans
    again.close()


def test_publish_needs_nothing_installed_and_answers_mistakes(
    journal: Journal, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = ["--work", str(tmp_path / "work"), "--public", str(tmp_path / "public")]
    assert main(["publish", *places, "--targets", "tmv"]) == 2
    assert "did you mean tvm" in capsys.readouterr().err
    assert main(["publish", *places, "--sources", "canonical", "--models", "alexnet"]) == 2
    assert "nothing is recorded" in capsys.readouterr().err
    assert not (tmp_path / "public").exists()
    assert main(["publish", *places, "--targets", "tvm", "--opset", "17"]) == 0
    assert len((tmp_path / "public" / "matrix.csv").read_text().splitlines()) == 2
