"""Connections whose socket another process has open too, as after any fork: closed is closed all the same."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import subprocess
import threading
from collections.abc import Callable, Iterator

import pytest
from certificates import secure, trusting
from driving import MS, OK, Driver
from serving import Handler, Service, each_request, finish, read_request, stall

CLOSING = OK.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)
SHORT = {"request_timeout_ns": 150 * MS}


def client_sockets(port: int) -> list[int]:
    """This process's descriptors that are connected to `port`."""
    found = []
    for fd in map(int, os.listdir("/proc/self/fd")):
        with contextlib.suppress(OSError):
            if not stat.S_ISSOCK(os.fstat(fd).st_mode):
                continue
            with socket.socket(fileno=os.dup(fd)) as copy:
                peer = copy.getpeername()
            if isinstance(peer, tuple) and peer[1] == port:  # the name of a UNIX socket is text
                found.append(fd)
    return found


@contextlib.contextmanager
def held_by_another(port: int) -> Iterator[None]:
    """A process has all connections to `port` open that are open now."""
    sockets = client_sockets(port)
    assert sockets
    for fd in sockets:
        os.set_inheritable(fd, True)
    with subprocess.Popen(["sleep", "60"], close_fds=False) as child:
        try:
            yield
            assert child.poll() is None
        finally:
            child.kill()


class Scripted:
    """A service whose first connection waits for its turn, then ends as the case says; the others serve."""

    def __init__(self, act: Callable[[socket.socket], None]) -> None:
        self.begun, self.may_go, self.left = threading.Event(), threading.Event(), threading.Event()
        self._act = act

    def handler(self, connection: socket.socket, number: int) -> None:
        if number:
            for _request in each_request(connection):
                connection.sendall(OK)
            return
        read_request(connection)
        self.begun.set()
        assert self.may_go.wait(20)
        try:
            self._act(connection)
        finally:
            self.left.set()


def say_nothing(connection: socket.socket) -> None:
    stall(connection)
    # The client has closed its end: more words meet a socket that only the other process has.
    with contextlib.suppress(OSError):
        connection.sendall(OK)


def say_close(connection: socket.socket) -> None:
    connection.sendall(CLOSING)
    stall(connection)


def answer_and_leave(connection: socket.socket) -> None:
    connection.sendall(OK)
    finish(connection)


CASES: dict[str, tuple[Callable[[socket.socket], None], str]] = {
    "timeout": (say_nothing, "timeout"),
    "connection-close": (say_close, "ok"),
    "closed-while-idle": (answer_and_leave, "ok"),
    "truncated": (finish, "truncated"),
}


def serve(handler: Handler, encrypted: bool) -> Service:
    return secure(handler) if encrypted else Service(handler)


@pytest.mark.parametrize("encrypted", [False, True], ids=["clear", "tls"])
@pytest.mark.parametrize("case", CASES)
def test_a_socket_that_another_process_has_too(case: str, encrypted: bool) -> None:
    """The service sees the connection end, later requests have their own outcome, and nothing wakes the reactor."""
    act, outcome = CASES[case]
    scripted = Scripted(act)
    tls = trusting() if encrypted else None
    with (
        serve(scripted.handler, encrypted) as service,
        Driver(service.address, tls=tls, **SHORT if case == "timeout" else {}) as driver,
    ):
        driver.submit(1)
        driver.start()
        driver.pump(scripted.begun.is_set)
        with held_by_another(service.port):
            scripted.may_go.set()
            driver.pump(lambda: driver.rows() == 1 and scripted.left.is_set())
            driver.pump(lambda: driver.reactor.open_connections == 0)
            driver.submit(3)
            driver.pump(lambda: driver.rows() == 4)
            before = driver.reactor.snapshot()["turns"]
            threading.Event().wait(0.2)
            assert driver.reactor.snapshot()["turns"] - before < 2000, "some 100 wake-ups, unless the poll never sleeps"
            ended = driver.finish()
    assert [ended[number].outcome for number in range(4)] == [outcome, "ok", "ok", "ok"]
    assert service.connections == 2
