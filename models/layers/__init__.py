"""The vocabulary of layers. `LAYERS[name]` defines each one by the NumPy lines that compute it."""

from models.layers import (  # noqa: F401 - importing a family enters its layers
    activation,
    arithmetic,
    attention,
    control,
    convolution,
    dense,
    normalisation,
    pooling,
    recurrent,
    reduction,
    shape,
)
from models.layers.base import LAYERS as LAYERS
from models.layers.base import Layer as Layer
