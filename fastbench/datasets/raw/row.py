"""One row that is a request: where its body stands, and what stands around it. Bodies are not decoded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson

from fastbench._core.splice import members
from fastbench.config.fields import LENGTHS
from fastbench.datasets.rows import RowError
from fastbench.datasets.samples import RawRequest

NS_PER_MS = 1_000_000
OF_BATCHES = ("custom_id", "method", "url")
"""What stands around a body in OpenAI's batch files."""
AROUND = ("body", "path", "headers", "class", "session_id", "delay", "timestamp", "image_files", *OF_BATCHES)
"""The fields of a row around a body."""
_INSIDE = "parameters"
"""Where the APIs that have no length beside the prompt have it."""
_LOOKED_AT = frozenset((*LENGTHS, _INSIDE))
_DIGITS = 10
Member = tuple[str, int, int, int]


class RequestRow(NamedTuple):
    """A row: its request, and what is no part of that. "" and None = the row does not say."""

    request: RawRequest
    output_len: int | None
    """Output tokens that the body asks for."""
    class_name: str = ""
    session: str = ""
    wait_ns: int | None = None
    """From the end of the session's reply before."""
    time_ns: int | None = None
    image_files: bool = False


def raw_row(text: bytes) -> RequestRow:
    """The row whose bytes these are. Raises RowError for what is no object; decodes what is around the body alone."""
    text = text.strip()
    found = members(text)
    if found is None:
        raise RowError("is not a JSON object")
    if all(member[0] != "body" for member in found):
        return RequestRow(RawRequest(text, found), _length(text, found))
    places = {name: (value, end) for name, _, value, end in found}
    value, end = places["body"]

    def of(name: str) -> Any:
        place = places.get(name)
        return None if place is None else orjson.loads(text[place[0] : place[1]])

    headers = text[slice(*places.get("headers", (0, 0)))]
    return _row(text[value:end], of("path") or "", b"" if headers == b"null" else headers)._replace(
        class_name=_name(of("class")),
        session=_name(of("session_id")),
        wait_ns=_ns(of("delay")),
        time_ns=_ns(of("timestamp")),
        image_files=of("image_files") is True,
    )


def with_body(request: RawRequest, body: bytes) -> RawRequest:
    """The same request with another body."""
    return RawRequest(body, members(body) or (), request.path, request.headers)


def _row(body: bytes, path: str = "", headers: bytes = b"") -> RequestRow:
    found = members(body) or []
    return RequestRow(RawRequest(body, found, path, headers), _length(body, found))


def _name(value: object) -> str:
    return "" if value is None else str(value)


def _ns(milliseconds: float | None) -> int | None:
    return None if milliseconds is None else round(milliseconds * NS_PER_MS)


def _length(body: bytes, found: Sequence[Member]) -> int | None:
    """The output tokens that a body asks for, under the first known name."""
    places = {name: (value, end) for name, _, value, end in found if name in _LOOKED_AT}
    if not places:
        return None
    if _INSIDE in places:
        inside = members(body, *places[_INSIDE]) or ()
        places |= {name: (value, end) for name, _, value, end in inside if name in LENGTHS}
    for name in LENGTHS:
        if name in places:
            digits = body[slice(*places[name])]
            if digits.isdigit() and len(digits) < _DIGITS:
                return int(digits) or None
    return None
