"""Control flow: ONNX's reference evaluator skips a Loop without a condition, and torch.onnx.export cannot write a
torch.cond within a torch.while_loop.

onnx 1.23.2, onnxruntime 1.31.1; torch 2.13.0. Environment: the suite's own Python (`pip install -e .`) for the first,
torch2.13 for the second.
    python docs/findings/control_flow.py
    .tox/torch2.13/bin/python docs/findings/control_flow.py torch
"""

import sys

import numpy as np


def counted_loop():
    """x += 1, three times; the condition of Loop is optional, and left out."""
    import onnxruntime as ort
    from onnx import TensorProto, checker, helper, numpy_helper
    from onnx.reference import ReferenceEvaluator

    ort.set_default_logger_severity(4)
    value, node = helper.make_tensor_value_info, helper.make_node
    body = helper.make_graph(
        [node("Identity", ["go"], ["on"]), node("Add", ["s", "one"], ["t"])],
        "body",
        [value("i", TensorProto.INT64, []), value("go", TensorProto.BOOL, []), value("s", TensorProto.FLOAT, [2])],
        [value("on", TensorProto.BOOL, []), value("t", TensorProto.FLOAT, [2])],
    )
    held = {"n": np.array(3), "one": np.float32(1), "true": np.array(True)}
    seen = []
    for condition in ("true", ""):
        loop = node("Loop", ["n", condition, "x"], ["y"], body=body)
        initializers = [numpy_helper.from_array(np.asarray(array), name) for name, array in held.items()]
        x, y = (value(name, TensorProto.FLOAT, [2]) for name in "xy")
        graph = helper.make_graph([loop], "g", [x], [y], initializers)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        checker.check_model(model, full_check=True)
        feeds = {"x": np.array([0, 10], "f4")}
        runtime = ort.InferenceSession(model.SerializeToString()).run(None, feeds)[0].tolist()
        evaluator = ReferenceEvaluator(model).run(None, feeds)[0].tolist()
        print(f"condition {condition!r}: expected [3.0, 13.0], ONNX Runtime {runtime}, evaluator {evaluator}")
        seen.append(runtime == [3, 13] and evaluator == ([3, 13] if condition else [0, 10]))
    return all(seen)


def nested():
    """A torch.cond within a torch.while_loop runs in PyTorch, and is exported by torch.export."""
    import torch

    class Model(torch.nn.Module):
        def forward(self, x):
            def step(i, x):
                return i + 1, torch.cond(i % 2 == 0, lambda x: x + 1, lambda x: 2 * x, (x,))

            return torch.while_loop(lambda i, x: i < 3, step, (torch.tensor(0), x))[1]

    x = torch.ones(2)
    with torch.no_grad():
        print("expected [5.0, 5.0], PyTorch", Model()(x).tolist())
    torch.export.export(Model(), (x,))
    try:
        torch.onnx.export(Model(), (x,), "/dev/null", dynamo=True, verbose=False)
    except Exception as error:
        cause = error.__cause__.__cause__ if error.__cause__ and error.__cause__.__cause__ else error.__cause__ or error
        print(f"torch.onnx.export: {type(error).__name__}, from {str(cause)[:160]}")
        return "Opset mismatch when inlining" in f"{error.__cause__} {cause}"
    return False


found = nested() if sys.argv[1:] == ["torch"] else counted_loop()
print("reproduced" if found else "not reproduced")
sys.exit(not found)
