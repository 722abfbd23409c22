"""What several architectures are made of."""

from __future__ import annotations

from typing import Any

from models.net import Net, Value


def square(kernel: int, stride: int = 1) -> dict[str, Any]:
    """Attributes of a two-dimensional window that keeps the image size, but for the stride."""
    return {"kernel": (kernel, kernel), "stride": (stride, stride), "pad": (kernel // 2,) * 4}


def conv_norm(net: Net, x: Value, filters: int, kernel: int, stride: int = 1, *, groups: int = 1) -> Value:
    """Convolution without bias, then batch normalisation."""
    x = net.conv2d(x, filters=filters, groups=groups, use_bias=False, **square(kernel, stride))
    return net.batch_norm(x)


def scaled(channels: int, width: float) -> int:
    """A published number of channels, scaled to this width, at least 4."""
    return max(4, round(channels * width))


def classify(net: Net, x: Value, classes: int) -> None:
    """A linear layer and soft-max over (..., features), as the output `probabilities`."""
    net.output("probabilities", net.softmax(net.linear(x, units=classes), axis=-1))
