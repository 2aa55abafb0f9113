"""GraphQL over HTTP with nothing but the standard library."""

from __future__ import annotations

import json
import os
from typing import Any
from urllib import error, parse, request

from cairn._errors import CairnError, QueryError, UnreachableError, refused

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

    variables are the query's own; one that is called `text` or `timeout` needs another name in the query. timeout is in
    seconds, for the connection and for each silence of the server.

    Raises QueryError when the server refuses it (NotFoundError for what is not there, FilterError with the place for a
    filter or an order that is wrong), UnreachableError when there is no server to ask, and CairnError for an answer of more
    than 256 MiB.
    """
    return ask(text, variables, timeout)


def ask(text: str, variables: dict[str, Any], timeout: float) -> dict[str, Any]:
    """As query, with any names of variables."""
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
            body = _read(answer)
    except error.HTTPError as refusal:
        body = _read(refusal)
        if not body.lstrip().startswith(b"{"):
            raise no_cairn(address, refusal.code) from None
    except OSError as failure:
        raise unreachable(address, failure) from failure
    if len(body) > MAX_ANSWER:
        raise CairnError("the answer has more than %d MiB: ask for fewer runs, keys or points" % (MAX_ANSWER >> 20))
    return data_of(body, address, variables)


def _read(answer: Any) -> bytes:
    """A body, up to what is too long. In pieces: Python 3.9 takes memory for all that is asked for, whatever comes."""
    body = bytearray()
    while len(body) <= MAX_ANSWER and (piece := answer.read(1 << 18)):
        body += piece
    return bytes(body)


def data_of(body: bytes, address: str, variables: dict[str, Any]) -> dict[str, Any]:
    """The data of a response; raises its errors."""
    try:
        found = json.loads(body)
    except ValueError:
        raise QueryError("%s answered no JSON: is it a Cairn server?" % address) from None
    problems = found.get("errors")
    if problems:
        raise refused(problems, variables)
    return found["data"]


def unreachable(address: str, failure: BaseException) -> UnreachableError:
    return UnreachableError(
        "no Cairn server at %s (%s): start one with `cairn server`, or set CAIRN_SERVER" % (address, failure)
    )


def no_cairn(address: str, status: int) -> QueryError:
    return QueryError("%s answered HTTP %d: is it a Cairn server?" % (address, status))
