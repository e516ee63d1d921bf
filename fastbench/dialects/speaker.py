"""A dialect set up for one service: samples in, the bytes of requests out."""

from typing import Any

import orjson

from fastbench.config.services import ServiceConfig
from fastbench.dialects.dialect import dialect_of
from fastbench.dialects.headers import head_template
from fastbench.dialects.parameters import adapters_of
from fastbench.dialects.prompts import SampleLike
from fastbench.dialects.rules import Rules
from fastbench.dialects.template import Slot, Template, body_template, replaceable


class Speaker:
    """How the requests to one service are written, and its replies read."""

    def __init__(self, service: ServiceConfig, model: str, authority: str, base_path: str) -> None:
        """model: the name that the requests ask for. authority, base_path: those of the service's `Endpoint`.

        Raises ConfigError for a key or a file of adapters that is not there, and for a dialect that is not.
        """
        dialect = dialect_of(service)
        self.name = service.type
        """As `type` in a config."""
        self.path: str = base_path + dialect.request_path(service, model)
        """The request's path, the base URL's path included."""
        self.stream: bool = service.stream
        """Whether a stream of events is asked for."""
        self.rules: Rules = dialect.rules
        """Which JSON paths of a reply mean what."""
        self.head = head_template(service, dialect.headers, authority, self.path)
        """The request down to its body."""
        self._prompt = dialect.prompt
        self._not_taken = dialect.not_taken
        self._length = dialect.output_length(service)
        self._body = dialect.request_body(service, model)
        self._adapters = adapters_of(service) if dialect.adapters else {}
        self._replaceable = replaceable(self._body)
        self._templates: dict[tuple[str | None, frozenset[str] | None], Template] = {}
        self.id_in_body: bool = Slot.REQUEST_ID in self.template(None).parts
        """Whether bodies carry the request's id."""

    def template(self, adapter: str | None, replaced: frozenset[str] | None = None) -> Template:
        """The body of the requests that `body_template` describes."""
        found = self._templates.get((adapter, replaced))
        if found is None:
            found = self._templates[adapter, replaced] = body_template(self._body, adapter, replaced)
        return found

    def encode(self, sample: SampleLike, request_id: str) -> bytes:
        """The finished bytes of the request; request_id: letters, digits and dashes.

        Raises DatasetError for a prompt of a kind that the dialect does not take.
        """
        prompt = orjson.dumps(self._prompt(sample))
        length = b"%d" % (self._length.of(sample.output_len) or 0)
        id_bytes = request_id.encode("ascii")
        own = sample.fields and self._taken(sample.fields)
        replaced = self._replaceable.intersection(own) if own else None
        template = self.template(self._adapters.get(sample.index), replaced)
        body = template.fill(prompt, length, id_bytes, orjson.dumps(own)[1:-1] if own else b"")
        return self.head.fill(b"", b"", id_bytes, b"", b"%d" % len(body)) + body

    def _taken(self, row_fields: dict[str, Any]) -> dict[str, Any]:
        """The parameters of a row that the dialect has a place for."""
        return {name: value for name, value in row_fields.items() if name not in self._not_taken}
