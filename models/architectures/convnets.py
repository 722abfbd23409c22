"""Convolutional networks for images."""

from __future__ import annotations

from models.net import Net
from models.registry import reference_model


@reference_model(family="convnet", paper="Krizhevsky et al., 2012", full={"width": 64, "image": 224, "classes": 1000})
def alexnet(net: Net, *, width: int = 8, image: int = 64, classes: int = 10) -> None:
    """Five convolutions, three of them pooled, two local response normalisations, three linear layers."""
    x = net.input("image", ("batch", 3, image, image + 8))
    x = net.relu(net.conv2d(x, filters=width, kernel=(11, 11), stride=(4, 4), pad=(2, 2, 2, 2)))
    x = net.max_pool2d(net.local_response_norm(x, size=5), kernel=(3, 3), stride=(2, 2))
    x = net.relu(net.conv2d(x, filters=3 * width, kernel=(5, 5), pad=(2, 2, 2, 2), groups=2))
    x = net.max_pool2d(net.local_response_norm(x, size=5), kernel=(3, 3), stride=(2, 2))
    for filters, groups in ((6 * width, 1), (4 * width, 2), (4 * width, 2)):
        x = net.relu(net.conv2d(x, filters=filters, kernel=(3, 3), pad=(1, 1, 1, 1), groups=groups))
    x = net.flatten(net.max_pool2d(x, kernel=(2, 2), stride=(2, 2)))
    for _ in range(2):
        x = net.dropout(net.relu(net.linear(x, units=16 * width)))
    net.output("probabilities", net.softmax(net.linear(x, units=classes)))
