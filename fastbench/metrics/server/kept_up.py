"""Whether the service kept up with an open loop: did the number of overdue requests rise, and since when?

A request is *overdue* when it is not ended `patience` after it was sent: the P95 of E2EL of the first requests, before
a queue can have formed. The number overdue, unlike the number in flight, does not rise while the pipeline fills or
while the rate of a trace rises; it does as long as more is sent than is answered.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastbench.verdict_limits import LEAST_ANSWERED

KEPT_UP, OVERLOADED, TOO_SHORT = "kept up", "overloaded", "too short to tell"
LEAST_TO_ACCUSE, LEAST_REQUESTS = 60, 30
"""Requests begun, to call a stretch overloaded, and to say anything of it."""
BLOCKS = (24, 12, 6)
"""Into so many blocks a stretch is cut: the first number whose blocks are long enough and independent of each other."""
LEAST_IN_BLOCK = 10
FIRST = 40
"""Requests by which the service's own time is known."""
_SOONEST = 2
_INDEPENDENT_Z = 2.0
_T_99 = {23: 2.500, 11: 2.718, 5: 3.365}
"""One-sided 99 % points of Student's t by degrees of freedom."""
_MAY_GROW = 0.15
"""Kept up, if at 99 % confidence no larger share than this is added to what is overdue."""
_LEAST_SHRINK = 0.25
_GRID = 48
NEVER = int(np.iinfo(np.int64).max // 2)

Moments = NDArray[np.int64]
Floats = NDArray[np.float64]


class Course(NamedTuple):
    """The requests of a run in the order in which they began. begun, ended: (n,) ns; begun is rising.

    ended is `NEVER` for what the service did not end. patience_ns: how long a request may take. first: (n,) the first
    token of each, its end where none came; None without streams.
    """

    begun: Moments
    ended: Moments
    patience_ns: int
    first: Moments | None = None

    def in_flight(self, at_ns: int) -> int:
        """Begun and not ended at that moment."""
        begun = int(np.searchsorted(self.begun, at_ns, side="right"))
        return int(np.count_nonzero(self.ended[:begun] > at_ns))

    def waiting(self, at_ns: int) -> int | None:
        """Of those in flight at that moment, the ones without a first token; None without streams."""
        if self.first is None:
            return None
        begun = int(np.searchsorted(self.begun, at_ns, side="right"))
        return int(np.count_nonzero(self.first[:begun] > at_ns))

    def overdue(self, at_ns: Moments) -> Moments:
        """(moments,): how many of those begun by each moment were not ended `patience` later."""
        late = self.ended > self.begun + self.patience_ns  # no other is overdue at any moment
        begun, ended = self.begun[late], self.ended[late]
        counts = np.searchsorted(begun, at_ns, side="right")
        pairs = zip(counts.tolist(), (at_ns + self.patience_ns).tolist(), strict=True)
        return np.array([np.count_nonzero(ended[:count] > due) for count, due in pairs], np.int64)


class Finding(NamedTuple):
    """The judgement of a stretch. state: kept up, overloaded or too short to tell. onset_ns: of the overload."""

    state: str
    onset_ns: int | None = None


def course(begun: Moments, ended: Moments, took: Moments, first: Moments | None = None) -> Course:
    """took: (k,) E2EL, ns, of those that the service ended, in the order in which they began. first: as in `Course`."""
    order = np.argsort(begun, kind="stable")
    return Course(begun[order], ended[order], patience(took), None if first is None else first[order])


def patience(took: Moments) -> int:
    """P95 of the first requests' E2EL; where a queue forms at once, so that E2EL only grows, of the very first ones."""
    if not took.size:
        return 0
    first = int(np.percentile(took[:FIRST], 95))
    return min(first, int(took[:_SOONEST].max())) if _only_grows(took) else first


def _only_grows(took: Moments) -> bool:
    """Whether each of six stretches of requests took longer than the one before, and the last twice as long as the
    first."""
    if took.size < 2 * BLOCKS[-1]:
        return False
    means = np.array([part.mean() for part in np.array_split(took, BLOCKS[-1])])
    return bool(np.all(np.diff(means) > 0) and means[-1] >= 2 * means[0])


def judge(run: Course, begin_ns: int, stop_ns: int) -> Finding:
    """The stretch in which requests began from `begin_ns` to `stop_ns`. Its first `patience` is left out (the pipeline
    fills), and its last one, whose outcome is not known yet.

    Overloaded: by the stretch's end more than 5 % of what it began was overdue, and from the onset on the means of
    blocks of time of (begun - answered) / begun have a lower 99 % bound above 0. Source of the bound: Schmeiser, "Batch
    size effects in the analysis of simulation output", Operations Research 30 (1982).
    """
    begin, stop = begin_ns + run.patience_ns, stop_ns - run.patience_ns
    if stop <= begin:
        return Finding(TOO_SHORT)
    edges = np.array([begin, stop])
    sent = int(np.diff(np.searchsorted(run.begun, edges, side="right"))[0])
    grown = int(np.diff(run.overdue(edges))[0])
    if sent < LEAST_REQUESTS:
        return Finding(TOO_SHORT)
    if grown > (1 - LEAST_ANSWERED) * sent:
        if sent < LEAST_TO_ACCUSE:
            return Finding(TOO_SHORT)
        onset = _onset(run, begin, stop_ns)
        # A place that was looked for has to show more: a burst's rise is found too.
        rises = _growth(run, begin, stop).low > 0 or _growth(run, onset, stop).low_of_growth > 0
        return Finding(OVERLOADED, begin_ns if onset == begin else onset) if rises else Finding(TOO_SHORT)
    growth = _growth(run, begin, stop)
    return Finding(KEPT_UP if growth.high <= _MAY_GROW else TOO_SHORT)


def _onset(run: Course, begin_ns: int, stop_ns: int) -> int:
    """The moment of the joint between level and rise that lie nearest to the number in flight (least squares)."""
    edges = np.linspace(begin_ns, stop_ns, _GRID + 1).astype(np.int64)
    at, values = (edges - begin_ns).astype(float), np.array([run.in_flight(edge) for edge in edges.tolist()], float)
    best, place = math.inf, 0
    for knot in range(edges.size * 4 // 5):
        rise = np.maximum(at - at[knot], 0.0)
        rise -= rise.mean()
        slope = float(rise @ values) / float(rise @ rise)
        rest = float(np.sum((values - values.mean() - slope * rise) ** 2))
        if slope > 0 and rest < best:
            best, place = rest, knot
    return int(edges[place])


class _Growth(NamedTuple):
    """Bounds of the growth of the number overdue, as a share of the requests begun, each at 99 %.

    low: the scatter is that of what was answered; low_of_growth: of the growth itself.
    """

    low: float
    low_of_growth: float
    high: float


def _growth(run: Course, begin_ns: int, stop_ns: int) -> _Growth:
    """By the means of blocks of time. What was sent is known, not drawn: what scatters in the lower bound is what was
    answered, so that the plan's own bursts do not hide that a service is at its limit all the time."""
    sent = np.zeros(0)
    for blocks in BLOCKS:
        edges = np.linspace(begin_ns, stop_ns, blocks + 1).astype(np.int64)
        sent = np.diff(np.searchsorted(run.begun, edges, side="right")).astype(float)
        grown = np.diff(run.overdue(edges)).astype(float)
        if sent.sum() >= blocks * LEAST_IN_BLOCK and abs(neighbours_z(grown)) <= _INDEPENDENT_Z:
            break
    if not sent.sum():
        return _Growth(0.0, 0.0, math.inf)
    width = _T_99[sent.size - 1] / math.sqrt(sent.size)
    mean, scatter = grown.mean(), width * grown.std(ddof=1)
    answered = sent - grown
    # A service that ends requests in batches has blocks that make up for each other: their mean scatters less.
    low = mean - width * answered.std(ddof=1) * math.sqrt(max(_LEAST_SHRINK, 1 + 2 * min(0.0, lag_1(answered))))
    return _Growth(*(float(bound / sent.mean()) for bound in (low, mean - scatter, mean + scatter)))


def neighbours_z(values: Floats) -> float:
    """The lag-1 correlation of block means in units of its own scatter. Source: von Neumann's ratio, as Fishman,
    "Grouping observations in digital simulation", Management Science 24 (1978)."""
    n = values.size
    return lag_1(values) * math.sqrt((n * n - 1) / (n - 2))


def lag_1(values: Floats) -> float:
    """The lag-1 correlation, 1 - (von Neumann's ratio) / 2; 0 for values that are all alike."""
    centred = values - values.mean()
    squares = float(centred @ centred)
    return 1 - float(np.sum(np.diff(values) ** 2)) / squares / 2 if squares else 0.0
