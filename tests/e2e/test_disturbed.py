"""The client disturbed on purpose while 500 streams run: what must not move does not, what is blurred is told."""

import re
import signal
import time

import numpy as np
import pytest
from nursery import Mock
from running import Running
from streams import ATTEMPTS, ITL_MS, TOKENS, StreamsRun, run_streams, run_undisturbed

from fastbench.units import NS_PER_MS

pytestmark = pytest.mark.alone

STOPS_S = (0.05, 0.1, 0.2)
HOLD_MS = 50
SLACK_MS = 2
# Python code that does nothing for 50 ms twice a second, and keeps the GIL meanwhile.
HOLDING_THE_GIL = f"""
import ctypes, threading, time

def hold():
    c = ctypes.PyDLL(None)
    while True:
        c.usleep({HOLD_MS * 1000})
        time.sleep({0.5 - HOLD_MS / 1000})

threading.Thread(target=hold, daemon=True).start()
from fastbench.cli.main import main
main()
"""


def stop_three_times(running: Running, _: Mock) -> None:
    """Stops the whole process, and lets it go on."""
    for seconds in STOPS_S:
        time.sleep(0.1)
        running.process.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        running.process.send_signal(signal.SIGCONT)


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> StreamsRun:
    """A run whose process stood still three times, 350 ms in all."""
    return run_streams(tmp_path_factory.mktemp("stopped"), stop_three_times)


@pytest.fixture(scope="module")
def quiet(calm: StreamsRun) -> StreamsRun:
    """The run that nobody disturbs, as far as the machine itself left it alone: without that there is no comparison."""
    share = calm.uncertain_share
    assert calm.undisturbed, f"the machine disturbed {ATTEMPTS} runs that nobody stopped, the last in {share:.2%} of it"
    return calm


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> StreamsRun:
    """A run whose Python is held twice a second."""
    return run_undisturbed(tmp_path_factory.mktemp, python=("-c", HOLDING_THE_GIL), attempts=3)


def test_stop_is_shown(stopped: StreamsRun, quiet: StreamsRun) -> None:
    """The report names the stalls, at least as long as the process stood still, and longer than without a stop."""
    client = stopped.ended.trust["client"]
    assert client["stall_longest_ms"] >= 1000 * max(STOPS_S) * 0.99
    assert client["stall_total_ms"] >= 1000 * sum(STOPS_S) * 0.99
    assert client["stall_longest_ms"] > quiet.ended.trust["client"]["stall_longest_ms"]
    assert "Client Stalls" in stopped.ended.out


def test_gaps_blurred_by_a_stop_are_counted(stopped: StreamsRun, quiet: StreamsRun) -> None:
    """The gaps that the stop blurred are counted with their bound; without a stop there are far fewer."""
    client = stopped.ended.trust["client"]
    print(f"uncertain gaps: stopped {stopped.uncertain_share:.4%}, without {quiet.uncertain_share:.4%}")
    # 100 and 200 ms without reading merge about 3 and 8 of a stream's 63 gaps.
    assert stopped.uncertain_share > 0.04
    assert stopped.uncertain_share > 2 * quiet.uncertain_share
    assert 1000 * max(STOPS_S) * 0.7 < client["bound_max_ms"] < client["stall_longest_ms"] + ITL_MS


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
    assert all(len(pair.arrivals) == len(pair.writes) for pair in stopped.pairs())


def test_blurred_gaps_are_within_their_bounds(stopped: StreamsRun) -> None:
    """No token came earlier than its mark says, by the service's own clock, or it had no need of a mark."""
    recording = stopped.ended.recording
    excess_ms = []
    for pair in stopped.pairs():
        bounds_us = np.zeros(TOKENS)
        for event, count, bound in recording.marks(pair.index).tolist():
            bounds_us[event : event + count] = bound
        excess_ms.append((pair.arrivals - pair.writes) / NS_PER_MS - bounds_us / 1000)
    beyond = np.concatenate(excess_ms) > SLACK_MS
    print(f"tokens later than their bound by {SLACK_MS} ms: {beyond.sum()} of {beyond.size}")
    # A write of the service is late by itself now and then, between its clock's reading and the kernel.
    assert beyond.mean() < 0.001


def test_held_python_moves_no_stamp(held: StreamsRun, calm: StreamsRun) -> None:
    """While Python is held for 50 ms twice a second, the tail of ITL is still the one that the service logged."""
    pairs = held.pairs()
    seen, logged = (np.concatenate([np.diff(getattr(pair, side)) for pair in pairs]) for side in ("arrivals", "writes"))
    for percentile in (50, 99, 99.9):
        client, service = (np.percentile(gaps, percentile) / NS_PER_MS for gaps in (seen, logged))
        print(f"ITL P{percentile}, ms: client {client:.4f}, service {service:.4f}")
        assert abs(client - service) < max(HOLD_MS / 20, service / 100)
    # Python was held for a tenth of the time. What else is uncertain is the machine's doing, as in a run without that.
    assert held.uncertain_share < max(0.05, 2 * calm.uncertain_share)


def test_held_python_moves_no_send(held: StreamsRun, calm: StreamsRun) -> None:
    """Nor are requests sent later than without."""
    held_p99, calm_p99 = (run.ended.trust["load"]["send_lateness"]["values"]["P99"] for run in (held, calm))
    print(f"send lateness P99, ms: held {held_p99}, calm {calm_p99}")
    assert held_p99 < calm_p99 + HOLD_MS / 2
