"""A load over levels on simulated time: what a worker tells a pilot, from a service of `simulated_service`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from simulated_service import Done, Engine, Services, joined

from fastbench.answers import CLEAR_BIT
from fastbench.api.saturating.asked import Asked
from fastbench.api.saturating.driver import steps_of
from fastbench.api.saturating.outcome import Outcome, outcome_of
from fastbench.api.saturating.pilot import Names, Pilot
from fastbench.recording import OUTCOMES
from fastbench.run.worker.visits import ENDED_DTYPE, News

S = 1_000_000_000
TICK_S = 0.1
OK, ERROR, REFUSED = (OUTCOMES.index(name) for name in ("ok", "http_error", "refused"))


class Load:
    """One service in a closed loop, steered by a pilot.

    limits_ms: of TPOT, by criterion. fails_above: with more users each request fails. change: what becomes of the
    engine at a time, s.
    """

    def __init__(
        self,
        engine: Engine,
        pilot: Pilot,
        limits_ms: float | tuple[float, ...],
        *,
        fails_above: int | None = None,
        dies_s: float | None = None,
        change: Callable[[float], Engine] | None = None,
        seed: int = 0,
        most: int = 128,
    ) -> None:
        self.pilot = pilot
        self.services = Services(engine, 1, most, seed)
        self._limits_s = [one / 1_000 for one in (limits_ms if isinstance(limits_ms, tuple) else (limits_ms,))]
        self._fails_above, self._dies_s, self._change = fails_above, dies_s, change
        self._begun: dict[float, int] = {}
        self._events = 0

    @property
    def now_ns(self) -> int:
        return int(self.services.now[0] * S)

    def run(self, most_s: float = 3_600) -> None:
        """Until the search is over."""
        visit, changed, told = self.pilot.visit, 0, 0.0
        done: list[Done] = []
        while visit is not None and self.services.now[0] < most_s:
            now = float(self.services.now[0])
            if self._change is not None:
                self.services.engine = self._change(now)
            self.services.limit[0] = visit.users
            done.append(self.services.step())
            if self.services.now[0] - told < TICK_S:
                continue
            told = float(self.services.now[0])
            flying = self.services.sent[0][np.isfinite(self.services.sent[0])]
            ended = self._ended(joined(done), visit.users) if self._lives else self._refused(visit.users)
            ended["visit"] = np.where(ended["sent_ns"] >= changed, visit.number, visit.number - 1)
            known = self.now_ns if not flying.size else int(flying.min() * S)
            sent = int(self.services.requests[0])
            self.pilot.take(News(visit.number, self.now_ns, changed, flying.size, known, self._events, sent, 0, ended))
            done = []
            if self.pilot.visit != visit:
                visit, changed = self.pilot.visit, self.now_ns

    @property
    def _lives(self) -> bool:
        return self._dies_s is None or self.now_ns <= self._dies_s * S

    def _refused(self, users: int) -> np.ndarray:
        """What the users of a service that is no more are told."""
        ended = np.zeros(users, ENDED_DTYPE)
        ended["sent_ns"] = ended["end_ns"] = self.now_ns
        ended["outcome"] = REFUSED
        return ended

    def _ended(self, found: Done, users: int) -> np.ndarray:
        """What ended well or not, as a worker tells it."""
        self._events += int(found.tokens.sum())
        ended = np.zeros(found.sent.size, ENDED_DTYPE)
        ended["sent_ns"], ended["end_ns"] = (found.sent * S).astype(np.int64), (found.end * S).astype(np.int64)
        ended["tokens"] = found.tokens
        ended["outcome"] = OK
        if self._fails_above is not None and users > self._fails_above:
            ended["outcome"] = ERROR
            return ended
        tpot = found.tpot
        for place, limit in enumerate(self._limits_s):
            ended["bits"] |= np.where(tpot < limit, np.uint32(1 << place), np.uint32(0))
        ended["bits"] |= np.where(tpot < min(self._limits_s) / 4, CLEAR_BIT, np.uint32(0))
        return ended


def searched(
    asked: Asked, engine: Engine, limits_ms: float | tuple[float, ...], directory: Path, **service: object
) -> Outcome:
    """The outcome of a whole search. Its recordings are not there, so that it has no percentiles."""
    steps = steps_of(asked)
    if asked.sweep is None:
        steps.search.settings = replaced(steps.search.settings)  # type: ignore[union-attr]  # a search
    pilot = Pilot(steps, len(asked.criteria), Names(directory, "simulated"), 1, lambda _: None)
    load = Load(engine, pilot, limits_ms, **service)  # type: ignore[arg-type]  # handed on
    load.run()
    return outcome_of(asked, steps.answer(), steps.levels, pilot.visited, pilot.took_ns)


def replaced(settings: object) -> object:
    """Without an open loop, which is not simulated."""
    from dataclasses import replace

    return replace(settings, open_loop=False)  # type: ignore[type-var]  # a dataclass
