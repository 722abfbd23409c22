"""Recurrent layers in every direction, stacked, and with either kind of result."""

from __future__ import annotations

from typing import Any

from models.layer_models.base import layer_models, x

_FAMILY = "recurrent"
_SEQUENCE = [x("batch", "time", 5)]
_KINDS: dict[str, dict[str, Any]] = {
    "": {},
    "reverse": {"direction": "reverse"},
    "bidirectional": {"direction": "bidirectional"},
    "stacked": {"layers": 2},
    "stacked-bidirectional": {"layers": 2, "direction": "bidirectional"},
    "last": {"sequence": False},
    "reverse-last": {"direction": "reverse", "sequence": False},
    "bidirectional-last": {"direction": "bidirectional", "sequence": False},
    "stacked-bidirectional-last": {"layers": 2, "direction": "bidirectional", "sequence": False},
}


def _all_kinds(op: str, **extra: dict[str, Any]) -> None:
    layer_models(_FAMILY, op, _SEQUENCE, {key: {"units": 4, **kind} for key, kind in {**_KINDS, **extra}.items()})


_all_kinds("rnn", relu={"activation": "relu"})
_all_kinds("lstm")
_all_kinds("gru")
layer_models(
    _FAMILY,
    "gru",
    _SEQUENCE,
    {
        "": {"units": 4, "reset": "before"},
        "bidirectional": {"units": 4, "reset": "before", "direction": "bidirectional"},
        "stacked-last": {"units": 4, "reset": "before", "layers": 2, "sequence": False},
    },
    name="gru-reset-before",
)
layer_models(_FAMILY, "gru_cell", [x("batch", 5), x("batch", 4)], {"": {"units": 4}})
layer_models(_FAMILY, "lstm_cell", [x("batch", 5), x("batch", 4), x("batch", 4)], {"": {"units": 4}})
