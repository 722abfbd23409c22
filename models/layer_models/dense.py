"""Linear maps, look-up tables and matrix products."""

from __future__ import annotations

from models.layer_models.base import ids, layer_model, layer_models, x

_FAMILY = "dense"
_TABLE, _SEQUENCE, _TOKENS = x("batch", 7), x("batch", "time", 6), ids("batch", "time", high=13)

layer_models(_FAMILY, "linear", [_TABLE], {"": {"units": 5}, "no-bias": {"units": 5, "use_bias": False}})
layer_models(_FAMILY, "linear", [_SEQUENCE], {"sequence": {"units": 4}}, default=False)
layer_model(
    _FAMILY,
    "linear-shared",
    [_TABLE],
    lambda net, v: net.linear(net.relu(net.linear(v, units=7, share="map")), units=7, share="map"),
    default=False,
)
layer_models(_FAMILY, "bilinear", [x("batch", 5), x("batch", 4)], {"": {"units": 6}})
layer_models(_FAMILY, "maxout", [_TABLE], {"": {"units": 5, "pieces": 3}})
layer_models(_FAMILY, "hierarchical_softmax", [_TABLE], {"": {"clusters": 3, "members": 4}})

layer_models(_FAMILY, "embedding", [_TOKENS], {"": {"entries": 13, "size": 6}})
layer_models(_FAMILY, "position_embedding", [_SEQUENCE], {"": {"entries": 16}})
layer_models(_FAMILY, "class_token", [_SEQUENCE], {"": {}})

layer_models(_FAMILY, "matmul", [x("batch", 4, 6), x("batch", 6, 3)], {"": {}})
layer_models(_FAMILY, "matmul", [x("batch", 6), x(6, 4)], {"2d": {}}, default=False)
layer_models(_FAMILY, "matmul", [x("batch", 3, 4, 6), x(6, 5)], {"broadcast": {}}, default=False)
layer_models(_FAMILY, "matmul", [x("batch", 1, 4, 6), x(3, 6, 5)], {"broadcast-both": {}}, default=False)
layer_models(
    _FAMILY, "matmul", [x("batch", 4, 6), x("batch", 3, 6)], {"transpose-b": {"transpose_b": True}}, default=False
)
