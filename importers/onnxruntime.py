"""ONNX Runtime, CPU execution provider; with all of its graph optimisations, or none."""

import onnxruntime as ort

PACKAGES = ("onnxruntime",)
UNSUPPORTED = (
    r"^NotImplemented\b",
    r"not supported",
    r"is under development and support",  # an opset newer than this runtime
    r"not a registered function/op",
)
LEVELS = {"all": ort.GraphOptimizationLevel.ORT_ENABLE_ALL, "none": ort.GraphOptimizationLevel.ORT_DISABLE_ALL}


def load(path, request):
    """A session on one thread; `request.option` names the optimisation level."""
    options = ort.SessionOptions()
    options.graph_optimization_level = LEVELS[request.option]
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def run(session, inputs):
    """All outputs by name."""
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, inputs)))


def describe(session):
    """The execution providers of the session."""
    return {"providers": session.get_providers()}
