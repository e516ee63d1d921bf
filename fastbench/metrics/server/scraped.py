"""The service's metrics page: series over time, and numbers of a stage."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastbench.metrics.model import ServiceMetrics, Spread
from fastbench.metrics.samples.selection import Selection
from fastbench.metrics.samples.timeline import InFlight
from fastbench.recording import FIGURES, Recording
from fastbench.units import NS_PER_S

Values = NDArray[np.float64]


class ServiceSeries(NamedTuple):
    """The page's figures from scrape to scrape, failed ones left out."""

    t_ns: NDArray[np.int64]
    """(n,): the middle of each scrape; what it says was so at most half of its time earlier or later."""
    half_ns: NDArray[np.int64]
    """(n,): half of that time."""
    values: dict[str, Values]
    """(n,) by figure, of `service_names.FIGURES`: those that some page had; NaN where one did not."""
    origin_ns: int
    """When the first measured request was sent; 0 where none was."""
    url: str
    failed: int
    """Failed scrapes."""
    error: str | None
    """Why the first of them failed."""


def service_series(recording: Recording) -> ServiceSeries | None:
    """The series of a recording; None where the page was not asked for."""
    moments: list[int] = []
    halves: list[int] = []
    columns: dict[str, list[float]] = {name: [] for name in FIGURES}
    errors: list[str] = []
    url = ""
    for scrape in recording.scrapes:
        url = url or scrape.url
        if scrape.error is not None:
            errors.append(scrape.error)
            continue
        halves.append(-(-scrape.took_ns // 2))
        moments.append(scrape.t_ns + scrape.took_ns // 2)
        for name, column in columns.items():
            value = scrape.value(name)
            column.append(np.nan if value is None else value)
    if not moments and not errors:
        return None
    t_ns, half_ns = np.array(moments, np.int64), np.array(halves, np.int64)
    order = np.argsort(t_ns, kind="stable")  # the parts of a recording stand one after the other
    arrays = {name: np.array(column, np.float64)[order] for name, column in columns.items()}
    reported = {name: array for name, array in arrays.items() if not np.isnan(array).all()}
    begin_ns, _ = _bounds(Selection(recording))
    return ServiceSeries(
        t_ns[order], half_ns[order], reported, begin_ns, url, len(errors), errors[0] if errors else None
    )


def service_metrics(selection: Selection) -> ServiceMetrics | None:
    """The numbers of a stage; None where the page was not asked for.

    Gauges: average and maximum over the scrapes inside the stage. Counters: the difference between the last scrape
    before the stage begins and the first after it has ended, or the outermost there are.
    """
    series = service_series(selection.recording)
    if series is None:
        return None
    stage = _Stage(series, *_bounds(selection))
    return ServiceMetrics(
        url=series.url,
        scrapes=series.t_ns.size + series.failed,
        failed=series.failed,
        error=series.error,
        requests_running=stage.spread("requests_running"),
        requests_waiting=stage.spread("requests_waiting"),
        kv_cache_use=stage.spread("kv_cache_use"),
        prefix_cache_hit_rate=_hit_rate(stage),
        preemptions=_whole(stage.rise("preemptions")),
        generated_tokens=_whole(stage.rise("generated_tokens")),
        counted_s=stage.counted_s,
    )


class _Stage:
    """Series seen from one stage, which lasts from `begin_ns` to `end_ns`."""

    def __init__(self, series: ServiceSeries, begin_ns: int, end_ns: int) -> None:
        self._values = series.values
        self._inside = (series.t_ns >= begin_ns) & (series.t_ns <= end_ns)
        # Wholly before and wholly after: what a scrape says may be as old as its beginning.
        before = np.flatnonzero(series.t_ns + series.half_ns <= begin_ns)
        after = np.flatnonzero(series.t_ns - series.half_ns >= end_ns)
        self._before = int(before[-1]) if before.size else 0
        self._after = int(after[0]) if after.size else series.t_ns.size - 1
        self.counted_s: float | None = None
        if self._before < self._after:
            self.counted_s = float(series.t_ns[self._after] - series.t_ns[self._before]) / NS_PER_S

    def spread(self, figure: str) -> Spread | None:
        """A gauge over the scrapes inside. Values below 0 stand for "none yet" in old services."""
        if figure not in self._values:
            return None
        inside = self._values[figure][self._inside]
        inside = inside[inside >= 0]
        return Spread(float(inside.mean()), float(inside.max())) if inside.size else None

    def rise(self, figure: str) -> float | None:
        """By how much a counter rose; None where the page lacks it, or the service restarted."""
        if figure not in self._values or self.counted_s is None:
            return None
        rise = float(self._values[figure][self._after] - self._values[figure][self._before])
        return rise if rise >= 0 else None


def _bounds(selection: Selection) -> tuple[int, int]:
    """The stage's first and last moment, ns: the window, else from the first request sent to the last one's end."""
    if selection.window is not None:
        return selection.window.begin_ns, selection.window.end_ns
    flight = InFlight.of(selection.final)
    ends = (flight.starts[0], flight.ends[-1]) if flight.starts.size else (0, 0)
    return int(ends[0]), int(ends[1])


def _hit_rate(stage: _Stage) -> float | None:
    """Prompt tokens found in the prefix cache / those looked for; where the service counts neither, its own rate."""
    queries, hits = stage.rise("prefix_cache_queries"), stage.rise("prefix_cache_hits")
    if queries is not None and hits is not None:
        return hits / queries if queries else None
    reported = stage.spread("prefix_cache_hit_rate")
    return None if reported is None else reported.average


def _whole(count: float | None) -> int | None:
    return None if count is None else round(count)
