"""Networks over rows of numbers and categories."""

from __future__ import annotations

from collections.abc import Sequence

from models.architectures.blocks import classify
from models.net import Net, Value
from models.registry import reference_model


def _layers(net: Net, x: Value, widths: Sequence[int]) -> Value:
    for units in widths:
        x = net.relu(net.linear(x, units=units))
    return x


@reference_model(
    family="tabular",
    paper="LeCun, Bottou, Bengio and Haffner, 1998: Gradient-Based Learning Applied to Document Recognition",
    full={"features": 784, "widths": (300, 100)},
)
def mlp(net: Net, *, features: int = 20, widths: Sequence[int] = (24, 16), classes: int = 10) -> None:
    """Two hidden layers of rectified units. Scaled down: 20 features for 784, 24 and 16 units for 300 and 100."""
    classify(net, _layers(net, net.input("features", ("batch", features)), widths), classes)


@reference_model(
    family="tabular",
    paper="Cheng et al., 2016: Wide & Deep Learning for Recommender Systems",
    full={"entries": 10000, "size": 32, "widths": (1024, 512, 256)},
    sizes={"batch": (8, 1, 5)},
)
def wide_and_deep(
    net: Net, *, entries: int = 12, size: int = 4, widths: Sequence[int] = (24, 16, 8), numbers: int = 6
) -> None:
    """A linear model of the categories beside a deep one of their embeddings; one probability from their sum.

    Scaled down: 12 entries and embeddings of 4 numbers for 32 in each of three categories; layers of 24, 16 and 8
    units for 1024, 512 and 256.
    """
    features = [net.input("numbers", ("batch", numbers))]
    wide = []
    for name in ("user", "item", "context"):
        ids = net.input(name, ("batch",), dtype="int64", high=entries)
        features.append(net.embedding(ids, entries=entries, size=size))
        wide.append(net.one_hot(ids, depth=entries))
    deep = net.linear(_layers(net, net.concat(*features, axis=-1), widths), units=1)
    total = net.add(deep, net.linear(net.concat(*wide, axis=-1), units=1, use_bias=False))
    net.output("probability", net.sigmoid(total))
