"""IREE: a Gather, an LSTM and a Gemm behind each other give wrong numbers where batch and time are both open.

iree-base-compiler 3.13.0, iree-base-runtime 3.13.0, onnx 1.23.2, numpy 2.4.6. Environment: iree3.13.
    .tox/iree3.13/bin/python docs/findings/iree_dynamic_lstm.py
"""

import sys
import warnings

import numpy as np
from iree import compiler, runtime
from iree.compiler.extras import onnx_importer
from iree.compiler.ir import Context
from onnx import TensorProto, helper, numpy_helper, shape_inference
from onnx.reference import ReferenceEvaluator

warnings.simplefilter("ignore")
rng = np.random.default_rng(0)
shapes = {"E": (40, 8), "W": (1, 48, 8), "R": (1, 48, 12), "B": (1, 96), "L": (5, 12), "c": (5,)}
weights = {name: (rng.normal(size=shape) * 0.5).astype("f4") for name, shape in shapes.items()}
weights["shape"] = np.array([-1, 12])
seen = []


def run(model, x):
    """What iree-import-onnx, iree-compile and the runtime make of it."""
    info = onnx_importer.ModelInfo(model)
    module = info.create_module(context=Context()).operation
    onnx_importer.NodeImporter.define_function(info.main_graph, module).import_all()
    flags = ["--iree-llvmcpu-target-cpu=generic"]
    binary = compiler.compile_str(module.get_asm(), target_backends=["llvm-cpu"], extra_args=flags)
    config = runtime.Config("local-sync")
    vm_module = runtime.VmModule.copy_buffer(config.vm_instance, binary)
    return np.asarray(runtime.load_vm_module(vm_module, config)["g"](x))


def case(axes, gather, wrong):
    """x of shape (time, batch) of tokens, or (time, batch, 8) -> LSTM -> last state -> Gemm."""
    nodes = [helper.make_node("Gather", ["E", "x"], ["e"])] if gather else []
    nodes += [
        helper.make_node("LSTM", ["e" if gather else "x", "W", "R", "B"], ["", "h"], hidden_size=12),
        helper.make_node("Reshape", ["h", "shape"], ["r"]),
        helper.make_node("Gemm", ["r", "L", "c"], ["y"], transB=1),
    ]
    kind, sizes = (TensorProto.INT64, axes) if gather else (TensorProto.FLOAT, [*axes, 8])
    inputs = [helper.make_tensor_value_info("x", kind, sizes)]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [axes[1], 5])]
    used = {name for node in nodes for name in node.input}
    constants = [numpy_helper.from_array(array, name) for name, array in weights.items() if name in used]
    graph = helper.make_graph(nodes, "g", inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    model = shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    x = rng.integers(0, 40, (7, 2)) if gather else rng.normal(size=(7, 2, 8)).astype("f4")
    expected, got = ReferenceEvaluator(model).run(None, {"x": x})[0], run(model, x)
    error = np.abs(got - expected).max()
    print(f"{axes} {'with' if gather else 'without'} Gather: expected {expected[0, :3]}")
    print(f"  got {got[0, :3]}, error {error:.1e}")
    seen.append((error > 1e-4) == wrong)


case(["time", "batch"], True, wrong=True)
case(["time", "batch"], False, wrong=False)
case([7, "batch"], True, wrong=False)
case(["time", 2], True, wrong=False)
print("reproduced" if all(seen) else "not reproduced")
sys.exit(not all(seen))
