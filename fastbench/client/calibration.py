"""How fast this machine reads replies, in a few milliseconds."""

import time

from fastbench._core.wire import OutputSpec, ReplyReader
from fastbench.registry import DIALECTS

_EVENTS = 20_000
_ROUNDS = 3
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
_EVENT = b'data: {"id":"x","choices":[{"index":0,"delta":{"content":" word"},"finish_reason":null}]}\n\n'


def event_ns() -> float:
    """CPU time of one ordinary output event, ns: the least of a few rounds."""
    events = _EVENT * _EVENTS
    return min(_round_ns(events) for _ in range(_ROUNDS)) / _EVENTS


def _round_ns(events: bytes) -> int:
    reader = ReplyReader(OutputSpec(DIALECTS.get("openai_chat").rules))
    reader.feed(_HEAD)
    begun = time.thread_time_ns()
    reader.feed(events)
    return time.thread_time_ns() - begun
