"""Networks whose outputs are images: segmentation, reconstruction, generation."""

from __future__ import annotations

from collections.abc import Sequence

from models.architectures.blocks import square
from models.net import Net, Value
from models.registry import reference_model


def _double_conv(net: Net, x: Value, filters: int) -> Value:
    for _ in range(2):
        x = net.relu(net.conv2d(x, filters=filters, **square(3)))
    return x


@reference_model(
    family="image-to-image",
    paper="Ronneberger, Fischer and Brox, 2015: U-Net: Convolutional Networks for Biomedical Image Segmentation",
    full={"width": 64, "rows": 512, "columns": 512},
)
def u_net(net: Net, *, width: int = 4, rows: int = 64, columns: int = 48, classes: int = 2) -> None:
    """Four levels down by pooling, four up by transposed convolution, each joined with its level's own map.

    Scaled down: a sixteenth of the channels, 64 x 48 pixels for 512 x 512. Convolutions keep the size of the image,
    as most implementations have it, where the paper's (on 572 x 572) cut the border off.
    """
    x = net.input("image", ("batch", 1, rows, columns))
    skipped = []
    for level in range(4):
        skipped.append(_double_conv(net, x, width * 2**level))
        x = net.max_pool2d(skipped[-1], kernel=(2, 2), stride=(2, 2))
    x = net.dropout(_double_conv(net, x, width * 16))
    for level in reversed(range(4)):
        filters = width * 2**level
        x = net.conv_transpose2d(x, filters=filters, kernel=(2, 2), stride=(2, 2))
        x = _double_conv(net, net.concat(skipped[level], x, axis=1), filters)
    net.output("probabilities", net.softmax(net.conv2d(x, filters=classes, kernel=(1, 1)), axis=1))


@reference_model(
    family="image-to-image",
    paper="Hinton and Salakhutdinov, 2006: Reducing the Dimensionality of Data with Neural Networks",
    full={"pixels": 784, "widths": (1000, 500, 250), "code": 30},
)
def auto_encoder(net: Net, *, pixels: int = 96, widths: Sequence[int] = (64, 32, 16), code: int = 6) -> None:
    """Three sigmoid layers down to a linear code, three back up; returns the code and the reconstruction.

    Scaled down: 96 pixels for 784, layers of 64, 32, 16 and 6 units for 1000, 500, 250 and 30.
    """
    x = net.input("pixels", ("batch", pixels))
    for units in widths:
        x = net.sigmoid(net.linear(x, units=units))
    x = net.linear(x, units=code)
    net.output("code", x)
    for units in reversed(widths):
        x = net.sigmoid(net.linear(x, units=units))
    net.output("reconstruction", net.sigmoid(net.linear(x, units=pixels)))


@reference_model(
    family="image-to-image",
    paper="Radford, Metz and Chintala, 2016: Unsupervised Representation Learning with Deep Convolutional GANs",
    full={"width": 128, "noise": 100, "rows": 4, "columns": 4},
)
def dcgan(net: Net, *, width: int = 4, noise: int = 16, rows: int = 4, columns: int = 3) -> None:
    """The generator: noise, projected and reshaped, grows through four transposed 5 x 5 convolutions of stride 2.

    Scaled down: a 32nd of the channels, 64 x 48 pixels for 64 x 64, noise of 16 numbers for 100.
    """
    x = net.linear(net.input("noise", ("batch", noise)), units=8 * width * rows * columns)
    x = net.reshape(x, shape=(0, 8 * width, rows, columns))
    up = {"kernel": (5, 5), "stride": (2, 2), "pad": (2, 2, 2, 2), "output_pad": (1, 1)}
    for factor in (4, 2, 1):
        x = net.relu(net.batch_norm(x))
        x = net.conv_transpose2d(x, filters=factor * width, use_bias=False, **up)
    x = net.conv_transpose2d(net.relu(net.batch_norm(x)), filters=3, **up)
    net.output("image", net.tanh(x))
