"""The clients that the benchmarks compare: fastbench (the whole command), a C loop, and the usual ways."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from benchmarks.perf_run import common_file
from benchmarks.place import ROOT, as_client, compile_c, pin, run_module
from benchmarks.threads import ThreadTimes
from fastbench._core.ring import FLAGS
from fastbench.mock import Mock
from fastbench.recording import Recording, recorded_id

NS = 1e9
PATIENCE_S = 300
"""With a client, which is ended then."""
SLOT_STEP_NS = 20_000
"""fastbench's closed loop opens its slots so far apart; a client that is compared with it does the same."""


class Stream(NamedTuple):
    """One request as a client saw it, ns of CLOCK_MONOTONIC."""

    sent_ns: int
    end_ns: int
    """0 = the client does not tell."""
    token_ns: NDArray[np.int64]


class Cpu(NamedTuple):
    """What a client's thread used, s."""

    user: float
    system: float


class Account(NamedTuple):
    """What the C loop did and used."""

    reads: int
    polls: int
    wall_s: float
    cpu: Cpu


class Loop(NamedTuple):
    """The C loop's turn: the whole, and its steady part (see epoll_loop.c)."""

    whole: Account
    steady: Account
    threads: ThreadTimes
    streams: dict[str, Stream]


class Usual(NamedTuple):
    """What aiohttp or httpx did."""

    events: int
    wall_s: float
    cpu: Cpu
    streams: dict[str, Stream]


class Run(NamedTuple):
    """What fastbench did. cpu_s: the whole process, start and report included."""

    recording: Recording
    report: dict[str, Any]
    cpu_s: float
    threads: ThreadTimes

    def streams(self) -> dict[str, Stream]:
        """Its measured requests by the ids that it sent."""
        rows, run_id = self.recording.rows, self.recording.header["run_id"]
        return {
            recorded_id(run_id, row["request"]): Stream(
                int(row["sent_ns"]), int(row["end_ns"]), self.recording.token_ns(index)
            )
            for index, row in enumerate(rows)
            if not row["flags"] & (FLAGS["warmup"] | FLAGS["superseded"])
        }


@contextmanager
def service(**options: Any) -> Iterator[Mock]:
    """The simulated service, on a processor of its own where there are several."""
    with Mock(**options) as mock:
        pin(0, mock.pid)
        yield mock


def body_of(tokens: int) -> bytes:
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


class Clients:
    """All clients against one service. place: a directory for their files."""

    def __init__(self, url: str, place: Path) -> None:
        self._url = url
        self._place = place
        self._loop = compile_c("epoll_loop", place)

    def epoll_loop(
        self,
        streams: int,
        requests: int,
        tokens: int,
        stamps: str,
        *,
        step_ns: int = SLOT_STEP_NS,
        keep: bool = False,
        sampled: bool = False,
    ) -> Loop:
        """The C loop. stamps: none, clock or kernel; step_ns: between the first requests of neighbouring streams;
        keep: look for output events, and return their stamps; sampled: see `ThreadTimes`.
        """
        body = body_of(tokens)
        names = [f"{number:08d}" for number in range(requests)]
        pieces = [
            f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nX-Request-Id: {name}"
            f"\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body
            for name in names
        ]
        file, out = self._place / "requests", self._place / "stamps"
        file.write_bytes(b"".join(pieces))
        address = urlsplit(self._url)
        command = [self._loop, address.hostname, address.port, streams, len(pieces[0]), file, stamps, step_ns]
        printed, threads = _watched([str(part) for part in [*command, *([out] if keep else [])]], sampled)
        whole, steady = (_account(line) for line in printed.splitlines())
        return Loop(whole, steady, threads, _read_stamps(out, names) if keep else {})

    def usual(self, client: str, streams: int, requests: int, tokens: int, keep: bool = False) -> Usual:
        """client: aiohttp or httpx. keep: return the stamps."""
        body, out = self._place / "body.json", self._place / "stamps.json"
        body.write_bytes(body_of(tokens))
        arguments = [client, f"{self._url}/v1/chat/completions", body, streams, requests, *([out] if keep else [])]
        events, wall, user, system = map(float, run_module("benchmarks.usual_clients", *arguments).split())
        found = json.loads(out.read_text()) if keep else {}
        kept = {name: Stream(sent, 0, np.array(stamps, np.int64)) for name, (sent, stamps) in found.items()}
        return Usual(int(events), wall, Cpu(user, system), kept)

    def fastbench(
        self,
        streams: int,
        requests: int,
        tokens: int,
        *,
        input_len: int = 16,
        sampled: bool = False,
        **service_fields: Any,
    ) -> Run:
        """The whole command: parse, stamp, record, report. sampled: see `ThreadTimes`; service_fields: further fields
        of its config's model."""
        work = Path(tempfile.mkdtemp(dir=self._place))
        config = work / "run.py"
        model = {"type": "openai_chat", "url": self._url, "model": "mock", "batch_size": streams}
        model["generation_kwargs"] = {"ignore_eos": True}
        dataset = {"type": "synthetic", "input_len": input_len, "output_len": tokens, "count": requests}
        config.write_text(
            f"models = {[{**model, **service_fields}]!r}\ndatasets = {[dataset]!r}\nwork_dir = {str(work)!r}\n"
        )
        command = [sys.executable, "-m", "fastbench", "perf", "--config", str(config), "--quiet"]
        before = os.times()
        _, threads = _watched(command, sampled)
        after = os.times()
        recording = next(work.glob("*/performances/*/*_recording"))
        return Run(
            Recording.open(recording),
            json.loads(common_file(recording).read_text()),
            after.children_user + after.children_system - before.children_user - before.children_system,
            threads,
        )


def _watched(command: list[str], sampled: bool) -> tuple[str, ThreadTimes]:
    """What a client printed, and its threads' times. Raises CalledProcessError, its stderr shown."""
    with tempfile.TemporaryFile("w+") as out:
        process = subprocess.Popen(command, stdout=out, preexec_fn=as_client, cwd=ROOT)
        with ThreadTimes(process.pid, sampled=sampled) as threads:
            give_up = time.monotonic() + PATIENCE_S
            while process.poll() is None:
                threads.sample()
                time.sleep(0.1)
                if time.monotonic() > give_up:
                    process.kill()
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, command)
        out.seek(0)
        return out.read(), threads


def _account(line: str) -> Account:
    reads, polls, wall, user, system = map(int, line.split())
    return Account(reads, polls, wall / NS, Cpu(user / NS, system / NS))


def _read_stamps(file: Path, names: list[str]) -> dict[str, Stream]:
    """What epoll_loop wrote."""
    values = np.fromfile(file, np.int64)
    found: dict[str, Stream] = {}
    at = 0
    for name in names:
        sent, end, count = (int(value) for value in values[at : at + 3])
        found[name] = Stream(sent, end, values[at + 3 : at + 3 + count])
        at += 3 + count
    return found
