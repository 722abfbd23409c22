"""Layers that move, cut, repeat and choose numbers, on every axis."""

from __future__ import annotations

from models.layer_models.base import ids, layer_model, layer_models, x

_FAMILY = "shape"
_CUBE, _IMAGE = x("batch", 4, 6), x("batch", 3, 4, 5)

layer_models(_FAMILY, "flatten", [_IMAGE], {"": {}})
layer_models(
    _FAMILY,
    "reshape",
    [_IMAGE],
    {"": {"shape": (0, -1, 10)}, "merge-batch": {"shape": (-1, 5)}, "split": {"shape": (0, 3, 2, 2, -1)}},
)
layer_models(
    _FAMILY,
    "transpose",
    [_IMAGE],
    {"": {"permutation": (0, 2, 3, 1)}, "batch": {"permutation": (2, 0, 3, 1)}, "last": {"permutation": (0, 1, 3, 2)}},
)
layer_models(_FAMILY, "squeeze", [x("batch", 1, 6)], {"": {"axis": 1}})
layer_models(_FAMILY, "squeeze", [x("batch", 6, 1)], {"last": {"axis": -1}}, default=False)
layer_models(_FAMILY, "unsqueeze", [_CUBE], {"": {"axis": 1}, "last": {"axis": -1}, "axis-2": {"axis": -2}})

layer_models(_FAMILY, "concat", [_CUBE, x("batch", 2, 6), x("batch", 3, 6)], {"": {"axis": 1}})
layer_models(_FAMILY, "concat", [_CUBE, x("batch", 4, 2)], {"last": {"axis": -1}}, default=False)
layer_models(_FAMILY, "concat", [x(2, 3, 4), x(3, 3, 4)], {"axis0": {"axis": 0}}, default=False)
layer_models(_FAMILY, "concat", [x("batch", 2, 3, 4), x("batch", 2, 5, 4)], {"axis-2": {"axis": -2}}, default=False)

layer_models(_FAMILY, "split", [_CUBE], {"": {"axis": 1, "sizes": (2, 2)}, "uneven": {"axis": -1, "sizes": (1, 3, 2)}})
layer_models(_FAMILY, "split", [x(5, 4)], {"axis0": {"axis": 0, "sizes": (2, 3)}}, default=False)

layer_models(
    _FAMILY,
    "slice",
    [x("batch", 6, 7)],
    {
        "": {"axes": (1, 2), "starts": (1, 2), "ends": (5, 6), "steps": (1, 1)},
        "negative-start": {"axes": (-1,), "starts": (-4,), "ends": (-1,), "steps": (1,)},
        "to-the-end": {"axes": (1,), "starts": (2,), "ends": (9223372036854775807,), "steps": (1,)},
        "step2": {"axes": (1, 2), "starts": (0, 1), "ends": (6, 7), "steps": (2, 3)},
        "backward": {"axes": (2,), "starts": (-1,), "ends": (-9223372036854775807,), "steps": (-1,)},
        "backward-step2": {"axes": (1, 2), "starts": (4, 5), "ends": (0, 1), "steps": (-2, -1)},
    },
)

layer_models(
    _FAMILY,
    "pad",
    [x("batch", 3, 6, 7)],
    {
        "": {"pads": (0, 0, 1, 2, 0, 0, 0, 1)},
        "value": {"pads": (0, 1, 0, 1, 0, 0, 1, 0), "value": 1.5},
        "reflect": {"pads": (0, 0, 1, 2, 0, 0, 3, 1), "mode": "reflect"},
        "edge": {"pads": (0, 0, 1, 2, 0, 0, 3, 1), "mode": "edge"},
    },
)
layer_models(
    _FAMILY,
    "pad",
    [x("batch", "time", 4)],
    {"time": {"pads": (0, 2, 0, 0, 1, 0)}},
    default=False,
)

layer_models(_FAMILY, "upsample_nearest", [_IMAGE], {"": {"scale": (2, 2)}, "3x2": {"scale": (3, 2)}})
layer_models(
    _FAMILY,
    "upsample_bilinear",
    [_IMAGE],
    {
        "": {"scale": (2, 2)},
        "3x2": {"scale": (3, 2)},
        "asymmetric": {"scale": (2, 3), "corners": "asymmetric"},
        "align-corners": {"scale": (2, 3), "corners": "align_corners"},
    },
)
layer_models(_FAMILY, "pixel_shuffle", [x("batch", 12, 3, 4)], {"": {"factor": 2}})
layer_models(_FAMILY, "pixel_shuffle", [x("batch", 18, 2, 3)], {"3": {"factor": 3}}, default=False)

layer_models(_FAMILY, "gather", [_CUBE, ids(3, high=4)], {"": {"axis": 1}})
layer_models(_FAMILY, "gather", [_CUBE, ids(2, 3, high=6)], {"last": {"axis": -1}}, default=False)
layer_models(_FAMILY, "gather", [x(9, 5), ids("batch", "time", high=9)], {"axis0": {"axis": 0}}, default=False)

layer_model(
    _FAMILY, "where", [_CUBE, x(1, 6), x("batch", 1, 6), x(4, 1)],
    lambda net, a, b, c, d: net.where(net.greater(a, b), c, d),
)  # fmt: skip
layer_models(
    _FAMILY, "where", [{"shape": ("batch", 4, 1), "dtype": "bool"}, _CUBE, x("batch", 1, 6)], {"bool-input": {}},
    default=False,
)  # fmt: skip

layer_models(_FAMILY, "one_hot", [ids("batch", "time", high=5)], {"": {"depth": 5}})
layer_models(_FAMILY, "top_k", [x("batch", 9)], {"": {"k": 4}})
layer_models(_FAMILY, "top_k", [x("batch", 7, 4)], {"axis1": {"k": 3, "axis": 1}}, default=False)
layer_models(
    _FAMILY,
    "cumulative_sum",
    [x("batch", 6, 5)],
    {
        "": {"axis": 1},
        "last": {"axis": -1},
        "exclusive": {"axis": 1, "exclusive": True},
        "reverse": {"axis": 1, "reverse": True},
        "exclusive-reverse": {"axis": -1, "exclusive": True, "reverse": True},
    },
)
