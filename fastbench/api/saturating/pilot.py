"""Between the load and the search: what ended becomes what was seen, and the search's steps become visits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from fastbench.answers import CLEAR_BIT
from fastbench.answers.capacity import Answer, EndedRequests, Levels, Looked, Purpose, Search, Seen, Step, Visiting
from fastbench.answers.statistics import LEAST_IN_BLOCK
from fastbench.api.limits import NO_CONNECTION, patience_ns
from fastbench.recording import OUTCOMES, new_run_id
from fastbench.run.worker import News, Visit
from fastbench.seeds import seed_of
from fastbench.units import NS_PER_MS, NS_PER_S

LOOK_NS = 250 * NS_PER_MS
"""How often a visit is looked at."""
_OK = OUTCOMES.index("ok")
_CUT = (*NO_CONNECTION, OUTCOMES.index("truncated"))
"""What also ends with a service that dies."""
_LEAST_GONE = 5
_SILENCE_LATENCIES, _LEAST_SILENCE_NS = 3, NS_PER_S
"""A service whose connections fail is gone when nothing ended well for so many P95 of E2EL."""
GONE = "the service does not answer any more"
INTERRUPTED = "interrupted"
ENDED = "the load ended early"
OUT = "the budget is out"
NOTHING_SEEN = f"the budget was out before {LEAST_IN_BLOCK} requests had ended, the least that tell of a level"
_OPEN_WARM_UP, _OPEN_MARGIN = 4, 1.2
"""An open loop lasts so many mean E2EL longer than it is to be measured, and so many times as long."""


class Steps(Protocol):
    """What says which level is next: a search, or a sweep over given levels."""

    @property
    def step(self) -> Step | None:
        """What to measure; None = it is over."""
        ...

    def feed(self, seen: Seen, spent_ns: int) -> bool:
        """What was seen so far; whether the step is over."""
        ...

    def stop(self, why: str) -> None:
        """Ends it; the answer is what there is."""
        ...

    def open_ns(self, e2el_ns: float) -> float:
        """How long an open loop is to be measured."""
        ...

    @property
    def levels(self) -> Levels:
        """All that was measured."""
        ...

    def answer(self) -> Answer:
        """From what there is."""
        ...

    def words(self, seen: Seen | None) -> str:
        """How it stands, for the live view."""
        ...


@dataclass(frozen=True)
class Visited:
    """A visit that is over, as it was looked at."""

    step: Step
    recording: Path
    changed_ns: int
    looked: Looked
    spent_ns: int
    busy: float = 0.0
    """Share of the time in which the client's sending thread worked."""


class Names(NamedTuple):
    """Where visits are recorded: directory, and what their names begin with."""

    directory: Path
    prefix: str


@dataclass
class Pilot:
    """Steers a load by the steps of a search. Called in the worker's event loop.

    criteria: how many there are; done: told of each visit that is over; spent_ns: by visits of an earlier run; first:
    the number of the first visit; interrupted: whether the user asked to stop.
    """

    steps: Steps
    criteria: int
    names: Names
    seed: int
    done: Callable[[Visited], object]
    first: int = 0
    spent_ns: int = 0
    interrupted: Callable[[], bool] = lambda: False
    words: str = ""
    """How the search stands, for the live view."""
    visited: list[Visited] = field(default_factory=list)
    partial: Looked | None = None
    """What the visit that was under way had shown."""
    took_ns: int = 0
    """All of it, with an earlier run's visits."""

    def __post_init__(self) -> None:
        self._number = self.first
        self._begun_ns: int | None = None
        self._looked_ns = 0
        self.took_ns = self.spent_ns
        self._last_good_ns: int | None = None
        self._gone = self._cut = 0
        """Requests that ended so since one ended well."""
        self._e2el_ns = 0.0
        self._p95_ns = 0
        self._cpu: tuple[int, int] | None = None
        self._now: News | None = None
        self.visit: Visit | None = None
        self.last: Visit | None = None
        """The visit that was begun last."""
        self._begin()

    def stop(self, why: str) -> None:
        """Ends the search, from the thread of the load."""
        self.steps.stop(why)
        self.visit = None

    # ------------------------------------------------------------------------------------------------ what has ended
    def take(self, news: News) -> None:
        """Looks at what the visit has shown, four times a second."""
        self._begun_ns = news.now_ns if self._begun_ns is None else self._begun_ns
        if self.visit is not None:
            self.took_ns = self.spent_ns + news.now_ns - self._begun_ns
        self._watch(news)
        if self.visit is None:
            return
        if news.visit == self.visit.number:
            self._note(news)
            if news.over or (news.now_ns - self._looked_ns >= LOOK_NS and not self._may_be_gone(news.now_ns)):
                self._looked_ns = news.now_ns
                self._look(news)
        if news.over and self.visit is not None and news.visit == self.visit.number:
            self.stop(INTERRUPTED if self.interrupted() else ENDED)

    def _watch(self, news: News) -> None:
        """Whether the service is still there."""
        outcomes = news.ended["outcome"]
        if self._last_good_ns is None or (outcomes == _OK).any():
            self._last_good_ns, self._gone, self._cut = news.now_ns, 0, 0
        if outcomes.size:
            self._gone += int(np.isin(outcomes, NO_CONNECTION).sum())
            self._cut += int(np.isin(outcomes, _CUT).sum())
        silence = news.now_ns - self._last_good_ns
        gone = self._gone >= _LEAST_GONE and not self._is_short(silence)
        # Before the first answer nobody knows how long it takes.
        hangs = self._e2el_ns > 0 and not outcomes.size and news.in_flight > 0
        if gone or (hangs and silence > patience_ns(self._p95_ns)):
            self.stop(GONE)

    def _may_be_gone(self, now_ns: int) -> bool:
        """Whether what fails may be the end of the service: it says nothing of the level until that is known."""
        assert self._last_good_ns is not None
        return self._cut >= _LEAST_GONE and self._is_short(now_ns - self._last_good_ns)

    def _is_short(self, silence_ns: int) -> bool:
        return silence_ns <= max(_SILENCE_LATENCIES * self._p95_ns, _LEAST_SILENCE_NS)

    def _note(self, news: News) -> None:
        assert self.visit is not None
        visiting, ended = self._visiting, news.ended[news.ended["visit"] == self.visit.number]
        if visiting.changed_ns is None:
            visiting.set(news.changed_ns)
            self._cpu = (news.now_ns, news.cpu_ns)
        if ended.size:
            bits, ok = ended["bits"], ended["outcome"] == _OK
            sent, end, late, tokens = (
                ended[name].astype(np.int64) for name in ("sent_ns", "end_ns", "late_ns", "tokens")
            )
            good = (
                np.stack([(bits >> np.uint32(one)) & 1 for one in range(self.criteria)]).astype(bool)
                if self.criteria
                else np.zeros((0, ended.size), bool)
            )
            visiting.add(EndedRequests(sent, end, late, tokens, good, (bits & CLEAR_BIT) != 0, ~ok))
        if not news.over:
            visiting.note(news.now_ns, news.in_flight, self.visit.level, news.output_events, news.sent)
        self._now = news

    def _look(self, news: News) -> None:
        step = self.steps.step
        if step is None:
            return
        looked = self._visiting.look(news.now_ns, news.known_ns)
        self.partial = looked
        self.words = self.steps.words(None if looked is None else looked.seen)
        spent = self.took_ns
        if looked is None:
            looked_at = _nothing(self.criteria)
            if self.steps.feed(looked_at, spent):
                self.stop(OUT if self.visited else NOTHING_SEEN)
            return
        self._e2el_ns = looked.seen.e2el_ns or self._e2el_ns
        self._p95_ns = self._visiting.p95_e2el_ns() or self._p95_ns
        if self.steps.feed(looked.seen, spent):
            self._leave(step, looked, spent, news)

    def _leave(self, step: Step, looked: Looked, spent_ns: int, news: News) -> None:
        assert self.visit is not None
        since, cpu = self._cpu or (news.now_ns, news.cpu_ns)
        busy = (news.cpu_ns - cpu) / (news.now_ns - since) if news.now_ns > since and news.cpu_ns > cpu else 0.0
        over = Visited(step, self.visit.recording, self._visiting.changed_ns or 0, looked, spent_ns, busy)
        self.visited.append(over)
        self.done(over)
        self.partial = None
        self._number += 1
        self._begin()

    def _begin(self) -> None:
        step = self.steps.step
        self._visiting = Visiting(self.criteria, is_open=step is not None and step.rate is not None)
        self.words = self.steps.words(None)
        if step is None:
            self.visit = None
            return
        duration = None
        if step.rate is not None:
            wanted = self.steps.open_ns(self._e2el_ns) * _OPEN_MARGIN
            duration = int(wanted + _OPEN_WARM_UP * self._e2el_ns + NS_PER_S)
        name = f"{self.names.prefix}_{self._number:03d}_{_name(step)}_recording"
        self.visit = Visit(
            number=self._number,
            level=step.level,
            purpose=step.purpose.value,
            repeat=step.visit,
            seed=seed_of(self.seed, step.level, step.visit, step.rate is None),
            run_id=new_run_id(),
            recording=self.names.directory / name,
            rate=step.rate,
            duration_ns=duration,
        )
        self.last = self.visit


def _name(step: Step) -> str:
    return f"c{step.level:g}" if step.rate is None else f"r{step.rate:.4g}"


def _nothing(criteria: int) -> Seen:
    return Seen(np.zeros(0), np.zeros((criteria, 0)), np.zeros(0), 0.0, 0)


class SearchSteps:
    """The steps of a search for the capacity."""

    def __init__(self, search: Search) -> None:
        self.search = search
        self._bracket: tuple[int, Sequence[str]] = (-1, ())

    @property
    def levels(self) -> Levels:
        """All that was measured."""
        return self.search.levels

    def answer(self) -> Answer:
        """From what there is."""
        return self.search.answer()

    @property
    def step(self) -> Step | None:
        """As the search has it."""
        return self.search.step

    def feed(self, seen: Seen, spent_ns: int) -> bool:
        """As the search takes it; nothing seen ends a step only where the budget is out."""
        if not (seen.blocks or seen.behind):
            budget = self.search.settings.budget_ns
            return budget is not None and spent_ns >= budget
        return self.search.feed(seen, spent_ns)

    def stop(self, why: str) -> None:
        """As the search does."""
        self.search.stop(why)

    def open_ns(self, e2el_ns: float) -> float:
        """As the search wants it."""
        return self.search.settings.open_ns(e2el_ns)

    def words(self, seen: Seen | None) -> str:
        """Level, purpose, evidence of this visit, and where the answer lies."""
        step, search = self.search.step, self.search
        if step is None:
            return "the search is over"
        parts = [f"{_level(step)} ({step.purpose.value})"]
        if seen is not None and seen.blocks and search.settings.shares:
            likely = min(search.levels.evidence(one, [seen]).probability for one in range(len(search.settings.shares)))
            parts.append(f"{seen.requests.sum():,.0f} requests, meets: {100 * likely:.0f} %")
        visits = sum(len(level.visits) for level in search.levels.measured.values())
        if self._bracket[0] != visits:  # it changes with visits, and takes its time
            self._bracket = (visits, bracket_words(search))
        parts += self._bracket[1]
        return " · ".join(parts)


def bracket_words(search: Search) -> Sequence[str]:
    """Where the answers lie by now; none before the ladder has found a level that fails."""
    if not search.levels.measured or not search.settings.shares:
        return ()
    brackets = [search.posterior(one).bracket() for one in range(len(search.settings.shares))]
    low, high = min(one.low for one in brackets), min(one.high for one in brackets)
    is_open = all(one.open for one in brackets)
    if is_open:
        return (f"answer {low:g} or more",) if low else ()
    return (f"answer {low:g}-{high:g}",)


def _level(step: Step) -> str:
    if step.rate is not None:
        return f"{step.rate:.3g} requests/s"
    return f"{step.level:g} user{'' if step.level == 1 else 's'}"


__all__ = ["GONE", "INTERRUPTED", "Names", "Pilot", "Purpose", "SearchSteps", "Steps", "Visited"]
