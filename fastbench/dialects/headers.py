"""The head of an HTTP/1.1 POST, and the headers that go to a service in any request."""

from collections.abc import Iterator, Mapping

from fastbench import __version__
from fastbench.config.secrets import KNOWN, env_name, is_secret_header, resolve_secret, secrets_in
from fastbench.config.services import ServiceConfig, header_fault
from fastbench.dialects.dialect import dialect_of
from fastbench.dialects.template import Slot, Template
from fastbench.errors import ConfigError


def service_headers(service: ServiceConfig) -> dict[str, str]:
    """The headers that name the client and let it in: User-Agent, the key's, `headers` of the config.

    Keys are read from the environment where the config says so. Raises ConfigError, which never shows a key.
    """
    headers = {"User-Agent": f"fastbench/{__version__}"}
    if service.api_key:
        dialect = dialect_of(service)
        headers[dialect.key_header] = dialect.key_prefix + _resolve(service, "api_key", service.api_key)
    given = {name: _resolve(service, f"headers[{name!r}]", value) for name, value in service.headers.items()}
    headers = _merge(headers, given)
    for name, value in headers.items():
        if fault := header_fault(name, value):
            raise ConfigError(f"the header {name} of the model {service.abbr} {fault}")
    KNOWN.learn(*secrets_of(service, headers))
    return headers


def secrets_of(service: ServiceConfig, headers: Mapping[str, str]) -> Iterator[str]:
    """The keys that requests to `service` carry, in these headers and in their bodies."""
    referred = {name.lower() for name, value in service.headers.items() if env_name(value)}
    if service.api_key:
        referred.add(dialect_of(service).key_header.lower())
    for name, value in headers.items():
        if is_secret_header(name, value) or name.lower() in referred:
            yield value
    yield from secrets_in(service.parameters)


def _resolve(service: ServiceConfig, field: str, value: str) -> str:
    try:
        return resolve_secret(value)
    except ConfigError as error:
        raise ConfigError(f"{field} of the model {service.abbr} {error}") from error


def _merge(base: dict[str, str], given: dict[str, str]) -> dict[str, str]:
    """`given` beside and over `base`; header names do not differ by case."""
    replaced = {name.lower() for name in given}
    return {name: value for name, value in base.items() if name.lower() not in replaced} | given


def head_template(service: ServiceConfig, further: Mapping[str, str], authority: str, path: str) -> Template:
    """The head of a POST: request line and headers, down to the empty line before the body.

    further: headers of the dialect, over the usual ones. Raises ConfigError as `service_headers` does.
    """
    accept = "text/event-stream" if service.stream else "application/json"
    usual = _merge({"Content-Type": "application/json", "Accept": accept}, dict(further))
    headers = {"Host": authority, **_merge(usual, service_headers(service))}
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), ""]
    start = "\r\n".join(lines).encode("latin-1")
    name = service.id_header
    of_id = () if name is None else (f"{name}: ".encode("latin-1"), Slot.REQUEST_ID, b"\r\n")
    return Template((start, *of_id, b"Content-Length: ", Slot.BODY_SIZE, b"\r\n\r\n"))
