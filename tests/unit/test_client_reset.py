"""The service's prefix cache, emptied by one request."""

import asyncio
import socket

import pytest
from replies import document
from serving import Handler, Service, closed_port, read_request

from fastbench.client import reset_prefix_cache
from fastbench.dialects import Endpoint
from fastbench.errors import ServiceError


def ask(port: int, where: str = "auto") -> str:
    return asyncio.run(reset_prefix_cache(where, Endpoint("http", "127.0.0.1", port, ""), {"Authorization": "k"}))


def refusing(paths: tuple[bytes, ...], seen: list[bytes], status: str = "404 Not Found") -> Handler:
    """Answers 200 but for these paths."""

    def handler(connection: socket.socket, _: int) -> None:
        request = read_request(connection) or b""
        seen.append(request)
        bad = any(request.startswith(b"POST " + path + b" ") for path in paths)
        connection.sendall(document(b"done\n", "text/plain", status if bad else "200 OK"))

    return handler


def test_vllms_endpoint_then_sglangs() -> None:
    """Without a URL vLLM's endpoint is asked, and where there is none SGLang's; the answer is told."""
    for paths, path in (((), "/reset_prefix_cache"), ((b"/reset_prefix_cache",), "/flush_cache")):
        seen: list[bytes] = []
        with Service(refusing(paths, seen)) as service:
            told = ask(service.port)
        assert told == f"POST http://127.0.0.1:{service.port}{path} answered 200 'done'"
        assert len(seen) == 1 + len(paths)


def test_keys_are_for_the_service_alone() -> None:
    """A URL of the service gets its headers, one elsewhere none."""
    seen: list[bytes] = []
    with Service(refusing((), seen)) as service, Service(refusing((), seen)) as other:
        ask(service.port, f"http://127.0.0.1:{service.port}/x")
        ask(service.port, f"http://127.0.0.1:{other.port}/x")
    assert [b"Authorization: k" in request for request in seen] == [True, False]


@pytest.mark.parametrize(
    ("paths", "status", "told"),
    [
        (
            (b"/reset_prefix_cache", b"/flush_cache"),
            "404 Not Found",
            "has neither /reset_prefix_cache nor /flush_cache",
        ),
        ((b"/reset_prefix_cache",), "500 Busy", r"/reset_prefix_cache answered 500 'done': check reset_cache"),
    ],
)
def test_a_cache_that_was_not_reset(paths: tuple[bytes, ...], status: str, told: str) -> None:
    """No endpoint, or one that fails, is an error with the way out."""
    with Service(refusing(paths, [], status)) as service, pytest.raises(ServiceError, match=told):
        ask(service.port)


def test_no_service() -> None:
    """Where nobody answers the error says so."""
    with pytest.raises(ServiceError, match=r"The prefix cache was not reset: POST .* failed .*--reset-cache"):
        ask(closed_port())
