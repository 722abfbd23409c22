"""No weight and no attribute of a reference model can be wrong without being noticed, or there is a reason."""

from fnmatch import fnmatchcase

import numpy as np
import pytest

from models.catalogue import all_models
from models.mutations import EXPLAINED, WITHOUT_EFFECT, Verdict, judge, mutations, report, within_tolerance


@pytest.fixture(scope="module")
def verdicts() -> list[Verdict]:
    return [verdict for model in all_models().values() for verdict in judge(model)]


def test_every_mutation_is_noticed_or_explained(verdicts: list[Verdict]) -> None:
    missed = [verdict for verdict in verdicts if not verdict.noticed and not verdict.reason]
    assert not missed, report(missed)


def test_most_mutations_are_noticed_in_each_family(verdicts: list[Verdict]) -> None:
    for family in {verdict.model.family for verdict in verdicts}:
        noticed = [verdict.noticed for verdict in verdicts if verdict.model.family == family]
        assert np.mean(noticed) >= 0.85, family


def test_every_explanation_is_needed(verdicts: list[Verdict]) -> None:
    given = {verdict.reason for verdict in verdicts} - {""}
    assert given == {*EXPLAINED.values(), *WITHOUT_EFFECT.values()}


def test_every_layer_model_notices_something(verdicts: list[Verdict]) -> None:
    told = {verdict.model.name for verdict in verdicts if verdict.noticed}
    mutable = {verdict.model.name for verdict in verdicts} - {"dropout"}
    assert mutable == told


@pytest.mark.parametrize(
    ("model", "pattern"),
    [
        ("conv2d", "conv2d_1/weight reversed along axis 3"),
        ("conv2d-dilated", "conv2d_1/dilation * -> ?3, 2]"),
        ("lstm", "lstm_1/gates 1 and 2 swapped"),
        ("softmax-channels", "softmax_1/axis 1 -> 2"),
        ("dot-product-attention", "dot_product_attention_1/inputs swapped"),
        ("split", "split_1_0/outputs swapped"),
        ("batch-norm", "batch_norm_1/epsilon *"),
    ],
)
def test_mutations_cover_what_exporters_get_wrong(model: str, pattern: str) -> None:
    names = [mutation.name for mutation in mutations(all_models()[model].graph())]
    assert any(fnmatchcase(name, pattern) for name in names), names


def test_a_comparison_that_lets_everything_pass_is_caught() -> None:
    verdicts = list(judge(all_models()["linear"], same=lambda actual, truth: True))
    assert not any(verdict.noticed or verdict.reason for verdict in verdicts)
    assert "MISSED" in report(verdicts)


@pytest.mark.parametrize(
    ("actual", "passes"),
    [
        ([1.0, -2.0], True),
        ([1.0009, -2.0], True),
        ([1.002, -2.0], False),
        ([1.0, np.nan], False),
        ([[1.0, -2.0]], False),
        ([1, -2], False),
    ],
)
def test_tolerance(actual: list[float], passes: bool) -> None:
    assert within_tolerance({"y": np.array(actual)}, {"y": np.array([1.0, -2.0])}) is passes
