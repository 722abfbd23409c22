"""What an export, or the outcomes of a cell, amount to: the step from results of workers to statuses."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from matrix.compare import Array, Comparison, compare, is_numeric, tolerance_of
from matrix.jobs import dtype_name, model_file, read_sets
from matrix.process import Job, Result, open_plain
from matrix.records import Record

Outputs = list[dict[str, Array]]
Values = list[dict[str, Any]]


@dataclass(frozen=True)
class Outcome:
    """One run of a cell: how the job ended, its outputs in the model's names and layout, and how they compare."""

    result: Result
    comparison: Comparison | None = None
    outputs: Outputs = field(default_factory=list)

    @property
    def status(self) -> str:
        """PASS only where every output was compared."""
        return self.comparison.status if self.comparison else self.result.status

    @property
    def stage(self) -> str:
        """The stage in which it was decided."""
        return "compare" if self.comparison else self.result.stage

    @property
    def message(self) -> str:
        """Why it is not PASS; or that it was so only at the second try."""
        told = self.comparison.message if self.comparison else self.result.message
        if told or not self.result.attempts:
            return told
        first = self.result.attempts[0]
        return f"at the second try; first {first['status']}, in a process that had done other files before"


def judged(checked: Result, folder: Path, model: Path, sets: list[int], tolerance: str = "") -> Record:
    """What the check and the native run say of an export: its status, and what a runtime needs to know of the file.

    tolerance: of the native run, where it is not that of the file.
    """
    if checked.status != "OK":
        return {"status": checked.status, "stage": "check", "message": checked.message}
    found = dict(checked.value)
    status, message, stage = found.pop("status"), found.pop("message"), "check"
    if status == "PASS":
        try:
            own, truth = read_sets(folder / "native.arrays", sets), read_sets(model_file(model, "truth"), sets)
            native = _compared(own, truth, None, {**found, "tolerance": tolerance or found["tolerance"]}, sets)
        except Exception as error:  # whatever has become of them
            return {**found, "status": "NOT_RUN", "stage": "native", "message": _unreadable(error), "runnable": False}
        # The native run sets the unit of noise, so against epsilon alone it may well be IMPRECISE: that is no fault.
        if native.status == "WRONG":
            status, message, stage = "WRONG", native.message, "native"
        found["native"] = native.as_data()
    return {**found, "status": status, "stage": stage, "message": message}


def native_fault(folder: Path, model: Path, sets: list[int], tolerance: str, usual: str) -> str:
    """What is wrong with the native run of an export that failed behind it; "" where nothing is, or none is there.

    tolerance: of the native run, where it is not the model's own, or the usual one.

    Without it a framework that computes something else than the model would hide behind its exporter's error.
    """
    try:
        reference = json.loads((model / "model.json").read_text())
        outputs = [{"value": o["name"], "wanted": o["dtype"]} for o in reference["outputs"]]
        own, truth = read_sets(folder / "native.arrays", sets), read_sets(model_file(model, "truth"), sets)
        stated = {"outputs": outputs, "tolerance": tolerance or reference.get("tolerance") or usual}
        found = _compared(own, truth, None, stated, sets)
    except Exception:  # whatever has become of them, the export's own failure is told
        return ""
    return found.message if found.status == "WRONG" else ""


def outcome(job: Job, result: Result, export: Record, folder: Path) -> Outcome:
    """Bring a runtime's outputs back to the model's names and layout, and compare them. `folder` is the case's."""
    if result.status != "OK":
        return Outcome(result)
    sets, outputs = job["sets"], {o["name"]: o for o in export["outputs"]}
    try:
        open_plain(Path(job["out"])).close()
        actual = [
            {_own_name(outputs, name): _own_layout(outputs.get(name), value) for name, value in values.items()}
            for values in read_sets(job["out"], sets)
        ]
        native, truth = read_sets(folder / "native.arrays", sets), read_sets(job["truth"], sets)
        if tolerance_of(export).loss:  # what quantising lost is the unit of noise, the same for all who run the file
            native, truth = truth, native
        comparison = _compared(actual, truth, native, export, sets)
    except Exception as error:  # whatever a worker can have put there
        return Outcome(Result("NOT_RUN", "compare", _unreadable(error), worker=result.worker, log=result.log))
    return Outcome(result, comparison, [_leaves(values) for values in actual])


def _compared(actual: Values, truth: Values, native: Values | None, export: Record, sets: list[int]) -> Comparison:
    """Compare the arrays of all outputs, those in sequences and maps too."""
    wanted = {o["value"]: o["wanted"] for o in export["outputs"]}
    found, right = ([_leaves(values) for values in side] for side in (actual, truth))
    dtypes = {leaf: wanted.get(leaf) or dtype_name(array) for arrays in right for leaf, array in arrays.items()}
    own = [_leaves(values) for values in native] if native else None
    return compare(found, right, own, dtypes, sets, tolerance_of(export))


def _leaves(values: dict[str, Any]) -> dict[str, Array]:
    """The arrays in values by their place; that something is empty, or how long it is, is an array too."""
    found: dict[str, Array] = {}
    for name, value in values.items():
        if value is None:
            found[f"{name} is empty"] = np.array(True)
        elif isinstance(value, list | dict):
            pairs = list(value.items()) if isinstance(value, dict) else list(enumerate(value))
            found[f"{name}.length"] = np.array(len(pairs))
            found.update(_leaves({f"{name}[{place!r}]": item for place, item in pairs}))
        else:
            found[name] = value
    return found


def _unreadable(error: Exception) -> str:
    return f"the arrays cannot be read: {type(error).__name__}: {error}"


def _own_name(outputs: dict[str, Any], name: str) -> str:
    return str(outputs[name]["value"]) if name in outputs else name


def _own_layout(output: dict[str, Any] | None, array: Any) -> Any:
    permutation = (output or {}).get("permutation")
    if not permutation or getattr(array, "ndim", 0) != len(permutation):
        return array
    return array.transpose([permutation.index(axis) for axis in range(array.ndim)])


def repeats(outcomes: list[Outcome]) -> Record:
    """How the outcomes of several runs of one cell stand to each other.

    Returns times, statuses (how often each), and spread: the greatest difference of any value between two runs that
    gave outputs, None where fewer than two did, or where they cannot be subtracted.
    """
    given = [o.outputs for o in outcomes if o.outputs]
    spreads = [_difference(given[0], other) for other in given[1:]]
    return {
        "times": len(outcomes),
        "statuses": dict(Counter(o.status for o in outcomes)),
        "spread": max(spreads) if spreads and np.isfinite(spreads).all() else None,
    }


def _difference(first: Outputs, second: Outputs) -> float:
    """The greatest difference of any value; infinity where names, shapes or NaN patterns differ."""
    greatest = 0.0
    for a, b in zip(first, second, strict=True):
        if a.keys() != b.keys() or any(a[n].shape != b[n].shape or not is_numeric(a[n]) for n in a):
            return float("inf")
        for name in a:
            x, y = a[name].astype(np.float64), b[name].astype(np.float64)
            if not np.array_equal(np.isfinite(x), np.isfinite(y)):
                return float("inf")
            known = np.isfinite(x)
            greatest = max(greatest, float(np.abs(x - y)[known].max(initial=0.0)))
    return greatest
