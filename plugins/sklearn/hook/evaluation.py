"""Evaluates a model on its training data, or on as much of them as the time allows."""

import inspect
import math
import sys

from . import cairn

MAX_CLASSES = 500
PROBE_ROWS = (1000, 4000)  # rows on which evaluation is timed before more are evaluated


@cairn.guard
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
        started = cairn.Clock(0)
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
