"""Cairn's hook for scikit-learn: runs inside the training and sends what it sees to the adapter.

What it changes: the methods fit, predict, score and their like of every class below BaseEstimator, the functions of
sklearn.metrics, scorers, and the cross-validation functions. What it never changes: a result, a random number, an
exception, a line of output, how classes pickle. Each wrapper calls the user's method exactly once with the user's
arguments; all that is ours stands before or after it, under `cairn.guard`.
"""

import functools
import inspect
import math
import operator
import sys
import threading
import time
import types
import weakref

FITS = ("fit", "fit_transform", "fit_predict")
PREDICTS = ("predict", "predict_proba", "predict_log_proba", "decision_function", "transform")
CROSS_VALIDATIONS = ("cross_validate", "cross_val_predict", "learning_curve", "validation_curve", "permutation_test_score")

# Fits of these prepare data. Alone they are no training and open no run; in a pipeline they are part of its params.
PREPARATION = ("sklearn.preprocessing", "sklearn.impute", "sklearn.feature_extraction", "sklearn.feature_selection")
PREPARATION_CLASSES = ("ColumnTransformer", "FeatureUnion")

MAX_TEXT = 6000
MAX_CLASSES = 500
MAX_FEATURES = 10_000
CHUNK = 200  # search candidates in one observation
PROBE_ROWS = (1000, 4000)  # rows on which evaluation is timed before more are evaluated
EVAL_DATA_SECONDS = 0.05

cairn = None  # the bootstrap's object
recorder = None  # the Recorder of this process


def guarded(function):
    """cairn.guard, found when called: the module is loaded before install()."""

    @functools.wraps(function)
    def call(*args, **kwargs):
        try:
            return cairn.guard(function)(*args, **kwargs)
        except Exception:
            return None

    return call


def install(bootstrap):
    """Called once, right after sklearn.base has been executed."""
    global cairn, recorder
    cairn, recorder = bootstrap, Recorder()
    base = sys.modules["sklearn.base"].BaseEstimator

    def __init_subclass__(cls, **kwargs):
        super(base, cls).__init_subclass__(**kwargs)
        wrap_class(cls)

    base.__init_subclass__ = classmethod(__init_subclass__)
    wrap_after_output(sys.modules.get("sklearn.utils._set_output"))
    waiting = [base]
    while waiting:
        cls = waiting.pop()
        waiting.extend(cls.__subclasses__())
        wrap_class(cls)
    cairn.after_import("sklearn.metrics", wrap_metrics)
    cairn.after_import("sklearn.metrics._scorer", wrap_scorers)
    cairn.after_import("sklearn.model_selection._validation", wrap_cross_validation)


# Wrapping


class Method:
    """Stands in a class for one of its methods. Seen from the class, from a subclass's inspection or from pickle it is
    the original; only an instance's method is ours, and that only when there is something to see."""

    def __init__(self, original, name, call, wanted):
        self.original = original
        self.name = name
        self._wanted = wanted
        function = getattr(original, "fn", original)

        @functools.wraps(function)
        def method(estimator, *args, **kwargs):
            return call(original.__get__(estimator, type(estimator)), function, estimator, name, args, kwargs)

        self._method = method

    def __get__(self, estimator, owner=None):
        bound = self.original.__get__(estimator, owner)
        if estimator is None or not self._wanted(estimator):
            return bound
        return types.MethodType(self._method, estimator)

    @property
    def __isabstractmethod__(self):
        return getattr(self.original, "__isabstractmethod__", False)

    def __reduce__(self):
        # A class of the user's script is pickled with its contents, and must load where there is no Cairn.
        return operator.itemgetter(0), ((self.original,),)


@guarded
def wrap_class(cls):
    """Wraps the methods of cls where they are defined, mixins included."""
    for home in cls.__mro__[:-1]:
        try:
            wrap_methods(home)
        except Exception:
            continue  # a class that cannot be changed is not recorded


def wrap_methods(home):
    for names, call, wanted in (
        (FITS, call_fit, want_fit),
        (PREDICTS, call_predict, want_known),
        (("score",), call_score, want_known),
    ):
        for name in names:
            original = home.__dict__.get(name)
            if isinstance(original, types.FunctionType) or hasattr(original, "fn") and hasattr(original, "check"):
                setattr(home, name, Method(original, name, call, wanted))


def wrap_after_output(module):
    """set_output() puts wrappers of its own around transform and fit_transform of each new class, over ours."""
    mixin = getattr(module, "_SetOutputMixin", None)
    if mixin is None:
        return
    original = mixin.__dict__["__init_subclass__"].__func__

    @functools.wraps(original)
    def __init_subclass__(cls, *args, **kwargs):
        original(cls, *args, **kwargs)
        wrap_class(cls)

    mixin.__init_subclass__ = classmethod(__init_subclass__)


def replace_everywhere(original, wrapper):
    """Modules that took the name before the hook came get the wrapper too."""
    for module in list(sys.modules.values()):
        names = getattr(module, "__dict__", None)
        if not isinstance(names, dict) or getattr(module, "__name__", "").startswith("sklearn."):
            continue
        for name, held in list(names.items()):
            if held is original:
                names[name] = wrapper


def wrap_metrics(metrics):
    """Replaces the metric functions in sklearn.metrics. Their home modules keep the originals, and the wrappers say
    that they live in sklearn.metrics: so both pickle by name, as scorers do on their way to workers."""
    late = "sklearn.model_selection" in sys.modules
    for name in list(metrics.__all__):
        original = getattr(metrics, name, None)
        if inspect.isfunction(original) and name not in ("get_scorer", "make_scorer", "check_scoring", "get_scorer_names"):
            wrapper = metric_wrapper(original, name)
            setattr(metrics, name, wrapper)
            if late:
                replace_everywhere(original, wrapper)


def metric_wrapper(original, name):
    @functools.wraps(original)
    def metric(*args, **kwargs):
        if not listening():
            return original(*args, **kwargs)
        with Inner():
            value = original(*args, **kwargs)
        record_metric(original, name, value, args, kwargs, sys._getframe(1))
        return value

    metric.__module__ = "sklearn.metrics"
    return metric


def wrap_scorers(scorers):
    original = scorers._BaseScorer.__call__

    @functools.wraps(original)
    def __call__(scorer, estimator, *args, **kwargs):
        if not want_known(estimator):
            return original(scorer, estimator, *args, **kwargs)
        with Inner():
            value = original(scorer, estimator, *args, **kwargs)
        record_scorer(scorer, estimator, value, args, kwargs, sys._getframe(1))
        return value

    scorers._BaseScorer.__call__ = __call__


def wrap_cross_validation(validation):
    late = "sklearn.model_selection" in sys.modules and hasattr(sys.modules["sklearn.model_selection"], "cross_validate")
    for name in CROSS_VALIDATIONS:
        original = getattr(validation, name, None)
        if original is None:
            continue
        wrapper = cross_validation_wrapper(original, name)
        setattr(validation, name, wrapper)
        if late:
            setattr(sys.modules["sklearn.model_selection"], name, wrapper)
            replace_everywhere(original, wrapper)


def cross_validation_wrapper(original, name):
    @functools.wraps(original)
    def cross_validation(*args, **kwargs):
        return call_cross_validation(original, name, args, kwargs)

    return cross_validation


# Calls: the user's call in the middle, ours guarded around it


def call_fit(bound, function, estimator, name, args, kwargs):
    if nested() or not trains(estimator):
        with Inner():
            return bound(*args, **kwargs)
    fit = begin_fit(function, estimator, name, args, kwargs, sys._getframe(2))
    started = time.perf_counter()
    try:
        with Inner(fit=True):
            result = bound(*args, **kwargs)
    except BaseException as error:
        fail_fit(fit, error, time.perf_counter() - started)
        raise
    end_fit(fit, estimator, time.perf_counter() - started)
    return result


def call_predict(bound, function, estimator, name, args, kwargs):
    started = time.perf_counter()
    with Inner():
        result = bound(*args, **kwargs)
    record_prediction(estimator, result, args, kwargs, sys._getframe(2), time.perf_counter() - started)
    return result


def call_score(bound, function, estimator, name, args, kwargs):
    with Inner():
        value = bound(*args, **kwargs)
    record_score(function, estimator, value, args, kwargs, sys._getframe(2))
    return value


def call_cross_validation(original, name, args, kwargs):
    if nested():
        return original(*args, **kwargs)
    fit = begin_cross_validation(original, name, args, kwargs, sys._getframe(2))
    started = time.perf_counter()
    try:
        with Inner(fit=True):
            result = original(*args, **kwargs)
    except BaseException as error:
        fail_fit(fit, error, time.perf_counter() - started)
        raise
    end_cross_validation(fit, name, result, time.perf_counter() - started)
    return result


# Decisions. A decision that fails means: do as if Cairn were not there


def decision(answer):
    """Decorates a question that is asked in the middle of the user's calls; answer is taken when asking fails."""

    def decorate(function):
        @functools.wraps(function)
        def asked(*args):
            try:
                return function(*args)
            except Exception:
                return answer

        return asked

    return decorate


@decision(True)
def nested():
    """True inside another fit: in the same thread, or in a thread or child that scikit-learn works with."""
    if recorder.local.depth:
        return True
    if recorder.active and cairn.frames.inside(sys._getframe(1), "sklearn.utils.parallel"):
        return True
    return cairn.worker and cairn.frames.inside(sys._getframe(1), "joblib.parallel")


@decision(False)
def want_fit(estimator):
    return not recorder.local.depth


@decision(False)
def want_known(estimator):
    """True for an estimator whose fit was recorded, outside of other calls."""
    return id(estimator) in recorder.fits and not recorder.local.depth


@decision(False)
def listening():
    return bool(recorder.predictions) and not recorder.local.depth


@decision(False)
def trains(estimator):
    """False for estimators that only prepare data."""
    cls = type(estimator)
    if cls.__module__.startswith(PREPARATION) or cls.__name__ in PREPARATION_CLASSES:
        return False
    if cls.__module__.startswith("sklearn."):
        return True
    return hasattr(cls, "predict") or hasattr(cls, "score") or not hasattr(cls, "transform")


# State


class Local(threading.local):
    depth = 0


class Inner:
    """`with Inner():` marks calls from here on as parts of the one that goes on."""

    def __init__(self, fit=False):
        self._fit = fit

    def __enter__(self):
        recorder.local.depth += 1
        if self._fit:
            recorder.active[id(self)] = True

    def __exit__(self, *exception):
        recorder.local.depth -= 1
        if self._fit:
            recorder.active.pop(id(self), None)
        return False


class Recorder:
    """What the hook remembers of this process."""

    def __init__(self):
        self.local = Local()
        # Fits that go on, in all threads. No lock guards it: a fork in the middle could leave that locked in the child.
        self.active = {}
        self.fits = {}  # id(estimator) → (weak reference, Fit)
        self.predictions = {}  # id(array) → (weak reference, Fit, name of the data, weak reference to the data)

    def know(self, estimator, fit):
        key = id(estimator)
        self.fits[key] = (weakref.ref(estimator, lambda _: self.fits.pop(key, None)), fit)

    def fit_of(self, estimator):
        return self.fits[id(estimator)][1]

    def know_prediction(self, result, fit, name, data, seconds):
        root = result
        while getattr(root, "base", None) is not None and root.base is not data:
            root = root.base
        # A column of a prediction is a view of the array at its root, which often nobody else has.
        for value in (result, root):
            key = id(value)
            try:
                held = weakref.ref(value, functools.partial(self.forget, key))
            except TypeError:
                return  # lists of predictions cannot be recognised later
            self.predictions[key] = (held, fit, name, reference(data), seconds)

    def forget(self, key, _):
        self.predictions.pop(key, None)

    def prediction_among(self, values):
        """The prediction that one of values is, or is a view of: (Fit, name of the data, reference, seconds)."""
        for value in values:
            while value is not None:
                found = self.predictions.get(id(value))
                if found is not None and found[0]() is value:
                    return found[1:]
                value = getattr(value, "base", None)
        return None


class Fit:
    """One top-level fit: its id, the run the user had open, its data and the names that its later metrics have taken."""

    def __init__(self, estimator, run):
        self.id = cairn.new_fit()
        self.run = run
        self.estimator = type(estimator).__name__
        self.X = self.y = self.weight = self.predicted = None
        self.data_name = ""
        self.calls = {}  # metric → number of calls
        self.data = {}  # name → ids of the different data of that name
        self.described = set()

    def emit(self, kind, payload, files=None):
        cairn.emit(kind, fit=self.id, payload=payload, files=files, run=self.run)

    def warn(self, message):
        cairn.warn(message, fit=self.id, run=self.run)

    def name_data(self, value, frame):
        """The name of evaluation data: its variable's, with -2, -3 … for further data of the same name."""
        name = cairn.frames.variable_name(value, frame)
        known = self.data.setdefault(name, [])
        if id(value) not in known:
            known.append(id(value))
        at = known.index(id(value))
        return name if at == 0 else "%s-%d" % (name, at + 1)

    def metric_key(self, metric, data):
        """<metric>[-<n>]_<data>: n counts the calls of the metric for this fit, from the second on."""
        count = self.calls[metric] = self.calls.get(metric, 0) + 1
        return "%s_%s" % (metric if count == 1 else "%s-%d" % (metric, count), data)


class Clock:
    """The time that recording one fit may take."""

    def __init__(self, seconds):
        self.seconds = seconds
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def spent(self):
        # On a busy machine the wall clock counts others' time, with many threads the processor's counts too much.
        return min(time.perf_counter() - self._wall, time.process_time() - self._cpu)

    def left(self):
        return self.seconds - self.spent()


def reference(value):
    try:
        return weakref.ref(value)
    except TypeError:
        return lambda: None


# Fits


@guarded
def begin_fit(function, estimator, method, args, kwargs, frame):
    fit = Fit(estimator, cairn.active_run())
    fit.X, fit.y, fit.weight = training_data(function, args, kwargs)
    fit.data_name = cairn.frames.variable_name(fit.X, frame, "dataset")
    params = estimator.get_params(deep=True)
    fit.emit("fit.start", dict(describe_estimator(estimator, params), method=method))
    return fit


def training_data(function, args, kwargs):
    """X, y and sample_weight of a call."""
    names = list(inspect.signature(function).parameters)[1:]
    values = dict(zip(names, args))
    values.update(kwargs)
    return (
        values.get(names[0]) if names else None,
        values.get(names[1]) if len(names) > 1 and names[1] not in ("sample_weight", "kwargs") else None,
        values.get("sample_weight"),
    )


def describe_estimator(estimator, params):
    cls = type(estimator)
    seeds = {
        key: str(value)
        for key, value in params.items()
        if key.rpartition("__")[2] == "random_state" and isinstance(value, int) and not isinstance(value, bool)
    }
    return {
        "estimator": cls.__name__,
        "class": cls.__module__ + "." + cls.__name__,
        "params": {key: text(value) for key, value in params.items()},
        "seeds": seeds,
        "version": sys.modules["sklearn"].__version__,
    }


def text(value):
    return str(value)[:MAX_TEXT]


@guarded
def fail_fit(fit, error, seconds):
    if fit is not None:
        said = "%s: %s" % (type(error).__name__, text(error))
        fit.emit("fit.end", {"status": "FAILED", "seconds": seconds, "error": said})
        fit.X = fit.y = fit.weight = None


@guarded
def end_fit(fit, estimator, seconds):
    """Records a fit that has succeeded. Each part is guarded by itself: one that fails leaves the others alone."""
    if fit is not None:
        examine(fit, estimator, seconds)
        settle(fit, estimator, seconds)


@guarded
def examine(fit, estimator, seconds):
    clock = Clock(cairn.budget(seconds))
    with Inner(), cairn.quiet.work(generators(estimator), mute=prints(estimator)):
        rows = first_rows(fit.X)
        model = save_model(fit, estimator, clock)
        record_data(fit, clock)
        record_evaluation(fit, estimator, clock)
        record_importance(fit, estimator, clock)
        record_search(fit, estimator)
        if model is not None:  # after the metrics, which belong to the model too
            record_model(fit, estimator, rows, model)


@guarded
def settle(fit, estimator, seconds):
    fit.emit("fit.end", {"status": "FINISHED", "seconds": seconds})
    fit.X = fit.y = fit.weight = fit.predicted = None
    recorder.know(estimator, fit)


@guarded
def first_rows(X):
    """A few rows of X as an example; None where there are none to be had."""
    return cairn.tabular.head(X) if X is not None and hasattr(X, "__getitem__") else None


def generators(estimator):
    """Random generators of the user's that predicting might draw from."""
    random = sys.modules.get("numpy.random")
    kinds = (random.RandomState, random.Generator)
    return [value for value in estimator.get_params(deep=True).values() if isinstance(value, kinds)]


def prints(estimator):
    """True for estimators whose predict may print: they are verbose, or the user's own."""
    if not type(estimator).__module__.startswith("sklearn."):
        return True
    params = estimator.get_params(deep=True)
    return any(
        key.rpartition("__")[2] == "verbose" and value
        or hasattr(value, "get_params") and not type(value).__module__.startswith("sklearn.")
        for key, value in params.items()
    )


@guarded
def record_data(fit, clock):
    if fit.X is None:
        return
    facts = cairn.tabular.describe(fit.X, fit.y, fit.data_name, max(clock.left() / 2, 0.01))
    if facts["sampled"]:
        fit.warn("the digest of %s is that of a sample of its rows: reading all takes too long" % fit.data_name)
    fit.emit("fit.data", dict(facts, context="training"))


# Models


class TooLong(Exception):
    """Saving the model takes longer than it may."""


class ModelFile:
    """The file that a model is pickled to: gives up when the time is over, counts and digests what is written."""

    def __init__(self, path, clock):
        import hashlib

        self.path = path
        self.pickler = ""  # version of cloudpickle
        self._file = open(path, "wb")
        self._clock = clock
        self._hash = hashlib.blake2b(digest_size=16)
        self.size = 0

    def write(self, data):
        if self._clock.left() < 0:
            raise TooLong("the model takes longer to save than %.2g s" % self._clock.seconds)
        data = memoryview(data)
        self._hash.update(data)
        self.size += data.nbytes
        return self._file.write(data)

    def digest(self):
        return self._hash.hexdigest()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._file.close()
        return False


@guarded
def save_model(fit, estimator, clock):
    """Pickles the model: the closed ModelFile, or None. It comes first, as the part that matters most."""
    if cairn.options.get("models", "on") == "off":
        return None
    import pickle

    try:
        import cloudpickle as pickler
    except ImportError:
        from joblib.externals import cloudpickle as pickler

    path = cairn.file("model.pkl")
    try:
        with ModelFile(path, clock) as file:
            pickler.dump(estimator, file, protocol=pickle.DEFAULT_PROTOCOL)
    except Exception as error:
        import os

        os.unlink(path)
        fit.warn("the model was not saved: %s" % text(error))
        return None
    file.pickler = pickler.__version__
    return file


@guarded
def record_model(fit, estimator, rows, file):
    facts = {
        "size": file.size,
        "digest": file.digest(),
        "format": "cloudpickle",
        "requirements": requirements(estimator, fit, file.pickler),
        "python": "%d.%d.%d" % sys.version_info[:3],
        "predicts": hasattr(estimator, "predict"),
        "inputs": cairn.tabular.schema(rows) if rows is not None else None,
        "outputs": outputs(fit, estimator, rows),
        "example": cairn.tabular.example(rows) if rows is not None else None,
        "mlflow": getattr(sys.modules.get("mlflow"), "__version__", ""),
    }
    fit.emit("fit.model", facts, files={"model": file.path})


def outputs(fit, estimator, rows):
    """The schema of what the model gives, None if that cannot be told."""
    if fit.predicted is not None:
        return cairn.tabular.schema(fit.predicted)
    for name in ("predict", "transform"):
        if rows is not None and hasattr(estimator, name):
            try:
                return cairn.tabular.schema(getattr(estimator, name)(rows))
            except Exception:  # a model that cannot predict five rows still is a model
                return None
    return None


def requirements(estimator, fit, pickler):
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
    found = {"cloudpickle": pickler}
    for top in sorted(tops):
        version = getattr(sys.modules.get(top), "__version__", None)
        if isinstance(version, str) and top != "__main__":
            found["scikit-learn" if top == "sklearn" else top.replace("_", "-")] = version
    return found


# Evaluation on the training data


@guarded
def record_evaluation(fit, estimator, clock):
    base = sys.modules["sklearn.base"]
    if fit.y is None or fit.X is None or not hasattr(estimator, "predict"):
        return
    if base.is_classifier(estimator):
        evaluate = evaluate_classifier
    elif base.is_regressor(estimator):
        evaluate = evaluate_regressor
    else:
        evaluate = evaluate_score
    found, used, count = sampled(lambda X, y, weight: evaluate(estimator, X, y, weight), fit, clock)
    fit.predicted = found.pop("predicted", None)
    if used < count:
        fit.warn(
            "training metrics were computed on a sample of %d of %d rows: all would take longer than a tenth of the fit"
            % (used, count)
        )
    matrix = found.pop("confusion", None)
    fit.emit("fit.metrics", {"metrics": found, "rows": used, "of": count})
    if matrix is not None:
        fit.emit("fit.confusion", dict(matrix, rows=used, of=count))


def sampled(evaluate, fit, clock):
    """evaluate on all rows, or on as many as the time allows: (result, rows used, rows in all)."""
    count = cairn.tabular.rows(fit.X)
    if count <= PROBE_ROWS[1]:
        return evaluate(fit.X, fit.y, fit.weight), count, count
    times, found, used = [], None, 0
    for used in PROBE_ROWS:
        started = Clock(0)
        found = evaluate(*portion(fit, used))
        times.append(started.spent())
    row = max(times[1] - times[0], 1e-9) / (PROBE_ROWS[1] - PROBE_ROWS[0])
    affordable = int(clock.left() / row)
    if affordable >= count:
        return evaluate(fit.X, fit.y, fit.weight), count, count
    if affordable > 2 * used:
        used = affordable
        found = evaluate(*portion(fit, used))
    return found, used, count


def portion(fit, size):
    take = cairn.tabular.take
    index = cairn.tabular.sample(cairn.tabular.rows(fit.X), size)
    X = fit.X.tocsr() if cairn.tabular.is_sparse(fit.X) else fit.X
    return take(X, index), take(fit.y, index), take(fit.weight, index)


def attempt(found, name, function, *args, **kwargs):
    """Adds a metric; one that is not defined for these targets is left out."""
    try:
        value = float(function(*args, **kwargs))
    except (ValueError, TypeError):
        return
    found[name] = value


def evaluate_classifier(estimator, X, y, weight):
    from sklearn import metrics

    predicted, chances = predictions(estimator, X)
    found = {"predicted": predicted}
    average = {"average": "weighted", "sample_weight": weight}
    attempt(found, "training_accuracy_score", metrics.accuracy_score, y, predicted, sample_weight=weight)
    attempt(found, "training_precision_score", metrics.precision_score, y, predicted, **average)
    attempt(found, "training_recall_score", metrics.recall_score, y, predicted, **average)
    attempt(found, "training_f1_score", metrics.f1_score, y, predicted, **average)
    if chances is not None:
        attempt(found, "training_log_loss", metrics.log_loss, y, chances, sample_weight=weight)
        if getattr(chances, "ndim", 0) == 2:
            scores = chances[:, 1] if chances.shape[1] == 2 else chances
            attempt(found, "training_roc_auc", metrics.roc_auc_score, y, scores, multi_class="ovo", **average)
    known = found.get("training_accuracy_score") if scores_by(estimator, "ClassifierMixin") else None
    add_score(found, estimator, X, y, weight, known)
    confusion(found, estimator, y, predicted)
    return found


def predictions(estimator, X):
    """Predicted classes, and their probabilities or None."""
    if not hasattr(estimator, "predict_proba"):
        return estimator.predict(X), None
    chances = estimator.predict_proba(X)
    forest = getattr(sys.modules.get("sklearn.ensemble._forest"), "ForestClassifier", None)
    if forest is not None and type(estimator).predict is forest.predict and estimator.n_outputs_ == 1:
        # As a forest predicts, without asking each of its trees once more.
        return estimator.classes_.take(chances.argmax(axis=1), axis=0), chances
    return estimator.predict(X), chances


def evaluate_regressor(estimator, X, y, weight):
    from sklearn import metrics

    predicted = estimator.predict(X)
    found = {"predicted": predicted}
    attempt(found, "training_mean_squared_error", metrics.mean_squared_error, y, predicted, sample_weight=weight)
    attempt(found, "training_mean_absolute_error", metrics.mean_absolute_error, y, predicted, sample_weight=weight)
    attempt(found, "training_r2_score", metrics.r2_score, y, predicted, sample_weight=weight)
    if "training_mean_squared_error" in found:
        found["training_root_mean_squared_error"] = math.sqrt(found["training_mean_squared_error"])
    known = found.get("training_r2_score") if scores_by(estimator, "RegressorMixin") else None
    add_score(found, estimator, X, y, weight, known)
    return found


def evaluate_score(estimator, X, y, weight):
    found = {}
    add_score(found, estimator, X, y, weight, None)
    return found


def scores_by(estimator, mixin):
    """True if the estimator's score is the mixin's: then its value is known already."""
    mixin = getattr(sys.modules["sklearn.base"], mixin)
    return getattr(type(estimator), "score", None) is mixin.score


def add_score(found, estimator, X, y, weight, known):
    if known is not None:
        found["training_score"] = known
    elif hasattr(estimator, "score"):
        weighted = "sample_weight" in inspect.signature(estimator.score).parameters and weight is not None
        attempt(found, "training_score", estimator.score, X, y, **({"sample_weight": weight} if weighted else {}))


def confusion(found, estimator, y, predicted):
    from sklearn import metrics

    try:
        labels = list(getattr(estimator, "classes_", ()))
        matrix = metrics.confusion_matrix(y, predicted, labels=labels or None)
        if not labels:
            from sklearn.utils.multiclass import unique_labels

            labels = list(unique_labels(y, predicted))
    except (ValueError, TypeError):
        return
    if len(labels) <= MAX_CLASSES:
        found["confusion"] = {"labels": [str(label) for label in labels], "counts": matrix.tolist()}


@guarded
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


# Searches


@guarded
def record_search(fit, estimator):
    """Every candidate of a search: params, all that cv_results_ has of it, and which is the best."""
    search = sys.modules.get("sklearn.model_selection._search")
    results = getattr(estimator, "cv_results_", None)
    if search is None or not isinstance(estimator, search.BaseSearchCV) or not results:
        return
    base = {key: text(value) for key, value in estimator.estimator.get_params(deep=True).items()}
    candidates = results["params"]
    columns = {key: values for key, values in results.items() if is_numeric_column(key, values)}
    best = getattr(estimator, "best_index_", None)
    for first in range(0, len(candidates), CHUNK):
        part = slice(first, first + CHUNK)
        fit.emit(
            "search.candidates",
            {
                "first": first,
                "total": len(candidates),
                "estimator": type(estimator.estimator).__name__,
                "class": type(estimator.estimator).__module__ + "." + type(estimator.estimator).__name__,
                "splits": int(getattr(estimator, "n_splits_", 0)),
                "params": [candidate_params(base, candidate) for candidate in candidates[part]],
                "results": {key: [value.item() for value in values[part]] for key, values in columns.items()},
                "best_index": None if best is None else int(best),
            },
        )
    if hasattr(estimator, "best_params_"):
        fit.emit(
            "search.best",
            {
                "params": {key: text(value) for key, value in estimator.best_params_.items()},
                "score": float(estimator.best_score_) if hasattr(estimator, "best_score_") else None,
            },
        )


def is_numeric_column(key, values):
    return not key.startswith("param") and getattr(getattr(values, "dtype", None), "kind", "") in "iufb"


def candidate_params(base, candidate):
    """The whole params of a candidate: the estimator's, with the candidate's in their place. A part that is replaced
    takes its own params along."""
    params = dict(base)
    for key, value in candidate.items():
        if hasattr(value, "get_params") or key in base and any(name.startswith(key + "__") for name in base):
            for name in [name for name in params if name.startswith(key + "__")]:
                del params[name]
        if hasattr(value, "get_params") and not isinstance(value, type):
            params.update(("%s__%s" % (key, name), text(inner)) for name, inner in value.get_params(deep=True).items())
    params.update((key, text(value)) for key, value in candidate.items())
    return params


# Cross-validation


@guarded
def begin_cross_validation(original, name, args, kwargs, frame):
    call = inspect.signature(original).bind(*args, **kwargs).arguments
    estimator = call["estimator"]
    fit = Fit(estimator, cairn.active_run())
    fit.X, fit.y = call.get("X"), call.get("y")
    fit.data_name = cairn.frames.variable_name(fit.X, frame, "dataset")
    facts = describe_estimator(estimator, estimator.get_params(deep=True))
    for key in ("cv", "scoring"):
        if call.get(key) is not None:
            facts["params"].setdefault(key, text(call[key]))
    fit.emit("fit.start", dict(facts, method=name))
    return fit


@guarded
def end_cross_validation(fit, name, result, seconds):
    if fit is None:
        return
    clock = Clock(cairn.budget(seconds))
    with Inner(), cairn.quiet.work():
        record_data(fit, clock)
        record_folds(fit, name, result)
    fit.emit("fit.end", {"status": "FINISHED", "seconds": seconds})
    if name != "cross_val_predict":
        fit.X = None
    fit.y = None


@guarded
def record_folds(fit, name, result):
    if name == "cross_validate":
        scores = {key: [float(v) for v in values] for key, values in result.items() if is_scores(values)}
        fit.emit("cv.folds", {"results": scores})
    elif name == "cross_val_predict":
        recorder.know_prediction(result, fit, fit.data_name, fit.X, 0.0)
    elif name == "permutation_test_score":
        fit.emit("cv.point", {"metrics": {"test_score": float(result[0]), "pvalue": float(result[2])}, "step": 0})
    else:
        learning = name == "learning_curve"
        train, test = (result[1], result[2]) if learning else (result[0], result[1])
        for at in range(len(test)):
            scores = {"mean_train_score": float(train[at].mean()), "mean_test_score": float(test[at].mean())}
            fit.emit("cv.point", {"metrics": scores, "step": int(result[0][at]) if learning else at})


def is_scores(values):
    return getattr(getattr(values, "dtype", None), "kind", "") in "iuf"


# Metrics after the fit


def is_number(value):
    numpy = sys.modules["numpy"]
    return isinstance(value, (int, float, numpy.number)) and not isinstance(value, (bool, numpy.bool_))


@guarded
def record_prediction(estimator, result, args, kwargs, frame, seconds):
    fit = recorder.fit_of(estimator)
    data = args[0] if args else next(iter(kwargs.values()), None)
    recorder.know_prediction(result, fit, fit.name_data(data, frame), data, seconds)


@guarded
def record_metric(function, name, value, args, kwargs, frame):
    found = recorder.prediction_among([*args, *kwargs.values()])
    if found is None or not is_number(value):
        return
    fit, data_name, data, seconds = found
    record_value(fit, name, value, data_name, command(name, function, args, kwargs, frame, 0))
    record_eval_data(fit, data_name, data(), seconds)


@guarded
def record_score(function, estimator, value, args, kwargs, frame):
    if not is_number(value):
        return
    fit = recorder.fit_of(estimator)
    data = args[0] if args else kwargs.get("X")
    data_name = fit.name_data(data, frame)
    said = command(type(estimator).__name__ + ".score", function, args, kwargs, frame, 1)
    record_value(fit, type(estimator).__name__ + "_score", value, data_name, said)
    record_eval_data(fit, data_name, data, 0.0)


@guarded
def record_scorer(scorer, estimator, value, args, kwargs, frame):
    if not is_number(value):
        return
    fit = recorder.fit_of(estimator)
    function = scorer._score_func
    data = args[0] if args else kwargs.get("X")
    data_name = fit.name_data(data, frame)
    name = getattr(function, "__name__", type(function).__name__).strip("<>")
    said = "%s(%s)" % (name, type(estimator).__name__)
    record_value(fit, name, value * getattr(scorer, "_sign", 1), data_name, said)
    record_eval_data(fit, data_name, data, 0.0)


def record_value(fit, metric, value, data_name, said):
    fit.emit("eval.metric", {"key": fit.metric_key(metric, data_name), "value": float(value), "call": said})


def record_eval_data(fit, name, data, seconds):
    """The data of an evaluation as an input of the run, once."""
    if data is None or name in fit.described:
        return
    fit.described.add(name)
    with cairn.quiet.work():
        facts = cairn.tabular.describe(data, None, name, max(EVAL_DATA_SECONDS, 0.1 * seconds))
    fit.emit("eval.data", dict(facts, context="eval"))


def command(name, function, args, kwargs, frame, skip):
    """The call as the user might have written it, with names for data."""
    names = list(inspect.signature(function).parameters)[skip:]
    given = [*zip(names, args), *kwargs.items()]
    return "%s(%s)" % (name, ", ".join("%s=%s" % (key, argument(value, frame)) for key, value in given))


def argument(value, frame):
    if value is None or isinstance(value, (bool, int, float, str)):
        shown = repr(value)
        return shown if len(shown) <= 40 else shown[:37] + "..."
    return cairn.frames.variable_name(value, frame, "<%s>" % type(value).__name__)
