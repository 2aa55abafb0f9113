"""GraphQL over HTTP with nothing but the standard library."""

from __future__ import annotations

import json
import os
from typing import Any
from urllib import error, parse, request

from cairn._errors import CairnError, QueryError

DEFAULT_SERVER = "http://127.0.0.1:5000"
MAX_ANSWER = 256 << 20


def server() -> str:
    """CAIRN_SERVER, else MLFLOW_TRACKING_URI where that is a server, else the address a server has by default."""
    for name in ("CAIRN_SERVER", "MLFLOW_TRACKING_URI"):
        value = os.environ.get(name, "").rstrip("/")
        if parse.urlsplit(value).scheme in ("http", "https"):
            return value
    return DEFAULT_SERVER


def token() -> str:
    """CAIRN_TOKEN, else MLFLOW_TRACKING_TOKEN, else none."""
    return os.environ.get("CAIRN_TOKEN") or os.environ.get("MLFLOW_TRACKING_TOKEN") or ""


def query(text: str, timeout: float = 30.0, **variables: Any) -> dict[str, Any]:
    """Runs a GraphQL query or mutation and gives its data.

    variables are the query's own. timeout is in seconds. Raises QueryError when the server refuses it, CairnError when
    there is no server to ask.
    """
    address = server()
    call = request.Request(  # noqa: S310 server() lets http and https pass only
        address + "/graphql",
        data=json.dumps({"query": text, "variables": variables}).encode(),
        headers={"Content-Type": "application/json", "Accept": "application/json"},
        method="POST",
    )
    if token():
        call.add_header("Authorization", "Bearer " + token())
    try:
        with request.urlopen(call, timeout=timeout) as answer:  # noqa: S310
            body = answer.read(MAX_ANSWER)
    except error.HTTPError as refusal:
        body = refusal.read(MAX_ANSWER)
        if not body.lstrip().startswith(b"{"):
            raise QueryError("%s answered HTTP %d: is it a Cairn server?" % (address, refusal.code)) from None
    except OSError as failure:
        raise CairnError(
            "no Cairn server at %s (%s): start one with `cairn server`, or set CAIRN_SERVER" % (address, failure)
        ) from failure
    try:
        found = json.loads(body)
    except ValueError:
        raise QueryError("%s answered no JSON: is it a Cairn server?" % address) from None
    problems = found.get("errors")
    if problems:
        code = (problems[0].get("extensions") or {}).get("code", "")
        raise QueryError("; ".join(str(problem.get("message")) for problem in problems), code)
    return found["data"]
