"""A proxy between the client and a real service, which does something to some of the connections' bytes."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from serving import Service, reset

ROOM = 1 << 16
DRIPS = 200


class Meddling(NamedTuple):
    """What is done to the reply of one connection: after so many bytes of it.

    act: "finish", "reset", "stall", "drip" (`DRIPS` bytes, one each 2 ms), "garbage" (other bytes in their place).
    """

    after: int
    act: str


Plan = Callable[[int], Meddling | None]
"""What is done to the how manyth connection, from 0; None = nothing."""


def proxy_to(port: int, plan: Plan) -> Service:
    """A service at a port of its own that hands all through to `port` of this machine, but for what the plan does."""

    def handler(client: socket.socket, number: int) -> None:
        with socket.create_connection(("127.0.0.1", port)) as server:
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            asking = threading.Thread(target=_hand_on, args=(client, server), daemon=True)
            asking.start()
            meddling = plan(number)
            _answer(server, client, meddling)
            with contextlib.suppress(OSError):  # it has left
                client.shutdown(socket.SHUT_RD)
            with contextlib.suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            asking.join()
            # Nobody reads it any more: only then does closing it send the reset at once.
            if meddling is not None and meddling.act == "reset":
                reset(client)

    return Service(handler)


def _hand_on(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(ROOM):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


def _answer(server: socket.socket, client: socket.socket, meddling: Meddling | None) -> None:
    left = None if meddling is None else meddling.after
    while data := server.recv(ROOM):
        if meddling is None or left is None:
            client.sendall(data)
            continue
        if len(data) < left:
            client.sendall(data)
            left -= len(data)
            continue
        client.sendall(data[:left])
        if not _meddle(client, data[left:], meddling.act):
            return
        left = None


def _meddle(client: socket.socket, data: bytes, act: str) -> bool:
    """Whether the connection goes on afterwards."""
    if act == "stall":
        while client.recv(ROOM):
            pass
    elif act == "drip":
        for at in range(min(DRIPS, len(data))):
            client.sendall(data[at : at + 1])
            time.sleep(0.002)
        client.sendall(data[DRIPS:])
        return True
    elif act == "garbage":
        client.sendall(bytes(byte ^ 0x80 for byte in data) or b"\xff")
    return False
