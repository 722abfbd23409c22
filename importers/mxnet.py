"""MXNet: its own ONNX importer, which makes a symbol and parameters of the file, bound to the shapes of the feeds.

The option "inputs-listed" hands it a copy of the file in which every initializer is a graph input too, as files were
before ONNX 1.4: without that its importer finds few weights.
"""

import os
import tempfile

# The engine that works in the calling thread: errors show where they arise, and a fork misses no threads.
os.environ["MXNET_ENGINE_TYPE"] = "NaiveEngine"

import mxnet as mx
import onnx
from mxnet.contrib import onnx as onnx2mx

PACKAGES = ("mxnet", "onnx", "numpy")
ISOLATE = True
UNSUPPORTED = (
    r"only support",
    r"not supported",
    r"does not support",
    r"Unsupported layout",
    r"KeyError: <class 'numpy",  # its arrays have no such type
    r"'list' object has no attribute 'shape'",  # tensors alone, no sequences
)


class Session:
    """The symbol and parameters that MXNet made of a file, and an executor for each set of input shapes."""

    def __init__(self, path):
        self.symbol, self.arguments, self.states = onnx2mx.import_model(path)
        self.outputs = [name for name, _ in onnx2mx.get_model_metadata(path)["output_tensor_data"]]
        self.executors = {}

    def executor(self, inputs):
        """The symbol bound to arrays of these shapes and types."""
        shapes = tuple(sorted((name, array.shape) for name, array in inputs.items()))
        if shapes not in self.executors:
            arrays = dict(self.arguments, **{n: mx.nd.empty(a.shape, dtype=a.dtype) for n, a in inputs.items()})
            self.executors[shapes] = self.symbol.bind(mx.cpu(), arrays, aux_states=self.states, grad_req="null")
        return self.executors[shapes]


def load(path, request):
    """The file as a symbol; the executors wait for the shapes of the feeds."""
    return Session(with_inputs_listed(path) if request.option == "inputs-listed" else path)


def with_inputs_listed(path):
    """A copy of the file whose initializers are graph inputs as well."""
    model = onnx.load(path)
    listed = {value.name for value in model.graph.input}
    for tensor in model.graph.initializer:
        if tensor.name not in listed:
            info = onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, list(tensor.dims))
            model.graph.input.append(info)
    copy = os.path.join(tempfile.mkdtemp(), "model.onnx")
    onnx.save(model, copy)
    return copy


def run(session, inputs):
    """All outputs; the symbol has them in the order of the file."""
    executor = session.executor(inputs)
    feeds = {name: mx.nd.array(array, dtype=array.dtype) for name, array in inputs.items()}
    outputs = executor.forward(is_train=False, **{n: a for n, a in feeds.items() if n in executor.arg_dict})
    return {name: output.asnumpy() for name, output in zip(session.outputs, outputs)}
