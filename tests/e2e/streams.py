"""The standard load of the timing tests: 100 streams of 64 tokens, TTFT 200 ms, ITL 20 ms, all at once; `make promises`
has 500."""

from __future__ import annotations

import os
import re
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from nursery import Mock
from running import Ended, Running, in_disguise

from fastbench._core.ring import FLAGS
from fastbench.recording import Recording, recorded_id

STREAMS = int(os.environ.get("FASTBENCH_STREAMS", "100"))
TOKENS = 64
TTFT_MS = 200
ITL_MS = 20
QUIET_SHARE = 0.02
"""So much of the gaps may be uncertain in a run that counts as undisturbed."""
ATTEMPTS = 5

_LOAD = (
    *("--num-prompts", STREAMS, "--concurrency", STREAMS, "--num-warmups", 1, "--warmup-output-len", 1),
    *("--input-len", 32, "--output-len", TOKENS, "-q", "--no-plot"),
)
LOAD = tuple(map(str, _LOAD))


@dataclass(frozen=True)
class Pair:
    """One request as both sides saw it, ns on the same clock. arrivals, writes: (tokens,) int64. bounds_us: (tokens,),
    by how much each token may have come earlier than its stamp, by its marks."""

    row: Any
    entry: dict[str, Any]
    arrivals: NDArray[np.int64]
    writes: NDArray[np.int64]
    bounds_us: NDArray[np.float64]


@dataclass(frozen=True)
class StreamsRun:
    """A run of the standard load, and what the service logged of it."""

    ended: Ended
    log: list[dict[str, Any]]

    @property
    def uncertain_share(self) -> float:
        """The share of the gaps that the client's own stalls made uncertain."""
        return float(self.ended.trust["client"]["uncertain_gap_share"])

    @cached_property
    def pairs(self) -> list[Pair]:
        """The measured requests, joined by the id that the client sent."""
        recording = self.ended.recording
        entries, run_id = {entry["id"]: entry for entry in self.log}, recording.header["run_id"]
        assert len(entries) == len(self.log)
        return [
            _pair(recording, index, entries[recorded_id(run_id, row["request"])])
            for index, row in enumerate(recording.rows)
            if not row["flags"] & FLAGS["warmup"]
        ]


def _pair(recording: Recording, index: int, entry: dict[str, Any]) -> Pair:
    arrivals = recording.token_ns(index)
    bounds_us = np.zeros(len(arrivals))
    for event, count, bound in recording.marks(index).tolist():
        bounds_us[event : event + count] = bound
    return Pair(recording.rows[index], entry, arrivals, np.array(entry["writes_ns"], np.int64), bounds_us)


def run_streams(
    directory: Path, disturb: Callable[[Running, Mock], None] | None = None, program: str = ""
) -> StreamsRun:
    """Runs the standard load. disturb: called while all streams run. program: what takes the place of fastbench."""
    log = directory / "service.log"
    with Mock(ttft_ms=TTFT_MS, itl_ms=ITL_MS, log=log) as mock:
        with in_disguise(directory, program, *LOAD, "--url", mock.url) as running:
            if disturb is not None:
                wait_for_streams(mock)
                disturb(running, mock)
            ended = running.end()
        entries = mock.log_entries(STREAMS + 1)
    assert (ended.code, ended.err) == (0, "")
    return StreamsRun(ended, entries)


def run_undisturbed(make_directory: Callable[[str], Path]) -> StreamsRun:
    """Runs the standard load, again where the machine itself stood still meanwhile; the least disturbed run counts."""
    runs: list[StreamsRun] = []
    while len(runs) < ATTEMPTS and not (runs and runs[-1].uncertain_share < QUIET_SHARE):
        runs.append(run_streams(make_directory("streams")))
    return min(runs, key=lambda run: run.uncertain_share)


def wait_for_streams(mock: Mock, count: int = STREAMS, seconds: float = 300.0) -> None:
    """Returns when the service works on `count` requests at once."""
    give_up = time.monotonic() + seconds
    while running_requests(mock) < count:
        assert time.monotonic() < give_up, f"the service never had {count} requests at once"
        time.sleep(0.01)


def running_requests(mock: Mock) -> int:
    """How many requests the service works on."""
    with urllib.request.urlopen(f"{mock.url}/metrics", timeout=60) as answer:
        found = re.search(r"^vllm:num_requests_running\{.*\} (\d+)$", answer.read().decode(), re.MULTILINE)
    assert found is not None
    return int(found[1])
