"""Whole networks, true to their papers in topology, scaled down in width and resolution."""

from models.architectures import (  # noqa: F401 - importing a family enters its models
    convnets,
    generative,
    mobile,
    recurrent,
    residual,
    tabular,
    temporal,
    transformers,
)
