"""How fast the mock serves: events/s without gaps, and lateness of timed writes.

    python benchmarks/bench_mock.py [--seconds 4] [--json FILE]

The reader is a plain epoll loop with big `recv_into` calls in another process. Lateness is the mock's own write stamp
minus the time that the options ask for: `arrived + ttft + k * itl`.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import selectors
import socket
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from fastbench.mock import Mock

CORES = sorted(os.sched_getaffinity(0))


def open_streams(url: str, streams: int, tokens: int, spread: float = 0.0) -> list[socket.socket]:
    """Connects, then sends one request on each connection, evenly over `spread` seconds."""
    host, port = url.removeprefix("http://").split(":")
    body = json.dumps({"model": "mock", "prompt": "go", "stream": True, "max_tokens": tokens}).encode()
    head = f"POST /v1/completions HTTP/1.1\r\nhost: mock\r\ncontent-length: {len(body)}\r\n\r\n".encode()
    sockets = [socket.create_connection((host, int(port))) for _ in range(streams)]
    start = time.monotonic()
    for number, connection in enumerate(sockets):
        while time.monotonic() < start + spread * number / streams:
            pass
        connection.sendall(head + body)
        connection.setblocking(False)
    return sockets


def discard(sockets: list[socket.socket], seconds: float) -> int:
    """Reads and throws away for a time, or until every stream has ended; returns the bytes."""
    ends = b"data: [DONE]\n\n\r\n0\r\n\r\n"
    buffer = bytearray(1 << 20)
    view = memoryview(buffer)
    selector = selectors.EpollSelector()
    for connection in sockets:
        selector.register(connection, selectors.EVENT_READ)
    total, running = 0, len(sockets)
    give_up = time.monotonic() + seconds
    while running and time.monotonic() < give_up:
        for key, _ in selector.select(0.1):
            count = key.fileobj.recv_into(buffer)  # type: ignore[union-attr]
            total += count
            running -= count == 0 or bytes(view[max(0, count - len(ends)) : count]) == ends
    for connection in sockets:
        connection.close()
    return total


def bytes_per_event(url: str) -> float:
    """Wire bytes of one output event in a long stream."""
    tokens = 10_000
    return discard(open_streams(url, 1, tokens), 10) / tokens


def measure_ceiling(streams: int, seconds: float) -> dict[str, Any]:
    """Events/s that the mock sends without gaps."""
    with Mock() as mock:
        pin(mock)
        size = bytes_per_event(mock.url)
        sockets = open_streams(mock.url, streams, 1_000_000)
        before = cpu_seconds(mock.pid), time.monotonic()
        total = discard(sockets, seconds)
        wall = time.monotonic() - before[1]
        cpu = cpu_seconds(mock.pid) - before[0]
    events = total / size
    return {
        "streams": streams,
        "events/s": round(events / wall),
        "mock ns/event": round(cpu / events * 1e9),
        "mock CPU": round(cpu / wall, 2),
    }


def measure_lateness(streams: int, itl_ms: float, seconds: float) -> dict[str, Any]:
    """Lateness of timed writes, one write per token."""
    tokens = int(seconds * 1000 / itl_ms)
    with (
        tempfile.TemporaryDirectory() as folder,
        Mock(ttft_ms=500, itl_ms=itl_ms, log=Path(folder, "log")) as mock,
    ):
        pin(mock)
        sockets = open_streams(mock.url, streams, tokens, spread=10 * itl_ms / 1000)
        before = cpu_seconds(mock.pid), time.monotonic()
        discard(sockets, seconds * 3 + 10)
        wall = time.monotonic() - before[1]
        cpu = cpu_seconds(mock.pid) - before[0]
        entries = mock.log_entries(streams)
    late: list[int] = []
    for entry in entries:
        due = entry["arrived_ns"] + 500_000_000
        late.extend(write - due - k * int(itl_ms * 1e6) for k, write in enumerate(entry["writes_ns"]))
    span = max(entry["end_ns"] for entry in entries) - min(entry["writes_ns"][0] for entry in entries)
    cuts = statistics.quantiles(late, n=100)
    return {
        "streams": streams,
        "itl ms": itl_ms,
        "writes/s": round(len(late) / span * 1e9),
        "late us p50": round(cuts[49] / 1000, 1),
        "late us p99": round(cuts[98] / 1000, 1),
        "late us max": round(max(late) / 1000, 1),
        "early": sum(value < 0 for value in late),
        "mock CPU": round(cpu / wall, 2),
    }


def measure_requests(connections: int, seconds: float, prompt_words: int) -> dict[str, Any]:
    """Whole requests/s over keep-alive connections; the Python reader is the limit here, see the mock's CPU."""
    prompt = "word " * prompt_words
    body = json.dumps({"model": "mock", "prompt": prompt, "max_tokens": 1}).encode()
    request = f"POST /v1/completions HTTP/1.1\r\nhost: m\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body
    with Mock() as mock:
        pin(mock)
        host, port = mock.url.removeprefix("http://").split(":")
        sockets = [socket.create_connection((host, int(port))) for _ in range(connections)]
        selector = selectors.EpollSelector()
        for connection in sockets:
            selector.register(connection, selectors.EVENT_READ)
            connection.sendall(request)
        buffer = bytearray(65536)
        answers, start, used = 0, time.monotonic(), cpu_seconds(mock.pid)
        while (now := time.monotonic()) < start + seconds:
            for key, _ in selector.select(0.1):
                key.fileobj.recv_into(buffer)  # type: ignore[union-attr]
                key.fileobj.sendall(request)  # type: ignore[union-attr]
                answers += 1
        cpu = cpu_seconds(mock.pid) - used
        for connection in sockets:
            connection.close()
    return {
        "connections": connections,
        "body bytes": len(body),
        "requests/s": round(answers / (now - start)),
        "mock us/request": round(cpu / answers * 1e6, 1),
    }


def pin(mock: Mock) -> None:
    """Gives the mock a core of its own, where there are two."""
    if len(CORES) > 1:
        os.sched_setaffinity(mock.pid, CORES[:1])
        os.sched_setaffinity(0, CORES[1:])


def cpu_seconds(pid: int) -> float:
    """CPU time that a process has used (1/100 s steps)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def main() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    results: dict[str, list[dict[str, Any]]] = {
        "ceiling": [measure_ceiling(streams, arguments.seconds) for streams in (1, 64)],
        "timed": [
            measure_lateness(streams, itl_ms, arguments.seconds)
            for streams, itl_ms in ((100, 20), (1000, 20), (1000, 12.5), (1000, 10), (10_000, 125))
        ],
        "requests": [measure_requests(64, arguments.seconds, words) for words in (10, 4096)],
    }
    for name, table in results.items():
        for row in table:
            print(name, "  ".join(f"{key} {value:,}" for key, value in row.items()))
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
