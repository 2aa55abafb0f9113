"""Packed columns: the API sends series of numbers as base64 of little-endian arrays."""

from __future__ import annotations

import base64
import sys
from array import array


def unpack_float64(column: str) -> array[float]:
    """The numbers of a Float64Array. NaN and infinities are exact; numpy.asarray() takes the result without a copy."""
    return _unpack(column, "d")


def unpack_int64(column: str) -> array[int]:
    """The numbers of an Int64Array. Steps are these divided by 10 ** stepScale."""
    return _unpack(column, "q")


def _unpack(column: str, typecode: str) -> array:
    data = base64.b64decode(column, validate=True)
    values = array(typecode)
    if len(data) % values.itemsize:
        raise ValueError("a packed column has %d bytes to a number, this one has %d in all" % (values.itemsize, len(data)))
    values.frombytes(data)
    if sys.byteorder == "big":
        values.byteswap()
    return values
