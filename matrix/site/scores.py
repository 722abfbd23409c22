"""The page of scores: frameworks, sources, runtimes and models, each score with what it is made of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from matrix.dataset import Matrix, marked
from matrix.scores import scores
from matrix.site.figures import axes, by_family
from models.layers import LAYERS

TITLE = "Scores"


def view(matrix: Matrix) -> dict[str, Any]:
    """What the template shows; the plots are added by the script, from the figures of the same tables."""
    found = scores(matrix)
    sources, source_table = by_family(found["sources"], "export")
    runtimes, runtime_table = by_family(found["runtimes"], "deployment")
    families: dict[str, list[dict[str, Any]]] = {}
    for model in found["models"]:
        families.setdefault(model["family"], []).append(model)
    return {
        "scores": found,
        "others": sum(not entry["usual"] for end in ("source", "target") for entry in marked(matrix, end)),
        "export_families": {"columns": sources, "rows": source_table},
        "runtime_families": {"columns": runtimes, "rows": runtime_table},
        "models": families,
        "layers": len(LAYERS),
        "everywhere": sum(model["interop"]["value"] == 1 for model in found["models"]),
        "nowhere": sum(model["interop"]["value"] == 0 for model in found["models"]),
    }


def data(matrix: Matrix, work: Path | None) -> Iterator[tuple[str, Any]]:
    """The axes of the radar plots."""
    found = scores(matrix)
    families = by_family(found["sources"], "export")[0]
    frameworks = [
        {
            "name": row["name"],
            "told": row["source"],
            "axes": axes(families, row, "export"),
            "layers": [[kind, round(part / row["layers"]["of"], 4)] for kind, part in _layers(row["layers"]).items()],
        }
        for row in found["frameworks"]
        if row["export"]["families"]
    ]
    families = by_family(found["runtimes"], "deployment")[0]
    runtimes = [
        {"name": row["runtime"], "told": row["name"], "axes": axes(families, row, "deployment"), "layers": []}
        for row in found["runtimes"]
        if row["deployment"]["families"]
    ]
    yield "scores", {"frameworks": frameworks, "runtimes": runtimes}


def _layers(layers: dict[str, int]) -> dict[str, int]:
    """The two axes of a framework's layers: those that it has built in, and with those that are composed too."""
    return {"layers built in": layers["native"], "with composed": layers["native"] + layers["composed"]}
