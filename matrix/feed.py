"""An Atom feed of regressions (RFC 4287): one entry for each tool of which something broke, with the cells in it.

The entries of the matrix that is compared with are carried on, so that a reader who looks in seldom misses none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5
from xml.etree import ElementTree

import polars as pl

from matrix.diff import Differences, key_of
from matrix.text import printable

ATOM = "{http://www.w3.org/2005/Atom}"
KEPT = 100
"""So many entries are in the feed, the newest."""
NAMED = 50
"""So many cells are named in an entry."""
ID = f"urn:uuid:{uuid5(NAMESPACE_URL, 'onnx-interop/regressions')}"
_RUN = re.compile(r"(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)-\w+")


@dataclass(frozen=True)
class Entry:
    """One entry of the feed."""

    id: str
    title: str
    updated: str
    link: str
    content: str


def feed(about: dict[str, Any], found: Differences | None, before: Path | None = None) -> dict[str, Any]:
    """What the template of the feed shows. `before`: the feed of the matrix that is compared with, if there is one."""
    news = list(_entries(found)) if found else []
    known = {entry.id: entry for entry in [*news, *(_read(before) if before else ())]}
    entries = sorted(known.values(), key=lambda entry: entry.updated, reverse=True)[:KEPT]
    updated = entries[0].updated if entries else about["generated"]
    page = "diff.html" if found else "index.html"
    return {"page": page, "id": ID, "updated": updated, "suite": about["suite"], "entries": entries}


def _entries(found: Differences) -> Iterable[Entry]:
    """An entry for each source that no longer exports something, and each target that no longer runs something."""
    broken = found.of_kind("broken").with_columns(
        tool=pl.when(pl.col("target") == "").then("source").otherwise("target"), export=pl.col("target") == ""
    )
    for (tool, export), rows in broken.group_by("tool", "export", maintain_order=True):
        yield _entry(str(tool), bool(export), rows, found)


def _entry(tool: str, export: bool, rows: pl.DataFrame, found: Differences) -> Entry:
    what = "export" if export else "cell"
    keys = [key_of(row) for row in rows.iter_rows(named=True)]
    # The same regression has the same id, however often it is published.
    known = sorted(f"{key} {status}" for key, status in zip(keys, rows["status_after"], strict=True))
    lines = [_line(key, row) for key, row in zip(keys[:NAMED], rows.head(NAMED).iter_rows(named=True), strict=True)]
    lines += [f"… and {rows.height - NAMED} more"] if rows.height > NAMED else []
    # As stable as the id: when it was run, not when it was published.
    times = [time for run in rows["run_after"].drop_nulls().unique() if (time := _time(run))]
    return Entry(
        f"urn:uuid:{uuid5(NAMESPACE_URL, chr(10).join(['onnx-interop', tool, *known]))}",
        f"{tool}: {rows.height} {what}{'s' if rows.height > 1 else ''} newly broken",
        max(times, default=found.after["generated"]),
        f"diff.html#kind=broken&{'source' if export else 'target'}={quote(tool, safe='')}",
        "\n".join(lines),
    )


def _line(key: str, row: dict[str, Any]) -> str:
    message = f": {row['message_after']}" if row["message_after"] else ""
    return f"{key}: {row['status_before']} → {row['status_after']} in {row['stage_after'] or '?'}{message}"


def _time(run: str) -> str:
    """When a run began, from its name."""
    match = _RUN.fullmatch(run)
    return "{}-{}-{}T{}:{}:{}Z".format(*match.groups()) if match else ""


def _read(path: Path) -> list[Entry]:
    """The entries of a feed of ours; none where there is no such file, or another one."""
    try:
        text = path.read_text(encoding="utf-8")
        if "<!DOCTYPE" in text:  # ours has none, and one may blow up
            return []
        return [_entry_of(element) for element in ElementTree.fromstring(text).iter(f"{ATOM}entry")]
    except (OSError, ValueError, ElementTree.ParseError):
        return []


def _entry_of(element: ElementTree.Element) -> Entry:
    link = next((link.get("href", "") for link in element.iter(f"{ATOM}link")), "")
    told = {name: printable(element.findtext(f"{ATOM}{name}", ""), 100_000) for name in ("id", "title", "updated")}
    return Entry(**told, link=link, content=printable(element.findtext(f"{ATOM}content", ""), 100_000))
