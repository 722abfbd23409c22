"""What a person sees of the differences between two matrices, in a terminal."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Column, Table

from matrix.blame import RIGHT
from matrix.diff import KINDS, Differences, key_of
from matrix.text import printable

#: So many of what broke are named, and so many of the rest; --json has all.
NAMED, NAMED_REST = 40, 5


def tell(found: Differences, console: Console) -> None:
    """Print what changed: counts of each kind, then the changes themselves, what broke first."""
    for name, about in (("before", found.before), ("after", found.after)):
        _print(f"{name + ':':7} {about['run'] or 'no run'}, {about['generated']}, suite {about['suite']}", console)
    if found.machines:
        _print(f"times are of different machines: {', '.join(found.machines)}", console)
    table = Table("", Column("exports", justify="right"), Column("cells", justify="right"))
    for kind, counts in found.counts.items():
        table.add_row(KINDS[kind], *(str(counts[part] or "") for part in ("exports", "cells")))
    console.print(table)
    _print(f"{found.compared} exports and cells are in both", console)
    for kind, what in KINDS.items():
        rows, limit = found.of_kind(kind), NAMED if kind == "broken" else NAMED_REST
        if not rows.is_empty():
            _print(f"{what}:", console)
        for row in rows.head(limit).iter_rows(named=True):
            _print(f"  {key_of(row)}: {told(row)}", console)
        if rows.height > limit:
            _print(f"  … and {rows.height - limit} more", console)


def told(row: dict[str, Any]) -> str:
    """A change in words."""
    was, now, more = row["status_before"], row["status_after"], details(row)
    if row["kind"] == "speed":
        return more
    if was is None or now is None or was == now:
        return f"{was or now}{', ' if more else ''}{more}"
    return f"{was} → {now}{'' if more.startswith('in ') else ',' if more else ''}{' ' if more else ''}{more}"


def details(row: dict[str, Any]) -> str:
    """What there is to say of a change beside the two statuses."""
    kind, now = row["kind"], row["status_after"]
    before = next((row[f"{end}_before"] for end in ("target", "source") if row[f"{end}_before"]), "")
    of = f" (before: {before})" if before else ""
    if kind == "speed":
        stage = row["slower"]
        name = "seconds" if stage == "export" else f"{stage}_seconds"
        return (
            f"{stage} {_seconds(row[f'{name}_before'])} → {_seconds(row[f'{name}_after'])}, × {row['factor']:.3g}{of}"
        )
    if kind == "number":
        return f"noise {_number(row['noise_before'])} → {_number(row['noise_after'])}{of}"
    if now is None or now in RIGHT:
        return of.strip()
    blame = f", blame {row['blame_after']}" if row["blame_after"] else ""
    message = f": {row['message_after']}" if row["message_after"] else ""
    return f"in {row['stage_after'] or '?'}{blame}{of}{message}"


def _seconds(value: float | None) -> str:
    return "?" if value is None else f"{value:.3g} s"


def _number(value: float | None) -> str:
    return "?" if value is None else f"{value:.3g}"


def _print(text: str, console: Console) -> None:
    console.print(printable(text), markup=False, highlight=False, soft_wrap=True)
