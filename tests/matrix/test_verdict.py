"""What outcomes amount to: repeats side by side, exports whose arrays cannot be read, a second try."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from matrix.compare import Comparison
from matrix.jobs import write_sets
from matrix.process import Result
from matrix.verdict import Outcome, judged, outcome, repeats

OK = Result("OK", "compare")


def gave(*values: Any, dtype: Any = np.float32, name: str = "y") -> Outcome:
    return Outcome(OK, Comparison("PASS"), [{name: np.array(values, dtype)}])


@pytest.mark.parametrize(
    ("outcomes", "spread"),
    [
        ([gave(1, 2), gave(1, 2), gave(1, 2)], 0.0),
        ([gave(1, 2), gave(1, 2.5), gave(0.75, 2)], 0.5),
        ([gave(np.nan, 2), gave(np.nan, 3)], 1.0),
        ([gave(np.inf, 2), gave(1, 2)], None),
        ([gave(1, 2), gave(1)], None),
        ([gave(1, 2), gave(1, 2, name="z")], None),
        ([gave("a", dtype=str), gave("b", dtype=str)], None),
        ([gave(), gave()], 0.0),
        ([gave(1), Outcome(Result("CRASH", "run"))], None),
        ([gave(1)], None),
    ],
)
def test_the_greatest_difference_between_repeats_is_measured(outcomes: list[Outcome], spread: float | None) -> None:
    found = repeats(outcomes)
    assert (found["times"], found["spread"]) == (len(outcomes), spread)
    assert sum(found["statuses"].values()) == len(outcomes)


def test_what_passed_at_the_second_try_says_so() -> None:
    first = {"status": "CRASH", "stage": "run", "message": "killed by SIGSEGV", "fresh": False}
    found = Outcome(Result("OK", "compare", attempts=[first]), Comparison("PASS"))
    assert found.message == "at the second try; first CRASH, in a process that had done other files before"


def test_outputs_are_brought_back_to_the_models_names_and_layout(tmp_path: Path) -> None:
    y = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    write_sets(tmp_path / "out.arrays", [0], [{"Identity:0": y.transpose(1, 2, 0), "stranger": y}])
    for name in ("native", "truth"):
        write_sets(tmp_path / f"{name}.arrays", [0], [{"y": y}])
    output = {"name": "Identity:0", "value": "y", "wanted": "float32", "permutation": [1, 2, 0]}
    export = {"outputs": [output], "tolerance": "float32"}
    job = {"out": str(tmp_path / "out.arrays"), "truth": str(tmp_path / "truth.arrays"), "sets": [0]}
    found = outcome(job, OK, export, tmp_path)
    np.testing.assert_array_equal(found.outputs[0]["y"], y)
    assert (found.status, found.message) == (
        "WRONG",
        "output stranger, input set 0: an output that the model does not have",
    )


def test_an_export_whose_native_outputs_cannot_be_read_is_our_trouble(tmp_path: Path) -> None:
    (tmp_path / "native.arrays").write_bytes(b"no arrays")
    checked = Result("OK", "check", value={"status": "PASS", "message": "", "runnable": True, "outputs": []})
    found = judged(checked, tmp_path, tmp_path, [0])
    assert (found["status"], found["stage"], found["runnable"]) == ("NOT_RUN", "native", False)
    assert found["message"].startswith("the arrays cannot be read: ")


def test_a_check_that_died_is_the_exports_record(tmp_path: Path) -> None:
    found = judged(Result("CRASH", "check", "killed by SIGSEGV"), tmp_path, tmp_path, [0])
    assert found == {"status": "CRASH", "stage": "check", "message": "killed by SIGSEGV"}
