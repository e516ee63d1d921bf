"""The service of a task, as its workers use it."""

from functools import partial

from fastbench.client import (
    SPEAKS_NONE,
    Engine,
    EngineFactory,
    OutcomeTally,
    Peer,
    ServiceRedactor,
    first_model,
    is_in_clear,
    reset_prefix_cache,
    resolve,
    second_look,
    tls_of,
)
from fastbench.config.services import ServiceConfig, reset_url
from fastbench.dialects import Endpoint, Speaker, known_model, service_headers
from fastbench.errors import ServiceError
from fastbench.live import Observer
from fastbench.run.machine import pinned
from fastbench.run.stop import Stop
from fastbench.run.worker.phase import Phase


class Target:
    """The service's address and API. Made before an event loop runs: it may block."""

    def __init__(self, service: ServiceConfig) -> None:
        """Raises ServiceError for a name that cannot be resolved, ConfigError for keys and files that are not there."""
        self._service = service
        self.endpoint = Endpoint.parse(service)
        self.tls = tls_of(service, self.endpoint)
        self.redactor = ServiceRedactor(service)
        self.address = resolve(self.endpoint, service.connect_timeout)

    async def model(self) -> str:
        """The model's name as requests have it; asked of the service where the config leaves it open.

        Raises ServiceError, also for an https URL whose port does not use TLS: requests might hang.
        """
        if self.tls is not None and await is_in_clear(self.endpoint):
            raise ServiceError(f"The service at {self.endpoint.url} cannot be used: {SPEAKS_NONE}.")
        known = known_model(self._service)
        if known is not None:
            return known
        try:
            return await first_model(self.endpoint, service_headers(self._service), self.redactor.clean, self.tls)
        except ServiceError as error:
            raise self.redactor.clean_error(error) from error

    async def reset_cache(self) -> str:
        """Empties the service's prefix cache as its settings say; what was answered. Raises ServiceError."""
        service = self._service
        where = service.reset_cache if service.reset_cache == "auto" else reset_url(service.reset_cache)
        return await reset_prefix_cache(where, self.endpoint, service_headers(service), self.redactor.clean, self.tls)

    def speaker(self, model: str) -> Speaker:
        """How requests for `model` are written and their replies read."""
        return Speaker(self._service, model, self.endpoint.authority, self.endpoint.base_path)

    def phase(self, speaker: Speaker, stop: Stop, observer: Observer, pin: int | None = None) -> Phase:
        """Phases of load against the service. pin: the number of the processor to keep to, None = any."""
        peer = Peer(speaker.rules, self.address, self._service.connect_timeout, self.tls)
        make_engine: EngineFactory = partial(Engine, peer)
        if pin is not None:
            make_engine = pinned(make_engine, pin)
        return Phase(make_engine, stream=speaker.stream, stop=stop, observer=observer)

    async def second_look(self, speaker: Speaker, tally: OutcomeTally) -> str | None:
        """The remedy for the last failed request, found by another request to the service; None = none."""
        headers = service_headers(self._service)
        return await second_look(self.endpoint, self.url(speaker), headers, self.tls, tally.outcome, tally.status)

    def url(self, speaker: Speaker) -> str:
        """Where requests go, in full."""
        return f"{self.endpoint.scheme}://{self.endpoint.authority}{speaker.path}"
