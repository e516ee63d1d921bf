"""Which request headers a config may add."""

import re

from fastbench.config.issues import show

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VALUE = re.compile(r"[\t\x20-\x7e\xa0-\xff]*")
_OWN = frozenset({"host", "content-length", "transfer-encoding", "connection", "accept-encoding"})


def header_fault(name: str, value: str) -> str | None:
    """Why this header cannot be sent, or None. Never quotes the value, which may be a key."""
    if not _TOKEN.fullmatch(name):
        return f"is named {show(name)}; a header name holds only letters, digits and !#$%&'*+-.^_`|~"
    if name.lower() in _OWN:
        return "is written by fastbench itself; leave it out"
    if not _VALUE.fullmatch(value):
        return "has a value with a line break, a control character or one outside Latin-1; remove it"
    return None
