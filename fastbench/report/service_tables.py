"""The server's own metrics: a table of them, their series as a file, and speculative decoding."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import numpy as np

from fastbench.metrics import Metrics, ServiceMetrics, Spread
from fastbench.metrics.server import ServiceSeries, SpecDecode, spec_decode_of
from fastbench.recording import Scrape
from fastbench.report.cells import MISSING, cell, printable, share
from fastbench.report.files import replace, to_json
from fastbench.units import NS_PER_S

REASON_CHARS = 160
LABEL_CHARS = 45
SPEC_REASON_CHARS = 200
_PORTS = {"http": 80, "https": 443}
_UNFIT = re.compile(r"[^A-Za-z0-9._-]+")


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


def publish_spec_decode(scrapes: Iterable[Scrape], directory: Path | None) -> list[str]:
    """Writes the file of each service to `directory` (None = not) and returns their blocks.

    scrapes: those of the recordings of one run, in their order. RecordingError when a file cannot be written.
    """
    results = spec_decode_of(scrapes)
    if directory is not None:
        for result in results:
            replace(directory / file_name(result.url), to_json(result))
    return [spec_decode_text(result) for result in results]


def file_name(url: str) -> str:
    """`spec_decode_<host>_<port>.json`; before the end the path of a service that has one."""
    parts = urlsplit(url)
    port = str(parts.port or _PORTS.get(parts.scheme, 0))
    base = parts.path.removesuffix("/metrics").strip("/")
    names = [_UNFIT.sub("-", part) for part in (parts.hostname or "unknown", port, base) if part]
    return f"spec_decode_{'_'.join(names)}.json"


def spec_decode_text(result: SpecDecode) -> str:
    """The block for the terminal."""
    title = f"Speculative Decoding Metrics  [{printable(result.url.removesuffix('/metrics'), SPEC_REASON_CHARS)}]"
    lines = [f"{label:<{LABEL_CHARS}} {value}" for label, value in _rows(result)]
    return "\n".join([f"========== {title} ==========", *lines])


def _rows(result: SpecDecode) -> Iterator[tuple[str, str]]:
    if result.data is None:
        yield "Status", "N/A"
        yield "Reason", printable(result.error or MISSING, SPEC_REASON_CHARS)
        return
    data = result.data
    yield "Acceptance rate (%)", cell(data.acceptance_rate, "")
    yield "Acceptance length", cell(data.acceptance_length, "")
    yield "Drafts", str(data.num_drafts)
    yield "Draft tokens", str(data.draft_tokens)
    yield "Accepted tokens", str(data.accepted_tokens)
    rates = data.per_position_acceptance_rates.items()
    yield "Per-position acceptance rates", f"{{{', '.join(f'{position}: {rate:.4f}' for position, rate in rates)}}}"
