"""P1, the client's ceiling: output events per second of one worker when the service sends as fast as it can.

The same simulated service serves, turn by turn in one run, the limit (a C loop that reads and discards),
fastbench (the whole command) and the usual way (aiohttp and orjson on uvloop). Quote the ratios: absolute rates
depend on the machine. With two processors or more, the service has one to itself and the client another.

    python -m benchmarks.bench_ceiling [--streams 64] [--tokens 4096] [--rounds 5] [--json FILE]
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from tabulate import tabulate

from benchmarks.place import describe, pin
from fastbench.mock import Mock

HERE = Path(__file__).parent


class Result(NamedTuple):
    """One turn of one client."""

    events_per_s: float
    cpu_ns_per_event: float


def request_body(tokens: int) -> bytes:
    """A request for `tokens` tokens, as fastbench sends it."""
    body = {
        "model": "mock",
        "stream": True,
        "stream_options": {"include_usage": True},
        "ignore_eos": True,
        "messages": [{"role": "user", "content": "word " * 16}],
        "max_tokens": tokens,
    }
    return json.dumps(body).encode()


class Bench:
    """The three clients against one service."""

    def __init__(self, url: str, place: Path, streams: int, tokens: int) -> None:
        self._url = url
        self._streams = streams
        self._tokens = tokens
        self._body = place / "body.json"
        self._body.write_bytes(request_body(tokens))
        self._request = place / "request"
        body = self._body.read_bytes()
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        self._request.write_bytes(head.encode() + body)
        self._discard = place / "discard"
        subprocess.run(["cc", "-O2", "-o", self._discard, HERE / "discard.c"], check=True)

    def discard(self, requests: int) -> Result:
        """The limit: read and throw away."""
        host, port = urlsplit(self._url).hostname, urlsplit(self._url).port
        command = [str(self._discard), str(host), str(port), str(self._streams), str(requests), str(self._request)]
        _, wall, user, system = map(int, _run(command))
        events = requests * self._tokens
        return Result(events / wall * 1e9, (user + system) / events)

    def fastbench(self, requests: int) -> Result:
        """fastbench, the whole command."""
        return self._python("fastbench_client", self._url, self._streams, requests, self._tokens)

    def aiohttp(self, requests: int) -> Result:
        """aiohttp and orjson on uvloop."""
        url = f"{self._url}/v1/chat/completions"
        return self._python("aiohttp_client", url, self._body, self._streams, requests)

    def _python(self, module: str, *arguments: object) -> Result:
        command = [sys.executable, "-m", f"benchmarks.{module}", *map(str, arguments)]
        events, wall, cpu = map(float, _run(command))
        return Result(events / wall, cpu / events * 1e9)


def _run(command: list[str]) -> list[str]:
    """What the command prints, run beside the service's processor where there is another."""
    return subprocess.run(
        command, check=True, capture_output=True, text=True, preexec_fn=lambda: pin(-1), cwd=HERE.parent
    ).stdout.split()


def measure(streams: int, tokens: int, rounds: int) -> dict[str, list[Result]]:
    """All clients' results, one a round, the clients in turn."""
    mine = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as place, Mock(ttft_ms=0, itl_ms=0) as mock:
        if len(mine) > 1:
            os.sched_setaffinity(mock.pid, {mine[0]})
        bench = Bench(mock.url, Path(place), streams, tokens)
        # About 3 s each at the rates that are usual for them.
        plan = {bench.discard: 3200, bench.fastbench: 3200, bench.aiohttp: 160}
        results: dict[str, list[Result]] = {client.__name__: [] for client in plan}
        for _ in range(rounds):
            for client, requests in plan.items():
                results[client.__name__].append(client(max(streams, requests * 4096 // tokens)))
    return results


def main() -> None:
    """Measures, prints a table, writes a JSON file when asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--streams", type=int, default=64)
    parser.add_argument("--tokens", type=int, default=4096)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    results = measure(options.streams, options.tokens, options.rounds)
    medians = {
        name: Result(*(statistics.median(column) for column in zip(*turns, strict=True)))
        for name, turns in results.items()
    }
    rows = [
        (
            name,
            f"{median.events_per_s / 1e6:.3f}",
            f"{median.cpu_ns_per_event:.0f}",
            f"{median.events_per_s / medians['discard'].events_per_s:.2f}",
            f"{median.events_per_s / medians['aiohttp'].events_per_s:.1f}",
        )
        for name, median in medians.items()
    ]
    print(f"{options.streams} streams x {options.tokens} tokens, median of {options.rounds} rounds")
    print(tabulate(rows, ["client", "M events/s", "CPU ns/event", "x discard", "x aiohttp"], disable_numparse=True))
    if options.json:
        record = {
            **describe(),
            "streams": options.streams,
            "tokens": options.tokens,
            "rounds": {name: [turn._asdict() for turn in turns] for name, turns in results.items()},
        }
        options.json.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
