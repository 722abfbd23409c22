"""The page of wrong numbers: what is wrong without a word, whose fault it is, and what nobody explains yet."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from matrix import causes
from matrix.dataset import Matrix
from matrix.expect import cell_key
from matrix.site.cells import NAMES

TITLE = "Wrong numbers"
EXAMPLES = 3
"""As many cells of a cause are named."""
OPEN = 200
"""As many cells without a cause are named."""
FEW = 4
"""As many targets of a cause are named; more are counted."""


def wanted(matrix: Matrix) -> bool:
    """Whether any number is wrong."""
    return bool((matrix.cells["status"] == "WRONG").any())


def view(matrix: Matrix) -> dict[str, Any]:
    """What the template shows: the causes by whose fault they are, those with the most cells first."""
    wrong = matrix.cells.filter(pl.col("status") == "WRONG").select(NAMES)
    found = causes.account(causes.load(), map(cell_key, wrong.iter_rows(named=True)))
    faults: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for cause, keys in sorted(found.laid.items(), key=lambda item: -len(item[1])):
        if keys:
            faults[cause.fault].append(_told(cause, keys))
    return {
        "faults": dict(sorted(faults.items(), key=lambda item: item[0].casefold())),
        "cells": matrix.cells.height,
        "wrong": wrong.height,
        "open": len(found.open),
        "named": found.open[:OPEN],
    }


def _told(cause: causes.Cause, keys: list[str]) -> dict[str, Any]:
    targets = sorted({key.rpartition("/")[2] for key in keys})
    return {
        "what": cause.what[0].upper() + cause.what[1:],
        "script": cause.script,
        "cells": len(keys),
        "where": ", ".join(targets) if len(targets) <= FEW else f"{len(targets)} targets",
        "examples": keys[:: -(-len(keys) // EXAMPLES)],
    }


def data(matrix: Matrix, work: Path | None) -> Iterator[tuple[str, Any]]:
    """None: the page says it all by itself."""
    return iter(())
