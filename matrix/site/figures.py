"""How figures stand on the pages: shares in percent, ratios, families as axes of a plot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from matrix.site.shown import percent, step


def share_of(right: int, of: int) -> dict[str, Any]:
    """A share as a table shows it: percent, shade, and what it is made of. `of` is not 0."""
    share = right / of
    return {"right": right, "of": of, "percent": percent(share), "step": step(share)}


def by_family(rows: Iterable[Mapping[str, Any]], score: str) -> tuple[list[str], list[dict[str, Any]]]:
    """The families that any row's score has, and for each row its name, its address, and its shares by family."""
    scored = [row for row in rows if row[score]["families"]]
    families = list(dict.fromkeys(family for row in scored for family in row[score]["families"]))
    table = [
        {
            "name": row["name"],
            "cells": row["cells"],
            "shares": {family: share_of(*pair) for family, pair in row[score]["families"].items()},
        }
        for row in scored
    ]
    return families, table


def axes(families: Iterable[str], row: Mapping[str, Any], score: str) -> list[list[Any]]:
    """A row's score as axes of a radar plot: [label, share or None]."""
    known = row[score]["families"]
    return [[name, round(known[name][0] / known[name][1], 4) if name in known else None] for name in families]


def times(ratio: float) -> str:
    """A ratio of times in two digits: 0.71, 1.0, 12, 230."""
    return f"{ratio:.2f}" if ratio < 1 else f"{ratio:.1f}" if ratio < 9.95 else f"{float(f'{ratio:.2g}'):,.0f}"
