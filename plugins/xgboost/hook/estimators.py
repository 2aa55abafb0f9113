"""What is special about XGBoost's estimators, for scikit-learn's hook, which records their fits."""

from . import cairn
from .model import record_importance, record_model, save_model

text = cairn.calls.text


class Specialist:
    """Each method may fail: then the fit is recorded without that part."""

    @cairn.guard
    def facts(self, estimator):
        """The params that were set. Those that were not are None in get_params(), and XGBoost decides."""
        params = {key: text(value) for key, value in estimator.get_params().items() if is_set(key, value)}
        params.setdefault("n_estimators", text(estimator.get_num_boosting_rounds()))
        return {"autologging": "xgboost", "params": params}

    def save(self, fit, estimator, clock):
        return save_model(fit, estimator, clock)

    @cairn.guard
    def importance(self, fit, estimator, clock):
        record_importance(fit.seen_by(cairn), estimator.get_booster())

    @cairn.guard
    def record(self, fit, estimator, rows, saved):
        outputs = cairn.tabular.schema(fit.predicted) if fit.predicted is not None else None
        record_model(fit.seen_by(cairn), estimator, rows, fit.schema, saved, outputs)


def is_set(key, value):
    if value is None or key == "missing" and value != value:
        return False
    return not (key == "enable_categorical" and value is False)
