"""Transformers over tokens and over images."""

from __future__ import annotations

from collections.abc import Callable

from models.architectures.blocks import classify
from models.net import Net, Value
from models.registry import reference_model

Branch = Callable[[Value], Value]
#: How a branch joins the stream: (net, x, branch) -> x.
Join = Callable[[Net, Value, Branch], Value]


def _post_norm(net: Net, x: Value, branch: Branch) -> Value:
    """As in Vaswani et al., 2017."""
    return net.layer_norm(net.add(x, branch(x)))


def _pre_norm(net: Net, x: Value, branch: Branch) -> Value:
    """As in Xiong et al., 2020: the stream itself is never normalised."""
    return net.add(x, branch(net.layer_norm(x)))


def _layers(
    net: Net, x: Value, join: Join, *, depth: int, heads: int, causal: bool = False, approximate: str = "none"
) -> Value:
    """Self-attention and a feed-forward network of four times the size, `depth` times."""
    size = x.shape[-1]

    def attend(y: Value) -> Value:
        return net.multi_head_attention(y, y, heads=heads, causal=causal)

    def feed_forward(y: Value) -> Value:
        y = net.gelu(net.linear(y, units=4 * size), approximate=approximate)
        return net.linear(y, units=size)

    for _ in range(depth):
        x = join(net, join(net, x, attend), feed_forward)
    return x


def _embedded(net: Net, vocabulary: int, size: int, longest: int) -> Value:
    tokens = net.input("tokens", ("batch", "time"), dtype="int64", high=vocabulary)
    return net.position_embedding(net.embedding(tokens, entries=vocabulary, size=size), entries=longest)


@reference_model(
    family="transformer",
    paper="Devlin et al., 2019: BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding",
    full={"vocabulary": 30522, "size": 768, "depth": 12, "heads": 12, "longest": 512},
)
def transformer_encoder(
    net: Net,
    *,
    vocabulary: int = 40,
    size: int = 24,
    depth: int = 2,
    heads: int = 3,
    longest: int = 16,
    classes: int = 5,
) -> None:
    """BERT's encoder: learned positions, normalisation behind each residual sum, exact GELU; classifies each token.

    Scaled down from the base model: 2 layers for 12, 24 features for 768, 3 heads for 12, 40 tokens, up to 16 times.
    """
    x = net.layer_norm(_embedded(net, vocabulary, size, longest))
    classify(net, _layers(net, x, _post_norm, depth=depth, heads=heads), classes)


@reference_model(
    family="transformer",
    paper="Xiong et al., 2020: On Layer Normalization in the Transformer Architecture",
    full={"vocabulary": 30522, "size": 512, "depth": 6, "heads": 8, "longest": 512},
)
def transformer_encoder_pre_norm(
    net: Net,
    *,
    vocabulary: int = 40,
    size: int = 24,
    depth: int = 2,
    heads: int = 4,
    longest: int = 16,
    classes: int = 5,
) -> None:
    """An encoder with normalisation before each branch and at the end; the mean over time is classified.

    Scaled down: 2 layers for 6, 24 features for 512, 4 heads for 8, 40 tokens, up to 16 times.
    """
    x = _embedded(net, vocabulary, size, longest)
    x = net.layer_norm(_layers(net, x, _pre_norm, depth=depth, heads=heads))
    classify(net, net.reduce_mean(x, axes=(1,)), classes)


@reference_model(
    family="transformer",
    paper="Radford et al., 2019: Language Models are Unsupervised Multitask Learners",
    full={"vocabulary": 50257, "size": 768, "depth": 12, "heads": 12, "longest": 1024},
)
def transformer_decoder(
    net: Net, *, vocabulary: int = 40, size: int = 24, depth: int = 2, heads: int = 2, longest: int = 16
) -> None:
    """GPT-2: causal attention, normalisation before each branch, GELU in its tanh form; scores of each next token.

    Scaled down: 2 layers for 12, 24 features for 768, 2 heads for 12, 40 tokens for 50257, up to 16 times. The
    output layer has weights of its own.
    """
    x = _embedded(net, vocabulary, size, longest)
    x = net.layer_norm(_layers(net, x, _pre_norm, depth=depth, heads=heads, causal=True, approximate="tanh"))
    net.output("scores", net.linear(x, units=vocabulary, use_bias=False))


@reference_model(
    family="transformer",
    paper="Dosovitskiy et al., 2021: An Image is Worth 16x16 Words: Transformers for Image Recognition at Scale",
    full={"rows": 224, "columns": 224, "patch": 16, "size": 768, "depth": 12, "heads": 12, "classes": 1000},
)
def vit(
    net: Net,
    *,
    rows: int = 32,
    columns: int = 48,
    patch: int = 8,
    size: int = 24,
    depth: int = 2,
    heads: int = 3,
    classes: int = 10,
) -> None:
    """Image patches as tokens behind a class token, whose last state is classified.

    Scaled down from ViT-B/16: 2 layers for 12, 24 features for 768, 3 heads for 12, 32 x 48 pixels in patches of
    8 x 8 for 224 x 224 in 16 x 16, 10 classes.
    """
    image = net.input("image", ("batch", 3, rows, columns))
    x = net.conv2d(image, filters=size, kernel=(patch, patch), stride=(patch, patch))
    x = net.class_token(net.transpose(net.reshape(x, shape=(0, size, -1)), permutation=(0, 2, 1)))
    x = net.position_embedding(x, entries=x.shape[1])
    x = net.layer_norm(_layers(net, x, _pre_norm, depth=depth, heads=heads))
    token = net.slice(x, axes=(1,), starts=(0,), ends=(1,), steps=(1,))
    classify(net, net.squeeze(token, axis=1), classes)
