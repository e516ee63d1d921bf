"""Whole numbers in files where a number may be written as text."""

_MAX_DIGITS = 20


def whole_number(value: object) -> int | None:
    """A whole number that is written as one or as its digits; None for anything else."""
    if isinstance(value, str):
        text = value.strip()
        return int(text) if text.isascii() and text.isdecimal() and len(text) < _MAX_DIGITS else None
    return value if type(value) is int else None
