"""Whom a service is trusted by, what the client shows of itself, and what is wrong with such settings."""

import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
from certificates import CERTIFICATE, KEY, server_context
from driving import OK, drive
from serving import Service, answering

from fastbench.client.tls import TlsSettings
from fastbench.config.services import ServiceConfig, tls_context
from fastbench.config.services.tls import tls_faults

HTTPS = "https://127.0.0.1:1"


def config(**fields: Any) -> ServiceConfig:
    """A service's settings. fields: those that matter."""
    return ServiceConfig(type="openai_chat", abbr="m", url=fields.pop("url", HTTPS), **fields)


def outcomes(service: Service, **fields: Any) -> dict[str, int]:
    """Two requests to the service with these settings."""
    settings = TlsSettings(tls_context(config(**fields)), "127.0.0.1")
    return dict(drive(service.address, 2, tls=settings, retry=0).outcomes)


def wanting_certificates() -> ssl.SSLContext:
    """Of a service that lets nobody in who shows no certificate that it knows."""
    context = server_context()
    # The refusal comes within the handshake, not behind it.
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(CERTIFICATE)
    return context


def test_verified_by_default() -> None:
    """A certificate that nobody trusts is refused where no setting says otherwise."""
    with Service(answering(OK), tls=server_context()) as service:
        assert outcomes(service) == {"refused": 2}


@pytest.mark.parametrize("fields", [{"ca_file": str(CERTIFICATE)}, {"insecure": True}], ids=str)
def test_trusted_by_settings(fields: dict[str, Any]) -> None:
    """It is taken where `ca_file` holds it, and where `insecure` says not to ask."""
    with Service(answering(OK), tls=server_context()) as service:
        assert outcomes(service, **fields) == {"ok": 2}


def test_only_the_file_is_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A `ca_file` stands in the place of the system's certificates, not beside them."""
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    assert tls_context(config()).cert_store_stats()["x509"] == 1
    assert tls_context(config(ca_file=str(CERTIFICATE))).cert_store_stats()["x509"] == 1


def test_a_name_that_the_certificate_does_not_bear() -> None:
    """A trusted certificate of another host is refused, unless `insecure` says not to ask."""
    with Service(answering(OK), tls=server_context()) as service:
        for fields, expected in (({"ca_file": str(CERTIFICATE)}, "refused"), ({"insecure": True}, "ok")):
            settings = TlsSettings(tls_context(config(**fields)), "example.org")
            assert drive(service.address, 1, tls=settings, retry=0).outcomes == {expected: 1}


def test_client_certificate(tmp_path: Path) -> None:
    """A service that asks for a certificate is shown the one of the settings, whether its key is beside it or in it."""
    both = tmp_path / "both.pem"
    both.write_bytes(CERTIFICATE.read_bytes() + KEY.read_bytes())
    with Service(answering(OK), tls=wanting_certificates()) as service:
        trust = {"ca_file": str(CERTIFICATE)}
        assert outcomes(service, **trust, client_cert=str(CERTIFICATE), client_key=str(KEY)) == {"ok": 2}
        assert outcomes(service, **trust, client_cert=str(both)) == {"ok": 2}
        assert outcomes(service, **trust).get("ok") is None


FAULTS = {
    "in clear": ({"url": "http://h", "ca_file": str(CERTIFICATE)}, "ca_file", "not encrypted"),
    "both": ({"insecure": True, "ca_file": str(CERTIFICATE)}, "insecure", "set one of them"),
    "key alone": ({"client_key": str(KEY)}, "client_key", "without client_cert"),
    "absent": ({"ca_file": "/none.pem"}, "ca_file", "'/none.pem', which cannot be used: No such file"),
    "no certificate": ({"ca_file": str(KEY)}, "ca_file", "it holds no PEM certificate"),
    "absent cert": ({"client_cert": "/none.pem"}, "client_cert", "No such file"),
    "absent key": ({"client_cert": str(CERTIFICATE), "client_key": "/none.pem"}, "client_key", "No such file"),
    "no key": ({"client_cert": str(CERTIFICATE)}, "client_cert", "it must be a PEM file"),
    "a certificate for a key": (
        {"client_cert": str(CERTIFICATE), "client_key": str(CERTIFICATE)},
        "client_key",
        "it must be a PEM file",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults(name: str) -> None:
    """Settings that contradict one another, and files that cannot be used, are told by the field."""
    fields, field, words = FAULTS[name]
    ((found, sentence),) = tls_faults(config(**fields))
    assert found == field
    assert words in sentence


def test_no_faults() -> None:
    """Settings that go together have none, nor has a service in clear without them."""
    for fields in ({}, {"url": "http://h"}, {"ca_file": str(CERTIFICATE)}, {"insecure": True, "url": "http://h"}):
        assert list(tls_faults(config(**fields))) == []


def test_an_encrypted_key_asks_nobody(tmp_path: Path) -> None:
    """A key with a passphrase is refused; nobody is asked for it at the terminal."""
    key = tmp_path / "key.pem"
    words = "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\n"
    key.write_text(f"-----BEGIN RSA PRIVATE KEY-----\n{words}AAAA\n-----END RSA PRIVATE KEY-----\n")
    ((field, sentence),) = tls_faults(config(client_cert=str(CERTIFICATE), client_key=str(key)))
    assert (field, "unencrypted" in sentence) == ("client_key", True)


def test_sockets_are_closed() -> None:
    """A refused handshake leaves no connection open."""
    before = len(list(Path("/proc/self/fd").iterdir()))
    with Service(answering(OK), tls=server_context()) as service:
        outcomes(service)
        with socket.create_connection((service.host, service.port)):
            pass
    assert len(list(Path("/proc/self/fd").iterdir())) <= before
