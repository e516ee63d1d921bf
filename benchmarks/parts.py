"""The core's parts by themselves, each at work on seeded inputs: what `make bench-micro` times and callgrind counts.

python -m benchmarks.parts PART TIMES
"""

import json
import random
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from fastbench._core.counts import GAP_VALUES, Hdr, count_gaps
from fastbench._core.dispatch.trial import DispatcherTrial
from fastbench._core.wire import OutputSpec, ReplyReader
from fastbench.config.services import ServiceConfig
from fastbench.datasets import Sample
from fastbench.dialects import Speaker
from fastbench.dialects.apis.openai import CHAT_RULES

Work = Callable[[], object]
EVENTS = 500
REQUESTS = 200
VALUES = 100_000
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
_END = b"0\r\n\r\n"
_ODD_EVERY = 50
"""Every so many events one has a shape of its own, which takes the full walk."""
_S = 1_000_000_000


class Part(NamedTuple):
    """prepare: what it needs → its work, which does `units` of them and can be repeated."""

    what: str
    unit: str
    units: int
    prepare: Callable[[], Work]


def chunks(odd_every: int = _ODD_EVERY, seed: int = 0) -> list[bytes]:
    """The events, each a chunk, as vLLM sends them."""
    draw = random.Random(seed)
    return [_chunk(draw, number % odd_every == 0) for number in range(EVENTS)]


def _chunk(draw: random.Random, odd: bool) -> bytes:
    content = " " + "".join(draw.choices("abcdefghijklmnopqrstuvwxyz", k=draw.randint(1, 9)))
    choice: dict[str, Any] = {"index": 0, "delta": {"content": content}, "logprobs": None, "finish_reason": None}
    choice["token_ids"] = None
    if odd:
        choice["delta"] = {"role": "assistant", "content": content + '\n"'}
    event = {
        "id": "chatcmpl-0123456789abcdef0123456789abcdef",
        "object": "chat.completion.chunk",
        "created": 1_795_505_686,
        "model": "meta-llama/Llama-3.1-8B-Instruct",
        "choices": [choice],
    }
    data = b"data: " + json.dumps(event, separators=(",", ":")).encode() + b"\n\n"
    return b"%x\r\n%s\r\n" % (len(data), data)


def _parser(reads: list[bytes]) -> Work:
    """A reply of these reads each time."""
    spec = OutputSpec(CHAT_RULES)

    def work() -> int:
        reader = ReplyReader(spec)
        reader.feed(_HEAD)
        for read in reads:
            reader.feed(read)
        reader.feed(_END)
        events = int(reader.end().rows["events"][0])
        if events != EVENTS:
            raise RuntimeError(f"{events} of {EVENTS} events were read")
        return events

    return work


def _dispatcher() -> Work:
    """Requests of a closed loop with 16 slots, from their submission to their end, connections played."""
    reply = _HEAD + b"".join(chunks()[:1]) + _END
    spec = OutputSpec(CHAT_RULES)

    def work() -> None:
        trial = DispatcherTrial(spec, limit=16, openings=np.zeros(16, np.int64), spare=0, request_timeout_ns=_S)
        now = 1
        trial.start_at(now)
        for request in range(REQUESTS):
            trial.submit_at(now, request)
        for _ in range(REQUESTS):
            now += 1000
            sent = trial.send_due(now)
            assert sent is not None
            trial.put_on_connection(sent, now)
            trial.read(sent, reply, now)
            trial.end(sent, now)

    return work


def _gaps() -> Work:
    gaps = np.random.default_rng(0).lognormal(9.9, 0.5, VALUES).astype(np.uint16)
    counts = np.zeros(GAP_VALUES, np.int64)
    return lambda: count_gaps(gaps, counts)


def _hdr() -> Work:
    values = np.random.default_rng(0).lognormal(16, 1, VALUES).astype(np.int64)
    counts = Hdr()
    return lambda: counts.record_values(values)


def _bodies() -> Work:
    speaker = Speaker(ServiceConfig(type="openai_chat", abbr="m"), "mock", "127.0.0.1:8000", "")
    draw = random.Random(0)
    samples = [Sample(n, " ".join(draw.choices(("alpha", "beta", "gamma"), k=64)), 64, 16) for n in range(REQUESTS)]
    return lambda: [speaker.encode(sample, "run-7") for sample in samples]


PARTS = {
    "many": Part("parser, 500 events a read", "event", EVENTS, lambda: _parser([b"".join(chunks())])),
    "one": Part("parser, one event a read", "event", EVENTS, lambda: _parser(chunks())),
    "walk": Part("parser, each event walked", "event", EVENTS, lambda: _parser(chunks(odd_every=1))),
    "dispatcher": Part("dispatcher, with its Python hull for tests", "request", REQUESTS, _dispatcher),
    "bodies": Part("requests encoded, 64 words", "request", REQUESTS, _bodies),
    "gaps": Part("gaps counted", "gap", VALUES, _gaps),
    "hdr": Part("values counted in HDR's layout", "value", VALUES, _hdr),
}


def main(part: str, times: int) -> None:
    """Does a part's work so many times."""
    work = PARTS[part].prepare()
    for _ in range(times):
        work()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
