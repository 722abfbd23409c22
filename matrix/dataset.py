"""A matrix as data: every export and every cell in columns, and what there is to know of where they were made.

In a folder it is about.json, exports.parquet and cells.parquet; matrix.json has the same in one file, for whoever reads
JSON, but for the measures of each output.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import metadata
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from matrix.blame import blame
from matrix.catalogue import SOURCES, TARGETS, Source, Target, literal
from matrix.errors import UserError
from matrix.expect import NOTHING, Expectations
from matrix.names import age, tool_of
from matrix.plan import Plan
from matrix.records import Journal, Record
from matrix.text import headline, printable
from models.catalogue import all_models

if TYPE_CHECKING:
    from matrix.diff import Differences

# polars takes SIGINT for itself, in a way that lets a thread which waits for a lock sleep on: Ctrl-C would end no run.
signal.siginterrupt(signal.SIGINT, True)

SCHEMA = 2
_BATCH = 20_000
_MESSAGE_LENGTH = 300
_WHAT = {"source": pl.String, "model": pl.String, "variant": pl.String, "opset": pl.Int32}
_HOW = {"status": pl.String, "stage": pl.String, "blame": pl.String, "message": pl.String}
_WHERE = {
    "full": pl.Boolean, "sha256": pl.String, "run": pl.String, "environment": pl.String, "fence": pl.String,
    "log": pl.String,
}  # fmt: skip
MEASURE = pl.Struct(
    {
        "set": pl.Int32, "output": pl.String, "status": pl.String, "message": pl.String, "max_abs": pl.Float64,
        "max_rel": pl.Float64, "rms": pl.Float64, "cosine": pl.Float64, "noise": pl.Float64,
        "histogram": pl.List(pl.Int64),
    }
)  # fmt: skip
EXPORTS: dict[str, Any] = {
    **_WHAT, **_HOW, "seconds": pl.Float64, "emitted_opset": pl.Int32, "bytes": pl.Int64,
    "operators": pl.List(pl.String), **_WHERE, "folder": pl.String, "key": pl.String,
}  # fmt: skip
CELLS: dict[str, Any] = {
    **_WHAT, "target": pl.String, **_HOW, "noise": pl.Float64, "max_abs": pl.Float64, "max_rel": pl.Float64,
    "seconds": pl.Float64, "load_seconds": pl.Float64, "run_seconds": pl.Float64, "peak_mb": pl.Int32,
    "expected": pl.String, "spread": pl.Float64, **_WHERE, "device": pl.String, "measures": pl.List(MEASURE),
}  # fmt: skip
#: What matrix.json and matrix.csv leave to the Parquet files.
NESTED = ("measures", "folder", "key")


@dataclass(frozen=True, eq=False)
class Matrix:
    """What a run, or several, made; equal to itself only, so that what was computed of it can be kept."""

    about: dict[str, Any]
    """schema, run, generated, suite, and by name or key: sources, targets, models, runs, environments, canaries."""
    exports: pl.DataFrame
    cells: pl.DataFrame
    since: Differences | None = None
    """What changed since a matrix that was published before, if it is to be told."""
    history: tuple[Matrix, ...] = ()
    """Matrices of earlier runs, the oldest first, if they are to be told of."""


# -- versions --------------------------------------------------------------------------------------------------------


def marked(matrix: Matrix, end: str) -> list[dict[str, Any]]:
    """The sources or the targets (`end`: "source", "target") of a matrix, each with whether it is the `usual` version.

    Of the versions of a tool that is the one with the most cells, the newest of several. The others were given fewer
    files, to be compared with it on these; to be ranked or counted among the rest would tell nothing.
    """
    entries, given = matrix.about[f"{end}s"], dict(matrix.cells.group_by(end).len().rows())
    most: dict[str, str] = {}
    for name in sorted((entry["name"] for entry in entries), key=lambda name: (given.get(name, 0), age(name))):
        most[tool_of(name)] = name
    return [{**entry, "usual": most[tool_of(entry["name"])] == entry["name"]} for entry in entries]


@lru_cache(maxsize=1)
def usual(matrix: Matrix) -> Matrix:
    """What of a matrix is of the usual version of each source and of each target; itself, where that is all."""
    kept = {end: [entry["name"] for entry in marked(matrix, end) if entry["usual"]] for end in ("source", "target")}
    if all(len(kept[end]) == len(matrix.about[f"{end}s"]) for end in kept):
        return matrix
    own = {f"{end}s": [e for e in matrix.about[f"{end}s"] if e["name"] in names] for end, names in kept.items()}
    exports, cells = (frame.filter(pl.col("source").is_in(kept["source"])) for frame in (matrix.exports, matrix.cells))
    cells = cells.filter(pl.col("target").is_in(kept["target"]))
    return replace(matrix, about={**matrix.about, **own}, exports=exports, cells=cells)


# -- from the journal ------------------------------------------------------------------------------------------------


def of_plan(plan: Plan, journal: Journal, run: str = "", expectations: Expectations = NOTHING) -> Matrix:
    """What is recorded of a plan, in its order."""
    wanted: dict[str, list[str]] = {export.key: [] for export in plan.exports}
    for cell in plan.cells:
        wanted[cell.export.key].append(cell.key)
    # Those of a plan need not be in the tables.
    sources = {**SOURCES, **{e.source.name: e.source for e in plan.exports}}
    targets = {**TARGETS, **{c.target.name: c.target for c in plan.cells}}
    return collect(journal, wanted, run, expectations, sources, targets)


def recorded(journal: Journal) -> dict[str, list[str]]:
    """The keys of all exports in a journal, each with those of its cells."""
    wanted: dict[str, list[str]] = {key: [] for key in journal.keys("export")}
    for key in journal.keys("cell"):
        if (export := key.rpartition("/")[0]) in wanted:
            wanted[export].append(key)
    return wanted


def collect(
    journal: Journal,
    wanted: Mapping[str, Sequence[str]],
    run: str = "",
    expectations: Expectations = NOTHING,
    sources: Mapping[str, Source] = SOURCES,
    targets: Mapping[str, Target] = TARGETS,
) -> Matrix:
    """The records of these exports and of their cells, as far as there are any, with blame laid."""
    of_file = recorded(journal)
    exports = {key: record for key in wanted if (record := journal.get("export", key))}

    def cells() -> Iterator[dict[str, Any]]:
        for key, export in exports.items():
            known = {own: found for own in of_file[key] if (found := journal.get("cell", own))}
            for own in wanted[key]:
                if record := known.get(own):
                    siblings = [r for r in known.values() if r.get("sha256") == record.get("sha256")]
                    expected = expectations.verdict(own, record["status"]).word
                    yield _cell({**record, "blame": blame(record, export, siblings), "expected": expected})

    frames = _frame(map(_export, exports.values()), EXPORTS), _frame(cells(), CELLS)
    return Matrix(_about(journal, *frames, run, sources, targets), *frames)


def _frame(rows: Iterable[dict[str, Any]], schema: dict[str, Any]) -> pl.DataFrame:
    """Rows as columns, a batch at a time: a million rows as Python objects would take gigabytes."""
    rows = iter(rows)
    parts = [pl.DataFrame(part, schema=schema) for part in iter(lambda: list(islice(rows, _BATCH)), [])]
    return pl.concat(parts) if parts else pl.DataFrame(schema=schema)


def _row(record: Record, schema: dict[str, Any]) -> dict[str, Any]:
    row = {name: record.get(name) for name in schema}
    row["seconds"] = round(sum((record.get("seconds") or {}).values()), 4)
    row["message"] = printable(headline(record.get("message") or ""), _MESSAGE_LENGTH)
    row["full"] = bool(record.get("full"))
    return row


def _export(record: Record) -> dict[str, Any]:
    return _row(record, EXPORTS)


def _cell(record: Record) -> dict[str, Any]:
    row, seconds, device = _row(record, CELLS), record.get("seconds") or {}, record.get("device")
    row["load_seconds"], row["run_seconds"] = seconds.get("load"), seconds.get("run")
    row["spread"] = (record.get("repeats") or {}).get("spread")
    row["device"] = None if device is None else printable(json.dumps(device), _MESSAGE_LENGTH)
    return row


def _about(
    journal: Journal,
    exports: pl.DataFrame,
    cells: pl.DataFrame,
    run: str,
    sources: Mapping[str, Source],
    targets: Mapping[str, Target],
) -> dict[str, Any]:
    """What there is to know beside the rows. `journal` knows the runs, the environments, and the canaries."""
    made_in = dict(exports.select("source", "environment").drop_nulls().rows())
    made_in |= dict(cells.select("target", "environment").drop_nulls().rows())
    packages = {name: (journal.get("environment", lock) or {}).get("packages", {}) for name, lock in made_in.items()}
    both = pl.concat([frame.select("run", "environment") for frame in (exports, cells)])
    return {
        "schema": SCHEMA,
        "run": run,
        "generated": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "suite": metadata.version("onnx-interop"),
        "sources": [_source(name, sources, packages) for name in _each(exports, "source")],
        "targets": [_target(name, targets, packages) for name in _each(cells, "target")],
        "models": _models(exports, sources),
        "runs": _made_by("run", both, journal),
        "environments": _made_by("environment", both, journal),
        "canaries": {
            name: {key: record[key] for key in ("status", "message")}
            for name in _each(cells, "target")
            if (record := journal.get("canary", name))
        },
    }


def _each(frame: pl.DataFrame, column: str) -> list[str]:
    """The values of a column, each once, in the order in which they are first met."""
    return frame[column].drop_nulls().unique(maintain_order=True).to_list()


def _source(name: str, sources: Mapping[str, Source], packages: Mapping[str, dict[str, str]]) -> dict[str, Any]:
    own, _, environment = name.partition("@")
    source = sources.get(own)  # none where another version of the suite made the records
    return {
        "name": name,
        "framework": source.framework if source else own,
        "exporter": source.exporter if source else own.rpartition(".")[2],
        "environment": environment,
        "tier": source.tier if source else 0,
        "packages": _named(source, packages.get(name, {})),
        "layers": {
            kind: len(literal(source.path, table)) if source else 0
            for kind, table in (("native", "LAYERS"), ("composed", "COMPOSED"))
        },
    }


def _target(name: str, targets: Mapping[str, Target], packages: Mapping[str, dict[str, str]]) -> dict[str, Any]:
    own, _, environment = name.partition("@")
    target = targets.get(own)
    return {
        "name": name,
        "runtime": target.runtime if target else own,
        "environment": environment,
        "packages": _named(target, packages.get(name, {})),
    }


def _named(item: Source | Target | None, packages: Mapping[str, str]) -> dict[str, str]:
    """Versions of the packages that the module names as its own."""
    wanted = [name.lower().replace("_", "-") for name in literal(item.path, "PACKAGES")] if item else []
    return {name: packages[name] for name in wanted if name in packages}


def _models(exports: pl.DataFrame, sources: Mapping[str, Source]) -> list[dict[str, Any]]:
    """The models in the order in which they are first met, each with its variants."""
    variants: dict[str, dict[str, None]] = defaultdict(dict)
    families: dict[str, str] = {}
    for model, variant, source in exports.select("model", "variant", "source").rows():
        variants[model][variant] = None
        own = sources.get(source.partition("@")[0])
        families[model] = own.family if own and own.family else ""
    known = all_models()
    return [
        {
            "name": name,
            "family": families[name] or (known[name].family if name in known else ""),
            "kind": "own" if families[name] or name not in known else known[name].kind,
            "variants": list(variants[name]),
        }
        for name in variants
    ]


def _made_by(kind: str, rows: pl.DataFrame, journal: Journal) -> dict[str, Any]:
    """The runs, or the environments, that made these rows: what each was, without the user's own command line."""
    hidden = ("schema", "kind", "key", "arguments")
    known = {key: journal.get(kind, key) or {} for key in _each(rows, kind)}
    return {key: {k: v for k, v in record.items() if k not in hidden} for key, record in known.items()}


# -- in files --------------------------------------------------------------------------------------------------------


def write(matrix: Matrix, folder: Path) -> None:
    """about.json, exports.parquet and cells.parquet, each whole or not at all."""
    write_whole(folder / "about.json", [json.dumps(matrix.about, indent=1)])
    for name in ("exports", "cells"):
        write_frame(getattr(matrix, name), folder / f"{name}.parquet")


def write_frame(frame: pl.DataFrame, path: Path, level: int = 9) -> None:
    """A Parquet file that is there whole, or as it was; `level` of its compression, up to 22."""
    scratch = path.with_name(path.name + ".new")
    frame.write_parquet(scratch, compression="zstd", compression_level=level)
    os.replace(scratch, path)


def write_json(matrix: Matrix, path: Path) -> None:
    """All of it in one JSON file, but for the measures."""
    write_whole(path, _json_parts(matrix))


def _json_parts(matrix: Matrix) -> Iterator[str]:
    yield json.dumps(matrix.about, separators=(",", ":"))[:-1]
    for name, frame in (("exports", matrix.exports), ("cells", matrix.cells)):
        yield f',"{name}":['
        for place, part in enumerate(frame.drop(NESTED, strict=False).iter_slices(_BATCH)):
            yield ("," if place else "") + part.write_json()[1:-1]
        yield "]"
    yield "}"


def write_whole(path: Path, parts: Iterable[str]) -> None:
    """A text file that is there whole, or as it was."""
    scratch = path.with_name(path.name + ".new")
    with scratch.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(parts)
    os.replace(scratch, path)


def read(place: Path, measures: bool = True) -> Matrix:
    """A published matrix: its folder, or a matrix.json. `measures` False: NESTED is left null. Raises UserError."""
    try:
        if (place / "about.json").exists():
            about = _known_schema(json.loads((place / "about.json").read_text(encoding="utf-8")), place)
            frames = [
                _read_parquet(place / f"{name}.parquet", schema, measures)
                for name, schema in (("exports", EXPORTS), ("cells", CELLS))
            ]
        else:
            place = place / "matrix.json" if place.is_dir() else place
            about = _known_schema(json.loads(place.read_text(encoding="utf-8")), place)
            rows = [about.pop(name, []) for name in ("exports", "cells")]
            frames = [_read_rows(own, schema) for own, schema in zip(rows, (EXPORTS, CELLS), strict=True)]
        return Matrix({**about, "targets": [{**t, "name": t["name"]} for t in about["targets"]]}, frames[0], frames[1])
    except OSError as error:
        raise UserError(f"no matrix in {place}: {error.strerror} (make one with onnx-interop run)") from None
    except (ValueError, KeyError, TypeError, AttributeError, pl.exceptions.PolarsError):
        raise UserError(f"{place} is no matrix of this suite") from None


def _read_parquet(path: Path, schema: dict[str, Any], measures: bool) -> pl.DataFrame:
    """The columns of a schema; null where the file, as that of a snapshot, does not have them."""
    there = [n for n in pl.read_parquet_schema(path) if n in schema and (measures or n not in NESTED)]
    frame = pl.read_parquet(path, columns=there)
    return frame.select(
        pl.col(name).cast(kind) if name in there else pl.lit(None, kind).alias(name) for name, kind in schema.items()
    )


def _known_schema(about: dict[str, Any], place: Path) -> dict[str, Any]:
    if about["schema"] != SCHEMA:
        told = f"schema {about['schema']}, not {SCHEMA}: make it again with onnx-interop publish"
        raise UserError(f"{place} has {told}")
    return about


def _read_rows(rows: Iterable[dict[str, Any]], schema: dict[str, Any]) -> pl.DataFrame:
    """Rows of a matrix.json; raises KeyError where one does not say what it is of."""
    needed = [name for name in (*_WHAT, "target", "status") if name in schema and name != "opset"]

    def whole(row: dict[str, Any]) -> dict[str, Any]:
        told = {"message": printable(row.get("message") or ""), **{name: row[name] for name in needed}}
        return {**{name: row.get(name) for name in schema}, **told}

    return _frame(map(whole, rows), schema)
