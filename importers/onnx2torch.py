"""onnx2torch: the ONNX file back in PyTorch, as a torch.fx module, run eagerly."""

import onnx
import torch

PACKAGES = ("onnx2torch", "torch", "onnx")
UNSUPPORTED = (
    r"is not implemented",
    r"not supported",
    r"only supported types are",
    r"'list' object has no attribute 'dtype'",  # tensors alone, no sequences
)
WRITES_BESIDE_MODEL = True  # what its shape inference has found

torch.set_num_threads(1)


def import_onnx2torch():
    """The package, also beside a CPU build of torch.

    It imports torchvision, for RoiAlign and NonMaxSuppression alone. The wheel's operators need CUDA's libraries; where
    they did not load, its Python part still asks for two of them by name, so these two are declared here, without code.
    """
    try:
        import onnx2torch
    except RuntimeError:
        declared = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            declared.define(name + "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        import onnx2torch

        onnx2torch.declared_operators = declared  # they are gone when this object is
    return onnx2torch


onnx2torch = import_onnx2torch()


def load(path, request):
    """The module, the ONNX names of its positional inputs, and the place of each output in what it returns."""
    graph = onnx.load(path).graph
    constants = {tensor.name for tensor in graph.initializer}
    parameters = [value.name for value in graph.input if value.name not in constants]
    return onnx2torch.convert(path).eval(), parameters, places(graph)


def places(graph):
    """Graph output -> (number of the node among those that make graph outputs, number of the output of that node).

    The module returns one item for each such node, not for each graph output: the outputs of the node in a tuple, also
    those that the graph does not return.
    """
    makers = {name: (at, which) for at, node in enumerate(graph.node) for which, name in enumerate(node.output)}
    found = {output.name: makers[output.name] for output in graph.output}
    nodes = list(dict.fromkeys(at for at, _ in found.values()))
    return {name: (nodes.index(at), which) for name, (at, which) in found.items()}


#: Types that PyTorch has and NumPy has not: their bits pass between the two.
NARROW = ("bfloat16", "float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz")


def tensor_of(array):
    """An array as a tensor."""
    if array.dtype.name not in NARROW:
        return torch.from_numpy(array)
    return torch.from_numpy(array.view("int%d" % (8 * array.itemsize))).view(getattr(torch, array.dtype.name))


def array_of(tensor):
    """A tensor as an array."""
    name = str(tensor.dtype).split(".")[-1]
    if name not in NARROW:
        return tensor.numpy()
    import ml_dtypes

    bits = torch.int16 if tensor.element_size() == 2 else torch.int8
    return tensor.contiguous().view(bits).numpy().view(getattr(ml_dtypes, name))


def run(session, inputs):
    """All outputs by name."""
    module, parameters, outputs = session
    with torch.no_grad():
        result = module(*[tensor_of(inputs[name]) for name in parameters])
    items = result if len({node for node, _ in outputs.values()}) > 1 else [result]
    made = {name: (items[node], which) for name, (node, which) in outputs.items()}
    # A converter may give the first output alone where the node has more: the others are missing then.
    items = {name: [item] if torch.is_tensor(item) else item for name, (item, _) in made.items()}
    return {name: array_of(items[name][which]) for name, (_, which) in made.items() if which < len(items[name])}
