"""The output length that a row asks for."""

from fastbench.config.fields import MAX_LENGTH
from fastbench.config.issues import show
from fastbench.config.numbers import whole_number
from fastbench.config.request_fields import LENGTHS
from fastbench.datasets.rows import Row, RowError

USUAL = "max_tokens"
"""The name where the data set's settings give none; it stands for all that are known."""


def length_key(row: Row, key: str) -> str:
    """The name under which a row says its length: `key`, or the first known one where that is the usual."""
    if key != USUAL:
        return key
    return next((name for name in LENGTHS if name in row and not _is_none(row[name])), key)


def length_names(key: str) -> frozenset[str]:
    """The fields of which `length_key` is one."""
    return frozenset(LENGTHS) if key == USUAL else frozenset({key})


def output_len(row: Row, key: str) -> int | None:
    """Output tokens, a number or, as in CSV, its digits; None where the row does not say. key: see `length_key`."""
    key = length_key(row, key)
    found = row.get(key)
    if _is_none(found):
        return None
    length = whole_number(found)
    if length is None or not 1 <= length <= MAX_LENGTH:
        raise RowError(f"has {show(found)} as {key}, where a whole number from 1 to {MAX_LENGTH} must stand")
    return length


def _is_none(value: object) -> bool:
    return value is None or value == ""
