"""ONNX Runtime with the OpenVINO execution provider, on the CPU; what that does not take, ONNX Runtime runs itself.

How many nodes each of them runs stands in the record: where it is none of OpenVINO's, a PASS says nothing of it.
"""

from collections import Counter

from beside import onnxruntime as plain

import onnxruntime as ort

PACKAGES = ("onnxruntime-openvino",)
UNSUPPORTED = plain.UNSUPPORTED
PROVIDER = ("OpenVINOExecutionProvider", {"device_type": "CPU", "num_of_threads": "1"})


def load(path, request):
    """A session on one thread. Where OpenVINO fails, it fails: the Python package would start again without it."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    return ort.InferenceSession(path, options, providers=[PROVIDER], enable_fallback=0)


def run(session, inputs):
    """All outputs by name."""
    return plain.run(session, inputs)


def describe(session):
    """How many nodes each provider runs, and which operators are not OpenVINO's."""
    nodes = [
        (part.ep_name, node.op_type)
        for part in session.get_provider_graph_assignment_info()
        for node in part.get_nodes()
    ]
    others = Counter(op for provider, op in nodes if provider != PROVIDER[0])
    return {"nodes": dict(Counter(provider for provider, _ in nodes)), "not on OpenVINO": dict(others)}
