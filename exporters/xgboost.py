"""XGBoost: models fitted on seeded synthetic data, written to ONNX by onnxmltools.

These models are the source's own: MODELS names them. Each entry is function(random) -> Case, where `random` is seeded
by the name. XGBoost computes in float32; the truth adds up, in float64, the leaves in which it says that rows end.
"""

import json
import os
import zlib

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import xgboost as xgb
from onnxmltools import convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType

PACKAGES = ("xgboost-cpu", "onnxmltools", "skl2onnx", "onnx", "numpy")
LAYERS = {}
UNSUPPORTED = (
    r"Cannot convert a XGBoost model",
    r"No proper operator name found",
)

#: Rows of the input sets.
SIZES = [{"batch": 16}, {"batch": 16}, {"batch": 1}, {"batch": 40}]
ROWS = 400
COMMON = {"n_estimators": 12, "max_depth": 4, "n_jobs": 1, "random_state": 0}
LOGS = ("count:poisson", "reg:gamma", "reg:tweedie")
LOGISTIC = ("binary:logistic", "reg:logistic")


class Case:
    """A fitted model, how its inputs are drawn, and whether it answers with classes and their probabilities."""

    def __init__(self, model, sample, classifies=False):
        self.model, self.sample, self.classifies = model, sample, classifies


# -- data -------------------------------------------------------------------------------------------------------------


def numbers(random, rows):
    """Six features of different scale and place."""
    return random.standard_normal((rows, 6)) * [1, 2, 0.5, 1, 3, 1] + [0, 1, 0, -1, 0, 2]


def gaps(random, rows):
    """Features of which one in seven is missing (NaN)."""
    values = numbers(random, rows)
    values[random.uniform(size=values.shape) < 1 / 7] = np.nan
    return values


def tenths(random, rows):
    """Features with one decimal, as measured: many inputs equal a threshold, which XGBoost takes from the data."""
    return np.round(numbers(random, rows), 1)


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


def shares(x):
    """Numbers between 0 and 1 to learn."""
    return 1 / (1 + np.exp(-target(x)))


def two_targets(x):
    """Two numbers to learn."""
    return np.stack([target(x), x[:, 0] - x[:, 1]], 1)


def classes(count):
    """Function: classes 0, 1, … of about the same size."""
    return lambda x: np.argsort(np.argsort(target(x), kind="stable")) * count // len(x)


def rare(x):
    """Two classes, of which the second is one in eight."""
    return (np.argsort(np.argsort(target(x), kind="stable")) * 8 // len(x) == 7).astype(int)


def likely(x):
    """Two classes, of which the second is the likelier one everywhere, if only just: no leaf need be negative."""
    luck = np.mod(x[:, 5] * 1e4, 1)
    return (luck < np.where(target(x) < 3, 0.65, 0.95)).astype(int)


# -- entries ----------------------------------------------------------------------------------------------------------


def fitted(make, learn, classifies, sample=numbers, drawn=None, held_out=False, **settings):
    """An entry: make(**settings) is fitted on `sample` to learn(features); inputs are drawn by `drawn` or `sample`."""

    def entry(random):
        x = sample(random, ROWS)
        model = make(**dict(COMMON, **settings))
        if held_out:
            model.fit(x[::2], learn(x)[::2], eval_set=[(x[1::2], learn(x)[1::2])], verbose=False)
        else:
            model.fit(x, learn(x))
        return Case(model, drawn or sample, classifies)

    return entry


def regressor(learn=target, **settings):
    """An entry for a regressor."""
    return fitted(xgb.XGBRegressor, learn, False, **settings)


def classifier(learn=None, **settings):
    """An entry for a classifier."""
    return fitted(xgb.XGBClassifier, learn or classes(3), True, **settings)


def ranker(random):
    """Queries of ten documents, each with a grade from 0 to 3."""
    x = numbers(random, ROWS)
    model = xgb.XGBRanker(**COMMON).fit(x, classes(4)(x), qid=np.repeat(np.arange(ROWS // 10), 10))
    return Case(model, numbers)


def booster(random):
    """A model of XGBoost's own interface, without scikit-learn's."""
    x = numbers(random, ROWS)
    settings = {"objective": "reg:squarederror", "max_depth": 4, "nthread": 1}
    return Case(xgb.train(settings, xgb.DMatrix(x, target(x)), num_boost_round=12), numbers)


LIKELY = {"base_score": 0.5, "n_estimators": 6, "max_depth": 2, "learning_rate": 0.1, "min_child_weight": 15}
CATEGORIES = {"sample": categories, "feature_types": ["c", "c", "q", "q", "q", "q"], "enable_categorical": True}
ONE_HOT = {"max_cat_to_onehot": 20}
STOPPING = {"held_out": True, "n_estimators": 60, "learning_rate": 0.8, "early_stopping_rounds": 3}

MODELS = {
    "xgboost-regressor": regressor(),
    "xgboost-regressor-exact": regressor(tree_method="exact"),
    "xgboost-regressor-lossguide": regressor(grow_policy="lossguide", max_leaves=8, max_depth=0),
    "xgboost-regressor-base-score": regressor(base_score=10.0),
    "xgboost-regressor-absolute": regressor(objective="reg:absoluteerror"),
    "xgboost-regressor-pseudo-huber": regressor(objective="reg:pseudohubererror"),
    "xgboost-regressor-squared-log": regressor(rates, objective="reg:squaredlogerror"),
    "xgboost-regressor-quantile": regressor(objective="reg:quantileerror", quantile_alpha=0.8),
    "xgboost-regressor-logistic": regressor(shares, objective="reg:logistic"),
    "xgboost-regressor-poisson": regressor(rates, objective="count:poisson"),
    "xgboost-regressor-gamma": regressor(rates, objective="reg:gamma"),
    "xgboost-regressor-tweedie": regressor(rates, objective="reg:tweedie"),
    "xgboost-regressor-missing": regressor(sample=gaps),
    "xgboost-regressor-missing-unseen": regressor(drawn=gaps),
    "xgboost-regressor-missing-number": regressor(missing=-999.0),
    "xgboost-regressor-tenths": regressor(sample=tenths),
    "xgboost-regressor-categories": regressor(**CATEGORIES),
    "xgboost-regressor-categories-one-hot": regressor(**dict(CATEGORIES, **ONE_HOT)),
    "xgboost-regressor-categories-strangers": regressor(**dict(CATEGORIES, drawn=strangers)),
    "xgboost-regressor-categories-missing": regressor(**dict(CATEGORIES, drawn=missing_categories)),
    "xgboost-regressor-two-targets": regressor(two_targets),
    "xgboost-regressor-early-stopping": regressor(**STOPPING),
    "xgboost-regressor-dart": regressor(booster="dart", rate_drop=0.3),
    "xgboost-regressor-forest": fitted(xgb.XGBRFRegressor, target, False),
    "xgboost-booster": booster,
    "xgboost-binary": classifier(classes(2)),
    "xgboost-binary-rare": classifier(rare),
    "xgboost-binary-likely": classifier(likely, **LIKELY),
    "xgboost-binary-base-score": classifier(classes(2), base_score=0.3),
    "xgboost-binary-hinge": classifier(classes(2), objective="binary:hinge"),
    "xgboost-binary-missing": classifier(classes(2), sample=gaps),
    "xgboost-binary-dart": classifier(classes(2), booster="dart", rate_drop=0.3),
    "xgboost-binary-early-stopping": classifier(classes(2), **STOPPING),
    "xgboost-binary-forest": fitted(xgb.XGBRFClassifier, classes(2), True),
    "xgboost-classifier": classifier(),
    "xgboost-classifier-softmax": classifier(objective="multi:softmax"),
    "xgboost-classifier-base-score": classifier(base_score=0.7),
    "xgboost-classifier-rare": classifier(lambda x: rare(x) + 2 * (x[:, 0] > 1.5) * (1 - rare(x))),
    "xgboost-classifier-missing": classifier(sample=gaps),
    "xgboost-classifier-categories": classifier(**CATEGORIES),
    "xgboost-classifier-early-stopping": classifier(**STOPPING),
    "xgboost-classifier-forest": fitted(xgb.XGBRFClassifier, classes(3), True),
    "xgboost-ranker": ranker,
}


# -- the truth --------------------------------------------------------------------------------------------------------


def margins(model, x):
    """(rows, groups): the leaves that XGBoost finds, added up in float64, with the base score."""
    raw = raw_booster(model)
    learner = json.loads(bytes(raw.save_raw("json")).decode())["learner"]
    gradient = learner["gradient_booster"]
    weights = gradient.get("weight_drop", None)
    trees = gradient.get("gbtree", gradient)["model"]
    ends = ended(model, x)
    base = based(learner["objective"]["name"], json.loads(learner["learner_model_param"]["base_score"]))
    total = np.zeros((len(x), 1 + max(trees["tree_info"]))) + base
    for number, group in enumerate(trees["tree_info"][: ends.shape[1]]):
        leaves = np.array(trees["trees"][number]["split_conditions"], np.float64)
        total[:, group] += leaves[ends[:, number]] * (weights[number] if weights else 1.0)
    return total


def raw_booster(model):
    """What is beneath scikit-learn's interface."""
    return model if isinstance(model, xgb.Booster) else model.get_booster()


def ended(model, x):
    """(rows, trees): the number of the leaf of each tree in which each row ends."""
    own = isinstance(model, xgb.Booster)
    found = model.predict(xgb.DMatrix(x), pred_leaf=True) if own else model.apply(x)
    return found.reshape(len(x), -1).astype(int)


def based(objective, scores):
    """The base score where leaves are added up: the file has it where predictions are."""
    scores = np.atleast_1d(np.asarray(scores, np.float64))
    if objective in LOGS:
        return np.log(scores)
    return np.log(scores / (1 - scores)) if objective in LOGISTIC else scores


def linked(objective, total):
    """What the objective makes of the sums."""
    if objective in LOGS:
        return np.exp(total)
    if objective in LOGISTIC:
        return 1 / (1 + np.exp(-total))
    if objective == "binary:hinge":
        return (total > 0).astype(np.float64)
    if objective.startswith("multi:"):
        powers = np.exp(total - total.max(1, keepdims=True))
        return powers / powers.sum(1, keepdims=True)
    return total


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
    """The outputs, computed in float64 from the leaves."""
    config = json.loads(raw_booster(case.model).save_config())
    found = linked(config["learner"]["objective"]["name"], margins(case.model, inputs["x"]))
    if not case.classifies:
        return {"variable": found}
    if found.shape[1] == 1:
        found = np.concatenate([1 - found, found], 1)
    return {"label": np.argmax(found, 1), "probabilities": found}


def run(case, inputs):
    """What XGBoost predicts."""
    x = inputs["x"]
    if isinstance(case.model, xgb.Booster):
        return {"variable": case.model.predict(xgb.DMatrix(x))[:, None]}
    if not case.classifies:
        return {"variable": case.model.predict(x).reshape(len(x), -1)}
    return {"label": case.model.predict(x).astype(np.int64), "probabilities": case.model.predict_proba(x)}


def onnxmltools(case, inputs, request, path):
    """onnxmltools walks the dumped trees."""
    rows = None if request.dynamic["x"] else len(inputs["x"])
    model = convert_xgboost(
        case.model, name="model", initial_types=[("x", FloatTensorType([rows, 6]))], target_opset=request.opset
    )
    with open(path, "wb") as file:
        file.write(model.SerializeToString())


EXPORTERS = {"onnxmltools": onnxmltools}
