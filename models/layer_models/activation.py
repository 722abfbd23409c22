"""Activation functions, on inputs that reach both sides of every bend and into saturation."""

from models.layer_models.base import layer_models, x

_FAMILY = "activation"
_WIDE = [x("batch", 4, 6, 5, low=-5.0, high=7.0)]

for _op in (
    "relu", "selu", "silu", "mish", "hard_swish", "softplus", "softsign", "sigmoid", "tanh", "dropout", "prelu",
):  # fmt: skip
    layer_models(_FAMILY, _op, _WIDE, {"": {}})
layer_models(_FAMILY, "prelu", [x("batch", 12, low=-5.0, high=7.0)], {"features": {}}, default=False)
layer_models(_FAMILY, "leaky_relu", _WIDE, {"": {}, "alpha": {"alpha": 0.3}})
layer_models(_FAMILY, "elu", _WIDE, {"": {}, "alpha": {"alpha": 1.7}})
layer_models(_FAMILY, "celu", _WIDE, {"": {}, "alpha": {"alpha": 2.0}})
layer_models(_FAMILY, "gelu", _WIDE, {"": {}, "tanh": {"approximate": "tanh"}})
layer_models(_FAMILY, "hard_sigmoid", _WIDE, {"": {}, "alpha": {"alpha": 0.2, "beta": 0.4}})

for _op in ("softmax", "log_softmax"):
    layer_models(_FAMILY, _op, [x("batch", 10, low=-3.0, high=3.0)], {"": {}})
    layer_models(
        _FAMILY,
        _op,
        [x("batch", 4, 3, 5, low=-3.0, high=3.0)],
        {"channels": {"axis": 1}, "axis2": {"axis": 2}, "axis-2": {"axis": -2}, "last": {"axis": -1}},
        default=False,
    )
    layer_models(_FAMILY, _op, [x(4, 6, low=-3.0, high=3.0)], {"axis0": {"axis": 0}}, default=False)
