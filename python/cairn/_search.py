"""Runs as a table."""

from __future__ import annotations

import datetime
import math
import warnings
from collections.abc import Iterable
from typing import Any

from cairn._columns import unpack_float64
from cairn._errors import NotFoundError
from cairn._frames import chosen, table, texts
from cairn._query import ask

PAGE = 200
DEFAULT_LIMIT = 1000
# The server gives at most 200,000 rows of packed columns for a page of runs.
METRICS_OF_A_RUN = 1000
MORE_METRICS = """query CairnRunMetrics($run: ID!, $after: String) {
  run(id: $run) { metricColumns(after: $after) { keys lastValues hasNextPage } } }"""
ATTRIBUTES = "runId name status statusReason startTime endTime userId artifactLocation experiment { experimentId name }"


class IncompleteWarning(UserWarning):
    """A call gave less than there is; the message says how to get the rest."""


def runs(
    filter: str = "",
    order_by: str | Iterable[str] = (),
    *,
    experiments: str | Iterable[str] = (),
    params: Iterable[str] | None = None,
    metrics: Iterable[str] | None = None,
    tags: Iterable[str] | None = None,
    limit: int | None = None,
    view: str = "ACTIVE",
    top_level: bool = False,
    frame: str = "auto",
    timeout: float = 30.0,
) -> Any:
    """Runs that a filter finds, a row for each.

    filter is the filter language, for example "metrics.acc > 0.9 and params.depth = '3'", and order_by terms of it such as
    "best(metrics.acc) DESC"; without, the newest come first. experiments are ids or names; all active ones without.
    params, metrics and tags are keys of which there are columns: all where it is None, none where it is (). view is
    ACTIVE, DELETED or ALL. top_level leaves out runs below others. limit is how many runs come at most; without, 1,000
    and an IncompleteWarning where there are more.

    Columns are run_id, name, status, status_reason, start_time and end_time (UTC; none while a run goes on), user_id,
    experiment_id, experiment, artifact_location; then `params.KEY` (text), `metrics.KEY` (the last value, a float) and
    `tags.KEY`. What a run has not is missing: NaN for metrics. frame is "pandas", "polars" or "rows" (a list of dicts);
    "auto" is the first of them that is installed. timeout is in seconds for each request of 200 runs.

    Raises FilterError with the position for what is wrong in filter or order_by, NotFoundError for an experiment that is
    not there, UnreachableError when there is no server, ValueError for a limit or a frame that is none.
    """
    frame = chosen(frame)
    if limit is not None and limit < 1:
        raise ValueError("limit must be 1 or more, not %r" % (limit,))
    wanted = {"params": texts(params), "metrics": texts(metrics), "tags": texts(tags)}
    variables: dict[str, Any] = {"filter": filter, "orderBy": texts(order_by) or None, "view": view, "topLevel": top_level}
    if experiments:
        variables["experiments"] = [_experiment(one, timeout) for one in texts(experiments) or ()]
    variables.update({kind: keys for kind, keys in wanted.items() if keys})
    most = DEFAULT_LIMIT if limit is None else limit
    found: list[dict[str, Any]] = []
    more = True
    while more and len(found) < most:
        first = min(PAGE, most - len(found))
        page = ask(_query(wanted), {**variables, "first": first}, timeout)["runs"]
        found += [edge["node"] for edge in page["edges"]]
        variables["after"] = page["pageInfo"]["endCursor"]
        more = page["pageInfo"]["hasNextPage"]
    if more and limit is None:
        warnings.warn(
            "there are more than %d runs, of which the first %d came: give a filter, or a limit" % (most, most),
            IncompleteWarning,
            stacklevel=2,
        )
    if wanted["metrics"] is None:
        for node in found:
            _rest_of_metrics(node, timeout)
    return table(frame, _columns(found), ("status",), ("start_time", "end_time"))


def _query(wanted: dict[str, list[str] | None]) -> str:
    """A query for what is wanted; what is not is not asked for."""
    arguments = ["$filter: String", "$orderBy: [String!]", "$view: View", "$topLevel: Boolean!", "$experiments: [ID!]"]
    arguments += ["$first: Int!", "$after: String"]
    fields = [ATTRIBUTES]
    for kind, keys in wanted.items():
        below = "key last { value }" if kind == "metrics" else "key value"
        if keys:
            arguments.append("$%s: [String!]" % kind)
            fields.append("%s(keys: $%s) { %s }" % (kind, kind, below))
        elif keys is None and kind == "metrics":
            fields.append("metricColumns(limit: %d) { keys lastValues hasNextPage }" % METRICS_OF_A_RUN)
        elif keys is None:
            fields.append("%s { %s }" % (kind, below))
    return """query CairnRuns(%s) {
      runs(filter: $filter, orderBy: $orderBy, view: $view, topLevel: $topLevel, experiments: $experiments, first: $first,
        after: $after) { pageInfo { hasNextPage endCursor } edges { node { %s } } }
    }""" % (", ".join(arguments), " ".join(fields))


def _rest_of_metrics(node: dict[str, Any], timeout: float) -> None:
    """Puts the metrics of a run together where it has more than came with it."""
    columns = node.pop("metricColumns")
    keys, values = list(columns["keys"]), unpack_float64(columns["lastValues"])
    while columns["hasNextPage"]:
        columns = ask(MORE_METRICS, {"run": node["runId"], "after": keys[-1]}, timeout)["run"]["metricColumns"]
        keys += columns["keys"]
        values += unpack_float64(columns["lastValues"])
    node["packed"] = dict(zip(keys, values))


def _columns(found: list[dict[str, Any]]) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {
        "run_id": [node["runId"] for node in found],
        "name": [node["name"] for node in found],
        "status": [node["status"] for node in found],
        "status_reason": [node["statusReason"] for node in found],
        "start_time": [milliseconds(node["startTime"]) for node in found],
        "end_time": [milliseconds(node["endTime"]) for node in found],
        "user_id": [node["userId"] for node in found],
        "experiment_id": [node["experiment"]["experimentId"] for node in found],
        "experiment": [node["experiment"]["name"] for node in found],
        "artifact_location": [node["artifactLocation"] for node in found],
    }
    params = [{param["key"]: param["value"] for param in node.get("params", ())} for node in found]
    tags = [{tag["key"]: tag["value"] for tag in node.get("tags", ())} for node in found]
    metrics = [
        node["packed"] if "packed" in node else {one["key"]: float(one["last"]["value"]) for one in node.get("metrics", ())}
        for node in found
    ]
    for kind, rows, missing in (("params", params, None), ("metrics", metrics, math.nan), ("tags", tags, None)):
        for key in sorted({key for row in rows for key in row}):
            columns["%s.%s" % (kind, key)] = [row.get(key, missing) for row in rows]
    return columns


def _experiment(one: str, timeout: float) -> str:
    """The id of an experiment that is given by its id, or by its name."""
    if one.isdecimal() or one.startswith("experiment:"):
        return one
    found = ask("query($name: String!) { experiment(name: $name) { experimentId } }", {"name": one}, timeout)["experiment"]
    if found is None:
        raise NotFoundError("no experiment is called %r" % one, "NOT_FOUND", "experiments")
    return found["experimentId"]


def milliseconds(time: str | None) -> int | None:
    """Unix milliseconds of a time as the API writes it."""
    if time is None:
        return None
    read = datetime.datetime.fromisoformat(_padded(time.replace("Z", "+00:00")))
    return round(read.timestamp() * 1000)


def _padded(time: str) -> str:
    """With a fraction of 6 digits, as Python before 3.11 wants it."""
    head, dot, rest = time.partition(".")
    if not dot:
        return time
    sign = next(at for at, letter in enumerate(rest) if letter in "+-")
    return "%s.%s%s" % (head, rest[:sign][:6].ljust(6, "0"), rest[sign:])
