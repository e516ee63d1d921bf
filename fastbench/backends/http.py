"""What all backends share: one POST for each sample."""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import orjson

from fastbench.backends.request import PostTemplate
from fastbench.backends.rules import Rules
from fastbench.backends.sample import SampleLike
from fastbench.config.adapters import read_adapters
from fastbench.config.output_length import output_length
from fastbench.config.request_fields import not_taken
from fastbench.config.service_schema import ADAPTERS, ServiceConfig


class HttpBackend(ABC):
    """A path, the bytes of a request, and the rules of its reply.

    model: the name that the requests ask for; authority, base_path: those of the service's `Endpoint`.
    """

    name: ClassVar[str]
    rules: ClassVar[Rules]

    def __init__(self, service: ServiceConfig, model: str, authority: str, base_path: str) -> None:
        self.path = base_path + self._endpoint(service, model)
        self.stream = service.stream
        self._template = PostTemplate(service, authority, self.path)
        self._length = output_length(service)
        self._length_name = (self._length.field or "").encode("ascii")
        adapters = read_adapters(service.generation_kwargs[ADAPTERS]) if ADAPTERS in service.generation_kwargs else {}
        self._constant = Constant(
            lambda adapter: self._fields(service, model, adapter), adapters, not_taken(service.type)
        )

    def encode(self, sample: SampleLike, request_id: str) -> bytes:
        """The finished request for `sample`. Raises DatasetError for a prompt of a kind not taken here."""
        length = self._length.of(sample.output_len)
        asked = None if length is None else b'"%b":%d' % (self._length_name, length)
        return self._template.encode(request_id, self._body(sample, request_id, asked))

    @abstractmethod
    def _endpoint(self, service: ServiceConfig, model: str) -> str:
        """The path behind the base URL's."""

    @abstractmethod
    def _fields(self, service: ServiceConfig, model: str, adapter: str | None) -> dict[str, Any]:
        """The members of one JSON object of the body that are the same in every request to an adapter."""

    @abstractmethod
    def _body(self, sample: SampleLike, request_id: str, length: bytes | None) -> bytes:
        """The body, given its member that asks for a length; None = it asks for none."""


class Constant:
    """The start of a JSON object, all up to the comma behind its constant members, by the adapter of a row.

    What a row has for its own request goes over them, but for `not_taken`.
    """

    def __init__(
        self,
        fields: Callable[[str | None], Mapping[str, Any]],
        adapters: Mapping[int, str],
        not_taken: frozenset[str] = frozenset(),
    ) -> None:
        self._adapters = adapters
        self._fields = {adapter: fields(adapter) for adapter in {None, *adapters.values()}}
        self._starts = {adapter: _start(given) for adapter, given in self._fields.items()}
        self._not_taken = not_taken

    def of(self, sample: SampleLike) -> bytes:
        """For a sample; one whose row has no adapter goes to the base model."""
        adapter = self._adapters.get(sample.index)
        if sample.fields is None:
            return self._starts[adapter]
        own = {name: value for name, value in sample.fields.items() if name not in self._not_taken}
        if not own:
            return self._starts[adapter]
        given = self._fields[adapter]
        if given.keys().isdisjoint(own):
            start = self._starts[adapter]
        else:
            start = _start({name: value for name, value in given.items() if name not in own})
        return b"%b%b," % (start, orjson.dumps(own)[1:-1])


def _start(fields: Mapping[str, Any]) -> bytes:
    text = json.dumps(fields, separators=(",", ":")).encode("ascii")[:-1]
    return text + b"," if fields else text
