"""ONNX's own reference evaluator: the specification in Python and NumPy."""

from onnx.reference import ReferenceEvaluator

PACKAGES = ("onnx", "numpy")
UNSUPPORTED = (
    r"No (registered )?implementation",
    r"is not (yet )?implemented",
    r"Not implemented",
    r"Unknown activation function",
)


def load(path, request):
    """The evaluator, which reads the whole graph at once."""
    return ReferenceEvaluator(path)


def run(session, inputs):
    """All outputs by name."""
    return dict(zip(session.output_names, session.run(None, inputs)))
