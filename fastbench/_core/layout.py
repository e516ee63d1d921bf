"""Checks at import that compiled code and Python agree: struct layouts and names of codes."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

_ADVICE = "rebuild fastbench, and if that does not help, report it"


def names_by_code(names: Mapping[int, str], count: int) -> tuple[str, ...]:
    """The names of an enum's members, indexed by their codes. ImportError unless there is one for each of `count`."""
    if sorted(names) != list(range(count)):
        raise ImportError(f"the compiled codes 0 to {count - 1} have names for {sorted(names)} only: {_ADVICE}")
    return tuple(names[code] for code in range(count))


def check_layout(dtype: np.dtype[np.void], size: int, read: Callable[[bytes], dict[str, Any]]) -> None:
    """ImportError unless `dtype` describes the compiled struct, field by field.

    size: the struct's, bytes. read: the fields of such a struct in memory, by name, as compiled code reads them.
    """
    if dtype.itemsize != size:
        raise ImportError(f"the compiled struct has {size} bytes, its numpy description {dtype.itemsize}: {_ADVICE}")
    # No two runs of bytes are alike, and each byte has its top bit set once: offset, size and sign of a field all show.
    low = bytes((7 * at + 13 * (at // 128)) % 128 for at in range(size))
    for pattern in (low, bytes(byte | 128 for byte in low)):
        record = np.frombuffer(bytearray(pattern), dtype)[0]
        for name in _padding(dtype):
            record[name] = 0  # Cython reads bytes as text, which ends at a 0
        described = {name: record[name].item() for name in dtype.names or () if name not in _padding(dtype)}
        compiled = {name: value for name, value in read(record.tobytes()).items() if name not in _padding(dtype)}
        if wrong := [name for name in compiled | described if compiled.get(name) != described.get(name)]:
            raise ImportError(f"the compiled struct and its numpy description differ in {', '.join(wrong)}: {_ADVICE}")


def _padding(dtype: np.dtype[np.void]) -> list[str]:
    return [name for name in dtype.names or () if dtype[name].shape]


def check_flags(flags: Mapping[str, int], field: np.dtype[Any]) -> None:
    """ImportError unless each flag is a bit of its own that an unsigned `field` has room for."""
    bits = sorted(flags.values())
    if bits != [1 << at for at in range(len(bits))] or len(bits) > 8 * field.itemsize:
        raise ImportError(f"the flags {dict(flags)} are not distinct bits of a {field}: {_ADVICE}")
