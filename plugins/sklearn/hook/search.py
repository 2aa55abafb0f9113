"""The candidates of a search."""

import sys

from . import cairn
from .estimator import text

CHUNK = 200  # search candidates in one observation


@cairn.guard
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
