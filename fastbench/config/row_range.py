"""`test_range`: which rows of a file are used."""

import re

_SLICE = re.compile(r"\s*\[\s*(-?\d+)?\s*:\s*(-?\d+)?\s*(?::\s*(-?\d+)?\s*)?\]\s*")


def parse_slice(text: str) -> slice | None:
    """The slice that a text such as "[10:20]" stands for; None for any other text."""
    match = _SLICE.fullmatch(text)
    if match is None:
        return None
    start, stop, step = (None if part is None else int(part) for part in match.groups())
    return None if step == 0 else slice(start, stop, step)


def range_fault(value: str | int | float | None) -> str | None:
    """What a `test_range` must be, where `value` is not it."""
    if isinstance(value, str):
        return None if parse_slice(value) else 'a slice such as "[:8]" or "[10:20]"'
    if value is None or (value > 0 and (value < 1 or isinstance(value, int) or value.is_integer())):
        return None
    return "a whole number of rows above 0, or a share of them between 0 and 1"
