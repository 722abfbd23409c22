"""Operators by runtime and opset, and what helps to choose, before any script runs."""

from __future__ import annotations

import base64
import gzip
from collections import Counter
from typing import Any

import numpy as np
import polars as pl
import pytest
from site_matrix import OTHER_TARGET, TARGETS, site_matrix, with_versions

from matrix.catalogue import TARGETS as KNOWN_TARGETS
from matrix.dataset import CELLS, EXPORTS, Matrix
from matrix.site import choose, columns, operators

CASES = "onnx.node@host"


def with_cases() -> Matrix:
    """The small matrix with a case of Conv alone, one of two operators, and one that is no faithful export."""
    plain = site_matrix()
    cases = (
        ("test_conv", ["Conv"], "PASS", "WRONG"),
        ("test_two", ["Conv", "Relu"], "PASS", "PASS"),
        ("test_bad", ["Relu"], "ERROR", "ERROR"),
    )
    what: dict[str, Any] = {"source": CASES, "variant": "static", "full": False, "message": "", "stage": "run"}
    exports = [{**what, "model": m, "status": made, "operators": ops, "emitted_opset": 11} for m, ops, made, _ in cases]
    cells = [{**what, "model": m, "target": TARGETS[0], "status": ran, "load_seconds": 0.5} for m, _, _, ran in cases]
    own = {**plain.about["sources"][0], "name": CASES, "framework": "ONNX", "environment": "host", "packages": {}}
    models = [{"name": m, "family": "operators", "kind": "own", "variants": ["static"]} for m, *_ in cases]
    about = {
        **plain.about, "sources": [*plain.about["sources"], own], "models": [*plain.about["models"], *models],
    }  # fmt: skip
    return Matrix(
        about,
        pl.concat([plain.exports, pl.DataFrame(exports, schema=EXPORTS)]),
        pl.concat([plain.cells, pl.DataFrame(cells, schema=CELLS)]),
    )


def unpacked(column: dict[str, str]) -> list[int]:
    numbers: list[int] = np.frombuffer(gzip.decompress(base64.b64decode(column["data"])), column["dtype"]).tolist()
    return numbers


def test_cells_are_counted_for_operators_alone_and_together() -> None:
    told = operators.counted(with_cases())
    assert told["Conv", operators.ALONE, TARGETS[0]] == Counter(WRONG=1)
    assert told["Conv", operators.TOGETHER, TARGETS[0]] == Counter(PASS=1)
    # Two of the first source's, one of two operators, one UNSUPPORTED: the unfaithful case is in none.
    assert told["Relu", operators.TOGETHER, TARGETS[0]] == Counter(PASS=3, IMPRECISE=1, UNSUPPORTED=1)
    assert ("Relu", operators.ALONE, TARGETS[0]) not in told
    assert not any(target == TARGETS[2] for *_, target in told), "NOT_RUN counts nowhere"


def test_the_table_says_which_file_has_which_operators() -> None:
    matrix = with_cases()
    table = operators.table(matrix)
    assert table["names"] == ["Conv", "Relu"]
    assert table["versions"][0][:2] == [1, 11]
    ends, flat = (unpacked(table["sets"][name]) for name in ("ends", "operators"))
    sets = [flat[begin:end] for begin, end in zip([0, *ends], ends, strict=False)]
    files = columns.files(matrix)["model"].to_list()
    own = dict(
        zip(files, zip(unpacked(table["files"]["set"]), unpacked(table["files"]["tells"]), strict=True), strict=True)
    )
    assert (sets[own["test_two"][0]], own["test_two"][1]) == ([0, 1], operators.TOGETHER)
    assert (sets[own["test_conv"][0]], own["test_conv"][1]) == ([0], operators.ALONE)
    assert own["test_bad"][1] == operators.NOTHING


def test_models_are_shown_where_there_are_no_cases_of_operators() -> None:
    view = operators.view(site_matrix())
    assert (view["first"], view["both"]) == (operators.TOGETHER, {"alone": False, "together": True})
    ((_, name, shown),) = view["rows"]
    assert name == "Relu"
    by_name = {target["name"]: it for target, it in shown}
    assert by_name[TARGETS[2]] is None
    assert (by_name[TARGETS[1]]["right"], by_name[TARGETS[1]]["run"], by_name[TARGETS[1]]["worst"]) == (1, 4, "WRONG")


def test_other_versions_are_hidden_columns_and_nothing_to_choose() -> None:
    view = operators.view(with_versions())
    assert [t["name"] for t in view["targets"] if not t["usual"]] == [OTHER_TARGET]
    ((_, _, shown),) = view["rows"]
    assert {target["name"]: it for target, it in shown}[OTHER_TARGET] is None
    plain = operators.view(site_matrix())["rows"][0][2]
    assert [it for target, it in shown if target["usual"]] == [it for _, it in plain], "nor are their files counted"
    assert choose.view(with_versions()) == choose.view(site_matrix())
    told, alone = (dict(choose.data(own, None))["choose"] for own in (with_versions(), site_matrix()))
    assert told["load"] == [*alone["load"], None], "in the order of about"


def test_a_matrix_of_nothing_is_shown() -> None:
    plain = site_matrix()
    empty = Matrix(
        {**plain.about, "targets": [], "sources": [], "models": [], "canaries": {}},
        plain.exports.clear(),
        plain.cells.clear(),
    )
    assert operators.view(empty)["rows"] == []
    assert operators.table(empty)["names"] == []
    assert choose.view(empty)["rows"] == []
    assert dict(choose.data(empty, None))["choose"]["facts"] == []


def test_runtimes_stand_by_the_lower_end_of_their_interval() -> None:
    rows = choose.all_files(with_cases())
    assert [row["name"] for row in rows] == [TARGETS[0], TARGETS[3], TARGETS[1]]
    assert [(row["right"], row["run"]) for row in rows] == [(3, 4), (3, 4), (1, 4)]
    assert rows[0]["low"] == pytest.approx(0.3006, abs=1e-4)


def test_times_to_load_are_on_the_files_that_both_ran_right() -> None:
    matrix = site_matrix()
    usual = "onnxruntime.all@x"
    renamed = pl.col("target").replace(TARGETS[0], usual)
    renaming = [{**t, "name": usual if t["name"] == TARGETS[0] else t["name"]} for t in matrix.about["targets"]]
    own = Matrix(
        {**matrix.about, "targets": renaming},
        matrix.exports,
        matrix.cells.with_columns(
            renamed, load_seconds=pl.when(pl.col("target") == TARGETS[3]).then(2.0).otherwise(pl.col("load_seconds"))
        ),
    )  # fmt: skip
    told = dict(choose.data(own, None))["choose"]
    assert told["reference"] == usual
    assert told["load"] == [{"times": 1.0, "of": 3}, {"times": 1.0, "of": 1}, None, {"times": 4.0, "of": 2}]


def test_models_to_choose_from_are_no_cases_of_operators() -> None:
    assert choose.kinds(with_cases()) == {
        "architecture": {"convnet": ["alexnet"]}, "layer": {"recurrent": ["lstm"]}, "own": {"zoo": ["a/b <u>"]},
    }  # fmt: skip


@pytest.mark.parametrize("target", KNOWN_TARGETS)
def test_what_each_runtime_offers_is_told_with_sources(target: str) -> None:
    facts = choose.facts_of(f"{target}@1.0")
    assert facts, f"{target} has no table in matrix/site/runtimes.toml"
    assert set(facts) <= {"languages", "platforms", "licence", "note", "sources"}
    assert facts["languages"]
    assert set(facts["languages"]) <= set(choose.LANGUAGES)
    assert facts["platforms"]
    assert set(facts["platforms"]) <= set(choose.PLATFORMS)
    assert facts["licence"]
    assert facts["sources"]
    assert all(url.startswith("https://") for url in facts["sources"])


def test_no_facts_are_of_a_runtime_that_is_not_there() -> None:
    used = [choose.facts_of(name) for name in KNOWN_TARGETS]

    assert [name for name, facts in choose.runtimes().items() if facts not in used] == []


def test_the_longest_name_counts() -> None:
    assert choose.facts_of("onnxruntime.openvino@1")["note"] == "GPUs of Intel."
    assert choose.facts_of("mxnet+inputs-listed@1") == choose.facts_of("mxnet@1")
    assert choose.facts_of("onnxruntimes@1") == {}
