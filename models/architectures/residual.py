"""Convolutional networks whose layers see more than the one before: residual and dense connections."""

from __future__ import annotations

from collections.abc import Sequence

from models.architectures.blocks import classify, conv_norm, square
from models.net import Net, Value
from models.registry import reference_model


def _stem(net: Net, rows: int, columns: int, filters: int) -> Value:
    x: Value = net.input("image", ("batch", 3, rows, columns))
    return net.max_pool2d(net.relu(conv_norm(net, x, filters, 7, 2)), **square(3, 2))


def _basic_block(net: Net, x: Value, filters: int, stride: int) -> Value:
    y = conv_norm(net, net.relu(conv_norm(net, x, filters, 3, stride)), filters, 3)
    if x.shape[1] != filters:
        x = conv_norm(net, x, filters, 1, stride)
    return net.relu(net.add(y, x))


@reference_model(
    family="convnet",
    paper="He, Zhang, Ren and Sun, 2016: Deep Residual Learning for Image Recognition",
    full={"width": 64, "rows": 224, "columns": 224, "classes": 1000},
)
def resnet_18(net: Net, *, width: int = 8, rows: int = 64, columns: int = 96, classes: int = 10) -> None:
    """Eight basic blocks in four stages, projections where the size changes.

    Scaled down: an eighth of the channels, 64 x 96 pixels for 224 x 224, 10 classes.
    """
    x = _stem(net, rows, columns, width)
    for stage in range(4):
        for block in range(2):
            x = _basic_block(net, x, width * 2**stage, 2 if stage and not block else 1)
    classify(net, net.global_average_pool(x), classes)


def _norm_conv(net: Net, x: Value, filters: int, kernel: int) -> Value:
    return net.conv2d(net.relu(net.batch_norm(x)), filters=filters, use_bias=False, **square(kernel))


@reference_model(
    family="convnet",
    paper="Huang, Liu, van der Maaten and Weinberger, 2017: Densely Connected Convolutional Networks",
    full={"growth": 32, "blocks": (6, 12, 24, 16), "rows": 224, "columns": 224, "classes": 1000},
)
def densenet(
    net: Net,
    *,
    growth: int = 6,
    blocks: Sequence[int] = (2, 3, 4, 3),
    rows: int = 64,
    columns: int = 96,
    classes: int = 10,
) -> None:
    """DenseNet-BC: dense blocks of bottlenecks, each layer fed by all before it, parted by halving transitions.

    Scaled down from DenseNet-121: growth 6 for 32, 2 + 3 + 4 + 3 layers for 6 + 12 + 24 + 16, 64 x 96 pixels for
    224 x 224, 10 classes.
    """
    x = _stem(net, rows, columns, 2 * growth)
    for i, depth in enumerate(blocks):
        if i:
            x = net.average_pool2d(_norm_conv(net, x, x.shape[1] // 2, 1), kernel=(2, 2), stride=(2, 2))
        for _ in range(depth):
            x = net.concat(x, _norm_conv(net, _norm_conv(net, x, 4 * growth, 1), growth, 3), axis=1)
    classify(net, net.global_average_pool(net.relu(net.batch_norm(x))), classes)
