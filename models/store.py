"""Writing a reference model for the world outside Python objects: model.json, weights.npz, inputs, truths."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path

import numpy as np

from models.layers.base import Array
from models.net import Graph, evaluate, generator_for, in_precision
from models.registry import ReferenceModel

SCHEMA = 1


def input_set_sizes(model: ReferenceModel, graph: Graph) -> list[dict[str, int]]:
    """Sizes of each input set: twice those of the export (with other numbers), then, for dynamic axes, others."""
    axes = {n: model.sizes[n] for i in graph.inputs for n in i.shape if isinstance(n, str)}
    export = {axis: lengths[0] for axis, lengths in axes.items()}
    others = range(1, max((len(lengths) for lengths in axes.values()), default=1))
    return [export, export, *({axis: lengths[i] for axis, lengths in axes.items()} for i in others)]


def draw_inputs(graph: Graph, which: int, sizes: dict[str, int]) -> dict[str, Array]:
    """Input set number `which` of a model, by input name."""
    return {i.name: i.draw(generator_for(graph.name, i.name, which), sizes, which) for i in graph.inputs}


def write_model(model: ReferenceModel, folder: Path, full: bool = False, precision: str = "float32") -> Path:
    """Write `model` below `folder` into a directory named by its content, and return that directory.

    Holds model.json, weights.npz, inputs.npz, truth.npz (float64) and rounded.npz (the same graph, rounded to
    `precision` behind each layer); number 2 of input `x` is called "2/x" in there. Numbers of 16 bits lie there as
    float32. The directory appears whole or not at all.
    """
    graph = in_precision(model.graph(full=full), precision)
    folder.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=folder))
    try:
        _write(model, graph, scratch, precision)
        place = folder / f"{model.name}-{_digest(scratch)[:16]}"
        shutil.rmtree(place, ignore_errors=True)  # it may be damaged
        os.replace(scratch, place)
        return place
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _write(model: ReferenceModel, graph: Graph, folder: Path, precision: str) -> None:
    sets = input_set_sizes(model, graph)
    np.savez(folder / "weights.npz", **graph.weights)  # type: ignore[arg-type]
    dtypes: dict[str, str] = {}
    files: dict[str, dict[str, Array]] = {"inputs": {}, "truth": {}, "rounded": {}}
    for which, sizes in enumerate(sets):
        inputs = draw_inputs(graph, which, sizes)
        rounded = evaluate(graph, inputs, precision)
        dtypes = {name: precision if a.dtype.kind == "f" else str(a.dtype) for name, a in rounded.items()}
        for file, arrays in (("inputs", inputs), ("truth", evaluate(graph, inputs)), ("rounded", rounded)):
            files[file].update({f"{which}/{name}": array for name, array in arrays.items()})
    for file, arrays in files.items():
        np.savez(folder / f"{file}.npz", **arrays)  # type: ignore[arg-type]
    description = {
        "schema": SCHEMA,
        "name": model.name,
        "family": model.family,
        "kind": model.kind,
        # What the shifts were for lies in inputs.npz.
        "inputs": [{k: v for k, v in asdict(i).items() if k != "shifts"} for i in graph.inputs],
        "outputs": [{"name": name, "value": value, "dtype": dtypes[name]} for name, value in graph.outputs],
        "nodes": [asdict(node) for node in graph.nodes],
        "input_sets": sets,
    }
    (folder / "model.json").write_text(json.dumps(description, indent=1))


def _digest(folder: Path) -> str:
    """SHA-256 over the numbers and the description (npz files carry times, so they are not hashed as they lie)."""
    digest = hashlib.sha256((folder / "model.json").read_bytes())
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as arrays:
            for name in arrays.files:
                digest.update(name.encode() + str(arrays[name].dtype).encode() + arrays[name].tobytes())
    return digest.hexdigest()
