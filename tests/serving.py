"""A scripted TCP service: real sockets, each connection served by a handler in a thread of its own."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from typing import Self

Handler = Callable[[socket.socket, int], None]
"""Serves one connection until it returns; the number says the how manyth it is, from 0."""

JOIN_S = 120.0


class Service:
    """A context manager that listens on a port, a free one unless it is given. tls: the server's context.

    The client's leaving ends a handler quietly; whatever else it raises is raised when the `with` block ends.
    """

    def __init__(
        self, handler: Handler, *, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
    ) -> None:
        self._handler = handler
        self._tls = tls
        self._family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=self._family, backlog=1024)
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._errors: list[Exception] = []
        self.host = host
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0
        """Connections accepted so far."""

    @property
    def address(self) -> tuple[int, str, int]:
        """As `Reactor.connect_to` takes it."""
        return self._family, self.host, self.port

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        if self._errors:
            raise self._errors[0]

    def stop(self) -> None:
        """Dies: the port is closed and so is every connection. Waits for the handlers."""
        with contextlib.suppress(OSError):  # closed already
            self._listener.shutdown(socket.SHUT_RDWR)
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):  # the other side was faster
                    connection.shutdown(socket.SHUT_RDWR)
            threads = list(self._threads)
        for thread in threads:
            thread.join(JOIN_S)
            assert not thread.is_alive(), "a handler does not end"

    def _accept(self) -> None:
        with self._listener:
            while True:
                try:
                    connection, _ = self._listener.accept()
                except OSError:
                    return
                thread = threading.Thread(target=self._serve, args=(connection, self.connections), daemon=True)
                with self._lock:
                    self.connections += 1
                    self._open.add(connection)
                    self._threads.append(thread)
                thread.start()

    def _serve(self, plain: socket.socket, number: int) -> None:
        connection = plain
        # Else a reset could overtake what was sent before it.
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            if self._tls is not None:
                connection = self._tls.wrap_socket(plain, server_side=True)
                with self._lock:
                    self._open = (self._open - {plain}) | {connection}
            self._handler(connection, number)
        except (ConnectionError, ssl.SSLError):
            pass
        except Exception as error:  # noqa: BLE001 - raised again where the test is
            self._errors.append(error)
        with self._lock:
            self._open.discard(connection)
            connection.close()


class Gauge:
    """Counts what is inside its `with` blocks, and the most that ever was."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.now = self.most = 0

    def __enter__(self) -> None:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self.now -= 1


def read_request(connection: socket.socket, room: int = 1 << 16) -> bytes | None:
    """The head and the whole body of the next request; None when the client has left."""
    data = b""
    while b"\r\n\r\n" not in data:
        if not (piece := connection.recv(room)):
            return None
        data += piece
    head, _, rest = data.partition(b"\r\n\r\n")
    pieces, missing = [data], content_length(head) - len(rest)
    while missing > 0:
        if not (piece := connection.recv(room)):
            return None
        pieces.append(piece)
        missing -= len(piece)
    return b"".join(pieces)


def content_length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


def each_request(connection: socket.socket) -> Iterator[bytes]:
    """The requests of a connection, one after the other, until the client leaves."""
    while (request := read_request(connection)) is not None:
        yield request


def answering(reply: bytes) -> Handler:
    """Answers every request with the same bytes and keeps the connection open."""

    def handler(connection: socket.socket, _: int) -> None:
        for _request in each_request(connection):
            connection.sendall(reply)

    return handler


def answering_once(reply: bytes, then: Callable[[socket.socket], None]) -> Handler:
    """Answers one request of each connection, then does something else to it."""

    def handler(connection: socket.socket, _: int) -> None:
        if read_request(connection) is not None:
            connection.sendall(reply)
            then(connection)

    return handler


def send_slowly(connection: socket.socket, data: bytes, pause_s: float = 0.001, size: int = 1) -> None:
    """Sends `size` bytes at a time, each a segment of its own."""
    for start in range(0, len(data), size):
        connection.sendall(data[start : start + size])
        time.sleep(pause_s)


def finish(_: socket.socket) -> None:
    """Closes in order: the client reads an end of file."""


def reset(connection: socket.socket) -> None:
    """Ends the connection by a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def stall(connection: socket.socket) -> None:
    """Says nothing more until the client has left."""
    while connection.recv(1 << 16):
        pass


def closed_port() -> int:
    """A port of this machine at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
