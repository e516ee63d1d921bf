"""A row that is a request, decoded and looked at: what is wrong with it is told before anything is sent."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import orjson
from msgspec.structs import replace

from fastbench.config import show
from fastbench.config.fields import LENGTHS, MAX_LENGTH, nearest
from fastbench.config.services import header_fault
from fastbench.datasets.raw.row import AROUND
from fastbench.datasets.row_fields import check_structure
from fastbench.datasets.rows import Row, RowError
from fastbench.datasets.samples import Sample
from fastbench.errors import ConfigError
from fastbench.secrets import KNOWN, env_name, is_secret_header, resolve_secret

_MAX_MS = 2.0**43
_MAX_CLASS = 64
_CLOSE = 0.8
PROMPTS = ("messages", "prompt", "inputs", "text_input")
"""The members of bodies that may be the prompt."""


class Decoded(NamedTuple):
    """A row: its body, and what an API has to do with around it."""

    body: Mapping[str, Any]
    path: str = ""
    headers: Mapping[str, str] = {}
    method: str | None = None
    """Of a batch row."""
    url: str | None = None


def decoded_row(row: Row) -> Decoded:
    """What a row says. Raises RowError that names the field with what no API can take."""
    if "body" not in row:
        _check_body(row)
        return Decoded(row)
    body = row["body"]
    if not isinstance(body, dict):
        raise RowError(f"has {show(body)} as body, which must be an object: the body of a request")
    for fault in _faults(row):
        raise RowError(fault)
    _check_body(body)
    headers = row.get("headers") or {}
    KNOWN.learn(*row_secrets(headers))
    return Decoded(body, row.get("path") or "", headers, row.get("method"), row.get("url"))


def unknown_names(row: Row) -> Iterator[str]:
    """The fields around a body that say nothing."""
    return (name for name in row if name not in AROUND) if "body" in row else iter(())


def row_secrets(headers: Mapping[str, str]) -> Iterator[str]:
    """The keys in the headers of a row."""
    for name, value in headers.items():
        if env_name(value) or is_secret_header(name, value):
            yield resolve_secret(value)


def spoken(sample: Sample) -> Sample:
    """A sample with its prompt and fields read out of its raw body, for who counts tokens or words."""
    if sample.raw is None or not sample.raw.body:
        return sample
    body = orjson.loads(sample.raw.body)
    name = next((name for name in PROMPTS if name in body), None)
    fields = {name: value for name, value in body.items() if name not in PROMPTS}
    return replace(sample, prompt="" if name is None else body[name], fields=fields)


def _faults(row: Row) -> Iterator[str]:
    """Of what is around the body."""
    for name in unknown_names(row):
        if close := nearest(name, AROUND, _CLOSE):
            yield f"has the field {name} beside its body; did you mean {close}?"
    yield from _path_faults(row.get("path"))
    yield from _header_faults(row.get("headers"))
    for name in ("class", "session_id"):
        value = row.get(name)
        if value is not None and not _is_name(value):
            yield f"has {show(value)} as {name}, which must be a name of at most {_MAX_CLASS} printable characters"
    for name in ("delay", "timestamp"):
        value = row.get(name)
        if value is not None and (type(value) not in (int, float) or not 0 <= value < _MAX_MS):
            yield f"has {show(value)} as {name}, which must be milliseconds from 0"
    if row.get("delay") is not None and row.get("session_id") is None:
        yield "has a delay but no session_id; a delay is the time since the reply before it in its session"
    if row.get("image_files") not in (None, True, False):
        yield f"has {show(row['image_files'])} as image_files, which must be true or false"


def _is_name(value: object) -> bool:
    if isinstance(value, str):
        return 0 < len(value) <= _MAX_CLASS and value.isprintable()
    return type(value) is int


def _path_faults(path: object) -> Iterator[str]:
    if path is None:
        return
    if not isinstance(path, str) or not path.startswith("/"):
        yield f"has {show(path)} as path, which must be text that begins with a slash"
    elif not path.isascii() or not path.isprintable() or set(path) & set(' "<>#'):
        yield f"has {show(path)} as path, which must hold neither blanks nor what a URL must quote"


def _header_faults(headers: object) -> Iterator[str]:
    if headers is None:
        return
    if not isinstance(headers, dict) or not all(isinstance(value, str) for value in headers.values()):
        # Not shown: there may be a key in them.
        yield "has headers that are no object of texts; give {name: value}"
        return
    for name, value in headers.items():
        try:
            fault = header_fault(name, resolve_secret(value))
        except ConfigError as error:
            fault = str(error)
        if fault:
            yield f"has the header {name}, which {fault}"


def _check_body(body: Mapping[str, Any]) -> None:
    model = body.get("model")
    if model is not None and (not isinstance(model, str) or not model):
        raise RowError(f"has {show(model)} as model, which must be the name of one; leave it out for the service's own")
    check_structure(body)
    inside = body.get("parameters")
    for holder in (body, inside if isinstance(inside, dict) else {}):
        for name in LENGTHS:
            value = holder.get(name)
            if value is not None and (type(value) is not int or not 1 <= value <= MAX_LENGTH):
                raise RowError(f"has {show(value)} as {name}, which must be a whole number from 1 to {MAX_LENGTH}")
