"""Attention: within a sequence, across two of different lengths, and causal."""

from models.layer_models.base import layer_model, layer_models, x
from models.registry import SIZES

_FAMILY = "attention"
_TWO_LENGTHS = {**SIZES, "source": (5, 9, 3)}
_QUERY, _SOURCE = x("batch", "time", 8), x("batch", "source", 8)

layer_models(_FAMILY, "dot_product_attention", [_QUERY, _SOURCE, x("batch", "source", 6)], {"": {}}, sizes=_TWO_LENGTHS)
layer_models(_FAMILY, "dot_product_attention", [_QUERY] * 3, {"causal": {"causal": True}}, default=False)
layer_models(
    _FAMILY, "dot_product_attention", [x("batch", 2, "time", 8)] * 3, {"heads": {}, "heads-causal": {"causal": True}},
    default=False,
)  # fmt: skip
layer_models(_FAMILY, "additive_attention", [_QUERY, x("batch", "source", 6)], {"": {"units": 7}}, sizes=_TWO_LENGTHS)

layer_model(_FAMILY, "multi-head-attention", [_QUERY], lambda net, v: net.multi_head_attention(v, v, heads=2))
layer_model(
    _FAMILY,
    "multi-head-attention-causal",
    [_QUERY],
    lambda net, v: net.multi_head_attention(v, v, heads=4, causal=True),
    default=False,
)
layer_models(
    _FAMILY,
    "multi_head_attention",
    [_QUERY, x("batch", "source", 6)],
    {"cross": {"heads": 4}},
    default=False,
    sizes=_TWO_LENGTHS,
)
