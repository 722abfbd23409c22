"""PyTorch: opsets below 18 are often not delivered, and where they are, some reductions make the file invalid.

torch 2.13.0, onnxscript 0.7.2, onnx 1.23.2. Environment: torch2.13.
    .tox/torch2.13/bin/python docs/findings/torch_opset.py
"""

import logging
import sys
import warnings

import onnx
import onnx.version_converter
import torch
from torch import nn

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)
path = "/tmp/torch_opset.onnx"


class Call(nn.Module):
    def __init__(self, call):
        super().__init__()
        self.call = call

    def forward(self, x):
        return self.call(x)


def export(call, opset):
    """The opset that the file has, and what the checker says of it."""
    torch.onnx.export(Call(call), (torch.rand(2, 3, 4, 4),), path, dynamo=True, verbose=False, opset_version=opset)
    model = onnx.load(path)
    try:
        onnx.checker.check_model(model, full_check=True)
        said = "valid"
    except Exception as error:
        said = " ".join(str(error).split())[:90]
    return model.opset_import[0].version, said


calls = {
    "relu": torch.relu,
    "mean": lambda x: x.mean(-1),
    "split": lambda x: x.split([1, 2], 1)[0],
    "group_norm": lambda x: nn.functional.group_norm(x, 3),
    "logsumexp": lambda x: x.logsumexp(-1),
    "prod": lambda x: x.prod(-1),
}
got = {}
for opset in (9, 13, 17):
    for name, call in calls.items():
        got[name, opset] = written, said = export(call, opset)
        print(f"{name}: expected opset {opset}, valid; got opset {written}, {said}")

# The same by ONNX's own converter, from a valid file of opset 18.
node = onnx.helper.make_node("ReduceProd", ["x", "axes"], ["y"], noop_with_empty_axes=0)
x, y = (onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [2, n]) for name, n in (("x", 3), ("y", 1)))
graph = onnx.helper.make_graph(
    [node], "g", [x], [y], [onnx.helper.make_tensor("axes", onnx.TensorProto.INT64, [1], [-1])]
)
model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=8)
onnx.checker.check_model(model, full_check=True)
kept = [a.name for a in onnx.version_converter.convert_version(model, 17).graph.node[-1].attribute]
print("onnx.version_converter, ReduceProd 18 to 17: expected axes, keepdims; got", ", ".join(kept))

reproduced = (
    any(written == 18 for written, _ in got.values())
    and all("noop_with_empty_axes" in got[name, opset][1] for name in ("logsumexp", "prod") for opset in (13, 17))
    and "noop_with_empty_axes" in kept
)
print("reproduced" if reproduced else "not reproduced")
sys.exit(not reproduced)
