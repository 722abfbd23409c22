"""ONNX's own reference evaluator: the specification in Python and NumPy."""

from onnx.reference import ReferenceEvaluator

PACKAGES = ("onnx", "numpy")
UNSUPPORTED = (r"has no implementation", r"is not (yet )?implemented", r"No implementation")


def load(path, request):
    """The evaluator, which reads the whole graph at once."""
    return ReferenceEvaluator(path)


def run(session, inputs):
    """All outputs by name."""
    return dict(zip(session.output_names, session.run(None, inputs)))
