"""Where requests go."""

from typing import NamedTuple, Self

from fastbench.config.services import DEFAULT_PORTS, ServiceConfig, parse_host, parse_url
from fastbench.errors import ConfigError


class Endpoint(NamedTuple):
    """A service's address and the path before its `/v1/…`."""

    scheme: str
    host: str
    """A name or an address, an IPv6 one without brackets."""
    port: int
    base_path: str
    """"" or a path with a slash at its start and none at its end."""

    @classmethod
    def parse(cls, service: ServiceConfig) -> Self:
        """From `url`, else from `host_ip`, `host_port` and `enable_ssl`. Raises ConfigError."""
        try:
            if service.url:
                return cls(*parse_url(service.url, tls=service.enable_ssl))
            scheme = "https" if service.enable_ssl else "http"
            return cls(scheme, parse_host(service.host_ip), service.host_port, "")
        except ConfigError as error:
            field = "url" if service.url else "host_ip"
            raise ConfigError(f"{field} of the model {service.abbr} {error}") from error

    @property
    def tls(self) -> bool:
        """Whether the service is spoken to over TLS."""
        return self.scheme == "https"

    @property
    def authority(self) -> str:
        """The value of the Host header: brackets around an IPv6 address, no default port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The base URL, as messages and reports show it."""
        return f"{self.scheme}://{self.authority}{self.base_path}"
