"""The trained model: its file, its importances."""

import sys

from . import cairn

KINDS = ("weight", "gain", "cover", "total_gain", "total_cover")
MAX_FEATURES = 10_000


@cairn.guard
def save_model(fit, model, clock):
    """Saves a Booster or an XGBModel in XGBoost's own binary format, which MLflow loads without unpickling anything."""
    return cairn.models.saved(cairn, fit, "model.ubj", model.save_model)


@cairn.guard
def record_model(fit, model, rows, schema, saved, outputs=None):
    predict = model.predict
    if not hasattr(model, "get_params"):
        matrix = sys.modules["xgboost"].DMatrix
        predict = lambda rows: model.predict(matrix(rows))  # noqa: E731
    needed = ["xgboost", "numpy", "scipy"]
    needed += ["pandas"] if cairn.tabular.is_frame(rows) else []
    needed += ["sklearn"] if hasattr(model, "get_params") else []
    facts = cairn.models.describe(
        saved,
        rows=rows,
        whole=schema,
        outputs=outputs or cairn.models.outputs_of(predict, rows),
        requirements=cairn.models.versions(*needed),
        model_class=home_class(type(model)),
        version=sys.modules["xgboost"].__version__,
    )
    fit.emit("fit.model", facts, files=saved.files)


def home_class(cls):
    """The class that loads the model: XGBoost's own, also for one that the user derived from it."""
    for base in cls.__mro__:
        if base.__module__.partition(".")[0] == "xgboost":
            return base.__module__ + "." + base.__name__
    return cls.__module__ + "." + cls.__name__


@cairn.guard
def record_importance(fit, booster):
    """The importance of each feature, of every kind that the booster has: a linear one has weights alone."""
    names = booster.feature_names or ["f%d" % at for at in range(booster.num_features())]
    if len(names) > MAX_FEATURES:
        fit.warn("importances were left out: there are more than %d features" % MAX_FEATURES)
        return
    for kind in KINDS:
        try:
            scores = booster.get_score(importance_type=kind)
        except ValueError:
            continue
        values = [mean(scores.get(name, 0.0)) for name in names]
        fit.emit("fit.importance", {"name": kind, "kind": kind, "features": list(names), "values": values})


def mean(value):
    """Of a linear model for several classes a feature has a weight for each class."""
    if isinstance(value, (list, tuple)):
        return sum(abs(float(part)) for part in value) / max(len(value), 1)
    return float(value)
