"""Checks of the service: is it reached, does it answer, stream and count its tokens? Two short requests are sent."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

from fastbench.api.doctor.check import Check, checked
from fastbench.api.doctor.load import SHORT, measured, stamps
from fastbench.api.reporting import failures
from fastbench.client import Address, resolve
from fastbench.config.services import ServiceConfig
from fastbench.dialects import Endpoint
from fastbench.errors import FastbenchError
from fastbench.metrics import TTFT, Output
from fastbench.options import Options, run_of_options
from fastbench.report import Published
from fastbench.run import Stop
from fastbench.units import quantity

_REQUESTS = 2
_TRIES = 3
SLOW_NAME_NS = 100_000_000


def of_service(options: Options, stop: Stop) -> Iterator[Check]:
    """All of them; the rest is left out where one cannot be made. options: those of `fastbench perf` that name the
    service. Raises UsageError for what they do not allow."""
    usual = {**SHORT, "num_prompts": _REQUESTS, "concurrency": 1, "timeout": "60s", "retry": 0}
    settings = Options({**usual, **options}, options.variables)
    run, _ = run_of_options(settings)
    (service,) = run.models
    endpoint = Endpoint.parse(service)
    try:
        begun = time.monotonic_ns()
        address = resolve(endpoint, service.connect_timeout)
        took_ns = time.monotonic_ns() - begun
        yield connection(endpoint, address, took_ns, _connected_ns(address, service))
    except (FastbenchError, OSError) as error:
        yield checked("Connection", f"{endpoint.authority} takes none", fails=True, remedy=str(error))
        return
    try:
        published = measured(settings, stop)
    except FastbenchError as error:
        yield checked("Requests", "could not be sent", fails=True, remedy=str(error))
        return
    if published is None:
        return
    found = published.metrics
    yield requests(published)
    if found.success:
        yield streaming(found.output, found.success, asked=bool(service.stream))
        yield usage(found.output)
        yield stamps(found.client, "from the service")._replace(name="Service stamps")


def _connected_ns(address: Address, service: ServiceConfig) -> int:
    """The least time that a connection took, of a few."""
    times = []
    for _ in range(_TRIES):
        with socket.socket(address.family, socket.SOCK_STREAM) as probe:
            probe.settimeout(service.connect_timeout / 1e9)
            begun = time.monotonic_ns()
            probe.connect((address.host, address.port))
            times.append(time.monotonic_ns() - begun)
    return min(times)


def connection(endpoint: Endpoint, address: Address, resolved_ns: int, connected_ns: int) -> Check:
    """How far away the service is. resolved_ns: until its name was one address that took a connection; connected_ns: of
    one more connection, a round trip."""
    name_ns = max(0, resolved_ns - connected_ns)
    named = f"{endpoint.host} is {address.host}, found in {quantity(name_ns)}; "
    return checked(
        "Connection",
        f"{named if endpoint.host != address.host else ''}a connection takes {quantity(connected_ns)}",
        warns=name_ns > SLOW_NAME_NS,
        remedy="look at the name service, or give the address in --url: only the start of a run waits for it",
        address=address.host,
        port=address.port,
        name_ms=name_ns / 1e6,
        connect_ms=connected_ns / 1e6,
    )


def requests(published: Published) -> Check:
    """Whether the service answers."""
    found, model = published.metrics, published.answer.subject.model
    asked = sum(found.outcomes.values())
    ttft = next((row.values["Median"] for row in found.parameters if row.name == TTFT.name), None)
    first = "" if ttft is None else f", the first token after {quantity(ttft, 'ms')}"
    return checked(
        "Requests",
        f"{found.success} of {asked} answered by the model {model or 'that is not named'}{first}",
        fails=not found.success,
        warns=found.success < asked,
        remedy=failures(found) or "",
        model=model,
        ok=found.success,
        sent=asked,
        ttft_ms=ttft,
    )


def streaming(output: Output, ok: int, *, asked: bool) -> Check:
    """Whether tokens come one by one. ok: replies; asked: whether a stream was asked for."""
    each = output.events / ok
    shared = output.shared_share or 0.0
    told = f"{each:.3g} output events a reply" if asked else "not asked for"
    burst = f", {shared:.0%} of them with others in one read" if asked and shared else ""
    return checked(
        "Streaming",
        told + burst,
        warns=asked and (each <= 1 or shared > 0.5),
        remedy="look for a proxy on the way that buffers (nginx: proxy_buffering off), or measure with --no-stream: of "
        "such replies only the end is known, and neither TTFT nor ITL",
        events_per_reply=each,
        shared_share=shared,
    )


def usage(output: Output) -> Check:
    """Whether the service counts its tokens."""
    counted = output.output_sources.get("usage", 0)
    return checked(
        "Token counts",
        "reported by the service" if counted else "not reported by the service",
        warns=not counted,
        remedy="let the service report usage (stream_options.include_usage), or give --tokenizer: else a token is what "
        "comes in one event",
        reported=counted > 0,
    )
