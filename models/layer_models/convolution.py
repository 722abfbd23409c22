"""Convolutions and transposed convolutions."""

from models.layer_models.base import layer_models, x

_IMAGE = [x("batch", 4, 9, 7)]

layer_models(
    "convolution",
    "conv2d",
    _IMAGE,
    {
        "": {"filters": 6, "kernel": (3, 2), "pad": (1, 0, 1, 1)},
        "asymmetric-pad": {"filters": 6, "kernel": (3, 2), "pad": (2, 0, 1, 1)},
        "stride2": {"filters": 6, "kernel": (3, 3), "stride": (2, 2), "pad": (1, 1, 1, 1)},
    },
)
