"""lightgbm.train and lightgbm.cv."""

import inspect
import sys

from . import cairn
from .data import Data
from .model import record_importance, record_model, save_booster

text = cairn.calls.text

# Arguments that say how the training goes; those with data, functions and results in them are told otherwise.
SETTINGS = ("num_boost_round", "nfold", "stratified", "shuffle", "metrics", "seed")
# Names under which LightGBM takes a seed in its params.
SEEDS = (
    "seed", "random_seed", "random_state", "bagging_seed", "feature_fraction_seed", "drop_seed", "data_random_seed",
    "objective_seed", "extra_seed",
)
# Callbacks are called in this order; those of the user's without one come from -1 downwards, and may end the training.
FIRST = -1_000_000


@cairn.guard
def begin(original, args, kwargs, frame):
    """What watches a call of train or cv; None where nothing is to be recorded."""
    bound = inspect.signature(original).bind(*args, **kwargs)
    if not cairn.nested():
        return (Training if original.__name__ == "train" else CrossValidation)(bound, frame)
    enclosing = cairn.fits.enclosing()
    if enclosing is not None and cairn.fits.last_step(enclosing.subject(), "lightgbm"):
        return Part(bound, enclosing)
    return None


class CrossValidation(cairn.calls.Watch):
    """One call of cv: mean and deviation over the folds, round by round."""

    def __init__(self, bound, frame):
        fit = cairn.fits.Fit(cairn)
        given = bound.arguments
        train_set = given["train_set"]
        self._data = Data(train_set, cairn.frames.variable_name(train_set, frame, "train_set"))
        self._valid = [Data(dataset, name) for dataset, name in validation(given) if dataset is not train_set]
        self._rounds = Rounds(fit)
        fit.emit("fit.start", describe(given, bound.signature))
        super().__init__(cairn, fit, *with_callback(bound, self._rounds))

    def examine(self, result, clock):
        self.record_inputs(clock)

    def record_inputs(self, clock):
        """Gives the schema of the training data."""
        self._rounds.close()
        schema = self._data.record(self.fit, "train", clock)
        for data in self._valid:
            data.record(self.fit, "eval", clock)
        return schema

    def conclude(self):
        self._rounds.close()
        self._data, self._valid = None, []


class Training(CrossValidation):
    """One call of train."""

    def examine(self, booster, clock):
        saved = save_booster(self.fit, booster)
        schema = self.record_inputs(clock)
        record_best(self.fit, booster, self._rounds)
        record_importance(self.fit, booster)
        if saved is not None:
            record_model(self.fit, booster, self._data.rows, schema, saved)


class Part(cairn.calls.PartWatch):
    """The training of a booster inside an estimator's fit: its rounds are added to that."""

    def __init__(self, bound, enclosing):
        self._rounds = Rounds(enclosing.seen_by(cairn))
        super().__init__(cairn, enclosing, *with_callback(bound, self._rounds))

    def examine(self, booster, clock):
        record_best(self.part, booster, self._rounds)

    def conclude(self):
        self._rounds.close()


class Rounds:
    """What the callback sees of each round."""

    def __init__(self, fit):
        self._points = cairn.Points(fit)
        self.last = -1

    @cairn.guard
    def add(self, env):
        values = {}
        for data, metric, value, deviation in map(unpack, env.evaluation_result_list or ()):
            name = "%s-%s" % (data, metric.replace("@", "_at_"))  # as MLflow names ndcg@5
            if deviation is None:
                values[name] = value
            else:
                values[name + "-mean"], values[name + "-std"] = value, deviation
        self.last = env.iteration
        if values:
            self._points.add(env.iteration, values)

    def close(self):
        self._points.flush()


def unpack(result):
    """Data, metric, value and, of a cross-validation, deviation of a result. Up to LightGBM 4.6 it is a tuple, where cv
    names data and metric in one text."""
    if hasattr(result, "metric_name"):
        return result.dataset_name, result.metric_name, result.metric_value, result.metric_std_dev
    data, metric, value = result[:3]
    if data == "cv_agg":
        data, _, metric = metric.partition(" ")
    return data, metric, value, result[4] if len(result) > 4 else None


def with_callback(bound, rounds):
    """The arguments of the call with one callback more."""

    def record(env):
        rounds.add(env)

    record.order = FIRST
    given = dict(bound.arguments)
    given["callbacks"] = [*(given.get("callbacks") or ()), record]
    bound.arguments = given
    return bound.args, bound.kwargs


def validation(given):
    """The data that the training is evaluated on, with the names under which LightGBM reports them."""
    sets = given.get("valid_sets") or ()
    sets = sets if isinstance(sets, (list, tuple)) else (sets,)
    names = given.get("valid_names") or ()
    names = (names,) if isinstance(names, str) else names
    return [(dataset, str(names[at]) if at < len(names) else "valid_%d" % at) for at, dataset in enumerate(sets)]


@cairn.guard
def record_best(fit, booster, rounds):
    """The best round, where the training looked for one, and the last: from 1, as LightGBM counts the best."""
    if booster.best_iteration > 0:
        values = {"best_iteration": booster.best_iteration, "stopped_iteration": rounds.last + 1}
        fit.emit("fit.metrics", {"metrics": values})


def describe(given, signature):
    """What the user set: the booster's params, and how it is trained."""
    params = {str(key): text(value) for key, value in (given.get("params") or {}).items() if value is not None}
    for name in SETTINGS:
        if given.get(name) is not None:
            params.setdefault(name, text(given[name]))
    if not any(name in params for name in ("num_iterations", "n_estimators", "num_rounds", "num_trees")):
        params.setdefault("num_boost_round", text(signature.parameters["num_boost_round"].default))
    return {
        "estimator": "Booster",
        "class": "lightgbm.basic.Booster",
        "params": params,
        "seeds": {name: params[name] for name in SEEDS if name in params},
        "version": sys.modules["lightgbm"].__version__,
    }
