"""The client disturbed on purpose while many streams run: what must not move does not, what is blurred is told."""

import re
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from nursery import Mock
from running import Running
from streams import ITL_MS, StreamsRun, run_streams

from fastbench.units import NS_PER_MS

pytestmark = pytest.mark.alone

STOPS_S = (0.05, 0.1, 0.2)
HOLD_MS = 50
SLACK_MS = 2
# Python code that does nothing for 50 ms twice a second, keeps the GIL meanwhile, and writes down when that was.
HOLDING_THE_GIL = """
import ctypes, threading, time

def hold():
    c = ctypes.PyDLL(None)
    with open({log!r}, "w") as log:
        while True:
            began = time.monotonic_ns()
            c.usleep({hold_ms} * 1000)
            print(began, time.monotonic_ns(), file=log, flush=True)
            time.sleep(0.5 - {hold_ms} / 1000)

threading.Thread(target=hold, daemon=True).start()
from fastbench.cli.main import main
main()
"""


@dataclass
class Windows:
    """When the client was disturbed: (began, ended), ns on the stamps' clock."""

    windows_ns: list[tuple[int, int]] = field(default_factory=list)

    def marked_shares(self, run: StreamsRun) -> tuple[float, float]:
        """The share of the tokens with a mark, of those that the service wrote in a window and of the others."""
        pairs = run.pairs
        written_ns = np.concatenate([pair.writes for pair in pairs])
        marked = np.concatenate([pair.bounds_us > 0 for pair in pairs])
        during = np.logical_or.reduce([(written_ns > began) & (written_ns < ended) for began, ended in self.windows_ns])
        assert during.any()
        shares = float(marked[during].mean()), float(marked[~during].mean())
        print(f"marked: {shares[0]:.2%} of {during.sum()} tokens of the windows, {shares[1]:.2%} of the others")
        return shares


class Stops(Windows):
    """Stops the whole process three times, and lets it go on."""

    def __call__(self, running: Running, _: Mock) -> None:
        for seconds in STOPS_S:
            time.sleep(0.1)
            running.process.send_signal(signal.SIGSTOP)
            began = time.monotonic_ns()
            time.sleep(seconds)
            self.windows_ns.append((began, time.monotonic_ns()))
            running.process.send_signal(signal.SIGCONT)


@pytest.fixture(scope="module")
def stops() -> Stops:
    """When the stopped run stood still: filled by `stopped`."""
    return Stops()


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory, stops: Stops) -> StreamsRun:
    """A run whose process stood still three times, 350 ms in all."""
    return run_streams(tmp_path_factory.mktemp("stopped"), stops)


@pytest.fixture(scope="module")
def holds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of the moments at which the held run's Python was held."""
    return tmp_path_factory.mktemp("holds") / "holds.txt"


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory, holds: Path) -> StreamsRun:
    """A run whose Python is held twice a second."""
    code = HOLDING_THE_GIL.format(log=str(holds), hold_ms=HOLD_MS)
    return run_streams(tmp_path_factory.mktemp("held"), program=code)


def test_stop_is_shown(stopped: StreamsRun) -> None:
    """The report names the stalls, at least as long as the process stood still."""
    client = stopped.ended.trust["client"]
    assert client["stall_longest_ms"] >= 1000 * max(STOPS_S) * 0.99
    assert client["stall_total_ms"] >= 1000 * sum(STOPS_S) * 0.99
    assert "Client Stalls" in stopped.ended.out


def test_gaps_blurred_by_a_stop_are_counted(stopped: StreamsRun) -> None:
    """The gaps that the stop blurred are counted with their bound."""
    client = stopped.ended.trust["client"]
    # 100 and 200 ms without reading merge about 3 and 8 of a stream's 63 gaps.
    assert stopped.uncertain_share > 0.04
    assert 1000 * max(STOPS_S) * 0.7 < client["bound_max_ms"] < client["stall_longest_ms"] + ITL_MS


def test_marks_stand_where_the_stops_were(stopped: StreamsRun, stops: Stops) -> None:
    """A token that the service wrote during a stop is marked, another one only where the machine disturbed it."""
    inside, outside = stops.marked_shares(stopped)
    assert inside > 0.9
    assert inside > outside + 0.5


def test_run_with_a_stop_is_invalid(stopped: StreamsRun) -> None:
    """The verdict says what is uncertain, that the client was stopped, and what helps."""
    (reason,) = stopped.ended.trust["invalid_because"]
    assert "may be anything from" in reason["effect"]
    assert re.match(r"the client was stopped or had no processor \d+ times", reason["cause"])
    assert "a processor of its own" in reason["remedy"]
    assert "INVALID" in stopped.ended.out.splitlines()[0]
    assert stopped.ended.trust["reasons"][0] in stopped.ended.out


def test_stop_is_no_failure(stopped: StreamsRun) -> None:
    """A stop loses no token of any stream."""
    assert all(len(pair.arrivals) == len(pair.writes) for pair in stopped.pairs)


def test_blurred_gaps_are_within_their_bounds(stopped: StreamsRun) -> None:
    """No token came earlier than its mark says, by the service's own clock, or it had no need of a mark."""
    excess_ms = [(pair.arrivals - pair.writes) / NS_PER_MS - pair.bounds_us / 1000 for pair in stopped.pairs]
    beyond = np.concatenate(excess_ms) > SLACK_MS
    print(f"tokens later than their bound by {SLACK_MS} ms: {beyond.sum()} of {beyond.size}")
    # A write of the service is late by itself now and then, between its clock's reading and the kernel.
    assert beyond.mean() < 0.001


def test_held_python_moves_no_stamp(held: StreamsRun) -> None:
    """While Python is held for 50 ms twice a second, the tail of ITL is still the one that the service logged."""
    pairs = held.pairs
    seen, logged = (np.concatenate([np.diff(getattr(pair, side)) for pair in pairs]) for side in ("arrivals", "writes"))
    for percentile in (50, 99, 99.9):
        client, service = (np.percentile(gaps, percentile) / NS_PER_MS for gaps in (seen, logged))
        print(f"ITL P{percentile}, ms: client {client:.4f}, service {service:.4f}")
        assert abs(client - service) < max(HOLD_MS / 20, service / 100)


def test_held_python_blurs_no_gap(held: StreamsRun, holds: Path) -> None:
    """Nor is a token marked because it came while Python was held: only the machine does that, at any time."""
    began_ended = [line.split() for line in holds.read_text().splitlines()]
    inside, outside = Windows([(int(began), int(ended)) for began, ended in began_ended]).marked_shares(held)
    assert inside < outside + 0.5


def test_held_python_moves_no_send(held: StreamsRun, calm: StreamsRun) -> None:
    """Nor are requests sent later than without."""
    held_p99, calm_p99 = (run.ended.trust["load"]["send_lateness"]["values"]["P99"] for run in (held, calm))
    print(f"send lateness P99, ms: held {held_p99}, calm {calm_p99}")
    assert held_p99 < calm_p99 + HOLD_MS / 2
