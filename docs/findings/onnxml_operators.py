"""ai.onnx.ml as the reference evaluator and ONNX Runtime have it: Normalizer of negative numbers, SVMClassifier.

onnx 1.23.2, onnxruntime 1.31.1, scikit-learn 1.9.1 and skl2onnx 1.20.0 for the second. Environment: the suite's own
Python for the first case, sklearn1.9 for the second; each runs what it can.
    python docs/findings/onnxml_operators.py
    .tox/sklearn1.9/bin/python docs/findings/onnxml_operators.py
"""

import sys

import numpy as np
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

seen = []


def normalizer():
    """ONNX: "Max: Y = X / max(X)"."""
    import onnxruntime

    node = helper.make_node("Normalizer", ["x"], ["y"], domain="ai.onnx.ml", norm="MAX")
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [2, 3]) for name in "xy"]
    graph = helper.make_graph([node], "g", values[:1], values[1:])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    x = np.array([[1, 2, -4], [-1, -2, -4]], "f4")
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    found = {
        "ONNX Runtime": session.run(None, {"x": x})[0],
        "evaluator": ReferenceEvaluator(model).run(None, {"x": x})[0],
    }
    print("Normalizer MAX by ONNX's words", (x / x.max(1, keepdims=True)).tolist())
    print("  by scikit-learn, of magnitudes", (x / np.abs(x).max(1, keepdims=True)).tolist())
    for name, array in found.items():
        print(" ", name, array.tolist())
    seen.append(not np.allclose(*found.values()))


def probabilities():
    """Probabilities of three classes by support vectors."""
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType
    from sklearn import svm

    random = np.random.RandomState(0)
    x = random.randn(200, 3).astype("f4")
    model = svm.SVC(probability=True, random_state=0).fit(x, (x[:, 0] > -0.5) * 1 + (x[:, 0] * x[:, 1] > 0.2))
    types = [("x", FloatTensorType([None, 3]))]
    file = convert_sklearn(model, initial_types=types, options={id(model): {"zipmap": False}})
    expected = model.predict_proba(x[:5].astype("f8"))
    got = ReferenceEvaluator(file).run(None, {"x": x[:5]})[1]
    print("SVMClassifier: scikit-learn %s\n  evaluator %s" % (expected[0], got[0]))
    seen.append(np.abs(got - expected).max() > 1e-3)


for case in (normalizer, probabilities):
    try:
        case()
    except ImportError as error:
        print("%s: not here, %s" % (case.__name__, error))
print("reproduced" if seen and all(seen) else "not reproduced")
sys.exit(not (seen and all(seen)))
