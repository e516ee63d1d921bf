"""Resolves a host name to the address that the reactor connects to; detects TLS."""

import asyncio
import contextlib
import socket
import ssl
from typing import Final, NamedTuple

from fastbench.client.advice import NO_TLS
from fastbench.client.tls import tls_words
from fastbench.dialects import Endpoint
from fastbench.errors import ServiceError
from fastbench.units import NS_PER_S


class Address(NamedTuple):
    """A numeric address that took a connection just now."""

    family: int
    host: str
    port: int


def resolve(endpoint: Endpoint, timeout_ns: int) -> Address:
    """The first of the host's addresses that takes a connection.

    Raises ServiceError when the name has no address or none of them answers within `timeout_ns`.
    """
    try:
        found = socket.getaddrinfo(endpoint.host, endpoint.port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise ServiceError(
            f"The host {endpoint.host} of {endpoint.url} has no address ({error.strerror or error}): "
            "check url (--url) or host_ip."
        ) from error
    reason = "no address"
    for family, kind, protocol, _, place in found:
        if family not in (socket.AF_INET, socket.AF_INET6):
            continue
        with socket.socket(family, kind, protocol) as probe:
            probe.settimeout(timeout_ns / NS_PER_S)
            try:
                probe.connect(place)
            except OSError as error:
                reason = error.strerror or str(error)
            else:
                return Address(family, str(place[0]), endpoint.port)
    raise ServiceError(
        f"The service at {endpoint.url} cannot be reached ({reason}): "
        "check url (--url) or host_ip and host_port, and that the service runs."
    )


LOOK_S: Final = 2.0


async def speaks_tls(endpoint: Endpoint) -> bool | None:
    """Whether the port takes a TLS handshake, or refuses it in TLS; whose certificate it shows does not matter. None =
    it says nothing."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        async with asyncio.timeout(LOOK_S):
            _, writer = await asyncio.open_connection(endpoint.host, endpoint.port, ssl=context)
    except ssl.SSLError as error:
        return False if tls_words(error) in NO_TLS else "alert" in tls_words(error) or None
    except (OSError, TimeoutError):
        return None
    await _close(writer)
    return True


async def speaks_http(endpoint: Endpoint) -> bool:
    """Whether the port answers a request in clear."""
    try:
        async with asyncio.timeout(LOOK_S):
            reader, writer = await asyncio.open_connection(endpoint.host, endpoint.port)
            writer.write(f"GET / HTTP/1.1\r\nHost: {endpoint.authority}\r\nConnection: close\r\n\r\n".encode())
            begin = await reader.read(5)
    except (OSError, TimeoutError):
        return False
    await _close(writer)
    return begin == b"HTTP/"


async def is_in_clear(endpoint: Endpoint) -> bool:
    """Whether the port of an https URL takes plain http only. If it ignores the handshake, it is tried with http."""
    spoken = await speaks_tls(endpoint)
    return spoken is False or (spoken is None and await speaks_http(endpoint))


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(LOOK_S):
            await writer.wait_closed()
