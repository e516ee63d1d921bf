"""Texts that are the same in every request but for a few slots: the head of a request, and its body.

A body is described as the object that it is, with a `Slot` where each request has its own, and is made into bytes with
gaps once. To fill them takes no JSON encoder, and nothing of the service: only the slots' bytes, side by side.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from enum import IntEnum
from operator import itemgetter
from typing import Any, Final, NamedTuple


class Slot(IntEnum):
    """The parts that differ between requests."""

    PROMPT = 0
    """A value of the body: the prompt as JSON."""
    LENGTH = 1
    """A value of the body: the output length, digits."""
    REQUEST_ID = 2
    """A value of the body, and of a header: letters, digits, dashes."""
    ROW_FIELDS = 3
    """The parameters that the row has for its request: members of the body's object that has this as a name; the value
    beside that name says nothing. They go over that object's constants."""
    BODY_SIZE = 4
    """Of the head: the body's size, digits."""


class Adapter(NamedTuple):
    """A value of the body: the name of the adapter that the row asks for."""

    otherwise: Any = None
    """The value for a row that asks for none; `OMITTED` = the member is left out."""


OMITTED: Final = object()
"""A value of the body whose member is left out."""

Members = Mapping[Any, Any]
"""A JSON object: name, or `Slot.ROW_FIELDS` → value, which may be a `Slot`, an `Adapter` or hold one."""


class Template:
    """Constant bytes and slots, in turn."""

    def __init__(self, parts: Sequence[bytes | Slot]) -> None:
        self.parts = tuple(parts)
        slots = [part for part in self.parts if isinstance(part, Slot)]
        self._values_of = itemgetter(*slots) if slots else lambda _: ()
        constant = (b"%b" if isinstance(part, Slot) else part.replace(b"%", b"%%") for part in self.parts)
        self._format = b"".join(constant)

    def fill(self, *values: bytes) -> bytes:
        """The finished text. values: of the slots, in the order of `Slot`; of those that it does not have anything."""
        return self._format % self._values_of(values)


def body_template(body: Members, adapter: str | None = None, replaced: Collection[str] | None = None) -> Template:
    """The template for requests with this adapter and with row parameters that replace these constants. None = no row
    parameters."""
    parts: list[bytes | Slot] = []
    for piece in _object(body, adapter, replaced):
        if isinstance(piece, bytes) and parts and isinstance(parts[-1], bytes):
            parts[-1] += piece
        else:
            parts.append(piece)
    return Template(parts)


def replaceable(body: Members) -> frozenset[str]:
    """The constants that a row's parameters stand beside; members with a slot are settings of their own, and stay."""
    if Slot.ROW_FIELDS in body:
        return frozenset(name for name, value in body.items() if not isinstance(value, Slot)) - {Slot.ROW_FIELDS}
    return frozenset().union(*(replaceable(value) for value in body.values() if isinstance(value, Mapping)))


def _object(body: Members, adapter: str | None, replaced: Collection[str] | None) -> Iterator[bytes | Slot]:
    left_out = replaced if replaced and Slot.ROW_FIELDS in body else ()
    separator = b"{"
    for name, given in body.items():
        value = (adapter or given.otherwise) if isinstance(given, Adapter) else given
        if name is Slot.ROW_FIELDS and replaced is not None:
            yield from (separator, name)
        elif name is Slot.ROW_FIELDS or value is OMITTED or name in left_out:
            continue
        else:
            yield b"%b%b:" % (separator, _json(name))
            yield from _value(value, adapter, replaced)
        separator = b","
    yield b"}" if separator == b"," else b"{}"


def _value(value: Any, adapter: str | None, replaced: Collection[str] | None) -> Iterator[bytes | Slot]:
    if value is Slot.REQUEST_ID:
        yield from (b'"', value, b'"')
    elif isinstance(value, Slot):
        yield value
    elif not _has_own(value):
        yield _json(value)
    elif isinstance(value, Mapping):
        yield from _object(value, adapter, replaced)
    else:
        separator = b"["
        for item in value:
            yield separator
            yield from _value(item, adapter, replaced)
            separator = b","
        yield b"]"


def _has_own(value: Any) -> bool:
    """Whether there is something in it that requests have of their own."""
    if isinstance(value, Mapping):
        return Slot.ROW_FIELDS in value or any(map(_has_own, value.values()))
    if isinstance(value, Slot | Adapter):
        return True
    return isinstance(value, list | tuple) and any(map(_has_own, value))


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode("ascii")
