"""The layers against formulas written another way, and small examples worked by hand."""

import math
from itertools import product
from typing import Any

import numpy as np
import pytest

from models.layers import LAYERS
from models.layers.base import Array

RANDOM = np.random.default_rng(7)


def apply(op: str, *inputs: Any, weights: dict[str, Array] | None = None, **attributes: Any) -> Any:
    """The output of a layer, or a tuple of several."""
    results = LAYERS[op](*map(np.asarray, inputs), weights=weights or {}, attributes=attributes)
    return results[0] if len(results) == 1 else results


def normal(*shape: int) -> Array:
    return RANDOM.normal(size=shape)


def row(*numbers: float) -> Array:
    """One sample with one channel of numbers in a row."""
    return np.array(numbers, dtype=float)[None, None]


GEOMETRIES = [
    # kernel, stride, pad, dilation, groups
    ((3,), (1,), (0, 0), (1,), 1),
    ((3,), (2,), (2, 1), (2,), 2),
    ((3, 2), (1, 1), (0, 0, 0, 0), (1, 1), 1),
    ((3, 2), (2, 1), (2, 0, 1, 1), (1, 3), 1),
    ((2, 3), (3, 2), (1, 0, 0, 2), (2, 1), 2),
    ((1, 3), (1, 2), (0, 2, 1, 1), (1, 2), 4),
    ((2, 1, 3), (1, 2, 2), (1, 0, 2, 0, 1, 1), (2, 1, 1), 2),
]
geometries = pytest.mark.parametrize(("kernel", "stride", "pad", "dilation", "groups"), GEOMETRIES)


@geometries
def test_convolution_is_the_sum_over_taps(kernel: Any, stride: Any, pad: Any, dilation: Any, groups: int) -> None:
    rank, filters, channels = len(kernel), 4, 4
    x = normal(2, channels, *(7, 8, 6)[:rank])
    weight, bias = normal(filters, channels // groups, *kernel), normal(filters)
    y = apply(
        f"conv{rank}d", x, weights={"weight": weight, "bias": bias},
        stride=stride, pad=pad, dilation=dilation, groups=groups,
    )  # fmt: skip
    for place in product(*map(range, y.shape)):
        n, f, *position = place
        total = bias[f]
        for c, *tap in product(range(channels // groups), *map(range, kernel)):
            cell = [p * s + t * d - b for p, s, t, d, b in zip(position, stride, tap, dilation, pad, strict=False)]
            if all(0 <= i < length for i, length in zip(cell, x.shape[2:], strict=True)):
                channel = f // (filters // groups) * (channels // groups) + c
                total += x[(n, channel, *cell)] * weight[(f, c, *tap)]
        assert y[place] == pytest.approx(total)
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    sizes = zip(x.shape[2:], pad[:rank], pad[rank:], reach, stride, strict=True)
    assert y.shape[2:] == tuple((n + b + e - r) // s + 1 for n, b, e, r, s in sizes)


@geometries
def test_transposed_convolution_is_the_adjoint(kernel: Any, stride: Any, pad: Any, dilation: Any, groups: int) -> None:
    rank = len(kernel)
    x, weight = normal(2, 4, *(7, 8, 6)[:rank]), normal(6 if groups < 4 else 4, 4 // groups, *kernel)
    geometry: dict[str, Any] = {"stride": stride, "pad": pad, "dilation": dilation, "groups": groups}
    y = apply(f"conv{rank}d", x, weights={"weight": weight}, **geometry)
    other = normal(*y.shape)
    # What the stride left over of x is the output padding of the way back.
    plain = apply(f"conv_transpose{rank}d", other, weights={"weight": weight}, output_pad=(0,) * rank, **geometry)
    rest = tuple(n - m for n, m in zip(x.shape[2:], plain.shape[2:], strict=True))
    back = apply(f"conv_transpose{rank}d", other, weights={"weight": weight}, output_pad=rest, **geometry)
    assert np.vdot(y, other) == pytest.approx(np.vdot(x, back))


@pytest.mark.parametrize(
    ("numbers", "attributes", "greatest", "mean"),
    [
        ((1, 2, 3, 4, 5), {"kernel": (2,), "stride": (2,)}, (2, 4), (1.5, 3.5)),
        ((1, 2, 3, 4, 5), {"kernel": (2,), "stride": (2,), "ceil": True}, (2, 4, 5), (1.5, 3.5, 5)),
        ((1, 2, 3), {"kernel": (3,), "pad": (1, 1)}, (2, 3, 3), (1.5, 2, 2.5)),
        ((-1, -2, -3), {"kernel": (2,), "pad": (1, 0)}, (-1, -1, -2), (-1, -1.5, -2.5)),
        # A third window would start in the padding behind, and is left out.
        ((1, 2, 3, 4, 5), {"kernel": (2,), "stride": (3,), "pad": (1, 1), "ceil": True}, (1, 4), (1, 3.5)),
    ],
)
def test_pooling_by_hand(numbers: Any, attributes: Any, greatest: Any, mean: Any) -> None:
    assert apply("max_pool1d", row(*numbers), **attributes)[0, 0].tolist() == list(greatest)
    assert apply("average_pool1d", row(*numbers), **attributes)[0, 0].tolist() == list(mean)


def test_padding_counts_when_asked_but_what_ceil_adds_does_not() -> None:
    geometry: dict[str, Any] = {"kernel": (3,), "stride": (2,), "pad": (1, 1), "ceil": True, "count_pad": True}
    assert apply("average_pool1d", row(1, 2, 3, 4), **geometry)[0, 0].tolist() == [1.0, 3.0, 2.0]


def test_dilated_pooling_by_hand() -> None:
    assert apply("max_pool1d", row(5, 1, 2, 9, 3), kernel=(2,), dilation=(2,))[0, 0].tolist() == [5, 9, 3]


def test_lp_pooling_is_a_norm() -> None:
    assert apply("lp_pool1d", row(3, -4, 0), kernel=(2,))[0, 0].tolist() == [5, 4]
    assert apply("global_lp_pool", row(1, -2, 3), p=3)[0, 0] == pytest.approx(36 ** (1 / 3))


def test_adaptive_regions_overlap_where_sizes_do_not_divide() -> None:
    image = np.array([[1.0], [2], [3], [4], [5]])[None, None]
    assert apply("adaptive_average_pool2d", image, size=(3, 1)).ravel().tolist() == [1.5, 3, 4.5]
    assert apply("adaptive_max_pool2d", image, size=(3, 1)).ravel().tolist() == [2, 4, 5]


@pytest.mark.parametrize(
    ("corners", "expected"),
    [
        ("half_pixel", (0, 0.25, 0.75, 1)),
        ("asymmetric", (0, 0.5, 1, 1)),
        ("align_corners", (0, 1 / 3, 2 / 3, 1)),
    ],
)
def test_bilinear_upsampling_by_hand(corners: str, expected: Any) -> None:
    image = np.array([[[[0.0, 1.0]]]])
    assert apply("upsample_bilinear", image, scale=(1, 2), corners=corners).ravel() == pytest.approx(expected)


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def scalar_weights(gates: int) -> tuple[dict[str, Array], list[list[float]]]:
    """Weights of one unit with one input, and for each gate: w_ih, w_hh, b_ih, b_hh."""
    weights = {
        "w_ih_0_0": normal(gates, 1), "w_hh_0_0": normal(gates, 1), "b_ih_0_0": normal(gates), "b_hh_0_0": normal(gates)
    }  # fmt: skip
    return weights, [[float(w.ravel()[gate]) for w in weights.values()] for gate in range(gates)]


def test_two_steps_of_lstm_by_hand() -> None:
    weights, gates = scalar_weights(4)
    h = c = 0.0
    for x in (0.7, -1.2):
        i, f, g, o = (w * x + u * h + b + b2 for w, u, b, b2 in gates)
        c = sigmoid(f) * c + sigmoid(i) * math.tanh(g)
        h = sigmoid(o) * math.tanh(c)
    y = apply("lstm", np.array([[[0.7], [-1.2]]]), weights=weights, sequence=True)
    assert y[0, 1, 0] == pytest.approx(h)


@pytest.mark.parametrize("reset", ["after", "before"])
def test_two_steps_of_gru_by_hand(reset: str) -> None:
    weights, ((wr, ur, br, cr), (wz, uz, bz, cz), (wn, un, bn, cn)) = scalar_weights(3)
    h = 0.0
    for x in (0.7, -1.2):
        r, z = sigmoid(wr * x + br + ur * h + cr), sigmoid(wz * x + bz + uz * h + cz)
        inner = r * (un * h + cn) if reset == "after" else un * (r * h) + cn
        h = (1 - z) * math.tanh(wn * x + bn + inner) + z * h
    y = apply("gru", np.array([[[0.7], [-1.2]]]), weights=weights, reset=reset)
    assert y[0, 1, 0] == pytest.approx(h)


@pytest.mark.parametrize("op", ["rnn", "lstm", "gru"])
def test_directions(op: str) -> None:
    x, layer = normal(2, 5, 3), LAYERS[op]
    assert layer.draw_weights is not None
    weights = layer.draw_weights(RANDOM, x, units=4, direction="bidirectional")
    forward = {name: w for name, w in weights.items() if name.endswith("0_0")}
    backward = {name.replace("0_1", "0_0"): w for name, w in weights.items() if name.endswith("0_1")}
    there, back = apply(op, x, weights=forward), apply(op, x, weights=backward, direction="reverse")
    assert np.array_equal(back, apply(op, x[:, ::-1], weights=backward)[:, ::-1])
    both = apply(op, x, weights=weights, direction="bidirectional")
    assert np.array_equal(both, np.concatenate([there, back], axis=-1))
    last = apply(op, x, weights=weights, direction="bidirectional", sequence=False)
    assert np.array_equal(last, np.concatenate([there[:, -1], back[:, 0]], axis=-1))


@pytest.mark.parametrize(("cell", "op", "states"), [("gru_cell", "gru", 1), ("lstm_cell", "lstm", 2)])
def test_a_cell_is_one_step(cell: str, op: str, states: int) -> None:
    x, layer = normal(2, 1, 3), LAYERS[op]
    assert layer.draw_weights is not None
    weights = layer.draw_weights(RANDOM, x, units=4)
    result = apply(cell, x[:, 0], *[np.zeros((2, 4))] * states, weights=weights)
    assert np.allclose(result[0] if states == 2 else result, apply(op, x, weights=weights)[:, 0])


def test_causal_attention_sees_no_later_key() -> None:
    x = normal(2, 5, 4)
    changed = x.copy()
    changed[:, 3:] += 1
    before, after = (apply("dot_product_attention", x, v, v, causal=True) for v in (x, changed))
    assert np.array_equal(before[:, :3], after[:, :3])
    assert not np.allclose(before[:, 3:], after[:, 3:])


def test_one_head_without_projections_is_dot_product_attention() -> None:
    query, keys = normal(2, 3, 4), normal(2, 5, 4)
    weights: dict[str, Array] = {f"w_{name}": np.eye(4) for name in ("q", "k", "v", "out")}
    weights |= {f"b_{name}": np.zeros(4) for name in ("q", "k", "v", "out")}
    heads = apply("multi_head_attention", query, keys, weights=weights, heads=1)
    assert np.allclose(heads, apply("dot_product_attention", query, keys, keys))


def test_normalisations_agree_where_they_mean_the_same() -> None:
    x, ones, zeros = normal(2, 4, 5, 3), np.ones(4), np.zeros(4)
    flat = {"scale": ones, "bias": zeros}
    whole = {"scale": np.ones((4, 5, 3)), "bias": np.zeros((4, 5, 3))}
    each = apply("instance_norm", x, weights=flat)
    assert np.allclose(each, apply("group_norm", x, weights=flat, groups=4))
    together = apply("group_norm", x, weights=flat, groups=1)
    assert np.allclose(together, apply("layer_norm", x, weights=whole, axis=-3))
    statistics = {"mean": x.mean(axis=(0, 2, 3)), "variance": x.var(axis=(0, 2, 3))}
    batch = apply("batch_norm", x, weights={**flat, **statistics}, epsilon=0.0)
    assert np.allclose(batch.mean(axis=(0, 2, 3)), 0)
    assert np.allclose(batch.std(axis=(0, 2, 3)), 1)


@pytest.mark.parametrize("size", [3, 4, 5])
def test_local_response_norm_by_loops(size: int) -> None:
    x = normal(1, 6, 2, 2)
    y = apply("local_response_norm", x, size=size, alpha=0.5, beta=0.75, bias=2.0)
    for c in range(6):
        around = x[:, max(0, c - (size - 1) // 2) : c + size // 2 + 1]
        assert np.allclose(y[:, c], x[:, c] / (2.0 + 0.5 / size * (around**2).sum(axis=1)) ** 0.75)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_softmax_sums_to_one_and_log_softmax_is_its_logarithm(axis: int) -> None:
    x = 100 * normal(2, 3, 4)
    y = apply("softmax", x, axis=axis)
    assert np.allclose(y.sum(axis=axis), 1)
    assert np.allclose(np.exp(apply("log_softmax", x, axis=axis)), y)


def test_hierarchical_softmax_is_a_distribution() -> None:
    x = normal(2, 3)
    shapes = {"cluster_weight": (2, 3), "cluster_bias": (2,), "member_weight": (8, 3), "member_bias": (8,)}
    weights = {name: normal(*shape) for name, shape in shapes.items()}
    y = apply("hierarchical_softmax", x, weights=weights, clusters=2, members=4)
    assert np.allclose(y.sum(axis=1), 1)
    clusters = apply("softmax", x @ weights["cluster_weight"].T + weights["cluster_bias"])
    assert np.allclose(y.reshape(2, 2, 4).sum(axis=2), clusters)


@pytest.mark.parametrize(
    ("op", "x", "attributes", "expected"),
    [
        ("gelu", 1.0, {}, 0.8413447460685429),
        ("gelu", 1.0, {"approximate": "tanh"}, 0.8411919906082768),
        ("selu", -1.0, {}, 1.0507009873554805 * 1.6732632423543772 * (math.exp(-1) - 1)),
        ("celu", -1.0, {"alpha": 2.0}, 2 * (math.exp(-0.5) - 1)),
        ("elu", -1.0, {"alpha": 2.0}, 2 * (math.exp(-1) - 1)),
        ("leaky_relu", -2.0, {"alpha": 0.3}, -0.6),
        ("hard_sigmoid", 1.0, {"alpha": 0.2, "beta": 0.5}, 0.7),
        ("hard_swish", 1.0, {}, 4 / 6),
        ("hard_swish", 4.0, {}, 4.0),
        ("mish", 1.0, {}, math.tanh(math.log(1 + math.e))),
        ("silu", 1.0, {}, 1 / (1 + math.exp(-1))),
        ("softplus", 800.0, {}, 800.0),
        ("softsign", -3.0, {}, -0.75),
    ],
)
def test_activations_at_one_point(op: str, x: float, attributes: Any, expected: float) -> None:
    assert apply(op, np.array([x]), **attributes)[0] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("op", "x", "attributes", "expected"),
    [
        ("cumulative_sum", [1, 2, 3], {"axis": 0}, [1, 3, 6]),
        ("cumulative_sum", [1, 2, 3], {"axis": 0, "exclusive": True}, [0, 1, 3]),
        ("cumulative_sum", [1, 2, 3], {"axis": 0, "reverse": True}, [6, 5, 3]),
        ("cumulative_sum", [1, 2, 3], {"axis": 0, "exclusive": True, "reverse": True}, [5, 3, 0]),
        ("slice", [1, 2, 3, 4], {"axes": (0,), "starts": (-1,), "ends": (-5,), "steps": (-2,)}, [4, 2]),
        ("slice", [1, 2, 3, 4], {"axes": (-1,), "starts": (1,), "ends": (99,), "steps": (2,)}, [2, 4]),
        ("pad", [1, 2, 3], {"pads": (1, 2), "mode": "reflect"}, [2, 1, 2, 3, 2, 1]),
        ("pad", [1, 2, 3], {"pads": (1, 2), "mode": "edge"}, [1, 1, 2, 3, 3, 3]),
        ("pad", [1, 2, 3], {"pads": (1, 2), "value": 9}, [9, 1, 2, 3, 9, 9]),
        ("one_hot", [2, 0], {"depth": 3}, [[0, 0, 1], [1, 0, 0]]),
        ("reduce_log_sum_exp", [math.log(2), math.log(3)], {"axes": (0,)}, math.log(5)),
        ("reduce_l1", [[1, -2], [3, -4]], {"axes": (-1,), "keepdims": True}, [[3], [7]]),
        ("arg_min", [[1, -2], [3, -4]], {"axis": 0}, [0, 1]),
        ("affine", [1, 2], {"factor": 2.0, "offset": -1.0}, [1, 3]),
        ("squeeze", [[1, 2]], {"axis": 0}, [1, 2]),
        ("unsqueeze", [1, 2], {"axis": -1}, [[1], [2]]),
    ],
)
def test_small_examples(op: str, x: Any, attributes: Any, expected: Any) -> None:
    assert np.allclose(apply(op, np.array(x), **attributes), expected)


def test_reshape_keeps_axes_that_are_zero() -> None:
    x = np.arange(24).reshape(2, 3, 4)
    assert np.array_equal(apply("reshape", x, shape=(0, -1, 2)), x.reshape(2, 6, 2))


def test_pixel_shuffle_by_hand() -> None:
    x = np.arange(4).reshape(1, 4, 1, 1)
    assert apply("pixel_shuffle", x, factor=2).tolist() == [[[[0, 1], [2, 3]]]]


def test_top_k_is_sorted_and_tells_places() -> None:
    values, places = apply("top_k", np.array([[3, 9, 1, 5]]), k=2)
    assert (values.tolist(), places.tolist()) == ([[9, 5]], [[1, 3]])


def test_split_must_use_up_its_axis() -> None:
    with pytest.raises(ValueError, match="do not add up to 4"):
        apply("split", np.zeros((2, 4)), axis=1, sizes=(1, 2))


def test_every_layer_says_what_it_means() -> None:
    assert not [name for name, layer in LAYERS.items() if not layer.compute.__doc__]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"filters": 2}, "layer conv2d needs kernel"),
        ({"filters": 2, "kernel": (1, 1), "padding": 1}, "layer conv2d has no attribute padding; it has"),
        ({"filters": 2, "kernel": (1, 1), "weight": 1}, "layer conv2d has no attribute weight"),
    ],
)
def test_attribute_errors_tell_what_is_wrong(given: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        LAYERS["conv2d"].attributes(given)
