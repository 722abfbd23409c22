"""How a family of layer models is entered: one line per attribute set."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from models.net import Net
from models.registry import SIZES, ReferenceModel, register

Sizes = dict[str, tuple[int, ...]]
Spec = dict[str, Any]
#: What a model is called after its layer -> attributes.
Sets = dict[str, dict[str, Any]]


def x(*shape: int | str, low: float = 0, high: float = 0) -> Spec:
    """A float32 input of that shape; strings are dynamic axes. Normal numbers, or even ones from low to high."""
    return {"shape": shape, "dtype": "float32", "high": high, "low": low}


def ids(*shape: int | str, high: int) -> Spec:
    """An int64 input with numbers from 0 to high - 1."""
    return {"shape": shape, "dtype": "int64", "high": high}


def layer_models(
    family: str,
    op: str,
    inputs: list[Spec],
    sets: Sets,
    *,
    name: str | None = None,
    default: bool = True,
    sizes: Sizes | None = None,
) -> None:
    """Enter one model per attribute set of layer `op`.

    Each is called `name` (the layer's own name when not given), then a dash and the set's key. With `default` the
    first set stands in the default matrix.
    """

    def apply(attributes: dict[str, Any]) -> Callable[..., Any]:
        return lambda net, *values: net.layer(op, *values, **attributes)

    for i, (key, attributes) in enumerate(sets.items()):
        label = (name or op).replace("_", "-") + (f"-{key}" if key else "")
        layer_model(family, label, inputs, apply(attributes), default=default and i == 0, sizes=sizes)


def layer_model(
    family: str,
    name: str,
    inputs: list[Spec],
    compute: Callable[..., Any],
    *,
    default: bool = True,
    sizes: Sizes | None = None,
) -> None:
    """Enter a model that returns what `compute(net, *inputs)` does, one value or several."""

    def describe(net: Net) -> None:
        results = compute(net, *(net.input(f"x{n}" if n else "x", **spec) for n, spec in enumerate(inputs)))
        for n, result in enumerate(results if isinstance(results, tuple) else (results,)):
            net.output(f"y{n}" if n else "y", result)

    dynamic = any(isinstance(length, str) for spec in inputs for length in spec["shape"])
    register(ReferenceModel(name, family, "layer", describe, default, sizes=sizes or SIZES, dynamic=dynamic))
