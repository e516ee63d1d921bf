"""Metrics pages and scrapes made by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

DATA = Path(__file__).parents[1] / "data"
URL = "http://127.0.0.1:8000/metrics"


def page(name: str) -> bytes:
    """The example page of a service."""
    return (DATA / f"{name}_metrics.txt").read_bytes()


def scrape_record(t_ns: int, url: str = URL, **values: float) -> dict[str, Any]:
    """A scrape that took no time. values: of vLLM's series, without the name's beginning."""
    series = [(f"vllm:{name}", {"model_name": "m"}, value) for name, value in values.items()]
    return {"t_ns": t_ns, "took_ns": 0, "url": url, "series": series}


def failed_record(t_ns: int, error: str = "HTTP status 404", url: str = URL) -> dict[str, Any]:
    """A scrape that came to nothing."""
    return {"t_ns": t_ns, "took_ns": 0, "url": url, "error": error}


def spec_record(
    t_ns: int, drafts: int, draft_tokens: int, accepted: int, at: tuple[int, ...] = (), url: str = URL
) -> dict[str, Any]:
    """A scrape with vLLM's counters of speculative decoding. at: accepted tokens by position."""
    record = scrape_record(
        t_ns,
        url,
        spec_decode_num_drafts_total=drafts,
        spec_decode_num_draft_tokens_total=draft_tokens,
        spec_decode_num_accepted_tokens_total=accepted,
    )
    name = "vllm:spec_decode_num_accepted_tokens_per_pos_total"
    record["series"] += [(name, {"position": str(position)}, count) for position, count in enumerate(at)]
    return record
