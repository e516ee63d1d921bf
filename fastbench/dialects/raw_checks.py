"""Whether a request that comes whole can go to a service, told before anything is sent."""

from collections.abc import Iterator, Mapping
from functools import cache
from textwrap import shorten
from typing import Any

from fastbench.config import show
from fastbench.config.fields import MAX_LENGTH
from fastbench.config.services import ADAPTERS, ServiceConfig
from fastbench.dialects.dialect import BodyParts, Dialect, dialect_of
from fastbench.dialects.raw import raw_length
from fastbench.dialects.template import Slot
from fastbench.errors import ConfigError
from fastbench.registry import DIALECTS

_MANY_ANSWERS = ("n", "best_of")


class RawCheck:
    """What is wrong with requests for one service."""

    def __init__(self, service: ServiceConfig) -> None:
        """Raises ConfigError for a setting that requests which come whole say themselves."""
        if ADAPTERS in service.generation_kwargs:
            raise ConfigError(
                f"generation_kwargs[{ADAPTERS!r}] of the model {service.abbr} is set, but rows of whole requests name "
                "their adapters as model; leave it out"
            )
        length = raw_length(service)
        if length is not None and (type(length) is not int or not 1 <= length <= MAX_LENGTH):
            raise ConfigError(
                f"generation_kwargs of the model {service.abbr} asks for {show(length)} output tokens; it must be a "
                f"whole number from 1 to {MAX_LENGTH}"
            )
        self._service = service
        self._dialect = dialect_of(service)
        self._prompt = _prompt_field(self._dialect)
        self._path = self._dialect.request_path(service, service.model_name or service.model)

    def fault(
        self, body: Mapping[str, Any], path: str, headers: Mapping[str, str], method: str | None, url: str | None
    ) -> str | None:
        """The first fault, as it follows "the row"; None = there is none. method, url: of a batch row."""
        faults = (*self._body_faults(body), *self._around(path, headers, method, url))
        return faults[0] if faults else None

    def _body_faults(self, body: Mapping[str, Any]) -> Iterator[str]:
        name, kind = self._prompt, self._dialect.name
        others = {field: other for field, other in _others().items() if field in body and field != name}
        if name is not None and name not in body:
            if others:
                field, other = next(iter(others.items()))
                yield f"has {field} and no {name}: it is a request of {other.name}; {_use(other)}"
            else:
                known = shorten(", ".join(body) or "nothing", 120, placeholder=" …")
                yield f"is no request body of {kind}: it has no {name}, only {known}; for rows of prompts use --dataset"
        elif name is not None:
            for field, other in others.items():
                yield f"has {field} beside {name}, which is a field of {other.name} and not of {kind}; {_use(other)}"
            if not _is_prompt(body[name], self._dialect):
                yield f"has {show(body[name])} as {name}, which {kind} does not take"
        for field in _MANY_ANSWERS:
            if body.get(field) not in (None, 1):
                yield f"has {show(body[field])} as {field}; only one answer can be measured, so leave it out"

    def _around(self, path: str, headers: Mapping[str, str], method: str | None, url: str | None) -> Iterator[str]:
        kind = self._dialect.name
        if method is not None and method != "POST":
            yield f"has {show(method)} as method, and requests to {kind} are sent by POST"
        if url is not None and url != self._path:
            told = f"has {show(url)} as url, and requests to {kind} go to {self._path}"
            yield "; ".join(filter(None, (told, _by_path(url))))
        if path != self._path and (way_out := _by_path(path)):
            yield f"has {show(path)} as path, which is another API's than {kind}; {way_out}"
        id_header = self._service.id_header
        if id_header is not None and id_header.lower() in map(str.lower, headers):
            yield (
                f"has the header {id_header}, which is set by fastbench; leave it out, or rename that of the ids by "
                "request_id_header (--request-id-header)"
            )


def _use(dialect: Dialect) -> str:
    return f"use type {dialect.name} (--api {(*dialect.aliases, dialect.name)[0]})"


def _by_path(path: str) -> str | None:
    """What to use for another API's path; None where it is no known one's."""
    for dialect in _own():
        if path in (dialect.path, dialect.stream_path) and path:
            return _use(dialect)
    return None


@cache
def _own() -> tuple[Dialect, ...]:
    return tuple(DIALECTS.get(name) for name in DIALECTS.own_names)


@cache
def _others() -> dict[str, Dialect]:
    """Fields that hold prompts: an API that has it, the first of those that do."""
    found: dict[str, Dialect] = {}
    for dialect in _own():
        name = _prompt_field(dialect)
        if name is not None:
            found.setdefault(name, dialect)
    return found


def _prompt_field(dialect: Dialect) -> str | None:
    """The member of the body that is the prompt; None where it is inside of another one."""
    with DIALECTS.blaming(dialect.name, "cannot describe the body of a request"):
        body = dialect.body(BodyParts("model", True, {}, {}, {}))
    return next((name for name, value in body.items() if value is Slot.PROMPT), None)


def _is_prompt(value: object, dialect: Dialect) -> bool:
    if isinstance(value, str):
        return value != "" and "messages" not in dialect.takes
    if not isinstance(value, list) or not value:
        return False
    if "messages" in dialect.takes:
        return all(isinstance(item, dict) and "role" in item for item in value)
    return "token_ids" in dialect.takes and all(type(item) is int for item in value)
