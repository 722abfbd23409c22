"""Pooling: windows, padding rules and rounding of sizes."""

from models.layer_models.base import Sets, layer_models, x

_FAMILY = "pooling"
# Maxima mostly below zero, so that padding with zeros (instead of nothing) is noticed.
_BELOW: dict[str, float] = {"low": -3.0, "high": 0.5}
_MAX = {1: [x("batch", 3, 12, **_BELOW)], 2: [x("batch", 3, 10, 8, **_BELOW)], 3: [x("batch", 2, 6, 8, 7, **_BELOW)]}
_MEAN = {1: [x("batch", 3, 12)], 2: [x("batch", 3, 10, 8)], 3: [x("batch", 2, 6, 8, 7)]}

_SETS_2D: Sets = {
    "": {"kernel": (2, 3), "stride": (2, 3)},
    "stride1": {"kernel": (3, 2)},
    "pad": {"kernel": (3, 3), "stride": (2, 2), "pad": (1, 1, 1, 1)},
    "same": {"kernel": (3, 3), "stride": (2, 2), "pad": (0, 0, 1, 1)},
    "asymmetric-pad": {"kernel": (3, 4), "stride": (2, 1), "pad": (1, 0, 0, 2)},
    "ceil": {"kernel": (3, 3), "stride": (2, 2), "ceil": True},
    "ceil-pad": {"kernel": (3, 2), "stride": (2, 3), "pad": (1, 0, 1, 0), "ceil": True},
}
_SETS_1D: Sets = {
    "": {"kernel": (3,), "stride": (2,)},
    "pad": {"kernel": (3,), "stride": (2,), "pad": (1, 1)},
    "same": {"kernel": (3,), "stride": (2,), "pad": (0, 1)},
    "ceil": {"kernel": (3,), "stride": (2,), "ceil": True},
}
_SETS_3D: Sets = {
    "": {"kernel": (2, 3, 2), "stride": (2, 3, 2)},
    "pad": {"kernel": (3, 3, 2), "stride": (2, 2, 1), "pad": (1, 1, 0, 1, 1, 1)},
    "ceil": {"kernel": (3, 2, 2), "stride": (2, 3, 2), "ceil": True},
}

layer_models(
    _FAMILY,
    "max_pool2d",
    _MAX[2],
    {**_SETS_2D, "dilated": {"kernel": (3, 2), "stride": (2, 1), "pad": (1, 1, 1, 1), "dilation": (2, 3)}},
)
layer_models(_FAMILY, "max_pool1d", _MAX[1], {**_SETS_1D, "dilated": {"kernel": (3,), "dilation": (2,)}})
layer_models(_FAMILY, "max_pool3d", _MAX[3], {**_SETS_3D, "dilated": {"kernel": (2, 2, 3), "dilation": (2, 3, 1)}})

layer_models(
    _FAMILY,
    "average_pool2d",
    _MEAN[2],
    {
        **_SETS_2D,
        "count-pad": {"kernel": (3, 3), "stride": (2, 2), "pad": (1, 1, 1, 1), "count_pad": True},
        "count-asymmetric-pad": {"kernel": (3, 4), "stride": (2, 2), "pad": (1, 0, 0, 2), "count_pad": True},
        "count-pad-ceil": {
            "kernel": (3, 3), "stride": (2, 2), "pad": (1, 1, 1, 1), "ceil": True, "count_pad": True
        },
    },
)  # fmt: skip
layer_models(
    _FAMILY,
    "average_pool1d",
    _MEAN[1],
    {**_SETS_1D, "count-pad": {"kernel": (3,), "stride": (2,), "pad": (1, 1), "count_pad": True}},
)
layer_models(
    _FAMILY,
    "average_pool3d",
    _MEAN[3],
    {**_SETS_3D, "count-pad": {"kernel": (3, 3, 2), "stride": (2, 2, 1), "pad": (1,) * 6, "count_pad": True}},
)

layer_models(
    _FAMILY,
    "lp_pool2d",
    _MEAN[2],
    {
        "": {"kernel": (2, 3), "stride": (2, 3)},
        "p3": {"kernel": (3, 2), "p": 3},
        "pad": {"kernel": (3, 3), "stride": (2, 2), "pad": (1, 1, 1, 1)},
        "asymmetric-pad": {"kernel": (3, 3), "stride": (2, 2), "pad": (0, 1, 1, 0)},
    },
)
layer_models(_FAMILY, "lp_pool1d", _MEAN[1], {"": {"kernel": (3,), "stride": (2,)}, "p1": {"kernel": (2,), "p": 1}})
layer_models(
    _FAMILY,
    "lp_pool3d",
    _MEAN[3],
    {"": {"kernel": (2, 3, 2), "stride": (2, 3, 2)}, "p3": {"kernel": (2, 1, 3), "p": 3}},
)

for _op in ("global_average_pool", "global_max_pool", "global_lp_pool"):
    layer_models(_FAMILY, _op, [x("batch", 6, 5, 3)], {"": {}})
    layer_models(_FAMILY, _op, [x("batch", 6, 7)], {"1d": {}}, default=False)
    layer_models(_FAMILY, _op, [x("batch", 6, 3, 4, 2)], {"3d": {}}, default=False)
layer_models(_FAMILY, "global_lp_pool", [x("batch", 6, 5, 3)], {"p3": {"p": 3}}, default=False)

for _op in ("adaptive_average_pool2d", "adaptive_max_pool2d"):
    layer_models(
        _FAMILY,
        _op,
        [x("batch", 3, 10, 8)],
        {"": {"size": (5, 2)}, "uneven": {"size": (3, 5)}, "one": {"size": (1, 1)}},
    )
