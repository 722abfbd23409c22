"""Convolutional networks for images, before residual connections."""

from __future__ import annotations

from models.architectures.blocks import classify, scaled, square
from models.net import Net, Value
from models.registry import reference_model


@reference_model(
    family="convnet",
    paper="Krizhevsky, Sutskever and Hinton, 2012: ImageNet Classification with Deep Convolutional Neural Networks",
    full={"width": 1.0, "image": 224, "hidden": 4096, "classes": 1000},
)
def alexnet(net: Net, *, width: float = 0.125, image: int = 96, hidden: int = 64, classes: int = 10) -> None:
    """Five convolutions (three of them in two groups), response normalisation, overlapping pools, three linear layers.

    Scaled down: an eighth of the channels, 96 x 112 pixels for 224 x 224, 64 hidden units for 4096, 10 classes.
    The response normalisation takes a larger alpha than the paper's 1e-4, so that it is noticed.
    """
    x = net.input("image", ("batch", 3, image, image + 16))
    x = net.relu(net.conv2d(x, filters=scaled(96, width), kernel=(11, 11), stride=(4, 4), pad=(2, 2, 2, 2)))
    x = net.max_pool2d(net.local_response_norm(x, size=5), kernel=(3, 3), stride=(2, 2))
    x = net.relu(net.conv2d(x, filters=scaled(256, width), groups=2, **square(5)))
    x = net.max_pool2d(net.local_response_norm(x, size=5), kernel=(3, 3), stride=(2, 2))
    for filters, groups in ((384, 1), (384, 2), (256, 2)):
        x = net.relu(net.conv2d(x, filters=scaled(filters, width), groups=groups, **square(3)))
    x = net.flatten(net.max_pool2d(x, kernel=(3, 3), stride=(2, 2)))
    for _ in range(2):
        x = net.relu(net.linear(net.dropout(x), units=hidden))
    classify(net, x, classes)


@reference_model(
    family="convnet",
    paper="Simonyan and Zisserman, 2015: Very Deep Convolutional Networks for Large-Scale Image Recognition",
    full={"width": 64, "rows": 224, "columns": 224, "hidden": 4096, "classes": 1000},
)
def oxfordnet(
    net: Net, *, width: int = 8, rows: int = 64, columns: int = 96, hidden: int = 64, classes: int = 10
) -> None:
    """VGG-16, configuration D: thirteen 3 x 3 convolutions in five pooled groups, three linear layers.

    Scaled down: an eighth of the channels, 64 x 96 pixels for 224 x 224, 64 hidden units for 4096, 10 classes.
    """
    x = net.input("image", ("batch", 3, rows, columns))
    for factor, depth in ((1, 2), (2, 2), (4, 3), (8, 3), (8, 3)):
        for _ in range(depth):
            x = net.relu(net.conv2d(x, filters=factor * width, **square(3)))
        x = net.max_pool2d(x, kernel=(2, 2), stride=(2, 2))
    x = net.flatten(x)
    for _ in range(2):
        x = net.dropout(net.relu(net.linear(x, units=hidden)))
    classify(net, x, classes)


#: Channels of each inception block: 1x1; 3x3 after its reduction; 5x5 after its reduction; 1x1 behind the pool.
#: Table 1 of the paper; the three groups are parted by pools.
_INCEPTION = (
    ((64, 96, 128, 16, 32, 32), (128, 128, 192, 32, 96, 64)),
    (
        (192, 96, 208, 16, 48, 64),
        (160, 112, 224, 24, 64, 64),
        (128, 128, 256, 24, 64, 64),
        (112, 144, 288, 32, 64, 64),
        (256, 160, 320, 32, 128, 128),
    ),
    ((256, 160, 320, 32, 128, 128), (384, 192, 384, 48, 128, 128)),
)


def _conv(net: Net, x: Value, filters: int, kernel: int, stride: int = 1) -> Value:
    return net.relu(net.conv2d(x, filters=filters, **square(kernel, stride)))


def _inception(net: Net, x: Value, channels: list[int]) -> Value:
    one, reduce3, three, reduce5, five, behind_pool = channels
    branches = (
        _conv(net, x, one, 1),
        _conv(net, _conv(net, x, reduce3, 1), three, 3),
        _conv(net, _conv(net, x, reduce5, 1), five, 5),
        _conv(net, net.max_pool2d(x, **square(3)), behind_pool, 1),
    )
    return net.concat(*branches, axis=1)


@reference_model(
    family="convnet",
    paper="Szegedy et al., 2015: Going Deeper with Convolutions",
    full={"width": 1.0, "rows": 224, "columns": 224, "classes": 1000},
    narrow=False,
)
def googlenet(net: Net, *, width: float = 0.125, rows: int = 64, columns: int = 96, classes: int = 10) -> None:
    """All nine inception blocks, response normalisation, and pools that round their size up, as Caffe's do.

    Scaled down: an eighth of the channels, 64 x 96 pixels for 224 x 224, 10 classes. No auxiliary classifiers: they
    serve training only.
    """

    def pool(x: Value) -> Value:
        return net.max_pool2d(x, kernel=(3, 3), stride=(2, 2), ceil=True)

    x = net.input("image", ("batch", 3, rows, columns))
    x = net.local_response_norm(pool(_conv(net, x, scaled(64, width), 7, 2)), size=5)
    x = _conv(net, _conv(net, x, scaled(64, width), 1), scaled(192, width), 3)
    x = net.local_response_norm(x, size=5)
    for group in _INCEPTION:
        x = pool(x)
        for channels in group:
            x = _inception(net, x, [scaled(n, width) for n in channels])
    classify(net, net.dropout(net.global_average_pool(x), rate=0.4), classes)
