"""Reductions over each axis and several, with and without the axis kept."""

from models.layer_models.base import layer_models, x

_FAMILY = "reduction"
# The product of many normal numbers is almost 0.
_RANGES = {"prod": {"low": 0.6, "high": 1.6}}

for _kind in ("sum", "mean", "max", "min", "prod", "l1", "l2", "log_sum_exp"):
    layer_models(
        _FAMILY,
        f"reduce_{_kind}",
        [x("batch", 3, 5, 4, **_RANGES.get(_kind, {}))],
        {
            "": {"axes": (-1,)},
            "channels": {"axes": (1,)},
            "keepdims": {"axes": (2,), "keepdims": True},
            "space": {"axes": (2, 3)},
            "space-keepdims": {"axes": (-2, -1), "keepdims": True},
            "apart": {"axes": (1, -1)},
        },
    )
    layer_models(
        _FAMILY, f"reduce_{_kind}", [x(4, 6, **_RANGES.get(_kind, {}))], {"axis0": {"axes": (0,)}}, default=False
    )

for _op in ("arg_max", "arg_min"):
    layer_models(
        _FAMILY,
        _op,
        [x("batch", 6, 5)],
        {"": {"axis": -1}, "axis1": {"axis": 1}, "keepdims": {"axis": -2, "keepdims": True}},
    )
    layer_models(_FAMILY, _op, [x(5, 6)], {"axis0": {"axis": 0}}, default=False)
