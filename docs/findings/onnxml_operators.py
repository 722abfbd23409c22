"""ai.onnx.ml as the reference evaluator and ONNX Runtime have it: Normalizer of negative numbers, SVMClassifier, and
TreeEnsembleRegressor with a target that some leaves leave out.

onnx 1.23.2, onnxruntime 1.31.1, scikit-learn 1.9.1 and skl2onnx 1.20.0 for the second. Environment: the suite's own
Python for the first and the third case, sklearn1.9 for the second; each runs what it can.
    python docs/findings/onnxml_operators.py
    .tox/sklearn1.9/bin/python docs/findings/onnxml_operators.py
"""

import sys

import numpy as np
from onnx import TensorProto, checker, helper
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


def targets():
    """ONNX: base_values are "added to final prediction after applying aggregate function"."""
    import onnxruntime

    nodes = {"treeids": [0, 0, 0], "nodeids": [0, 1, 2], "featureids": [0, 0, 0], "values": [0.0, 0.0, 0.0]}
    nodes.update(modes=["BRANCH_LT", "LEAF", "LEAF"], truenodeids=[1, 0, 0], falsenodeids=[2, 0, 0])
    #: The leaf of x < 0 gives 10 and 5, the other 20 and, of the second target, nothing, or the number 0.
    for zero in (False, True):
        leaves = [(1, 0, 10.0), (1, 1, 5.0), (2, 0, 20.0)] + [(2, 1, 0.0)] * zero
        votes = {"treeids": [0] * len(leaves), "nodeids": [leaf for leaf, _, _ in leaves]}
        votes.update(ids=[target for _, target, _ in leaves], weights=[weight for _, _, weight in leaves])
        settings = {"nodes_" + key: value for key, value in nodes.items()}
        settings.update({"target_" + key: value for key, value in votes.items()})
        node = helper.make_node(
            "TreeEnsembleRegressor", ["x"], ["y"], domain="ai.onnx.ml", n_targets=2, base_values=[1.0, 2.0], **settings
        )
        x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 1])
        y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [2, 2])
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
        model = helper.make_model(helper.make_graph([node], "g", [x], [y]), opset_imports=opsets, ir_version=8)
        checker.check_model(model, full_check=True)
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        rows, due = np.array([[-1], [1]], "f4"), [[11, 7], [21, 2]]
        got, other = session.run(None, {"x": rows})[0], ReferenceEvaluator(model).run(None, {"x": rows})[0]
        print(
            "TreeEnsembleRegressor, base values 1 and 2,",
            "the number 0 in" if zero else "no",
            "second leaf: expected",
            due,
        )
        print("  ONNX Runtime %s\n  evaluator %s" % (got.tolist(), other.tolist()))
        seen.append(np.array_equal(other, due) and np.array_equal(got, due if zero else [[11, 7], [21, 0]]))


for case in (normalizer, probabilities, targets):
    try:
        case()
    except ImportError as error:
        print("%s: not here, %s" % (case.__name__, error))
print("reproduced" if seen and all(seen) else "not reproduced")
sys.exit(not (seen and all(seen)))
