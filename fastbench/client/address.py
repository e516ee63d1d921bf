"""From a host's name to the numeric address that the reactor connects to."""

import socket
from typing import NamedTuple

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
