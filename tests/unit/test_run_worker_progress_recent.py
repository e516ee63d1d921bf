"""What ended in the last seconds of a run."""

import pytest
from recordings import MS, Request, batch_of

from fastbench.client.engine import Batch
from fastbench.live.progress import WINDOW_NS, Recent, Sparse, latency_counts, merge_recent
from fastbench.run.worker import progress as module
from fastbench.run.worker.progress import LEAST, STEP_NS, RecentLog


class Watch:
    """A clock that the test turns on."""

    def __init__(self) -> None:
        self.now = 1_000 * MS
        self.log = RecentLog(lambda: self.now)
        self.handed_on: list[Batch] = []
        self.sink = self.log.tap(self.handed_on.append)

    def end(self, *requests: Request) -> None:
        self.sink(batch_of(requests))

    def after(self, ns: int) -> Recent:
        self.now += ns
        return self.log.recent()


def request(ttft_ms: int = 100, itl_ms: int = 20, events: int = 3, outcome: str = "ok", **more: object) -> Request:
    first = (1_000 + ttft_ms) * MS
    return Request(0, token_ns=tuple(first + k * itl_ms * MS for k in range(events)), outcome=outcome, **more)  # type: ignore[arg-type]  # the fields of Request


def microseconds(sparse: Sparse) -> dict[float, int]:
    """How often each value was counted, in ms, as the histogram keeps it."""
    layout = latency_counts()
    found = {}
    for index, count in sparse:
        layout.clear()
        layout.add_sparse([[index, count]])
        found[round(layout.maximum / 1000, 1)] = count
    return found


def test_latencies_of_requests_that_ended_well() -> None:
    """TTFT and gaps of ok requests are counted, also gaps too long for 2 bytes; failed and superseded ones are not."""
    watch = Watch()
    watch.end(request(), request(200, outcome="truncated"), request(ttft_ms=50, itl_ms=500, events=2))
    watch.end(request(300, flags=("stream", "superseded"), events=1))
    found = watch.after(STEP_NS)
    assert microseconds(found.ttft) == {50.2: 1, 100.4: 1}
    assert microseconds(found.itl) == {20.1: 2, 501.8: 1}
    assert len(watch.handed_on) == 2


def test_time_per_token_and_how_late_the_client_sends() -> None:
    """TPOT goes over the tokens where the service told them, else over the events; how late it was sent, to the µs."""
    watch = Watch()
    watch.end(request(intended_ns=1_000 * MS - 450_000), request(itl_ms=40, output_tokens=5))
    found = watch.after(STEP_NS)
    assert microseconds(found.tpot) == {20.1: 2}
    assert microseconds(found.late) == {0.5: 1, 0.0: 1}
    assert (found.tokens, found.token_events) == (8, 6)


def test_requests_without_a_stream_have_no_first_token() -> None:
    """A reply in one piece says nothing about the time to its first token."""
    watch = Watch()
    watch.end(request(flags=()))
    assert watch.after(STEP_NS).ttft == []


def test_counting_waits_for_the_step() -> None:
    """Until half a second has passed the last state is told again, unless it is asked for at once."""
    watch = Watch()
    watch.end(request())
    assert watch.after(STEP_NS - 1).ttft == []
    assert len(watch.log.recent(at_once=True).ttft) == 1
    assert len(watch.after(STEP_NS).ttft) == 1


def test_old_requests_are_forgotten() -> None:
    """What ended before the window counts no more once enough has ended in it."""
    watch = Watch()
    watch.end(*[request(100)] * LEAST)
    watch.after(STEP_NS)
    watch.now += WINDOW_NS
    watch.end(*[request(200)] * (LEAST - 1))
    assert microseconds(watch.after(STEP_NS).ttft) == {100.4: LEAST, 200.7: LEAST - 1}
    watch.end(request(200))
    assert microseconds(watch.after(STEP_NS).ttft) == {200.7: LEAST}


def test_the_clients_state() -> None:
    """Lag and stalls of the last seconds are added up, and forgotten after them."""
    watch = Watch()
    for _ in range(2):
        watch.log.health({"lag": [[5, 2], [9, 1]], "stalls": [[1, 2]]})
    found = watch.after(STEP_NS)
    assert (found.lag, found.stalls) == ([[5, 4], [9, 2]], 2)
    found = watch.after(WINDOW_NS)
    assert (found.lag, found.stalls) == ([], 0)


def test_no_more_than_a_limit_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond so many gaps of a step further batches are left out, and all are handed on."""
    monkeypatch.setattr(module, "MOST_GAPS", 3)
    watch = Watch()
    for _ in range(4):
        watch.end(request(events=3))
    assert microseconds(watch.after(STEP_NS).itl) == {20.1: 3}
    assert len(watch.handed_on) == 4
    watch.end(request(events=3))
    assert microseconds(watch.after(STEP_NS).itl) == {20.1: 5}, "the next step counts anew"


def test_workers_together() -> None:
    """Two workers' counts are those of all their requests."""
    both, alone = Watch(), [Watch(), Watch()]
    for watch, ttft in zip(alone, (100, 300), strict=True):
        watch.end(request(ttft))
        watch.log.health({"lag": [[ttft, 1]], "stalls": []})
        both.end(request(ttft))
        both.log.health({"lag": [[ttft, 1]], "stalls": []})
    assert merge_recent([watch.after(STEP_NS) for watch in alone]) == both.after(STEP_NS)
