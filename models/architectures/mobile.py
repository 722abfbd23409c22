"""Small convolutional networks, made for devices."""

from __future__ import annotations

from collections.abc import Sequence

from models.architectures.blocks import conv_norm, scaled, square
from models.net import Net, Value
from models.registry import reference_model


def _fire(net: Net, x: Value, squeeze: int, expand: int) -> Value:
    x = net.relu(net.conv2d(x, filters=squeeze, **square(1)))
    return net.concat(*(net.relu(net.conv2d(x, filters=expand, **square(kernel))) for kernel in (1, 3)), axis=1)


@reference_model(
    family="mobile",
    paper="Iandola et al., 2016: SqueezeNet: AlexNet-level accuracy with 50x fewer parameters",
    full={"width": 1.0, "rows": 224, "columns": 224, "classes": 1000},
)
def squeezenet(net: Net, *, width: float = 0.25, rows: int = 64, columns: int = 80, classes: int = 6) -> None:
    """Version 1.0: eight fire modules; a convolution and global pooling instead of linear layers; pools round up.

    Scaled down: a quarter of the channels, 64 x 80 pixels for 224 x 224, 6 classes.
    """
    x = net.input("image", ("batch", 3, rows, columns))
    x = net.relu(net.conv2d(x, filters=scaled(96, width), kernel=(7, 7), stride=(2, 2)))
    for group in (((16, 64), (16, 64), (32, 128)), ((32, 128), (48, 192), (48, 192), (64, 256)), ((64, 256),)):
        x = net.max_pool2d(x, kernel=(3, 3), stride=(2, 2), ceil=True)
        for squeeze, expand in group:
            x = _fire(net, x, scaled(squeeze, width), scaled(expand, width))
    x = net.relu(net.conv2d(net.dropout(x), filters=classes, **square(1)))
    net.output("probabilities", net.softmax(net.global_average_pool(x), axis=-1))


def _relu6(net: Net, x: Value) -> Value:
    return net.clip(x, low=0.0, high=6.0)


def _inverted_residual(net: Net, x: Value, expand: int, filters: int, stride: int) -> Value:
    inner, y = expand * x.shape[1], x
    if expand > 1:
        y = _relu6(net, conv_norm(net, y, inner, 1))
    y = conv_norm(net, _relu6(net, conv_norm(net, y, inner, 3, stride, groups=inner)), filters, 1)
    if stride == 1 and filters == x.shape[1]:
        y = net.add(x, y)
    return y


@reference_model(
    family="mobile",
    paper="Sandler et al., 2018: MobileNetV2: Inverted Residuals and Linear Bottlenecks",
    full={"width": 1.0, "rows": 224, "columns": 224, "classes": 1000},
    narrow=False,
)
def mobilenet_v2(net: Net, *, width: float = 0.25, rows: int = 96, columns: int = 128, classes: int = 10) -> None:
    """Seventeen inverted residual blocks with depthwise convolutions and linear bottlenecks, and ReLU6 (Table 2).

    Scaled down: a quarter of the channels, 96 x 128 pixels for 224 x 224, 10 classes. Returns scores.
    """
    x = net.input("image", ("batch", 3, rows, columns))
    x = _relu6(net, conv_norm(net, x, scaled(32, width), 3, 2))
    for expand, filters, depth, stride in (
        (1, 16, 1, 1),
        (6, 24, 2, 2),
        (6, 32, 3, 2),
        (6, 64, 4, 2),
        (6, 96, 3, 1),
        (6, 160, 3, 2),
        (6, 320, 1, 1),
    ):
        for i in range(depth):
            x = _inverted_residual(net, x, expand, scaled(filters, width), 1 if i else stride)
    x = _relu6(net, conv_norm(net, x, scaled(1280, width), 1))
    net.output("scores", net.linear(net.dropout(net.global_average_pool(x), rate=0.2), units=classes))


def _squeeze_excite(net: Net, x: Value, squeezed: int) -> Value:
    """Each channel times a gate computed from the means of all channels; Hu et al., 2018."""
    channels = x.shape[1]
    gate = net.silu(net.linear(net.global_average_pool(x), units=squeezed))
    gate = net.sigmoid(net.linear(gate, units=channels))
    return net.multiply(x, net.reshape(gate, shape=(0, channels, 1, 1)))


#: Expansion, filters, kernel and stride of each stage; Table 1 of the paper.
_STAGES = (
    (1, 16, 3, 1),
    (6, 24, 3, 2),
    (6, 40, 5, 2),
    (6, 80, 3, 2),
    (6, 112, 5, 1),
    (6, 192, 5, 2),
    (6, 320, 3, 1),
)


def _mbconv(net: Net, x: Value, *, expand: int, filters: int, kernel: int, stride: int) -> Value:
    inner, y = expand * x.shape[1], x
    if expand > 1:
        y = net.silu(conv_norm(net, y, inner, 1))
    y = net.silu(conv_norm(net, y, inner, kernel, stride, groups=inner))
    y = conv_norm(net, _squeeze_excite(net, y, max(4, x.shape[1] // 4)), filters, 1)
    if stride == 1 and filters == x.shape[1]:
        y = net.add(x, y)
    return y


@reference_model(
    family="mobile",
    paper="Tan and Le, 2019: EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks",
    full={"width": 1.0, "depths": (1, 2, 2, 3, 3, 4, 1), "rows": 224, "columns": 224, "classes": 1000},
    sizes={"batch": (6, 1, 4)},
    narrow=False,
)
def efficientnet(
    net: Net,
    *,
    width: float = 0.25,
    depths: Sequence[int] = (1, 2, 1, 2, 1, 2, 1),
    rows: int = 64,
    columns: int = 96,
    classes: int = 10,
) -> None:
    """EfficientNet-B0: seven stages of MBConv blocks with squeeze-and-excitation and SiLU (Table 1).

    Scaled down: a quarter of the channels, 10 blocks for 16, 64 x 96 pixels for 224 x 224, 10 classes.
    Returns scores. The batch is larger than elsewhere: gates and statistics measured on two images suit no others.
    """
    x = net.input("image", ("batch", 3, rows, columns))
    x = net.silu(conv_norm(net, x, scaled(32, width), 3, 2))
    for (expand, filters, kernel, first), depth in zip(_STAGES, depths, strict=True):
        for i in range(depth):
            stride = 1 if i else first
            x = _mbconv(net, x, expand=expand, filters=scaled(filters, width), kernel=kernel, stride=stride)
    x = net.silu(conv_norm(net, x, scaled(1280, width), 1))
    net.output("scores", net.linear(net.dropout(net.global_average_pool(x), rate=0.2), units=classes))
