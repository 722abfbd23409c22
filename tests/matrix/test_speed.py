"""Accuracy and speed, each against a small example computed by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from matrix.dataset import CELLS, EXPORTS, Matrix
from matrix.environments import HOST, Environment
from matrix.speed import against, noise, reference_target, size_mb, speed

USUAL, OTHER = "onnxruntime.all@onnxruntime1.0", "other@other1.0"


def cell(model: str, target: str, status: str = "PASS", **more: Any) -> dict[str, Any]:
    usual = {
        "source": "one@1",
        "variant": "static",
        "noise": 1.0,
        "load_seconds": 1.0,
        "run_seconds": 1.0,
        "peak_mb": 50,
    }
    return {**usual, "model": model, "target": target, "status": status, **more}


def frame(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=CELLS)


def test_quantiles_of_noise() -> None:
    cells = [cell(f"m{place}", OTHER, noise=float(place)) for place in range(101)]
    cells.append(cell("n", OTHER, "IMPRECISE", noise=100.0))
    cells.append(cell("o", OTHER, noise=None))
    found = noise(frame(*cells))[OTHER]
    assert found["quantiles"] == [25.25, 50.5, 75.75, 95.95, 100.0]
    assert (found["of"], found["imprecise"]) == (102, 1)


def test_times_are_geometric_means_of_ratios_on_the_files_of_both() -> None:
    cells = [
        cell("a", USUAL, load_seconds=1.0, run_seconds=2.0), cell("a", OTHER, load_seconds=2.0, run_seconds=1.0),
        cell("b", USUAL, load_seconds=1.0, run_seconds=1.0), cell("b", OTHER, load_seconds=8.0, run_seconds=2.0),
        cell("c", OTHER, load_seconds=100.0, run_seconds=100.0),  # the reference did not run it right
    ]  # fmt: skip
    found = against(frame(*cells), USUAL)[OTHER]
    assert found["of"] == 2
    # √(2 × 8) = 4; quartiles of log 2 and log 8: 2^1.5 and 2^2.5
    assert found["load"] == pytest.approx([4.0, 2.828, 5.657])
    assert found["run"][0] == pytest.approx(1.0)


def test_a_time_too_short_to_be_measured_is_left_out() -> None:
    cells = frame(cell("a", USUAL, run_seconds=0.0), cell("a", OTHER, load_seconds=3.0))
    found = against(cells, USUAL)[OTHER]
    assert (found["load"], found["run"]) == ([3.0, 3.0, 3.0], None)


def test_who_is_closer_is_counted_on_the_files_of_both() -> None:
    noises = {"a": (1.0, 2.0), "b": (2.0, 1.0), "c": (3.0, 1.0), "d": (1.0, 1.005), "e": (0.0, 0.0)}
    cells = [cell(m, t, noise=n) for m, pair in noises.items() for t, n in zip((OTHER, USUAL), pair, strict=True)]
    found = against(frame(*cells), USUAL)[OTHER]
    assert (found["closer"], found["equal"], found["farther"]) == (1, 2, 2)


def test_memory_is_the_median_of_the_files_of_both() -> None:
    cells = [cell(m, OTHER, peak_mb=p) for m, p in (("a", 10), ("b", 20), ("c", 90), ("d", 500))]
    cells += [cell(m, USUAL, peak_mb=p) for m, p in (("a", 1), ("b", 2), ("c", 3))]
    assert against(frame(*cells), USUAL)[OTHER]["peak_mb"] == [20, 2]


def test_the_reference_is_the_usual_one_else_who_runs_most_but_never_the_judge() -> None:
    judge = [cell(m, "reference@host") for m in "abc"]
    assert reference_target(frame(*judge, cell("a", OTHER), cell("b", OTHER), cell("a", USUAL))) == USUAL
    assert reference_target(frame(*judge, cell("a", OTHER), cell("b", OTHER), cell("a", "third@1"))) == OTHER
    assert reference_target(frame(*judge)) == ""


def test_only_right_cells_of_the_list_are_compared() -> None:
    rows = [
        cell("alexnet", USUAL), cell("alexnet", OTHER, noise=7.0), cell("relu", OTHER, "WRONG", noise=1e9),
        cell("of-somebody-else", OTHER, noise=1e9),
    ]  # fmt: skip
    targets = [
        {"name": name, "runtime": "it", "environment": name.partition("@")[2]} for name in (USUAL, OTHER, "third@1")
    ]
    about = {"targets": targets, "sources": [], "canaries": {}}
    found = speed(Matrix(about, pl.DataFrame(schema=EXPORTS), frame(*rows)))
    assert found["reference"] == USUAL
    own = {row["name"]: row for row in found["targets"]}
    assert own[OTHER]["noise"]["quantiles"] == [7.0] * 5
    assert (own["third@1"]["noise"], own["third@1"]["shared"]) == (None, None)


def test_size_is_that_of_tox_ini_or_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert size_mb(Environment("known1.0", "known", size_mb=123)) == {"mb": 123, "measured": False}
    assert size_mb(HOST) is None
    assert size_mb(None) is None
    assert size_mb(Environment("absent1.0", "absent")) is None
    folder = tmp_path / "lib"
    folder.mkdir()
    (folder / "big").write_bytes(bytes(3_000_000))
    (folder / "again").hardlink_to(folder / "big")
    (folder / "loop").symlink_to(tmp_path)
    monkeypatch.setattr(Environment, "folder", tmp_path)
    monkeypatch.setattr(Environment, "installed", True)
    assert size_mb(Environment("measured1.0", "measured")) == {"mb": 3, "measured": True}
