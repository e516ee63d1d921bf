"""The model's name, asked of the service itself."""

import asyncio
import socket

import pytest
from replies import document
from serving import Handler, Service, answering, closed_port, finish, read_request, reset, stall

from fastbench.client import models
from fastbench.client.models import first_model
from fastbench.dialects import Endpoint
from fastbench.errors import ServiceError

LIST = b'{"object":"list","data":[{"id":"org/first","object":"model"},{"id":"second"}]}'


def ask(port: int, base_path: str = "", headers: dict[str, str] | None = None) -> str:
    return asyncio.run(first_model(Endpoint("http", "127.0.0.1", port, base_path), headers or {}))


def fault(handler: Handler) -> str:
    with Service(handler) as service, pytest.raises(ServiceError) as caught:
        ask(service.port)
    return str(caught.value).replace(f"http://127.0.0.1:{service.port}", "URL")


def test_the_first_model_of_the_list() -> None:
    """The name is the first id of the list."""
    with Service(answering(document(LIST))) as service:
        assert ask(service.port) == "org/first"


def test_it_is_asked_as_requests_are() -> None:
    """The question goes to the base URL's path, with the headers that the requests will have."""
    seen: list[bytes] = []

    def handler(connection: socket.socket, _: int) -> None:
        seen.append(read_request(connection) or b"")
        connection.sendall(document(LIST))

    with Service(handler) as service:
        ask(service.port, "/api", {"Authorization": "Bearer k", "X-A": "b"})
    (request,) = seen
    lines = request.split(b"\r\n")
    assert lines[0] == b"GET /api/v1/models HTTP/1.1"
    assert {b"Authorization: Bearer k", b"X-A: b"} <= set(lines)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"<html>",
        b"[]",
        b"null",
        b"{}",
        b'{"data":{}}',
        b'{"data":["m"]}',
        b'{"data":[{"name":"m"}]}',
        b'{"data":[{"id":null}]}',
        b'{"data":[{"id":5}]}',
        b'{"data":[{"id":""}]}',
    ],
)
def test_an_answer_that_is_no_list(body: bytes) -> None:
    """What holds no first id that is a text is told with its beginning and the way out."""
    assert fault(answering(document(body))) == (
        f"URL/v1/models did not answer with a list of models ({body.decode()!r}): "
        "check url, or set model to the name that the service knows."
    )


@pytest.mark.parametrize("status", ["404 Not Found", "429 Slow down", "500 Oops"])
def test_another_status(status: str) -> None:
    """Any status but 200 is told with the service's words."""
    told = fault(answering(document(b"no way", "text/plain", status=status)))
    assert told.startswith(f"GET URL/v1/models for the model's name answered {status} 'no way': check url")


def test_a_long_answer_is_cut() -> None:
    """The message holds only the beginning of a long page."""
    assert len(fault(answering(document(b"<p>" * 10_000, "text/html", status="404 Not Found")))) < 500


@pytest.mark.parametrize("end", [finish, reset])
def test_no_answer_at_all(end: object) -> None:
    """A connection that ends before the answer is told as such."""

    def handler(connection: socket.socket, _: int) -> None:
        read_request(connection)
        end(connection)  # type: ignore[operator]

    assert fault(handler).startswith("GET URL/v1/models for the model's name failed (")


def test_nobody_listens() -> None:
    """A refused connection is one sentence too."""
    with pytest.raises(ServiceError, match="for the model's name failed"):
        ask(closed_port())


def test_no_answer_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that says nothing is given up after a while."""
    monkeypatch.setattr(models, "TIMEOUT_S", 0.2)
    told = fault(lambda connection, _: stall(connection))
    assert told == (
        "GET URL/v1/models for the model's name failed (no answer in time): "
        "check url, or set model to the name that the service knows."
    )


def test_bytes_that_are_no_text() -> None:
    """An answer in no known encoding is an error like any other, not a crash."""
    assert "did not answer with a list of models" in fault(
        answering(document(b"\xff\xfe\x00", "application/json; charset=nonsense"))
    )


def test_an_answer_without_an_end() -> None:
    """No more of an endless answer is taken than a list of models can be, and that in time."""
    sent = 0

    def handler(connection: socket.socket, _: int) -> None:
        nonlocal sent
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(b" " * (1 << 16))
            sent += 1 << 16

    assert fault(handler).startswith("URL/v1/models did not answer with a list of models (")
    assert sent < 4 * models.MAX_BYTES
