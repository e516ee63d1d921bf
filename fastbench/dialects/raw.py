"""Requests that come whole, from rows: the settings of a service put into their bodies, the rest byte for byte.

What is set: the service's constants (`stream`, what asks for token counts, the parameters that the user gave), and
`model` where the user names one or the row does not.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from msgspec.structs import replace

from fastbench._core.splice import members
from fastbench.config.services import ServiceConfig
from fastbench.dialects.dialect import Dialect, dialect_of
from fastbench.dialects.prompts import RawLike
from fastbench.dialects.template import OMITTED, Adapter, Slot


class Inside(NamedTuple):
    """Members to set in an object that is a member itself."""

    members: Mapping[str, "Value"]
    whole: bytes
    """The object where a row has none; b"" = then it has none."""


Member = tuple[str, int, int, int]
Value = bytes | Inside | None
"""The JSON of a member; None = it is left out."""
_OF_ID = b"\0id"
"""Stands for the request's id."""


def put_in(text: bytes, found: Sequence[Member], wanted: Mapping[str, Value]) -> bytes:
    """The object `text`, whose members are `found`, with the wanted ones in the place of its own, or behind them."""
    pieces: list[bytes] = []
    hit: list[str] = []
    at, left_out = 0, False
    for name, _, start, end in found:
        if name in wanted:
            value = wanted[name]
            left_out = left_out or value is None
            hit.append(name)
            pieces += (text[at:start], _value(text[start:end], value))
            at = end
    if left_out:
        return _rebuilt(text, found, wanted)
    if len(hit) < len(wanted):
        last = found[-1][3] if found else 1
        pieces += (text[at:last], _new(found, wanted, hit))
        at = last
    pieces.append(text[at:])
    return b"".join(pieces)


def _new(found: Sequence[Member], wanted: Mapping[str, Value], hit: Sequence[str]) -> bytes:
    """The members to put behind those that are there."""
    wholes = ((name, value.whole if isinstance(value, Inside) else value) for name, value in wanted.items())
    new = b",".join(b"%b:%b" % (_name(name), whole) for name, whole in wholes if name not in hit and whole)
    return b"," + new if new and found else new


def _rebuilt(text: bytes, found: Sequence[Member], wanted: Mapping[str, Value]) -> bytes:
    """The same where members are left out: those that stay are put together anew, byte for byte."""
    parts = []
    for name, begins, start, end in found:
        if name not in wanted:
            parts.append(text[begins:end])
        elif (value := wanted[name]) is not None:
            parts.append(text[begins:start] + _value(text[start:end], value))
    new = _new((), wanted, [name for name, *_ in found])
    return b"{%b}" % b",".join((*parts, new) if new else parts)


def _value(old: bytes, value: Value) -> bytes:
    if not isinstance(value, Inside):
        return value or b""
    found = members(old)
    return (value.whole or old) if found is None else put_in(old, found, value.members)


@cache
def _name(name: str) -> bytes:
    return _json(name)


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode("ascii")


class RawBodies:
    """What is put into the bodies of requests to one service."""

    def __init__(self, dialect: Dialect, service: ServiceConfig, model: str) -> None:
        # What the user did not ask for is no part of a request that comes whole.
        given = service.generation_kwargs
        asked = {name: given[name] for name in given if name not in service.optional_kwargs}
        service = replace(service, generation_kwargs=asked)
        self._always = dict(_wanted(dialect, service, model))
        self._with_model: dict[str, Value] | None = None
        """Where a row's own model goes before the service's: with that for rows without one."""
        if dialect.names_model == "body" and not service.model and "model" in self._always:
            self._with_model = {**self._always}
            del self._always["model"]
        self._of_id = [name for name, value in self._always.items() if value is _OF_ID]

    def body(self, raw: RawLike, request_id: bytes) -> bytes:
        """The finished body."""
        wanted = self._always
        if self._with_model is not None and all(member[0] != "model" for member in raw.members):
            wanted = self._with_model
        if self._of_id:
            wanted = wanted | dict.fromkeys(self._of_id, b'"%b"' % request_id)
        return put_in(raw.body, raw.members, wanted)


def _wanted(dialect: Dialect, service: ServiceConfig, model: str) -> Iterator[tuple[str, Value]]:
    """The members that a service's settings set, in the order of the dialect's body."""
    body = dialect.request_body(service, model)
    usage = "" if dialect.usage is None else dialect.usage.name
    for name, value in body.items():
        if name == usage and isinstance(value, Mapping):
            yield name, Inside({key: _json(item) for key, item in value.items()}, _json(value))
        elif isinstance(value, Mapping) and Slot.ROW_FIELDS in value:
            inside = {key: _json(item) for key, item in _constants(value)} | _length(dialect, service)
            whole = {key: item for key, item in inside.items() if item is not None}
            yield name, Inside(inside, b"{%b}" % b",".join(map(_pair, whole.items())) if whole else b"")
        elif value is Slot.REQUEST_ID:
            yield name, _OF_ID
        else:
            yield from ((key, _json(item)) for key, item in _constants({name: value}))
    if usage and usage not in body:
        yield usage, None
    if Slot.ROW_FIELDS in body:
        yield from _length(dialect, service).items()


def _pair(member: tuple[str, bytes]) -> bytes:
    return b"%b:%b" % (_json(member[0]), member[1])


def _constants(body: Mapping[Any, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in body.items():
        constant = value.otherwise if isinstance(value, Adapter) else value
        if isinstance(name, str) and not isinstance(constant, Slot) and constant is not OMITTED:
            yield name, constant


def _length(dialect: Dialect, service: ServiceConfig) -> dict[str, bytes | None]:
    """The output length where the user gives one for all requests, or leaves it out of all."""
    names, given = dialect.output_length(service).names, service.parameters
    if names.isdisjoint(given):
        return {}
    return {name: None if given.get(name) is None else _json(given[name]) for name in sorted(names)}


def raw_length(service: ServiceConfig) -> int | None:
    """The output tokens that the user asks for in all requests which come whole; None = they have their own."""
    found = (service.parameters.get(name) for name in dialect_of(service).output_length(service).names)
    return next((value for value in found if value is not None), None)
