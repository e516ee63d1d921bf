"""HTTP/1.x responses and what RFC 9112 (or RFC 9110) makes of them."""

from __future__ import annotations

from typing import NamedTuple


class Vector(NamedTuple):
    """A response that is accepted.

    ends: "framing" = complete by its own framing, "eof" = complete when the connection ends, "cut" = never.
    """

    name: str
    rule: str
    raw: bytes
    body: bytes = b""
    status: int = 200
    keep_alive: bool = True
    ends: str = "framing"
    left: bytes = b""
    content_type: str = ""


class Refused(NamedTuple):
    """A response that is refused, and words of the reason."""

    name: str
    rule: str
    raw: bytes
    reason: str


OK = b"HTTP/1.1 200 OK\r\n"
OLD = b"HTTP/1.0 200 OK\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
EMPTY = b"Content-Length: 0\r\n\r\n"
HELLO = b"Content-Length: 5\r\n\r\nhello"
CHUNKED_HELLO = CHUNKED + b"5\r\nhello\r\n0\r\n\r\n"
TYPE = b"Content-Type: "

VECTORS = [
    Vector("content-length", "9112 6.2", OK + HELLO, b"hello"),
    Vector("no body", "9112 6.3 (6)", OK + EMPTY),
    Vector("no reason phrase", "9112 4", b"HTTP/1.1 200 \r\n" + HELLO, b"hello"),
    Vector("no space behind the status", "9112 4, lenient", b"HTTP/1.1 200\r\n" + HELLO, b"hello"),
    Vector("reason in UTF-8", "9112 4 obs-text", "HTTP/1.1 200 Äh\r\n".encode() + HELLO, b"hello"),
    Vector("status 599", "9110 15", b"HTTP/1.1 599 x\r\n" + HELLO, b"hello", 599),
    Vector("status 999", "9110 15: as a 5xx", b"HTTP/1.1 999 x\r\n" + HELLO, b"hello", 999),
    Vector("later minor version", "9110 2.5", b"HTTP/1.2 200 OK\r\n" + HELLO, b"hello"),
    Vector("lf alone", "9112 2.2: LF may end a line", b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello", b"hello"),
    Vector("empty line first", "9112 2.2 (of requests, lenient)", b"\r\n\r\n" + OK + HELLO, b"hello"),
    Vector("left over", "9112 9.2: bytes behind the message", OK + HELLO + b"HTTP", b"hello", left=b"HTTP"),
    Vector("left over behind chunks", "9112 7.1", OK + CHUNKED_HELLO + b"\r\n", b"hello", left=b"\r\n"),
    Vector("no space behind the colon", "9112 5", OK + b"Content-Length:5\r\n\r\nhello", b"hello"),
    Vector("space around a value", "9112 5.1", OK + b"Content-Length: \t 5 \t\r\n\r\nhello", b"hello"),
    Vector("case of names", "9110 5.1", OK + b"cONTENT-lENGTH: 5\r\n\r\nhello", b"hello"),
    Vector("capitals", "9110 5.1", OK + b"TRANSFER-ENCODING: CHUNKED\r\n\r\n0\r\n\r\n"),
    Vector("empty value", "9112 5", OK + b"X-Empty:\r\nContent-Encoding:\r\n" + HELLO, b"hello"),
    Vector("colon in a value", "9112 5", OK + b"X: a:b\r\n" + HELLO, b"hello"),
    Vector("obs-fold", "9112 5.2", OK + b"X: a\r\n b\r\n\tc\r\n" + HELLO, b"hello"),
    Vector("fold before any field", "9112 2.2: such lines are consumed", OK + b" x: y\r\n" + HELLO, b"hello"),
    Vector("same length twice", "9110 8.6", OK + b"Content-Length: 5\r\n" + HELLO, b"hello"),
    Vector("leading zeros", "9110 8.6: digits", OK + b"Content-Length: 005\r\n\r\nhello", b"hello"),
    Vector("cut length", "9112 8: incomplete", OK + b"Content-Length: 9\r\n\r\nhello", b"hello", ends="cut"),
    Vector("cut head", "9112 8: incomplete", OK + b"Content-Le", ends="cut"),
    Vector("nothing", "9112 8: incomplete", b"", status=0, keep_alive=False, ends="cut"),
    Vector("204", "9112 6.3 (1)", b"HTTP/1.1 204 No Content\r\n\r\n", status=204),
    Vector("204 with a length", "9112 6.3 (1)", b"HTTP/1.1 204 x\r\n" + HELLO, status=204, left=b"hello"),
    Vector("304 chunked", "9112 6.3 (1)", b"HTTP/1.1 304 x\r\n" + CHUNKED + b"0\r\n", status=304, left=b"0\r\n"),
    Vector("100 first", "9110 15.2", b"HTTP/1.1 100 Continue\r\n\r\n" + OK + HELLO, b"hello"),
    Vector("three interim", "9110 15.2", b"HTTP/1.1 103 x\r\nLink: y\r\n\r\n" * 3 + OK + HELLO, b"hello"),
    Vector("interim with a framing", "9112 6.3 (1)", b"HTTP/1.1 102 x\r\nContent-Length: 9\r\n\r\n" + OK + EMPTY),
    Vector("interim closes nothing", "9112 9.6: the final one counts",
           b"HTTP/1.1 100 x\r\nConnection: close\r\n\r\n" + OK + EMPTY),
    Vector("only interim", "9110 15.2: a final one must follow", b"HTTP/1.1 100 x\r\n\r\n", status=0,
           keep_alive=False, ends="cut"),
    Vector("until close", "9112 6.3 (8)", OK + b"\r\nhello", b"hello", keep_alive=False, ends="eof"),
    Vector("until close, empty", "9112 6.3 (8)", OK + b"\r\n", keep_alive=False, ends="eof"),
    Vector("close", "9112 9.6", OK + b"Connection: close\r\n" + HELLO, b"hello", keep_alive=False),
    Vector("close in a list", "9110 7.6.1", OK + b"Connection: x, Close ,y\r\n" + EMPTY, keep_alive=False),
    Vector("close wins", "9112 9.3", OK + b"Connection: close\r\nConnection: keep-alive\r\n" + EMPTY,
           keep_alive=False),
    Vector("closed is not close", "9110 7.6.1", OK + b"Connection: closed, xclose\r\n" + EMPTY),
    Vector("1.0", "9112 9.3", OLD + HELLO, b"hello", keep_alive=False),
    Vector("1.0 keep-alive", "9112 C.2.2", OLD + b"Connection: Keep-Alive\r\n" + HELLO, b"hello"),
    Vector("1.0 close wins", "9112 9.3", OLD + b"Connection: close\r\nConnection: keep-alive\r\n" + EMPTY,
           keep_alive=False),
    Vector("1.0 chunked", "9112 6.1: faulty, close after", OLD + b"Connection: keep-alive\r\n" + CHUNKED_HELLO,
           b"hello", keep_alive=False),
    Vector("chunked", "9112 7.1", OK + CHUNKED_HELLO, b"hello"),
    Vector("chunks", "9112 7.1", OK + CHUNKED + b"1\r\na\r\n2\r\nbc\r\n0\r\n\r\n", b"abc"),
    Vector("no chunk", "9112 7.1", OK + CHUNKED + b"0\r\n\r\n"),
    Vector("upper hex", "9112 7.1", OK + CHUNKED + b"1A\r\n" + b"x" * 26 + b"\r\n0\r\n\r\n", b"x" * 26),
    Vector("lower hex", "9112 7.1", OK + CHUNKED + b"1a\r\n" + b"x" * 26 + b"\r\n0\r\n\r\n", b"x" * 26),
    Vector("zeros before a size", "9112 7.1", OK + CHUNKED + b"0000000000000005\r\nhello\r\n000\r\n\r\n", b"hello"),
    Vector("largest size", "9112 7.1: no overflow", OK + CHUNKED + b"7fffffffffffffff\r\nhello", b"hello", ends="cut"),
    Vector("extension", "9112 7.1.1", OK + CHUNKED + b"5;a=b;c=\"d;e\"\r\nhello\r\n0;x\r\n\r\n", b"hello"),
    Vector("space behind a size", "9112 7.1.1 BWS", OK + CHUNKED + b"5 \t; a\r\nhello\r\n0 \r\n\r\n", b"hello"),
    Vector("chunk data like framing", "9112 7.1", OK + CHUNKED + b"7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n", b"\r\n0\r\n\r\n"),
    Vector("trailers", "9112 7.1.2", OK + CHUNKED + b"1\r\na\r\n0\r\nX: y\r\nContent-Length: 7\r\n\r\n", b"a"),
    Vector("trailer without colon", "9112 7.1.2: dropped", OK + CHUNKED + b"0\r\nwhat\r\n\r\n"),
    Vector("no last chunk", "9112 8: incomplete", OK + CHUNKED + b"5\r\nhello\r\n", b"hello", ends="cut"),
    Vector("half of the last line end", "9112 8: incomplete", OK + CHUNKED + b"0\r\n\r", ends="cut"),
    Vector("trailers without end", "9112 8: incomplete", OK + CHUNKED + b"0\r\nX: y\r\n", ends="cut"),
    Vector("both framings", "9112 6.3 (3)", OK + b"Content-Length: 3\r\n" + CHUNKED_HELLO, b"hello", keep_alive=False),
    Vector("both, other order", "9112 6.3 (3)",
           OK + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
           b"hello", keep_alive=False),
    Vector("event stream", "9110 8.3", OK + TYPE + b"text/event-stream; charset=utf-8\r\n" + EMPTY,
           content_type="text/event-stream"),
    Vector("capital type", "9110 8.3.1", OK + TYPE + b"Application/JSON\r\n" + EMPTY, content_type="application/json"),
    Vector("html", "9110 8.3", OK + TYPE + b"text/html\r\n" + EMPTY, content_type="text/html"),
    Vector("other type", "9110 8.3", OK + TYPE + b"text/plain\r\n" + EMPTY, content_type="other"),
]  # fmt: skip

_STATUS = "status line"
_HEADER = "header line"
_LENGTH = "Content-Length"
_CODING = "transfer coding"
_SIZE = "chunk size"
_END = "do not end with CR LF"

REFUSED = [
    Refused("no http", "9112 4", b"hello world\r\n\r\n", _STATUS),
    Refused("http/2", "9112 2.3", b"HTTP/2.0 200 OK\r\n\r\n", _STATUS),
    Refused("http/0.9", "9112 2.3", b"<html>oh</html>\n", _STATUS),
    Refused("version in lower case", "9112 2.3: case-sensitive", b"http/1.1 200 OK\r\n\r\n", _STATUS),
    Refused("letter as version", "9112 2.3", b"HTTP/1.x 200 OK\r\n\r\n", _STATUS),
    Refused("two digits of version", "9112 2.3", b"HTTP/1.10 200 OK\r\n\r\n", _STATUS),
    Refused("two digits of status", "9112 4", b"HTTP/1.1 20 OK\r\n\r\n", _STATUS),
    Refused("four digits of status", "9112 4", b"HTTP/1.1 2000 OK\r\n\r\n", _STATUS),
    Refused("status 099", "9110 15", b"HTTP/1.1 099 x\r\n\r\n", _STATUS),
    Refused("status in letters", "9112 4", b"HTTP/1.1 2x0 OK\r\n\r\n", _STATUS),
    Refused("two responses for one head", "9112 5", OK + OK + HELLO, _HEADER),
    Refused("no colon", "9112 5", OK + b"what\r\n\r\n", _HEADER),
    Refused("no name", "9112 5", OK + b": x\r\n\r\n", _HEADER),
    Refused("space before the colon", "9112 5.1", OK + b"Content-Length : 5\r\n\r\nhello", _HEADER),
    Refused("tab before the colon", "9112 5.1", OK + b"Transfer-Encoding\t: chunked\r\n\r\n", _HEADER),
    Refused("bare cr in a field", "9112 2.2", OK + b"X: a\rContent-Length: 5\r\n\r\n", _HEADER),
    Refused("bare cr in the status line", "9112 2.2", b"HTTP/1.1 200 OK\rX: y\r\n\r\n", _HEADER),
    Refused("bare cr in a fold", "9112 2.2", OK + b"X: a\r\n b\rc\r\n\r\n", _HEADER),
    Refused("two crs", "9112 2.2", OK + b"X: a\r\r\n\r\n", _HEADER),
    Refused("folded length", "9112 5.2: reject", OK + b"Content-Length: 5\r\n 6\r\n\r\n", _HEADER),
    Refused("folded coding", "9112 5.2: reject", OK + b"Transfer-Encoding:\r\n chunked\r\n\r\n", _CODING),
    Refused("folded coding behind", "9112 5.2: reject", OK + b"Transfer-Encoding: chunked\r\n , x\r\n\r\n", _HEADER),
    Refused("two lengths", "9112 6.3 (5)", OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n", _LENGTH),
    Refused("list of lengths", "9112 6.3 (5)", OK + b"Content-Length: 5, 6\r\n\r\n", _LENGTH),
    Refused("negative length", "9110 8.6", OK + b"Content-Length: -5\r\n\r\n", _LENGTH),
    Refused("signed length", "9110 8.6", OK + b"Content-Length: +5\r\n\r\n", _LENGTH),
    Refused("hex length", "9110 8.6", OK + b"Content-Length: 0x5\r\n\r\n", _LENGTH),
    Refused("empty length", "9110 8.6", OK + b"Content-Length:\r\n\r\n", _LENGTH),
    Refused("length in two words", "9110 8.6", OK + b"Content-Length: 5 5\r\n\r\n", _LENGTH),
    Refused("length overflows", "9110 8.6", OK + b"Content-Length: 18446744073709551621\r\n\r\n", _LENGTH),
    Refused("chunked twice", "9112 6.1", OK + b"Transfer-Encoding: chunked, chunked\r\n\r\n", _CODING),
    Refused("chunked in two fields", "9112 6.1",
            OK + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", _CODING),
    Refused("chunked not last", "9112 6.1", OK + b"Transfer-Encoding: chunked, gzip\r\n\r\n", _CODING),
    Refused("gzip, chunked", "9112 6.1: unasked (TE)", OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n", _CODING),
    Refused("identity", "9112 7", OK + b"Transfer-Encoding: identity\r\n\r\n", _CODING),
    Refused("empty coding", "9112 6.1", OK + b"Transfer-Encoding:\r\n\r\n", _CODING),
    Refused("xchunked", "9112 6.1", OK + b"Transfer-Encoding: xchunked\r\n\r\n", _CODING),
    Refused("17 digits", "9112 7.1", OK + CHUNKED + b"00000000000000005\r\nhello\r\n", _SIZE),
    Refused("size overflows", "9112 7.1", OK + CHUNKED + b"8000000000000000\r\n", _SIZE),
    Refused("size overflows to 5", "9112 7.1", OK + CHUNKED + b"10000000000000005\r\nhello\r\n", _SIZE),
    Refused("no size", "9112 7.1", OK + CHUNKED + b"\r\n", _SIZE),
    Refused("extension without size", "9112 7.1", OK + CHUNKED + b";a\r\n", _SIZE),
    Refused("no hex", "9112 7.1", OK + CHUNKED + b"g\r\n", _SIZE),
    Refused("0x", "9112 7.1", OK + CHUNKED + b"0x5\r\nhello\r\n", _SIZE),
    Refused("negative size", "9112 7.1", OK + CHUNKED + b"-1\r\n", _SIZE),
    Refused("space before a size", "9112 7.1", OK + CHUNKED + b" 5\r\nhello\r\n", _SIZE),
    Refused("lf behind a size", "9112 2.2 is of fields only", OK + CHUNKED + b"5\nhello\r\n", _SIZE),
    Refused("lf in an extension", "9112 7.1.1", OK + CHUNKED + b"5;a\nhello\r\n", _SIZE),
    Refused("bare cr behind a size", "9112 2.2", OK + CHUNKED + b"5\rhello\r\n", _SIZE),
    Refused("data too long", "9112 7.1", OK + CHUNKED + b"4\r\nhello\r\n0\r\n\r\n", _END),
    Refused("data too short", "9112 7.1", OK + CHUNKED + b"6\r\nhello\r\n0\r\n\r\n", _END),
    Refused("lf behind data", "9112 7.1", OK + CHUNKED + b"5\r\nhello\n0\r\n\r\n", _END),
    Refused("no line end behind data", "9112 7.1", OK + CHUNKED + b"5\r\nhello0\r\n\r\n", _END),
    Refused("switched protocols", "9110 15.2.2: unasked", b"HTTP/1.1 101 x\r\nUpgrade: h2c\r\n\r\n", "switched"),
]  # fmt: skip
