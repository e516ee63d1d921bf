"""The bytes of an HTTP/1.1 POST, all but the body and the id made once."""

from collections.abc import Iterator, Mapping

from fastbench import __version__
from fastbench.config.headers import header_fault
from fastbench.config.redactor import KNOWN, env_name, secrets_in
from fastbench.config.secret_names import is_secret_header
from fastbench.config.secrets import resolve_secret
from fastbench.config.service_schema import ServiceConfig
from fastbench.errors import ConfigError


def service_headers(service: ServiceConfig) -> dict[str, str]:
    """The headers that name the client and let it in: User-Agent, Authorization, `headers` of the config.

    Keys are read from the environment where the config says so. Raises ConfigError, which never shows a key.
    """
    headers = {"User-Agent": f"fastbench/{__version__}"}
    if service.api_key:
        headers["Authorization"] = f"Bearer {_resolve(service, 'api_key', service.api_key)}"
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


class PostTemplate:
    """A POST to one path of one service."""

    def __init__(self, service: ServiceConfig, authority: str, path: str) -> None:
        accept = "text/event-stream" if service.stream else "application/json"
        usual = {"Content-Type": "application/json", "Accept": accept}
        headers = {"Host": authority, **_merge(usual, service_headers(service))}
        lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        self._has_id = service.id_header is not None
        last = [f"{service.id_header}: "] if self._has_id else ["Content-Length: "]
        self._head = "\r\n".join([*lines, *last]).encode("latin-1")

    def encode(self, request_id: str, body: bytes) -> bytes:
        """The finished request; `request_id` holds letters, digits and dashes."""
        if not self._has_id:
            return b"%b%d\r\n\r\n%b" % (self._head, len(body), body)
        return b"%b%b\r\nContent-Length: %d\r\n\r\n%b" % (
            self._head,
            request_id.encode("ascii"),
            len(body),
            body,
        )
