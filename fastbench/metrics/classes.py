"""The numbers of each class of requests: adapters, tenants, priorities, kinds of prompts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from fastbench.metrics.samples.selection import Selection, Window

WITHOUT = "no class"
"""The name of the requests that have none, where others have one."""


class OfClass(NamedTuple):
    """A class, and its requests of a stage."""

    name: str
    number: int
    selection: Selection


def class_names(header: Mapping[str, object]) -> tuple[str, ...]:
    """Of a recording, in the order of their numbers from 1; () = its requests have no classes."""
    names = header.get("classes")
    return tuple(map(str, names)) if isinstance(names, list) else ()


def class_name(names: Sequence[str], number: int) -> str:
    """That of a row's number."""
    if not number:
        return WITHOUT
    return names[number - 1] if number <= len(names) else f"class {number}"


def classes_of(selection: Selection, window: Window | None) -> Iterator[OfClass]:
    """The classes that have requests in a stage, in the order of their numbers; nothing where there are none at all."""
    names = class_names(selection.header)
    if not names:
        return
    numbers = np.flatnonzero(np.bincount(selection.final["class_number"])).tolist()
    for number in sorted(numbers, key=lambda number: (number == 0, number)):
        yield OfClass(class_name(names, number), number, selection.of_class(number, window))
