"""Describes the data that a training was given: digest, shape, schema, a few rows. Reads it, never changes it.

Types are MLflow's: columns have boolean, integer, long, float, double, string, binary or datetime; arrays are tensors.
"""

import sys

# Bytes a second that may safely be assumed for hashing: numbers, and columns of objects (counted as 8 bytes a value).
_HASH_RATE = 3e8
_HASH_RATE_OBJECTS = 1.5e7
_HASH_COLUMN_SECONDS = 3e-5
_MAX_LIST = 100_000
_MAX_SAMPLE = 100_000
EXAMPLE_ROWS = 5
_EXAMPLE_BYTES = 256 << 10


def _is(value, module, name):
    holder = sys.modules.get(module)
    kind = getattr(holder, name, None) if holder is not None else None
    return kind is not None and isinstance(value, kind)


def is_frame(value):
    return _is(value, "pandas", "DataFrame")


def is_series(value):
    return _is(value, "pandas", "Series")


def is_sparse(value):
    sparse = sys.modules.get("scipy.sparse")
    return sparse is not None and sparse.issparse(value)


def _array(value):
    """value as an array without copying what is one already; None for what is no table."""
    import numpy

    if isinstance(value, numpy.ndarray):
        return value
    if isinstance(value, (list, tuple)) and len(value) <= _MAX_LIST:
        array = numpy.asarray(value)
        return array if array.dtype != object or array.ndim == 1 else None
    if hasattr(value, "__array__") and not is_frame(value) and not is_sparse(value):
        return numpy.asarray(value)
    return None


def shape(value):
    """The shape as a list of integers, [] if it has none."""
    found = getattr(value, "shape", None)
    if found is None:
        array = _array(value)
        found = array.shape if array is not None else ()
    return [int(size) for size in found]


def rows(value):
    found = shape(value)
    return found[0] if found else 0


def take(value, index):
    """The rows of value that index (an array of positions) names."""
    if value is None:
        return None
    if hasattr(value, "iloc"):
        return value.iloc[index]
    if isinstance(value, (list, tuple)):
        return [value[int(at)] for at in index]
    return value[index]


def sample(count, size):
    """size of count positions, ascending, the same at every call."""
    import numpy

    return numpy.unique(numpy.random.default_rng(0).integers(0, count, size))


# Schemas


def column_type(column):
    """MLflow's type of a pandas column."""
    dtype = column.dtype
    kind = getattr(dtype, "kind", "O")
    size = getattr(dtype, "itemsize", 8)
    if str(dtype) == "category":
        return column_type(column.cat.categories.to_series())
    if kind == "b" or str(dtype) == "boolean":
        return "boolean"
    if kind in "iu":
        return "integer" if size < 4 or (kind == "i" and size == 4) else "long"
    if kind == "f":
        return "float" if size <= 4 else "double"
    if kind == "M":
        return "datetime"
    name = str(dtype)
    if name.startswith(("string", "str")):
        return "string"
    for value in column.iloc[:100]:
        if isinstance(value, str):
            return "string"
        if isinstance(value, (bytes, bytearray)):
            return "binary"
        if isinstance(value, bool):
            return "boolean"
        if isinstance(value, int):
            return "long"
        if isinstance(value, float) and value == value:
            return "double"
    return "any"


def columns(frame):
    """[{"name", "type", "required"}, …] of a DataFrame."""
    missing = frame.isna().any().tolist()
    known = {}
    described = []
    for at, (name, dtype) in enumerate(zip(frame.columns, frame.dtypes)):
        if getattr(dtype, "kind", "O") == "O":
            kind = column_type(frame.iloc[:, at])
        else:
            kind = known[dtype] if dtype in known else known.setdefault(dtype, column_type(frame.iloc[:, at]))
        described.append(
            {
                "name": name if isinstance(name, int) and not isinstance(name, bool) else str(name),
                "type": kind,
                "required": not missing[at],
            }
        )
    return described


def tensor(value):
    """{"dtype", "shape"} of an array, its first axis free."""
    if is_sparse(value):
        dtype, found = value.dtype, value.shape
    else:
        array = _array(value)
        if array is None:
            return None
        dtype, found = array.dtype, array.shape
    name = {"U": "str", "S": "bytes"}.get(dtype.kind, dtype.name)
    return {"dtype": name, "shape": [-1] + [int(size) for size in found[1:]]}


def schema(value):
    """{"columns": […]} for a DataFrame or Series, {"tensor": {…}} for arrays, None if neither."""
    if is_frame(value):
        return {"columns": columns(value)}
    if is_series(value):
        named = {"type": column_type(value), "required": not bool(value.isna().any())}
        if value.name is not None:
            named["name"] = str(value.name)
        return {"columns": [named]}
    found = tensor(value)
    return {"tensor": found} if found else None


# Digests


def _cost(value):
    if value is None:
        return 0.0
    if is_frame(value):
        objects = sum(1 for dtype in value.dtypes if getattr(dtype, "kind", "O") == "O")
        cells = value.shape[0] * 8 * ((value.shape[1] - objects) / _HASH_RATE + objects / _HASH_RATE_OBJECTS)
        return cells + value.shape[1] * _HASH_COLUMN_SECONDS
    if is_sparse(value):
        return value.nnz * 16 / _HASH_RATE
    size = getattr(value, "nbytes", None)
    kind = getattr(getattr(value, "dtype", None), "kind", "O")
    if size is None or kind == "O":
        return rows(value) * 8 / _HASH_RATE_OBJECTS
    return size / _HASH_RATE


def _feed_column(hasher, column):
    kind = getattr(column.dtype, "kind", "O")
    hasher.update(str(column.dtype).encode())
    if kind in "biufcmM" and hasattr(column, "to_numpy") and type(column.dtype).__module__.startswith("numpy"):
        _feed_array(hasher, column.to_numpy())
    else:
        from pandas.util import hash_pandas_object

        _feed_array(hasher, hash_pandas_object(column, index=False).to_numpy())


def _feed_array(hasher, array):
    import numpy

    hasher.update(("%s%s" % (array.dtype.str, array.shape)).encode())
    if array.dtype.kind == "O":
        for item in array.ravel():
            hasher.update(repr(item).encode("utf-8", "replace") + b"\0")
        return
    if array.dtype.kind in "mM":
        array = array.view("i8")
    hasher.update(numpy.ascontiguousarray(array).view("u1").data if array.size else b"")


def _feed(hasher, value):
    if value is None:
        hasher.update(b"-")
    elif is_frame(value):
        for at, name in enumerate(value.columns):
            hasher.update(str(name).encode("utf-8", "replace") + b"\0")
            _feed_column(hasher, value.iloc[:, at])
    elif is_series(value):
        _feed_column(hasher, value)
    elif is_sparse(value):
        rowwise = value.tocsr()
        for part in (rowwise.data, rowwise.indices, rowwise.indptr):
            _feed_array(hasher, part)
    else:
        array = _array(value)
        if array is None:
            raise TypeError("no digest for %s" % type(value).__name__)
        _feed_array(hasher, array)


def _portion(features, targets, seconds):
    """Features and targets, or a fixed sample of their rows where reading all would take longer than seconds."""
    cost = _cost(features) + _cost(targets)
    seconds = max(seconds, 0.001)
    if cost <= seconds:
        return features, targets, False
    count = rows(features)
    index = sample(count, max(1, min(count, _MAX_SAMPLE, int(count * seconds / cost))))
    matching = targets is not None and rows(targets) == count
    return take(features.tocsr() if is_sparse(features) else features, index), (
        take(targets, index) if matching else None
    ), True


def describe(features, targets, name, seconds):
    """The facts of a dataset: name, digest, sampled, kind, shape, bytes, schema, and target_shape, … if it has targets.

    The digest is BLAKE2 of the content, 32 hexadecimal digits; where reading all would take longer than seconds it is
    that of a fixed sample of rows and starts with "sample-".
    """
    import hashlib

    hasher = hashlib.blake2b(digest_size=16)
    hasher.update(repr((shape(features), shape(targets) if targets is not None else None)).encode())
    seen, seen_targets, sampled = _portion(features, targets, seconds)
    _feed(hasher, seen)
    _feed(hasher, seen_targets)
    digest = hasher.hexdigest()
    facts = {
        "name": name,
        "digest": "sample-" + digest[:25] if sampled else digest,
        "sampled": sampled,
        "kind": "dataframe" if is_frame(features) else "sparse" if is_sparse(features) else "array",
        "shape": shape(features),
        "bytes": _bytes(features),
        "schema": schema(seen),
    }
    if targets is not None:
        facts["target_shape"] = shape(targets)
        facts["target_bytes"] = _bytes(targets)
        facts["target_schema"] = schema(targets if seen_targets is None else seen_targets)
    return facts


def _bytes(value):
    if is_frame(value):
        return int(value.memory_usage(index=False).sum())
    if is_sparse(value):
        return int(value.data.nbytes)
    return int(getattr(value, "nbytes", 0))


# Examples


def head(value):
    """The first rows, copied, in value's own type."""
    if hasattr(value, "iloc"):
        return value.iloc[:EXAMPLE_ROWS].copy()
    part = value[:EXAMPLE_ROWS]
    return part.copy() if hasattr(part, "copy") else list(part)


def example(value):
    """{"columns": […], "data": rows} or {"data": rows} for JSON; None for what MLflow has no plain JSON form of."""
    if is_frame(value):
        data = [
            [_cell(value.iloc[row, column]) for column in range(value.shape[1])] for row in range(value.shape[0])
        ]
        return {"columns": [str(name) for name in value.columns], "data": data}
    if is_sparse(value) or is_series(value):
        return None
    array = _array(value)
    if array is None or array.nbytes > _EXAMPLE_BYTES or array.dtype.kind == "O":
        return None
    return {"data": _nested(array.tolist())}


def _nested(value):
    return [_nested(item) for item in value] if isinstance(value, list) else _cell(value)


def _cell(value):
    if hasattr(value, "isoformat"):
        return value.isoformat() if value == value else None
    if hasattr(value, "item"):
        value = value.item()
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else None
    if type(value).__name__ in ("NAType", "NaTType"):
        return None
    return str(value)
