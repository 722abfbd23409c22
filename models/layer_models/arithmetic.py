"""Element-wise arithmetic and comparison, with and without broadcasting.

Inputs keep away from the borders of each domain: logarithms and divisors near zero would magnify rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from models.layer_models.base import Spec, ids, layer_model, layer_models, x

_FAMILY = "arithmetic"
_SHAPE = ("batch", 4, 5)
#: Range of the first and second input where normal numbers do not serve.
_RANGES: dict[str, tuple[tuple[float, float], tuple[float, float]]] = {
    "divide": ((0, 0), (0.4, 3.0)),
    "power": ((0.3, 2.5), (-2.0, 3.0)),
}

for _op in ("add", "subtract", "multiply", "divide", "power", "maximum", "minimum"):
    (_low_a, _high_a), (_low_b, _high_b) = _RANGES.get(_op, ((0, 0), (0, 0)))
    _a, _b = {"low": _low_a, "high": _high_a}, {"low": _low_b, "high": _high_b}
    layer_models(_FAMILY, _op, [x(*_SHAPE, **_a), x(*_SHAPE, **_b)], {"": {}})
    layer_models(_FAMILY, _op, [x("batch", 1, 5, **_a), x(4, 1, **_b)], {"broadcast": {}}, default=False)
    layer_models(_FAMILY, _op, [x(5, **_a), x(*_SHAPE, **_b)], {"broadcast-first": {}}, default=False)


def _choose(op: str) -> Callable[..., Any]:
    return lambda net, a, b, c, d: net.where(net.layer(op, a, b), c, d)


def _compared(op: str, *shape: int | str) -> Spec:
    return ids(*shape, high=3) if op == "equal" else x(*shape)


for _op in ("greater", "less", "equal"):
    _pair = [_compared(_op, *_SHAPE), _compared(_op, *_SHAPE)]
    layer_model(_FAMILY, _op, [*_pair, x(*_SHAPE), x(*_SHAPE)], _choose(_op))
    layer_models(_FAMILY, _op, _pair, {"bool-output": {}}, default=False)
    _pair = [_compared(_op, "batch", 1, 5), _compared(_op, 4, 1)]
    layer_models(_FAMILY, _op, _pair, {"broadcast-bool-output": {}}, default=False)

for _op, _low, _high in (
    ("absolute", 0, 0),
    ("negative", 0, 0),
    ("exp", 0, 0),
    ("log", 0.1, 5.0),
    ("sqrt", 0.01, 6.0),
    ("reciprocal", 0.3, 3.0),
    ("sin", -5.0, 5.0),
    ("cos", -5.0, 5.0),
    ("floor", -4.0, 4.0),
    ("ceil", -4.0, 4.0),
    ("sign", 0, 0),
    ("erf", -2.5, 2.5),
):
    layer_models(_FAMILY, _op, [x(*_SHAPE, low=_low, high=_high)], {"": {}})

layer_models(_FAMILY, "affine", [x(*_SHAPE)], {"": {"factor": -1.5, "offset": 0.75}, "factor": {"factor": 2.5}})
layer_models(_FAMILY, "clip", [x(*_SHAPE)], {"": {"low": -0.75, "high": 1.25}})
