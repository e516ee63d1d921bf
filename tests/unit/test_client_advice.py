"""What to do about a service that cannot be asked: the way out is in the message."""

import asyncio
import re
import socket
from contextlib import AbstractContextManager

import pytest
from certificates import secure, trusting
from nursery import Mock
from replies import document, head
from serving import Handler, Service, answering, closed_port, finish, read_request, reset

from fastbench.client.address import is_in_clear, speaks_tls
from fastbench.client.advice import advice_for, redirected
from fastbench.client.diagnosis import second_look
from fastbench.client.models import first_model
from fastbench.client.tls import TlsSettings
from fastbench.dialects import Endpoint
from fastbench.errors import ServiceError


def told(service: AbstractContextManager[Service], *, https: bool = False, tls: TlsSettings | None = None) -> str:
    """What the question for the model's name says."""
    with service as running:
        endpoint = Endpoint("https" if https else "http", "127.0.0.1", running.port, "")
        with pytest.raises(ServiceError) as caught:
            asyncio.run(first_model(endpoint, {}, bytes, tls))
    return str(caught.value)


def looked(handler: Handler, outcome: str, status: int) -> str | None:
    """What a second look at a service tells after such an end."""
    with Service(handler) as running:
        endpoint = Endpoint("http", "127.0.0.1", running.port, "")
        url = f"{endpoint.url}/v1/chat/completions"
        return asyncio.run(second_look(endpoint, url, {}, None, outcome, status))


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden"])
def test_a_key_is_wanted(status: str) -> None:
    """Where the service wants a key, the option and the field that give it are named."""
    sentence = told(Service(answering(document(b"no", status=status))))
    assert "--api-key-env" in sentence
    assert "api_key" in sentence
    assert "set model" not in sentence
    assert "--api-key-env" in advice_for("http_error", int(status[:3]))


def redirect(location: str, status: str = "301 Moved") -> Handler:
    return answering(head("text/html", f"Location: {location}", "Content-Length: 0", status=status))


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"])
def test_a_redirect_is_told(status: str) -> None:
    """The place that a redirect leads to is shown, without its keys, and its base is what to give as --url."""
    sentence = told(Service(redirect("https://me:hunter2@new/api/v1/models?token=hunter2", status)))
    assert "it redirects to 'https://<hidden>@new/api/v1/models?<hidden>'" in sentence
    assert "give 'https://<hidden>@new/api' as url (--url)" in sentence
    assert "hunter2" not in sentence
    again = looked(redirect("https://new/v1/chat/completions", status), "http_error", int(status[:3]))
    assert again == "it redirects to 'https://new/v1/chat/completions': give 'https://new' as url (--url)"


def test_a_redirect_without_a_place() -> None:
    """A redirect that says no place, or one on the same host, is told as well."""
    assert redirected(None) == "set url (--url) to the address it redirects to"
    assert redirected("/login") == "it redirects to '/login'"


def test_https_to_a_port_in_clear() -> None:
    """https to a port that speaks http is said in plain words, without an object in memory."""

    def handler(connection: socket.socket, _: int) -> None:
        connection.recv(100)
        connection.sendall(document(b"what?", status="400 Bad Request"))

    sentence = told(Service(handler), https=True, tls=trusting())
    assert "the port does not speak TLS" in sentence
    assert "write http:// in url (--url)" in sentence
    assert not re.search(r"0x|SSLContext|None", sentence)
    for words in ("wrong version number", "record layer failure"):
        assert "write http:// in url" in advice_for("refused", 0, f"TLS: {words}")


def test_a_certificate_that_is_not_trusted() -> None:
    """What is wrong with a certificate is told in OpenSSL's words, without an object in memory."""
    sentence = told(secure(answering(document(b"hi"))), https=True)
    assert "TLS: certificate verify failed, self-signed certificate" in sentence
    assert "(--ca-file)" in sentence
    assert not re.search(r"0x|SSLContext|None", sentence)


def test_clear_text_to_a_tls_port() -> None:
    """http to a port that speaks https is said in plain words."""
    assert "the port speaks TLS: write https:// in url (--url)" in told(secure(answering(document(b"hi"))))


@pytest.mark.parametrize("outcome", ["reset", "truncated", "malformed"])
def test_a_second_look_at_a_tls_port(outcome: str) -> None:
    """A warm-up that got no answer over http tells of a port that speaks https, and of another nothing."""
    with secure(answering(document(b"hi"))) as running:
        endpoint = Endpoint("http", "127.0.0.1", running.port, "")
        way_out = asyncio.run(second_look(endpoint, endpoint.url, {}, None, outcome, 0))
    assert way_out == "the port speaks TLS: write https:// in url (--url)"
    assert looked(answering(document(b"hi")), outcome, 0) is None


def test_a_port_that_says_nothing_of_tls() -> None:
    """A port in clear, one that resets and one that nobody listens on speak no TLS."""

    def ending(end):  # type: ignore[no-untyped-def]
        def handler(connection, _):  # type: ignore[no-untyped-def]
            read_request(connection)
            end(connection)

        return handler

    for handler in (answering(document(b"hi")), ending(finish), ending(reset)):
        with Service(handler) as running:
            assert not asyncio.run(speaks_tls(Endpoint("http", "127.0.0.1", running.port, "")))
    assert not asyncio.run(speaks_tls(Endpoint("http", "127.0.0.1", closed_port(), "")))


def test_which_port_is_in_clear() -> None:
    """A port in clear is told from one of TLS, also where it waits in silence for a line that it understands."""

    def found(port: int) -> bool:
        return asyncio.run(is_in_clear(Endpoint("https", "127.0.0.1", port, "")))

    def answering_at_once(connection: socket.socket, _: int) -> None:
        connection.recv(100)
        connection.sendall(document(b"what?", status="400 Bad Request"))

    with Mock() as silent, Service(answering_at_once) as quick, secure(answering(document(b"hi"))) as encrypted:
        assert silent.url.startswith("http://127.0.0.1:")
        assert found(int(silent.url.rpartition(":")[2]))
        assert found(quick.port)
        assert not found(encrypted.port)
    assert not found(closed_port())


@pytest.mark.parametrize("body", [b'{"data":[]}', b'{"object":"list","data":[]}'])
def test_an_empty_list(body: bytes) -> None:
    """A service that lists no model is said to, and the option that names one is told."""
    sentence = told(Service(answering(document(body))))
    assert "lists no model" in sentence
    assert "(--model)" in sentence


def test_a_service_that_does_not_stream() -> None:
    """A document in the place of a stream is answered by the option that asks for one."""
    words = "the service answered with one JSON document though a stream was asked for: {}"
    assert "--no-stream" in advice_for("malformed", 200, words)
    assert "--no-stream" not in advice_for("malformed", 200, "the service answered with an HTML page")
