"""The reactor's own lateness: noticed, kept, and told of every output event that it makes uncertain."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from typing import Any

import pytest
from driving import MS, OK, Driver, drive
from replies import DONE, LAST_CHUNK, chunk, delta, head
from serving import Service, answering, read_request

from fastbench._core.reactor.lateness import HEARTBEAT_MS

STOPPED_S = 0.2
EVENTS = 200
# Runs one request in a process of its own, which may be stopped, and prints what became of it.
CLIENT = """
import json, socket, sys
from driving import Driver
with Driver((socket.AF_INET, "127.0.0.1", int(sys.argv[1])), row_tokens=16) as driver:
    driver.submit(1)
    driver.start()
    ended = driver.finish()
    total, stalls = driver.reactor.stalls_since(0)
result = ended[0]
print(json.dumps({
    "outcome": result.outcome, "stalls": stalls, "total": total,
    "longest": ended.snapshot["longest_stall_ns"], "shared": int(result.row["shared_events"]),
    "marks": result.batch.marks.tolist(), "stamps": result.token_ns().tolist(),
}))
"""


class SlowStream:
    """Answers with a token each 3 ms, and counts those that it has sent."""

    def __init__(self) -> None:
        self.sent = 0

    def __call__(self, connection: socket.socket, _: int) -> None:
        read_request(connection)
        connection.sendall(head("text/event-stream", "Transfer-Encoding: chunked"))
        for _event in range(EVENTS):
            time.sleep(0.003)
            connection.sendall(chunk(delta("a")))
            self.sent += 1
        connection.sendall(chunk(delta(None, "stop")) + chunk(DONE) + LAST_CHUNK)

    def wait_for(self, tokens: int) -> None:
        end = time.monotonic() + 60
        while self.sent < tokens:
            assert time.monotonic() < end, f"only {self.sent} tokens were taken"
            time.sleep(0.003)


@pytest.fixture(scope="module")
def stopped() -> dict[str, Any]:
    """What a client saw that was stopped for a while in the middle of its stream."""
    stream = SlowStream()
    with (
        Service(stream) as service,
        subprocess.Popen(
            [sys.executable, "-c", CLIENT, str(service.port)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdout=subprocess.PIPE,
        ) as client,
    ):
        stream.wait_for(30)
        client.send_signal(signal.SIGSTOP)
        before = stream.sent
        time.sleep(STOPPED_S)
        stream.wait_for(before + 30)
        client.send_signal(signal.SIGCONT)
        found: dict[str, Any] = json.loads(client.communicate(timeout=120)[0])
    assert found["outcome"] == "ok"
    assert len(found["stamps"]) == EVENTS
    return found


def test_a_stopped_client_knows_that_it_stood_still(stopped: dict[str, Any]) -> None:
    """A process stopped for 200 ms records a stall of that length."""
    longest = max(duration for _, duration in stopped["stalls"])
    assert STOPPED_S * 1e9 * 0.9 <= longest == stopped["longest"]
    assert len(stopped["stalls"]) == stopped["total"]


def test_events_that_came_during_a_stall_are_marked(stopped: dict[str, Any]) -> None:
    """Tokens merged into one read by a stall share a stamp; a mark names them and bounds the error."""
    start, duration = max(stopped["stalls"], key=lambda stall: stall[1])
    event, count, bound_us = max(stopped["marks"], key=lambda mark: mark[1])
    assert count >= 10, "30 tokens and more came while the client was stopped"
    assert len(set(stopped["stamps"][event : event + count])) == 1
    assert stopped["shared"] >= count - 1
    assert STOPPED_S * 1e6 * 0.5 <= bound_us <= duration / 1000 + 50_000
    assert stopped["stamps"][event] >= start


def test_marks_name_events_of_the_stream(stopped: dict[str, Any]) -> None:
    """Marks name output events in rising order, none twice and none outside the stream."""
    after = 0
    for event, count, bound_us in stopped["marks"]:
        assert count >= 1
        assert after <= event
        assert bound_us >= 1
        after = event + count
    assert after <= EVENTS


def test_stalls_are_told_once() -> None:
    """`stalls_since` gives the number of all stalls, and only those after the ones that were seen."""
    with Service(answering(OK)) as service, Driver(service.address) as driver:
        driver.submit(20)
        driver.start()
        driver.finish()
        total, stalls = driver.reactor.stalls_since(0)
        assert len(stalls) == total == driver.reactor.snapshot()["stalls"]
        assert driver.reactor.stalls_since(total) == (total, [])
        assert driver.reactor.stalls_since(max(0, total - 1))[1] == stalls[-1:]
        assert all(duration > HEARTBEAT_MS * MS for _, duration in stalls)


def test_the_reactor_wakes_by_itself() -> None:
    """Even with nothing to do it turns once in each heartbeat, so that a longer turn is its own lateness."""
    with Service(answering(OK)) as service, Driver(service.address) as driver:
        driver.pump(lambda: driver.reactor.running)
        before, begun = driver.reactor.snapshot()["turns"], time.monotonic_ns()
        driver.pump(lambda: driver.reactor.snapshot()["turns"] >= before + 20)
        assert time.monotonic_ns() - begun >= 18 * HEARTBEAT_MS * MS
        driver.finish()


def test_requests_beyond_one_poll() -> None:
    """More connections than one poll reports are all served, in several turns."""
    with Service(answering(OK)) as service:
        ended = drive(service.address, 450, limit=150, spare=150)
    assert ended.outcomes == {"ok": 450}
