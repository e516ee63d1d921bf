"""The TLS settings of `ServiceConfig`, made into a context."""

import ssl
from collections.abc import Iterator

from fastbench.config.services.schema import ServiceConfig
from fastbench.config.services.url import parse_url
from fastbench.errors import ConfigError

Fault = tuple[str, str]
_FILES = ("ca_file", "client_cert", "client_key")


def tls_context(service: ServiceConfig) -> ssl.SSLContext:
    """The certificates to verify by and the client's own. HTTP/1.1 is the only protocol offered.

    Raises ConfigError that names the field of a file that cannot be used.
    """
    # Without a file of its own: by the system's certificates, or those of SSL_CERT_FILE.
    context = ssl.create_default_context()
    if service.ca_file:
        context = _strict(service.ca_file)
    if service.client_cert:
        _show(context, service.client_cert, service.client_key)
    if service.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1"])
    return context


def tls_faults(service: ServiceConfig) -> Iterator[Fault]:
    """(field, sentence) for each setting that contradicts another, and for a file that cannot be used."""
    given = [name for name in _FILES if getattr(service, name)]
    if given and not _speaks_tls(service):
        yield given[0], "is set, but the connection is not encrypted; give an https URL (--url) or set enable_ssl"
    elif service.insecure and service.ca_file:
        yield "insecure", "is True, and ca_file is set too; set one of them"
    elif service.client_key and not service.client_cert:
        yield "client_key", "is set without client_cert, the certificate that it belongs to; set both"
    elif given:
        try:
            tls_context(service)
        except ConfigError as error:
            field, _, sentence = str(error).partition(" ")
            yield field, sentence


def _strict(ca_file: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        # OpenSSL's error for it is not readable.
        reason = (not isinstance(error, ssl.SSLError) and error.strerror) or "it holds no PEM certificate"
        raise ConfigError(f"ca_file is {ca_file!r}, which cannot be used: {reason}") from error


def _show(context: ssl.SSLContext, cert: str, key: str) -> None:
    field = "client_key" if key else "client_cert"
    for name, path in (("client_cert", cert), ("client_key", key)):
        try:
            if path:
                open(path, "rb").close()
        except OSError as error:
            raise ConfigError(f"{name} is {path!r}, which cannot be used: {error.strerror}") from error
    try:
        # An encrypted key would else ask at the terminal, in the middle of a run.
        context.load_cert_chain(cert, key or None, password="")
    except ssl.SSLError as error:
        raise ConfigError(
            f"{field} is {key or cert!r}, which cannot be used: it must be a PEM file, the key unencrypted and "
            "the certificate's own"
        ) from error


def _speaks_tls(service: ServiceConfig) -> bool:
    if not service.url:
        return service.enable_ssl
    try:
        return parse_url(service.url, tls=service.enable_ssl).scheme == "https"
    except ConfigError:
        return True  # the URL has a check of its own
