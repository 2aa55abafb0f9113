"""The trained model: its file, its importances."""

import sys

from . import cairn

KINDS = ("split", "gain")
MAX_FEATURES = 10_000


@cairn.guard
def save_booster(fit, booster):
    """Saves a Booster in LightGBM's own text format."""
    return cairn.models.saved(cairn, fit, "model.lgb", booster.save_model)


@cairn.guard
def save_estimator(fit, estimator, clock):
    """Pickles an estimator: LightGBM's text format holds the booster alone, not the classes or the settings."""
    return cairn.models.pickled(cairn, fit, "model.pkl", estimator, clock)


@cairn.guard
def record_model(fit, model, rows, schema, saved, outputs=None):
    pickled = hasattr(model, "get_params")
    needed = ["lightgbm", "numpy", "scipy"] + (["pandas"] if cairn.tabular.is_frame(rows) else [])
    needed += ["sklearn", "cloudpickle"] if pickled else []
    facts = cairn.models.describe(
        saved,
        rows=rows,
        whole=schema,
        outputs=outputs or cairn.models.outputs_of(model.predict, rows),
        requirements=cairn.models.versions(*needed),
        model_class=type(model).__module__ + "." + type(model).__name__,
        format="cloudpickle" if pickled else "",
        version=sys.modules["lightgbm"].__version__,
    )
    fit.emit("fit.model", facts, files=saved.files)


@cairn.guard
def record_importance(fit, booster):
    """The importance of each feature: how often it splits, and what its splits gain."""
    names = booster.feature_name()
    if len(names) > MAX_FEATURES:
        fit.warn("importances were left out: there are more than %d features" % MAX_FEATURES)
        return
    for kind in KINDS:
        values = [float(value) for value in booster.feature_importance(importance_type=kind)]
        fit.emit("fit.importance", {"name": kind, "kind": kind, "features": names, "values": values})
