"""What the config asks of requests while they run."""

from __future__ import annotations

import dataclasses

import numpy as np
from msgspec.structs import replace
from recordings import MS, Request, batch_of

from fastbench.api.limits import judging_for
from fastbench.client import Batch
from fastbench.config import Task, build_run
from fastbench.live import BIN_BITS, BIN_MASK, BINS_PER_E, Progress, Seen
from fastbench.live.progress import FIRST_BLOCK_NS, MOST_BLOCKS, merge_seen
from fastbench.run.worker.asked import AskedLog
from fastbench.units import NS_PER_S

CONFIG = {
    "models": [{"type": "openai_chat", "url": "http://h:8000"}],
    "datasets": [{"type": "synthetic", "input_len": 8, "count": 9}],
}
NOW = Progress("measure", None, None, 0, 0, 0, 0, 0, 0, 0, {})


class Watch:
    """A log with a clock that the test turns on."""

    def __init__(self, **asked: object) -> None:
        (task,) = build_run(CONFIG, "test").tasks()
        self.task: Task = replace(task, **asked)
        self.now = 0
        self.log = AskedLog(self.task, judging_for(self.task), lambda: self.now)
        self.handed_on: list[Batch] = []
        self.sink = self.log.tap(self.handed_on.append)

    def after_a_second(self, *requests: Request) -> Progress:
        self.sink(batch_of(requests))
        self.now += NS_PER_S
        return self.log.told(NOW, 1_000 * MS)


def request(ttft_ms: int, outcome: str = "ok", flags: tuple[str, ...] = ("stream",), sent_ms: int = 1_000) -> Request:
    first = (sent_ms + ttft_ms) * MS
    return Request(0, sent_ms * MS, (first, first + 20 * MS), first + 21 * MS, outcome=outcome, flags=flags)


def test_good_so_far() -> None:
    """Each request that has its outcome is judged once, a failed one is not good, and clauses about gaps are left to
    the report."""
    watch = Watch(slo=("ttft<50ms, itl_max<1ms", "ttft<1ms"))
    found = watch.after_a_second(request(40), request(60), request(10, "truncated"), request(9, flags=("superseded",)))
    assert (found.judged, found.good) == (3, 1)
    assert len(watch.handed_on) == 1
    found = watch.after_a_second(request(40))
    assert (found.judged, found.good, found.seen) == (4, 2, None)


def test_nothing_is_asked() -> None:
    """Without an SLO and without --until batches pass untouched."""
    watch = Watch()
    assert watch.sink == watch.handed_on.append
    assert watch.after_a_second(request(40)) == NOW


def test_what_until_is_about() -> None:
    """The values of successful requests, to a quarter of a per cent, in blocks by when they were sent."""
    seen = (
        Watch(until="ttft.p99±5%")
        .after_a_second(request(40), request(40, sent_ms=1_100), request(80, sent_ms=1_300), request(9, "truncated"))
        .seen
    )
    assert seen is not None
    assert (seen.keys >> BIN_BITS).tolist() == [0, 1]
    assert seen.counts.tolist() == [2, 1]
    values = np.exp((seen.keys & BIN_MASK) / BINS_PER_E)
    assert np.allclose(values, [40_000, 80_000], rtol=0.0025)
    assert seen.took_ns == (61 + 61 + 101) * MS


def test_blocks_grow_with_the_run() -> None:
    """However long a run is there are no more than so many blocks; those of several workers are added up in the longest
    ones."""
    after = np.arange(4_000) * 50 * MS
    whole = Seen.of(after, np.full(4_000, 1_000.0), 4_000)
    assert int(whole.keys[-1] >> BIN_BITS) < MOST_BLOCKS
    assert whole.block_ns % FIRST_BLOCK_NS == 0
    early, late = (Seen.of(after[part], np.full(2_000, 1_000.0), 2_000) for part in (slice(2_000), slice(2_000, None)))
    assert early.block_ns < late.block_ns
    together = merge_seen([early, None, late])
    assert together is not None
    assert [one.tolist() for one in together[1:3]] == [one.tolist() for one in whole[1:3]]
    assert (together.block_ns, together.took_ns) == (whole.block_ns, 4_000)
    assert merge_seen([None]) is None


def test_as_the_report_judges() -> None:
    """While it runs a request is judged as in the report: also by its first answer token, and by what the plan
    meant."""
    watch = Watch(slo=("ttfa<50ms, ttft_intended<45ms",))
    late = dataclasses.replace(request(40), intended_ns=990 * MS)
    found = watch.after_a_second(request(40), request(60), late)
    assert (found.judged, found.good) == (3, 1)


def test_who_cannot_be_asked() -> None:
    """Nobody judges clauses about gaps alone, nor moments of streams where none are asked for."""
    assert judging_for(Watch(slo=("itl_max<1s",)).task) is None
    task = Watch(slo=("ttft<1s",)).task
    assert judging_for(task) is not None
    assert judging_for(replace(task, service=replace(task.service, stream=False))) is None
