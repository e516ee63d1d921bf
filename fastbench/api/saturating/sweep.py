"""A sweep: given levels, each measured as long as a confirmation, with the blocks and intervals of a search."""

from __future__ import annotations

from collections.abc import Sequence

from fastbench.answers.capacity import Answer, Levels, Purpose, Seen, Settings, Step, knee

_LEAST_BLOCKS = 6


class SweepSteps:
    """Level by level, rising. name: concurrency or rate."""

    def __init__(self, settings: Settings, name: str, levels: Sequence[float]) -> None:
        self.settings = settings
        self.levels = Levels(settings.shares)
        self._by_rate = name == "rate"
        self._left = list(levels)
        self._count = len(self._left)
        self._stopped = ""
        self.step: Step | None = self._next()

    def _next(self) -> Step | None:
        if not self._left:
            return None
        level = self._left[0]
        return Step(level, Purpose.LADDER, 0, level if self._by_rate else None)

    def feed(self, seen: Seen, spent_ns: int) -> bool:
        """A level is over when it was measured for its time, or falls behind its rate."""
        if self.step is None or not self._is_enough(seen, spent_ns):
            return False
        if not (seen.blocks or seen.behind):
            return True
        self.levels.add(self.step.level, self.step.purpose, seen)
        self._left.pop(0)
        self.step = self._next()
        return True

    def _is_enough(self, seen: Seen, spent_ns: int) -> bool:
        budget = self.settings.budget_ns
        if seen.behind:
            return True
        if budget is not None:
            # An equal part of what is left for each that is left.
            done = self._count - len(self._left)
            if spent_ns >= budget * (done + 1) / self._count:
                return True
        enough = seen.blocks >= _LEAST_BLOCKS and seen.measured_ns >= self.open_ns(seen.e2el_ns)
        return budget is None and enough

    def stop(self, why: str) -> None:
        """Ends it."""
        self._stopped, self.step = why, None

    def open_ns(self, e2el_ns: float) -> float:
        """How long each level is measured."""
        settings = self.settings
        if settings.budget_ns is not None:
            return settings.budget_ns / self._count
        return settings.confirmation_ns(e2el_ns)

    def words(self, seen: Seen | None) -> str:
        """Which level of how many."""
        if self.step is None:
            return "the sweep is over"
        unit = "requests/s" if self._by_rate else "user" if self.step.level == 1 else "users"
        what = f"{self.step.level:g} {unit}"
        requests = "" if seen is None else f" · {seen.requests.sum():,.0f} requests"
        return f"level {self._count - len(self._left) + 1} of {self._count}: {what}{requests}"

    def answer(self) -> Answer:
        """The levels, and the knee of their throughput."""
        measured = self.levels.measured
        found = knee(self.levels.throughputs(), self.settings.tolerance) if not self._by_rate else None
        return Answer((), found, "", self._stopped, None, None, tuple(measured[level] for level in sorted(measured)))
