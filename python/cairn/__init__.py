"""Cairn in Python: automatic recording in notebooks, runs of one's own, and queries.

    import cairn

    cairn.autolog()                      # records what is trained from here on; not needed under `cairn exec`
    with cairn.run("baseline") as run:   # says which run it goes to; optional
        cairn.params({"rate": 0.1})
        cairn.log({"loss": 0.5}, step=1)
        cairn.artifact("plot.png")
    data = cairn.query("query($id: ID!) { run(id: $id) { status } }", id=run.id)
"""

from cairn._autolog import autolog
from cairn._columns import unpack_float64, unpack_int64
from cairn._errors import CairnError, QueryError
from cairn._query import query
from cairn._runs import Run, artifact, log, params, run, tags

__all__ = [
    "CairnError",
    "QueryError",
    "Run",
    "artifact",
    "autolog",
    "log",
    "params",
    "query",
    "run",
    "tags",
    "unpack_float64",
    "unpack_int64",
]

__version__ = "0.1.0"
