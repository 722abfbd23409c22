"""Control flow. Shifts of the inputs decide which way each input set goes, far from every threshold."""

from models.layer_models.base import Spec, ids, layer_models, x
from models.registry import SIZES

_FAMILY = "control-flow"
_THREE = {**SIZES, "batch": (3, 1, 5)}
_COUNT: Spec = {"shape": (), "dtype": "int64", "high": 1}

# Both branches in turn.
layer_models(_FAMILY, "branch", [{**x("batch", 6, low=-0.6, high=0.6), "shifts": (0.8, -0.8)}], {"": {}})
layer_models(_FAMILY, "loop", [x("batch", 5), {**_COUNT, "shifts": (3, 5, 1, 8)}], {"": {}})
layer_models(_FAMILY, "loop", [x("batch", 5), {**_COUNT, "shifts": (4, 0, 0, 2)}], {"zero-trips": {}}, default=False)
layer_models(_FAMILY, "alternate", [x("batch", 5), {**_COUNT, "shifts": (3, 4, 1, 6)}], {"": {}})
# The threshold ends it after 4 steps, the limit after 5; the last but one is beyond the threshold from the beginning.
layer_models(
    _FAMILY,
    "iterate",
    [{**x("batch", 8, low=-0.3, high=0.3), "shifts": (1.0, 0.1, 8.0, 0.4)}],
    {"": {"threshold": 5.0, "limit": 5}},
)
layer_models(_FAMILY, "scan", [x("batch", "time", 5), x("batch", 4)], {"": {}, "reverse": {"reverse": True}})
# Token n is followed by n - 1: at most 4 steps, then more than the limit.
layer_models(
    _FAMILY,
    "greedy_decode",
    [{**ids("batch", high=5), "low": 1, "shifts": (0, 7, 0, 3)}, x("batch", 8)],
    {"": {"vocabulary": 12, "limit": 6}},
    sizes=_THREE,
)
layer_models(
    _FAMILY,
    "beam_step",
    [x("batch", 3, low=-0.3, high=0.3), ids("batch", 3, high=7), x("batch", 3, 6)],
    {"": {"vocabulary": 7}},
)
