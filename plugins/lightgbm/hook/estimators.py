"""What is special about LightGBM's estimators, for scikit-learn's hook, which records their fits."""

import inspect
import sys

from . import cairn
from .model import record_importance, record_model, save_estimator


class Specialist:
    """Each method may fail: then the fit is recorded without that part."""

    @cairn.guard
    def facts(self, estimator):
        """The params that were set: those that differ from LightGBM's defaults."""
        defaults = inspect.signature(sys.modules["lightgbm.sklearn"].LGBMModel.__init__).parameters
        params = {}
        for key, value in estimator.get_params().items():
            default = defaults[key].default if key in defaults else None
            if value is not None and (key == "n_estimators" or type(value) is not type(default) or value != default):
                params[key] = cairn.calls.text(value)
        return {"autologging": "lightgbm", "params": params}

    def save(self, fit, estimator, clock):
        return save_estimator(fit, estimator, clock)

    @cairn.guard
    def importance(self, fit, estimator, clock):
        record_importance(fit.seen_by(cairn), estimator.booster_)

    @cairn.guard
    def record(self, fit, estimator, rows, saved):
        outputs = cairn.tabular.schema(fit.predicted) if fit.predicted is not None else None
        record_model(fit.seen_by(cairn), estimator, rows, fit.schema, saved, outputs)
