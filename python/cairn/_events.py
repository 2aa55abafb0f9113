"""A GraphQL subscription over server-sent events, with asyncio and the standard library."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any
from urllib import parse

from cairn import _query
from cairn._errors import CairnError

# The server says something every 15 s. Longer silence is a connection that is dead.
SILENCE_SECONDS = 60.0
MAX_EVENT = 64 << 20
# What a proxy says while the server behind it is away.
AWAY = ("502", "503", "504")


class BrokenError(Exception):
    """The connection ended before the subscription did; `begun` says whether that had begun."""

    def __init__(self, message: str, begun: bool = False) -> None:
        super().__init__(message)
        self.begun = begun


async def events(text: str, variables: dict[str, Any], timeout: float) -> AsyncGenerator[dict[str, Any], None]:
    """The data of each event, until the server says that it was the last. timeout is in seconds, for the connection.

    Raises OSError where nobody listens, BrokenError where the connection ends in the middle, and the errors of
    `cairn.query`.
    """
    address = _query.server()
    parts = parse.urlsplit(address)
    secure = parts.scheme == "https"
    host = parts.hostname or "localhost"
    opening = asyncio.open_connection(
        host, parts.port or (443 if secure else 80), ssl=ssl.create_default_context() if secure else None
    )
    try:
        reader, writer = await asyncio.wait_for(opening, timeout)
    except asyncio.TimeoutError as failure:
        raise OSError("no connection within %g s" % timeout) from failure
    begun = False
    try:
        writer.write(_request(parts, text, variables))
        body = _body(reader, await asyncio.wait_for(_head(reader, address), timeout))
        begun = True
        async for event in _parsed(body):
            if event is None:
                return
            yield _query.data_of(event, address, variables)
        raise BrokenError("the stream ended", begun)
    except (asyncio.IncompleteReadError, asyncio.TimeoutError, ConnectionError) as failure:
        raise BrokenError(str(failure) or "silence", begun) from failure
    finally:
        writer.transport.abort()  # nothing more is read or written; a closing handshake could hang


def _request(parts: parse.SplitResult, text: str, variables: dict[str, Any]) -> bytes:
    body = json.dumps({"query": text, "variables": variables}).encode()
    head = [
        "POST %s/graphql HTTP/1.1" % parts.path,
        "Host: %s" % parts.netloc.rpartition("@")[2],
        "Content-Type: application/json",
        "Accept: text/event-stream",
        "Content-Length: %d" % len(body),
        "Connection: close",
    ]
    token = _query.token()
    if "\r" in token or "\n" in token:
        raise CairnError("CAIRN_TOKEN holds the end of a line")
    if token:
        head.append("Authorization: Bearer " + token)
    return "\r\n".join(head).encode("utf-8") + b"\r\n\r\n" + body


async def _head(reader: asyncio.StreamReader, address: str) -> dict[str, str]:
    """The headers of an answer that is a stream of events; raises what any other says."""
    status = await _line(reader)
    headers = {}
    while line := await _line(reader):
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    if headers.get("content-type", "").startswith("text/event-stream"):
        return headers
    code = status.split(" ")[1] if " " in status else ""
    body = b""
    async for piece in _body(reader, headers):
        body += piece
        if len(body) > MAX_EVENT:
            break
    if code in AWAY and not body.lstrip().startswith(b"{"):
        raise BrokenError("HTTP %s" % code)
    if not code.isdigit() or not body.lstrip().startswith(b"{"):
        raise _query.no_cairn(address, int(code) if code.isdigit() else 0)
    _query.data_of(body, address, {})
    raise _query.no_cairn(address, int(code))


async def _line(reader: asyncio.StreamReader) -> str:
    try:
        return (await reader.readuntil(b"\n")).decode("latin-1").rstrip("\r\n")
    except asyncio.LimitOverrunError:
        raise BrokenError("no HTTP") from None


async def _body(reader: asyncio.StreamReader, headers: dict[str, str]) -> AsyncIterator[bytes]:
    """The pieces of a body as they come."""
    if headers.get("transfer-encoding", "").lower() != "chunked":
        left = int(headers["content-length"]) if headers.get("content-length", "").isdigit() else None
        while left is None or left > 0:
            piece = await asyncio.wait_for(reader.read(1 << 16 if left is None else min(left, 1 << 16)), SILENCE_SECONDS)
            if not piece:
                return
            left = None if left is None else left - len(piece)
            yield piece
        return
    while True:
        line = await asyncio.wait_for(_line(reader), SILENCE_SECONDS)
        try:
            size = int(line.partition(";")[0], 16)
        except ValueError:
            raise BrokenError("no chunk of HTTP") from None
        if size > 0:
            yield await asyncio.wait_for(reader.readexactly(size), SILENCE_SECONDS)
        await asyncio.wait_for(_line(reader), SILENCE_SECONDS)
        if size == 0:
            return


async def _parsed(body: AsyncIterator[bytes]) -> AsyncIterator[bytes | None]:
    """The data of each event; None for the last, `complete`."""
    held = bytearray()
    async for piece in body:
        looked = max(0, len(held) - 1)
        held += piece
        while (end := held.find(b"\n\n", looked)) >= 0:
            event, data = "", []
            for line in bytes(held[:end]).split(b"\n"):
                name, _, value = line.partition(b":")
                if name == b"event":
                    event = value.strip().decode("latin-1")
                elif name == b"data":
                    data.append(value[1:] if value.startswith(b" ") else value)
            del held[: end + 2]
            looked = 0
            if event == "complete":
                yield None
                return
            if data:
                yield b"\n".join(data)
        if len(held) > MAX_EVENT:
            raise CairnError("an event has more than %d MiB" % (MAX_EVENT >> 20))
