"""A field of the body that the service refuses: recognised at the warm-up by its words, and what the user can do."""

import re
from collections.abc import Iterator

import msgspec

from fastbench.client import OutcomeTally
from fastbench.config.services import STREAM_OPTIONS, ServiceConfig
from fastbench.errors import ServiceError

REFUSED = (400, 422)
"""The statuses by which services say that a request is not as they want it."""
_EXCERPT = 200
_REFUSING = re.compile(
    r"unexpected|unrecogni[sz]ed|unknown|\bextra\b|extra_forbidden|not (?:permitted|allowed|supported|recogni[sz]ed)"
    r"|n[o']t support|unsupported|forbidden|invalid|additional propert|no such",
    re.IGNORECASE,
)
# What the request held is repeated by some under these names; it says nothing of the reason.
_REPEATED = frozenset({"input", "body", "url"})


class FieldRefusedError(ServiceError):
    """The service refuses a field that nobody asked for by name: the run can go on without it."""

    def __init__(self, message: str, field: str = "", words: str = "") -> None:
        super().__init__(message)
        self.field = field
        self.words = words


def refused_field(tally: OutcomeTally, service: ServiceConfig) -> tuple[str, str] | None:
    """A field that the service refused in each warm-up request, and its words; None where it did not, or where the
    field was asked for by name, so that to leave it out would be another measurement."""
    if tally.ok or not _is_refusal(tally):
        return None
    for text in _texts(tally.message.decode("utf-8", "replace")):
        for name in service.droppable:
            if _mentions(text, name) and _REFUSING.search(text):
                return name, text[:_EXCERPT]
    return None


def way_out(tally: OutcomeTally, service: ServiceConfig) -> str | None:
    """What to leave out of the requests, and how, where the service's answer says so or says nothing; None where it
    speaks of something else."""
    if not _is_refusal(tally):
        return None
    if not tally.message.strip():
        return f"it does not say why; {' or '.join(_suspects(service))} may offend"
    texts = list(_texts(tally.message.decode("utf-8", "replace")))
    named = [name for name in service.body_fields if any(_mentions(text, name) for text in texts)]
    return f"leave out {' and '.join(map(_by_option, named))}" if named else None


def _suspects(service: ServiceConfig) -> Iterator[str]:
    if service.id_header is not None:
        yield f"the header {service.id_header} (--request-id-header none leaves it out)"
    yield from map(_by_option, service.body_fields)


def _by_option(name: str) -> str:
    if name == "ignore_eos":
        return "ignore_eos (--no-ignore-eos)"
    if name == STREAM_OPTIONS:
        return f"{name} (--param {name}=null)"
    return f"{name} (generation_kwargs, --param)"


def _is_refusal(tally: OutcomeTally) -> bool:
    return tally.status in REFUSED or tally.outcome == "stream_error"


def _texts(message: str) -> Iterator[str]:
    """What an answer says, each of its JSON objects by itself; as a whole where it is no JSON."""
    try:
        document = msgspec.json.decode(message)
    except msgspec.DecodeError:
        document = message
    yield from (" ".join(text.split()) for text in _objects(document))


def _objects(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        kept = [item for name, item in value.items() if name not in _REPEATED]
        yield " ".join(part for item in kept for part in _leaves(item))
        for item in kept:
            if isinstance(item, dict | list):
                yield from _objects(item)
    elif isinstance(value, list):
        for item in value:
            if isinstance(item, dict | list):
                yield from _objects(item)
    elif isinstance(value, str):
        yield value


def _leaves(value: object) -> Iterator[str]:
    """The texts of a member: its own, or those of a list such as pydantic's `loc`."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        yield from (item for item in value if isinstance(item, str))


def _mentions(text: str, name: str) -> bool:
    """Whether a text names a field, other than by repeating it with its value."""
    return (
        re.search(rf"(?<!\w){re.escape(name)}(?!\w)(?![\"']?\s*[:=]\s*(?:true|1|\{{))", text, re.IGNORECASE) is not None
    )
