"""A plain reading of a chunked body (RFC 9112 7.1): whole bytes in, what they say out."""

from __future__ import annotations

import re

_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})([;\t ][^\r\n]*)?\r\n")


def dechunk(data: bytes) -> tuple[str, bytes]:
    """("complete" | "more" | "bad", the body's bytes before that)."""
    body = b""
    while True:
        size = _SIZE.match(data)
        if size is None:
            return ("more" if _may_become_size(data) else "bad"), body
        length = int(size[1], 16)
        if length >= 1 << 63:
            return "bad", body
        data = data[size.end() :]
        if length == 0:
            return ("complete" if _trailers_end(data) else "more"), body
        body += data[:length]
        line_end = data[length : length + 2]
        if not b"\r\n".startswith(line_end):
            return "bad", body
        if len(line_end) < 2:
            return "more", body
        data = data[length + 2 :]


def _may_become_size(data: bytes) -> bool:
    digits = re.match(rb"[0-9A-Fa-f]*", data)
    count = digits.end() if digits else 0
    rest = data[count:]
    if count > 16 or (count == 16 and data[0] in b"89abcdefABCDEF") or (rest and not count):
        return False
    return re.fullmatch(rb"(?:[;\t ][^\r\n]*)?\r?", rest) is not None


def _trailers_end(data: bytes) -> bool:
    """Whether an empty line follows; a line may end with LF alone."""
    return any(line in (b"", b"\r") for line in data.split(b"\n")[:-1])
