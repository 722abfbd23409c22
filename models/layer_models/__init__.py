"""One small model per layer and attribute set."""

from models.layer_models import convolution  # noqa: F401 - importing a family enters its models
