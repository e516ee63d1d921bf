"""What a search is asked, what it asks for, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from fastbench.answers.capacity.bracket import Bracket
from fastbench.answers.capacity.curve import Knee
from fastbench.answers.capacity.levels import Level, Purpose, Seen
from fastbench.units import NS_PER_S

_OPEN_LOOP = 0.5
"""Of a confirmation's time: it holds a rate that was measured already."""


@dataclass(frozen=True)
class Settings:
    """What is looked for. shares: of good requests, one for each criterion; () = the knee of the throughput.

    whole: levels are users, not rates. tolerance: of the level, a share of 1. most: the highest level allowed.
    budget_ns: of the whole search; None = until it is narrow. confirm_ns, confirm_latencies: a confirmation is at least
    so long, and so many mean E2EL. alpha: how often a confirmation may err. open_loop, again: whether the answer is
    verified at a rate, and a level measured again at the end. bisections: levels at most between ladder and
    confirmation, for each criterion.
    """

    shares: tuple[float, ...] = (0.99,)
    whole: bool = True
    tolerance: float = 0.05
    lowest: float = 1
    most: float = 10_000
    budget_ns: int | None = None
    confirm_ns: int = 60 * NS_PER_S
    confirm_latencies: float = 20
    alpha: float = 0.05
    open_loop: bool = True
    again: bool = True
    bisections: int = 6

    def confirmation_ns(self, e2el_ns: float) -> float:
        """How long a confirmation takes at least, where requests take so long in the mean."""
        return max(self.confirm_ns, self.confirm_latencies * e2el_ns)

    def open_ns(self, e2el_ns: float) -> float:
        """How long an open loop is measured."""
        return _OPEN_LOOP * self.confirmation_ns(e2el_ns)


class Step(NamedTuple):
    """What to measure next. visit: how often the level was measured before, so that its prompts are fresh. rate: of an
    open loop, 1/s; None = that many users (or that rate) of the search itself."""

    level: float
    purpose: Purpose
    visit: int
    rate: float | None = None


class Found(NamedTuple):
    """The answer for one criterion. level: 0 = no load meets it. bracket: None where the ladder is not over.

    confirmed: whether a confirmation proved it; None = it spoke for it without proof, or there was none.
    """

    share: float
    level: float
    bracket: Bracket | None
    confirmed: bool | None


class OpenLoop(NamedTuple):
    """What an open loop at a rate, 1/s, has shown of the answer."""

    rate: float
    seen: Seen

    @property
    def requests(self) -> int:
        """That count."""
        return int(self.seen.requests.sum())

    def share(self, criterion: int) -> float | None:
        """Of good requests; None without any."""
        return float(self.seen.good[criterion].sum()) / self.requests if self.requests else None


class Answer(NamedTuple):
    """found: by criterion. knee: without criteria. limit: what ended the ladder before any level failed: "most",
    "plateau", "client"; "" = nothing did. stopped: what ended the search before it was done. drift: by how much the
    throughput of the level measured again differs from before, a share of 1; None = not notably, or not measured.
    open: at which rate the answer was verified, and how that went. levels: measured, rising."""

    found: tuple[Found, ...]
    knee: Knee | None
    limit: str
    stopped: str
    drift: float | None
    open: OpenLoop | None
    levels: tuple[Level, ...]
