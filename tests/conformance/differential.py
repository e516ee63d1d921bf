"""The compiled parsers against plain readings of the standards, on generated streams under random cuts (R5).

`python -m tests.conformance.differential --inputs 1000000`; a difference names the seed and the number of its input,
and `--first N --inputs 1` runs that input alone.
"""

from __future__ import annotations

import random
import sys
from collections import Counter

from fastbench._core.call import NOTE_TEXT
from fastbench._core.wire import HttpParser, OutputReader, OutputSpec, ReplyReader, SseParser

from . import inputs
from .cuts import at_places
from .http_reference import dechunk
from .http_vectors import CHUNKED, OK
from .rules_reference import RULES, again, make_event, read, written
from .sse_reference import decode
from .sse_vectors import VECTORS

LINES = (
    b"data: a", b"data: {}", b"data:", b"data", b"data:  x ", b"data:\t", b"dat", b"data x", b"Data: a",
    b"event: error", b"event: delta", b"event", b"event:",
    b": ping", b":", b"id: 7", b"retry: 1", b"x: y", b" data: a", b"",
    b"data: \xe2\x82\xac", b"data: \xff\xfe", b"data: \x00", b"data: [DONE]", b"\xef\xbb\xbf", b"\xef\xbb",
    b"data: " + b"z" * 70,
)  # fmt: skip
ENDS = (b"\n", b"\n", b"\r\n", b"\r", b"\n\n", b"\r\n\r\n", b"\r\r", b"\n\r", b"")
CHUNK_NOISE = (
    b"\r\n", b"\n", b"\r", b"g", b" ", b";x=y", b";", b"\t", b"-1", b"0x5", b"ffffffffffffffff", b"8000000000000000",
    b"7fffffffffffffff", b"00000000000000005", b"\x00", b"0\r\n\r\n", b"X: y\r\n",
)  # fmt: skip
CONDITIONAL = OutputSpec(RULES)
EVENT_STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
TRAILERS = (b"", b"", b"X: y\r\n", b"X: y\n", b"A: b\r\nC: d\r\n")


def run(count: int, seed: int, first: int = 0) -> Counter[str]:
    """Compares so many inputs; what became of them. Raises AssertionError for a difference."""
    found: Counter[str] = Counter()
    for number in range(first, first + count):
        rng = random.Random(f"{seed}/{number}")
        compare = rng.choice((_compare_events, _compare_events, _compare_chunks, _compare_chunks, _compare_rules))
        try:
            found[compare(rng)] += 1
        except Exception as error:
            error.add_note(f"seed {seed}, input {number}")
            raise
    return found


def _pieces(rng: random.Random, data: bytes) -> list[bytes]:
    if rng.random() < 0.1:
        return [data[at : at + 1] for at in range(len(data))]
    return at_places(data, [rng.randrange(len(data) + 1) for _ in range(rng.choice((0, 1, 2, 8)))])


def _compare_events(rng: random.Random) -> str:
    """An event stream of random lines, or a vector of the standard with noise in it."""
    if rng.random() < 0.2:
        stream = bytearray(rng.choice(VECTORS).stream)
        for _ in range(rng.randint(0, 3)):
            at = rng.randrange(len(stream) + 1)
            stream[at:at] = rng.choice(ENDS + LINES)
        data = bytes(stream)
    else:
        data = b"".join(rng.choice(LINES) + rng.choice(ENDS) for _ in range(rng.randint(0, 12)))
    parser = SseParser()
    found = [event for piece in _pieces(rng, data) for event in parser.feed(piece)]
    expected = [event for _, event in decode(data)]
    assert found == expected, (data, found, expected)
    return "events" if expected else "no events"


def _compare_chunks(rng: random.Random) -> str:
    """A chunked body, sound or with noise anywhere in it."""
    parts = [rng.randbytes(rng.choice((1, 2, 5, 16, 17, 40))) for _ in range(rng.randint(0, 5))]
    extension = rng.choice((b"", b"", b";a=b", b" ;c", b'; q="x"'))
    data = b"".join(b"%X%b\r\n%b\r\n" % (len(part), extension, part) for part in parts)
    data += b"0\r\n" + rng.choice(TRAILERS) + b"\r\n"
    for _ in range(rng.choice((0, 0, 1, 1, 2))):
        at = rng.randrange(len(data) + 1)
        data = data[:at] + rng.choice(CHUNK_NOISE) + data[at + rng.choice((0, 0, 1, 2)) :]
    data = data[: rng.choice((len(data), rng.randrange(len(data) + 1)))]
    state, body = _chunks_by_core(_pieces(rng, data))
    expected_state, expected_body = dechunk(data)
    assert state == expected_state, (data, state, expected_state)
    # What was handed on before the fault came to light depends on the cut.
    assert expected_body.startswith(body) if state == "bad" else body == expected_body, (data, body, expected_body)
    return f"chunks: {state}"


def _compare_rules(rng: random.Random) -> str:
    """A stream whose events' meaning depends on their other fields, with the memo, without it, and cut anywhere."""
    quick, slow = OutputReader(CONDITIONAL), OutputReader(CONDITIONAL, use_memo=False)
    stream, output, event = b"", "", make_event(rng, "text 0")
    for number in range(1, 9):
        text = f"text {number}"
        event = again(rng, event, text) if rng.random() < 0.7 else make_event(rng, text)
        data = written(rng if rng.random() < 0.1 else random.Random(1), event)
        expected = read(event)
        for reader in (quick, slow):
            found = reader.read(data)
            said = (found["literals"].decode(), found["usage"][0], found["usage"][1], found["finish"])
            assert said == expected, (data, said, expected)
        stream, output = stream + b"data: " + data + b"\n\n", output + expected[0]
    reader = ReplyReader(CONDITIONAL, keep_text=True)
    for piece in _pieces(rng, EVENT_STREAM + stream):
        reader.feed(piece)
    kept = [text for _, kind, text in reader.end().notes if kind == NOTE_TEXT]
    assert b"".join(kept) == output.encode(), (stream, kept, output)
    return "rules: memo" if quick.memo_hits else "rules: no memo"


def _chunks_by_core(pieces: list[bytes]) -> tuple[str, bytes]:
    parser = HttpParser()
    parser.feed(OK + CHUNKED)
    body = b""
    for piece in pieces:
        try:
            body += parser.feed(piece)[0]
        except ValueError:
            return "bad", body
    return ("complete" if parser.complete else "more"), body


if __name__ == "__main__":
    counts = inputs.main(run, "Compares the compiled parsers with plain ones.")
    sys.stdout.write(f"{counts.total()} inputs, 0 differences: {dict(counts.most_common())}\n")
