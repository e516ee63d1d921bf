"""Has the core's parser read one seeded reply again and again; what `bench_instructions` counts.

    python -m benchmarks.parser_load many|one TIMES

many: all 500 events in one read, as they come after a stall. one: an event a read, as they come one by one.
"""

import json
import random
import sys

from fastbench._core.wire import OutputSpec, ReplyReader
from fastbench.dialects.apis.openai import CHAT_RULES

EVENTS = 500
KINDS = {"many": "500 events a read", "one": "one event a read"}
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
_ODD_EVERY = 50
"""Every so many events one has a shape of its own, which takes the full walk."""


def chunks(seed: int = 0) -> list[bytes]:
    """The events, each a chunk, as vLLM sends them."""
    draw = random.Random(seed)
    return [_chunk(draw, number) for number in range(EVENTS)]


def _chunk(draw: random.Random, number: int) -> bytes:
    content = " " + "".join(draw.choices("abcdefghijklmnopqrstuvwxyz", k=draw.randint(1, 9)))
    choice = {"index": 0, "delta": {"content": content}, "logprobs": None, "finish_reason": None, "token_ids": None}
    if number % _ODD_EVERY == 0:
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


def main(kind: str, times: int) -> None:
    """Reads the events so many times, in one reply."""
    parts = chunks()
    reads = [b"".join(parts)] if kind == "many" else parts
    reader = ReplyReader(OutputSpec(CHAT_RULES))
    reader.feed(_HEAD)
    for _ in range(times):
        for read in reads:
            reader.feed(read)
    events = int(reader.end().rows["events"][0])
    if events != times * EVENTS:
        raise RuntimeError(f"{events} of {times * EVENTS} events were read")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
