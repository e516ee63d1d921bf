"""A dialect set up for one service: where requests go, their head, and the bytes that samples become."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property, lru_cache, partial
from typing import Any, NamedTuple, Self

import numpy as np
import orjson
from msgspec import Struct
from numpy.typing import NDArray

from fastbench import __version__
from fastbench._core.bodies import BodyWriter
from fastbench.config.services import DEFAULT_PORTS, ServiceConfig, header_fault, parse_host, parse_url
from fastbench.dialects.dialect import Dialect, Rules, dialect_of
from fastbench.dialects.parameters import adapters_of
from fastbench.dialects.prompts import RawLike, SampleLike, WordsLike
from fastbench.dialects.raw import RawBodies
from fastbench.dialects.template import Members, Slot, Template, body_template, replaceable
from fastbench.errors import ConfigError, DatasetError, PluginError
from fastbench.registry import DIALECTS
from fastbench.secrets import KNOWN, env_name, is_secret_header, resolve_secret, secrets_in


def service_headers(service: ServiceConfig) -> dict[str, str]:
    """Headers of the client: User-Agent, the key's, `headers` of the config.

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
    """The keys in the headers and bodies of requests to `service`."""
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


def head_template(
    service: ServiceConfig, further: Mapping[str, str], authority: str, path: str, of_row: Mapping[str, str] = {}
) -> Template:
    """The head of a POST: request line and headers, down to the empty line before the body.

    further: headers of the dialect, over the usual ones. of_row: those of a row, over all others. Raises ConfigError as
    `service_headers` does.
    """
    accept = "text/event-stream" if service.stream else "application/json"
    usual = _merge({"Content-Type": "application/json", "Accept": accept}, dict(further))
    headers = {"Host": authority, **_merge(_merge(usual, service_headers(service)), dict(of_row))}
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), ""]
    start = "\r\n".join(lines).encode("latin-1")
    name = service.id_header
    of_id = () if name is None else (f"{name}: ".encode("latin-1"), Slot.REQUEST_ID, b"\r\n")
    return Template((start, *of_id, b"Content-Length: ", Slot.BODY_SIZE, b"\r\n\r\n"))


_HEADS = 1024
"""Heads that are kept of those that rows have of their own."""


class RowHead(NamedTuple):
    """What the headers of a row make of a request."""

    template: Template
    secrets: frozenset[str]
    """The keys among the headers."""


def _row_head(service: ServiceConfig, further: Mapping[str, str], authority: str, path: str, headers: bytes) -> RowHead:
    """headers: the JSON of a row's. Keys are read from the environment where they say so."""
    given: dict[str, str] = orjson.loads(headers) if headers else {}
    own = {name: resolve_secret(value) for name, value in given.items()}
    secrets = (value for name, value in own.items() if env_name(given[name]) or is_secret_header(name, value))
    return RowHead(head_template(service, further, authority, path, own), frozenset(secrets))


class _Example(Struct):
    """A sample that is nothing but its prompt."""

    prompt: Any
    index: int = 0
    output_len: int | None = None
    fields: dict[str, Any] | None = None
    raw: RawLike | None = None


class Speaker:
    """How the requests to one service are written, and its replies read."""

    def __init__(self, service: ServiceConfig, model: str, authority: str, base_path: str) -> None:
        """model: the name that the requests ask for. authority, base_path: those of the service's `Endpoint`.

        Raises ConfigError for a key or a file of adapters that is not there, for a dialect that is not, and for the
        body of a package's dialect that is none.
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
        self._base_path = base_path
        self._row_head = lru_cache(_HEADS)(partial(_row_head, service, dialect.headers, authority))
        self.row_secrets: dict[int, frozenset[str]] = {}
        """The keys that rows have for their own requests, by the samples' indices; as far as they were written."""
        self._raw_bodies = partial(RawBodies, dialect, service, model)
        self._prompt = DIALECTS.guarded(self.name, "cannot make a prompt", partial(_prompt, dialect.prompt))
        self._not_taken = dialect.not_taken
        self._length = dialect.output_length(service)
        self._body = DIALECTS.guarded(self.name, "cannot describe the body of a request", _body)(
            dialect, service, model
        )
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

        Raises DatasetError for a prompt of a kind that the dialect does not take, ConfigError where a package's cannot
        make one.
        """
        id_bytes, raw = request_id.encode("ascii"), sample.raw
        body = self._raw.body(raw, id_bytes) if raw is not None and raw.body else self._made(sample, id_bytes)
        return self._head(sample).fill(b"", b"", id_bytes, b"", b"%d" % len(body)) + body

    def writer(self, words: WordsLike) -> BodyWriter | None:
        """Writes what `encode` makes of samples with nothing of their own but a prompt of these words and a length.

        None where requests may differ in more: in adapters, or in what a package's dialect makes of a prompt.
        """
        if self._adapters or DIALECTS.is_plugged(self.name):
            return None
        try:
            example = self._prompt(_Example(words.example))
        except DatasetError:
            return None  # which `encode` raises, with the sample's own number
        before, mark, after = example.partition(orjson.dumps(words.example)[1:-1])
        if not mark:
            return None
        parts = self.template(None).parts
        spliced = [piece for part in parts for piece in ((before, part, after) if part is Slot.PROMPT else (part,))]
        return BodyWriter(self.head.parts, spliced, words.material)

    def lengths(self, asked: NDArray[np.int64]) -> NDArray[np.int64]:
        """What requests ask for whose samples ask for so many tokens, (n,); 0 = their samples ask for none."""
        values: list[int] = asked.tolist()
        lengths = {value: self._length.of(value or None) or 0 for value in set(values)}
        return np.array([lengths[value] for value in values], np.int64)

    def _made(self, sample: SampleLike, id_bytes: bytes) -> bytes:
        """The body made of a sample's prompt."""
        prompt = self._prompt(sample)
        length = b"%d" % (self._length.of(sample.output_len) or 0)
        own = sample.fields and self._taken(sample.fields)
        replaced = self._replaceable.intersection(own) if own else None
        template = self.template(self._adapters.get(sample.index), replaced)
        return template.fill(prompt, length, id_bytes, orjson.dumps(own)[1:-1] if own else b"")

    @cached_property
    def _raw(self) -> RawBodies:
        """Made late: most runs have no requests that come whole."""
        return self._raw_bodies()

    def _head(self, sample: SampleLike) -> Template:
        """The head of a sample's request, which may have a path and headers of its own."""
        raw = sample.raw
        if raw is None or not (raw.path or raw.headers):
            return self.head
        path = self._base_path + raw.path if raw.path else self.path
        head = self._row_head(path, raw.headers)
        if head.secrets:
            self.row_secrets[sample.index] = head.secrets | self.row_secrets.get(sample.index, frozenset())
        return head.template

    def _taken(self, row_fields: dict[str, Any]) -> dict[str, Any]:
        """The parameters of a row that the dialect has a place for."""
        return {name: value for name, value in row_fields.items() if name not in self._not_taken}


def _prompt(make: Callable[[SampleLike], Any], sample: SampleLike) -> bytes:
    found = make(sample)
    if found is None:
        raise PluginError(f"its `prompt` gives None for the row {sample.index} of the data set")
    return orjson.dumps(found)


def _body(dialect: Dialect, service: ServiceConfig, model: str) -> Members:
    """The body of requests, seen to be one. Raises PluginError, and whatever a package's code does."""
    body = dialect.request_body(service, model)
    if not isinstance(body, Mapping):
        raise PluginError(f"its `body` gives {type(body).__name__}, not a dict")
    for template in (body_template(body), body_template(body, "a", frozenset())):
        if Slot.PROMPT not in template.parts:
            raise PluginError("its `body` has no Slot.PROMPT")
        if Slot.BODY_SIZE in template.parts:
            raise PluginError("its `body` has Slot.BODY_SIZE, which is of the head alone")
        # What is no JSON, as nan and names that are no texts make it, the service could not read.
        orjson.loads(template.fill(b"0", b"0", b"0", b'"":0'))
    return body


def check_requests(service: ServiceConfig, samples: Iterable[SampleLike]) -> None:
    """Writes the requests of `samples` and drops them: what a package's dialect raises, or makes of a body or a prompt,
    is a ConfigError before anything is sent. Nothing is done for one of fastbench's own."""
    if DIALECTS.is_plugged(service.type):
        speaker = Speaker(service, service.model_name or service.model or "model", "localhost", "")
        for sample in samples:
            speaker.encode(sample, "r-0")


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
        """Whether the connection uses TLS."""
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
