"""Where a service is."""

import pytest

from fastbench.config.services import page_url, parse_host, parse_url
from fastbench.config.services.url import BaseUrl
from fastbench.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("http://host:8000", ("http", "host", 8000, "")),
        ("https://Host.example/", ("https", "host.example", 443, "")),
        ("host:8000/v1", ("http", "host", 8000, "")),
        ("http://[::1]:80/a/b/v1/", ("http", "::1", 80, "/a/b")),
        ("http://127.0.0.1", ("http", "127.0.0.1", 80, "")),
        ("http://model_server.ns.svc.:1", ("http", "model_server.ns.svc.", 1, "")),
    ],
)
def test_urls_are_taken_apart(text: str, parts: tuple[object, ...]) -> None:
    """A base URL gives scheme, bare host, port (its scheme's own if none) and path without `/v1`."""
    assert parse_url(text, tls=False) == BaseUrl(*parts)


def test_without_a_scheme_tls_decides() -> None:
    """`enable_ssl` chooses the scheme, and so the port, only where the URL has none."""
    assert parse_url("host", tls=True) == ("https", "host", 443, "")
    assert parse_url("http://host", tls=True).scheme == "http"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("ftp://host", "scheme must be http or https"),
        ("http://host:99999", "port must be a whole number from 1 to 65535"),
        ("http://host:0", "port must be a whole number from 1 to 65535"),
        ("http://host:http", "port must be a whole number from 1 to 65535"),
        ("http://", "names no host"),
        ("http://a b", "must be a host name"),
        ("http://[::1", "such as http://host:8000"),
        ("http://host/v1/chat/completions", "give only what stands before /v1/chat/completions"),
        ("http://host/x?a=1", "ends before"),
        ("http://host/a\r\nb: c", "remove its line breaks"),
        ("http://ho\nst", "remove its line breaks"),
        ("http://host/\u00e4", "%XX"),
    ],
)
def test_wrong_urls_are_refused(text: str, reason: str) -> None:
    """What is no base URL is refused with the reason."""
    with pytest.raises(ConfigError, match=reason):
        parse_url(text, tls=False)


@pytest.mark.parametrize("text", ["http://me:hunter2@host", "ftp://me:hunter2@host", "me:hunter2@host"])
def test_a_password_is_refused_and_not_shown(text: str) -> None:
    """A URL with a user's password is refused by a message without the password."""
    with pytest.raises(ConfigError, match="api_key") as caught:
        parse_url(text, tls=False)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("text", ["localhost", "10.0.0.1", "fe80::1", "[fe80::1]", "a-b.example.com"])
def test_hosts_may_be_names_or_addresses(text: str) -> None:
    """A host may be a DNS name, IPv4 or IPv6, and loses its brackets."""
    assert parse_host(text) == text.strip("[]")


@pytest.mark.parametrize("text", ["", "host:80", "http://host", "a/b", "-x", "a\r\nb", "x" * 64, "::zz"])
def test_other_hosts_are_refused(text: str) -> None:
    """A host with a port, a scheme, a path or a character no name has is refused."""
    with pytest.raises(ConfigError, match="must be a host name or an"):
        parse_host(text)


def test_metrics_pages() -> None:
    """A page without a path is `/metrics`; any other is left alone."""
    assert page_url("http://a:8002") == "http://a:8002/metrics"
    assert page_url("https://[::1]/prometheus/metrics") == "https://[::1]:443/prometheus/metrics"
