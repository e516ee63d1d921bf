"""Speculative decoding, as a block for the terminal and a file for each service of a run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

from fastbench.metrics.spec_decode import SpecDecode, spec_decode
from fastbench.recording.scrapes import Scrape
from fastbench.report.cells import MISSING, cell, printable
from fastbench.report.files import replace, to_json

LABEL_CHARS = 45
REASON_CHARS = 200
_PORTS = {"http": 80, "https": 443}
_UNFIT = re.compile(r"[^A-Za-z0-9._-]+")


def publish_spec_decode(scrapes: Iterable[Scrape], directory: Path | None) -> list[str]:
    """Writes the file of each service to `directory` (None = not) and returns their blocks.

    scrapes: those of the recordings of one run, in their order. RecordingError when a file cannot be written.
    """
    results = spec_decode(scrapes)
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
    title = f"Speculative Decoding Metrics  [{printable(result.url.removesuffix('/metrics'), REASON_CHARS)}]"
    lines = [f"{label:<{LABEL_CHARS}} {value}" for label, value in _rows(result)]
    return "\n".join([f"========== {title} ==========", *lines])


def _rows(result: SpecDecode) -> Iterator[tuple[str, str]]:
    if result.data is None:
        yield "Status", "N/A"
        yield "Reason", printable(result.error or MISSING, REASON_CHARS)
        return
    data = result.data
    yield "Acceptance rate (%)", cell(data.acceptance_rate, "")
    yield "Acceptance length", cell(data.acceptance_length, "")
    yield "Drafts", str(data.num_drafts)
    yield "Draft tokens", str(data.draft_tokens)
    yield "Accepted tokens", str(data.accepted_tokens)
    rates = data.per_position_acceptance_rates.items()
    yield "Per-position acceptance rates", f"{{{', '.join(f'{position}: {rate:.4f}' for position, rate in rates)}}}"
