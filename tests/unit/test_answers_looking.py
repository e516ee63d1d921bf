"""What a visit of a level shows as it goes on, and the bits that requests are judged by; the test says the time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from recordings import MS, Request, batch_of, record

from fastbench.answers import CLEAR_BIT, Judge, criteria_of, good_mask, parse_slos
from fastbench.answers.capacity import EndedRequests, Visiting
from fastbench.metrics import Selection
from fastbench.recording import Recording

S = 1_000 * MS
TICK = 25 * MS


class Load:
    """Users of equal requests, each `took` long, from `begin` on; told to a visit as it goes on."""

    def __init__(
        self, users: int, took: int, *, good: float = 1.0, late: int = 0, begin: int = 0, seed: int = 0
    ) -> None:
        self.users, self.took = users, took
        count = 400
        starts = begin + took * np.arange(count)[:, None] + (took // users) * np.arange(users)[None, :]
        self.sent = np.sort(starts.ravel())
        self.kept = np.random.default_rng(seed).random(self.sent.size) < good
        self.late = late
        self.told = 0

    def tell(self, visit: Visiting, now: int) -> int:
        """What ended by now; the moment before which all that went out has ended."""
        end = self.sent + self.took
        part = slice(self.told, int(np.searchsorted(end, now, side="right")))
        self.told = part.stop
        size = part.stop - part.start
        good = self.kept[part]
        late = np.full(size, self.late)
        visit.add(EndedRequests(self.sent[part], end[part], late, np.full(size, 10), good[None], good, ~good))
        flying = self.sent[part.stop : int(np.searchsorted(self.sent, now, side="right"))]
        events = 10 * int(np.searchsorted(self.sent, now))
        visit.note(now, flying.size, self.users, events, int(np.searchsorted(self.sent, now, side="right")))
        return int(flying.min(initial=now))


def followed(load: Load, visit: Visiting, until: int, since: int = 0) -> tuple[int, int]:
    """Goes on until a moment; (it, all known until)."""
    known = 0
    for now in range(since + TICK, until + 1, TICK):
        known = load.tell(visit, now)
    return until, known


def test_a_visit_counts_a_p95_after_its_change() -> None:
    """Requests count from one P95 of E2EL after the change on, once the rate of tokens is known to be steady."""
    visit = Visiting(1)
    visit.set(0)
    load = Load(4, 100 * MS)
    now, known = followed(load, visit, 150 * MS)
    assert visit.look(now, known) is None, "fewer than four batches of the token rate"
    now, known = followed(load, visit, 2 * S, 150 * MS)
    looked = visit.look(now, known)
    assert looked is not None
    assert looked.begin_ns >= 100 * MS
    assert looked.begin_ns <= 1 * S


def test_blocks_hold_requests_that_are_known() -> None:
    """A block is the time of 20 requests, and counts once every request sent in it has ended; each has its own."""
    visit = Visiting(1)
    visit.set(0)
    load = Load(4, 100 * MS)
    now, known = followed(load, visit, 6 * S)
    looked = visit.look(now, known)
    assert looked is not None
    seen = looked.seen
    assert looked.block_ns == pytest.approx(500 * MS, rel=0.05)
    assert looked.begin_ns + seen.measured_ns <= known
    assert seen.requests.sum() == np.count_nonzero(
        (load.sent >= looked.begin_ns) & (load.sent < looked.begin_ns + seen.measured_ns)
    )
    assert set(seen.requests.tolist()) <= {19.0, 20.0, 21.0}
    assert (seen.good[0] == seen.requests).all()
    assert seen.ended_per_s.mean() == pytest.approx(40, rel=0.05)
    assert looked.tokens_per_s == pytest.approx(400, rel=0.05)
    assert seen.e2el_ns == 100 * MS
    assert seen.clear
    assert not seen.behind
    assert not seen.client_limited


def test_the_length_of_blocks_stays() -> None:
    """What was a block at the first look is one at the last: earlier blocks do not change."""
    visit = Visiting(1)
    visit.set(0)
    load = Load(3, 70 * MS, good=0.9)
    now, known = followed(load, visit, 2 * S)
    first = visit.look(now, known)
    now, known = followed(load, visit, 8 * S, 2 * S)
    last = visit.look(now, known)
    assert first is not None
    assert last is not None
    assert (first.begin_ns, first.block_ns) == (last.begin_ns, last.block_ns)
    assert last.seen.requests[: first.seen.blocks].tolist() == first.seen.requests.tolist()
    assert last.seen.good[0, : first.seen.blocks].tolist() == first.seen.good[0].tolist()


def test_what_was_sent_before_does_not_count() -> None:
    """After a step down requests of the surplus users are in flight: the level is reached when they have ended."""
    visit = Visiting(1)
    followed(Load(4, 100 * MS), visit, 1 * S - TICK)
    visit.set(1 * S)
    visit.note(1 * S, 9, 4, 0, 0)
    assert visit.reached_ns is None
    visit.note(1_100 * MS, 4, 4, 0, 0)
    assert visit.reached_ns == 1_100 * MS


def test_one_failure_is_not_clear() -> None:
    """A visit is clear where nothing failed and nearly all keep a quarter of each limit."""
    visit = Visiting(1)
    visit.set(0)
    load = Load(4, 100 * MS)
    load.kept[150] = False
    now, known = followed(load, visit, 6 * S)
    looked = visit.look(now, known)
    assert looked is not None
    assert looked.seen.good.sum() == looked.seen.requests.sum() - 1
    assert not looked.seen.clear


@pytest.mark.parametrize(("late", "limited"), [(4 * MS, False), (6 * MS, True)])
def test_a_client_that_leaves_slots_empty(late: int, limited: bool) -> None:
    """The client is the limit where it is late by more than 5 % of the time of its slots."""
    visit = Visiting(1)
    visit.set(0)
    load = Load(4, 100 * MS, late=late)
    now, known = followed(load, visit, 6 * S)
    looked = visit.look(now, known)
    assert looked is not None
    assert looked.seen.client_limited is limited


@pytest.mark.parametrize(("share", "behind"), [(1.0, False), (0.5, True)])
def test_an_open_loop_that_falls_behind(share: float, behind: bool) -> None:
    """Of an open loop's requests, those that did not end in their time make a queue; it counts what is in flight."""
    visit = Visiting(1, is_open=True)
    visit.set(0)
    random = np.random.default_rng(3)
    sent = np.sort(random.integers(0, 20 * S, 2_000))
    # Of a slow service only the first come back, later and later.
    end = sent + 50 * MS if share == 1 else (sent / share).astype(np.int64) + 50 * MS
    told, found = 0, False
    for now in range(TICK, 20 * S + 1, TICK):
        stop = int(np.searchsorted(end, now))
        part = slice(told, stop)
        size, told = stop - told, stop
        good = np.ones((1, size), bool)
        visit.add(
            EndedRequests(
                sent[part], end[part], np.zeros(size, np.int64), np.ones(size, np.int64), good, good[0], ~good[0]
            )
        )
        visit.note(now, 1, 50, 0, int(np.searchsorted(sent, now)))
        if not now % (10 * TICK):
            looked = visit.look(now, int(sent[told]) if told < sent.size and sent[told] < now else now)
            found |= looked is not None and looked.seen.behind
    assert found is behind


def test_requests_are_judged_as_in_a_recording(tmp_path: Path) -> None:
    """The bits of ended requests are the masks of the same requests of a recording, criterion by criterion, also of
    clauses about gaps; the last bit is a quarter of each limit."""
    requests = [
        Request(0),
        Request(1, token_ns=(1_200 * MS, 1_290 * MS, 1_300 * MS), end_ns=1_301 * MS),
        Request(2, token_ns=(1_020 * MS, 1_021 * MS), end_ns=1_022 * MS),
        Request(3, outcome="reset", token_ns=(1_100 * MS,)),
        # A gap that is an escape.
        Request(4, token_ns=(1_010 * MS, 1_210 * MS, 1_211 * MS), end_ns=1_212 * MS),
        Request(5, token_ns=(1_050 * MS,), end_ns=1_051 * MS),
    ]
    slos = parse_slos(["ttft<150ms, itl_max<50ms@95%", "e2el<250ms", "tpot<60ms@90%, itl_p99<95ms"])
    criteria = criteria_of(slos)
    assert [one.tier for one in criteria] == [0, 1, 2, 2]
    judge = Judge(criteria, stream=True)
    batch = batch_of(requests)
    bits = judge(batch.rows, batch.gaps, batch.escapes)
    record(tmp_path / "recording", requests)
    selection = Selection(Recording.open(tmp_path / "recording"))
    assert bits.tolist() == judge.of_recording(selection).tolist()
    for place, one in enumerate(criteria):
        assert (bits >> place & 1).astype(bool).tolist() == good_mask(selection, one.clauses).tolist()
    assert ((bits & CLEAR_BIT) != 0).tolist() == [False, False, True, False, False, False]
