"""skl2onnx: fitted estimators whose file computes something else, and nothing is said.

scikit-learn 1.9.1, skl2onnx 1.20.0, onnx 1.23.2. Environment: sklearn1.9.
    .tox/sklearn1.9/bin/python docs/findings/skl2onnx_estimators.py
"""

import sys

import numpy as np
from onnx import checker
from onnx.reference import ReferenceEvaluator
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType
from sklearn import (
    calibration,
    cluster,
    cross_decomposition,
    discriminant_analysis,
    ensemble,
    feature_extraction,
    impute,
    linear_model,
    mixture,
    multiclass,
    naive_bayes,
    neighbors,
    tree,
)
from sklearn.base import is_classifier

random = np.random.RandomState(0)
x = random.randn(200, 3).astype("f4")
y = x[:, 0] + x[:, 1] * x[:, 2]
classes = (y > -0.5) * 1 + (y > 0.5)
gaps = np.where(random.uniform(size=x.shape) < 0.2, np.nan, x).astype("f4")
reproduced = []


def case(finding, estimator, predict, inputs=x[:20], output=-1, rows=None, right=False, check=False):
    """Whether the file says something else than the estimator; check: whether ONNX's checker refuses it."""
    zipped = is_classifier(estimator)
    options = {id(estimator): {"zipmap": False}} if zipped else None
    declared = FloatTensorType([rows, inputs.shape[1]])
    file = convert_sklearn(estimator, initial_types=[("x", declared)], options=options)
    expected = np.asarray(predict(inputs.astype("f8")))
    try:
        if check:
            checker.check_model(file, full_check=True)
        got = ReferenceEvaluator(file).run(None, {"x": inputs})[output]
        if predict == getattr(estimator, "predict", None) and got.shape == (len(inputs), 1) and got.dtype.kind == "f":
            got = got.ravel()  # numbers are columns in ai.onnx.ml
        same = got.shape == expected.shape and np.allclose(got, expected, atol=1e-4)
        said = "error %.2g" % np.abs(got - expected).max() if got.shape == expected.shape else "shape %s" % (got.shape,)
    except Exception as error:
        same, said = False, "%s: %s" % (type(error).__name__, " ".join(str(error).split())[-120:])
    print("%s: expected %s, got %s" % (finding, expected.shape, said))
    reproduced.append(same == right)


regressor, forest = tree.DecisionTreeRegressor(max_depth=5), ensemble.RandomForestRegressor(5, random_state=0)
case("tree without missing values (right)", regressor.fit(x, y), regressor.predict, right=True)
case("tree, values missing", regressor.fit(gaps, y), regressor.predict, gaps[:20])
case("forest, values missing", forest.fit(gaps, y), forest.predict, gaps[:20])

boosted = ensemble.HistGradientBoostingRegressor(max_iter=5)
case("histogram gradient boosting (right)", boosted.fit(x, y), boosted.predict, right=True)
for loss in ("poisson", "gamma"):
    boosted = ensemble.HistGradientBoostingRegressor(max_iter=5, loss=loss)
    case("  loss %s" % loss, boosted.fit(x, np.exp(y)), boosted.predict)
table = np.concatenate([random.randint(0, 5, (200, 1)), x[:, 1:]], 1).astype("f4")
boosted = ensemble.HistGradientBoostingRegressor(max_iter=5, categorical_features=[0])
case("  a feature of categories", boosted.fit(table, y + (table[:, 0] % 2) * 3), boosted.predict, table[:20])
coarse = (np.arange(100) % 10 / 10)[:, None]  # thresholds lie at 0.05, 0.15, …, which float32 has not
boosted = ensemble.HistGradientBoostingRegressor(max_iter=5, min_samples_leaf=1)
middles = (np.arange(10) / 10 + 0.05)[:, None].astype("f4")
case("  inputs that are thresholds", boosted.fit(coarse, coarse[:, 0]), boosted.predict, middles)

for weights in ("uniform", "distance"):
    near = neighbors.KNeighborsRegressor(weights=weights)
    case("nearest neighbours, weights %s" % weights, near.fit(x, y), near.predict, right=weights == "uniform")
imputer = impute.SimpleImputer(add_indicator=True)
case("SimpleImputer(add_indicator=True)", imputer.fit(gaps), imputer.transform, gaps[:20])
for method in ("sigmoid", "isotonic"):
    calibrated = calibration.CalibratedClassifierCV(naive_bayes.GaussianNB(), method=method)
    case("calibrated, %s" % method, calibrated.fit(x, classes), calibrated.predict_proba, right=method == "sigmoid")
counts = random.poisson(1.5, (20, 4)).astype("f4")
for settings in ({}, {"sublinear_tf": True}):
    tfidf = feature_extraction.text.TfidfTransformer(**settings).fit(counts)
    case("TF-IDF, %s" % settings, tfidf, lambda x, t=tfidf: t.transform(x).toarray(), counts, right=not settings)

means = cluster.KMeans(5, n_init=1, random_state=0).fit(x.astype("f8"))
case("k-means, rows open", means, means.transform, right=True)
case("k-means, 20 rows", means, means.transform, rows=20)
quadratic = discriminant_analysis.QuadraticDiscriminantAnalysis().fit(x, classes)
case("labels of QuadraticDiscriminantAnalysis", quadratic, quadratic.predict, output=0)
mixed = mixture.GaussianMixture(3, random_state=0).fit(x)
case("labels of GaussianMixture", mixed, mixed.predict, output=0)
pairs = multiclass.OneVsOneClassifier(linear_model.LogisticRegression()).fit(x, classes)
case("labels of OneVsOneClassifier", pairs, pairs.predict, output=0)
case("file of OneVsOneClassifier", pairs, pairs.predict, output=0, check=True)
two = np.stack([y, x[:, 0]], 1)
partial = cross_decomposition.PLSRegression(2).fit(x, y)
case("file of PLSRegression", partial, partial.predict, check=True)
regressor = tree.DecisionTreeRegressor(max_depth=5).fit(x, two)
file = convert_sklearn(regressor, initial_types=[("x", FloatTensorType([20, 3]))])
shape = [d.dim_value for d in file.graph.output[0].type.tensor_type.shape.dim]
print("tree of two targets: expected [20, 2], declared %s" % shape)
reproduced.append(shape != [20, 2])

print("reproduced" if all(reproduced) else "not reproduced")
sys.exit(0 if all(reproduced) else 1)
