"""The page of the method: how scores are computed, with examples from the very matrix that is published."""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt
from pathlib import Path
from typing import Any

import polars as pl

from matrix.blame import RIGHT
from matrix.catalogue import EVALUATOR
from matrix.dataset import Matrix, usual
from matrix.scores import (
    Z,
    cells_of_good_files,
    cells_that_count,
    exports_that_count,
    failed_canaries,
    judged,
    link,
    needed,
    score_list,
    scores,
)

TITLE = "Method"


def view(matrix: Matrix) -> dict[str, Any]:
    """What the template shows: the list, and an example of each kind of score."""
    found, matrix = scores(matrix), usual(matrix)
    exports, cells = needed(matrix)
    files = exports_that_count(judged(exports, cells))
    source = example_source(found["sources"])
    runtime = _example(found["runtimes"], "deployment")
    return {
        "list": score_list(),
        "evaluator": EVALUATOR,
        "source": source
        and {**source, "steps": steps(source["export"], source["tier"]), **_made(files, source["name"])},
        "files": example_files(files),
        "runtime": runtime
        and {**runtime, "waterfall": waterfall(cells, files, failed_canaries(matrix), runtime["name"])},
        "model": next((m for m in found["models"] if 0 < m["interop"]["value"] < 1), None),
        "failed": failed_canaries(matrix),
    }


def data(matrix: Matrix, work: Path | None) -> Iterator[tuple[str, Any]]:
    """Nothing: the page has no script of its own."""
    yield from ()


def example_source(sources: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The source whose export score is computed: no yardstick, not all right, if there is such a one."""
    return _example([row for row in sources if not row["yardstick"]] or sources, "export")


def _example(rows: list[dict[str, Any]], score: str) -> dict[str, Any] | None:
    scored = [row for row in rows if row[score]["value"] is not None]
    return next((row for row in scored if row[score]["right"] < row[score]["of"]), scored[0] if scored else None)


def steps(score: dict[str, Any], tier: int) -> dict[str, Any]:
    """A score step by step: the shares of the families, their mean, the interval, the ONNX score."""
    shares = {family: right / of for family, (right, of) in score["families"].items()}
    mean = sum(shares.values()) / len(shares)
    number = len(shares) ** 2 / sum(1 / of for _, of in score["families"].values())
    middle = (mean + Z**2 / (2 * number)) / (1 + Z**2 / number)
    reach = Z / (1 + Z**2 / number) * sqrt(mean * (1 - mean) / number + Z**2 / (4 * number**2))
    return {
        "shares": shares, "sum": sum(shares.values()), "mean": mean, "number": number, "z": Z, "middle": middle,
        "reach": reach, "low": max(0.0, middle - reach), "high": min(1.0, middle + reach), "onnx": tier * mean,
    }  # fmt: skip


def _made(files: pl.DataFrame, source: str) -> dict[str, Any]:
    """How a source's exports end: how many are on the list, and what became of them."""
    own = files.filter(pl.col("source") == source)
    good, valid = pl.col("good"), pl.col("valid")
    return {
        "exports": own.height,
        "invalid": own.filter(~valid & good.is_not_null()).height,
        "unfaithful": own.filter(valid & ~good.fill_null(value=True)).height,
        "unjudged": own.filter(good.is_null()).height,
        "good": own.filter(good.fill_null(value=False)).height,
    }


def example_files(files: pl.DataFrame) -> list[dict[str, Any]]:
    """One valid file of each kind of evidence, where there is one: how it was judged, and by what."""
    evaluated, good = pl.col("evaluated").fill_null(""), pl.col("good")
    kinds = {
        "The evaluator gets the framework’s numbers": evaluated.is_in(RIGHT),
        "The evaluator gets other numbers, and is outvoted": (evaluated == "WRONG") & good,
        "The evaluator gets other numbers": (evaluated == "WRONG") & ~good,
        "The evaluator gives none, and the runtimes’ majority is right": ~evaluated.is_in([*RIGHT, "WRONG"]) & good,
        "Nobody gets the framework’s numbers": ~evaluated.is_in([*RIGHT, "WRONG"]) & ~good,
        "The evidence is divided, or there is none": good.is_null(),
    }
    found = []
    for told, which in kinds.items():
        rows = files.filter(pl.col("valid") & which.fill_null(value=False))
        # Of many, one on which somebody is wrong tells most.
        for row in rows.sort("wrong", descending=True, maintain_order=True).head(1).to_dicts():
            found.append(
                {**row, "kind": told, "number": rows.height, "cells": link(source=row["source"], model=row["model"])}
            )
    return found


def waterfall(cells: pl.DataFrame, files: pl.DataFrame, failed: dict[str, str], target: str) -> list[tuple[str, int]]:
    """How the cells of a target become those that its score is taken over: what is left after each step."""
    own = cells.filter(pl.col("target") == target)
    run = cells_that_count(own, failed)
    known = files.select("source", "model", "variant", "valid")
    valid = run.join(known, on=["source", "model", "variant"]).filter(pl.col("valid"))
    good = cells_of_good_files(run, files)
    return [
        ("cells on the list", own.height),
        ("with a file to run", own.filter(pl.col("status") != "NOT_EXPORTED").height),
        ("and not NOT_RUN", run.height),
        ("and the file is valid", valid.height),
        ("and the file is faithful, by the evidence of the others", good.height),
        ("and right", good.filter(pl.col("good")).height),
    ]
