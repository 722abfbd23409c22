"""LightGBM: models fitted on seeded synthetic data, written to ONNX by onnxmltools.

These models are the source's own: MODELS names them. Each entry is function(random) -> Case, where `random` is seeded
by the name. LightGBM computes in float64, so its own prediction is the truth.
"""

import os
import zlib

os.environ["OMP_NUM_THREADS"] = "1"

import lightgbm as lgb
import numpy as np
from onnxmltools import convert_lightgbm
from onnxmltools.convert.common.data_types import FloatTensorType

PACKAGES = ("lightgbm", "onnxmltools", "skl2onnx", "onnx", "numpy")
LAYERS = {}
UNSUPPORTED = (r"objective should be cleaned already",)

#: Rows of the input sets.
SIZES = [{"batch": 16}, {"batch": 16}, {"batch": 1}, {"batch": 40}]
ROWS = 400
COMMON = {"n_estimators": 12, "num_leaves": 8, "n_jobs": 1, "random_state": 0, "verbose": -1, "deterministic": True}
LETTERS = np.array(["low", "middle", "high"], object)


class Case:
    """A fitted model, how its inputs are drawn, and which of its methods are the outputs.

    sample: function(random, rows) -> features in float64
    outputs: {output: function(model, features) -> array or list of dicts}
    """

    def __init__(self, model, sample, outputs, options):
        self.model, self.sample, self.outputs, self.options = model, sample, outputs, options


# -- data -------------------------------------------------------------------------------------------------------------


def numbers(random, rows):
    """Six features of different scale and place."""
    return random.standard_normal((rows, 6)) * [1, 2, 0.5, 1, 3, 1] + [0, 1, 0, -1, 0, 2]


def gaps(random, rows):
    """Features of which one in seven is missing (NaN)."""
    values = numbers(random, rows)
    values[random.uniform(size=values.shape) < 1 / 7] = np.nan
    return values


def zeros(random, rows):
    """Features of which every other one is 0, as in sparse tables."""
    values = numbers(random, rows)
    values[random.uniform(size=values.shape) < 1 / 2] = 0.0
    return values


def tenths(random, rows):
    """Features with one decimal, as measured: at prediction there is one step in between (see `finer`)."""
    return np.round(numbers(random, rows), 1)


def finer(random, rows):
    """Features in steps of 0.05: some lie just where a threshold between two tenths does."""
    return np.round(numbers(random, rows) * 20) / 20


def categories(random, rows):
    """Two features that are numbers of categories, and four numbers."""
    values = numbers(random, rows)
    values[:, :2] = random.randint(0, 8, (rows, 2))
    return values


def strangers(random, rows):
    """Like `categories`, with categories that were not seen when the model was fitted."""
    values = categories(random, rows)
    values[::3, 0] = 11
    return values


def missing_categories(random, rows):
    """Like `categories`, some of them missing."""
    values = categories(random, rows)
    values[::3, 0] = np.nan
    return values


def target(x):
    """What is to be learnt, a number for each row."""
    x = np.nan_to_num(x)
    parity = np.where(x[:, 0] % 3 == 1, 1.5, 0.0)
    return 3.0 + x[:, 0] * 0.5 + parity + x[:, 1] * x[:, 2] - 0.5 * x[:, 3] ** 2 + np.sin(x[:, 4]) + 0.3 * x[:, 5]


def rates(x):
    """Positive numbers to learn."""
    return np.exp(0.2 * target(x))


def classes(count):
    """Function: classes 0, 1, … of about the same size."""
    return lambda x: np.argsort(np.argsort(target(x), kind="stable")) * count // len(x)


def letters(x):
    """Classes that are texts."""
    return LETTERS[classes(3)(x)]


# -- entries ----------------------------------------------------------------------------------------------------------


def fitted(kind, outputs, learn, sample=numbers, drawn=None, fit=None, options=None, **settings):
    """An entry: kind(**settings) is fitted on `sample` to learn(features); inputs are drawn by `drawn` or `sample`."""

    def entry(random):
        x = sample(random, ROWS)
        model = kind(**dict(COMMON, **settings)).fit(x, learn(x), **(fit or {}))
        return Case(model, drawn or sample, outputs, options or {})

    return entry


def column(values):
    """Numbers as a column: the operators of ai.onnx.ml give one for each target."""
    return np.reshape(values, (len(values), -1))


def predicted(model, x):
    """Numbers."""
    return column(model.predict(x))


def labels(model, x):
    """The predicted classes."""
    return model.predict(x)


def probabilities(model, x):
    """The probability of each class."""
    return model.predict_proba(x)


def zipped(model, x):
    """Probabilities as onnxmltools gives them if not told otherwise: {class: probability} for each row."""
    names = [name if isinstance(name, str) else int(name) for name in model.classes_]
    return [dict(zip(names, map(float, row))) for row in model.predict_proba(x)]


def regressor(learn=target, **settings):
    """An entry for a regressor."""
    return fitted(lgb.LGBMRegressor, {"variable": predicted}, learn, **settings)


def classifier(learn=None, scores=probabilities, **settings):
    """An entry for a classifier."""
    options = {} if scores is zipped else {"zipmap": False}
    outputs = {"label": labels, "probabilities": scores}
    return fitted(lgb.LGBMClassifier, outputs, learn or classes(3), options=options, **settings)


def ranker(random):
    """Queries of ten documents, each with a grade from 0 to 3."""
    x = numbers(random, ROWS)
    model = lgb.LGBMRanker(**COMMON).fit(x, classes(4)(x), group=[10] * (ROWS // 10))
    return Case(model, numbers, {"variable": predicted}, {})


def booster(random):
    """A model of LightGBM's own interface, without scikit-learn's."""
    x = numbers(random, ROWS)
    settings = {"objective": "regression", "num_leaves": 8, "num_threads": 1, "verbose": -1, "seed": 0}
    model = lgb.train(settings, lgb.Dataset(x, target(x)), num_boost_round=12)
    return Case(model, numbers, {"variable": predicted}, {})


def booster_classifier(random):
    """A classifier of LightGBM's own interface, which predicts probabilities."""
    x = numbers(random, ROWS)
    settings = {"objective": "multiclass", "num_class": 3, "num_leaves": 8, "num_threads": 1, "verbose": -1, "seed": 0}
    model = lgb.train(settings, lgb.Dataset(x, classes(3)(x)), num_boost_round=12)
    outputs = {"label": lambda m, x: np.argmax(m.predict(x), 1), "probabilities": lambda m, x: m.predict(x)}
    return Case(model, numbers, outputs, {"zipmap": False})


TWO = {"categorical_feature": [0, 1]}
FOREST = {"boosting_type": "rf", "subsample": 0.7, "subsample_freq": 1}

MODELS = {
    "lightgbm-regressor": regressor(),
    "lightgbm-regressor-split": regressor(n_estimators=40, options={"split": 10}),
    "lightgbm-regressor-l1": regressor(objective="regression_l1"),
    "lightgbm-regressor-huber": regressor(objective="huber"),
    "lightgbm-regressor-quantile": regressor(objective="quantile", alpha=0.8),
    "lightgbm-regressor-mape": regressor(objective="mape"),
    "lightgbm-regressor-fair": regressor(objective="fair"),
    "lightgbm-regressor-poisson": regressor(rates, objective="poisson"),
    "lightgbm-regressor-gamma": regressor(rates, objective="gamma"),
    "lightgbm-regressor-tweedie": regressor(rates, objective="tweedie"),
    "lightgbm-regressor-cross-entropy": regressor(lambda x: 1 / (1 + np.exp(-target(x))), objective="cross_entropy"),
    "lightgbm-regressor-sqrt": regressor(rates, reg_sqrt=True),
    "lightgbm-regressor-dart": regressor(boosting_type="dart"),
    "lightgbm-regressor-forest": regressor(**FOREST),
    "lightgbm-regressor-forest-100": regressor(**dict(FOREST, n_estimators=100)),
    "lightgbm-regressor-goss": regressor(data_sample_strategy="goss"),
    "lightgbm-regressor-linear-tree": regressor(linear_tree=True),
    "lightgbm-regressor-missing": regressor(sample=gaps),
    "lightgbm-regressor-missing-unseen": regressor(drawn=gaps),
    "lightgbm-regressor-zero-as-missing": regressor(sample=zeros, zero_as_missing=True),
    "lightgbm-regressor-sparse": regressor(sample=zeros),
    "lightgbm-regressor-sparse-missing": regressor(sample=zeros, drawn=gaps),
    "lightgbm-regressor-categories": regressor(sample=categories, fit=TWO, min_data_per_group=5, cat_smooth=1),
    "lightgbm-regressor-categories-strangers": regressor(
        sample=categories, drawn=strangers, fit=TWO, min_data_per_group=5, cat_smooth=1
    ),
    "lightgbm-regressor-categories-missing": regressor(
        sample=categories, drawn=missing_categories, fit=TWO, min_data_per_group=5, cat_smooth=1
    ),
    "lightgbm-regressor-tenths": regressor(sample=tenths, drawn=finer),
    "lightgbm-regressor-trained-tenths": regressor(sample=tenths),
    "lightgbm-booster": booster,
    "lightgbm-booster-classifier": booster_classifier,
    "lightgbm-binary": classifier(classes(2)),
    "lightgbm-binary-zipmap": classifier(classes(2), zipped),
    "lightgbm-binary-forest": classifier(classes(2), **FOREST),
    "lightgbm-binary-missing": classifier(classes(2), sample=gaps),
    "lightgbm-binary-dart": classifier(classes(2), boosting_type="dart"),
    "lightgbm-binary-unbalanced": classifier(classes(2), is_unbalance=True, sigmoid=0.7),
    "lightgbm-classifier": classifier(),
    "lightgbm-classifier-strings": classifier(letters),
    "lightgbm-classifier-strings-zipmap": classifier(letters, zipped),
    "lightgbm-classifier-forest": classifier(**FOREST),
    "lightgbm-classifier-one-vs-all": classifier(objective="multiclassova"),
    "lightgbm-classifier-categories": classifier(sample=categories, fit=TWO, min_data_per_group=5, cat_smooth=1),
    "lightgbm-ranker": ranker,
}


# -- the protocol -----------------------------------------------------------------------------------------------------


def build(name, request):
    """The case of that name, fitted on data that its name seeds."""
    return MODELS[name](np.random.RandomState(zlib.crc32(name.encode())))


def interface(case):
    """One table of numbers, with as many rows as one likes."""
    return [{"name": "x", "dtype": "float32", "shape": ["batch", 6]}], SIZES


def draw(case, generator, sizes):
    """Features for so many rows."""
    return {"x": case.sample(generator, sizes["batch"]).astype(np.float32)}


def truth(case, inputs):
    """What LightGBM predicts, which it does in float64."""
    x = inputs["x"].astype(np.float64)
    return {name: call(case.model, x) for name, call in case.outputs.items()}


def run(case, inputs):
    """What LightGBM predicts from the table in float32; its answer rounded."""
    outputs = {name: call(case.model, inputs["x"]) for name, call in case.outputs.items()}
    return {name: rounded(value) for name, value in outputs.items()}


def rounded(value):
    """Floating-point arrays in float32."""
    return value.astype(np.float32) if getattr(value, "dtype", np.dtype(int)).kind == "f" else value


def onnxmltools(case, inputs, request, path):
    """onnxmltools walks the dumped trees."""
    rows = None if request.dynamic["x"] else len(inputs["x"])
    model = convert_lightgbm(
        case.model,
        name="model",
        initial_types=[("x", FloatTensorType([rows, 6]))],
        target_opset=request.opset,
        **case.options,
    )
    with open(path, "wb") as file:
        file.write(model.SerializeToString())


EXPORTERS = {"onnxmltools": onnxmltools}
