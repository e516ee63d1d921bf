"""Hostile bytes into the whole reader: no crash, one declared outcome each, the same however reads cut them (R6).

`python -m tests.conformance.fuzz_core --inputs 100000`; a fault names the seed and the number of its input, and
`--first N --inputs 1` runs that input alone.
"""

from __future__ import annotations

import random
import sys
from collections import Counter

from replies import CHAT, COMPLETIONS, Result

from fastbench._core.ring import FLAGS, OUTCOMES
from fastbench._core.wire import HttpParser, OutputReader, OutputSpec, ReplyReader, SseParser
from fastbench.dialects.apis.tgi import GENERATE_RULES

from . import inputs
from .cuts import at_places
from .hostile import make

GENERATE = OutputSpec(GENERATE_RULES)
SPECS = (CHAT, CHAT, COMPLETIONS, GENERATE, OutputSpec([("token.text", "text"), ("choices[].delta", "final")]))
ENDS = ("closed", "closed", "reset", "timeout", "cancelled")
MS = 1_000_000


def run(count: int, seed: int, first: int = 0) -> Counter[str]:
    """Feeds so many inputs; how often each outcome came. Raises AssertionError for a broken promise."""
    outcomes: Counter[str] = Counter()
    for number in range(first, first + count):
        rng = random.Random(f"{seed}/{number}")
        data = make(rng)
        try:
            outcomes[_read(rng, data)] += 1
            _parse_alone(rng, data)
        except Exception as error:
            error.add_note(f"seed {seed}, input {number}: {data!r:.2000}")
            raise
    assert outcomes.total() == count
    return outcomes


def _pieces(rng: random.Random, data: bytes) -> list[bytes]:
    count = rng.choice((0, 1, 2, 8, 64))
    return at_places(data, [rng.randrange(len(data) + 1) for _ in range(count)])


def _read(rng: random.Random, data: bytes) -> str:
    """One response by the whole reader, twice: cut with wild stamps, then cut otherwise for the comparison."""
    spec, asked, how = rng.choice(SPECS), rng.random() < 0.8, rng.choice(ENDS)
    now = 1
    reader = ReplyReader(spec, stream=asked, keep_text=rng.random() < 0.5)
    for piece in _pieces(rng, data):
        if not reader.complete:
            now += rng.choice((0, 1, MS, 70 * MS, 1 << 43))
            reader.feed(piece, now, rng.choice((0, 0, 1, MS, 1 << 62)))
    _check(Result(reader.end(how)), reader.complete, how)
    whole, cut = (_facts(pieces, spec, asked, how) for pieces in ([data], _pieces(rng, data)))
    assert whole[1:] == cut[1:]
    return whole[0]


def _facts(pieces: list[bytes], spec: OutputSpec, asked: bool, how: str) -> tuple[str, object]:
    """The outcome, and all that must not depend on the cut."""
    reader = ReplyReader(spec, stream=asked, keep_text=True)
    received = 0
    for piece in pieces:
        if not reader.complete:
            reader.feed(piece)
            received += len(piece)
    result = Result(reader.end(how))
    _check(result, reader.complete, how)
    assert result.row["received_bytes"] == received
    result.batch.rows["received_bytes"] = 0  # the last read's bytes behind the message are counted, too
    return result.outcome, result.facts()


def _check(result: Result, complete: bool, how: str) -> None:
    """What is true of every finished request."""
    batch, row = result.batch, result.row
    assert batch.rows.size == 1
    assert result.outcome in OUTCOMES[1:]
    assert complete or how == "closed" or result.outcome != "ok"
    assert batch.gaps.size == max(0, int(row["events"]) - 1)
    assert batch.escapes.size == row["escapes"] == (batch.gaps == 0xFFFF).sum()
    assert batch.event_tokens.size == (row["events"] if row["flags"] & FLAGS["event_tokens"] else 0)
    assert batch.marks.size == row["marks"]
    assert (result.outcome == "ok") == (not any(kind == 1 for _, kind, _ in batch.notes))
    if row["events"] and not row["flags"] & FLAGS["clipped"]:
        assert abs(int(result.token_ns()[-1]) - int(row["last_token_ns"])) <= 500


def _parse_alone(rng: random.Random, data: bytes) -> None:
    """The parsers as their own objects; each may refuse with a ValueError and nothing else."""
    http, sse = HttpParser(), SseParser()
    quick, slow = OutputReader(CHAT), OutputReader(CHAT, use_memo=False)
    try:
        for piece in _pieces(rng, data):
            body, _ = http.feed(piece)
            for event in sse.feed(body):
                assert _say(quick, event) == _say(slow, event)
    except ValueError:
        assert not http.eof()


def _say(reader: OutputReader, event: bytes) -> object:
    try:
        return reader.read(event)
    except ValueError:
        return None


if __name__ == "__main__":
    counts = inputs.main(run, "Feeds hostile bytes to the core.")
    sys.stdout.write(f"{counts.total()} inputs: {dict(counts.most_common())}\n")
