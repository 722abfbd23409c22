"""How a family of layer models is entered: one line per attribute set."""

from __future__ import annotations

from typing import Any

from models.net import Net
from models.registry import SIZES, ReferenceModel, register


def x(*shape: int | str, dtype: str = "float32", high: int = 0) -> dict[str, Any]:
    """An input of that shape; strings are dynamic axes."""
    return {"shape": shape, "dtype": dtype, "high": high}


def layer_models(
    family: str,
    op: str,
    inputs: list[dict[str, Any]],
    sets: dict[str, dict[str, Any]],
    *,
    name: str | None = None,
    sizes: dict[str, tuple[int, ...]] | None = None,
) -> None:
    """Enter one model per attribute set of layer `op`.

    Each is called `name` (the layer's own name when not given), then a dash and the set's key. The first set stands
    in the default matrix.
    """
    for i, (key, attributes) in enumerate(sets.items()):
        label = (name or op).replace("_", "-") + (f"-{key}" if key else "")

        def describe(net: Net, attributes: dict[str, Any] = attributes) -> None:
            values = [net.input(f"x{n}" if n else "x", **spec) for n, spec in enumerate(inputs)]
            results = net.layer(op, *values, **attributes)
            results = results if isinstance(results, tuple) else (results,)
            for n, result in enumerate(results):
                net.output(f"y{n}" if n else "y", result)

        dynamic = any(isinstance(n, str) for spec in inputs for n in spec["shape"])
        register(ReferenceModel(label, family, "layer", describe, i == 0, sizes=sizes or SIZES, dynamic=dynamic))
