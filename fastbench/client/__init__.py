"""One worker's connections: Python's half of the two threads. The other half is `_core.reactor`.

    engine = Engine(peer, options, on_batch)      # inside a running event loop; starts the reactor's thread
    ...                                           # on_batch(batch) is called with requests as they finish
    await engine.ended()

Engine, Peer (engine) ── a reactor with its thread, and the service it talks to; Batch ── finished requests; feeding ──
for the thread that prepares them
resolve (address), tls_of, is_in_clear (tls, address) ── what is known of the peer before the first request
OutcomeTally (tally), advice_for (advice), second_look (diagnosis) ── how requests ended, and what to do about it
Scraper (scrape) ── the server's metrics page; first_model (models) ── the model's name, asked of the server;
reset_prefix_cache (reset) ── before a task
ServiceRedactor (tally) ── takes keys out of what the server says
"""

from typing import TYPE_CHECKING

from fastbench.lazy import lazy

if TYPE_CHECKING:
    from fastbench.client.address import Address, is_in_clear, resolve
    from fastbench.client.advice import SPEAKS_NONE, advice_for
    from fastbench.client.diagnosis import second_look
    from fastbench.client.engine import Batch, BatchSink, Engine, EngineFactory, Gate, Peer, at_once, feeding
    from fastbench.client.health import event_ns
    from fastbench.client.models import first_model
    from fastbench.client.reset import reset_prefix_cache
    from fastbench.client.scrape import Scraper, scraping
    from fastbench.client.tally import OutcomeTally, ServiceRedactor
    from fastbench.client.tls import TlsSettings, tls_of
else:
    __getattr__ = lazy(
        __name__,
        {
            "address": (
                "Address",
                "is_in_clear",
                "resolve",
            ),
            "advice": (
                "SPEAKS_NONE",
                "advice_for",
            ),
            "health": ("event_ns",),
            "engine": (
                "Batch",
                "BatchSink",
                "Engine",
                "EngineFactory",
                "Gate",
                "Peer",
                "at_once",
                "feeding",
            ),
            "models": ("first_model",),
            "reset": ("reset_prefix_cache",),
            "tally": (
                "OutcomeTally",
                "ServiceRedactor",
            ),
            "scrape": (
                "Scraper",
                "scraping",
            ),
            "diagnosis": ("second_look",),
            "tls": (
                "TlsSettings",
                "tls_of",
            ),
        },
    )

__all__ = [
    "SPEAKS_NONE",
    "Address",
    "Batch",
    "BatchSink",
    "Engine",
    "EngineFactory",
    "Gate",
    "OutcomeTally",
    "Peer",
    "Scraper",
    "ServiceRedactor",
    "TlsSettings",
    "advice_for",
    "at_once",
    "event_ns",
    "feeding",
    "first_model",
    "is_in_clear",
    "reset_prefix_cache",
    "resolve",
    "scraping",
    "second_look",
    "tls_of",
]
