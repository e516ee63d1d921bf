"""The service of a task, as its workers reach it."""

from functools import partial

from fastbench.backends.backend import Backend, known_model, make_backend
from fastbench.backends.endpoint import Endpoint
from fastbench.backends.request import service_headers
from fastbench.client.address import resolve
from fastbench.client.advice import second_look
from fastbench.client.engine import Engine, EngineFactory, Target
from fastbench.client.hiding import Hiding
from fastbench.client.models import first_model
from fastbench.client.seen import Seen
from fastbench.client.tls import tls_of
from fastbench.client.tls_probe import SPEAKS_NONE, is_in_clear
from fastbench.config.service_schema import ServiceConfig
from fastbench.errors import ServiceError
from fastbench.fleet.pinning import pinned
from fastbench.load.phase import Phase
from fastbench.load.progress import Observer
from fastbench.load.stop import Stop


class Reach:
    """Where the service is, and how it is spoken to. Made before an event loop runs: it may block."""

    def __init__(self, service: ServiceConfig) -> None:
        """Raises ServiceError for a name that cannot be resolved, ConfigError for keys and files that are not there."""
        self._service = service
        self.endpoint = Endpoint.parse(service)
        self.tls = tls_of(service, self.endpoint)
        self.hiding = Hiding(service)
        self.address = resolve(self.endpoint, service.connect_timeout)

    async def model(self) -> str:
        """The model's name as requests have it; asked of the service where the config leaves it open.

        Raises ServiceError, also for a port of a https URL that does not speak TLS: requests to it might only wait.
        """
        if self.tls is not None and await is_in_clear(self.endpoint):
            raise ServiceError(f"The service at {self.endpoint.url} cannot be asked: {SPEAKS_NONE}.")
        known = known_model(self._service)
        if known is not None:
            return known
        try:
            return await first_model(self.endpoint, service_headers(self._service), self.hiding.clean, self.tls)
        except ServiceError as error:
            raise self.hiding.clean_error(error) from error

    def backend(self, model: str) -> Backend:
        """How requests for `model` are written and their replies read."""
        return make_backend(self._service, model, self.endpoint.authority, self.endpoint.base_path)

    def phase(self, backend: Backend, stop: Stop, observer: Observer, pin: int | None = None) -> Phase:
        """Phases of load against the service. pin: the number of the processor to keep to, None = any."""
        target = Target(backend.rules, self.address, self._service.connect_timeout, self.tls)
        make_engine: EngineFactory = partial(Engine, target)
        if pin is not None:
            make_engine = pinned(make_engine, pin)
        return Phase(make_engine, stream=backend.stream, stop=stop, observer=observer)

    async def second_look(self, backend: Backend, seen: Seen) -> str | None:
        """What a further look at the service tells of the last request that failed; None = nothing more."""
        headers = service_headers(self._service)
        return await second_look(self.endpoint, self.url(backend), headers, self.tls, seen.outcome, seen.status)

    def url(self, backend: Backend) -> str:
        """Where requests go, in full."""
        return f"{self.endpoint.scheme}://{self.endpoint.authority}{backend.path}"
