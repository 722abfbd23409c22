"""OpenVINO, CPU device; in float32, or in the precision that it prefers on this CPU (bfloat16 where it has that)."""

import openvino as ov

PACKAGES = ("openvino",)
UNSUPPORTED = (
    r"No conversion rule found",
    r"NotImplementedFailure",
    r"not supported",
    r"must be static",
    r"Unsupported value_info type",
)
PRECISIONS = {"f32": {"INFERENCE_PRECISION_HINT": "f32"}, "default": {}}
ASKED = ("EXECUTION_DEVICES", "INFERENCE_PRECISION_HINT", "INFERENCE_NUM_THREADS")


def load(path, request):
    """The model compiled for the CPU, on one thread; `request.option` names the precision."""
    core = ov.Core()
    settings = dict(PRECISIONS[request.option], INFERENCE_NUM_THREADS=1)
    return core.compile_model(core.read_model(path), "CPU", settings), request.outputs


def run(session, inputs):
    """All outputs by name."""
    compiled, names = session
    results = compiled(inputs)
    return {name: results[name] for name in names}


def describe(session):
    """Devices, precision and threads that OpenVINO chose."""
    return {name.lower(): str(session[0].get_property(name)) for name in ASKED}
