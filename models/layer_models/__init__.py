"""One small model per layer and attribute set; each file is a table of one family."""

from models.layer_models import (  # noqa: F401 - importing a family enters its models
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
