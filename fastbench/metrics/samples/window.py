"""The stretch of time that a report is about: the whole run, a stable stage, a window by time or by stationarity."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastbench.errors import ConfigError, UsageError
from fastbench.metrics.model import Stretch
from fastbench.metrics.samples.selection import Selection, Window
from fastbench.metrics.samples.timeline import InFlight, arrivals
from fastbench.units import NS_PER_MS, NS_PER_S, parse_duration

TOTAL, STABLE, AUTO = "total", "stable", "auto"
STRETCHES = 200
"""Into so many equal stretches a run is cut to judge whether it is stationary."""
LEAST_SHARE = 0.2
"""A stationary window is no use if it is a smaller part of the run."""
BAND = 0.05
"""Stationary is what keeps this near to its middle."""
WITHIN = 0.9
"""The share of a plateau's stretches that must lie in the band."""
_WAYS_OUT = "take --stage auto or --window from:to"


class Bounds(NamedTuple):
    """A window as asked: from and to, ns since the first request was sent; None = to the end."""

    begin_ns: int
    end_ns: int | None


def find_window(selection: Selection, stage: str) -> Window | None:
    """The window that a stage's name stands for; None = the whole run.

    stage: total, stable, auto, or a window such as 30s:90s. Raises UsageError for another name, and where the run
    has no such window.
    """
    if stage == TOTAL:
        return None
    flight = InFlight.of(selection.final)
    if not flight.starts.size:
        raise UsageError(f"the stage {stage} cannot be found: no request was sent; take the stage total")
    if stage == STABLE:
        return _stable(selection, flight)
    if stage == AUTO:
        return _stationary(selection, flight)
    return _by_time(parse_bounds(stage), stage, flight)


def parse_bounds(text: str) -> Bounds:
    """30s:90s, 30s: or :90s. Raises UsageError."""
    begin, colon, end = text.partition(":")
    try:
        bounds = Bounds(parse_duration(begin) if begin else 0, parse_duration(end) if end else None)
    except ConfigError as error:
        raise _no_stage(text) from error
    if not colon or (bounds.end_ns is not None and bounds.end_ns <= bounds.begin_ns):
        raise _no_stage(text)
    return bounds


def _no_stage(text: str) -> UsageError:
    return UsageError(f"{text!r} is not a stage; it is total, stable, auto, or a window from:to such as 30s:90s")


def _by_time(bounds: Bounds, name: str, flight: InFlight) -> Window:
    first, last = int(flight.starts[0]), int(flight.ends[-1])
    end = last if bounds.end_ns is None else min(last, first + bounds.end_ns)
    if first + bounds.begin_ns >= end:
        raise UsageError(f"the window {name} lies behind the run's end: it took {(last - first) / NS_PER_S:.3f} s")
    method = "asked for by time since the first request was sent"
    return Window(name, first + bounds.begin_ns, end, method, closed=end == last)


def _stable(selection: Selection, flight: InFlight) -> Window:
    limit = selection.asked.limit
    if limit is None:
        raise UsageError(f"the run has no limit of requests in flight, so no stable stage; {_WAYS_OUT}")
    moments, numbers = _steps(flight)
    reached = np.flatnonzero((numbers == limit) & (np.diff(numbers, prepend=0) > 0))
    if reached.size < 2:
        times = "once" if reached.size == 1 else f"{reached.size} times"
        what = f"its limit of {limit} in flight was reached {times}, and twice is needed"
        if selection.asked.is_open:
            what = f"an open loop has one only where {limit} in flight, the most that were allowed, are reached twice"
        raise UsageError(
            f"the run has no stable stage: {what} (at most {flight.peak} were in flight); "
            f"send more requests, or {_WAYS_OUT}"
        )
    at_limit = np.flatnonzero(numbers == limit)
    # It stays at the limit until the step after the last one that brought it there.
    end = int(moments[min(at_limit[-1] + 1, moments.size - 1)])
    method = f"from the second request that made {limit} in flight to the last moment of {limit}"
    return Window(STABLE, int(moments[reached[1]]), end, method, closed=True)


def _steps(flight: InFlight) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(2 n,) each: every moment at which the number in flight changes, and the number from then on.

    At one moment, those that end leave before others start.
    """
    moments = np.concatenate((flight.ends, flight.starts))
    changes = np.concatenate((np.full(flight.ends.size, -1), np.full(flight.starts.size, 1)))
    order = np.argsort(moments, kind="stable")
    return moments[order], np.cumsum(changes[order])


def _stationary(selection: Selection, flight: InFlight) -> Window:
    """The window where requests in flight keep to their median, cut until the token rate settled at both ends."""
    begin, end = int(flight.starts[0]), int(flight.ends[-1])
    width = max(1, -(-(end - begin) // STRETCHES))
    edges = begin + width * np.arange(STRETCHES + 1)
    first, last = _plateau(flight.means(edges))
    if last - first < LEAST_SHARE * STRETCHES:
        raise _unsettled()
    rate = arrivals(selection.recording, selection.streamed_mask, begin, width, STRETCHES)[first:last].astype(float)
    head, tail = truncation(rate), truncation(rate[::-1])
    settled = rate[head : rate.size - tail]
    first, last = first + head, last - tail
    if last - first < LEAST_SHARE * STRETCHES or not _steady(settled):
        raise _unsettled()
    method = (
        f"where requests in flight are within {BAND:.0%} of their median, cut at both ends by the marginal standard "
        f"error rule on the token rate, in {STRETCHES} stretches of {width / NS_PER_MS:.3f} ms"
    )
    stop = min(end, int(edges[last]))
    return Window(AUTO, int(edges[first]), stop, method, closed=stop == end)


def _unsettled() -> UsageError:
    return UsageError(
        "the run has no stationary window: requests in flight and token rate never settle for a fifth of it; "
        "measure longer, or take --window from:to"
    )


def _plateau(numbers: NDArray[np.float64]) -> tuple[int, int]:
    """From the first to behind the last stretch within the band; nothing where too many between are outside."""
    near = np.abs(numbers - np.median(numbers)) <= np.maximum(BAND * np.median(numbers), BAND)
    first, last = int(np.argmax(near)), numbers.size - int(np.argmax(near[::-1]))
    return (first, last) if near[first:last].mean() >= WITHIN else (0, 0)


def _steady(rate: NDArray[np.float64]) -> bool:
    """Whether the means of the two halves agree: within the band, or within what their scatter explains."""
    early, late = np.array_split(rate, 2)
    scatter = np.sqrt(early.var() / early.size + late.var() / late.size)
    return bool(abs(early.mean() - late.mean()) <= max(BAND * rate.mean(), 3 * scatter))


def truncation(values: NDArray[np.float64]) -> int:
    """How many values at the start belong to the transient, by the marginal standard error rule.

    The d in 0 … n / 2 with the least sum((x[d:] - mean)^2) / (n - d)^2. Source: White, "An effective truncation
    heuristic for bias reduction in simulation output", Simulation 69 (1997).
    """
    n = values.size
    left = n - np.arange(n // 2 + 1)
    sums = np.concatenate(([0.0], np.cumsum(values[::-1])))[left]
    squares = np.concatenate(([0.0], np.cumsum(values[::-1] ** 2)))[left]
    spread = np.maximum(squares - sums**2 / left, 0.0)
    return int(np.argmin(spread / left**2))


def shown_window(whole: Selection, window: Window) -> Stretch:
    """The window as a report shows it: in s since the first request was sent."""
    first = int(InFlight.of(whole.final).starts[0])
    return Stretch((window.begin_ns - first) / NS_PER_S, (window.end_ns - first) / NS_PER_S, window.method)
