"""A seeded generator of hostile responses: real ones, and the standards' vectors, mutated and cut."""

from __future__ import annotations

import random
from functools import cache

from replies import DONE, LAST_CHUNK, delta, document, event, head, stream, usage

from . import http_vectors, sse_vectors, wire
from .cuts import at_places

_WORDS = (
    b"\r\n", b"\n", b"\r", b"\n\n", b"\r\n\r\n", b"data: ", b"data", b"event: error\n", b": ping\n\n", b"[DONE]", DONE,
    LAST_CHUNK, b"0\r\n", b"1\r\n", b"ffffffffffffffff\r\n", b"7fffffffffffffff\r\n", b"8000000000000000\r\n", b";x",
    b'"', b"\\", b'\\"', b"{", b"}", b"[", b"]", b",", b":", b"null", b"-1", b"1e999", b"2147483648", b"9" * 40,
    b'"choices":[', b'"delta":{', b'"content":"', b'"finish_reason":"stop"', b'"index":', b'"error":', b'"usage":{',
    b'"generated_text":"', b'"special":true', b'"token":{',
    b'"token_ids":[1,2,3]', b'"completion_tokens":', b"\x00", b"\xff", b"\xef\xbb\xbf", b"\xe2\x82", b"[" * 200,
    b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 100 x\r\n\r\n", b"Transfer-Encoding: chunked\r\n", b"Content-Length: 7\r\n",
    b"Content-Type: application/json\r\n", b"Content-Encoding: gzip\r\n", b"Connection: close\r\n", b" folded\r\n",
)  # fmt: skip


def _record(text: str | None, whole: str | None = None, details: object = None, **more: object) -> bytes:
    """An event as TGI and MindIE send them. more: further keys of the token."""
    return event({"token": {"id": 5, "text": text, **more}, "generated_text": whole, "details": details})


@cache
def seeds() -> tuple[bytes, ...]:
    """What is mutated; the engines' recordings are among it where they are there."""
    recordings = [wire.raw(fact["file"]) for fact in wire.captures()]
    heads = [vector.raw for vector in http_vectors.VECTORS] + [vector.raw for vector in http_vectors.REFUSED]
    streams = [head() + vector.stream for vector in sse_vectors.VECTORS]
    replies = [
        stream(*[delta(f"w{k}") for k in range(100)], delta("", "stop"), usage(3, 100), DONE),
        stream(delta("a", token_ids=[1, 2]), delta("b", "stop", 1, token_ids=[3]), usage(3, 2), usage(3, 1)),
        stream(delta("a"), event({"error": {"message": "x"}}), DONE),
        document(b'{"choices":[{"index":0,"message":{"content":"a"},"finish_reason":"stop"}]}'),
        stream(*[_record(f"w{k}") for k in range(20)], _record("z", "whole", {"generated_tokens": 21})),
        stream(_record("\\"), _record(None, "\\ and more", special=True)),
    ]
    return (*recordings * 3, *heads, *streams, *replies * 5)


@cache
def _events() -> tuple[bytes, ...]:
    """Every event of the chunked seeds, as it stands."""
    blocks = [block.strip() for data in seeds() if b"chunked" in data for block in data.split(b"\n\n")]
    lines = [block.split(b"\r\n")[-1] for block in blocks]
    return tuple(line + b"\n\n" for line in lines if line.startswith((b"data: ", b":", b"event: ")))


def make(rng: random.Random) -> bytes:
    """One response: mutated as bytes, mutated behind a sound head, or made of whole events, some of them mutated."""
    kind = rng.random()
    if kind < 0.3:
        return _mutated(rng, rng.choice(seeds()))
    if kind < 0.4:
        start, _, body = rng.choice(seeds()).partition(b"\r\n\r\n")
        return start + b"\r\n\r\n" + _mutated(rng, body)
    events = [rng.choice(_events()) for _ in range(rng.choice((1, 2, 3, 5, 20, 100)))]
    if kind < 0.6:
        place = rng.randrange(len(events))
        events[place] = _mutated(rng, events[place])
    if rng.random() < 0.4:
        events += [delta("", "stop"), DONE]
    last = rng.choice((LAST_CHUNK, LAST_CHUNK, LAST_CHUNK, b"0\r\nX: y\r\n\r\n", b"", b"0\r\n", stream(DONE)))
    return stream(*(piece for piece in _rechunked(rng, events) if piece), last=last)


def _rechunked(rng: random.Random, events: list[bytes]) -> list[bytes]:
    """The events as they are, or their bytes cut into chunks anywhere."""
    if rng.random() < 0.5:
        return events
    body = b"".join(events)
    return at_places(body, [rng.randrange(len(body) + 1) for _ in range(rng.randint(0, 30))])


def _mutated(rng: random.Random, data: bytes) -> bytes:
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        a = rng.randrange(len(data) + 1)
        b = min(len(data), a + rng.choice((0, 1, 2, 5, 20, 100, 1000)))
        kind = rng.randrange(6)
        if kind == 0:
            data = data[:a] + rng.choice(_WORDS) + data[a:]
        elif kind == 1:
            data = data[:a] + rng.choice(_WORDS) + data[b:]
        elif kind == 2:
            data = data[:a] + data[b:]
        elif kind == 3:
            data = data[:b] + data[a:b] * rng.randint(1, 5) + data[b:]
        elif kind == 4:
            data = data[:a] + bytes(byte ^ (1 << rng.randrange(8)) for byte in data[a : a + 1]) + data[a + 1 :]
        else:
            other = rng.choice(seeds())
            data = data[:a] + other[rng.randrange(len(other) + 1) :]
    return data
