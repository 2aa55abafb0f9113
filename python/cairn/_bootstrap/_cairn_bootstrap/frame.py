"""The framing of the socket: four bytes of length, big-endian, then one JSON object."""

import time

MAX_FRAME = 20 << 20
_HEAD = 4


class Closed(Exception):
    """The other side is gone, or sent what is no frame."""


def pack(body):
    return len(body).to_bytes(_HEAD, "big") + body


def connect(path, timeout):
    """A connected socket of the C module, which is loaded much faster than the wrapper around it."""
    import _socket

    sock = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        sock.settimeout(timeout)
        sock.connect(path)
    except BaseException:
        sock.close()
        raise
    return sock


def receive(sock, deadline=None):
    """The body of the next frame. deadline is a time.monotonic(); after it the frame counts as lost."""
    size = int.from_bytes(_exactly(sock, _HEAD, deadline), "big")
    if size > MAX_FRAME:
        raise Closed("frame of %d bytes" % size)
    return _exactly(sock, size, deadline)


def _exactly(sock, size, deadline):
    parts = []
    while size:
        if deadline is not None:
            left = deadline - time.monotonic()
            if left <= 0:
                raise Closed("no answer in time")
            sock.settimeout(left)
        part = sock.recv(min(size, 1 << 20))
        if not part:
            raise Closed("closed")
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def quote(text):
    """A JSON string. The json package costs ten times this module's import, and most processes need no more of it."""
    try:
        from _json import encode_basestring_ascii
    except ImportError:
        from json.encoder import py_encode_basestring_ascii as encode_basestring_ascii
    return encode_basestring_ascii(text)


def plain(value, depth=0):
    """value in terms that JSON knows: NaN and infinities as strings, numpy scalars as numbers, anything else as text."""
    if value is None or value is True or value is False or type(value) is str or type(value) is int:
        return value
    if isinstance(value, float):
        value = float(value)
        if value != value:
            return "NaN"
        if value in (float("inf"), float("-inf")):
            return "Infinity" if value > 0 else "-Infinity"
        return value
    if depth > 32:
        return str(value)
    if isinstance(value, dict):
        return {str(key): plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item, depth + 1) for item in value]
    item = getattr(value, "item", None)
    if item is not None and getattr(value, "ndim", None) == 0:
        return plain(item(), depth + 1)
    return str(value)


_to_json = None


def encode(message, ready=False):
    """ready: the message is in terms that JSON knows already."""
    global _to_json
    if _to_json is None:
        import json

        _to_json = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
    return pack(_to_json(message if ready else plain(message)).encode("ascii"))
