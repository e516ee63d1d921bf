"""The output length that a row asks for."""

from fastbench.config.fields import MAX_LENGTH
from fastbench.config.issues import show
from fastbench.config.numbers import whole_number
from fastbench.datasets.rows import Row, RowError


def output_len(row: Row, key: str) -> int | None:
    """Output tokens under `key`, a number or, as in CSV, its digits; None where the row does not say."""
    found = row.get(key)
    if found is None or found == "":
        return None
    length = whole_number(found)
    if length is None or not 1 <= length <= MAX_LENGTH:
        raise RowError(f"has {show(found)} as {key}, where a whole number from 1 to {MAX_LENGTH} must stand")
    return length
