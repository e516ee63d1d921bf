"""The search for the greatest load that keeps the SLOs, as a pure state machine: it is told what was seen of a level
and says when that is enough, and which level is next. It sends nothing and knows no clock.

    search = Search(Settings(shares=(0.99,)))
    while (step := search.step) is not None:
        while not search.feed(what was seen of step.level so far, time spent): go on measuring it
    search.answer()
"""

from __future__ import annotations

import math

import numpy as np

from fastbench.answers.capacity.asked import Answer, Found, OpenLoop, Settings, Step
from fastbench.answers.capacity.bracket import MOST_LOG_ODDS, Bracket, Posterior, grid
from fastbench.answers.capacity.curve import is_flat, knee
from fastbench.answers.capacity.levels import Level, Levels, Purpose, Seen, Visit, drift
from fastbench.answers.statistics import LEAST_BLOCKS, LEAST_IN_BLOCK, requests_to_show

_FIRST_BLOCKS = 2
_LADDER_LOG_ODDS = math.log(2.5)
"""Some 50 independent requests, all of them good, for 99 %."""
_VISITS_SHARE = 4
"""A level may have one of so many bisections; what is undecided then stays so."""
_MOST_KNEE_STEPS = 16
_REQUESTS_EACH = 8
_SETTLED = 1e-3
_HOPELESS = 2 * MOST_LOG_ODDS
"""That no load at all can meet it must be surer than that one level fails."""
_MOST_KNEE_BLOCKS = 24
_MUCH_MORE = 1.5
"""Of a doubling's throughput, by so much."""
_CONFIRMATIONS = 2
_A_STEP = 0.4
"""Of the tolerance; the grid's steps are a half of it."""
_MOST_CONFIRMATIONS = 4
"""So many times as long a confirmation may last where its requests are too few to show the share."""


class Search:
    """The state of a search. step: what to measure; None = it is over."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.levels = Levels(settings.shares)
        self.step: Step | None = Step(settings.lowest, Purpose.LADDER, 0)
        self._limit = self._stopped = ""
        self._steps = 0
        self._spent_ns = 0
        # By criterion: the levels that were confirmed, each with what came of it.
        self._tried: dict[int, list[tuple[float, bool | None]]] = {}
        self._confirming: tuple[int, ...] = ()
        self._top = settings.lowest
        self._nothing = False
        self._drift: float | None = None
        self._open: OpenLoop | None = None

    # ------------------------------------------------------------------------------------------------ what is seen
    def feed(self, seen: Seen, spent_ns: int) -> bool:
        """Takes what was seen of the step's level so far; spent_ns: of the whole search. Whether the step is over."""
        step, self._spent_ns = self.step, spent_ns
        if step is None or not self._is_enough(step, seen):
            return False
        below = [level for level in self.levels.measured if level < step.level]
        if self._is_clients(step, seen) and below:
            self._limit, self._top = "client", max(below)
        elif step.rate is None:
            self.levels.add(step.level, step.purpose, seen)
        else:
            self._open = OpenLoop(step.rate, seen)
        self.step = self._next(step, seen)
        return True

    def stop(self, why: str) -> None:
        """Ends the search; the answer is what there is."""
        self._stopped, self.step = why, None

    def _is_enough(self, step: Step, seen: Seen) -> bool:
        if seen.behind or self._is_clients(step, seen):
            return True
        if seen.blocks < _FIRST_BLOCKS:
            return self._is_over(0) or self._is_low_rung(step, seen)
        if step.purpose in (Purpose.CONFIRM, Purpose.OPEN):
            return self._is_confirmation_over(step, seen)
        if step.purpose is Purpose.AGAIN:
            return seen.measured_ns >= self.levels.visits(step.level)[0].seen.measured_ns or self._is_over(0)
        if self._is_over(self._reserve_ns(step, seen)):
            return True
        flat = step.purpose is Purpose.LADDER and self._looks_flat(step, seen)
        if seen.blocks < LEAST_BLOCKS and flat:
            return False
        if not self.settings.shares:
            return self._is_rate_known(step, seen)
        return seen.clear or all(self._is_decided(step, seen, one) for one in range(len(self.settings.shares)))

    def _is_low_rung(self, step: Step, seen: Seen) -> bool:
        """Whether a level of the ladder is so low that 20 requests take long, and all of those were good: the levels
        above will tell of it."""
        is_low = step.purpose is Purpose.LADDER and step.level < LEAST_IN_BLOCK
        return bool(
            is_low and self.settings.shares and seen.blocks and (seen.good.sum(axis=1) == seen.requests.sum()).all()
        )

    def _looks_flat(self, step: Step, seen: Seen) -> bool:
        """Whether the level seems to bring no more throughput than the one before: more blocks tell."""
        return self._gain(step, seen) < 1 + self.settings.tolerance

    def _gain(self, step: Step, seen: Seen) -> float:
        """The throughput of a level over that of the highest of at most half of it; infinite where there is none."""
        before = [one for one in self.levels.throughputs() if one.level <= step.level / 2]
        return float(seen.ended_per_s.mean()) / before[-1].value if before and before[-1].value else math.inf

    def _is_rate_known(self, step: Step, seen: Seen) -> bool:
        """For the knee. A level of the ladder that brings much more than the one before is far below it."""
        if step.purpose is Purpose.LADDER and self._gain(step, seen) >= _MUCH_MORE:
            return True
        low, high = self._rate_of(step.level, seen)
        narrow = high - low <= self.settings.tolerance * (high + low) / 2
        return seen.blocks >= LEAST_BLOCKS and (narrow or seen.blocks >= _MOST_KNEE_BLOCKS)

    def _is_clients(self, step: Step, seen: Seen) -> bool:
        """Whether the client could not load the level, so that no level from it on is looked at."""
        return seen.client_limited and step.purpose in (Purpose.LADDER, Purpose.BISECT)

    def _is_decided(self, step: Step, seen: Seen, criterion: int) -> bool:
        """Whether more of this visit would change little: it is as sure as one visit may be, or has as many requests as
        show the share if all of them are good, and eight of each user, for a visit to be worth the change. The ladder
        goes on sooner: the levels above will tell of this one too. That the lowest level fails is the answer, and
        takes as long as the confirmation of one."""
        odds = self.levels.evidence(criterion, [seen]).log_odds
        most = _LADDER_LOG_ODDS if step.purpose is Purpose.LADDER else MOST_LOG_ODDS
        enough = max(requests_to_show(self.settings.shares[criterion]), _REQUESTS_EACH * step.level)
        if odds >= most:
            return True
        is_lowest = step.level <= self.settings.lowest
        if is_lowest and odds < 0 and seen.measured_ns < self.settings.confirmation_ns(seen.e2el_ns):
            return odds <= -_HOPELESS
        return odds <= -MOST_LOG_ODDS or float(seen.requests.sum()) >= enough

    def _is_confirmation_over(self, step: Step, seen: Seen) -> bool:
        confirmed = seen.measured_ns / self.settings.confirmation_ns(seen.e2el_ns)
        if self._is_over(self._others_ns(seen)) or confirmed >= _MOST_CONFIRMATIONS:
            return True
        if step.purpose is Purpose.OPEN:
            return seen.measured_ns >= self.settings.open_ns(seen.e2el_ns)
        surely = [self.levels.evidence(one, [seen]).decided(self._alpha) for one in self._confirming]
        if seen.blocks >= LEAST_BLOCKS and all(one is False for one in surely):
            return True
        needed = max(requests_to_show(self.settings.shares[one]) for one in self._confirming)
        return confirmed >= 1 and (None not in surely or float(seen.requests.sum()) >= needed)

    @property
    def _alpha(self) -> float:
        return self.settings.alpha / (_CONFIRMATIONS * max(1, len(self.settings.shares)))

    def _reserve_ns(self, step: Step, seen: Seen) -> float:
        """Of the budget, what is kept for confirmations and the open loop behind them; nothing where there is no level
        to confirm."""
        settings = self.settings
        if not settings.shares or (step.level <= settings.lowest and self._odds(seen) < 0):
            return 0.0
        wanted = len(settings.shares) * settings.confirmation_ns(seen.e2el_ns)
        if settings.open_loop and settings.whole:
            wanted += settings.open_ns(seen.e2el_ns)
        return min(wanted, (settings.budget_ns or 0) / 2)

    def _others_ns(self, seen: Seen) -> float:
        """Of the budget, what is kept for the confirmations of other criteria."""
        count = len(self.settings.shares)
        left = sum(one not in self._tried and one not in self._confirming for one in range(count))
        return left * min(
            self.settings.confirmation_ns(seen.e2el_ns), (self.settings.budget_ns or 0) / 2 / max(1, count)
        )

    def _odds(self, seen: Seen) -> float:
        """Of the criterion that a visit speaks for most."""
        return max(self.levels.evidence(one, [seen]).log_odds for one in range(len(self.settings.shares)))

    def _is_over(self, reserve_ns: float) -> bool:
        return self.settings.budget_ns is not None and self._spent_ns >= self.settings.budget_ns - reserve_ns

    def _rate_of(self, level: float, seen: Seen) -> tuple[float, float]:
        measured = Level(level, [Visit(Purpose.LADDER, seen)]).throughput()
        return (measured.low, measured.high) if measured else (0.0, math.inf)

    # ------------------------------------------------------------------------------------------------ what is next
    def _next(self, step: Step, seen: Seen) -> Step | None:
        if step.purpose is Purpose.LADDER:
            return self._after_ladder(step, seen)
        if step.purpose is Purpose.BISECT:
            return self._bisect(step, seen)
        if step.purpose is Purpose.CONFIRM:
            return self._after_confirmation(step)
        if step.purpose is Purpose.AGAIN:
            self._drift = drift(*(self.levels.visits(step.level)[place].seen.ended_per_s for place in (0, -1)))
        return self._verify(step)

    def _after_ladder(self, step: Step, seen: Seen) -> Step | None:
        settings = self.settings
        if self._limit == "client":
            return self._bisect(step, seen)
        self._top = step.level
        odds = [self.levels.log_odds(one, self.levels.visits(step.level)) for one in range(len(settings.shares))]
        if odds and all(one < 0 for one in odds):
            self._nothing = step.level <= settings.lowest and self._is_hopeless(seen)
            return None if self._nothing else self._bisect(step, seen)
        if step.level >= settings.most:
            self._limit = "most"
        elif seen.blocks >= LEAST_BLOCKS and is_flat(self.levels.throughputs(), settings.tolerance):
            self._limit = "plateau"
        if self._limit or self._is_over(self._reserve_ns(step, seen)):
            return self._bisect(step, seen)
        factor = 4 if seen.clear and settings.shares else 2
        return self._at(min(settings.most, step.level * factor), Purpose.LADDER)

    def _is_hopeless(self, seen: Seen) -> bool:
        """Whether the lowest level fails so surely that no load can meet any criterion."""
        return seen.behind or self._odds(seen) <= -_HOPELESS

    def _at(self, level: float, purpose: Purpose, rate: float | None = None) -> Step:
        return Step(level, purpose, len(self.levels.visits(level)), rate)

    def posterior(self, criterion: int) -> Posterior:
        """Of the answer for one criterion. Above a level of the ladder that failed there is room for its double."""
        settings = self.settings
        above = self._top if self._limit else min(settings.most, 2 * self._top)
        levels = grid(
            *(settings.lowest, max(above, settings.lowest), settings.tolerance),
            whole=settings.whole,
            # What the client cannot load is not looked at, also where it could before.
            more=tuple(level for level in self.levels.measured if self._limit != "client" or level <= self._top),
        )
        return Posterior(levels, self.levels.told(criterion), settings.shares[criterion], whole=settings.whole)

    def _bisect(self, step: Step, seen: Seen) -> Step | None:
        if not self.settings.shares:
            return self._towards_the_knee(seen)
        self._steps += 1
        posteriors = [self.posterior(one) for one in range(len(self.settings.shares))]
        brackets = [one.bracket() for one in posteriors]
        wide = {
            place: math.log((one.high + 1) / (one.low + 1))
            for place, one in enumerate(brackets)
            if not self._is_settled(one)
        }
        most = self.settings.bisections * len(self.settings.shares)
        if wide and self._steps <= most and not self._is_over(self._reserve_ns(step, seen)):
            level = self._fresh(posteriors[max(wide, key=lambda place: wide[place])])
            if level is not None:
                return self._at(level, Purpose.BISECT)
        return self._confirm()

    def _is_settled(self, bracket: Bracket) -> bool:
        """Whether more levels would say no more."""
        if bracket.open:
            return bool(self._limit) and bracket.low >= self._top
        return bracket.is_narrow(self.settings.tolerance, whole=self.settings.whole)

    def _fresh(self, posterior: Posterior) -> float | None:
        """The level whose probability of *meets* is the nearest to a half, among those that were not measured often;
        None where nothing is open any more."""
        meets = posterior.meets()
        for place in np.argsort(np.abs(meets - 0.5), kind="stable").tolist():
            level = float(posterior.levels[place])
            if min(meets[place], 1 - meets[place]) < _SETTLED:
                return None
            if len(self.levels.visits(level)) < max(2, self.settings.bisections // _VISITS_SHARE):
                return level
        return None

    def _confirm(self) -> Step | None:
        """The next criterion's level; those that have the same one are confirmed together."""
        wanted = {one: self._to_confirm(one) for one in range(len(self.settings.shares))}
        level = next((level for level in wanted.values() if level), 0.0)
        if not level:
            return self._verify(None)
        self._confirming = tuple(one for one, other in wanted.items() if other == level)
        return self._at(level, Purpose.CONFIRM)

    def _to_confirm(self, criterion: int) -> float:
        """The level that a criterion's answer has to be confirmed at; 0 for none. After the first confirmation once
        more: one step down where that failed, or where the answer now lies by more than a step of the grid."""
        posterior, tried = self.posterior(criterion), self._tried.get(criterion, [])
        likely = posterior.bracket().middle
        if len(tried) >= _CONFIRMATIONS or self._is_over(0):
            return 0.0
        if not tried:
            return likely
        ((level, proved),) = tried
        if proved is False:
            lower = posterior.levels[posterior.levels < level]
            return min(likely, float(lower[-1])) if lower.size else 0.0
        return likely if abs(likely / level - 1) > _A_STEP * self.settings.tolerance else 0.0

    def _after_confirmation(self, step: Step) -> Step | None:
        """Its evidence is in the posterior in any case."""
        seen = self.levels.visits(step.level)[-1].seen
        for one in self._confirming:
            found = self.levels.evidence(one, [seen])
            proved = found.decided(self._alpha)
            if seen.behind or (proved is None and found.log_odds < 0):
                proved = False
            self._tried.setdefault(one, []).append((step.level, proved))
        return self._confirm()

    def _accepted(self, criterion: int) -> tuple[float, bool | None] | None:
        """Of the levels whose confirmation spoke for them, or of those that were tried, the nearest to where the answer
        lies by all that was seen."""
        tried = self._tried.get(criterion, [])
        if not tried:
            return None
        likely = self.posterior(criterion).bracket().middle
        return min([one for one in tried if one[1] is not False] or tried, key=lambda one: abs(one[0] - likely))

    def _verify(self, after: Step | None) -> Step | None:
        """What is left to do behind the confirmations: the open loop, then a level again."""
        accepted = [self._accepted(one) for one in self._tried]
        levels = [one[0] for one in accepted if one is not None]
        if after is None and self.settings.open_loop and levels and self.settings.whole and not self._is_over(0):
            seen = self.levels.visits(max(levels))[-1].seen
            return self._at(max(levels), Purpose.OPEN, 0.95 * float(seen.ended_per_s.mean()))
        if (after is None or after.purpose is Purpose.OPEN) and self.settings.again and not self._is_over(0):
            bisected = [
                level
                for level, one in self.levels.measured.items()
                if one.visits[0].purpose is Purpose.BISECT and one.visits[0].seen.blocks >= LEAST_BLOCKS
            ]
            if bisected:
                return self._at(bisected[0], Purpose.AGAIN)
        return None

    def _towards_the_knee(self, seen: Seen) -> Step | None:
        found = knee(self.levels.throughputs(), self.settings.tolerance)
        self._steps += 1
        if found is None or self._steps > _MOST_KNEE_STEPS or self._is_over(0) or not found.below:
            return self._verify(None)
        middle = math.sqrt(found.below * found.level)
        middle = round(middle) if self.settings.whole else middle
        # The ladder may have left it before its throughput was known.
        if sum(visit.seen.blocks for visit in self.levels.visits(found.level)) < LEAST_BLOCKS:
            return self._at(found.level, Purpose.BISECT)
        if found.level <= found.below * (1 + self.settings.tolerance) or middle in self.levels.measured:
            return self._verify(None)
        return self._at(middle, Purpose.BISECT)

    # -------------------------------------------------------------------------------------------------- the answer
    def answer(self) -> Answer:
        """From what there is, at any time."""
        found = []
        for one, share in enumerate(self.settings.shares):
            bracket = self.posterior(one).bracket() if self.levels.measured else None
            bracket = Bracket(0.0, 0.0, 0.0, False) if self._nothing else bracket
            level, proved = self._accepted(one) or (bracket.middle if bracket else 0.0, None)
            found.append(Found(share, level, bracket, proved))
        curve = None if self.settings.shares else knee(self.levels.throughputs(), self.settings.tolerance)
        levels = tuple(self.levels.measured[level] for level in sorted(self.levels.measured))
        return Answer(tuple(found), curve, self._limit, self._stopped, self._drift, self._open, levels)
