"""The service's own metrics: a block for the terminal, and a file with their series over time."""

from __future__ import annotations

import msgspec
import numpy as np

from fastbench.metrics.model import Metrics, ServiceMetrics, Spread
from fastbench.metrics.service import ServiceSeries
from fastbench.report.cells import MISSING, cell, printable, share
from fastbench.units import NS_PER_S

REASON_CHARS = 160


def service_rows(service: ServiceMetrics) -> list[tuple[str, str]]:
    """(figure, value) of what the service told."""
    rows = [
        ("Requests Running", _spread(service.requests_running)),
        ("Requests Waiting", _spread(service.requests_waiting)),
        ("KV Cache Use", _spread(service.kv_cache_use, is_share=True)),
        ("Prefix Cache Hit Rate", share(service.prefix_cache_hit_rate)),
        ("Preemptions", cell(service.preemptions, "")),
        ("Generated Tokens", _generated(service)),
    ]
    told = [(name, value) for name, value in rows if value != MISSING]
    return [*told, ("Scrapes", _scrapes(service) if told or service.error else f"{service.scrapes}, no known figure")]


def service_json(metrics: Metrics, series: ServiceSeries) -> bytes:
    """The numbers of the stage and the series of the whole run, on one line, as series are long.

    t_s: of each scrape, since the first request was sent.
    """
    columns = {
        name: [None if np.isnan(value) else value for value in values.tolist()]
        for name, values in series.values.items()
    }
    t_s = ((series.t_ns - series.origin_ns) / NS_PER_S).tolist()
    parts = {"stage": metrics.stage, "service": metrics.service, "series": {"t_s": t_s, **columns}}
    return msgspec.json.encode(parts) + b"\n"


def _spread(spread: Spread | None, *, is_share: bool = False) -> str:
    if spread is None:
        return MISSING
    average, maximum = (share(v) if is_share else _count(v) for v in (spread.average, spread.maximum))
    return f"Average {average}, Max {maximum}"


def _count(value: float) -> str:
    return cell(int(value) if value.is_integer() else value, "")


def _generated(service: ServiceMetrics) -> str:
    if service.generated_tokens is None or not service.counted_s:
        return MISSING
    rate = cell(service.generated_tokens / service.counted_s, "token/s")
    return f"{service.generated_tokens} in {cell(service.counted_s, 's')} ({rate})"


def _scrapes(service: ServiceMetrics) -> str:
    if service.error is None:
        return str(service.scrapes)
    return f"{service.scrapes}, {service.failed} failed ({printable(service.error, REASON_CHARS)})"
