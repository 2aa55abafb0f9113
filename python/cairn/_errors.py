"""Errors that a user can act on."""

from __future__ import annotations


class CairnError(Exception):
    """Something Cairn needs is missing or was refused. The message says what to do."""


class QueryError(CairnError):
    """The server refused a query. `code` is its machine-readable reason, for example NOT_FOUND."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code
