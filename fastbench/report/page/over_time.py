"""What a page draws over time: rates, the client's own error, and what the service's metrics page said."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastbench.metrics import Rows, Selection
from fastbench.metrics.samples import OK, arrivals, output_tokens
from fastbench.metrics.server import ServiceSeries, service_series
from fastbench.metrics.trust import lag
from fastbench.recording import OUTCOMES, Recording
from fastbench.report.page.document import pack
from fastbench.units import NS_PER_MS, NS_PER_S, NS_PER_US

MOST_STRETCHES = 20_000
LEAST_WIDTH_US = 1_000
DROPPED = OUTCOMES.index("dropped")
LEAST_STATES, MOST_STATES = 2, 600
MOST_STALLS = 2_000
MOST_POINTS = 2_000
US_PER_S = 1_000_000
Values = NDArray[np.float64]


class Counts(NamedTuple):
    """How many in each stretch of equal width since the first request was sent, (stretches,) each.

    width_us, duration_us: of a stretch, of the run. tokens: output events, `per_event` tokens each; without a stream
    the tokens of the requests that ended. sent, ended, failed: requests. dropped: those that were never sent, when
    each was to be.
    """

    width_us: int
    duration_us: int
    per_event: float
    tokens: NDArray[Any]
    sent: NDArray[Any]
    ended: NDArray[Any]
    failed: NDArray[Any]
    dropped: NDArray[Any]

    def tokens_per_second(self, bins: int) -> Values:
        """(bins,) at most, of equal width."""
        begins = np.unique(np.linspace(0, self.tokens.size, min(bins, self.tokens.size) + 1).astype(int))[:-1]
        widths_s = np.diff(np.append(begins * self.width_us, self.duration_us)) / US_PER_S
        counts = np.add.reduceat(self.tokens, begins)
        return np.asarray(counts * self.per_event / np.maximum(widths_s, self.width_us / US_PER_S), np.float64)

    def packed(self) -> dict[str, Any]:
        """For a page's scripts."""
        columns = {name: pack(getattr(self, name)) for name in ("tokens", "sent", "ended", "failed", "dropped")}
        return {"width": self.width_us, "duration": self.duration_us, "per_event": self.per_event, **columns}


def counts_of(whole: Selection, rows: Rows, tokens_per_event: float | None) -> Counts:
    """Of a run. rows: those that were sent and ended, at least one."""
    origin = int(rows["sent_ns"].min())
    dropped = whole.final["intended_ns"][whole.final["outcome"] == DROPPED]
    last = max(int(rows["end_ns"].max()), int(dropped.max(initial=0)))
    duration_us = -(-(last - origin) // NS_PER_US)
    width_us = round_width(duration_us)
    bins = duration_us // width_us + 1

    def counted(moments: NDArray[np.int64], weights: NDArray[np.int64] | None = None) -> NDArray[Any]:
        return np.bincount((moments - origin) // (width_us * NS_PER_US), weights, bins)

    ok = whole.ok
    if whole.is_stream:
        tokens = arrivals(whole.recording, whole.streamed_mask, origin, width_us * NS_PER_US, bins)
    else:
        tokens = counted(ok["end_ns"], output_tokens(ok))
    failed = rows[rows["outcome"] != OK]
    return Counts(
        width_us,
        duration_us,
        tokens_per_event if whole.is_stream and tokens_per_event else 1,
        tokens,
        counted(rows["sent_ns"]),
        counted(ok["end_ns"]),
        counted(failed["end_ns"]),
        # The first ones may have been due before anything was sent.
        counted(np.maximum(dropped, origin)),
    )


def round_width(duration_us: int) -> int:
    """The least of 1, 2, 5, 10, … ms that cuts a duration into at most 20,000 stretches."""
    width = LEAST_WIDTH_US
    for factor in _factors():
        width = LEAST_WIDTH_US * factor
        if duration_us // width < MOST_STRETCHES:
            break
    return width


def _factors() -> list[int]:
    return [digit * 10**power for power in range(12) for digit in (1, 2, 5)]


def client_series(health: list[dict[str, Any]], origin_ns: int) -> dict[str, Any] | None:
    """Lag by stretch of time, µs, and the longest stalls, ms; times in s since `origin_ns`. None for fewer states
    than make a line."""
    if len(health) < LEAST_STATES:
        return None
    each = -(-len(health) // MOST_STATES)
    groups = [health[first : first + each] for first in range(0, len(health), each)]
    late = [lag(group).values for group in groups]
    stalls = sorted(
        itertools.chain.from_iterable(record.get("stalls", ()) for record in health), key=lambda stall: -int(stall[1])
    )[:MOST_STALLS]
    return {
        "at": [round((int(group[-1].get("t_ns", origin_ns)) - origin_ns) / NS_PER_S, 6) for group in groups],
        **{name: [values[name] for values in late] for name in ("Median", "P99", "Max")},
        "stalls": sorted([(start - origin_ns) / NS_PER_S, duration / NS_PER_MS] for start, duration in stalls),
    }


def service_panels(recording: Recording) -> list[dict[str, Any]]:
    """Panels of series, by time since the first request was sent, in s; none where the page told nothing."""
    series = service_series(recording)
    if series is None or series.t_ns.size < 2:
        return []
    kept = spaced(series.t_ns)
    thin = series._replace(
        t_ns=series.t_ns[kept], values={name: values[kept] for name, values in series.values.items()}
    )
    return list(_panels(thin))


def _panels(series: ServiceSeries) -> Iterator[dict[str, Any]]:
    at = (series.t_ns - series.origin_ns) / NS_PER_S
    told = series.values

    def panel(title: str, *lines: tuple[str, str, Values]) -> dict[str, Any]:
        return {
            "title": title,
            "series": [
                {"name": name, "tone": tone, "x": _listed(at[-values.size :]), "y": _listed(values)}
                for name, tone, values in lines
            ],
        }

    counts = [
        (name, tone, told[key])
        for name, tone, key in (
            ("Running", "decode", "requests_running"),
            ("Waiting", "ttft", "requests_waiting"),
        )
        if key in told
    ]
    if counts:
        yield panel("requests", *counts)
    shares = [("KV Cache Use", "decode", 100 * told["kv_cache_use"])] if "kv_cache_use" in told else []
    hits = _hit_rate(told)
    if hits is not None:
        shares.append(("Prefix Cache Hit Rate", "line-c", 100 * hits))
    if shares:
        yield panel("%", *shares)
    if "generated_tokens" in told:
        yield panel("token/s", ("Generated Tokens", "decode", per_second(told["generated_tokens"], at)))
    if told.get("preemptions", np.zeros(1))[-1] > 0:
        yield panel("preemptions", ("Preemptions", "ttft", np.maximum(told["preemptions"] - told["preemptions"][0], 0)))


def spaced(t_ns: NDArray[np.int64]) -> NDArray[np.int64]:
    """Which scrapes are drawn: those that keep half the usual distance, and at most as many as a chart can show.

    A run begins and ends with a scrape of its own, and between two that are close no rate can be told.
    """
    steps = np.rint((t_ns - t_ns[0]) / max(float(np.median(np.diff(t_ns))), 1.0))
    # The last of those that share a step, so that the run's end is among them.
    kept = np.flatnonzero(np.diff(steps, append=np.inf) > 0)
    return np.asarray(kept[np.unique(np.linspace(0, kept.size - 1, MOST_POINTS).round().astype(int))], np.int64)


def per_second(counter: Values, at: Values) -> Values:
    """(n - 1,): how fast a counter rose until each scrape but the first; NaN where the service began anew."""
    rise = np.diff(counter)
    return np.where(rise >= 0, rise, np.nan) / np.maximum(np.diff(at), 1e-9)


def _hit_rate(told: dict[str, Values]) -> Values | None:
    """From scrape to scrape; NaN where nothing was looked for."""
    if "prefix_cache_queries" not in told or "prefix_cache_hits" not in told:
        return told.get("prefix_cache_hit_rate")
    queries, hits = np.diff(told["prefix_cache_queries"]), np.diff(told["prefix_cache_hits"])
    looked_for = (queries > 0) & (hits >= 0)
    return np.where(looked_for, hits / np.where(looked_for, queries, 1), np.nan)


def _listed(values: Values) -> list[float | None]:
    return [None if np.isnan(value) else round(value, 6) for value in values.tolist()]
