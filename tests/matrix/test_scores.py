"""Scores, each against a small example computed by hand."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from matrix.dataset import CELLS, EXPORTS, Matrix
from matrix.scores import Score, faithful, listed, score_list, scores, wilson
from models.catalogue import all_models

#: The digest of each version of the list.
VERSIONS = {1: "0b758dcbff563d99"}
JUDGE, FIRST, SECOND, THIRD = "reference@host", "first@1", "second@1", "third@1"


def export(
    model: str, status: str = "PASS", stage: str = "check", source: str = "one@1", **more: Any
) -> dict[str, Any]:
    return {
        "source": source,
        "model": model,
        "variant": "static",
        "status": status,
        "stage": stage,
        "message": "",
        **more,
    }


def cells(model: str, source: str = "one@1", variant: str = "static", **more: Any) -> list[dict[str, Any]]:
    """A file's cells: JUDGE and the others by their statuses, as judge=, first=, second=, third=."""
    names = {"judge": JUDGE, "first": FIRST, "second": SECOND, "third": THIRD}
    own = {"source": source, "model": model, "variant": variant, "message": ""}
    rest = {key: value for key, value in more.items() if key not in names}
    return [{**own, "target": names[key], "status": more[key], **rest} for key in names if key in more]


def matrix(exports: list[dict[str, Any]], rows: list[dict[str, Any]], **about: Any) -> Matrix:
    def entries(frame: list[dict[str, Any]], column: str, **more: Any) -> list[dict[str, Any]]:
        return [{"name": name, **more} for name in dict.fromkeys(row[column] for row in frame)]

    layers = {"native": 60, "composed": 10}
    known = {
        "run": "", "generated": "", "canaries": {},
        "sources": entries(exports, "source", framework="One", tier=2, layers=layers),
        "targets": entries(rows, "target", runtime="a runtime"),
    }  # fmt: skip
    return Matrix({**known, **about}, pl.DataFrame(exports, schema=EXPORTS), pl.DataFrame(rows, schema=CELLS))


def row(data: dict[str, Any], part: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(r for r in data[part] if r["name"] == name)
    return found


# -- the list --------------------------------------------------------------------------------------------------------


def test_the_list_is_what_its_version_says() -> None:
    own = score_list()
    text = json.dumps([own.families, own.dynamic])
    assert VERSIONS[own.version] == hashlib.sha256(text.encode()).hexdigest()[:16], "raise the version in scores.toml"


def test_every_model_of_the_list_is_in_the_catalogue_in_its_family() -> None:
    own, known = score_list(), all_models()
    for family, models in own.families.items():
        assert [known[name].family for name in models] == [family] * len(models)
    assert all(known[name].dynamic for name in own.dynamic)
    assert own.files.height == own.files.unique().height == sum(map(len, own.families.values())) + len(own.dynamic)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, 1),
        ({"variant": "dynamic"}, 1),
        ({"variant": "float16"}, 0),
        ({"opset": 17}, 0),
        ({"full": True}, 0),
        ({"model": "of-somebody-else"}, 0),
        ({"model": "relu", "variant": "dynamic"}, 0),  # of the architectures only
        ({"source": "torchzoo.dynamo@torchzoo1.0"}, 0),  # its own model of that name
    ],
)
def test_only_default_files_of_the_list_are_scored(change: dict[str, Any], expected: int) -> None:
    assert listed(pl.DataFrame([{**export("alexnet"), **change}], schema=EXPORTS)).height == expected


# -- shares and intervals --------------------------------------------------------------------------------------------


def test_families_weigh_the_same() -> None:
    # (1/1 + 1/4) / 2, not 2/5
    assert Score({"convnet": (1, 1), "activation": (1, 4)}).value == 0.625


def test_the_interval_is_wilsons() -> None:
    # Newcombe (1998): 81 of 263 gives 0.2553 to 0.3662.
    assert wilson(81 / 263, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(1.0, 10) == pytest.approx((0.7225, 1.0), abs=5e-5)
    assert wilson(0.0, 10) == pytest.approx((0.0, 0.2775), abs=5e-5)


def test_a_family_of_few_cells_widens_the_interval() -> None:
    # Kish: weights 1/2 (once) and 1/8 (four times) are worth 1 / (1/4 + 4/64) = 3.2 cells.
    assert Score({"convnet": (1, 1), "activation": (1, 4)}).worth == pytest.approx(3.2)
    assert Score({"convnet": (2, 4), "activation": (3, 4)}).worth == pytest.approx(8)
    assert Score({"convnet": (3, 4)}).interval == wilson(0.75, 4)


def test_nothing_that_counts_is_no_score() -> None:
    assert (Score().value, Score().interval, Score().of) == (None, None, 0)


# -- which files are faithful ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("evaluated", "right", "wrong", "expected"),
    [
        ("PASS", 0, 5, True),  # N≈E: the runtimes are wrong
        ("IMPRECISE", 0, 0, True),
        ("WRONG", 0, 0, False),
        ("WRONG", 1, 0, False),  # one against one
        ("WRONG", 2, 0, True),
        ("WRONG", 2, 1, False),
        ("WRONG", 3, 1, True),
        ("ERROR", 0, 0, False),
        ("ERROR", 1, 0, True),
        ("ERROR", 1, 1, None),
        ("UNSUPPORTED", 0, 0, None),
        ("TIMEOUT", 2, 1, True),
        (None, 1, 2, False),
        (None, 2, 2, None),
        (None, 0, 0, None),
        ("NOT_RUN", 1, 0, True),
    ],
)
def test_a_file_is_judged_by_the_evaluator_or_by_the_vote(
    evaluated: str | None, right: int, wrong: int, expected: bool | None
) -> None:
    schema = {"e": pl.String, "r": pl.Int32, "w": pl.Int32}
    frame = pl.DataFrame([(evaluated, right, wrong)], schema=schema, orient="row")
    assert frame.select(faithful(pl.col("e"), pl.col("r"), pl.col("w"))).item() is expected


# -- export score ----------------------------------------------------------------------------------------------------


def exported(exports: list[dict[str, Any]], rows: list[dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = row(scores(matrix(exports, rows)), "sources", "one@1")["export"]
    return found


def test_an_export_counts_that_is_valid_and_faithful() -> None:
    found = exported(
        [export("alexnet"), export("googlenet"), export("relu")],
        [*cells("alexnet", judge="PASS"), *cells("googlenet", judge="WRONG"), *cells("relu", judge="IMPRECISE")],
    )
    # convnet 1 of 2, activation 1 of 1
    assert (found["value"], found["right"], found["of"]) == (0.75, 2, 3)
    assert found["families"] == {"convnet": [1, 2], "activation": [1, 1]}


@pytest.mark.parametrize("status", ["ERROR", "WRONG", "UNSUPPORTED", "CRASH", "TIMEOUT", "MEMORY", "FLAKY"])
def test_what_is_not_exported_validly_counts_as_nought(status: str) -> None:
    # Although a runtime, given the file all the same, gets the numbers.
    found = exported(
        [export("alexnet"), export("relu", status)], [*cells("alexnet", judge="PASS"), *cells("relu", judge="PASS")]
    )
    assert (found["value"], found["of"]) == (0.5, 2)


def test_our_own_trouble_and_what_nobody_can_judge_do_not_count() -> None:
    exports = [
        export("alexnet"), export("googlenet", "NOT_RUN", "export"), export("relu"), export("selu", "WRONG", "native")
    ]  # fmt: skip
    rows = [
        *cells("alexnet", judge="PASS"),
        *cells("relu", judge="UNSUPPORTED", first="ERROR"),
        *cells("selu", judge="WRONG"),
    ]
    found = exported(exports, rows)
    assert (found["value"], found["of"], found["unjudged"]) == (1.0, 1, 2)


# -- deployment score ------------------------------------------------------------------------------------------------


def test_a_sources_deployment_is_the_share_of_its_cells_that_are_right() -> None:
    exports = [export("alexnet"), export("relu"), export("selu", "ERROR", "export")]
    rows = [
        *cells("alexnet", judge="PASS", first="PASS", second="WRONG"),
        *cells("relu", judge="ERROR", first="IMPRECISE", second="NOT_RUN"),
        *cells("selu", judge="NOT_EXPORTED", first="NOT_EXPORTED", second="NOT_EXPORTED"),
    ]
    found = row(scores(matrix(exports, rows)), "sources", "one@1")["deployment"]
    # convnet 1 of 2; activation 1 of 1; the judge, NOT_RUN and NOT_EXPORTED are in no denominator.
    assert (found["value"], found["right"], found["of"]) == (0.75, 2, 3)


def test_a_runtime_is_scored_on_valid_faithful_files_only() -> None:
    exports = [export("alexnet"), export("googlenet"), export("relu"), export("selu", "ERROR")]
    rows = [
        *cells("alexnet", judge="PASS", first="PASS"),
        *cells("googlenet", judge="PASS", first="CRASH"),
        *cells("relu", judge="WRONG", first="WRONG"),  # the file says something else
        *cells("selu", judge="PASS", first="ERROR"),  # the file is not valid
    ]
    found = row(scores(matrix(exports, rows)), "runtimes", FIRST)
    assert found["deployment"]["families"] == {"convnet": [1, 2]}
    assert (found["deployment"]["value"], found["rating"]["value"], found["rating"]["of"]) == (0.5, 2.5, 2)


def test_no_runtime_votes_on_its_own_file() -> None:
    data = scores(matrix([export("alexnet")], cells("alexnet", judge="UNSUPPORTED", first="PASS", second="ERROR")))
    # Without its own vote nobody says that the file is right; with it, the other one is at fault.
    assert row(data, "runtimes", FIRST)["deployment"]["value"] is None
    assert row(data, "runtimes", SECOND)["deployment"]["value"] == 0.0


def test_the_judge_has_no_score() -> None:
    found = row(scores(matrix([export("alexnet")], cells("alexnet", judge="PASS", first="PASS"))), "runtimes", JUDGE)
    assert found["deployment"]["value"] is None
    assert "judge" in found["deployment"]["reason"]


def test_a_target_whose_canary_failed_has_no_score_but_its_reason() -> None:
    rows = cells("alexnet", judge="PASS", first="ERROR", second="PASS")
    canaries = {FIRST: {"status": "NOT_RUN", "message": "the adapter is broken"}}
    data = scores(matrix([export("alexnet")], rows, canaries=canaries))
    found = row(data, "runtimes", FIRST)["deployment"]
    assert (found["value"], found["of"], found["reason"]) == (None, 0, "its canary failed: the adapter is broken")
    assert row(data, "sources", "one@1")["deployment"]["value"] == 1.0
    assert row(data, "models", "alexnet")["target"] == SECOND


def test_what_was_not_run_says_why_in_place_of_a_score() -> None:
    data = scores(matrix([export("alexnet")], cells("alexnet", judge="PASS", first="NOT_RUN", message="no room")))
    assert row(data, "runtimes", FIRST)["deployment"]["reason"] == "not run: no room"
    assert row(data, "sources", "one@1")["deployment"]["value"] is None


# -- frameworks and models -------------------------------------------------------------------------------------------


def test_a_frameworks_onnx_score_is_tier_times_the_export_score_of_its_best_source() -> None:
    exports = [
        export("alexnet"),
        export("googlenet", "ERROR"),
        export("alexnet", source="two@1"),
        export("googlenet", source="two@1"),
    ]
    rows = [
        *cells("alexnet", judge="PASS", first="PASS"),
        *cells("alexnet", source="two@1", judge="PASS", first="PASS", second="ERROR"),
        *cells("googlenet", source="two@1", judge="PASS", first="ERROR", second="PASS"),
    ]
    framework = scores(matrix(exports, rows))["frameworks"]
    assert [(f["source"], f["sources"], f["tier"]) for f in framework] == [("two@1", 2, 2)]
    assert (framework[0]["onnx"]["value"], framework[0]["onnx"]["of"]) == (2.0, 2)
    assert (framework[0]["rating"]["value"], framework[0]["rating"]["of"]) == (2.5, 4)
    low, high = wilson(0.5, 4)
    assert (framework[0]["rating"]["low"], framework[0]["rating"]["high"]) == pytest.approx(
        (5 * low, 5 * high), abs=1e-3
    )


def test_a_community_exporter_is_worth_half() -> None:
    sources = [{"name": "one@1", "framework": "One", "tier": 1, "layers": {"native": 1, "composed": 0}}]
    data = scores(matrix([export("alexnet")], cells("alexnet", judge="PASS"), sources=sources))
    assert data["frameworks"][0]["onnx"]["value"] == 1.0


def test_a_models_interop_score_is_that_of_its_worst_target() -> None:
    exports = [export("alexnet"), export("alexnet", source="two@1")]
    rows = [
        *cells("alexnet", judge="PASS", first="PASS", second="PASS", third="ERROR"),
        *cells("alexnet", source="two@1", judge="PASS", first="PASS", second="WRONG", third="NOT_RUN"),
    ]
    found = row(scores(matrix(exports, rows)), "models", "alexnet")
    # first 2 of 2, second 1 of 2, third 0 of 1
    assert (found["interop"]["value"], found["interop"]["of"], found["target"]) == (0.0, 1, THIRD)
    assert (found["targets"], found["median"]) == (3, 0.5)


def test_scores_lead_to_the_cells_that_make_them() -> None:
    data = scores(matrix([export("alexnet")], cells("alexnet", judge="PASS", first="PASS")))
    assert row(data, "sources", "one@1")["cells"] == "index.html#source=one%401"
    assert row(data, "runtimes", FIRST)["cells"] == "index.html#target=first%401"
    assert row(data, "models", "alexnet")["cells"] == "index.html#model=alexnet&target=first%401"


# -- versions and slices ---------------------------------------------------------------------------------------------


def test_other_versions_are_not_scored_do_not_vote_and_lower_no_model() -> None:
    exports = [export("alexnet"), export("relu"), export("alexnet", source="one@2")]
    rows = [
        *cells("alexnet", judge="UNSUPPORTED", first="PASS", second="ERROR"),
        *cells("relu", judge="PASS", first="PASS", second="PASS"),
        *cells("alexnet", source="one@2", judge="WRONG"),
    ]
    old = {**cells("alexnet", first="WRONG")[0], "target": "first@0.9"}
    data, plain = scores(matrix(exports, [*rows, old])), scores(matrix(exports[:2], rows[:-1]))
    assert data == plain
    assert [r["name"] for r in data["sources"]] == ["one@1"]
    assert {r["name"] for r in data["runtimes"]} == {JUDGE, FIRST, SECOND}
    assert data["frameworks"][0]["sources"] == 1


def test_a_runtime_on_a_slice_of_the_files_stands_after_the_others() -> None:
    names = score_list().files["model"].unique(maintain_order=True)[:11]
    every = [own for n, name in enumerate(names) for own in cells(name, judge="PASS", first="PASS" if n else "ERROR")]
    data = scores(matrix([export(name) for name in names], [*every, *cells(names[0], second="PASS")]))
    assert [(r["name"], r["few"]) for r in data["runtimes"]] == [(FIRST, False), (JUDGE, False), (SECOND, True)]
    assert row(data, "runtimes", SECOND)["rating"]["value"] == 5.0
    ten = [own for own in every if own["model"] != names[1]]
    data = scores(matrix([export(name) for name in names], [*ten, *cells(names[0], second="PASS")]))
    assert [r["few"] for r in data["runtimes"]] == [False] * 3, "a tenth of them is not less than a tenth"


def test_an_empty_matrix_has_scores_of_nothing() -> None:
    data = scores(matrix([], []))
    assert (data["frameworks"], data["sources"], data["runtimes"], data["models"]) == ([], [], [], [])
    json.dumps(data, allow_nan=False)


def test_the_documented_keys() -> None:
    data = scores(matrix([export("alexnet")], cells("alexnet", judge="PASS", first="PASS")))
    told = (Path(__file__).parents[2] / "docs" / "scores.md").read_text()
    parts = [data, data["list"], *(data[name][0] for name in ("frameworks", "sources", "runtimes", "models"))]
    for key in [key for part in [*parts, data["sources"][0]["export"]] for key in part]:
        assert f"`{key}`" in told, key
