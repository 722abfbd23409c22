"""onnx2torch: the ONNX file back in PyTorch, as a torch.fx module, run eagerly."""

import torch

PACKAGES = ("onnx2torch", "torch", "onnx")
UNSUPPORTED = (r"is not implemented", r"not supported")

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
    """The module, and the ONNX names of its positional inputs and outputs."""
    return onnx2torch.convert(path).eval(), [value["name"] for value in request.inputs], request.outputs


def tensors_of(result):
    """The tensors of a result in order; where a node has several outputs, the module nests all of them."""
    return [result] if torch.is_tensor(result) else [tensor for part in result for tensor in tensors_of(part)]


def run(session, inputs):
    """All outputs by name; raises ValueError when the module returns another number of tensors."""
    module, parameters, names = session
    with torch.no_grad():
        tensors = tensors_of(module(*[torch.from_numpy(inputs[name]) for name in parameters]))
    if len(tensors) != len(names):
        raise ValueError("the module returns %d tensors for %d graph outputs" % (len(tensors), len(names)))
    return {name: tensor.numpy() for name, tensor in zip(names, tensors)}
