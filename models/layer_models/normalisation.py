"""Normalisation layers, on inputs of small variance: there epsilon counts, and a lost one is noticed."""

from models.layer_models.base import layer_models, x

_FAMILY = "normalisation"
_SMALL = {"low": -0.2, "high": 0.3}
_TABLE = x("batch", 12, **_SMALL)
_SEQUENCE = x("batch", "time", 8, **_SMALL)
_IMAGE = x("batch", 6, 5, 4, **_SMALL)
_VOLUME = x("batch", 6, 3, 4, 2, **_SMALL)
_EPSILON = {"epsilon": 1e-2}

layer_models(_FAMILY, "batch_norm", [_IMAGE], {"": {}, "epsilon": _EPSILON})
layer_models(_FAMILY, "batch_norm", [x("batch", 6, 7, **_SMALL)], {"1d": {}}, default=False)
layer_models(_FAMILY, "batch_norm", [_TABLE], {"features": {}}, default=False)
layer_models(_FAMILY, "batch_norm", [_VOLUME], {"3d": {}}, default=False)

layer_models(_FAMILY, "layer_norm", [_SEQUENCE], {"": {}, "epsilon": _EPSILON})
layer_models(_FAMILY, "layer_norm", [_TABLE], {"features": {}}, default=False)
layer_models(_FAMILY, "layer_norm", [_IMAGE], {"2-axes": {"axis": -2}, "3-axes": {"axis": -3}}, default=False)

layer_models(_FAMILY, "instance_norm", [_IMAGE], {"": {}, "epsilon": _EPSILON})
layer_models(_FAMILY, "instance_norm", [x("batch", 6, 7, **_SMALL)], {"1d": {}}, default=False)
layer_models(_FAMILY, "instance_norm", [_VOLUME], {"3d": {}}, default=False)

layer_models(_FAMILY, "group_norm", [_IMAGE], {"": {"groups": 3}, "2-groups": {"groups": 2, "epsilon": 1e-2}})
layer_models(_FAMILY, "group_norm", [x("batch", 6, 7, **_SMALL)], {"1d": {"groups": 2}}, default=False)

layer_models(_FAMILY, "rms_norm", [_SEQUENCE], {"": {}, "epsilon": _EPSILON})

layer_models(
    _FAMILY,
    "local_response_norm",
    [x("batch", 8, 5, 4, low=-3.0, high=3.0)],
    {
        "": {"size": 5},
        "even-size": {"size": 4},
        "bias2": {"size": 3, "alpha": 0.5, "beta": 0.5, "bias": 2.0},
    },
)
