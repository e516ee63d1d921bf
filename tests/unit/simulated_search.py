"""Searches on simulated services: what `run/` would do between a service and the search, many in lockstep."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from simulated_service import Done, Engine, Floats, Services, joined

from fastbench.answers.capacity import Answer, Purpose, Search, Seen, Settings
from fastbench.answers.statistics import LEAST_BLOCKS

S = 1_000_000_000
EPOCH = 24
"""Steps of the services between two looks of the searches."""


class Limits(NamedTuple):
    """Each criterion is good where both hold; s."""

    ttft: float
    tpot: float


@dataclass
class Visit:
    """Of a level: since when, from when its requests count, and what ended of those sent since it was changed."""

    changed: float
    reached: float | None = None
    counts: float | None = None
    length: float = 0.0
    look: float = 0.0
    """When it is looked at again."""
    done: list[Floats] = field(default_factory=list)
    """(4, n) each: sent, end, TTFT, TPOT."""

    def table(self) -> Floats:
        if len(self.done) > 1:
            self.done = [np.concatenate(self.done, axis=1)]
        return self.done[0] if self.done else np.zeros((4, 0))


class Searching:
    """One search and the service of its row."""

    def __init__(self, row: int, settings: Settings, limits: tuple[Limits, ...]) -> None:
        self.row, self.limits = row, limits
        self.search = Search(settings)
        self.visit = Visit(0.0)
        self.steps = 0

    def look(self, services: Services, done: Done) -> None:
        """Takes what ended in an epoch; sets the row's users for the next one."""
        row, visit = self.row, self.visit
        now, step = float(services.now[row]), self.search.step
        assert step is not None
        table = np.stack([done.sent, done.end, done.ttft, done.tpot])
        visit.done.append(table[:, done.sent >= visit.changed])
        if now < visit.look:
            return
        if visit.reached is None:
            # Users above the level have left; what ends at the end of a step is gone already.
            if np.isfinite(services.sent[row, int(step.level) :]).any():
                return
            visit.reached = now
        if visit.counts is None:
            sent, end = visit.table()[:2]
            if sent.size < 10:
                return
            if now < visit.reached + np.percentile(end - sent, 95):
                return
            visit.counts = now
        seen = self.seen(services, visit)
        visit.look = now + visit.length * (10 if step.purpose is Purpose.CONFIRM else 1)
        if seen is None or not self.search.feed(seen, int(now * S)):
            return
        self.steps += 1
        self.next_step(services)

    def next_step(self, services: Services) -> None:
        """The row's users of the search's step; an open loop's is not simulated."""
        row = self.row
        step = self.search.step
        services.limit[row] = 0 if step is None else int(step.level)
        self.visit = Visit(float(services.now[row]))

    def seen(self, services: Services, visit: Visit) -> Seen | None:
        """What is known by whole blocks of one mean E2EL, or 20 requests."""
        sent, end, ttft, tpot = visit.table()[:, visit.table()[0] >= visit.counts]
        known = float(min(services.sent[self.row].min(), services.now[self.row]))
        if not visit.length:
            if sent.size < 20:
                return None
            visit.length = max(float((end - sent).mean()), 20 * (known - visit.counts) / max(1, (sent < known).sum()))
        count = int((known - visit.counts) // visit.length)
        if count < 1:
            return None
        number = ((sent - visit.counts) / visit.length).astype(np.int64)
        inside = number < count
        number, ttft, tpot = number[inside], ttft[inside], tpot[inside]
        of_end = ((end - visit.counts) / visit.length).astype(np.int64)
        ended = np.bincount(of_end[of_end < count], minlength=count) / visit.length
        requests = np.bincount(number, minlength=count).astype(float)
        good = (
            np.stack(
                [np.bincount(number[(ttft < one.ttft) & (tpot < one.tpot)], minlength=count) for one in self.limits]
            ).astype(float)
            if self.limits
            else np.zeros((0, count))
        )
        clear = (
            bool(self.limits)
            and number.size >= 50
            and all(np.mean(ttft < one.ttft / 4) > 0.95 and np.mean(tpot < one.tpot / 4) > 0.95 for one in self.limits)
        )
        e2el = float((end - sent).mean())
        return Seen(requests, good, ended, e2el * S, int(count * visit.length * S), clear=clear)


class Outcome(NamedTuple):
    """What a search came to. seconds: of its service's time."""

    answer: Answer
    requests: int
    seconds: float
    steps: int


def searches(
    engine: Engine,
    limits: tuple[Limits, ...],
    count: int,
    seed: int = 0,
    settings: Settings | None = None,
    most: int = 160,
) -> list[Outcome]:
    """`count` seeded searches, each with a service of its own."""
    settings = settings or Settings(open_loop=False, most=most)
    services = Services(engine, count, most, seed)
    rows = [Searching(row, settings, limits) for row in range(count)]
    for one in rows:
        one.next_step(services)
    spent = np.zeros((count, 2))
    left = set(range(count))
    while left:
        done = joined([services.step() for _ in range(EPOCH)])
        order = np.argsort(done.row, kind="stable")
        edges = np.searchsorted(done.row[order], np.arange(count + 1))
        for row in sorted(left):
            mine = order[edges[row] : edges[row + 1]]
            rows[row].look(services, Done(*(column[mine] for column in done)))
            if rows[row].search.step is None:
                left.discard(row)
                spent[row] = services.requests[row], services.now[row]
    return [
        Outcome(one.search.answer(), int(requests), float(seconds), one.steps)
        for one, (requests, seconds) in zip(rows, spent.tolist(), strict=True)
    ]


def sweep_requests(engine: Engine, top: int, tolerance: float, seconds: float = 60.0, latencies: float = 20.0) -> float:
    """What a linear sweep of the same resolution sends: levels of the tolerance times the answer apart, from the first
    to the one above the answer, each measured as long as a search confirms its answer, and steady before."""
    step = max(1, round(top * tolerance))
    levels = np.arange(step, top + 2 * step, step)
    services = Services(engine, levels.size, int(levels.max()), 0)
    services.limit[:] = levels
    for _ in range(400):
        services.step()
    begin, sent = services.now.copy(), services.requests.copy()
    done = joined([services.step() for _ in range(1_000)])
    rate = (services.requests - sent) / (services.now - begin)
    e2el = done.end - done.sent
    total = 0.0
    for row, per_second in enumerate(rate.tolist()):
        mine = e2el[done.row == row]
        total += per_second * (max(seconds, latencies * float(mine.mean())) + float(np.percentile(mine, 95)))
    return total


__all__ = ["LEAST_BLOCKS", "Limits", "Outcome", "Purpose", "searches", "sweep_requests"]
