"""A compact copy of a published matrix for the repository, and the table of its README that is made of it.

published/about.json, exports.parquet and cells.parquet are what dataset.read takes; left out is what only the work
folder can answer for: measures of each output, folders, logs, and more digits than mean anything.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from matrix.blame import RIGHT
from matrix.catalogue import CANONICAL
from matrix.dataset import CELLS, EXPORTS, Matrix, marked, read, usual, write_frame, write_whole
from matrix.errors import UserError
from matrix.names import age, tool, tool_of, version_of
from matrix.scores import UNSCORED, exports_that_count, judged, on_slice
from matrix.text import markdown

#: Columns that the snapshot has not.
_LEFT_OUT = ("measures", "folder", "key", "log", "fence", "device")
_DIGITS = 4
BEGIN, END = "<!-- made by `onnx-interop publish --snapshot` -->", "<!-- end of what is made -->"
_SILENT, _VIOLENT = ("WRONG",), ("CRASH", "TIMEOUT", "MEMORY")


def write_snapshot(matrix: Matrix, folder: Path) -> None:
    """Write the snapshot, and the table between the marks of the README.md beside the folder, if it has them.

    Raises UserError.
    """
    small = compact(matrix)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / "about.json", [json.dumps(small.about, separators=(",", ":"), sort_keys=True), "\n"])
        for name in ("exports", "cells"):
            write_frame(getattr(small, name), folder / f"{name}.parquet", level=19)
        readme = folder.resolve().parent / "README.md"
        if readme.exists():
            # From what was written: that is what the test compares with.
            write_whole(readme, [with_table(readme.read_text(encoding="utf-8"), table(read(folder)))])
    except OSError as error:
        raise UserError(f"{folder} cannot be written: {error.strerror}") from None


def compact(matrix: Matrix) -> Matrix:
    """The matrix without what a reader of the repository has no use for."""
    about = {**matrix.about, "environments": {k: _of_environment(v) for k, v in matrix.about["environments"].items()}}
    frames = []
    for frame, schema in ((matrix.exports, EXPORTS), (matrix.cells, CELLS)):
        kept = [name for name in schema if name not in _LEFT_OUT]
        rounded = pl.col(pl.Float64).round_sig_figs(_DIGITS).cast(pl.Float32)
        frames.append(frame.select(kept).with_columns(rounded))
    return replace(matrix, about=about, exports=frames[0], cells=frames[1])


def _of_environment(record: dict[str, Any]) -> dict[str, Any]:
    """An environment without its list of packages: those that tell are in `sources` and `targets`."""
    return {key: value for key, value in record.items() if key != "packages"}


def table(matrix: Matrix) -> str:
    """The runtimes, best first, then the exporters, as Markdown; then their other versions, against the usual ones."""
    own = usual(matrix)
    head = (
        f"{matrix.cells.height:,} cells: {_number(matrix, 'source')} × {_number(matrix, 'target')},"
        f" {own.about['generated'][:10]}. Right: PASS or IMPRECISE, of the files that were there to run."
    )
    use = (
        "It is in [published](published): `onnx-interop publish --from published` makes its pages (public/index.html),"
        " `onnx-interop diff published public` compares a run of your own with it."
    )
    runtimes = {
        "right: canonical's files that all have": matrix.cells.filter(tool("source") == CANONICAL),
        "operator cases that all have": matrix.cells.filter(pl.col("model").is_in(_groups(matrix)["operators"])),
    }
    exporters = {"valid and faithful: files that all have": _faithful(matrix)}
    versions = (_versions(matrix, "target", runtimes), _versions(matrix, "source", exporters))
    return "\n\n".join(part for part in (f"{head}\n{use}", _targets(own), _sources(own), *versions) if part)


def _number(matrix: Matrix, end: str) -> str:
    """How many sources or targets there are; and other versions of them."""
    usual_ones = [entry["usual"] for entry in marked(matrix, end)]
    others = usual_ones.count(False)
    return f"{usual_ones.count(True)} {end}s{f' (other versions: {others})' if others else ''}"


def _targets(matrix: Matrix) -> str:
    """The runtimes by what they do with the reference models: not all have been given the other files. Last come those
    that have been given few, since they take seconds over each."""
    lines = [
        "| runtime | right: reference models | operator cases | zoo, classical | imprecise | wrong, silent"
        " | crash, timeout, memory |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    names = [t["name"] for t in matrix.about["targets"]]
    counted = _counted(matrix.cells, "target", names)
    of_group = {
        group: _counted(matrix.cells.filter(pl.col("model").is_in(models)), "target", names)
        for group, models in _groups(matrix).items()
    }
    few = on_slice(matrix)
    for name in sorted(_best_first(of_group["reference"]), key=lambda name: name in few):
        canary = matrix.about["canaries"].get(name, {})
        if canary.get("status", "PASS") != "PASS":
            lines.append(f"| {_shown(name)} | not run: {markdown(canary['message'])} | | | | | |")
            continue
        own = counted[name]
        groups = [found[name] for found in of_group.values()]
        told = [f"{_share(group, RIGHT)} of {_run(group):,}" if _run(group) else "–" for group in groups]
        told += [_share(own, statuses) for statuses in (("IMPRECISE",), _SILENT, _VIOLENT)]
        lines.append(f"| {_shown(name)} | {' | '.join(told)} |")
    return "\n".join(lines)


def _groups(matrix: Matrix) -> dict[str, list[str]]:
    """The models of the suite, ONNX's operator cases, and the others that sources bring themselves."""
    found: dict[str, list[str]] = {"reference": [], "operators": [], "others": []}
    for model in matrix.about["models"]:
        own = "operators" if model["family"] == "operators" else "others"
        found[own if model["kind"] == "own" else "reference"].append(model["name"])
    return found


def _sources(matrix: Matrix) -> str:
    lines = ["| exporter | files asked for | valid and faithful | right, over all runtimes |", "|---|---:|---:|---:|"]
    names = [s["name"] for s in matrix.about["sources"]]
    exported, deployed = (_counted(frame, "source", names) for frame in (_faithful(matrix), matrix.cells))
    for name in _best_first(exported):
        own = exported[name]
        lines.append(f"| {_shown(name)} | {_run(own):,} | {_share(own, RIGHT)} | {_share(deployed[name], RIGHT)} |")
    return "\n".join(lines)


def _faithful(matrix: Matrix) -> pl.DataFrame:
    """The exports; WRONG are those too whose file is valid, and yet says something else than the framework computes."""
    named = (pl.col("opset").fill_null(0), pl.col("full").fill_null(value=False))
    exports, cells = (frame.with_columns(named) for frame in (matrix.exports, matrix.cells))
    files = exports_that_count(judged(exports, cells, ("source", "model", "variant", "opset", "full")))
    unfaithful = pl.col("valid") & ~pl.col("good").fill_null(value=True)
    return files.with_columns(status=pl.when(unfaithful).then(pl.lit("WRONG")).otherwise("status"))


def _versions(matrix: Matrix, end: str, parts: dict[str, pl.DataFrame]) -> str:
    """The tools that have several versions, the usual one first, by what is right of the rows that all of them have."""
    tools: dict[str, list[str]] = {}
    for entry in sorted(marked(matrix, end), key=lambda entry: (entry["usual"], age(entry["name"])), reverse=True):
        tools.setdefault(tool_of(entry["name"]), []).append(entry["name"])
    several = sorted((name, names) for name, names in tools.items() if len(names) > 1)
    if not several:
        return ""
    lines = [f"| versions of a{'n exporter' if end == 'source' else ' runtime'} | {' | '.join(parts)} |"]
    lines.append("|---|" + "---|" * len(parts))
    for name, names in several:
        lines.append(f"| {markdown(name)} | {' | '.join(_compared(rows, end, names) for rows in parts.values())} |")
    return "\n".join(lines)


def _compared(rows: pl.DataFrame, end: str, names: list[str]) -> str:
    """What is right in each version, of the rows that all have; one of which there is none at all is not waited for."""
    what = ("source", "target", "model", "variant", "opset", "full")
    file = [name for name in what if name in rows.columns and name != end]
    run = rows.filter(pl.col(end).is_in(names) & ~pl.col("status").is_in(UNSCORED)).unique([end, *file])
    common = run.filter(pl.len().over(file) == run[end].n_unique())
    counted = _counted(common, end, names)
    told = [f"{version_of(name) or 'host'}: {_share(counted[name], RIGHT)}" for name in names if counted[name]]
    return f"{' · '.join(told)}, of {_run(counted[names[0]]):,}" if told else "–"


def _shown(name: str) -> str:
    """A tool and its version."""
    return markdown(f"{tool_of(name)} {version_of(name)}".strip())


def _counted(rows: pl.DataFrame, by: str, names: list[str]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {name: {} for name in names}
    for name, status, number in rows.group_by(by, "status").len().rows():
        found.setdefault(name, {})[status] = number
    return found


def _run(own: dict[str, int]) -> int:
    return sum(number for status, number in own.items() if status not in ("NOT_EXPORTED", "NOT_RUN"))


def _best_first(counted: dict[str, dict[str, int]]) -> list[str]:
    def share(name: str) -> float:
        own = counted[name]
        return sum(own.get(status, 0) for status in RIGHT) / _run(own) if _run(own) else -1.0

    return sorted(counted, key=lambda name: (-share(name), name))


def _share(own: dict[str, int], statuses: tuple[str, ...]) -> str:
    run, number = _run(own), sum(own.get(status, 0) for status in statuses)
    if not run:
        return "–"
    # One decimal, and never 100 % or 0 % of what is not all or none of them.
    tenths = min(max(round(1000 * number / run), int(number > 0)), 1000 - int(number < run))
    return f"{tenths / 10:.1f} %"


def with_table(readme: str, made: str) -> str:
    """A README with another table between its marks; as it is where it has none."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    return f"{before}{begin}\n{made}\n{end}{after}" if end else readme


def table_in(readme: str) -> str | None:
    """What stands between the marks; None where there are none."""
    _, _, rest = readme.partition(BEGIN)
    made, end, _ = rest.partition(END)
    return made.strip("\n") if end else None
