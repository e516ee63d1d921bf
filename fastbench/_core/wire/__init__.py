"""Bytes of a reply to its facts, sans I/O: HTTP framing, the event stream, what each event says, how a reply ended."""

from fastbench._core.wire.http import MAX_EXTENSIONS, MAX_HEAD, HttpParser
from fastbench._core.wire.outcome import MAX_NOTE
from fastbench._core.wire.output import OutputReader
from fastbench._core.wire.reply import MAX_DOCUMENT, ReplyReader
from fastbench._core.wire.rules import ROLES, OutputSpec, Rule
from fastbench._core.wire.sse import MAX_EVENT, SseParser
from fastbench._core.wire.walk import MAX_DEPTH

__all__ = [
    "MAX_DEPTH",
    "MAX_DOCUMENT",
    "MAX_EVENT",
    "MAX_EXTENSIONS",
    "MAX_HEAD",
    "MAX_NOTE",
    "ROLES",
    "HttpParser",
    "OutputReader",
    "OutputSpec",
    "ReplyReader",
    "Rule",
    "SseParser",
]
