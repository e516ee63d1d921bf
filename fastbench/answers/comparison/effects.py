"""B against A: the change, its interval, what it says, what it would take to say more.

Sources: Holm, "A simple sequentially rejective multiple test procedure", Scand. J. Stat. 6 (1979), over the claims of
better and worse; *not worse* of all metrics of a gate needs no correction (intersection-union, Berger, Technometrics 24
(1982)). Degrees of freedom of a difference: Welch, Biometrika 34 (1947). Differences of shares: Newcombe, Stat. Med. 17
(1998), method 10.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from fastbench.answers.comparison.estimates import Estimate, Share, quantiles
from fastbench.answers.comparison.model import BETTER, CANNOT_TELL, NOT_WORSE, WORSE, Effect, Floats, VerdictWord
from fastbench.answers.comparison.noise import UNSEEN, RunNoise
from fastbench.answers.statistics import Interval, normal_quantile, student_quantile

CONFIDENCE = 0.95
POINTS = 0.005
"""Of shares at most so much for the worse is tolerated, of 1, whatever the tolerance of ratios is."""
TOO_WIDE = "the interval is too wide"
UNSEEN_NOISE = (
    f"runs of the same service may differ by {UNSEEN * 100:.0f} %, which fewer than three of a side do not show"
)
_POWER = normal_quantile(0.975) + normal_quantile(0.8)
_MOST_DEGREES = 1e6


class Row(NamedTuple):
    """What an effect is of. tolerance: of the change for the worse. seconds: that a side was measured, the longer."""

    name: str
    statistic: str
    unit: str
    scale: float
    higher_is_better: bool
    tolerance: float
    seconds: float
    gate: bool


class Ends(NamedTuple):
    """The numbers of both sides, and how sure each is by itself; None: not known."""

    a: float
    b: float
    a_interval: Interval | None = None
    b_interval: Interval | None = None


class Measured(Protocol):
    """A change and how sure it is."""

    @property
    def in_points(self) -> bool:
        """Whether it is B - A, and not B / A - 1."""

    @property
    def is_perfect(self) -> bool:
        """Whether all requests of both sides are alike: none failed, or all are good."""

    def ends(self, scale: float) -> Ends:
        """What it is the change of, divided by `scale`."""

    @property
    def change(self) -> float:
        """B / A - 1, or B - A of shares."""

    @property
    def known(self) -> bool:
        """Whether its error is known."""

    @property
    def floor(self) -> float:
        """What differences between runs, which nobody has seen, may add to it."""

    @property
    def error(self) -> float:
        """The standard error of the change."""

    @property
    def fixed(self) -> float:
        """The part of the error that longer runs do not lessen."""

    def interval(self, confidence: float) -> Interval:
        """Of the change."""


class RatioChange(NamedTuple):
    """Of a latency or a throughput. joint: (replicates,), the spread of the difference where both sides were resampled
    together; None: they are independent. noise: between runs, None: not known, and then `floor` counts."""

    a: Estimate
    b: Estimate
    noise: RunNoise | None
    joint: Floats | None = None
    joint_degrees: float = 0

    @property
    def in_points(self) -> bool:
        """It is a ratio."""
        return False

    @property
    def is_perfect(self) -> bool:
        """No time is."""
        return False

    def ends(self, scale: float) -> Ends:
        """Of both sides."""
        intervals = (_scaled(side.interval, scale) for side in (self.a, self.b))
        return Ends(self.a.value / scale, self.b.value / scale, *intervals)

    @property
    def change(self) -> float:
        """B / A - 1."""
        return math.expm1(self.b.point - self.a.point)

    @property
    def known(self) -> bool:
        """Whether blocks or runs tell the error."""
        return self.joint is not None or (self.a.spread is not None and self.b.spread is not None)

    @property
    def floor(self) -> float:
        """0 where noise between runs is known, or in the runs."""
        return UNSEEN if self.noise is None and not (self.a.resampled and self.b.resampled) else 0.0

    @property
    def error(self) -> float:
        """Of the logarithm."""
        return math.sqrt(float(self._spread.var()) + self.fixed**2)

    @property
    def fixed(self) -> float:
        """Noise between runs, of sides that do not have it in their spread."""
        if self.noise is None:
            return 0.0
        variance = self.noise.deviation**2
        if self.noise.whole:
            variance = max(0.0, variance - (self.a.variance * self.a.runs + self.b.variance * self.b.runs) / 2)
        return math.sqrt(variance * sum(1 / side.runs for side in (self.a, self.b) if not side.resampled))

    @property
    def _spread(self) -> Floats:
        if self.joint is not None:
            return self.joint
        assert self.a.spread is not None
        assert self.b.spread is not None
        spread: Floats = self.b.spread - self.a.spread
        return spread

    @property
    def _degrees(self) -> float:
        if self.joint is not None:
            return self.joint_degrees
        parts = [(side.variance, side.degrees) for side in (self.a, self.b)]
        below = sum(variance**2 / degrees for variance, degrees in parts)
        total = sum(variance for variance, _ in parts)
        return min(total**2 / below if below > 0 else _MOST_DEGREES, _MOST_DEGREES)

    def interval(self, confidence: float) -> Interval:
        """Of B / A - 1, with the noise between runs as far as it is known."""
        low, high = quantiles(self._spread, self._degrees, confidence)
        beyond = 0.0
        if self.noise is not None and self.fixed:
            beyond = student_quantile((1 + confidence) / 2, min(self.noise.degrees, _MOST_DEGREES)) * self.fixed
        point = self.b.point - self.a.point
        return Interval(math.expm1(point - math.hypot(low, beyond)), math.expm1(point + math.hypot(high, beyond)))


class ShareChange(NamedTuple):
    """Of shares, in points of 1."""

    a: Share
    b: Share

    @property
    def in_points(self) -> bool:
        """It is a difference."""
        return True

    def ends(self, scale: float) -> Ends:
        """Of both sides; a share has no other unit."""
        return Ends(self.a.value, self.b.value, self.a.interval(), self.b.interval())

    @property
    def change(self) -> float:
        """B - A."""
        return self.b.value - self.a.value

    @property
    def known(self) -> bool:
        """Whether blocks tell how requests depend on each other."""
        return self.is_perfect or (self.a.seen and self.b.seen)

    @property
    def is_perfect(self) -> bool:
        """Whether all requests of both sides are alike: none failed, or all are good."""
        return self.a.value == self.b.value and self.a.value in (0.0, 1.0)

    @property
    def floor(self) -> float:
        """A service that fails does so in any run."""
        return 0.0

    @property
    def error(self) -> float:
        """From the interval, which holds where nothing failed, too."""
        low, high = self.interval(CONFIDENCE)
        return (high - low) / 2 / normal_quantile(0.975)

    @property
    def fixed(self) -> float:
        """None of it."""
        return 0.0

    def interval(self, confidence: float) -> Interval:
        """Of B - A."""
        a, b = self.a.interval(confidence), self.b.interval(confidence)
        low = math.hypot(self.b.value - b.low, a.high - self.a.value)
        high = math.hypot(b.high - self.b.value, self.a.value - a.low)
        return Interval(self.change - low, self.change + high)


def harm_of(interval: Interval, *, higher_is_better: bool) -> Interval:
    """An interval of a change, turned so that more is worse."""
    return Interval(-interval.high, -interval.low) if higher_is_better else interval


def said(measured: Measured, row: Row, confidence: float = CONFIDENCE) -> VerdictWord:
    """What an interval says of one metric by itself."""
    if measured.is_perfect:
        # How rarely something fails that never did is a matter of how long one looks; it is no regression.
        return NOT_WORSE
    low, high = harm_of(measured.interval(confidence), higher_is_better=row.higher_is_better)
    floor = measured.floor
    if low > row.tolerance + floor:
        return WORSE
    if high < -floor:
        return BETTER
    return NOT_WORSE if high < row.tolerance - floor else CANNOT_TELL


def judged(found: Sequence[tuple[Row, Measured | None, str]]) -> list[Effect]:
    """Effects of all rows, those of the gate with Holm's correction. found: what a row is of; what was measured, None:
    nothing; why it cannot be told, "" = it may be."""
    words = [
        CANNOT_TELL if measured is None or why or not measured.known else said(measured, row)
        for row, measured, why in found
    ]
    lost = _not_after_holm([(row, measured, word) for (row, measured, _), word in zip(found, words, strict=True)])
    return [
        _effect(row, measured, CANNOT_TELL if place in lost else word, lost.get(place, "") or why)
        for place, ((row, measured, why), word) in enumerate(zip(found, words, strict=True))
    ]


def _not_after_holm(found: Sequence[tuple[Row, Measured | None, VerdictWord]]) -> dict[int, str]:
    """The places of claims of the gate that do not stand among so many, and why."""
    claims = [
        (_strength(row, measured), place)
        for place, (row, measured, word) in enumerate(found)
        if row.gate and measured is not None and word in (BETTER, WORSE)
    ]
    number = sum(row.gate for row, *_ in found)
    lost: dict[int, str] = {}
    for step, (_, place) in enumerate(sorted(claims, reverse=True)):
        row, measured, word = found[place]
        assert measured is not None
        if lost or said(measured, row, 1 - (1 - CONFIDENCE) / (number - step)) != word:
            lost[place] = f"among {number} metrics one is {word} by that much by chance"
    return lost


def _strength(row: Row, measured: Measured) -> float:
    """How far a claim lies from what it denies, in standard errors."""
    harm = -measured.change if row.higher_is_better else measured.change
    bound = row.tolerance + measured.floor if harm > 0 else -measured.floor
    return abs(harm - bound) / max(measured.error, 1e-12)


def _effect(row: Row, measured: Measured | None, word: VerdictWord, why: str) -> Effect:
    known = measured is not None and measured.known
    ends = None if measured is None else measured.ends(row.scale)
    return Effect(
        name=row.name,
        statistic=row.statistic,
        unit=row.unit,
        a=None if ends is None else ends.a,
        b=None if ends is None else ends.b,
        change=None if measured is None else measured.change,
        interval=measured.interval(CONFIDENCE) if measured is not None and known else None,
        verdict=word,
        higher_is_better=row.higher_is_better,
        in_points=measured is not None and measured.in_points,
        least_detectable=least_detectable(measured) if measured is not None and known else None,
        minutes=minutes(measured, row) if measured is not None and known and word == CANNOT_TELL else None,
        gate=row.gate,
        a_interval=None if ends is None else ends.a_interval,
        b_interval=None if ends is None else ends.b_interval,
        why=why or _why(measured, word),
    )


def _scaled(interval: Interval | None, scale: float) -> Interval | None:
    return None if interval is None else Interval(interval.low / scale, interval.high / scale)


def _why(measured: Measured | None, word: VerdictWord) -> str:
    if word != CANNOT_TELL:
        return ""
    if measured is None:
        return "a side has no such number"
    if not measured.known:
        return "too short to tell: fewer than 6 blocks of time that do not depend on each other"
    if measured.floor:
        return UNSEEN_NOISE
    return TOO_WIDE


def least_detectable(measured: Measured) -> float:
    """The smallest change that is found in 80 % of such measurements."""
    wide = _POWER * measured.error
    return (wide if measured.in_points else math.expm1(wide)) + measured.floor


def minutes(measured: Measured, row: Row) -> float | None:
    """Of measuring each side, in all, until the interval lies on one side of what decides; None where time alone does
    not help. An interval is as narrow as the root of the time is long."""
    harm = harm_of(Interval(measured.change, measured.change), higher_is_better=row.higher_is_better).low
    low, high = harm_of(measured.interval(CONFIDENCE), higher_is_better=row.higher_is_better)
    # The nearest claim: worse, or not worse.
    room = abs(harm - row.tolerance) - measured.floor
    width = harm - low if harm > row.tolerance else high - harm
    still = normal_quantile(0.975) * measured.fixed
    if room <= still:
        return None
    within = math.sqrt(max(0.0, width**2 - still**2))
    return max(row.seconds, row.seconds * within**2 / (room**2 - still**2)) / 60
