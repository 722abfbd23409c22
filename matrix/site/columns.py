"""All cells as columns of small numbers, of which a page counts a million; columns.mjs reads them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl

from matrix.dataset import Matrix, marked
from matrix.plan import VARIANTS
from matrix.progress import STATUSES
from matrix.site.packing import packed
from matrix.site.shown import group_of

#: What names a file: `label` is the variant with what else the file was asked to be, as in the keys of cells.
FILE = ("source", "model", "label")
BLAMES = ("", "builder", "framework", "exporter", "runtime", "unknown", "us")
EXPECTED = ("", "known", "new", "unexpected pass")


def label() -> pl.Expr:
    """The variant, "-full" where the model has its published width, and the opset that was asked for."""
    full = pl.when(pl.col("full")).then(pl.lit("-full")).otherwise(pl.lit(""))
    opset = pl.when(pl.col("opset").is_null()).then(pl.lit("")).otherwise(pl.format("-opset{}", "opset"))
    return pl.concat_str("variant", full, opset).alias("label")


def files(matrix: Matrix) -> pl.DataFrame:
    """What each cell may be of: FILE, variant, and the opset that the file has or was to have; each once, in order."""
    columns = (*FILE, "variant", "opset")
    exported = matrix.exports.with_columns(label(), opset=pl.coalesce("emitted_opset", "opset")).select(columns)
    ran = matrix.cells.with_columns(label()).select(columns).unique(FILE, maintain_order=True)
    return pl.concat([exported, ran]).unique(FILE, keep="first", maintain_order=True)


def about(matrix: Matrix) -> dict[str, Any]:
    """What the pages need to know of sources, targets and models."""
    known = {key: matrix.about[key] for key in ("run", "generated", "suite", "canaries")}
    known |= {f"{end}s": marked(matrix, end) for end in ("source", "target")}
    return {**known, "models": [{**model, "group": group_of(model)} for model in matrix.about["models"]]}


def data(matrix: Matrix) -> Iterator[tuple[str, Any]]:
    """The scripts "about", "cells" and "messages", by name."""
    yield "about", about(matrix)
    rows = files(matrix)
    names = {key: [entry["name"] for entry in matrix.about[f"{key}s"]] for key in ("source", "target", "model")}
    labels, opsets = (
        dict(rows.select("label", "variant").unique().sort("label").rows()),
        rows["opset"].drop_nulls().unique().sort().to_list(),
    )
    which = matrix.cells.select("source", "model", label()).join(
        rows.select(FILE).with_row_index("file"), on=list(FILE), how="left", maintain_order="left"
    )
    yield (
        "cells",
        {
            "labels": [labelled(*own) for own in labels.items()],
            "opsets": [None, *opsets],
            "statuses": list(STATUSES),
            "blames": list(BLAMES),
            "expected": list(EXPECTED),
            "files": {
                "source": coded(rows["source"], names["source"]),
                "model": coded(rows["model"], names["model"]),
                "label": coded(rows["label"], list(labels)),
                "opset": coded(rows["opset"], opsets, missing=True),
            },
            "cells": {
                "file": _packed(which["file"].to_numpy(), rows.height),
                "target": coded(matrix.cells["target"], names["target"]),
                "status": coded(matrix.cells["status"], STATUSES),
                "blame": coded(matrix.cells["blame"].fill_null(""), BLAMES),
                "expected": coded(matrix.cells["expected"].fill_null(""), EXPECTED),
            },
        },
    )
    messages = matrix.cells["message"].fill_null("")
    texts = messages.unique(maintain_order=True).to_list()
    yield "messages", {"texts": texts, "of": coded(messages, texts)}


def labelled(name: str, variant: str) -> dict[str, Any]:
    """What a label says: its variant, whether sizes are dynamic, and the precision."""
    way = VARIANTS.get(variant)
    return {
        "name": name,
        "variant": variant,
        "dynamic": bool(way and way.dynamic),
        "precision": way.tolerance if way else variant,
    }


def coded(values: pl.Series, known: Sequence[Any], missing: bool = False) -> dict[str, str]:
    """Values as their places in a list, packed; with `missing`, 0 is none and the places begin at 1."""
    first = int(missing)
    places = {value: place + first for place, value in enumerate(known)}
    found = values.replace_strict(places, default=0, return_dtype=pl.UInt32)
    return _packed(found.to_numpy(), len(places) + first)


def _packed(numbers: np.ndarray[Any, Any], count: int) -> dict[str, str]:
    """Numbers below `count`, in as few bytes as hold them."""
    return packed(numbers, "uint8" if count <= 2**8 else "uint16" if count <= 2**16 else "uint32")
