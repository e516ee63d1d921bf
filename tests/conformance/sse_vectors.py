"""Event streams and the data of their events, by the rule of WHATWG HTML that each of them shows."""

from __future__ import annotations

from typing import NamedTuple


class Vector(NamedTuple):
    name: str
    rule: str
    stream: bytes
    events: list[bytes]
    error: bool = False  # one of the events has the type `error`


_BOM = b"\xef\xbb\xbf"
_GRAMMAR = "9.2.5 grammar: "
_LINES = "9.2.6 streams must be parsed by lines: "
_FIELD = "9.2.6 process the field: "
_DISPATCH = "9.2.6 dispatch the event: "

VECTORS = [
    Vector("one event", _DISPATCH + "an empty line dispatches", b"data: a\n\n", [b"a"]),
    Vector("bom", _GRAMMAR + "one leading BOM is no part", _BOM + b"data: a\n\n", [b"a"]),
    Vector("two boms", _GRAMMAR + "only one is removed, the second spoils the name", _BOM * 2 + b"data: a\n\n", []),
    Vector("bom alone", _GRAMMAR + "a stream may be empty", _BOM, []),
    Vector("half a bom", _GRAMMAR + "EF BB is no BOM", b"\xef\xbbdata: a\n\ndata: b\n\n", [b"b"]),
    Vector("first byte of a bom", _GRAMMAR + "EF is no BOM", b"\xefdata: a\n\ndata: b\n\n", [b"b"]),
    Vector("bom then blank", _GRAMMAR + "the BOM goes before the lines", _BOM + b"\ndata: a\n\n", [b"a"]),
    Vector("bom inside", _GRAMMAR + "only a leading BOM", b"data: a\n\n" + _BOM + b"data: b\n\n", [b"a"]),
    Vector("bom in data", _GRAMMAR + "a BOM in a value is text", b"data: " + _BOM + b"a\n\n", [_BOM + b"a"]),
    Vector("lf", _LINES + "LF", b"data: a\ndata: b\n\ndata: c\n\n", [b"a\nb", b"c"]),
    Vector("cr", _LINES + "CR", b"data: a\rdata: b\r\rdata: c\r\r", [b"a\nb", b"c"]),
    Vector("crlf", _LINES + "CRLF is one end", b"data: a\r\ndata: b\r\n\r\ndata: c\r\n\r\n", [b"a\nb", b"c"]),
    Vector("cr then lf cr", _LINES + "CR, then LF alone", b"data: a\r\n\rdata: b\n\r\n", [b"a", b"b"]),
    Vector("mixed", _LINES + "ends may be mixed", b"data: a\rdata: b\ndata: c\r\n\ndata: d\n\r", [b"a\nb\nc", b"d"]),
    Vector("lf cr", _LINES + "LF CR are two ends", b"data: a\n\rdata: b\n\r", [b"a", b"b"]),
    Vector("cr lf lf", _LINES + "CRLF, LF", b"data: a\r\n\n", [b"a"]),
    Vector("comment", _FIELD + "a line that starts with a colon", b": hi\ndata: a\n: data: b\n\n", [b"a"]),
    Vector("only comments", _DISPATCH + "no data, no event", b":\n:\n\n: ping\n\n", []),
    Vector("comment, no space", _FIELD + "a colon alone", b":data: x\n:\ndata: a\n\n", [b"a"]),
    Vector("comment in cr", _LINES + "CR ends a comment", b": x\rdata: a\r\r", [b"a"]),
    Vector("long comment", _FIELD + "a comment of any length", b": " + b"data: " * 200 + b"\ndata: a\n\n", [b"a"]),
    Vector("capital name", _FIELD + "names are compared as they are", b"Data: a\nDATA: b\n\n", []),
    Vector("longer name", _FIELD + "names are whole", b"datas: a\ndat: b\ndata : c\n data: d\n\n", []),
    Vector("unknown fields", _FIELD + "others are ignored", b"id: 7\nretry: 9\nfoo: x\nfoo\ndata: a\n\n", [b"a"]),
    Vector("no space", _FIELD + "the space is optional", b"data:a\n\n", [b"a"]),
    Vector("two spaces", _FIELD + "one space is removed", b"data:  a \n\n", [b" a "]),
    Vector("tab", _FIELD + "a tab is not removed", b"data:\ta\n\n", [b"\ta"]),
    Vector("colon in value", _FIELD + "the first colon divides", b"data: a:b: c\n\n", [b"a:b: c"]),
    Vector("two data lines", _FIELD + "values are joined by LF", b"data: a\ndata: b\n\n", [b"a\nb"]),
    Vector("data alone", _FIELD + "a name without colon has an empty value", b"data\n\n", [b""]),
    Vector("data alone twice", _FIELD + "each adds a line", b"data\ndata\n\n", [b"\n"]),
    Vector("empty data", _FIELD + "an empty value", b"data:\n\ndata: \n\n", [b"", b""]),
    Vector("empty lines of data", _FIELD + "empty values count", b"data\ndata: a\ndata:\n\n", [b"\na\n"]),
    Vector("no data", _DISPATCH + "an empty data buffer dispatches nothing", b"event: x\nid: 1\n\n\n\n", []),
    Vector("blank lines", _DISPATCH + "blank lines between events", b"\n\n\ndata: a\n\n\n\ndata: b\n\n", [b"a", b"b"]),
    Vector("unterminated line", _DISPATCH + "pending data are discarded at the end", b"data: a\n\ndata: b", [b"a"]),
    Vector("unterminated event", _DISPATCH + "no last blank line", b"data: a\n\ndata: b\n", [b"a"]),
    Vector("bad utf-8", _GRAMMAR + "bad bytes stay", b"data: \xff\xc3(\xe2\x82\n\n", [b"\xff\xc3(\xe2\x82"]),
    Vector("nul", _GRAMMAR + "NUL is any other character", b"data: a\x00b\n\n", [b"a\x00b"]),
    Vector("utf-8", _GRAMMAR + "always UTF-8", "data: ü€😀\n\n".encode(), ["ü€😀".encode()]),
    Vector("line separator", _LINES + "no other line ends", "data: a\u2028b\x85c\x0bd\x0ce\n\n".encode(),
           ["a\u2028b\x85c\x0bd\x0ce".encode()]),
    Vector("typed", _FIELD + "event", b"event: delta\ndata: a\n\n", [b"a"]),
    Vector("error", _FIELD + "event", b'event: error\ndata: {"a":1}\n\n', [b'{"a":1}'], True),
    Vector("error, no space", _FIELD + "event", b"event:error\ndata: {}\n\n", [b"{}"], True),
    Vector("error after data", _FIELD + "order of fields is free", b"data: {}\nevent: error\n\n", [b"{}"], True),
    Vector("error replaced", _FIELD + "the last event field counts", b"event: error\nevent: x\ndata: {}\n\n", [b"{}"]),
    Vector("error emptied", _FIELD + "an event field without value", b"event: error\nevent\ndata: {}\n\n", [b"{}"]),
    Vector("error without data", _DISPATCH + "the type is reset", b"event: error\n\ndata: {}\n\n", [b"{}"]),
    Vector("error is not kept", _DISPATCH + "the type is reset", b"event: x\ndata: {}\n\ndata: {}\n\n", [b"{}", b"{}"]),
    Vector("error and more", _FIELD + "values are whole", b"event: errors\ndata: {}\n\n", [b"{}"]),
    Vector("error, two spaces", _FIELD + "one space is removed", b"event:  error\ndata: {}\n\n", [b"{}"]),
    Vector("cr error", _LINES + "CR", b"event: error\rdata: {}\r\r", [b"{}"], True),
]  # fmt: skip
