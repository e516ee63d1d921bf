"""A plain reading of WHATWG HTML 9.2.5-9.2.6: a whole stream in, its events out."""

from __future__ import annotations

import re

_LINE_END = re.compile(rb"\r\n|\n|\r")


def decode(stream: bytes) -> list[tuple[bytes, bytes]]:
    """(type, data) of each event that the stream dispatches; the type is empty where it has none."""
    events: list[tuple[bytes, bytes]] = []
    kind, data = b"", b""
    *lines, _unterminated = _LINE_END.split(stream.removeprefix(b"\xef\xbb\xbf"))
    for line in lines:
        if not line:
            if data:
                events.append((kind, data.removesuffix(b"\n")))
            kind, data = b"", b""
            continue
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            data += value + b"\n"
        elif field == b"event":
            kind = value
    return events
