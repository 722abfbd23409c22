"""Whether a runtime's outputs are the model's: names, shapes, dtypes, NaN pattern, then values. Never ends early.

**noise** is the error against the float64 truth in units of the rounding error that the framework's own run shows,
which is never taken to be less than the dtype's epsilon times the scale of the output.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Tolerance:
    """How far floating-point outputs of one precision may be from the truth: docs/tolerances.md says why.

    |error| <= absolute * scale + relative * |truth| + least, else it is WRONG; scale is the greatest magnitude of
    the truth. PASS, if it is within `noise` roundings and `clean` * scale besides, else IMPRECISE.
    """

    epsilon: float
    relative: float
    absolute: float
    clean: float
    noise: float = 32.0
    """Beyond rounding, an output may be this many times less exact than the native run."""
    least: float = 0.0
    loss: bool = False
    """Quantised: the noise alone counts, of which the unit is what quantising lost. WRONG is beyond twice `noise`."""
    strict: float | None = None
    """Instead of clean and noise: PASS where |error| <= strict * |truth| + least, also of integers."""


TOLERANCES = {
    "float64": Tolerance(2.0**-52, relative=1e-5, absolute=1e-6, clean=1e-10),
    "float32": Tolerance(2.0**-23, relative=1e-3, absolute=1e-5, clean=1e-3),
    "float16": Tolerance(2.0**-10, relative=2e-2, absolute=1e-2, clean=2e-2),
    "bfloat16": Tolerance(2.0**-7, relative=1e-1, absolute=5e-2, clean=1e-1),
    # Runtimes of a quantised file are held against what the quantiser computes from it; epsilon is eight steps of 255,
    # or two of float8.
    "int8": Tolerance(2.0**-5, relative=0.5, absolute=0.35, clean=0.35, noise=1.0, loss=True),
    "int4": Tolerance(2.0**-5, relative=0.5, absolute=0.35, clean=0.35, noise=1.0, loss=True),
    "float8": Tolerance(2.0**-3, relative=0.5, absolute=0.35, clean=0.35, noise=1.0, loss=True),
    # The quantiser against the model itself: more than this is no rounding any more.
    "quantised": Tolerance(2.0**-8, relative=0.5, absolute=0.35, clean=0.25),
}
WORSE = ("PASS", "IMPRECISE", "WRONG")
#: Bounds of the errors that a measure counts, in parts of the scale: below the first, between two, from the last on.
HISTOGRAM = 10.0 ** np.arange(-10, 1)


@dataclass(frozen=True)
class Measure:
    """One output of one input set, compared. Errors are against the truth; scale is its greatest magnitude."""

    set: int
    output: str
    status: str
    message: str = ""
    max_abs: float | None = None
    max_rel: float | None = None
    rms: float | None = None
    cosine: float | None = None
    noise: float | None = None
    histogram: list[int] | None = None
    """How many values have no error, and one within each of HISTOGRAM's ranges."""


@dataclass(frozen=True)
class Comparison:
    """All outputs of all input sets; `status` and `message` are those of the worst."""

    status: str
    message: str = ""
    measures: list[Measure] = field(default_factory=list)

    def worst(self, name: str) -> float | None:
        """The greatest value of one metric, None when no output has it."""
        values = [v for m in self.measures if (v := getattr(m, name)) is not None]
        return max(values, default=None)

    def as_data(self) -> list[dict[str, Any]]:
        """The measures, ready for JSON."""
        return [{k: v for k, v in vars(m).items() if v not in (None, "")} for m in self.measures]


def tolerance_of(record: dict[str, Any]) -> Tolerance:
    """The tolerance that an export's record states: the name of one, or its numbers."""
    stated = record["tolerance"]
    return TOLERANCES[stated] if isinstance(stated, str) else Tolerance(**stated)


def compare(
    actual: list[dict[str, Array]],
    truth: list[dict[str, Array]],
    native: list[dict[str, Array]] | None,
    dtypes: dict[str, str],
    sets: Iterable[int],
    tolerance: Tolerance = TOLERANCES["float32"],
) -> Comparison:
    """Compare every output of every input set with the float64 truth.

    native: the framework's own outputs, which set the unit of noise (None: epsilon alone does).
    dtypes: what each output's dtype must be; its keys are the outputs that must be there, no more and no fewer.
    """
    measures = []
    for which, (number, outputs) in enumerate(zip(sets, actual, strict=True)):
        for name in outputs.keys() - truth[which].keys():
            measures.append(Measure(number, name, "WRONG", "an output that the model does not have"))
        for name, dtype in dtypes.items():
            if name not in truth[which]:  # an item of a sequence that is longer in another input set
                continue
            own = native[which].get(name) if native else None
            measures.append(_measure(number, name, outputs.get(name), truth[which][name], own, dtype, tolerance))
    worst = max(measures, key=lambda m: WORSE.index(m.status), default=None)
    if worst is None:
        return Comparison("WRONG", "nothing was compared")
    told = f"output {worst.output}, input set {worst.set}: {worst.message}" if worst.message else ""
    return Comparison(worst.status, told, measures)


def _measure(
    number: int, name: str, actual: Array | None, truth: Array, own: Array | None, dtype: str, tolerance: Tolerance
) -> Measure:
    if actual is None:
        return Measure(number, name, "WRONG", "the output is missing")
    if actual.shape != truth.shape:
        return Measure(number, name, "WRONG", f"shape {list(actual.shape)}, not {list(truth.shape)}")
    if dtype == "string" and actual.dtype.kind in "OSU":
        different = int((actual != truth).sum())
        return Measure(number, name, "WRONG" if different else "PASS", f"{different} texts differ" if different else "")
    if not is_numeric(actual) or dtype == "string":
        return Measure(number, name, "WRONG", f"dtype {actual.dtype}, not {dtype}")
    values = _values(number, name, actual.astype(np.float64), truth.astype(np.float64), own, dtype, tolerance)
    if str(actual.dtype) != dtype:
        found = f"dtype {actual.dtype}, not {dtype}" + ("" if values.status == "WRONG" else " (the values are right)")
        return Measure(number, name, "WRONG", found, *_metrics_of(values))
    return values


def is_numeric(array: Array) -> bool:
    """Whether an array holds numbers or truth values, of a dtype of NumPy's own or of ml_dtypes'."""
    return array.dtype.kind in "fiub" or array.dtype.isbuiltin == 2


def _metrics_of(m: Measure) -> tuple[Any, ...]:
    return m.max_abs, m.max_rel, m.rms, m.cosine, m.noise, m.histogram


def _histogram(error: Array, scale: float) -> list[int]:
    """HISTOGRAM's counts of these errors."""
    parts = error[error > 0] / (scale or 1.0)
    counts = np.bincount(np.searchsorted(HISTOGRAM, parts, side="right"), minlength=len(HISTOGRAM) + 1)
    return [error.size - parts.size, *counts.tolist()]


def _values(
    number: int, name: str, actual: Array, truth: Array, own: Array | None, dtype: str, tolerance: Tolerance
) -> Measure:
    finite = np.isfinite(truth)
    if not np.array_equal(np.isnan(actual), np.isnan(truth)):
        strange = int((np.isnan(actual) != np.isnan(truth)).sum())
        return Measure(number, name, "WRONG", f"NaN in {strange} places where the truth has a number, or the reverse")
    if not np.array_equal(actual[~finite], truth[~finite], equal_nan=True) or not np.isfinite(actual[finite]).all():
        return Measure(number, name, "WRONG", "infinities are not where the truth has them")
    actual, truth = actual[finite], truth[finite]
    if truth.size == 0:
        return Measure(number, name, "PASS", "", 0.0, 0.0, 0.0, 1.0, 0.0)
    error = np.abs(actual - truth)
    scale = float(np.abs(truth).max())
    unit = tolerance.epsilon * scale
    if own is not None and own.shape == finite.shape:
        unit = max(unit, _rounding(own[finite].astype(np.float64), truth, scale, tolerance))
    greatest = float(error.max())
    noise = greatest / unit if unit else (0.0 if greatest == 0 else float("inf"))
    with np.errstate(over="ignore"):  # numbers near the end of float64 have no norm
        norm = float(np.linalg.norm(actual) * np.linalg.norm(truth))
        metrics = (
            greatest,
            float((error / np.maximum(np.abs(truth), max(tolerance.absolute * scale, 1e-30))).max()),
            float(np.sqrt(np.mean(error**2))),
            float(np.dot(actual, truth) / norm) if 0 < norm < np.inf else 1.0,
            min(noise, 1e30),
            _histogram(error, scale),
        )
    status, message = _verdict(error, truth, scale, noise, dtype, tolerance)
    return Measure(number, name, status, message, *metrics)


def _rounding(own: Array, truth: Array, scale: float, tolerance: Tolerance) -> float:
    """The greatest error of the native run; 0 where it is wrong, since that is no rounding that others may have too."""
    error = np.abs(own - truth)
    if tolerance.loss:
        return float(error.max())
    return 0.0 if _beyond(error, truth, scale, tolerance).any() else float(error.max())


def _beyond(error: Array, truth: Array, scale: float, tolerance: Tolerance) -> Array:
    """Where the error is more than the tolerance."""
    found: Array = ~(error <= tolerance.absolute * scale + tolerance.relative * np.abs(truth) + tolerance.least)
    return found


def _verdict(
    error: Array, truth: Array, scale: float, noise: float, dtype: str, tolerance: Tolerance
) -> tuple[str, str]:
    strict = 0.0 if tolerance.strict is None else tolerance.strict * np.abs(truth) + tolerance.least
    different = int((~(error <= strict)).sum())
    if not different:
        return "PASS", ""
    if "float" not in dtype:
        return "WRONG", f"{different} of {error.size} values differ"
    if tolerance.loss:
        status = "WRONG" if noise > 2 * tolerance.noise else "IMPRECISE" if noise > tolerance.noise else "PASS"
        return status, "" if status == "PASS" else f"error {error.max():.2g} is {noise:.1f} times what quantising lost"
    # However inexact the native run is.
    if tolerance.strict is None and noise <= tolerance.noise and error.max() <= tolerance.clean * scale:
        return "PASS", ""
    beyond = _beyond(error, truth, scale, tolerance)
    if not beyond.any():
        return "IMPRECISE", f"error {error.max():.2g} is {noise:.0f} times the rounding of the native run"
    return (
        "WRONG",
        f"{int(beyond.sum())} of {error.size} values are off, by up to {error.max():.3g} (scale {scale:.3g})",
    )
