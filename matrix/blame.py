"""Whose fault a failing cell is, from the other cells of the same file (design section 5).

S is the truth, N the framework's own output, E the file evaluated by ONNX's reference evaluator, R the runtime's.
S≠N: the builder. N≠E: the exporter. E≠R: the runtime. Where E cannot be had, or the other runtimes unanimously
contradict it, their vote stands in.
"""

from __future__ import annotations

from collections.abc import Iterable

from matrix.catalogue import EVALUATOR
from matrix.records import Record

RIGHT = ("PASS", "IMPRECISE")


def blame(cell: Record, export: Record, cells_of_file: Iterable[Record]) -> str:
    """ "builder", "exporter", "runtime", "us", "unknown", or "" where nothing is wrong."""
    if cell["status"] in RIGHT:
        return ""
    if cell["status"] == "NOT_RUN":
        return "us"
    if cell["status"] == "NOT_EXPORTED":
        return str(export["blame"]) or "exporter"
    if cell["status"] == "CRASH":
        return "runtime"  # whatever the file says
    if export["stage"] == "native" and export["status"] == "WRONG":
        return "builder"
    if export["stage"] == "check" and export["status"] == "ERROR":
        return "exporter"  # the file is not valid: whoever refuses it is right
    others = [c for c in cells_of_file if c["target"] != cell["target"] and c["status"] != "NOT_RUN"]
    if any(c["status"] in RIGHT for c in others):
        # Somebody runs the same file right, so the file says what it should.
        return "runtime" if _trusted(others) else "unknown"
    if cell["status"] == "UNSUPPORTED":
        return "runtime"
    # Nobody runs it right: with the evaluator among them, the file itself is at fault.
    return "exporter" if len(others) > 1 or _is_evaluated(others) else "unknown"


def _is_evaluated(cells: Iterable[Record]) -> bool:
    return any(c["target"].split("@")[0] == EVALUATOR for c in cells)


def _trusted(others: list[Record]) -> bool:
    """Whether those who run the file right are the evaluator, or outvote those who get other numbers."""
    right = [c for c in others if c["status"] in RIGHT]
    wrong = [c for c in others if c["status"] == "WRONG"]
    return _is_evaluated(right) or len(right) > len(wrong)


def blame_export(record: Record) -> str:
    """Whose fault a failing export is."""
    if record["status"] in RIGHT:
        return ""
    if record["status"] == "NOT_RUN":
        return "us"
    # A layer that the framework lacks is the framework's own gap; another native result is the builder's or its.
    return {"build": "framework", "native": "builder"}.get(record["stage"], "exporter")
