"""What the service's own metrics page said over the run, as panels of lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastbench.metrics.service import ServiceSeries, service_series
from fastbench.recording.reader import Recording
from fastbench.units import NS_PER_S

MOST_POINTS = 2_000

Values = NDArray[np.float64]


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
            ("Running", "flight", "requests_running"),
            ("Waiting", "failed", "requests_waiting"),
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
