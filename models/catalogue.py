"""All reference models by name. A new family of models is entered by importing its package here."""

from __future__ import annotations

from models import architectures, layer_models  # noqa: F401 - importing them enters their models
from models.registry import MODELS, ReferenceModel


def all_models() -> dict[str, ReferenceModel]:
    """Every reference model by name, architectures first."""
    return MODELS
