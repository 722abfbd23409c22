"""The verdict on numbers, at its borders."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest

from matrix.compare import TOLERANCES, Array, Comparison, Measure, Tolerance, compare

TOLERANCE = TOLERANCES["float32"]

EPSILON = float(np.finfo(np.float32).eps)
TRUTH = np.array([1.0, -0.5, 0.25])


def verdict(actual: Any, truth: Any = TRUTH, native: Any = None, dtype: str = "float32") -> Comparison:
    """One output `y` of one input set compared; `actual` is brought to `dtype` unless it is an array of its own."""
    array = actual if isinstance(actual, np.ndarray) else np.array(actual, dtype)
    own = None if native is None else [{"y": np.asarray(native)}]
    return compare([{"y": array}], [{"y": np.asarray(truth)}], own, {"y": dtype}, [0])


def off_by(error: float, scale: float = 1.0) -> Array:
    """The truth times `scale`, with its greatest element off by `error`."""
    moved: Array = TRUTH * scale + np.array([error, 0, 0])
    return moved


# -- noise and tolerance ---------------------------------------------------------------------------------------------


def test_the_truth_itself_passes_without_noise() -> None:
    found = verdict(TRUTH.astype(np.float32))
    assert (found.status, found.message) == ("PASS", "")
    assert [found.worst(m) for m in ("noise", "max_abs", "max_rel", "rms", "cosine")] == [0, 0, 0, 0, pytest.approx(1)]


@pytest.mark.parametrize("scale", [2.0**-60, 1.0, 2.0**60])
@pytest.mark.parametrize(("noise", "status"), [(TOLERANCE.noise, "PASS"), (TOLERANCE.noise + 1, "IMPRECISE")])
def test_32_times_the_rounding_is_the_border_of_pass_at_every_scale(noise: float, status: str, scale: float) -> None:
    found = verdict(off_by(noise * EPSILON * scale, scale).astype(np.float32), TRUTH * scale)
    assert found.worst("noise") == noise
    assert found.status == status


def test_the_native_run_sets_the_unit_of_noise_when_it_is_the_greater() -> None:
    actual = off_by(500 * EPSILON).astype(np.float32)
    assert verdict(actual).status == "IMPRECISE"
    found = verdict(actual, native=off_by(100 * EPSILON))
    assert found.status == "PASS"
    assert found.worst("noise") == pytest.approx(5, rel=0.01)
    # A native run that happens to be exact does not make rounding an error.
    assert verdict(off_by(20 * EPSILON).astype(np.float32), native=TRUTH).status == "PASS"


@pytest.mark.parametrize(("part", "status"), [(0.999, "IMPRECISE"), (1.001, "WRONG")])
def test_the_tolerance_is_the_border_of_wrong(part: float, status: str) -> None:
    allowed = TOLERANCE.absolute * 1.0 + TOLERANCE.relative * 1.0
    assert verdict(off_by(part * allowed).astype(np.float32)).status == status


def test_a_zero_among_large_numbers_may_be_off_by_the_absolute_tolerance() -> None:
    truth = np.array([1.0, 0.0])
    assert verdict([1.0, 0.9 * TOLERANCE.absolute], truth).status == "IMPRECISE"
    assert verdict([1.0, 1.1 * TOLERANCE.absolute], truth).status == "WRONG"


def test_one_wrong_value_among_many_is_found_and_counted() -> None:
    truth = np.linspace(-1, 1, 10_001)
    actual = truth.astype(np.float32)
    actual[4321] += 0.5
    found = verdict(actual, truth)
    assert found.status == "WRONG"
    assert "1 of 10001 values are off, by up to 0.5 (scale 1)" in found.message


def test_all_zero_outputs_are_compared_exactly() -> None:
    assert verdict([0.0, 0.0], np.zeros(2)).status == "PASS"
    assert verdict([0.0, 1e-30], np.zeros(2)).status == "WRONG"


def test_metrics_are_what_they_are_called() -> None:
    found = verdict([2.0, 0.0], np.array([1.0, 0.0]))
    assert found.worst("max_abs") == 1
    assert found.worst("max_rel") == 1
    assert found.worst("rms") == pytest.approx(np.sqrt(0.5))
    assert found.worst("cosine") == pytest.approx(1)
    assert found.worst("noise") == pytest.approx(1 / EPSILON)


# -- NaN, infinities, shapes, dtypes ---------------------------------------------------------------------------------

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("actual", "truth", "status", "words"),
    [
        ([1, NAN], [1, NAN], "PASS", ""),
        ([1, NAN], [1, 2], "WRONG", "NaN in 1 places"),
        ([1, 2], [1, NAN], "WRONG", "NaN in 1 places"),
        ([NAN, 1], [1, NAN], "WRONG", "NaN in 2 places"),
        ([INF, 1], [INF, 1], "PASS", ""),
        ([-INF, 1], [INF, 1], "WRONG", "infinities"),
        ([INF, 1], [2, 1], "WRONG", "infinities"),
        ([2, 1], [INF, 1], "WRONG", "infinities"),
        ([INF, 9], [INF, 1], "WRONG", "1 of 1 values are off"),
        ([NAN, INF], [NAN, INF], "PASS", ""),
        ([], [], "PASS", ""),
    ],
)
def test_nan_and_infinity_must_be_where_the_truth_has_them(
    actual: list[float], truth: list[float], status: str, words: str
) -> None:
    found = verdict(actual, np.array(truth, np.float64))
    assert found.status == status
    assert words in found.message


@pytest.mark.parametrize(
    ("shape", "words"),
    [((1, 3), "shape [1, 3], not [3]"), ((2,), "shape [2], not [3]"), ((0,), "shape [0], not [3]"), ((), "shape [], ")],
)
def test_another_shape_is_wrong_even_where_it_would_broadcast(shape: tuple[int, ...], words: str) -> None:
    found = verdict(np.ones(shape, np.float32), np.ones(3))
    assert found.status == "WRONG"
    assert words in found.message


def test_an_empty_output_is_right_only_in_its_shape() -> None:
    assert verdict(np.zeros((0, 3), np.float32), np.zeros((0, 3))).status == "PASS"
    assert verdict(np.zeros((3, 0), np.float32), np.zeros((0, 3))).status == "WRONG"


@pytest.mark.parametrize("dtype", ["float64", "float16", "int32"])
def test_right_values_of_another_dtype_are_wrong_and_said_to_be_right(dtype: str) -> None:
    found = verdict(np.array([1, 2]).astype(dtype), np.array([1.0, 2.0]))
    assert found.status == "WRONG"
    assert f"dtype {dtype}, not float32 (the values are right)" in found.message
    assert found.worst("noise") == 0


def test_wrong_values_of_another_dtype_are_not_said_to_be_right() -> None:
    found = verdict(np.array([1.0, 3.0]), np.array([1.0, 2.0]))
    assert found.message.endswith("dtype float64, not float32")


@pytest.mark.parametrize("actual", [np.array(["1", "2"]), np.array([1, 2], complex), np.array([None, None])])
def test_what_is_no_number_is_wrong(actual: Array) -> None:
    assert verdict(actual, np.array([1.0, 2.0])).status == "WRONG"


@pytest.mark.parametrize(
    ("actual", "dtype", "status"),
    [
        ([3, 4], "int64", "PASS"),
        ([3, 5], "int64", "WRONG"),
        ([True, True], "bool", "PASS"),
        ([True, False], "bool", "WRONG"),
    ],
)
def test_integers_and_booleans_are_compared_exactly(actual: list[Any], dtype: str, status: str) -> None:
    truth = np.array([3, 4]) if dtype == "int64" else np.array([True, True])
    found = verdict(actual, truth, dtype=dtype)
    assert found.status == status
    assert ("1 of 2 values differ" in found.message) == (status == "WRONG")


def test_large_integers_that_differ_by_one_differ() -> None:
    assert verdict([10**6 + 1], np.array([10**6]), dtype="int64").status == "WRONG"


# -- names, and never ending early -----------------------------------------------------------------------------------


def test_every_output_of_every_input_set_is_named() -> None:
    good = np.ones(2, np.float32)
    truth = {name: np.ones(2) for name in "abcd"}
    actual = [{"a": good + 1, "b": good, "c": good * np.nan, "e": good}, {"a": good, "b": good, "c": good, "d": good}]
    found = compare(actual, [truth, truth], None, dict.fromkeys("abcd", "float32"), [0, 3])
    assert {(m.set, m.output, m.status) for m in found.measures} == {
        *((0, "a", "WRONG"), (0, "b", "PASS"), (0, "c", "WRONG"), (0, "d", "WRONG"), (0, "e", "WRONG")),
        *((3, name, "PASS") for name in "abcd"),
    }
    messages = {m.output: m.message for m in found.measures if m.set == 0}
    assert messages["d"] == "the output is missing"
    assert messages["e"] == "an output that the model does not have"


def test_the_worst_output_speaks_for_all() -> None:
    truth = {"a": np.ones(2), "b": np.ones(2)}
    imprecise = np.ones(2, np.float32) + np.float32(100 * EPSILON)
    found = compare([{"a": np.ones(2, np.float32), "b": imprecise}], [truth], None, dict.fromkeys("ab", "float32"), [1])
    assert found.status == "IMPRECISE"
    assert found.message.startswith("output b, input set 1: error ")


def test_nothing_compared_is_not_right() -> None:
    assert compare([], [], None, {"y": "float32"}, []).status == "WRONG"
    assert compare([{}], [{}], None, {}, [0]).status == "WRONG"


def test_fewer_input_sets_than_planned_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="argument"):
        compare([{"y": TRUTH}], [{"y": TRUTH}] * 2, None, {"y": "float64"}, [0, 1])


@pytest.mark.parametrize("native", [np.ones((1, 3)) * 9, np.ones(4), TRUTH + 0.01, TRUTH * NAN, TRUTH * INF], ids=str)
def test_a_native_run_that_is_wrong_excuses_no_runtime(native: Array) -> None:
    actual = off_by(500 * EPSILON).astype(np.float32)
    assert verdict(actual, native=native).status == "IMPRECISE"
    assert verdict((TRUTH + 0.01).astype(np.float32), native=native).status == "WRONG"


def test_a_native_run_that_lacks_the_output_sets_no_unit() -> None:
    found = compare([{"y": off_by(500 * EPSILON).astype(np.float32)}], [{"y": TRUTH}], [{}], {"y": "float32"}, [0])
    assert found.status == "IMPRECISE"


def test_errors_are_counted_by_their_share_of_the_scale() -> None:
    truth = np.array([2.0, 2.0, 2.0, 2.0, -1.0])
    actual = truth + 2 * np.array([0, 1e-12, 3e-7, 1e-1, 5])
    [measure] = compare([{"y": actual}], [{"y": truth}], None, {"y": "float64"}, [0]).measures
    # none; below 1e-10; from 1e-7; from 0.1; from 1
    assert measure.histogram == [1, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 1]


def test_the_measures_are_data_for_json() -> None:
    found = Comparison("PASS", "", [Measure(0, "y", "PASS", "", 0.0, noise=0.0)])
    assert found.as_data() == [{"set": 0, "output": "y", "status": "PASS", "max_abs": 0.0, "noise": 0.0}]
    assert found.worst("cosine") is None


def test_a_strict_tolerance_is_by_element_and_for_integers_too() -> None:
    strict = Tolerance(2.0**-23, relative=1e-3, absolute=1e-5, clean=0.0, least=1e-7, strict=1e-3)

    def status(actual: list[float], truth: list[float], dtype: str = "float32") -> str:
        arrays = [[{"y": np.array(values, dtype)}] for values in (actual, truth)]
        return compare(arrays[0], arrays[1], None, {"y": dtype}, [0], strict).status

    assert status([1000.9, 0.0], [1000.0, 0.0]) == "PASS"
    assert status([1000.0, 1e-4], [1000.0, 0.0]) == "IMPRECISE"
    assert status([1002.0, 0.0], [1000.0, 0.0]) == "WRONG"
    assert status([2001, 0], [2000, 0], "int64") == "PASS"
    assert status([201, 0], [200, 0], "int64") == "WRONG"


@pytest.mark.parametrize(("dtype", "error", "wanted"), [
    ("float16", 0.004, "PASS"), ("float16", 0.06, "WRONG"), ("bfloat16", 0.02, "PASS"), ("bfloat16", 0.3, "WRONG"),
    ("float64", 1e-9, "IMPRECISE"), ("float64", 1e-4, "WRONG"), ("float64", 1e-15, "PASS"),
])  # fmt: skip
def test_each_dtype_has_its_own_tolerance(dtype: str, error: float, wanted: str) -> None:
    kind = np.dtype(getattr(ml_dtypes, dtype, dtype))
    actual = [{"y": np.array([1.0 + error, 1.0]).astype(kind)}]
    found = compare(actual, [{"y": np.ones(2)}], None, {"y": dtype}, [0], TOLERANCES[dtype])
    assert found.status == wanted


def test_texts_are_equal_or_not() -> None:
    truth = [{"y": np.array(["a", "b"], object)}]
    assert compare([{"y": np.array(["a", "b"])}], truth, None, {"y": "string"}, [0]).status == "PASS"
    assert compare([{"y": np.array(["a", "c"])}], truth, None, {"y": "string"}, [0]).message.endswith("1 texts differ")
    assert compare([{"y": np.array([1.0, 2.0])}], truth, None, {"y": "string"}, [0]).status == "WRONG"


@pytest.mark.parametrize(("error", "wanted"), [(0.02, "PASS"), (0.09, "PASS"), (0.15, "IMPRECISE"), (0.25, "WRONG")])
def test_a_runtime_of_a_quantised_file_may_lose_what_quantising_lost(error: float, wanted: str) -> None:
    quantised, model = np.array([1.0, 0.5], np.float32), np.array([0.9, 0.5])
    actual = [{"y": quantised + np.array([error, 0], np.float32)}]
    found = compare(actual, [{"y": quantised}], [{"y": model}], {"y": "float32"}, [0], TOLERANCES["int8"])
    assert found.status == wanted
