"""A source for models of one ReLU, each of whose exporters writes a file that is hostile in one way.

The secret that some of them lead to lies beside the work folder, in secret.bin: ten float32 values, if it is asked.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

PACKAGES = ("onnx",)
LAYERS = {"relu": "Relu"}
COMPOSED: dict[str, str] = {}

HTML = "</script><script>alert(1)</script><img src=x onerror=alert(1)> | `x` \" ' &amp; =1+1"
CONTROLS = "\x1b[31mred\x1b]0;title\x07\x08\x9b2J\u202e\x7f\r\n"
PATH = "../../../../../../tmp/x/\\..\\y"
SECRET = "secret.bin"
VALUES = 10


def build(graph: Any, request: Any) -> Any:
    return SimpleNamespace(graph=graph)


def run(model: Any, inputs: dict[str, Any]) -> dict[str, Any]:
    return {"y": np.maximum(inputs["x"], 0)}


# -- what the files are made of --------------------------------------------------------------------------------------


def info(name: str, shape: Any, dtype: int = TensorProto.FLOAT) -> Any:
    return helper.make_tensor_value_info(name, dtype, shape)


def shape_of(model: Any) -> list[int]:
    return [model.graph.sizes.get(n, n) for n in model.graph.inputs[0].shape]


def model_of(shape: Any, nodes: Any, constants: Any = (), x: str = "x", y: str = "y", **more: Any) -> Any:
    graph = helper.make_graph(list(nodes), "hostile", [info(x, shape)], [info(y, shape)], list(constants))
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("hostile", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8, **more)


def relu(shape: Any, x: str = "x", y: str = "y") -> Any:
    return model_of(shape, [helper.make_node("Relu", [x], [y])], x=x, y=y)


def secret_of(path: str) -> Path:
    """Beside the work folder, which holds exports/SOURCE/CASE/model.onnx."""
    return Path(path).parents[4] / SECRET


def external(location: str, name: str = "w") -> Any:
    """A tensor whose data lie in another file."""
    tensor = TensorProto(name=name, dims=[VALUES], data_type=TensorProto.FLOAT, data_location=TensorProto.EXTERNAL)
    for key, value in (("location", location), ("offset", "0"), ("length", str(4 * VALUES))):
        tensor.external_data.add(key=key, value=value)
    return tensor


def leaking(shape: Any, tensor: Any) -> Any:
    """A model whose output is the ReLU, plus the sum of a tensor."""
    nodes = [
        helper.make_node("Relu", ["x"], ["r"]),
        helper.make_node("ReduceSum", [tensor.name], ["s"], keepdims=0),
        helper.make_node("Add", ["r", "s"], ["y"]),
    ]
    return model_of(shape, nodes, [tensor])


# -- exporters of whole models ---------------------------------------------------------------------------------------


def named(name: str) -> Callable[[Any, str], Any]:
    return lambda shape, path: relu(shape, f"{name}.x", f"{name}.y")


def external_parent(shape: Any, path: str) -> Any:
    return leaking(shape, external(os.path.relpath(secret_of(path), Path(path).parent)))


def external_absolute(shape: Any, path: str) -> Any:
    return leaking(shape, external(str(secret_of(path))))


def external_beside(shape: Any, path: str) -> Any:
    Path(path).with_name("w.bin").write_bytes(bytes(4 * VALUES))
    return leaking(shape, external("w.bin"))


def external_symlink(shape: Any, path: str) -> Any:
    Path(path).with_name("w.bin").symlink_to(secret_of(path))
    return leaking(shape, external("w.bin"))


def external_folder_symlink(shape: Any, path: str) -> Any:
    Path(path).with_name("sub").symlink_to(secret_of(path).parent)
    return leaking(shape, external(f"sub/{SECRET}"))


def planted_symlink(shape: Any, path: str) -> Any:
    """Where the check would write its data sets."""
    Path(path).with_name("test_data_set_0").symlink_to(secret_of(path).parent)
    return relu(shape)


def native_symlink(shape: Any, path: str) -> Any:
    """What the host itself would read."""
    Path(path).with_name("native.arrays").unlink()
    Path(path).with_name("native.arrays").symlink_to(secret_of(path))
    return relu(shape)


def external_in_constant(shape: Any, path: str) -> Any:
    whole = leaking(shape, external(str(secret_of(path))))
    node = helper.make_node("Constant", [], ["w"], value=whole.graph.initializer[0])
    del whole.graph.initializer[:]
    whole.graph.node.insert(0, node)
    return whole


def external_in_subgraph(shape: Any, path: str) -> Any:
    whole = leaking(shape, external(str(secret_of(path))))
    branch = helper.make_graph(whole.graph.node[1:2], "branch", [], [info("s", [])], whole.graph.initializer)
    truth = numpy_helper.from_array(np.array(True), "truth")
    choice = helper.make_node("If", ["truth"], ["s"], then_branch=branch, else_branch=branch)
    return model_of(shape, [whole.graph.node[0], choice, whole.graph.node[2]], [truth])


def external_in_function(shape: Any, path: str) -> Any:
    constant = helper.make_node("Constant", [], ["w"], value=external(str(secret_of(path))))
    total = helper.make_node("ReduceSum", ["w"], ["s"], keepdims=0)
    function = helper.make_function("hostile", "F", [], ["s"], [constant, total], [helper.make_opsetid("", 17)])
    nodes = [
        helper.make_node("F", [], ["s"], domain="hostile"),
        helper.make_node("Relu", ["x"], ["r"]),
        helper.make_node("Add", ["r", "s"], ["y"]),
    ]
    return model_of(shape, nodes, functions=[function])


def external_in_training(shape: Any, path: str) -> Any:
    whole = relu(shape)
    whole.training_info.add().algorithm.initializer.append(external(str(secret_of(path))))
    return whole


def external_in_sparse(shape: Any, path: str) -> Any:
    whole = relu(shape)
    indices = numpy_helper.from_array(np.arange(VALUES), "i")
    sparse = helper.make_sparse_tensor(external(str(secret_of(path))), indices, [100])
    whole.graph.sparse_initializer.append(sparse)
    return whole


def external_undeclared(shape: Any, path: str) -> Any:
    """Says where the data lie, but not that they lie there."""
    tensor = external(str(secret_of(path)))
    tensor.ClearField("data_location")
    return leaking(shape, tensor)


def external_memory(shape: Any, path: str) -> Any:
    """The mark by which ONNX Runtime names an address in memory."""
    tensor = external("*/_ORT_MEM_ADDR_/*")
    tensor.external_data[1].value = str(1 << 20)
    return leaking(shape, tensor)


def tensor_of(dims: list[int], data: bytes) -> Any:
    return TensorProto(name="w", dims=dims, data_type=TensorProto.FLOAT, raw_data=data)


def huge_computed(shape: Any, path: str) -> Any:
    """10^18 numbers that no byte of the file stands for."""
    sizes = numpy_helper.from_array(np.array([10**9, 10**9]), "sizes")
    nodes = [
        helper.make_node("Relu", ["x"], ["r"]),
        helper.make_node("ConstantOfShape", ["sizes"], ["w"]),
        helper.make_node("ReduceSum", ["w"], ["s"], keepdims=0),
        helper.make_node("Add", ["r", "s"], ["y"]),
    ]
    return model_of(shape, nodes, [sizes])


def huge_dims_input(shape: Any, path: str) -> Any:
    return relu([10**18, *shape[1:]])


def negative_dims(shape: Any, path: str) -> Any:
    return relu([-5, *shape[1:]])


def nested(depth: int) -> Callable[[Any, str], Any]:
    """As many conditions, each in a branch of the one before."""

    def write(shape: Any, path: str) -> Any:
        truth = numpy_helper.from_array(np.array(True), "truth")
        inner = helper.make_node("Relu", ["x"], [f"y{depth}"])
        for level in range(depth, 0, -1):
            then = helper.make_graph([inner], f"b{level}", [], [info(f"y{level}", shape)])
            other = helper.make_graph([helper.make_node("Neg", ["x"], ["n"])], f"n{level}", [], [info("n", shape)])
            output = f"y{level - 1}" if level > 1 else "y"
            inner = helper.make_node("If", ["truth"], [output], then_branch=then, else_branch=other)
        return model_of(shape, [inner], [truth])

    return write


def field(number: int, content: bytes) -> bytes:
    """A field of protobuf whose content is bytes or a message."""
    size, length = len(content), b""
    while size > 127:
        length += bytes([size & 127 | 128])
        size >>= 7
    return bytes([number << 3 | 2]) + length + bytes([size]) + content


def nested_1000(shape: Any, path: str) -> bytes:
    """Deeper than protobuf itself would write: graph in attribute in node in graph, a thousand times."""
    graph = field(1, helper.make_node("Relu", ["x"], ["y"]).SerializeToString())
    for _ in range(1000):
        graph = field(1, field(4, b"If") + field(5, field(1, b"then_branch") + field(6, graph)))
    return bytes(relu(shape).SerializeToString()) + field(7, graph)


def cycle(shape: Any, path: str) -> Any:
    return model_of(shape, [helper.make_node("Add", ["x", "b"], ["y"]), helper.make_node("Relu", ["y"], ["b"])])


def function_cycle(shape: Any, path: str) -> Any:
    """A function that calls itself."""
    own = helper.make_node("F", ["x"], ["y"], domain="hostile")
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("hostile", 1)]
    return model_of(shape, [own], functions=[helper.make_function("hostile", "F", ["x"], ["y"], [own], opsets)])


def custom_domain(shape: Any, path: str) -> Any:
    return model_of(shape, [helper.make_node("Evil\x1b[2J<b>", ["x"], ["y"], domain="hostile")])


def duplicate_inputs(shape: Any, path: str) -> Any:
    whole = relu(shape)
    whole.graph.input.append(whole.graph.input[0])
    return whole


def duplicate_names(shape: Any, path: str) -> Any:
    return model_of(shape, [helper.make_node("Relu", ["x"], ["y"]), helper.make_node("Neg", ["x"], ["y"])])


def unknown_dtype(shape: Any, path: str) -> Any:
    whole = relu(shape)
    for value in (whole.graph.input[0], whole.graph.output[0]):
        value.type.tensor_type.elem_type = 999
    return whole


def unknown_dtype_inside(shape: Any, path: str) -> Any:
    tensor = tensor_of([2], bytes(8))
    tensor.data_type = 999
    return leaking(shape, tensor)


def strings(shape: Any, path: str) -> Any:
    whole = relu(shape)
    whole.graph.input[0].type.tensor_type.elem_type = TensorProto.STRING
    return whole


def stranger_names(shape: Any, path: str) -> Any:
    """Two outputs where the model has one, with names that are meant for the message about it."""
    whole = relu(shape)
    for name in ("\x1b]0;title\x07\u202e<b>|" + "n" * 10_000, "'; `|` -->"):
        whole.graph.output.append(info(name, shape))
        whole.graph.node.append(helper.make_node("Relu", ["x"], [name]))
    del whole.graph.output[0]
    return whole


def no_outputs(shape: Any, path: str) -> Any:
    whole = relu(shape)
    del whole.graph.output[:]
    return whole


def no_graph(shape: Any, path: str) -> Any:
    whole = relu(shape)
    whole.ClearField("graph")
    return whole


def no_opset(shape: Any, path: str) -> Any:
    whole = relu(shape)
    del whole.opset_import[:]
    return whole


def a_map(shape: Any, path: str) -> Any:
    """An input that is no tensor."""
    whole = relu(shape)
    whole.graph.input[0].type.sequence_type.elem_type.tensor_type.elem_type = TensorProto.FLOAT
    return whole


def invalid_utf8(shape: Any, path: str) -> bytes:
    data: bytes = relu(shape, "xx", "yy").SerializeToString()
    return data.replace(b"\x02xx", b"\x02\xff\xfe")


def invalid_utf8_inside(shape: Any, path: str) -> bytes:
    whole = relu(shape)
    whole.graph.node[0].name = "xx"
    data: bytes = whole.SerializeToString()
    return data.replace(b"\x02xx", b"\x02\xff\xfe")


def bit_flipped(shape: Any, path: str) -> bytes:
    """The length of the graph, which then reaches beyond the file."""
    data = bytearray(relu(shape).SerializeToString())
    data[data.index(b"Relu") - 9] ^= 0x40
    return bytes(data)


def over_2gb(shape: Any, path: str) -> bytes:
    """Of nothing: the file is sparse."""
    Path(path).write_bytes(relu(shape).SerializeToString())
    os.truncate(path, 2**31 + 4096)
    return b""


def relu_file(path: Path) -> None:
    """A good file."""
    path.write_bytes(relu([2, 4, 6, 5]).SerializeToString())


def symlink_model(shape: Any, path: str) -> bytes:
    """A good model, but not here."""
    Path(path).symlink_to(secret_of(path).with_name("other.onnx"))
    return b""


def device_model(shape: Any, path: str) -> bytes:
    Path(path).symlink_to("/dev/zero")
    return b""


def dangling_model(shape: Any, path: str) -> bytes:
    Path(path).symlink_to("model.onnx")
    return b""


def empty(shape: Any, path: str) -> bytes:
    Path(path).touch()
    return b""


def fifo_model(shape: Any, path: str) -> bytes:
    os.mkfifo(path)
    return b""


def directory_model(shape: Any, path: str) -> bytes:
    Path(path).mkdir()
    return b""


CASES: dict[str, Callable[[Any, str], Any]] = {
    "a_map": a_map,
    "bit_flipped": bit_flipped,
    "control_names": named(CONTROLS),
    "custom_domain": custom_domain,
    "cycle": cycle,
    "dangling_model": dangling_model,
    "device_model": device_model,
    "directory_model": directory_model,
    "duplicate_inputs": duplicate_inputs,
    "duplicate_names": duplicate_names,
    "empty": empty,
    "external_absolute": external_absolute,
    "external_beside": external_beside,
    "external_folder_symlink": external_folder_symlink,
    "external_in_constant": external_in_constant,
    "external_in_function": external_in_function,
    "external_in_sparse": external_in_sparse,
    "external_in_subgraph": external_in_subgraph,
    "external_in_training": external_in_training,
    "external_memory": external_memory,
    "external_parent": external_parent,
    "external_symlink": external_symlink,
    "external_undeclared": external_undeclared,
    "fifo_model": fifo_model,
    "garbage": lambda shape, path: b"\x08\x09not protobuf at all",
    "function_cycle": function_cycle,
    "html_names": named(HTML),
    "huge_computed": huge_computed,
    "huge_dims_input": huge_dims_input,
    "huge_initializer": lambda shape, path: leaking(shape, tensor_of([10**9, 10**9], bytes(4))),
    "invalid_utf8": invalid_utf8,
    "invalid_utf8_inside": invalid_utf8_inside,
    "long_data": lambda shape, path: leaking(shape, tensor_of([2], bytes(400))),
    "long_names": named("n" * 10_000),
    "native_symlink": native_symlink,
    "negative_dims": negative_dims,
    "negative_initializer": lambda shape, path: leaking(shape, tensor_of([-1], bytes(400))),
    "nested_20": nested(20),
    "nested_1000": nested_1000,
    "no_graph": no_graph,
    "no_opset": no_opset,
    "no_outputs": no_outputs,
    "nul_names": named("a\0b"),
    "over_2gb": over_2gb,
    "overflowing_initializer": lambda shape, path: leaking(shape, tensor_of([2**32, 2**32], b"")),
    "path_names": named(PATH),
    "planted_symlink": planted_symlink,
    "short_data": lambda shape, path: leaking(shape, tensor_of([1000], bytes(4))),
    "stranger_names": stranger_names,
    "strings": strings,
    "symlink_model": symlink_model,
    "truncated": lambda shape, path: relu(shape).SerializeToString()[:-20],
    "unknown_dtype": unknown_dtype,
    "unknown_dtype_inside": unknown_dtype_inside,
    "unknown_field": lambda shape, path: relu(shape).SerializeToString() + field(15, b"a stranger"),
}


def export(case: str) -> Callable[..., None]:
    """The exporter that writes this case, unless it has written all by itself."""

    def write(model: Any, inputs: Any, request: Any, path: str) -> None:
        made = CASES[case](shape_of(model), path)
        data = made if isinstance(made, bytes) else made.SerializeToString()
        if data:
            Path(path).write_bytes(data)

    return write


EXPORTERS = {case: export(case) for case in CASES}
