"""Convolutions and transposed convolutions: images and kernels are not square, so that swapped axes are noticed."""

from models.layer_models.base import layer_models, x

_FAMILY = "convolution"
_SEQUENCE, _IMAGE, _VOLUME = [x("batch", 4, 12)], [x("batch", 4, 10, 8)], [x("batch", 2, 6, 8, 7)]

layer_models(
    _FAMILY,
    "conv2d",
    _IMAGE,
    {
        "": {"filters": 6, "kernel": (3, 5), "pad": (1, 2, 1, 2)},
        "no-pad": {"filters": 6, "kernel": (3, 2)},
        "no-bias": {"filters": 6, "kernel": (3, 3), "pad": (1, 1, 1, 1), "use_bias": False},
        "pointwise": {"filters": 6, "kernel": (1, 1)},
        "asymmetric-pad": {"filters": 6, "kernel": (3, 2), "pad": (2, 0, 1, 1)},
        # What TensorFlow's "same" does with even kernels, and with stride 2 on even sizes: more behind than before.
        "same-even-kernel": {"filters": 6, "kernel": (4, 2), "pad": (1, 0, 2, 1)},
        "stride2": {"filters": 6, "kernel": (3, 3), "stride": (2, 2)},
        "stride2-pad": {"filters": 6, "kernel": (3, 3), "stride": (2, 2), "pad": (1, 1, 1, 1)},
        "stride2-same": {"filters": 6, "kernel": (3, 3), "stride": (2, 2), "pad": (0, 0, 1, 1)},
        "stride2-asymmetric-pad": {"filters": 6, "kernel": (3, 3), "stride": (2, 2), "pad": (2, 1, 0, 2)},
        "stride3x1": {"filters": 6, "kernel": (3, 2), "stride": (3, 1), "pad": (1, 0, 1, 0)},
        "dilated": {"filters": 6, "kernel": (3, 3), "pad": (2, 2, 2, 2), "dilation": (2, 2)},
        "dilated-3x2": {"filters": 6, "kernel": (3, 2), "dilation": (3, 2)},
        "dilated-asymmetric-pad": {"filters": 6, "kernel": (3, 3), "pad": (3, 0, 1, 2), "dilation": (2, 1)},
    },
)

layer_models(
    _FAMILY,
    "conv2d",
    _IMAGE,
    {
        "": {"filters": 6, "kernel": (3, 3), "pad": (1, 1, 1, 1), "groups": 2},
        "stride2-same": {"filters": 6, "kernel": (3, 3), "stride": (2, 2), "pad": (0, 0, 1, 1), "groups": 2},
        "dilated": {"filters": 8, "kernel": (3, 2), "pad": (2, 1, 2, 1), "dilation": (2, 2), "groups": 2},
    },
    name="grouped-conv2d",
)

layer_models(
    _FAMILY,
    "conv2d",
    _IMAGE,
    {
        "": {"filters": 4, "kernel": (3, 5), "pad": (1, 2, 1, 2), "groups": 4},
        "multiplier2": {"filters": 8, "kernel": (3, 3), "pad": (1, 1, 1, 1), "groups": 4},
        "stride2": {"filters": 4, "kernel": (3, 3), "stride": (2, 2), "pad": (1, 1, 1, 1), "groups": 4},
        "stride2-same": {"filters": 4, "kernel": (3, 3), "stride": (2, 2), "pad": (0, 0, 1, 1), "groups": 4},
        "dilated": {"filters": 4, "kernel": (3, 3), "pad": (2, 2, 2, 2), "dilation": (2, 2), "groups": 4},
        "no-bias": {"filters": 4, "kernel": (3, 3), "pad": (1, 1, 1, 1), "groups": 4, "use_bias": False},
    },
    name="depthwise-conv2d",
)

layer_models(
    _FAMILY,
    "conv1d",
    _SEQUENCE,
    {
        "": {"filters": 6, "kernel": (3,), "pad": (1, 1)},
        "no-pad": {"filters": 6, "kernel": (4,)},
        "stride2-same": {"filters": 6, "kernel": (3,), "stride": (2,), "pad": (0, 1)},
        "stride2-pad": {"filters": 6, "kernel": (3,), "stride": (2,), "pad": (1, 1)},
        "causal": {"filters": 6, "kernel": (3,), "pad": (4, 0), "dilation": (2,)},
        "dilated": {"filters": 6, "kernel": (3,), "pad": (2, 2), "dilation": (2,)},
        "grouped": {"filters": 6, "kernel": (3,), "pad": (1, 1), "groups": 2},
        "depthwise": {"filters": 4, "kernel": (3,), "pad": (1, 1), "groups": 4},
    },
)

layer_models(
    _FAMILY,
    "conv3d",
    _VOLUME,
    {
        "": {"filters": 3, "kernel": (3, 1, 3), "pad": (1, 0, 1, 1, 0, 1)},
        "no-pad": {"filters": 3, "kernel": (2, 3, 1)},
        "stride2": {"filters": 3, "kernel": (3, 3, 3), "stride": (2, 2, 2), "pad": (1, 1, 1, 1, 1, 1)},
        "stride2-same": {"filters": 3, "kernel": (3, 3, 3), "stride": (2, 2, 2), "pad": (0, 0, 1, 1, 1, 1)},
        "stride1x2x3": {"filters": 3, "kernel": (2, 3, 2), "stride": (1, 2, 3)},
        "asymmetric-pad": {"filters": 3, "kernel": (2, 3, 2), "pad": (1, 0, 2, 0, 1, 1)},
        "dilated": {"filters": 3, "kernel": (2, 3, 2), "pad": (0, 2, 1, 0, 2, 1), "dilation": (2, 2, 3)},
        "grouped": {"filters": 4, "kernel": (3, 3, 3), "pad": (1, 1, 1, 1, 1, 1), "groups": 2},
    },
)

layer_models(
    _FAMILY,
    "conv_transpose2d",
    [x("batch", 4, 5, 4)],
    {
        "": {"filters": 6, "kernel": (3, 4), "stride": (2, 2), "pad": (1, 1, 1, 1)},
        "stride1": {"filters": 6, "kernel": (3, 2)},
        "stride2": {"filters": 6, "kernel": (2, 2), "stride": (2, 2)},
        "stride3x2": {"filters": 6, "kernel": (2, 3), "stride": (3, 2)},
        "output-pad": {
            "filters": 6, "kernel": (3, 3), "stride": (2, 2), "pad": (1, 1, 1, 1), "output_pad": (1, 1)
        },
        "output-pad-1x0": {
            "filters": 6, "kernel": (3, 3), "stride": (2, 2), "pad": (1, 1, 1, 1), "output_pad": (1, 0)
        },
        # What TensorFlow's "same" does with stride 2: the cells beyond twice the size are cut behind.
        "same": {"filters": 6, "kernel": (3, 3), "stride": (2, 2), "pad": (0, 0, 1, 1)},
        "asymmetric-pad": {"filters": 6, "kernel": (4, 3), "stride": (2, 1), "pad": (2, 0, 1, 1)},
        "dilated": {"filters": 6, "kernel": (3, 2), "stride": (2, 1), "pad": (1, 0, 1, 0), "dilation": (2, 3)},
        "grouped": {"filters": 6, "kernel": (3, 3), "stride": (2, 2), "pad": (1, 1, 1, 1), "groups": 2},
        "depthwise": {"filters": 4, "kernel": (3, 3), "stride": (2, 2), "groups": 4},
        "no-bias": {"filters": 6, "kernel": (2, 3), "stride": (2, 2), "use_bias": False},
    },
)  # fmt: skip

layer_models(
    _FAMILY,
    "conv_transpose1d",
    [x("batch", 4, 6)],
    {
        "": {"filters": 5, "kernel": (4,), "stride": (2,), "pad": (1, 1)},
        "stride1": {"filters": 5, "kernel": (3,)},
        "output-pad": {"filters": 5, "kernel": (3,), "stride": (2,), "pad": (1, 1), "output_pad": (1,)},
        "asymmetric-pad": {"filters": 5, "kernel": (4,), "stride": (3,), "pad": (2, 0)},
        "dilated": {"filters": 5, "kernel": (3,), "stride": (2,), "dilation": (2,)},
        "grouped": {"filters": 6, "kernel": (3,), "stride": (2,), "groups": 2},
    },
)

layer_models(
    _FAMILY,
    "conv_transpose3d",
    [x("batch", 2, 3, 4, 3)],
    {
        "": {"filters": 3, "kernel": (2, 3, 3), "stride": (2, 2, 2), "pad": (0, 1, 1, 0, 1, 1)},
        "stride1": {"filters": 3, "kernel": (2, 1, 3)},
        "output-pad": {
            "filters": 3, "kernel": (3, 3, 3), "stride": (2, 2, 2), "pad": (1,) * 6, "output_pad": (1, 0, 1)
        },
        "grouped": {"filters": 4, "kernel": (2, 2, 3), "stride": (2, 1, 2), "groups": 2},
    },
)  # fmt: skip
