"""scikit-learn: estimators fitted on seeded synthetic data, written to ONNX by skl2onnx.

These models are the source's own: MODELS names them. Each entry is function(random) -> Case, where `random` is seeded
by the name. The truth is the estimator's own prediction of the same inputs in float64.
"""

import os
import zlib

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import pandas
from skl2onnx import convert_sklearn, get_latest_tested_opset_version
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType, Int64TensorType, StringTensorType
from sklearn import (
    calibration,
    cluster,
    compose,
    cross_decomposition,
    decomposition,
    discriminant_analysis,
    ensemble,
    feature_selection,
    gaussian_process,
    impute,
    kernel_approximation,
    linear_model,
    mixture,
    model_selection,
    multiclass,
    multioutput,
    naive_bayes,
    neighbors,
    neural_network,
    pipeline,
    preprocessing,
    random_projection,
    svm,
    tree,
)
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer

PACKAGES = ("scikit-learn", "skl2onnx", "onnx", "numpy")
DTYPES = ("float32", "float64")
LAYERS = {}
UNSUPPORTED = (
    r"Unable to find a shape calculator",
    r"is not supported unless",
    r"not supported yet by this library",
)

#: Rows of the input sets.
SIZES = [{"batch": 16}, {"batch": 16}, {"batch": 1}, {"batch": 40}]
ROWS = 240
LETTERS = np.array(["low", "middle", "high"], object)
COLOURS = np.array(["red", "green", "blue", "grey"], object)
CITIES = np.array(["Oslo", "Lima", "Kyiv", "Accra", "São Paulo"], object)
WORDS = np.array(
    [
        "good",
        "bad",
        "fine",
        "poor",
        "great",
        "awful",
        "film",
        "plot",
        "actor",
        "music",
        "very",
        "not",
        "the",
        "a",
        "quite",
    ],
    object,
)
DTYPE_TYPES = {"float32": FloatTensorType, "float64": DoubleTensorType}


class Case:
    """A fitted estimator, how its inputs are drawn, which of its methods are the outputs, and converter options.

    sample: function(random, rows) -> {input: array}, floats in float64; join: of those to what the estimator takes
    outputs: {output: function(estimator, joined inputs) -> array or list of dicts}
    """

    def __init__(self, estimator, sample, join, outputs, options=None, ml_opset=None):
        self.estimator, self.sample, self.join, self.outputs = estimator, sample, join, outputs
        self.options, self.ml_opset, self.dtype = options, ml_opset, "float32"

    def predict(self, inputs):
        """All outputs by name."""
        joined = self.join(inputs)
        return {name: call(self.estimator, joined) for name, call in self.outputs.items()}


# -- data -------------------------------------------------------------------------------------------------------------


def numbers(random, rows):
    """Six features of different scale and place."""
    scales, places = [1, 2, 0.5, 1, 3, 1], [0, 1, 0, -1, 0, 2]
    return {"x": random.standard_normal((rows, 6)) * scales + places}


def positive(random, rows):
    """Features that are frequencies, as some naive Bayes models and other estimators want them."""
    return {"x": random.gamma(1.5, 2.0, (rows, 6))}


def counts(random, rows):
    """Features that are small whole numbers, as 64-bit integers."""
    return {"x": random.randint(0, 5, (rows, 6)).astype(np.int64)}


def gaps(random, rows):
    """Features of which one in seven is missing (NaN)."""
    values = numbers(random, rows)["x"]
    values[random.uniform(size=values.shape) < 1 / 7] = np.nan
    return {"x": values}


def tenths(random, rows):
    """Features with one decimal, as measured: at prediction there is one step in between (see `finer`)."""
    return {"x": np.round(numbers(random, rows)["x"], 1)}


def finer(random, rows):
    """Features in steps of 0.05: some lie just where a threshold between two tenths does."""
    return {"x": np.round(numbers(random, rows)["x"] * 20) / 20}


def texts(random, rows):
    """One column of short texts."""
    lengths = random.randint(3, 12, rows)
    return {"text": np.array([[" ".join(random.choice(WORDS, n))] for n in lengths], object)}


def categories(random, rows):
    """Two columns of texts from short lists."""
    return {"x": np.stack([random.choice(COLOURS, rows), random.choice(CITIES, rows)], 1)}


def table(random, rows):
    """A table as most users have it: numbers and categories, each column an input."""
    values = numbers(random, rows)["x"]
    columns = {name: values[:, n : n + 1] for n, name in enumerate(("age", "income", "height"))}
    return dict(columns, colour=random.choice(COLOURS, (rows, 1)), city=random.choice(CITIES, (rows, 1)))


def only(inputs):
    """The one input."""
    (value,) = inputs.values()
    return value


def doubled(inputs):
    """The one input in float64, for estimators that take nothing but the dtype that they were fitted on."""
    return only(inputs).astype("float64")


def flat(inputs):
    """The one input without its second axis: texts as vectorizers take them."""
    return only(inputs).ravel()


def frame(inputs):
    """A pandas table."""
    return pandas.DataFrame({name: value.ravel() for name, value in inputs.items()})


def score(inputs):
    """What is to be learnt, a number for each row."""
    if "age" in inputs:
        values = np.concatenate([inputs[name] for name in ("age", "income", "height")], 1)
        extra = 2.0 * (inputs["colour"].ravel() == "red") - 1.5 * (inputs["city"].ravel() == "Oslo")
        return values[:, 0] + 0.5 * values[:, 1] + extra
    value = only(inputs)
    if value.dtype == object:
        good = np.array(
            [[sum(map(text.count, ["good", "fine", "great", "red", "Oslo"])) for text in row] for row in value]
        )
        bad = np.array(
            [[sum(map(text.count, ["bad", "poor", "awful", "blue", "Lima"])) for text in row] for row in value]
        )
        return (good - 1.5 * bad).sum(1) + 0.1 * np.array([sum(map(len, row)) for row in value])
    x = np.nan_to_num(value)
    return x[:, 0] + 0.5 * x[:, 1] + x[:, 1] * x[:, 2] - 0.5 * x[:, 3] ** 2 + np.sin(x[:, 4]) + 0.3 * x[:, 5]


def target(inputs):
    """Numbers to learn."""
    return score(inputs) + 3.0


def classes(count):
    """Function: classes 0, 1, … of about the same size."""
    return lambda inputs: np.argsort(np.argsort(score(inputs), kind="stable")) * count // len(score(inputs))


def letters(inputs):
    """Classes that are texts."""
    return LETTERS[classes(3)(inputs)]


# -- entries ----------------------------------------------------------------------------------------------------------


def fitted(make, outputs, learn=None, sample=numbers, join=only, options=None, drawn=None, ml_opset=None):
    """An entry: make() is fitted on `sample`, to learn(inputs) if given; inputs are drawn by `drawn` or `sample`."""

    def entry(random):
        inputs = sample(random, ROWS)
        arguments = [join(inputs)] + ([learn(inputs)] if learn else [])
        return Case(seeded(make()).fit(*arguments), drawn or sample, join, outputs, options, ml_opset)

    return entry


def seeded(estimator):
    """The estimator with every random state in it set, parts of pipelines too."""
    names = [name for name in estimator.get_params() if name.split("__")[-1] == "random_state"]
    return estimator.set_params(**dict.fromkeys(names, 0))


def column(values):
    """Numbers as a column: the operators of ai.onnx.ml give one for each target."""
    return np.reshape(values, (len(values), -1))


def regressor(make, learn=target, **others):
    """An entry for an estimator that predicts numbers."""
    return fitted(make, {"variable": lambda e, x: column(e.predict(x))}, learn, **others)


def probabilities(estimator, x):
    """The probability of each class."""
    return estimator.predict_proba(x)


def decisions(estimator, x):
    """The score of each class, or of the second of two, before anything makes probabilities of them."""
    return estimator.decision_function(x)


def both_decisions(estimator, x):
    """The scores of two classes, of which scikit-learn gives one."""
    scores = estimator.decision_function(x)
    return np.stack([-scores, scores], 1)


def zipped(estimator, x):
    """Probabilities as skl2onnx gives them if not told otherwise: {class: probability} for each row."""
    names = [name if isinstance(name, str) else int(name) for name in estimator.classes_]
    return [dict(zip(names, map(float, row))) for row in estimator.predict_proba(x)]


def classifier(make, learn=None, scores=probabilities, options=None, **others):
    """An entry for an estimator that predicts a class, and a score or probability of each."""
    outputs = {"label": labels, "probabilities": scores}
    chosen = {"zipmap": False} if options is None and scores is not zipped else options
    return fitted(make, outputs, learn or classes(3), options=chosen, **others)


def labels(estimator, x):
    """The predicted classes, texts, or whole numbers in 64 bits."""
    found = estimator.predict(x)
    return found if found.dtype.kind in "OU" else found.astype(np.int64)


def transformer(make, learn=None, **others):
    """An entry for an estimator that computes features."""
    return fitted(make, {"variable": transformed}, learn, **others)


def vectorizer(make, **settings):
    """An entry for a vectorizer: without a locale, its file wants en_US of every machine that it runs on."""
    outputs = {"variable": lambda e, x: transformed(e, x).astype("float64")}  # counts too are floats in ONNX's operator
    return fitted(lambda: make(**settings), outputs, sample=texts, join=flat, options={make: {"locale": "C"}})


def transformed(estimator, x):
    """The features, as a dense array."""
    values = estimator.transform(x)
    return values.toarray() if hasattr(values, "toarray") else values


def clusterer(make, **others):
    """An entry for an estimator that finds clusters: the nearest, and the distance to each."""
    return fitted(make, {"label": labels, "scores": transformed}, join=doubled, **others)


def detector(make, **others):
    """An entry for an estimator that finds outliers: -1 or 1, and the score."""
    outputs = {"label": lambda e, x: column(labels(e, x)), "scores": lambda e, x: column(e.decision_function(x))}
    return fitted(make, outputs, **others)


def binary(make, **others):
    """An entry for an estimator of two classes."""
    return classifier(make, classes(2), **others)


def raw(make, learn=None, scores=decisions, options=None, **others):
    """An entry for a classifier without probabilities: the converter is asked for its scores."""
    return classifier(make, learn, scores, options or {"zipmap": False, "raw_scores": True}, **others)


def small(make, **settings):
    """Function: an ensemble of few members."""
    return lambda: make(n_estimators=12, **settings)


def piped(*steps):
    """Function: a pipeline of what the functions make."""
    return lambda: pipeline.make_pipeline(*[step() for step in steps])


def columns():
    """Numbers scaled, categories one-hot: the preprocessing of tables."""
    return compose.ColumnTransformer(
        [
            ("numbers", preprocessing.StandardScaler(), ["age", "income", "height"]),
            ("categories", preprocessing.OneHotEncoder(handle_unknown="ignore"), ["colour", "city"]),
        ]
    )


def members():
    """Named classifiers to put together."""
    return [
        ("linear", linear_model.LogisticRegression()),
        ("tree", tree.DecisionTreeClassifier(max_depth=4)),
        ("bayes", naive_bayes.GaussianNB()),
    ]


def regressors():
    """Named regressors to put together."""
    return [
        ("linear", linear_model.Ridge()),
        ("tree", tree.DecisionTreeRegressor(max_depth=5)),
        ("neighbours", neighbors.KNeighborsRegressor()),
    ]


def two_targets(inputs):
    """Two numbers to learn."""
    return np.stack([target(inputs), only(inputs)[:, 0] - only(inputs)[:, 1]], 1)


def binary_features(random, rows):
    """Features of 0 and 1."""
    return {"x": random.randint(0, 2, (rows, 6)).astype(np.float64)}


def grid(make, **settings):
    """Function: a search for the best of some settings."""
    return lambda: model_selection.GridSearchCV(make(), settings, cv=3)


MODELS = {
    # linear
    "linear-regression": regressor(linear_model.LinearRegression),
    "linear-regression-two-targets": regressor(linear_model.LinearRegression, two_targets),
    "ridge": regressor(linear_model.Ridge),
    "lasso": regressor(lambda: linear_model.Lasso(alpha=0.05)),
    "elastic-net": regressor(lambda: linear_model.ElasticNet(alpha=0.05)),
    "bayesian-ridge": regressor(linear_model.BayesianRidge),
    "huber-regressor": regressor(linear_model.HuberRegressor),
    "ransac-regressor": regressor(linear_model.RANSACRegressor),
    "sgd-regressor": regressor(linear_model.SGDRegressor),
    "poisson-regressor": regressor(linear_model.PoissonRegressor, lambda i: np.exp(0.2 * score(i))),
    "gamma-regressor": regressor(linear_model.GammaRegressor, lambda i: np.exp(0.2 * score(i))),
    "tweedie-regressor": regressor(
        lambda: linear_model.TweedieRegressor(power=1.5), lambda i: np.exp(0.2 * score(i))
    ),
    "quantile-regressor": regressor(lambda: linear_model.QuantileRegressor(alpha=0.01)),
    "pls-regression": regressor(cross_decomposition.PLSRegression),
    "logistic-regression-binary": binary(linear_model.LogisticRegression),
    "logistic-regression-multinomial": classifier(linear_model.LogisticRegression),
    "logistic-regression-zipmap": classifier(linear_model.LogisticRegression, scores=zipped),
    "logistic-regression-strings": classifier(linear_model.LogisticRegression, letters),
    "logistic-regression-strings-zipmap": classifier(linear_model.LogisticRegression, letters, zipped),
    "logistic-regression-scores": raw(linear_model.LogisticRegression),
    "sgd-classifier": classifier(lambda: linear_model.SGDClassifier(loss="log_loss", alpha=0.05)),
    "sgd-classifier-huber": classifier(lambda: linear_model.SGDClassifier(loss="modified_huber", alpha=0.1)),
    "perceptron": raw(linear_model.Perceptron),
    "ridge-classifier": raw(linear_model.RidgeClassifier),
    "linear-discriminant-analysis": classifier(discriminant_analysis.LinearDiscriminantAnalysis),
    "quadratic-discriminant-analysis": classifier(discriminant_analysis.QuadraticDiscriminantAnalysis),
    # support vectors
    "linear-svc": raw(svm.LinearSVC, options={"raw_scores": True}),
    "linear-svr": regressor(svm.LinearSVR),
    "svc-linear": raw(lambda: svm.SVC(kernel="linear")),
    "svc-rbf": raw(svm.SVC),
    "svc-polynomial": raw(lambda: svm.SVC(kernel="poly", degree=2, coef0=1.0)),
    "svc-sigmoid": raw(lambda: svm.SVC(kernel="sigmoid", gamma=0.02)),
    "svc-one-vs-one": raw(lambda: svm.SVC(decision_function_shape="ovo")),
    "svc-binary": raw(svm.SVC, classes(2), both_decisions),
    "svc-probabilities": classifier(lambda: svm.SVC(probability=True)),
    "svc-calibrated": classifier(lambda: calibration.CalibratedClassifierCV(svm.SVC(), ensemble=False)),
    "nu-svc": raw(svm.NuSVC),
    "svr-linear": regressor(lambda: svm.SVR(kernel="linear")),
    "svr-rbf": regressor(svm.SVR),
    "svr-polynomial": regressor(lambda: svm.SVR(kernel="poly", degree=2)),
    "nu-svr": regressor(svm.NuSVR),
    "one-class-svm": detector(lambda: svm.OneClassSVM(nu=0.3)),
    "sgd-one-class-svm": fitted(lambda: linear_model.SGDOneClassSVM(nu=0.3), {"label": labels, "scores": decisions}),
    # neighbours
    "k-neighbors-classifier": classifier(neighbors.KNeighborsClassifier),
    "k-neighbors-classifier-distance": classifier(lambda: neighbors.KNeighborsClassifier(weights="distance")),
    "k-neighbors-regressor": regressor(neighbors.KNeighborsRegressor),
    "k-neighbors-regressor-manhattan": regressor(lambda: neighbors.KNeighborsRegressor(p=1, weights="distance")),
    "radius-neighbors-regressor": regressor(lambda: neighbors.RadiusNeighborsRegressor(radius=4.0)),
    "nearest-centroid": classifier(neighbors.NearestCentroid),
    "neighborhood-components": transformer(
        lambda: neighbors.NeighborhoodComponentsAnalysis(n_components=3), classes(3)
    ),
    "local-outlier-factor": detector(lambda: neighbors.LocalOutlierFactor(novelty=True)),
    # naive Bayes, Gaussian processes, mixtures
    "gaussian-naive-bayes": classifier(naive_bayes.GaussianNB),
    "bernoulli-naive-bayes": classifier(naive_bayes.BernoulliNB),
    "multinomial-naive-bayes": classifier(naive_bayes.MultinomialNB, sample=positive),
    "complement-naive-bayes": classifier(naive_bayes.ComplementNB, sample=positive),
    "categorical-naive-bayes": classifier(lambda: naive_bayes.CategoricalNB(min_categories=5), sample=counts),
    "gaussian-process-regressor": regressor(
        lambda: gaussian_process.GaussianProcessRegressor(alpha=0.1, normalize_y=True)
    ),
    "gaussian-process-classifier": binary(gaussian_process.GaussianProcessClassifier),
    "gaussian-mixture": fitted(
        lambda: mixture.GaussianMixture(n_components=3),
        {"label": labels, "probabilities": probabilities},
    ),
    "bayesian-gaussian-mixture": fitted(
        lambda: mixture.BayesianGaussianMixture(n_components=3),
        {"label": labels, "probabilities": probabilities},
    ),
    # neural networks
    "mlp-classifier": classifier(lambda: neural_network.MLPClassifier(hidden_layer_sizes=(16, 8), max_iter=300)),
    "mlp-classifier-binary": binary(
        lambda: neural_network.MLPClassifier(hidden_layer_sizes=(16,), activation="tanh", max_iter=300)
    ),
    "mlp-regressor": regressor(lambda: neural_network.MLPRegressor(hidden_layer_sizes=(16, 8), max_iter=400)),
    "mlp-regressor-logistic": regressor(
        lambda: neural_network.MLPRegressor(hidden_layer_sizes=(16,), activation="logistic", max_iter=400)
    ),
    # trees
    "decision-tree-classifier": classifier(lambda: tree.DecisionTreeClassifier(max_depth=6)),
    "decision-tree-regressor": regressor(lambda: tree.DecisionTreeRegressor(max_depth=6)),
    "decision-tree-regressor-two-targets": regressor(lambda: tree.DecisionTreeRegressor(max_depth=6), two_targets),
    "decision-tree-regressor-tenths": regressor(tree.DecisionTreeRegressor, sample=tenths, drawn=finer),
    "decision-tree-classifier-missing": classifier(lambda: tree.DecisionTreeClassifier(max_depth=6), sample=gaps),
    "decision-tree-strings-zipmap": classifier(lambda: tree.DecisionTreeClassifier(max_depth=4), letters, zipped),
    "random-forest-classifier": classifier(small(ensemble.RandomForestClassifier)),
    "random-forest-regressor": regressor(small(ensemble.RandomForestRegressor)),
    "random-forest-regressor-missing": regressor(small(ensemble.RandomForestRegressor), sample=gaps),
    "extra-trees-classifier": classifier(small(ensemble.ExtraTreesClassifier)),
    "extra-trees-regressor": regressor(small(ensemble.ExtraTreesRegressor)),
    "random-trees-embedding": transformer(small(ensemble.RandomTreesEmbedding, max_depth=3, sparse_output=False)),
    "gradient-boosting-binary": binary(small(ensemble.GradientBoostingClassifier)),
    "gradient-boosting-classifier": classifier(small(ensemble.GradientBoostingClassifier)),
    "gradient-boosting-regressor": regressor(small(ensemble.GradientBoostingRegressor)),
    "hist-gradient-boosting-binary": binary(lambda: ensemble.HistGradientBoostingClassifier(max_iter=12)),
    "hist-gradient-boosting-classifier": classifier(lambda: ensemble.HistGradientBoostingClassifier(max_iter=12)),
    "hist-gradient-boosting-regressor": regressor(lambda: ensemble.HistGradientBoostingRegressor(max_iter=12)),
    "hist-gradient-boosting-missing": regressor(
        lambda: ensemble.HistGradientBoostingRegressor(max_iter=12), sample=gaps
    ),
    "hist-gradient-boosting-categories": regressor(
        lambda: ensemble.HistGradientBoostingRegressor(max_iter=12, categorical_features=[0, 1]),
        sample=lambda random, rows: {"x": counts(random, rows)["x"].astype(np.float64)},
    ),
    "hist-gradient-boosting-poisson": regressor(
        lambda: ensemble.HistGradientBoostingRegressor(loss="poisson", max_iter=12),
        lambda i: np.exp(0.2 * score(i)),
    ),
    "hist-gradient-boosting-tenths": regressor(
        lambda: ensemble.HistGradientBoostingRegressor(max_iter=12), sample=tenths, drawn=finer
    ),
    "ada-boost-classifier": classifier(small(ensemble.AdaBoostClassifier)),
    "ada-boost-regressor": regressor(small(ensemble.AdaBoostRegressor)),
    "bagging-classifier": classifier(small(ensemble.BaggingClassifier)),
    "bagging-regressor": regressor(small(ensemble.BaggingRegressor, max_features=4)),
    "isolation-forest": detector(small(ensemble.IsolationForest)),
    "isolation-forest-older": detector(small(ensemble.IsolationForest), ml_opset=3),
    # put together
    "voting-classifier-soft": classifier(
        lambda: ensemble.VotingClassifier(members(), voting="soft", flatten_transform=False)
    ),
    "voting-regressor": regressor(lambda: ensemble.VotingRegressor(regressors())),
    "stacking-classifier": classifier(lambda: ensemble.StackingClassifier(members())),
    "stacking-regressor": regressor(lambda: ensemble.StackingRegressor(regressors())),
    "one-vs-rest": classifier(lambda: multiclass.OneVsRestClassifier(linear_model.LogisticRegression())),
    "one-vs-one": classifier(
        lambda: multiclass.OneVsOneClassifier(linear_model.LogisticRegression()), scores=decisions
    ),
    "multi-output-regressor": regressor(
        lambda: multioutput.MultiOutputRegressor(tree.DecisionTreeRegressor(max_depth=4)), two_targets
    ),
    "regressor-chain": regressor(lambda: multioutput.RegressorChain(linear_model.Ridge()), two_targets),
    "calibrated-classifier": classifier(lambda: calibration.CalibratedClassifierCV(naive_bayes.GaussianNB())),
    "calibrated-classifier-isotonic": classifier(
        lambda: calibration.CalibratedClassifierCV(naive_bayes.GaussianNB(), method="isotonic")
    ),
    "transformed-target-regressor": regressor(
        lambda: compose.TransformedTargetRegressor(linear_model.Ridge(), func=np.log, inverse_func=np.exp),
        lambda i: np.exp(0.2 * score(i)),
    ),
    "grid-search": classifier(grid(tree.DecisionTreeClassifier, max_depth=[2, 4])),
    # clusters, decompositions
    "k-means": clusterer(lambda: cluster.KMeans(n_clusters=5, n_init=2)),
    "mini-batch-k-means": clusterer(lambda: cluster.MiniBatchKMeans(n_clusters=5, n_init=2)),
    "birch": clusterer(lambda: cluster.Birch(n_clusters=3)),
    "pca": transformer(lambda: decomposition.PCA(n_components=3)),
    "pca-whitened": transformer(lambda: decomposition.PCA(n_components=3, whiten=True)),
    "incremental-pca": transformer(lambda: decomposition.IncrementalPCA(n_components=3)),
    "kernel-pca": transformer(lambda: decomposition.KernelPCA(n_components=3, kernel="rbf", gamma=0.05)),
    "truncated-svd": transformer(lambda: decomposition.TruncatedSVD(n_components=3)),
    "fast-ica": transformer(lambda: decomposition.FastICA(n_components=3)),
    "nystroem": transformer(lambda: kernel_approximation.Nystroem(n_components=10, gamma=0.05)),
    "gaussian-random-projection": transformer(lambda: random_projection.GaussianRandomProjection(n_components=3)),
    # preprocessing of numbers
    "standard-scaler": transformer(preprocessing.StandardScaler),
    "min-max-scaler": transformer(preprocessing.MinMaxScaler),
    "min-max-scaler-clipped": transformer(lambda: preprocessing.MinMaxScaler((-1, 1), clip=True)),
    "max-abs-scaler": transformer(preprocessing.MaxAbsScaler),
    "robust-scaler": transformer(preprocessing.RobustScaler),
    "normalizer-l1": transformer(lambda: preprocessing.Normalizer("l1")),
    "normalizer-l2": transformer(preprocessing.Normalizer),
    "normalizer-max": transformer(lambda: preprocessing.Normalizer("max")),
    "binarizer": transformer(lambda: preprocessing.Binarizer(threshold=0.5)),
    "polynomial-features": transformer(lambda: preprocessing.PolynomialFeatures(2)),
    "polynomial-features-interactions": transformer(
        lambda: preprocessing.PolynomialFeatures(3, interaction_only=True, include_bias=False)
    ),
    "power-transformer": transformer(preprocessing.PowerTransformer),
    "power-transformer-box-cox": transformer(
        lambda: preprocessing.PowerTransformer(method="box-cox"), sample=positive
    ),
    "quantile-transformer": transformer(lambda: preprocessing.QuantileTransformer(n_quantiles=50)),
    "spline-transformer": transformer(lambda: preprocessing.SplineTransformer(n_knots=4)),
    "k-bins-ordinal": transformer(lambda: preprocessing.KBinsDiscretizer(5, encode="ordinal")),
    "k-bins-one-hot": transformer(lambda: preprocessing.KBinsDiscretizer(5, encode="onehot-dense")),
    "simple-imputer": transformer(impute.SimpleImputer, sample=gaps),
    "simple-imputer-indicator": transformer(lambda: impute.SimpleImputer(add_indicator=True), sample=gaps),
    "knn-imputer": transformer(lambda: impute.KNNImputer(n_neighbors=3), sample=gaps),
    "function-transformer": transformer(lambda: preprocessing.FunctionTransformer(np.log1p), sample=positive),
    "select-k-best": transformer(lambda: feature_selection.SelectKBest(k=3), classes(3)),
    "select-from-model": transformer(
        lambda: feature_selection.SelectFromModel(linear_model.Lasso(alpha=0.1)), target
    ),
    "recursive-feature-elimination": transformer(
        lambda: feature_selection.RFE(linear_model.Ridge(), n_features_to_select=3), target
    ),
    "variance-threshold": transformer(lambda: feature_selection.VarianceThreshold(0.5)),
    "feature-union": transformer(
        lambda: pipeline.make_union(preprocessing.StandardScaler(), decomposition.PCA(n_components=2))
    ),
    # categories and texts
    "one-hot-encoder": transformer(preprocessing.OneHotEncoder, sample=categories),
    "one-hot-encoder-drop": transformer(lambda: preprocessing.OneHotEncoder(drop="first"), sample=categories),
    "one-hot-encoder-integers": transformer(preprocessing.OneHotEncoder, sample=counts),
    "ordinal-encoder": transformer(preprocessing.OrdinalEncoder, sample=categories),
    "ordinal-encoder-integers": transformer(preprocessing.OrdinalEncoder, sample=counts),
    "target-encoder": transformer(preprocessing.TargetEncoder, target, sample=categories),
    "count-vectorizer": vectorizer(CountVectorizer),
    "count-vectorizer-binary": vectorizer(CountVectorizer, binary=True),
    "count-vectorizer-bigrams": vectorizer(CountVectorizer, ngram_range=(1, 2), max_features=40),
    "count-vectorizer-characters": vectorizer(
        CountVectorizer, analyzer="char", ngram_range=(1, 2), max_features=40
    ),
    "count-vectorizer-all-words": vectorizer(CountVectorizer, token_pattern=r"\b\w+\b"),
    "count-vectorizer-case": vectorizer(CountVectorizer, lowercase=False),
    "tfidf-vectorizer": vectorizer(TfidfVectorizer),
    "tfidf-vectorizer-sublinear": vectorizer(TfidfVectorizer, sublinear_tf=True, norm="l1"),
    "hashing-vectorizer": transformer(
        lambda: HashingVectorizer(n_features=16), sample=texts, join=flat
    ),
    # pipelines
    "pipeline-pca-logistic": classifier(
        piped(preprocessing.StandardScaler, decomposition.PCA, linear_model.LogisticRegression)
    ),
    "pipeline-polynomial-ridge": regressor(
        piped(preprocessing.StandardScaler, preprocessing.PolynomialFeatures, linear_model.Ridge)
    ),
    "pipeline-imputer-forest": classifier(
        piped(impute.SimpleImputer, small(ensemble.RandomForestClassifier)), sample=gaps
    ),
    "pipeline-text-classifier": classifier(
        piped(TfidfVectorizer, linear_model.LogisticRegression),
        letters,
        sample=texts,
        join=flat,
        options={"zipmap": False, TfidfVectorizer: {"locale": "C"}},
    ),
    "pipeline-text-zipmap": classifier(
        piped(CountVectorizer, naive_bayes.MultinomialNB),
        letters,
        zipped,
        sample=texts,
        join=flat,
        options={CountVectorizer: {"locale": "C"}},
    ),
    "column-transformer": transformer(columns, sample=table, join=frame),
    "column-transformer-logistic": classifier(
        piped(columns, linear_model.LogisticRegression), letters, sample=table, join=frame
    ),
    "column-transformer-forest": regressor(
        piped(columns, small(ensemble.RandomForestRegressor)), sample=table, join=frame
    ),
}  # fmt: skip


# -- the protocol -----------------------------------------------------------------------------------------------------


def build(name, request):
    """The case of that name, fitted on data that its name seeds."""
    case = MODELS[name](np.random.RandomState(zlib.crc32(name.encode())))
    case.dtype = request.dtype
    return case


def interface(case):
    """Inputs as they are drawn, with as many rows as one likes."""
    drawn = draw(case, np.random.RandomState(0), SIZES[0])
    return [
        {"name": name, "dtype": kind(value), "shape": ["batch"] + list(value.shape[1:])}
        for name, value in drawn.items()
    ], SIZES


def kind(array):
    """The dtype's name as the suite has it."""
    return "string" if array.dtype == object else array.dtype.name


def draw(case, generator, sizes):
    """Inputs for so many rows, numbers in the case's dtype."""
    drawn = case.sample(generator, sizes["batch"])
    return {name: in_dtype(value, case.dtype) for name, value in drawn.items()}


def in_dtype(value, dtype):
    """Floating-point arrays in that dtype, others as they are."""
    return value.astype(dtype) if getattr(value, "dtype", np.dtype(int)).kind == "f" else value


def truth(case, inputs):
    """What the estimator predicts from the same inputs in float64."""
    outputs = case.predict({name: in_dtype(value, "float64") for name, value in inputs.items()})
    return {name: in_dtype(value, "float64") for name, value in outputs.items()}


def run(case, inputs):
    """What the estimator predicts; it may compute, and answer, in float64 all the same."""
    return {name: in_dtype(value, case.dtype) for name, value in case.predict(inputs).items()}


def skl2onnx(case, inputs, request, path):
    """skl2onnx walks the fitted estimator."""
    types = [(name, declared(name, value, request)) for name, value in inputs.items()]
    options, opset = chosen(case), request.opset
    if case.ml_opset:  # without it the converter refuses its own default
        opset = {"": opset or get_latest_tested_opset_version(), "ai.onnx.ml": case.ml_opset}
    model = convert_sklearn(case.estimator, name="model", initial_types=types, options=options, target_opset=opset)
    with open(path, "wb") as file:
        file.write(model.SerializeToString())


def chosen(case):
    """The case's options as skl2onnx takes them: the estimator's own, and those of classes of estimators in it."""
    options = case.options or {}
    found = {part: value for part, value in options.items() if not isinstance(part, str)}
    own = {name: value for name, value in options.items() if isinstance(name, str)}
    if own:
        found[id(case.estimator)] = own
    return found or None


def declared(name, value, request):
    """skl2onnx's type of an input: its number of rows is open where the request wants that."""
    shape = [None if axis in request.dynamic[name] else size for axis, size in enumerate(value.shape)]
    types = dict(DTYPE_TYPES, int64=Int64TensorType, string=StringTensorType)
    return types[kind(value)](shape)


EXPORTERS = {"skl2onnx": skl2onnx}
