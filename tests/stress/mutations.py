"""Damage to ONNX files: by chance, and by number, so that the same seed damages the same way everywhere."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import onnx
from onnx import AttributeProto, TensorProto

HEAD = 4096
"""Our exporter writes the nodes first: half of what strikes bytes strikes here, since most of a file is weights."""
NUMBERS = (0, 1, -1, 2, 3, -2, 7, 64, 1000, 2**31 - 1, 2**31, -(2**31), 2**40, 2**63 - 1, -(2**63))
FLOATS = (0.0, -1.0, 1e-30, 1e30, float("inf"), float("-inf"), float("nan"))
TEXTS = ("", "x", "NOTSET", "SAME_UPPER", "reverse", "linear", "\x00", "é" * 300, "a/b", "%s%n")
OPERATORS = (
    *("Add", "Cast", "Concat", "Conv", "Gather", "Gemm", "Identity", "If", "LSTM", "Loop", "MatMul", "MaxPool"),
    *("Pad", "Reshape", "Resize", "Scan", "Slice", "Softmax", "Split", "Squeeze", "Transpose", "Unsqueeze", "Nonsense"),
)
OPSETS = (0, -1, 1, 5, 7, 9, 11, 13, 17, 21, 25, 30, 1000, 2**40)
Change = Callable[[random.Random, onnx.ModelProto], str]


class NothingToChangeError(Exception):
    """The file has nothing of that kind."""


def chosen(chance: random.Random, items: Any) -> Any:
    """One of some items. Raises NothingToChangeError when there are none."""
    items = list(items)
    if not items:
        raise NothingToChangeError
    return chance.choice(items)


# -- bytes -----------------------------------------------------------------------------------------------------------


def place(chance: random.Random, data: bytearray) -> int:
    """A position, in every second case among the first bytes."""
    return chance.randrange(min(len(data), HEAD) if chance.random() < 0.5 else len(data))


def bits(chance: random.Random, data: bytearray) -> str:
    """Flip 1 to 64 bits, as often few as many."""
    count = 2 ** chance.randint(0, 6)
    told = []
    for _ in range(count):
        position, bit = place(chance, data), chance.randrange(8)
        data[position] ^= 1 << bit
        told.append(f"{position}.{bit}")
    return f"bits {' '.join(told[:4])}{' …' if count > 4 else ''} flipped ({count})"


def truncated(chance: random.Random, data: bytearray) -> str:
    """Cut the end off."""
    length, whole = place(chance, data), len(data)
    del data[length:]
    return f"cut to {length} of {whole} bytes"


def cut_out(chance: random.Random, data: bytearray) -> str:
    """Take some bytes out."""
    start, count = place(chance, data), 2 ** chance.randint(0, 10)
    del data[start : start + count]
    return f"{count} bytes from {start} taken out"


def doubled(chance: random.Random, data: bytearray) -> str:
    """Put some bytes in twice."""
    start, count = place(chance, data), 2 ** chance.randint(0, 10)
    data[start:start] = data[start : start + count]
    return f"{count} bytes from {start} put in twice"


# -- fields ----------------------------------------------------------------------------------------------------------


def op_type(chance: random.Random, model: onnx.ModelProto) -> str:
    """Another operator."""
    node = chosen(chance, model.graph.node)
    old, node.op_type = node.op_type, chance.choice(OPERATORS)
    return f"{old} became {node.op_type}"


def attribute(chance: random.Random, model: onnx.ModelProto) -> str:
    """Another value, length or type of an attribute, or none."""
    node = chosen(chance, (n for n in model.graph.node if n.attribute))
    one = chosen(chance, node.attribute)
    what, old = f"{node.op_type}.{one.name}", shown(one)
    way = chance.choice(("value", "value", "value", "length", "gone", "type", "name"))
    if way == "gone":
        node.attribute.remove(one)
        return f"{what} ({old}) taken out"
    if way == "type":
        one.type = chance.choice((AttributeProto.INT, AttributeProto.FLOAT, AttributeProto.INTS, AttributeProto.GRAPH))
    elif way == "name":
        one.name = chance.choice(TEXTS)
    elif way == "length":
        field = chosen(chance, (f for f in (one.ints, one.floats, one.strings) if len(f)))
        field.extend(list(field) * chance.choice((1, 3))) if chance.random() < 0.5 else field.pop()
    else:
        another_value(chance, one)
    return f"{what}: {old} became {shown(one)} ({way})"


def shown(one: onnx.AttributeProto) -> str:
    """An attribute in a few characters."""
    return " ".join(str(one).split())[:80]


def another_value(chance: random.Random, one: onnx.AttributeProto) -> None:
    """Change the value that an attribute has by its type."""
    if one.type == AttributeProto.INT:
        one.i = chance.choice(NUMBERS)
    elif one.type == AttributeProto.FLOAT:
        one.f = chance.choice(FLOATS)
    elif one.type == AttributeProto.STRING:
        one.s = chance.choice(TEXTS).encode()
    elif one.type == AttributeProto.INTS and one.ints:
        one.ints[chance.randrange(len(one.ints))] = chance.choice(NUMBERS)
    elif one.type == AttributeProto.FLOATS and one.floats:
        one.floats[chance.randrange(len(one.floats))] = chance.choice(FLOATS)
    elif one.type == AttributeProto.STRINGS and one.strings:
        one.strings[chance.randrange(len(one.strings))] = chance.choice(TEXTS).encode()
    else:
        raise NothingToChangeError


def dims(chance: random.Random, model: onnx.ModelProto) -> str:
    """Another length or rank of a weight."""
    tensor = chosen(chance, model.graph.initializer)
    old = list(tensor.dims)
    if old and chance.random() < 0.7:
        tensor.dims[chance.randrange(len(old))] = chance.choice(NUMBERS)
    elif old and chance.random() < 0.5:
        tensor.dims.pop()
    else:
        tensor.dims.append(chance.choice(NUMBERS))
    return f"dims of weight {tensor.name}: {old} became {list(tensor.dims)}"


def declared(chance: random.Random, model: onnx.ModelProto) -> str:
    """Another declared shape of a graph input or output."""
    info = chosen(chance, (*model.graph.input, *model.graph.output))
    shape = info.type.tensor_type.shape
    axis = chance.randrange(len(shape.dim) + 1)
    dim = shape.dim[axis] if axis < len(shape.dim) else shape.dim.add()
    dim.dim_value = chance.choice(NUMBERS)
    return f"axis {axis} of {info.name} declared {dim.dim_value}"


def names(chance: random.Random, model: onnx.ModelProto) -> str:
    """Another value as the input of a node, or an output with another's name."""
    node = chosen(chance, model.graph.node)
    known = [*(i.name for i in model.graph.input), *(t.name for t in model.graph.initializer)]
    known += [name for n in model.graph.node for name in n.output] + ["", "nowhere"]
    side = chosen(chance, (s for s in (node.input, node.input, node.output) if len(s)))
    which = chance.randrange(len(side))
    old, side[which] = side[which], chance.choice(known)
    return f"{node.op_type}: {old!r} became {side[which]!r}"


def renamed(chance: random.Random, model: onnx.ModelProto) -> str:
    """Another name of a graph input, output or weight, which nobody else knows by that."""
    info = chosen(chance, (*model.graph.input, *model.graph.output, *model.graph.initializer))
    old, info.name = info.name, chance.choice((*TEXTS, info.name + "2"))
    return f"{old!r} is now called {info.name[:20]!r}"


def dtype(chance: random.Random, model: onnx.ModelProto) -> str:
    """Another dtype of a weight, or of a graph input or output."""
    found = chosen(chance, (*model.graph.initializer, *model.graph.input, *model.graph.output))
    number = chance.choice((*range(26), 100))
    if isinstance(found, TensorProto):
        old, found.data_type = found.data_type, number
    else:
        old, found.type.tensor_type.elem_type = found.type.tensor_type.elem_type, number
    return f"dtype of {found.name}: {old} became {number}"


def opset(chance: random.Random, model: onnx.ModelProto) -> str:
    """Another opset, domain or IR version."""
    way = chance.choice(("version", "version", "version", "ir", "none", "domain"))
    if way == "ir":
        model.ir_version = chance.choice((0, 1, 3, 7, 10, 100, 2**40))
        return f"ir_version {model.ir_version}"
    if way == "none":
        del model.opset_import[:]
        return "no opset"
    one = chosen(chance, model.opset_import)
    if way == "domain":
        one.domain = chance.choice(("com.microsoft", "nobody", "ai.onnx.ml"))
        return f"domain {one.domain}"
    one.version = chance.choice(OPSETS)
    return f"opset {one.version}"


def order(chance: random.Random, model: onnx.ModelProto) -> str:
    """Nodes in another order."""
    nodes = list(model.graph.node)
    if len(nodes) < 2:
        raise NothingToChangeError
    chance.shuffle(nodes)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return "nodes shuffled"


def lists(chance: random.Random, model: onnx.ModelProto) -> str:
    """A node, weight, graph input or output taken out, or put in twice."""
    graph = model.graph
    which = chance.choice(("node", "initializer", "input", "output"))
    found = getattr(graph, which)
    one = chosen(chance, found)
    label = one.op_type if which == "node" else one.name
    if chance.random() < 0.6:
        found.remove(one)
        return f"{which} {label} taken out"
    found.add().CopyFrom(one)
    return f"{which} {label} put in twice"


def arity(chance: random.Random, model: onnx.ModelProto) -> str:
    """A node with an input or output more, or fewer."""
    node = chosen(chance, model.graph.node)
    side = chosen(chance, (s for s in (node.input, node.output) if len(s)))
    if chance.random() < 0.6:
        return f"{node.op_type} without {side.pop()!r}"
    side.append(chance.choice([*side, "more"]))
    return f"{node.op_type} with {side[-1]!r} once more"


def raw_data(chance: random.Random, model: onnx.ModelProto) -> str:
    """A weight with more bytes, or fewer, than its shape takes."""
    tensor = chosen(chance, (t for t in model.graph.initializer if t.raw_data))
    length = len(tensor.raw_data)
    wanted = chance.choice((0, 1, length - 1, length // 2, length + 1, 2 * length, length + 4096))
    tensor.raw_data = (tensor.raw_data * 2 + bytes(4096))[:wanted]
    return f"{wanted} bytes for weight {tensor.name}, not {length}"


def weights(chance: random.Random, model: onnx.ModelProto) -> str:
    """Other values of a weight: what operators take as shapes, axes and indices lies there too."""
    tensor = chosen(chance, (t for t in model.graph.initializer if t.raw_data))
    size = {TensorProto.INT64: 8, TensorProto.FLOAT: 4, TensorProto.INT32: 4}.get(tensor.data_type, 1)
    data, start = bytearray(tensor.raw_data), chance.randrange(len(tensor.raw_data) // size or 1) * size
    data[start : start + size] = chance.choice((b"\xff", b"\x00", b"\x7f", b"\x80")) * size
    tensor.raw_data = bytes(data)
    return f"bytes {start} to {start + size} of weight {tensor.name} became {data[start : start + size].hex()}"


BYTES: dict[str, Callable[[random.Random, bytearray], str]] = {
    "bits": bits, "truncated": truncated, "cut out": cut_out, "doubled": doubled,
}  # fmt: skip
FIELDS: dict[str, Change] = {
    "op_type": op_type, "attribute": attribute, "dims": dims, "declared": declared, "names": names, "renamed": renamed,
    "dtype": dtype, "opset": opset, "order": order, "lists": lists, "arity": arity, "raw_data": raw_data,
    "weights": weights,
}  # fmt: skip
#: A third of the files is damaged in their bytes, mostly by single bits: the rest of that kind can seldom be read.
KINDS = (*BYTES, *("bits" for _ in range(3)), *FIELDS)


def mutated(chance: random.Random, original: bytes, kind: str) -> tuple[bytes, str]:
    """The file damaged in this way, and what was done to it.

    Raises NothingToChangeError when it would be as it was, or would name files outside of it.
    """
    if kind in BYTES:
        data = bytearray(original)
        told = BYTES[kind](chance, data)
    else:
        model = onnx.load_from_string(original)
        told = FIELDS[kind](chance, model)
        data = bytearray(model.SerializeToString())
    if data == original or names_files(bytes(data)):
        raise NothingToChangeError
    return bytes(data), told


def names_files(data: bytes) -> bool:
    """Whether a weight lies outside of the file: what is read there is not the mutation's doing."""
    try:
        model = onnx.load_from_string(data)
    except Exception:  # whatever protobuf says of it
        return False
    return any(tensor.external_data or tensor.data_location for tensor in model.graph.initializer)
