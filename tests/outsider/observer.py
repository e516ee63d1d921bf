"""An observer of loopback TCP that is neither client nor service: a packet socket with the kernel's own time stamps."""

from __future__ import annotations

import multiprocessing
import socket
import struct
import time
from collections import defaultdict
from collections.abc import Iterator
from multiprocessing.connection import Connection
from typing import NamedTuple, Self

ETH_P_IP = 0x0800
SO_TIMESTAMPNS = 35
SO_ATTACH_FILTER = 26
SO_RCVBUFFORCE = 33
SO_BUSY_STOP_S = 0.2
PACKET_HOST = 0
SNAP = 2048
ROOM = 256 << 20
_TIMESPEC = struct.Struct("qq")


class Packet(NamedTuple):
    """A segment with data. stamp_ns: CLOCK_MONOTONIC. client_port: of the connection. from_service: which way."""

    stamp_ns: int
    client_port: int
    from_service: bool
    sequence: int
    payload: bytes


def _port_filter(port: int) -> bytes:
    """A classic BPF program: TCP over IPv4, from or to the port, without IP options; at most SNAP bytes of it."""
    jump_eq, load_b, load_h, ret = 0x15, 0x30, 0x28, 0x06
    program = [
        (load_b, 0, 0, 9),
        (jump_eq, 0, 5, 6),
        (load_h, 0, 0, 20),
        (jump_eq, 2, 0, port),
        (load_h, 0, 0, 22),
        (jump_eq, 0, 1, port),
        (ret, 0, 0, SNAP),
        (ret, 0, 0, 0),
    ]
    return b"".join(struct.pack("HBBI", *line) for line in program)


def may_observe() -> bool:
    """Whether this user may open packet sockets."""
    try:
        socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0).close()
    except PermissionError:
        return False
    return True


class Observer:
    """Takes every packet of a port in a process of its own while the `with` block lasts; `packets` has them then."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._ours, theirs = multiprocessing.Pipe()
        self._process = multiprocessing.get_context("fork").Process(target=_observe, args=(theirs, port), daemon=True)
        self.packets: list[Packet] = []
        self.lost = 0

    def __enter__(self) -> Self:
        self._process.start()
        self._ours.recv()
        return self

    def __exit__(self, *_: object) -> None:
        self._ours.send(None)
        raw, self.lost = self._ours.recv()
        self._process.join()
        self.packets = list(_parsed(raw, self._port))

    def connections(self) -> dict[int, list[Packet]]:
        """The packets by connection, in their order; what was sent again is there once, as it came first."""
        found: dict[int, list[Packet]] = defaultdict(list)
        seen: set[tuple[int, bool, int]] = set()
        for packet in self.packets:
            key = (packet.client_port, packet.from_service, packet.sequence)
            if key not in seen:
                seen.add(key)
                found[packet.client_port].append(packet)
        return found


def _observe(connection: Connection, port: int) -> None:
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_IP)) as observed:
        program = _port_filter(port)
        # The kernel reads the program through its address, so it has to live until the call is over.
        import ctypes

        buffer = ctypes.create_string_buffer(program)
        descriptor = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(buffer))
        observed.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, descriptor)
        observed.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        observed.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, ROOM)
        observed.bind(("lo", ETH_P_IP))
        observed.settimeout(SO_BUSY_STOP_S)
        connection.send("ready")
        raw: list[tuple[int, int, bytes]] = []
        while True:
            try:
                data, notes, _, address = observed.recvmsg(SNAP, 64)
            except TimeoutError:
                if connection.poll():
                    break
                continue
            # Each packet passes lo twice: as it leaves and as it arrives.
            if address[2] == PACKET_HOST:
                raw.append((_stamp(notes), time.time_ns() - time.monotonic_ns(), data))
        _, lost = struct.unpack("II", observed.getsockopt(263, 6, 8))  # SOL_PACKET, PACKET_STATISTICS
        connection.send((raw, lost))


def _stamp(notes: list[tuple[int, int, bytes]]) -> int:
    for level, kind, data in notes:
        if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPNS):
            seconds, rest = _TIMESPEC.unpack(data)
            return int(seconds * 1_000_000_000 + rest)
    raise AssertionError("the kernel gave a packet no time stamp")


def _parsed(raw: list[tuple[int, int, bytes]], port: int) -> Iterator[Packet]:
    for stamp, ahead, data in raw:
        header = (data[0] & 15) * 4
        total = struct.unpack_from("!H", data, 2)[0]
        source, target, sequence = struct.unpack_from("!HHI", data, header)
        start = header + (data[header + 12] >> 4) * 4
        payload = data[start:total]
        if payload:
            yield Packet(stamp - ahead, target if source == port else source, source == port, sequence, payload)
