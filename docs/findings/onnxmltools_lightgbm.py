"""onnxmltools: LightGBM models whose file computes something else, and nothing is said.

LightGBM 4.7.0, onnxmltools 1.16.0, onnx 1.23.2. Environment: lightgbm4.7.
    .tox/lightgbm4.7/bin/python docs/findings/onnxmltools_lightgbm.py
"""

import sys

import lightgbm as lgb
import numpy as np
from onnx.reference import ReferenceEvaluator
from onnxmltools import convert_lightgbm
from onnxmltools.convert.common.data_types import FloatTensorType

random = np.random.RandomState(0)
x = random.randn(300, 3)
y = 4 + x[:, 0] + x[:, 1] * x[:, 2]
classes = (y > 3.5) * 1 + (y > 4.5)
sparse = np.where(random.uniform(size=x.shape) < 0.5, 0.0, x)
common = {"n_estimators": 10, "num_leaves": 6, "min_child_samples": 5, "n_jobs": 1, "verbose": -1, "random_state": 0}
bagged = {"boosting_type": "rf", "subsample": 0.7, "subsample_freq": 1}
reproduced = []


def case(finding, make, x, y, right=False, inputs=None, **settings):
    model = make(**dict(common, **settings)).fit(x, y)
    options = {"zipmap": False} if hasattr(model, "predict_proba") else {}
    types = [("x", FloatTensorType([None, x.shape[1]]))]
    file = convert_lightgbm(model, initial_types=types, **options)
    inputs = (x[:20] if inputs is None else inputs).astype("f4")
    predict = getattr(model, "predict_proba", model.predict)
    expected = predict(inputs.astype("f8"))
    got = ReferenceEvaluator(file).run(None, {"x": inputs})[-1]
    got = got.reshape(expected.shape) if got.size == expected.size else got
    same = got.shape == expected.shape
    said = "error %.2g of %.2g" % (np.abs(got - expected).max(), np.abs(expected).max()) if same else got.shape
    print("%s: expected %s, got %s" % (finding, expected.shape, said))
    reproduced.append((same and np.allclose(got, expected, atol=1e-4)) == right)
    return file


regressor, classifier = lgb.LGBMRegressor, lgb.LGBMClassifier
case("regressor (right)", regressor, x, y, right=True)
case("forest of 100 trees (right)", regressor, x, y, right=True, **dict(bagged, n_estimators=100))
case("forest of 10 trees", regressor, x, y, **bagged)
case("forest of 10 trees, two classes", classifier, x, (classes > 0) * 1, **bagged)
case("forest of 10 trees, three classes", classifier, x, classes, **bagged)
case("linear_tree", regressor, x, y, linear_tree=True)
case("reg_sqrt", regressor, x, np.abs(y), reg_sqrt=True)
case("zero_as_missing", regressor, sparse, sparse[:, 0] + 3 * (sparse[:, 1] == 0), zero_as_missing=True)
file = case("two classes (right)", classifier, x, (classes > 0) * 1, right=True)
case("sigmoid=0.7", classifier, x, (classes > 0) * 1, sigmoid=0.7)
case("multiclassova", classifier, x, classes, objective="multiclassova")
coarse = (np.arange(100) % 10 / 10)[:, None]  # thresholds lie at 0.05, 0.15, …, which float32 has not
middles = (np.arange(10) / 10 + 0.05)[:, None]
case("inputs that are thresholds", regressor, coarse, coarse[:, 0], inputs=middles)
(label,) = [o for o in file.graph.output if o.name == "label"]
shape = [d.dim_param or d.dim_value for d in label.type.tensor_type.shape.dim]
print("label of as many rows as one likes: declared %s" % shape)
reproduced.append(shape == [1])

print("reproduced" if all(reproduced) else "not reproduced")
sys.exit(0 if all(reproduced) else 1)
