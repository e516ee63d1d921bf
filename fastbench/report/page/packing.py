"""Integer columns as short text for a page's scripts; `assets/unpack.js` reads them."""

from __future__ import annotations

import base64
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

_TYPES = ("uint8", "int8", "uint16", "int16", "uint32", "int32")
_RAW = -15
"""zlib's way to say: without a header, as the browser's "deflate-raw"."""


def pack(values: NDArray[Any], *, rising: bool = False) -> dict[str, Any]:
    """A column of integers in the smallest type that holds them, byte planes apart, deflated, in base64.

    values: (n,), between -2**53 and 2**53. rising: what is kept is each value's distance from the one before.
    """
    column = np.asarray(values, np.int64)
    if rising:
        column = np.diff(column, prepend=0)
    kind = _smallest(column)
    planes = column.astype(kind).view(np.uint8).reshape(column.size, np.dtype(kind).itemsize).T
    deflate = zlib.compressobj(6, zlib.DEFLATED, _RAW)
    packed = deflate.compress(np.ascontiguousarray(planes).data) + deflate.flush()
    return {"type": kind, "count": column.size, "rising": rising, "data": base64.b64encode(packed).decode("ascii")}


def _smallest(column: NDArray[np.int64]) -> str:
    if not column.size:
        return _TYPES[0]
    low, high = int(column.min()), int(column.max())
    fitting = (name for name in _TYPES if np.iinfo(name).min <= low and high <= np.iinfo(name).max)
    return next(fitting, "float64")
