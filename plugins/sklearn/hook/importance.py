"""Which features matter to a model."""

from . import cairn

MAX_FEATURES = 10_000


@cairn.guard
def record_importance(fit, estimator, clock):
    if clock.left() <= 0:
        return
    final, before = getattr(estimator, "best_estimator_", estimator), None
    if hasattr(final, "steps"):
        final, before = final.steps[-1][1], final[:-1]
    kind, values = importance_of(final)
    if values is None or not 0 < len(values) <= MAX_FEATURES:
        return
    fit.emit("fit.importance", {"kind": kind, "features": feature_names(final, before, len(values)), "values": values})


def importance_of(final):
    values = getattr(final, "feature_importances_", None)
    if values is not None:
        return "feature_importances_", [float(value) for value in values]
    coefficients = getattr(final, "coef_", None)
    if coefficients is None or cairn.tabular.is_sparse(coefficients):
        return "", None
    if coefficients.ndim == 1 or coefficients.shape[0] == 1:
        return "coef_", [float(value) for value in coefficients.ravel()]
    return "mean |coef_|", [float(value) for value in abs(coefficients).mean(axis=0)]


def feature_names(final, before, count):
    names = getattr(final, "feature_names_in_", None)
    if names is None and before is not None and len(before):
        try:
            names = before.get_feature_names_out()
        except Exception:  # transformers of the user's own often have none
            names = None
    if names is None or len(names) != count:
        return ["x%d" % at for at in range(count)]
    return [str(name) for name in names]
