"""IREE: the ONNX file as MLIR, compiled by LLVM for this CPU, run by its virtual machine in this process."""

import numpy as np
import onnx
from iree import compiler, runtime
from iree.compiler.extras import onnx_importer
from iree.compiler.ir import Context

PACKAGES = ("iree-base-compiler", "iree-base-runtime", "onnx")
UNSUPPORTED = (
    r"failed to legalize operation",
    r"Unknown ONNX tensor element type",
    r"unhandled torch type",
    r"unimplemented:",
    r"does not support generic node attribute type",
    r"Unsupported builtin tensor type",
)
ARGUMENTS = ("--iree-llvmcpu-target-cpu=host", "--mlir-disable-threading")
DRIVER = "local-sync"  # one thread


def load(path, request):
    """The compiled function, the names of its parameters in order, and of its outputs."""
    model = onnx.load(path)
    constants = {tensor.name for tensor in model.graph.initializer}
    parameters = [value.name for value in model.graph.input if value.name not in constants]
    binary = compiler.compile_str(as_mlir(model), target_backends=["llvm-cpu"], extra_args=ARGUMENTS)
    config = runtime.Config(DRIVER)
    module = runtime.load_vm_module(runtime.VmModule.copy_buffer(config.vm_instance, binary), config)
    return module[model.graph.name], parameters, [value.name for value in model.graph.output]


def as_mlir(model):
    """The text that iree-import-onnx prints: checked, shapes inferred, one operation for each node."""
    onnx.checker.check_model(model)
    model = onnx.shape_inference.infer_shapes(model, data_prop=True)
    info = onnx_importer.ModelInfo(model)
    module = info.create_module(context=Context()).operation
    onnx_importer.NodeImporter.define_function(info.main_graph, module).import_all()
    module.verify()
    return module.get_asm(assume_verified=True)


def run(session, inputs):
    """All outputs by name."""
    function, parameters, outputs = session
    result = function(*[inputs[name] for name in parameters])
    arrays = [result] if len(outputs) == 1 else result
    return {name: np.asarray(array) for name, array in zip(outputs, arrays)}


def describe(session):
    """What compiled the file, and what runs it."""
    return {"backend": "llvm-cpu", "driver": DRIVER}
