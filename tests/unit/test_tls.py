"""TLS beside the reactor: a run over TLS gives what one in clear gives, with the ciphertext's stamps."""

import os
import socket
import ssl
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from certificates import CERTIFICATE, secure, server_context, trusting, usual
from driving import MS, OK, Driver, drive, has, post, shape_of
from preloading import run_preloaded
from replies import chunk, delta, head
from serving import (
    Gauge,
    Service,
    answering,
    answering_once,
    each_request,
    finish,
    read_request,
    reset,
    send_slowly,
    stall,
)

from fastbench._core.reactor import Reactor, tls_message
from fastbench._core.wire import OutputSpec
from fastbench.client.tls import TlsSettings
from fastbench.dialects.apis.openai import CHAT_RULES

STREAM_HEAD = head("text/event-stream", "Transfer-Encoding: chunked")
COUNTS = ("events", "data_events", "received_bytes", "sent_bytes", "output_tokens", "status", "attempt")


def drive_tls(service: Service, count: int, *, tls: TlsSettings | None = None, **shape: Any) -> Any:
    return drive(service.address, count, tls=tls or trusting(), **shape)


def test_a_run_over_tls_counts_as_in_clear() -> None:
    """Events, bytes, tokens and status of a run over TLS are those in clear; stamps are the kernel's."""
    with Service(answering(OK)) as plain, secure(answering(OK)) as encrypted:
        clear = drive(plain.address, 40, limit=4, spare=4)
        tls = drive_tls(encrypted, 40, limit=4, spare=4)
    assert clear.outcomes == tls.outcomes == {"ok": 40}
    for name in COUNTS:
        assert clear.column(name).tolist() == tls.column(name).tolist(), name
    assert all(has(result, "kernel") for result in tls.final)
    assert tls.snapshot["unstamped_reads"] == 0


def test_connections_are_used_again_over_tls() -> None:
    """A closed loop makes one handshake for each slot."""
    with secure(answering(OK)) as service:
        ended = drive_tls(service, 30, limit=3, spare=3)
    assert (ended.outcomes, service.connections) == ({"ok": 30}, 3)


def test_never_more_in_flight_than_slots_over_tls() -> None:
    """The limit holds whatever the handshakes take."""
    gauge = Gauge()

    def handler(connection: socket.socket, _: int) -> None:
        for _request in each_request(connection):
            with gauge:
                time.sleep(0.005)
            connection.sendall(OK)

    with secure(handler) as service:
        ended = drive_tls(service, 30, limit=5, spare=5)
    assert (ended.outcomes, gauge.most) == ({"ok": 30}, 5)


def test_moments_keep_their_order_over_tls() -> None:
    """A stream that comes event by event has as many stamps, none before the request was sent."""

    def handler(connection: socket.socket, _: int) -> None:
        read_request(connection)
        send_slowly(connection, OK, 0.002, size=60)

    with secure(handler) as service:
        ended = drive_tls(service, 1)
    row = ended[0].row
    assert row["intended_ns"] <= row["sent_ns"] < row["headers_ns"] < row["first_token_ns"]
    assert row["first_token_ns"] < row["last_token_ns"] <= row["end_ns"]


def test_a_large_request_over_tls() -> None:
    """A request of 4 MiB arrives whole."""
    seen: list[bytes] = []

    def handler(connection: socket.socket, _: int) -> None:
        for request in each_request(connection):
            seen.append(request)
            connection.sendall(OK)

    with secure(handler) as service:
        ended = drive_tls(service, 2, size=4 << 20)
    assert (ended.outcomes, service.connections) == ({"ok": 2}, 1)
    assert seen == [post(number, 4 << 20) for number in range(2)]


def test_the_certificate_is_checked() -> None:
    """A certificate that nobody vouches for is refused, and the reason says so; nothing was sent."""
    with secure(answering(OK)) as service:
        ended = drive_tls(service, 2, tls=usual("127.0.0.1"), retry=1)
    assert ended.outcomes == {"refused": 2}
    for result in [*ended.final, *ended.superseded]:
        assert result.note == b"TLS: self-signed certificate"
        assert result.row["sent_ns"] == 0


def test_the_name_is_checked() -> None:
    """A certificate for another name is refused, and the reason shows the name."""
    with secure(answering(OK)) as service:
        ended = drive_tls(service, 1, tls=trusting("other.example"))
    assert ended.outcomes == {"refused": 1}
    assert ended[0].note.startswith(b"TLS: Hostname mismatch, certificate is not valid for 'other.example'")


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_ssl_cert_file_names_whom_to_trust(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The certificates in SSL_CERT_FILE are trusted, for a DNS name and for an address."""
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    with secure(answering(OK)) as service:
        assert drive_tls(service, 2, tls=usual(name)).outcomes == {"ok": 2}


def test_only_http_1_1_is_offered() -> None:
    """A service that could speak HTTP/2 as well is asked for HTTP/1.1."""
    context = server_context()
    context.set_alpn_protocols(["h2", "http/1.1"])
    spoken: list[str | None] = []

    def handler(connection: socket.socket, number: int) -> None:
        assert isinstance(connection, ssl.SSLSocket)
        spoken.append(connection.selected_alpn_protocol())
        answering(OK)(connection, number)

    with Service(handler, tls=context) as service:
        assert drive_tls(service, 1).outcomes == {"ok": 1}
    assert spoken == ["http/1.1"]


@pytest.mark.parametrize("end", [finish, reset])
def test_a_service_that_closes_during_the_handshake(end: Any) -> None:
    """An end of file or a reset before the handshake is done is a refusal, and is tried again."""

    def handler(connection: socket.socket, _: int) -> None:
        connection.recv(100)
        end(connection)

    with Service(handler) as service:
        ended = drive_tls(service, 2, retry=2)
    assert ended.outcomes == {"refused": 2}
    assert set(ended.column("attempt")) == {2}
    assert ended[0].note == b"TLS: the service closed the connection during the handshake"


def test_a_service_that_does_not_speak_tls() -> None:
    """A service in clear at a https address is refused with OpenSSL's reason, in words."""

    def handler(connection: socket.socket, _: int) -> None:
        connection.recv(100)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        stall(connection)

    with Service(handler) as service:
        ended = drive_tls(service, 1)
    assert (ended.outcomes, ended[0].note) == ({"refused": 1}, b"TLS: wrong version number")


def test_a_handshake_that_never_ends() -> None:
    """The time for connecting holds for the handshake too."""
    with Service(lambda connection, _: stall(connection)) as service:
        ended = drive_tls(service, 1, connect_timeout_ns=150 * MS)
    assert (ended.outcomes, ended[0].note) == (
        {"refused": 1},
        b"TLS: no handshake in time; does this port speak https?",
    )


def test_abort_during_a_stream_over_tls() -> None:
    """Streams in flight are cancelled at once with the events that they had."""

    def handler(connection: socket.socket, _: int) -> None:
        read_request(connection)
        connection.sendall(STREAM_HEAD)
        while True:
            connection.sendall(chunk(delta("a")))
            time.sleep(0.002)

    with secure(handler) as service, Driver(service.address, tls=trusting(), limit=3, spare=3) as driver:
        driver.submit(5)
        driver.start()
        driver.pump(lambda: driver.reactor.snapshot()["output_events"] > 20)
        driver.reactor.abort()
        ended = driver.finish()
    assert ended.outcomes == {"cancelled": 5}
    assert ended.column("events").sum() > 20


@pytest.mark.parametrize("notified", [True, False], ids=["close-notify", "bare"])
@pytest.mark.parametrize("whole", [True, False], ids=["whole", "cut"])
def test_a_stream_that_ends_with_its_connection(notified: bool, whole: bool) -> None:
    """A close-delimited stream is ok if it has its finish reason, whether TLS was closed in order or not."""

    def handler(connection: socket.socket, _: int) -> None:
        read_request(connection)
        connection.sendall(head() + delta("a") + delta("b", "stop" if whole else None))
        if notified:
            assert isinstance(connection, ssl.SSLSocket)
            connection.unwrap()

    with secure(handler) as service:
        ended = drive_tls(service, 3)
    assert ended.outcomes == {"ok" if whole else "truncated": 3}
    assert set(ended.column("events")) == {2}


@pytest.mark.parametrize("end", [finish, reset])
def test_a_connection_closed_as_we_send_costs_nothing_over_tls(end: Any) -> None:
    """A used connection that ends without an answer is replaced, as in clear."""

    def once_more(connection: socket.socket) -> None:
        read_request(connection)
        end(connection)

    with secure(answering_once(OK, once_more)) as service:
        ended = drive_tls(service, 5)
    assert (ended.outcomes, ended.superseded, ended.snapshot["resent"]) == ({"ok": 5}, [], 4)


def test_a_broken_record_mid_stream() -> None:
    """What was decrypted before a broken record counts; the request is not ok, the next one goes on."""

    def handler(connection: socket.socket, number: int) -> None:
        if number > 0:
            answering(OK)(connection, number)
        elif read_request(connection) is not None:
            connection.sendall(STREAM_HEAD + chunk(delta("a")))
            send_garbage(connection)
            stall(connection)

    with secure(handler) as service:
        ended = drive_tls(service, 2)
    assert [ended[number].outcome for number in range(2)] == ["truncated", "ok"]
    assert ended[0].row["events"] == 1


def send_garbage(connection: socket.socket) -> None:
    """A record of application data that nobody encrypted."""
    with socket.socket(fileno=os.dup(connection.fileno())) as raw:
        raw.sendall(b"\x17\x03\x03\x00\x20" + b"x" * 32)


def close_notify(connection: socket.socket) -> None:
    assert isinstance(connection, ssl.SSLSocket)
    connection.setblocking(False)
    with pytest.raises(ssl.SSLWantReadError):
        connection.unwrap()
    connection.setblocking(True)


@pytest.mark.parametrize("word", [send_garbage, close_notify])
@pytest.mark.parametrize("served", [True, False])
def test_a_session_that_broke_before_the_request_was_encrypted(word: Any, served: bool) -> None:
    """A request for a connection whose end was not yet decrypted was never sent, and goes to another."""
    now = threading.Event()

    def handler(connection: socket.socket, number: int) -> None:
        if number > 0:
            answering(OK)(connection, number)
            return
        if served:
            read_request(connection)
            connection.sendall(OK)
        assert now.wait(20)
        word(connection)
        stall(connection)

    shape = {"tls": trusting(), "closed_loop": False, "limit": 1, "spare": 1}
    with secure(handler) as service, Driver(service.address, **shape) as driver:
        driver.pump(lambda: driver.reactor.open_connections >= 1)
        if served:
            driver.submit(1)
            driver.start()
            driver.pump(driver.rows)
        else:
            driver.start()
        driver.submit(1, offset_ns=time.monotonic_ns() - driver.start_ns + 200 * MS)
        now.set()
        time.sleep(0.3)  # Python does nothing meanwhile: the word and the request wait for it together
        ended = driver.finish()
    last = ended.final[-1]
    assert (last.outcome, last.row["attempt"], ended.superseded) == ("ok", 0, [])
    assert ended.snapshot["resent"] == 1


def test_an_answer_that_overtakes_its_encryption() -> None:
    """A reply nobody asked for, read while the next request is being encrypted, ends that request and no more."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        reactor = Reactor(OutputSpec(CHAT_RULES), **shape_of(spare=1, request_timeout_ns=10_000 * MS))
        reactor.connect_to(socket.AF_INET, *listener.getsockname(), timeout_ns=10_000 * MS, tls=True)
        thread = threading.Thread(target=reactor.run)
        thread.start()

        def wait_for(kind: int) -> tuple[int, int]:
            while True:
                for found, key, *_ in reactor.take_parcels():
                    if found == kind:
                        return key
                time.sleep(0.001)

        key = wait_for(tls_message.OPEN)
        reactor.give_parcel(tls_message.READY, key)
        reactor.submit(post(0), request=0)
        reactor.close_input()
        reactor.start(time.monotonic_ns())
        wait_for(tls_message.SEAL)
        unasked = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"
        reactor.give_parcel(tls_message.PLAIN, key, unasked, time.monotonic_ns())
        reactor.give_parcel(tls_message.REQUEST, key, b"ciphertext")
        thread.join(10)
        assert reactor.ended
        batch = reactor.take()
    assert batch is not None
    assert batch.rows["status"].tolist() == [408]


_NO_ROOM = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
void *realloc(void *at, size_t size) {
    static void *(*real)(void *, size_t);
    if (!real) real = dlsym(RTLD_NEXT, "realloc");
    return size == 1 << 21 ? NULL : real(at, size);
}
"""
_LARGE_REQUEST = """
import socket, ssl
from certificates import secure, trusting
from driving import OK, Driver
from serving import each_request

def handler(connection, number):
    try:
        for _request in each_request(connection):
            connection.sendall(OK)
    except ssl.SSLError as error:
        if "EOF" not in str(error):
            print("the service read", error)
        raise

with secure(handler) as service, Driver(service.address, tls=trusting(), limit=1) as driver:
    driver.submit(1)
    driver.submit(1, size=1_500_000)
    driver.submit(1)
    driver.start()
    ended = driver.finish()
    print([ended[number].outcome for number in range(3)])
"""


def test_a_request_without_room_ends_its_connection(tmp_path: Path) -> None:
    """Where memory runs out for a request's ciphertext the connection ends; nothing else is sent in its place."""
    assert run_preloaded(_NO_ROOM, _LARGE_REQUEST, tmp_path) == "['ok', 'reset', 'ok']\n"
