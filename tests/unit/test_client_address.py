"""From a host's name to a numeric address that takes connections."""

import socket

import pytest
from driving import MS, S
from serving import Service, closed_port, stall

from fastbench.client.address import Address, resolve
from fastbench.dialects import Endpoint
from fastbench.errors import ServiceError


def waiting(host: str = "127.0.0.1") -> Service:
    return Service(lambda connection, _: stall(connection), host=host)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_ipv4_and_names(host: str) -> None:
    """An address stands for itself, and a name for the one of its addresses at which somebody listens."""
    with waiting() as service:
        found = resolve(Endpoint("http", host, service.port, ""), S)
    assert found == Address(socket.AF_INET, "127.0.0.1", service.port)


def test_ipv6() -> None:
    """An IPv6 address has no brackets, before as after."""
    with waiting("::1") as service:
        found = resolve(Endpoint("http", "::1", service.port, ""), S)
    assert found == Address(socket.AF_INET6, "::1", service.port)


def test_the_next_address_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a name has several addresses, those that take no connection are passed over."""
    with waiting() as service:
        kind = (socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
        found = [
            (socket.AF_UNIX, *kind, "/nowhere"),
            (socket.AF_INET6, *kind, ("::1", service.port, 0, 0)),
            (socket.AF_INET, *kind, ("127.0.0.1", service.port)),
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        assert resolve(Endpoint("http", "both.test", service.port, ""), S).host == "127.0.0.1"


def test_a_name_without_an_address() -> None:
    """A name that stands for nothing is one sentence with the name, the URL and the way out."""
    endpoint = Endpoint("http", "no such host", 80, "/base")
    with pytest.raises(ServiceError) as caught:
        resolve(endpoint, S)
    message = str(caught.value)
    assert message.startswith("The host no such host of http://no such host/base has no address (")
    assert message.endswith("check url (--url) or host_ip.")


def test_a_port_at_which_nobody_listens() -> None:
    """A refused connection is one sentence with the URL, the reason and the way out."""
    port = closed_port()
    with pytest.raises(ServiceError) as caught:
        resolve(Endpoint("https", "127.0.0.1", port, ""), S)
    assert str(caught.value) == (
        f"The service at https://127.0.0.1:{port} cannot be reached (Connection refused): "
        "check url (--url) or host_ip and host_port, and that the service runs."
    )


def test_a_service_that_does_not_accept(full_port: int) -> None:
    """The time limit bounds the wait for a service whose system answers no more: the system's own one, of two minutes,
    has other words."""
    with pytest.raises(ServiceError, match=r"cannot be reached \(timed out\)"):
        resolve(Endpoint("http", "127.0.0.1", full_port, ""), 100 * MS)
