"""What every backend can do, and how one is made."""

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

from fastbench.backends.generate import MindieBackend, TgiBackend, TritonBackend
from fastbench.backends.http import HttpBackend
from fastbench.backends.openai import ChatBackend, CompletionsBackend
from fastbench.backends.rules import Rules
from fastbench.backends.sample import SampleLike
from fastbench.config.service_schema import ServiceConfig
from fastbench.errors import ConfigError

SampleT = TypeVar("SampleT")


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


_KINDS: tuple[type[HttpBackend], ...] = (ChatBackend, CompletionsBackend, TgiBackend, TritonBackend, MindieBackend)
_BACKENDS = {kind.name: kind for kind in _KINDS}


def make_backend(service: ServiceConfig, model: str, authority: str, base_path: str) -> Backend:
    """The backend that `service` names; authority, base_path: of its `Endpoint`. Raises ConfigError."""
    return _BACKENDS[service.type](service, model, authority, base_path)


def known_model(service: ServiceConfig) -> str | None:
    """The model's name as the requests have it, "" where they have none; None = the service must be asked for it."""
    if service.type == "triton_generate":
        return service.model_name or service.model
    asks = service.type in (ChatBackend.name, CompletionsBackend.name)
    return service.model or (None if asks else "")


def check_conversations(service: ServiceConfig, dataset: str) -> None:
    """Raises ConfigError where `service` cannot hold the conversations of several turns of the data set `dataset`."""
    if service.type != ChatBackend.name:
        raise ConfigError(
            f"the data set {dataset} holds conversations of several turns, which the model {service.abbr} cannot "
            f"hold by {service.type}; use type {ChatBackend.name} (--api chat)"
        )


def repeated(samples: Iterable[SampleT], service: ServiceConfig) -> Iterator[SampleT]:
    """Each sample as often as `service` sends each prompt, one right after the other."""
    for sample in samples:
        for _ in range(service.repeats):
            yield sample
