"""onnxmltools: XGBoost models whose file computes something else, and nothing is said.

xgboost-cpu 3.2.0, onnxmltools 1.16.0, onnx 1.23.2. Environment: xgboost3.2.
    .tox/xgboost3.2/bin/python docs/findings/onnxmltools_xgboost.py
"""

import sys

import numpy as np
import xgboost as xgb
from onnx.reference import ReferenceEvaluator
from onnxmltools import convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType

random = np.random.RandomState(0)
x = random.randn(300, 3).astype("f4")
y = x[:, 0] + x[:, 1] * x[:, 2]
classes = (y > -0.5) * 1 + (y > 0.5)
common = {"n_estimators": 10, "max_depth": 3, "n_jobs": 1, "random_state": 0}
reproduced = []


def case(finding, make, y, right=False, **settings):
    model = make(**dict(common, **settings)).fit(x, y)
    expected = getattr(model, "predict_proba", model.predict)(x[:20])
    try:
        file = convert_xgboost(model, initial_types=[("x", FloatTensorType([None, 3]))])
        got = ReferenceEvaluator(file).run(None, {"x": x[:20]})[-1].reshape(expected.shape)
        same = np.allclose(got, expected, atol=1e-4)
        said = "error %.2g of %.2g" % (np.abs(got - expected).max(), np.abs(expected).max())
        shape = [d.dim_param or d.dim_value for d in file.graph.output[-1].type.tensor_type.shape.dim]
        said += ", declared %s for %s" % (shape, expected.shape)
    except Exception as error:
        same, said = False, "%s: %s" % (type(error).__name__, error)
    print("%s: %s" % (finding, said))
    reproduced.append(same == right)


regressor, classifier = xgb.XGBRegressor, xgb.XGBClassifier
case("regressor (right)", regressor, y, right=True)
case("reg:logistic", regressor, 1 / (1 + np.exp(-y)), objective="reg:logistic")
case("two targets", regressor, np.stack([y, x[:, 0] - x[:, 1]], 1))
case("three classes (right)", classifier, classes, right=True)
case("multi:softmax", classifier, classes, objective="multi:softmax")
case("binary:hinge", classifier, (classes > 0) * 1, objective="binary:hinge")
case("forest, two classes (right)", xgb.XGBRFClassifier, classes > 0, right=True)
case("forest, three classes", xgb.XGBRFClassifier, classes)
case("booster dart (an error)", regressor, y, booster="dart")

print("reproduced" if all(reproduced) else "not reproduced")
sys.exit(0 if all(reproduced) else 1)
