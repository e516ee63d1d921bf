"""The service's metrics page, read before, during and after a run. Nothing here can fail a run.

To be imported late: its libraries take 0.3 s that a run without scrapes need not pay.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import re
import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from fastbench.client.diagnosis import reason_of
from fastbench.client.tls import TlsSettings
from fastbench.config.services import parse_url
from fastbench.dialects import Endpoint
from fastbench.recording import KEPT
from fastbench.units import NS_PER_S

TIMEOUT_S = 5.0
MAX_BYTES = 16 << 20
"""No engine makes a longer page."""
_NAMES = b"|".join(re.escape(name.encode()) for name in sorted(KEPT))
_KEPT_LINES = re.compile(rb"^[ \t]*(?:" + _NAMES + rb")[ \t{].*$", re.MULTILINE)

Sink = Callable[[dict[str, Any]], None]


def kept_series(page: bytes) -> list[tuple[str, dict[str, str], float]]:
    """(name, labels, value) of the lines of a page in Prometheus' text format that are recorded.

    Raises ValueError where one of them is not in that format. The other lines, most of them histograms, are not looked
    at: a page of 2,000 lines holds the event loop up for 1 ms this way, and for 70 ms where all of it is parsed.
    """
    lines = b"".join(line.strip() + b"\n" for line in _KEPT_LINES.findall(page))
    families = text_string_to_metric_families(lines.decode(errors="replace"))
    try:
        samples = [sample for family in families for sample in family.samples]
    except IndexError as error:  # what the parser makes of a label without a name
        raise ValueError("a line of the page is not in Prometheus' text format") from error
    return [(found.name, dict(found.labels), float(found.value)) for found in samples if math.isfinite(found.value)]


@contextlib.asynccontextmanager
async def scraping(
    endpoint: Endpoint,
    headers: Mapping[str, str],
    hide: Callable[[bytes], bytes],
    sink: Sink,
    interval_ns: int | None,
    *,
    pages: Sequence[str] = (),
    tls: TlsSettings | None = None,
    number: int = 0,
    of: int = 1,
) -> AsyncIterator[Scraper]:
    """Scrapes at the start of the block, each `interval_ns` in it (None = not), and at its end unless it raised.

    pages: URLs, all of which make one scrape; none = the service's own `/metrics`. headers: those of the service's
    requests; pages of others get none of them. hide: takes keys out of what is recorded. sink: takes each scrape.
    tls: that of the requests.
    number, of: where several workers do so, the intervals in between are dealt out among them; any may end early.
    """
    trust: ssl.SSLContext | bool = tls.context if tls else True
    async with aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
        headers={"Accept": "text/plain"},
        connector=aiohttp.TCPConnector(ssl=trust),
    ) as session:
        asked = {url: headers if _is_at(url, endpoint) else {} for url in pages or [f"{endpoint.url}/metrics"]}
        scraper = Scraper(session, asked, hide, sink)
        await scraper.once()
        ticking = None
        if interval_ns is not None:
            interval_s = interval_ns / NS_PER_S
            ticking = asyncio.create_task(scraper.each(of * interval_s, (number + 1) * interval_s))
        try:
            yield scraper
        finally:
            if ticking is not None:
                ticking.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await ticking
        await scraper.once()


def _is_at(url: str, endpoint: Endpoint) -> bool:
    """Whether a page is the service's own: keys are for it alone."""
    parts = parse_url(url, tls=False)
    return (parts.scheme, parts.host, parts.port) == (endpoint.scheme, endpoint.host, endpoint.port)


class Scraper:
    """Reads one page or more; each scrape, failed ones too, goes to `sink` as `docs/recording-format.md` has it. pages:
    the headers of each, by URL."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        pages: Mapping[str, Mapping[str, str]],
        hide: Callable[[bytes], bytes],
        sink: Sink,
    ) -> None:
        self._session = session
        self._pages = pages
        self._hide = hide
        self._sink = sink

    async def once(self) -> None:
        """One scrape. Of several pages all must answer: a sum over some of the engines is no figure of the service."""
        begun_ns = time.monotonic_ns()
        looked = await asyncio.gather(*map(self._look, self._pages))
        errors = [one for one in looked if isinstance(one, str)]
        found: dict[str, Any] = {"series": [line for one in looked if not isinstance(one, str) for line in one]}
        if errors:
            found = {"error": "; ".join(errors)}
        url = ", ".join(self._pages)
        self._sink({"t_ns": begun_ns, "took_ns": time.monotonic_ns() - begun_ns, "url": url, **found})

    async def _look(self, url: str) -> list[tuple[str, dict[str, str], float]] | str:
        """The series of a page, or why it could not be read."""
        try:
            return kept_series(self._hide(await self._page(url)))
        except (TimeoutError, aiohttp.ClientError, ValueError) as error:
            reason = reason_of(error, f"no answer within {TIMEOUT_S:g} s")
            message = self._hide(reason.encode(errors="replace")).decode(errors="replace")
            return message if len(self._pages) == 1 else f"{url}: {message}"

    async def each(self, interval_s: float, first_s: float) -> None:
        """A scrape after `first_s` and then at every interval, except those that an earlier scrape overran."""
        loop = asyncio.get_running_loop()
        due = loop.time() + first_s
        while True:
            await asyncio.sleep(due - loop.time())
            await self.once()
            due += interval_s * max(1, math.ceil((loop.time() - due) / interval_s))

    async def _page(self, url: str) -> bytes:
        page = bytearray()
        # No redirect: the keys in the headers are for this service alone.
        async with self._session.get(url, headers=self._pages[url], allow_redirects=False) as answer:
            if answer.status == 404:
                raise ValueError("HTTP status 404: name the page by metrics_url (--metrics-url)")
            if answer.status != 200:
                raise ValueError(f"HTTP status {answer.status}")
            async for part in answer.content.iter_chunked(1 << 16):
                page += part
                if len(page) > MAX_BYTES:
                    raise ValueError(f"the page is longer than {MAX_BYTES} bytes")
        return bytes(page)
