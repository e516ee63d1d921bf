"""A measured run that nothing is wrong with: one request after the other, long enough for intervals."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from recordings import MS, Request, batch_of, header_of, record

from fastbench._core.ring import Batch
from fastbench.recording import Recording

EVERY_MS = 100


def steady(
    directory: Path,
    count: int = 1_500,
    *,
    is_slow: Callable[[int], bool] = lambda number: False,
    is_failed: Callable[[int], bool] = lambda number: False,
    stream: bool = True,
    config: dict[str, Any] | None = None,
    header: dict[str, Any] | None = None,
) -> Path:
    """A recording of requests that take 36 ms, the first token after 10 ms; a slow one's after 25 ms. They are sent
    each 100 ms."""
    slow, failed = (tuple(map(is_one, range(count))) for is_one in (is_slow, is_failed))
    service = {"url": "http://127.0.0.1:8000", "model": "m", "backend": "openai-chat", "stream": stream}
    load = {"kind": "closed", "concurrency": 1, "rate": None, "arrival": None, "planned": count}
    given = header_of(load=load, service=service, config=config or {})
    return record(directory, _batch(slow, failed, stream), header={**given, **(header or {})})


@cache
def _batch(slow: tuple[bool, ...], failed: tuple[bool, ...], stream: bool) -> Batch:
    """The requests, of which many recordings consist."""
    requests = []
    for number, (is_slow, is_failed) in enumerate(zip(slow, failed, strict=True)):
        sent = (1_000 + EVERY_MS * number) * MS
        first = sent + (25 if is_slow else 10) * MS
        requests.append(
            Request(
                number,
                sent,
                (first, first + 5 * MS, first + 10 * MS),
                sent + 36 * MS,
                intended_ns=sent,
                outcome="http_error" if is_failed else "ok",
                status=503 if is_failed else 200,
                flags=("stream", "kernel") if stream else ("kernel",),
            )
        )
    return batch_of(requests)


def opened(directory: Path, **more: Any) -> Recording:
    """`steady`, opened."""
    return Recording.open(steady(directory, **more))


def random_values(count: int, seed: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Lognormal values around 1, whose P90 is e^0.641."""
    return np.exp(np.random.default_rng(seed).normal(0, 0.5, count))
