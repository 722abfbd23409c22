"""Convolutions over time: video, signals, text."""

from __future__ import annotations

from collections.abc import Sequence

from models.architectures.blocks import classify
from models.net import Net, Value
from models.registry import reference_model


@reference_model(
    family="temporal",
    paper="Tran et al., 2015: Learning Spatiotemporal Features with 3D Convolutional Networks",
    full={"width": 64, "rows": 112, "columns": 112, "hidden": 4096, "classes": 487},
)
def c3d(net: Net, *, width: int = 4, rows: int = 32, columns: int = 48, hidden: int = 64, classes: int = 10) -> None:
    """Eight 3 x 3 x 3 convolutions over 16 frames; the first pool keeps time, the last one pads the image.

    Scaled down: a sixteenth of the channels, 32 x 48 pixels for 112 x 112, 64 hidden units for 4096, 10 classes.
    """
    x = net.input("video", ("batch", 3, 16, rows, columns))
    pool, pads = (1, 2, 2), (0,) * 6
    for factor, depth in ((1, 1), (2, 1), (4, 2), (8, 2), (8, 2)):
        for _ in range(depth):
            x = net.relu(net.conv3d(x, filters=factor * width, kernel=(3, 3, 3), pad=(1,) * 6))
        pads = (0, 1, 1) * 2 if x.shape[2] == 2 else pads
        x = net.max_pool3d(x, kernel=pool, stride=pool, pad=pads)
        pool = (2, 2, 2)
    x = net.flatten(x)
    for _ in range(2):
        x = net.dropout(net.relu(net.linear(x, units=hidden)))
    classify(net, x, classes)


def _causal_block(net: Net, x: Value, filters: int, kernel: int, dilation: int) -> Value:
    """Two convolutions that see only the past (all padding comes before the first time), and a residual."""
    y = x
    for _ in range(2):
        pad = ((kernel - 1) * dilation, 0)
        y = net.conv1d(y, filters=filters, kernel=(kernel,), pad=pad, dilation=(dilation,))
        y = net.dropout(net.relu(y), rate=0.2)
    if x.shape[1] != filters:
        x = net.conv1d(x, filters=filters, kernel=(1,))
    return net.relu(net.add(y, x))


@reference_model(
    family="temporal",
    paper="Bai, Kolter and Koltun, 2018: An Empirical Evaluation of Generic Convolutional and Recurrent Networks",
    full={"width": 150, "dilations": (1, 2, 4, 8), "features": 88},
    sizes={"batch": (2, 1, 5), "time": (24, 9, 31)},
)
def temporal_conv_net(net: Net, *, width: int = 12, dilations: Sequence[int] = (1, 2, 4, 8), features: int = 5) -> None:
    """Residual blocks of dilated causal convolutions, one prediction for each time.

    Scaled down from the polyphonic music model: 12 channels for 150, 5 features for 88.
    """
    x = net.input("sequence", ("batch", features, "time"))
    for dilation in dilations:
        x = _causal_block(net, x, width, 3, dilation)
    net.output("probabilities", net.sigmoid(net.conv1d(x, filters=features, kernel=(1,))))


@reference_model(
    family="temporal",
    paper="Kim, 2014: Convolutional Neural Networks for Sentence Classification",
    full={"vocabulary": 20000, "size": 300, "filters": 100},
    sizes={"batch": (2, 1, 5), "time": (9, 6, 14)},
)
def text_cnn(net: Net, *, vocabulary: int = 50, size: int = 12, filters: int = 8, classes: int = 5) -> None:
    """Convolutions over 3, 4 and 5 words, the maximum of each over time, one linear layer.

    Scaled down: embeddings of 12 numbers for 300, 8 filters of each width for 100, a vocabulary of 50 words.
    """
    words = net.input("words", ("batch", "time"), dtype="int64", high=vocabulary)
    x = net.transpose(net.embedding(words, entries=vocabulary, size=size), permutation=(0, 2, 1))
    pooled = [net.global_max_pool(net.relu(net.conv1d(x, filters=filters, kernel=(k,)))) for k in (3, 4, 5)]
    classify(net, net.dropout(net.concat(*pooled, axis=1)), classes)
