"""What every backend can do, and how one is made."""

from typing import Protocol

from fastbench.backends.openai import ChatBackend, CompletionsBackend
from fastbench.backends.rules import Rules
from fastbench.backends.sample import SampleLike
from fastbench.config.service_schema import ServiceConfig


class Backend(Protocol):
    """One way of asking a service."""

    @property
    def name(self) -> str:
        """As `type` in a config."""
        ...

    @property
    def path(self) -> str:
        """The request's path, the base URL's path included."""
        ...

    @property
    def stream(self) -> bool:
        """Whether a stream of events is asked for."""
        ...

    @property
    def rules(self) -> Rules:
        """Which JSON paths of a reply mean what."""
        ...

    def encode(self, sample: SampleLike, request_id: str) -> bytes:
        """The finished bytes of the request. Raises DatasetError for a prompt of a kind it does not take."""
        ...


_BACKENDS = {backend.name: backend for backend in (ChatBackend, CompletionsBackend)}


def make_backend(service: ServiceConfig, model: str, authority: str, base_path: str) -> Backend:
    """The backend that `service` names; authority, base_path: of its `Endpoint`. Raises ConfigError."""
    return _BACKENDS[service.type](service, model, authority, base_path)
