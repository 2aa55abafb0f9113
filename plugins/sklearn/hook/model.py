"""Saves the fitted model."""

from . import cairn


@cairn.guard
def save_model(fit, estimator, clock):
    """Pickles the model: what cairn.models tells of the file, or None. It comes first, as the part that matters most."""
    return cairn.models.pickled(cairn, fit, "model.pkl", estimator, clock)


@cairn.guard
def record_model(fit, estimator, rows, saved):
    facts = cairn.models.describe(
        saved,
        rows=rows,
        whole=fit.schema,
        outputs=outputs(fit, estimator, rows),
        requirements=requirements(estimator, fit),
        format="cloudpickle",
        predicts=hasattr(estimator, "predict"),
    )
    fit.emit("fit.model", facts, files=saved.files)


def outputs(fit, estimator, rows):
    """The schema of what the model gives, None if that cannot be told."""
    if fit.predicted is not None:
        return cairn.tabular.schema(fit.predicted)
    for name in ("predict", "transform"):
        if hasattr(estimator, name):
            return cairn.models.outputs_of(getattr(estimator, name), rows)
    return None


def requirements(estimator, fit):
    """{distribution: version} of what the model needs to be loaded and used: the packages of its parts, of scikit-learn
    beneath them, and of the data it takes."""
    tops = {"sklearn", "numpy", "scipy", "joblib"}
    if cairn.tabular.is_frame(fit.X):
        tops.add("pandas")
    for value in [estimator, *estimator.get_params(deep=True).values()]:
        for part in value if isinstance(value, (list, tuple)) else (value,):
            part = part[1] if isinstance(part, tuple) and len(part) > 1 else part
            home = getattr(part, "__module__", None) or type(part).__module__
            tops.add(str(home).partition(".")[0])
    return dict(cairn.models.versions(*tops), cloudpickle=cairn.models.pickler().__version__)
