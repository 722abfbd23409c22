"""The reference models by name, and what to make of each: sizes, variants, full width."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from models.net import Graph, Net

#: Lengths of each dynamic axis: the one used at export, then others to run a dynamic file at.
SIZES: dict[str, tuple[int, ...]] = {"batch": (2, 1, 5), "time": (7, 4, 11)}


@dataclass(frozen=True, eq=False)
class ReferenceModel:
    """A network described once for all frameworks."""

    name: str
    family: str
    kind: str
    """"layer", "architecture", or "own": of a source that brings it."""
    describe: Callable[..., None] | None
    default: bool = True
    """Part of the default matrix; else only of `--all`."""
    full: dict[str, Any] = field(default_factory=dict)
    """Arguments of `describe` that give the published widths."""
    sizes: dict[str, tuple[int, ...]] = field(default_factory=lambda: SIZES)
    paper: str = ""
    dynamic: bool = True
    """Whether an input has a dynamic axis, so that there is a dynamic variant."""
    narrow: bool = True
    """Whether it can be told from a wrong one in 16 bits; else its own rounding errors grow beyond the tolerance."""

    def graph(self, sizes: dict[str, int] | None = None, full: bool = False) -> Graph:
        """The layer graph and its weights, described at `sizes` (the export size when not given)."""
        if self.describe is None:
            raise TypeError(f"{self.name} is no layer graph: its source builds it")
        net = Net(self.name, sizes or {axis: lengths[0] for axis, lengths in self.sizes.items()})
        self.describe(net, **(self.full if full else {}))
        return net.graph


MODELS: dict[str, ReferenceModel] = {}


def register(model: ReferenceModel) -> None:
    """Enter a model; two of one name are a mistake of ours."""
    if model.name in MODELS:
        raise ValueError(f"two reference models are called {model.name}")
    MODELS[model.name] = model


def reference_model(
    *,
    family: str,
    paper: str = "",
    full: dict[str, Any] | None = None,
    sizes: dict[str, tuple[int, ...]] | None = None,
    narrow: bool = True,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Enter the decorated description as an architecture, under the function's name with dashes."""

    def enter(describe: Callable[..., None]) -> Callable[..., None]:
        name = describe.__name__.replace("_", "-")
        register(
            ReferenceModel(
                name, family, "architecture", describe, True, full or {}, sizes or SIZES, paper, narrow=narrow
            )
        )
        return describe

    return enter
