"""IREE: LRN with an open batch writes past its buffers: wrong numbers, or the process dies of a damaged heap.

iree-base-compiler 3.13.0, iree-base-runtime 3.13.0, onnx 1.23.2, numpy 2.4.6. Environment: iree3.13.
    .tox/iree3.13/bin/python docs/findings/iree_dynamic_lrn.py
"""

import subprocess
import sys

import numpy as np
from onnx import TensorProto, helper, shape_inference

shape = [8, 9, 7]


def child(batch):
    """Runs the file, and says how far it is off; it may die of it."""
    from iree import compiler, runtime
    from iree.compiler.extras import onnx_importer
    from iree.compiler.ir import Context

    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [batch, *shape]) for name in "xy")
    node = helper.make_node("LRN", ["x"], ["y"], size=5, alpha=0.5, beta=0.75, bias=2.0)
    graph = helper.make_graph([node], "g", [x], [y])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    model = shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    info = onnx_importer.ModelInfo(model)
    module = info.create_module(context=Context()).operation
    onnx_importer.NodeImporter.define_function(info.main_graph, module).import_all()
    flags = ["--iree-llvmcpu-target-cpu=generic"]
    binary = compiler.compile_str(module.get_asm(), target_backends=["llvm-cpu"], extra_args=flags)
    config = runtime.Config("local-sync")
    main = runtime.load_vm_module(runtime.VmModule.copy_buffer(config.vm_instance, binary), config)["g"]
    values = np.random.default_rng(0).normal(size=(2, *shape)).astype("f4")
    squares = np.pad(values**2, [(0, 0), (2, 2), (0, 0), (0, 0)])
    window = sum(squares[:, k : k + shape[0]] for k in range(5))
    right = values / (2 + 0.1 * window) ** 0.75
    for _ in range(3):
        print(np.abs(np.asarray(main(values)) - right).max(), flush=True)


if len(sys.argv) > 1:
    child(2 if sys.argv[1] == "2" else sys.argv[1])
    sys.exit()
well = {}
for batch in ("2", "batch"):
    done = subprocess.run([sys.executable, __file__, batch], capture_output=True, text=True, check=False)
    errors = [float(line) for line in done.stdout.split()]
    print(
        "batch",
        batch,
        "expected errors below 1e-5, got",
        errors,
        "exit code",
        done.returncode,
        done.stderr[-60:].strip(),
    )
    well[batch] = done.returncode == 0 and max(errors) < 1e-5
reproduced = well == {"2": True, "batch": False}
print("reproduced" if reproduced else "not reproduced")
sys.exit(not reproduced)
