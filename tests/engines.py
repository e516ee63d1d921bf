"""Engines against a service, inside an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from driving import S, post

from fastbench.client.address import Address
from fastbench.client.engine import BatchSink, Engine, Peer
from fastbench.client.tls import TlsSettings
from fastbench.dialects.apis.openai import CHAT_RULES
from fastbench.plan.planned import Planned, RequestWriter
from fastbench.plan.reactor import ReactorOptions
from fastbench.plan.shapes.slots import at_once
from fastbench.run.worker.conversations import Conversations

T = TypeVar("T")
SHAPE = ReactorOptions(
    limit=2,
    openings=at_once(2).openings,
    closings=at_once(2).closings,
    drop_when_full=False,
    stop_offset_ns=2**62,
    spare=2,
    precise=False,
    retry=0,
    request_timeout_ns=20 * S,
    total_timeout_ns=60 * S,
    row_tokens=64,
)


def target_of(place: tuple[int, str, int], tls: TlsSettings | None = None) -> Peer:
    return Peer(CHAT_RULES, Address(*place), 10 * S, tls)


def in_loop(test: Callable[[], Awaitable[T]], timeout_s: float = 30.0) -> T:
    """Runs a coroutine in a loop of its own, for a bounded time."""

    async def bounded() -> T:
        async with asyncio.timeout(timeout_s):
            return await test()

    return asyncio.run(bounded())


def engine_of(
    place: tuple[int, str, int], sink: BatchSink = lambda _: None, tls: TlsSettings | None = None, **shape: Any
) -> Engine:
    """An engine for two requests at a time, unless `shape` says otherwise. For use inside an event loop."""
    return Engine(target_of(place, tls), SHAPE._replace(**shape), sink)


def no_conversations() -> Conversations:
    """For plans of single requests."""
    return Conversations(RequestWriter(lambda *_: b"", run_id="r", default_output=1))


def item(request: int, size: int = 0, offset_ns: int = 0) -> Planned:
    """A planned request; `size` bytes longer than it must be."""
    return Planned(post(request, size), request, offset_ns, sample=request, planned_input=-1, planned_output=-1)
