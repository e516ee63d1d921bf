"""The tests' own certificate, for services and for clients that trust it."""

import ssl
from pathlib import Path

from serving import Handler, Service

from fastbench.client.tls import TlsSettings
from fastbench.config.services import ServiceConfig, tls_context

CERTIFICATE = Path(__file__).parent / "data" / "test-only-localhost.crt"
KEY = CERTIFICATE.with_suffix(".key")


def server_context() -> ssl.SSLContext:
    """Of a service that shows the certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE, KEY)
    return context


def secure(handler: Handler) -> Service:
    """A service over TLS."""
    return Service(handler, tls=server_context())


def usual(server_name: str) -> TlsSettings:
    """A client's settings where none are given."""
    return TlsSettings(tls_context(ServiceConfig(type="openai_chat", abbr="m")), server_name)


def trusting(server_name: str = "127.0.0.1") -> TlsSettings:
    """A client's settings as usual, but with trust in the certificate."""
    settings = usual(server_name)
    settings.context.load_verify_locations(CERTIFICATE)
    return settings
