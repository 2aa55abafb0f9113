"""Errors that a user can act on."""

from __future__ import annotations

import re

_PLACE = re.compile(r"(filter|orderBy)(?:\[\d+\])?: at (\d+): ")


class CairnError(Exception):
    """Something Cairn needs is missing or was refused. The message says what to do."""


class UnreachableError(CairnError):
    """No server answers at the address, or the connection to it was lost for too long."""


class QueryError(CairnError):
    """The server refused a query.

    `code` is its machine-readable reason, for example INVALID_ARGUMENT, and `field` the argument that it is about;
    both are empty where the server named none.
    """

    def __init__(self, message: str, code: str = "", field: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.field = field


class NotFoundError(QueryError):
    """What was named is not on this server: a run, an experiment, a version of a model. Its code is NOT_FOUND."""


class FilterError(QueryError):
    """A filter or an order is wrong. `text` is what was sent, `position` the character of it, from 1, where it is wrong."""

    def __init__(self, message: str, code: str = "", field: str = "", text: str = "", position: int = 0) -> None:
        super().__init__(message, code, field)
        self.text = text
        self.position = position


def refused(problems: list[dict], variables: dict[str, object]) -> QueryError:
    """The error that a response's `errors` make, by the code of the first."""
    message = "; ".join(str(problem.get("message")) for problem in problems)
    extensions = problems[0].get("extensions") or {}
    code, field = str(extensions.get("code", "")), str(extensions.get("field", ""))
    if code == "NOT_FOUND":
        return NotFoundError(message, code, field)
    place = _PLACE.match(message)
    text = _sent(field, variables) if place else ""
    if place and text:
        position = int(place.group(2))
        shown = "%s\n    %s\n    %s^" % (message, text, " " * (position - 1)) if "\n" not in text else message
        return FilterError(shown, code, field, text, position)
    return QueryError(message, code, field)


def _sent(field: str, variables: dict[str, object]) -> str:
    """The text that a field such as `orderBy[1]` had among the variables."""
    name, _, index = field.rstrip("]").partition("[")
    value = variables.get(name)
    if isinstance(value, list):
        if not index and len(value) == 1:
            index = "0"
        value = value[int(index)] if index.isdigit() and int(index) < len(value) else None
    return value if isinstance(value, str) else ""
