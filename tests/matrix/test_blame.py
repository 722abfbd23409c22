"""Whose fault a failing cell is: every constellation of truth, native run, evaluator and runtimes."""

from __future__ import annotations

from typing import Any

import pytest

from matrix.blame import blame, blame_export

GOOD = {"stage": "check", "status": "PASS", "blame": ""}
OFF = {"stage": "native", "status": "WRONG", "blame": "builder"}
REFUSED = {"stage": "build", "status": "UNSUPPORTED", "blame": "framework"}


def laid(status: str, others: dict[str, str], export: dict[str, Any] = GOOD, target: str = "mine@env1") -> str:
    """The blame for a cell of that status, from {target: status} of the other cells of its file."""
    cell = {"target": target, "status": status}
    return blame(cell, export, [cell, *({"target": t, "status": s} for t, s in others.items())])


EVALUATED = "reference@host"


@pytest.mark.parametrize(
    ("status", "others", "whose"),
    [
        # Nothing is wrong, or it is not the cell's fault.
        ("PASS", {EVALUATED: "WRONG"}, ""),
        ("IMPRECISE", {}, ""),
        ("NOT_RUN", {EVALUATED: "PASS"}, "us"),
        # E = S: the file says what it should, so whoever differs is wrong.
        ("WRONG", {EVALUATED: "PASS"}, "runtime"),
        ("WRONG", {EVALUATED: "IMPRECISE"}, "runtime"),
        ("CRASH", {EVALUATED: "PASS", "b@e": "WRONG", "c@e": "WRONG"}, "runtime"),
        # E ≠ S, and nobody runs it right: the exporter wrote another model.
        ("WRONG", {EVALUATED: "WRONG"}, "exporter"),
        ("ERROR", {EVALUATED: "ERROR", "b@e": "ERROR"}, "exporter"),
        ("WRONG", {EVALUATED: "WRONG", "b@e": "NOT_RUN"}, "exporter"),
        # E is not to be had: the vote of the runtimes.
        ("WRONG", {"b@e": "PASS", "c@e": "PASS", "d@e": "WRONG"}, "runtime"),
        ("WRONG", {"b@e": "PASS", "c@e": "WRONG"}, "unknown"),
        ("WRONG", {"b@e": "WRONG", "c@e": "WRONG"}, "exporter"),
        ("WRONG", {"b@e": "NOT_RUN", EVALUATED: "NOT_RUN"}, "unknown"),
        ("WRONG", {"b@e": "WRONG"}, "unknown"),
        ("WRONG", {}, "unknown"),
        # A runtime's own gap is its own, whatever the others do.
        ("UNSUPPORTED", {}, "runtime"),
        ("UNSUPPORTED", {EVALUATED: "WRONG", "b@e": "WRONG"}, "runtime"),
    ],
)
def test_blame_follows_the_evaluator_then_the_vote(status: str, others: dict[str, str], whose: str) -> None:
    assert laid(status, others) == whose


def test_the_builder_is_to_blame_where_the_native_run_is_wrong() -> None:
    assert laid("WRONG", {EVALUATED: "WRONG"}, OFF) == "builder"
    assert laid("PASS", {EVALUATED: "WRONG"}, OFF) == ""


def test_a_file_that_was_not_written_is_the_fault_of_whoever_did_not_write_it() -> None:
    assert laid("NOT_EXPORTED", {}, REFUSED) == "framework"
    assert laid("NOT_EXPORTED", {}, {**REFUSED, "stage": "export", "blame": "exporter"}) == "exporter"


def test_a_cell_is_no_witness_in_its_own_case() -> None:
    assert laid("WRONG", {}, target=EVALUATED) == "unknown"
    assert laid("WRONG", {"b@e": "PASS"}, target=EVALUATED) == "runtime"


@pytest.mark.parametrize(
    ("status", "stage", "whose"),
    [
        ("PASS", "check", ""),
        ("NOT_RUN", "load", "us"),
        ("UNSUPPORTED", "build", "framework"),
        ("ERROR", "native", "builder"),
        ("WRONG", "native", "builder"),
        ("ERROR", "export", "exporter"),
        ("CRASH", "export", "exporter"),
        ("WRONG", "check", "exporter"),
        ("ERROR", "check", "exporter"),
    ],
)
def test_the_blame_for_an_export_follows_its_stage(status: str, stage: str, whose: str) -> None:
    assert blame_export({"status": status, "stage": stage}) == whose


def test_a_file_that_is_not_valid_is_the_exporters_fault_also_where_it_is_refused_politely() -> None:
    refused = {"status": "UNSUPPORTED", "stage": "load", "target": "tvm@x"}
    somebody = {"status": "PASS", "stage": "compare", "target": "opencv@x"}
    invalid = {"status": "ERROR", "stage": "check", "blame": "exporter"}
    assert blame(refused, invalid, [refused, somebody]) == "exporter"
    assert blame(refused, {**invalid, "status": "PASS"}, [refused, somebody]) == "runtime"


def test_a_crash_is_the_runtimes_fault_whatever_the_file_says() -> None:
    assert (
        laid("CRASH", {"reference@host": "ERROR"}, {"stage": "check", "status": "ERROR", "blame": "exporter"})
        == "runtime"
    )
    assert laid("CRASH", {}, OFF) == "runtime"
