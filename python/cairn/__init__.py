"""Cairn in Python: automatic recording in notebooks, runs of one's own, and queries.

    import cairn

    cairn.autolog()                      # records what is trained from here on; not needed under `cairn exec`
    with cairn.run("baseline") as run:   # says which run it goes to; optional
        cairn.params({"rate": 0.1})
        cairn.log({"loss": 0.5}, step=1)
        cairn.artifact("plot.png")

    best = cairn.runs("metrics.acc > 0.9", "metrics.acc DESC", limit=10)   # a data frame
    curves = cairn.metric_series(best, ["loss"])                           # another
    async for update in cairn.watch(run, ["loss"]): ...                    # points as they come
    data = cairn.query("query($id: ID!) { run(id: $id) { status } }", id=run.id)
"""

from cairn._autolog import autolog
from cairn._columns import unpack_float64, unpack_int64
from cairn._errors import CairnError, FilterError, NotFoundError, QueryError, UnreachableError
from cairn._lineage import Lineage, lineage
from cairn._query import query
from cairn._runs import Run, artifact, log, params, run, tags
from cairn._search import IncompleteWarning, runs
from cairn._series import Series, metric_series
from cairn._watch import Points, Update, Watch, watch

__all__ = [
    "CairnError",
    "FilterError",
    "IncompleteWarning",
    "Lineage",
    "NotFoundError",
    "Points",
    "QueryError",
    "Run",
    "Series",
    "UnreachableError",
    "Update",
    "Watch",
    "artifact",
    "autolog",
    "lineage",
    "log",
    "metric_series",
    "params",
    "query",
    "run",
    "runs",
    "tags",
    "unpack_float64",
    "unpack_int64",
    "watch",
]

__version__ = "0.1.0"
