"""How fast a phase goes, as its progress tells it."""

from typing import Any

import pytest

from fastbench._core.counts import Hdr
from fastbench.live import Progress
from fastbench.live.progress import NOTHING, WINDOW_NS, Recent, latency_counts
from fastbench.live.status import SECONDS_KEPT, Pace, to_go_ns

S = 1_000_000_000


def progress(seconds: float, done: int = 0, events: int = 0, **changes: Any) -> Progress:
    known: dict[str, Any] = {
        "phase": "measure",
        "planned": 100,
        "duration_ns": None,
        "sent": done + 2,
        "in_flight": 2,
        "ok": done,
        "failed": 0,
        "output_events": events,
        "elapsed_ns": round(seconds * S),
        "stopping": 0,
        "failures": {},
        "pid": 7,
    }
    return Progress(**(known | changes))


def test_nothing_yet() -> None:
    """Before the first request there is no rate, no latency and no time to go."""
    told = Pace().fields(progress(0))
    assert (told["requests_per_s"], told["events_per_s"], told["to_go_ns"]) == (None, None, None)
    assert (told["ttft"], told["itl"], told["lag_p99_ns"]) == (None, None, None)
    assert (told["pid"], told["in_flight"]) == (7, 2)


def test_rates_are_those_of_the_last_seconds() -> None:
    """What happened before the window does not count in the rates, but does in the time to go."""
    pace = Pace()
    for half in range(41):
        # 2 requests and 100 events a second for 10 s, then twice as many.
        seconds = half / 2
        done = 2 * seconds + max(0.0, seconds - 10) * 2
        told = pace.fields(progress(seconds, int(done), int(done * 50), planned=120))
    assert WINDOW_NS < 10 * S
    assert told["requests_per_s"] == pytest.approx(4)
    assert told["events_per_s"] == pytest.approx(200)
    assert told["to_go_ns"] == 20 * S, "60 of 120 in 20 s"


def test_history() -> None:
    """The history has a value for each second of the last minutes; a phase begins its own."""
    pace = Pace()
    for half in range(2 * SECONDS_KEPT + 21):
        told = pace.fields(progress(half / 2, done=half * half, in_flight=half))
    history = told["history"]
    assert len(history.in_flight) == SECONDS_KEPT
    last = 2 * SECONDS_KEPT + 20
    assert history.in_flight[-3:] == (last - 4, last - 2, last)
    assert history.requests_per_s[-1] == last**2 - (last - 2) ** 2
    assert history.ttft_ns[-1] is None
    assert pace.fields(progress(1, phase="warm-up"))["history"].in_flight == (2,)


def test_latencies() -> None:
    """Percentiles are read off the counts of the last seconds, in ns."""
    ttft, itl, late, lag = latency_counts(), latency_counts(), latency_counts(), Hdr()
    ttft.record_values([100_000] * 98 + [300_000] * 2)
    itl.record_values([20_000])
    lag.record_values([5_000] * 10)
    late.record_values([0] * 5 + [450] * 5)
    told = Pace().fields(
        progress(1, 1, recent=Recent(ttft.sparse(), itl.sparse(), lag.sparse(), 3, [], late.sparse(), 30, 20))
    )
    assert told["ttft"].count == 100
    assert told["ttft"].p50_ns == pytest.approx(100_000_000, rel=0.01)
    assert told["ttft"].p99_ns == pytest.approx(300_000_000, rel=0.01)
    assert told["itl"].p99_ns == pytest.approx(20_000_000, rel=0.01)
    assert told["lag_p99_ns"] == pytest.approx(5_000, rel=0.001)
    assert told["late_p99_ns"] == pytest.approx(450_000, rel=0.01)
    assert told["tokens_per_event"] == 1.5
    assert told["stalls"] == 3
    assert Pace().fields(progress(1, recent=NOTHING))["stalls"] == 0


@pytest.mark.parametrize(
    ("now", "seconds"),
    [
        (progress(10, 20), 40),
        (progress(10, 100), 0),
        (progress(10, 20, planned=None), None),
        (progress(10, 20, planned=None, duration_ns=60 * S), 50),
        (progress(70, 20, planned=None, duration_ns=60 * S), 0),
        (progress(10, 10, failed=10), 40),
    ],
)
def test_time_to_go(now: Progress, seconds: int | None) -> None:
    """It is the rest of the time, or of the requests at the rate so far."""
    assert to_go_ns(now) == (None if seconds is None else seconds * S)


def test_nobody_knows_how_long_a_stop_takes() -> None:
    """Once Ctrl-C was heard, or the phase is over, there is no time to go."""
    assert Pace().fields(progress(10, 20, stopping=1))["to_go_ns"] is None
    assert Pace().fields(progress(10, 20, ended=True))["to_go_ns"] is None


def told_of(in_flight_per_s: float, **changes: Any) -> dict[str, Any]:
    """What is told after 8 s in which 10 requests a second end."""
    pace, told = Pace(), dict[str, Any]()
    for half in range(17):
        seconds = half / 2
        flight = round(2 + in_flight_per_s * seconds)
        told = pace.fields(progress(seconds, int(10 * seconds), planned=600, in_flight=flight, **changes))
    return told


def test_an_open_loop_that_grows_is_told() -> None:
    """An open loop whose number in flight rises all the time is told; a closed loop, or one that is level, is not."""
    assert told_of(40, is_open=True)["growing_per_s"] == pytest.approx(40, rel=0.1)
    assert told_of(0, is_open=True)["growing_per_s"] is None
    assert told_of(40)["growing_per_s"] is None


def test_the_time_to_go_counts_the_queue() -> None:
    """Where sending ends in 1 s, 100 in flight at 10 answers a second take 10 s; dropped ones are not waited for."""
    now = progress(9, 90, duration_ns=10 * S, planned=None, in_flight=100)
    assert to_go_ns(now, 10) == 10 * S
    assert to_go_ns(now) == 1 * S
    assert to_go_ns(progress(9, 90, planned=600, in_flight=100, not_sent=310), 10) == 20 * S


def test_what_is_asked_stands_against_what_is_answered() -> None:
    """Of 40 requests a second whose time comes, 10 are answered; a closed loop asks for no rate."""
    pace, told = Pace(), dict[str, Any]()
    for half in range(17):
        seconds, sent = half / 2, 10 * half
        told = pace.fields(
            progress(
                seconds, 5 * half, planned=600, sent=sent, in_flight=sent - 5 * half, asked=20 * half, is_open=True
            )
        )
    assert told["asked_per_s"] == pytest.approx(40)
    assert told["requests_per_s"] == pytest.approx(10)
    assert told["overdue"] == 160, "their time has come, and they have not gone out"
    assert told["history"].asked_per_s == (40,) * 8
    assert Pace().fields(progress(1, 10))["asked_per_s"] is None


def test_since_when_a_service_is_overloaded() -> None:
    """It is from when the queue began to grow until less than a second of answers is left of it."""
    pace, since = Pace(), list[int | None]()
    for half in range(121):
        seconds = half / 2
        # 40/s are asked until 20 s have passed, 20/s are answered all the time: at 40 s the queue is gone.
        asked = round(40 * min(seconds, 20))
        done = min(round(20 * seconds), asked)
        told = pace.fields(progress(seconds, done, planned=800, sent=asked, in_flight=asked - done, is_open=True))
        since.append(told["overloaded_ns"])
    assert since[2] is None
    assert since[20] == since[60] == S // 2, "the growth of the first seconds is what showed it"
    assert since[-1] is None


def test_the_time_to_go_of_a_plan() -> None:
    """Until the last request is due as long as the service keeps up; what is overdue counts where it does not."""
    known = {"planned": 400, "sending_ns": 40 * S, "is_open": True}
    assert to_go_ns(progress(10, 98, asked=100, sent=100, in_flight=2, **known), 10) == 30 * S
    assert to_go_ns(progress(10, 20, asked=100, sent=60, in_flight=40, **known), 2) == 190 * S
