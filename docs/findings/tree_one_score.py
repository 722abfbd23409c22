"""Two classes that TreeEnsembleClassifier tells apart by one score: which label, and which second number.

ONNX says nothing of it ("Top class for each point"). ONNX Runtime's rule asks for the sign of all leaves of all trees:
if none is below zero, the label is 1 from a sum of 0.5 on, also where a logistic function follows, whose middle is 0.
The label then contradicts the probabilities beside it. Leaves are so where most rows are of class 1 and boosting begins
at one half: XGBoost's `base_score=0.5`, LightGBM's `boost_from_average=False`, scikit-learn's `init="zero"`.

onnx 1.23.2, onnxruntime 1.31.1, numpy 2.4.6. Environment: the suite's own Python (`pip install -e .`).
    python docs/findings/tree_one_score.py
"""

import sys

import numpy as np
import onnxruntime as ort
from onnx import TensorProto, checker, helper
from onnx.reference import ReferenceEvaluator

x = np.array([[-1], [1]], "f4")
seen = []


def case(finding, leaves, post, label, right):
    """One stump with the leaves for x < 0 and for the rest; right: who names the labels that are expected."""
    nodes = {"treeids": [0, 0, 0], "nodeids": [0, 1, 2], "featureids": [0, 0, 0], "values": [0.0, 0.0, 0.0]}
    nodes.update(modes=["BRANCH_LT", "LEAF", "LEAF"], truenodeids=[1, 0, 0], falsenodeids=[2, 0, 0])
    votes = {"treeids": [0, 0], "nodeids": [1, 2], "ids": [0, 0], "weights": leaves}
    settings = {"nodes_" + key: value for key, value in nodes.items()}
    settings.update({"class_" + key: value for key, value in votes.items()})
    settings.update(classlabels_int64s=[0, 1], post_transform=post)
    node = helper.make_node("TreeEnsembleClassifier", ["x"], ["label", "p"], domain="ai.onnx.ml", **settings)
    results = [("label", TensorProto.INT64, [2]), ("p", TensorProto.FLOAT, [2, 2])]
    outputs = [helper.make_tensor_value_info(*result) for result in results]
    graph = helper.make_graph([node], "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 1])], outputs)
    opsets = [helper.make_opsetid("ai.onnx.ml", 1), helper.make_opsetid("", 9)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    checker.check_model(model, full_check=True)
    print(f"{finding}: leaves {leaves}, {post}: expected labels {label}")
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    answers = {"ONNX Runtime": session.run(None, {"x": x}), "evaluator": ReferenceEvaluator(model).run(None, {"x": x})}
    for name, (labels, scores) in answers.items():
        print(f"  {name}: labels {labels.tolist()}, scores {scores.round(3).tolist()}")
        seen.append((labels.tolist() == label) == (name in right))


both = ("ONNX Runtime", "evaluator")
case("probabilities above one half, one below", [-0.1, 0.2], "LOGISTIC", [0, 1], both)
case("both above one half", [0.1, 0.2], "LOGISTIC", [1, 1], ("evaluator",))
# XGBoost's hinge: the label is 1 above 0. onnxmltools writes it so.
case("hinge", [-1.0, 0.25], "NONE", [0, 1], ("ONNX Runtime",))
case("hinge, all above 0", [0.1, 0.25], "NONE", [1, 1], ())

print("reproduced" if all(seen) else "not reproduced")
sys.exit(not all(seen))
