"""Lengths in tokens: a number, or a pair of bounds."""

from collections.abc import Sequence
from typing import Any, cast

from fastbench.config.dataset_schema import Uniform
from fastbench.config.fields import MAX_LENGTH
from fastbench.config.issues import Issues

_FORM = f"a whole number or [least, most], each from 1 to {MAX_LENGTH}"


def build_lengths(value: object, path: str, issues: Issues) -> Uniform | None:
    """The lengths that `value` stands for, or None after the fault was added to `issues`."""
    if isinstance(value, Uniform):
        return value
    pair = isinstance(value, Sequence) and not isinstance(value, str)
    bounds: Sequence[Any] = cast(Sequence[Any], value) if pair else (value, value)
    if len(bounds) != 2 or not all(type(bound) is int and 1 <= bound <= MAX_LENGTH for bound in bounds):
        issues.wrong(path, value, _FORM)
        return None
    low, high = bounds
    if low > high:
        issues.wrong(path, value, "given as [least, most], the least first")
        return None
    return Uniform(low=low, high=high)
