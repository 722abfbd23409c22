"""The page of a cell: all that is known of it, its file to take along, its neighbours."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from matrix import causes
from matrix.blame import RIGHT
from matrix.catalogue import ROOT
from matrix.compare import HISTOGRAM
from matrix.dataset import Matrix
from matrix.expect import cell_key
from matrix.reproduction import of_export, on_target
from matrix.site import columns, pairs
from matrix.site.shown import MEANINGS, OUTSIDE
from matrix.text import printable

TITLE = "Cell"
CASE_BYTES = 512 * 1024
"""Cases whose files are larger than this, together, are not published; the command on the page makes them."""
LOG_CHARACTERS = 3000
"""As much of the end of a log is shown."""
#: What of an export its cells show.
TOLD = (
    *("model", "label", "variant", "opset", "emitted_opset", "full", "status", "stage", "blame", "message", "seconds"),
    *("bytes", "operators", "sha256", "run", "environment"),
)
#: What the key of a cell is made of.
NAMES = ("source", "model", "variant", "opset", "full", "target")
#: Folders of the machine in front of what is the same everywhere.
_PLACES = re.compile(r"(?<![\w.])/(?:[^\s\"':,;()<>]+?/)?(?=(?:\.tox|importers|exporters|(?:site|dist)-packages)/)")
_HOMES = re.compile(r"(?<![\w.])/(?:home|Users)/[^\s/\"':,;()<>]+|(?<![\w./])/root(?=/)")


def view(matrix: Matrix) -> dict[str, Any]:
    """What the script needs to know beside the data."""
    bounds = [f"{bound:.0e}".replace("e-0", "e-").replace("e+00", "") for bound in HISTOGRAM]
    return {
        "bins": ["none", f"< {bounds[0]}", *bounds[:-1], f"≥ {bounds[-1]}"],
        "meanings": MEANINGS,
        "case_kib": CASE_BYTES // 1024,
    }


def data(matrix: Matrix, work: Path | None) -> Iterator[tuple[str, Any]]:
    """environments; exports/S, of a source by its place in about.js; causes/S-T; logs/S-T; the cases as zip files."""
    yield "environments", {**{key: matrix.about[key] for key in ("environments", "runs")}, "logs": work is not None}
    wanted = _with_something_not_right(matrix)
    for place, source in enumerate(matrix.about["sources"]):
        rows = matrix.exports.filter(pl.col("source") == source["name"]).with_columns(columns.label())
        cases: dict[str, str] = {}
        if work:
            for row in rows.filter(pl.col("folder").is_not_null()).to_dicts():
                if (row["source"], row["model"], row["label"]) in wanted and (case := _case(work, row["folder"])):
                    name = cases[f"{row['model']}/{row['label']}"] = f"cases/{place}/{Path(row['folder']).name}.zip"
                    yield name, case
        yield f"exports/{place}", [_told(row, cases, work) for row in rows.to_dicts()]
    yield from _causes(matrix)
    if work:
        for name, rows in pairs.of_pairs(matrix):
            logs = rows.filter(pl.col("log").is_not_null()).select("model", "label", "log").rows()
            yield f"logs/{name}", {f"{model}/{label}": log_end(work, log) for model, label, log in logs}


def _causes(matrix: Matrix) -> Iterator[tuple[str, Any]]:
    """Why the WRONG cells of each pair are wrong, where it is known: [what, whose fault, script] of each cause."""
    known = causes.load()
    wrong = replace(matrix, cells=matrix.cells.filter(pl.col("status") == "WRONG"))
    for name, rows in pairs.of_pairs(wrong):
        cells = rows.select(*NAMES, "label").to_dicts()
        found = {f"{cell['model']}/{cell['label']}": known.of(cell_key(cell)) for cell in cells}
        told = {cell: [[c.what, c.fault, c.script] for c in own] for cell, own in found.items() if own}
        yield f"causes/{name}", told


def _with_something_not_right(matrix: Matrix) -> set[tuple[str, str, str]]:
    failed = matrix.cells.filter(~pl.col("status").is_in([*RIGHT, *OUTSIDE]))
    return set(failed.select("source", "model", columns.label()).unique().rows())


def _told(row: dict[str, Any], cases: dict[str, str], work: Path | None) -> dict[str, Any]:
    """What a cell's page shows of its export."""
    return {
        **{name: row[name] for name in TOLD},
        "case": cases.get(f"{row['model']}/{row['label']}"),
        "log": log_end(work, row["log"]) if work and row["log"] else None,
        # The page puts a target in the place of this one.
        "command": on_target(of_export(row), ""),
    }


def log_end(work: Path, log: str) -> str:
    """The end of a log, fit to be shown and without the folders of the machine; "" where it is not there."""
    path = (work / log).resolve()
    if not path.is_relative_to(work.resolve()) or not path.is_file():
        return ""
    with path.open("rb") as file:
        size = file.seek(0, io.SEEK_END)
        file.seek(max(0, size - 4 * LOG_CHARACTERS))
        text = file.read().decode(errors="replace")
    for folder in (work.resolve(), ROOT):
        text = text.replace(f"{folder}/", "")
    text = _HOMES.sub("~", _PLACES.sub("", text)).strip()
    cut = len(text) > LOG_CHARACTERS or size > 4 * LOG_CHARACTERS
    return printable(("…" if cut else "") + text[-LOG_CHARACTERS:], 4 * LOG_CHARACTERS)


def _case(work: Path, folder: str) -> bytes | None:
    """A case as ONNX lays it out, zipped, the same each time; None where it is not there, or too large."""
    place = (work / folder).resolve()
    if not place.is_relative_to(work.resolve()):
        return None
    files = [path for path in (place / "model.onnx", *sorted(place.glob("test_data_set_*/*.pb"))) if _is_plain(path)]
    if place / "model.onnx" not in files or sum(path.stat().st_size for path in files) > CASE_BYTES:
        return None
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files:
            entry = zipfile.ZipInfo(f"{place.name}/{path.relative_to(place)}")
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())
    return packed.getvalue()


def _is_plain(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()
