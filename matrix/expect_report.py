"""What a person sees of the expectations: how a run compares with them, and what stands in the files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl
from rich.console import Console
from rich.table import Table

from matrix.expect import DECLARABLE, Expectations, cell_key

#: As many of each kind are named; the page and matrix.json have all.
NAMED = 5


def tell_run(cells: pl.DataFrame, expectations: Expectations, console: Console) -> bool:
    """Print how the cells of a matrix compare with what is known; True when that is a reason to fail."""
    rows = cells.select("source", "model", "variant", "opset", "full", "target", "status", "expected")
    by_word = {word: rows.filter(pl.col("expected") == word) for word in ("new", "unexpected pass", "known")}
    news = {
        kind: [_news(cell, expectations) for cell in by_word[word].iter_rows(named=True)]
        for kind, word in (("new failures", "new"), ("unexpected passes", "unexpected pass"))
    }
    news["that match nothing"] = expectations.unmatched()
    keys = map(cell_key, rows.iter_rows(named=True))
    told = {**news, "questioned": expectations.questioned(date.today(), keys)}
    counts = [f"{by_word['known'].height} known failures", *(f"{len(found)} {kind}" for kind, found in told.items())]
    _print(f"expectations: {', '.join(counts)}", console)
    for kind, found in told.items():
        _tell_some(kind, found, console)
    return any(news.values())


def tell_files(expectations: Expectations, console: Console) -> None:
    """Print what is expected of each target, and which entries want attention."""
    table = Table("target", title="Known failures", title_justify="left")
    counts = {
        target: Counter({status: sum(len(e.cells) for e in own if e.head.status == status) for status in DECLARABLE})
        for target, own in expectations.entries.items()
    }
    shown = [status for status in DECLARABLE if any(counter[status] for counter in counts.values())]
    for name in ("entries", *shown):
        table.add_column(name, justify="right")
    for target, counter in counts.items():
        table.add_row(target, str(len(expectations.entries[target])), *(str(counter[s] or "") for s in shown))
    console.print(table)
    unmatched, questioned = expectations.unmatched(), expectations.questioned(date.today())
    _print(f"{len(unmatched)} that match nothing, {len(questioned)} questioned", console)
    for line in (*unmatched, *questioned):
        _print(f"  {line}", console)


def _news(cell: dict[str, Any], expectations: Expectations) -> str:
    text = expectations.verdict(cell_key(cell), cell["status"]).text
    return f"{cell_key(cell)}: {text or cell['status']}"


def _tell_some(kind: str, found: Sequence[str], console: Console) -> None:
    if found:
        _print(f"{kind}:", console)
    for line in found[:NAMED]:
        _print(f"  {line}", console)
    if len(found) > NAMED:
        _print(f"  … and {len(found) - NAMED} more", console)


def _print(text: str, console: Console) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
