"""Whether a dialect that a package brings can be used, told before anything is sent."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, get_args

from fastbench._core.wire import OutputSpec
from fastbench.config import show
from fastbench.config.services import header_fault
from fastbench.dialects.dialect import Dialect, PromptKind, UsageField
from fastbench.dialects.parameters import LengthField
from fastbench.errors import PluginError

_OUTPUT = frozenset({"text", "reasoning", "tool", "piece", "whole", "final", "token_ids"})
"""Roles of what a reply brings."""
_NAMES_MODEL = ("body", "path", "nowhere")


def check_dialect(dialect: Dialect) -> None:
    """Raises PluginError for a package's dialect with a field that cannot be used; ValueError for a broken rule."""
    for fault in _faults(dialect):
        raise PluginError(fault)
    OutputSpec(dialect.rules)
    if _OUTPUT.isdisjoint(rule[1] for rule in dialect.rules):
        raise PluginError(f"rules has no output: give it a rule with one of the roles {', '.join(sorted(_OUTPUT))}")


def _faults(dialect: Dialect) -> Iterator[str]:
    yield from _form_faults(dialect)
    yield from _path_faults("path", dialect.path)
    if dialect.stream_path:
        yield from _path_faults("stream_path", dialect.stream_path)
    headers = {**dialect.headers, dialect.key_header: dialect.key_prefix}
    for name, value in headers.items():
        if fault := header_fault(name, value):
            yield f"has the header {show(name)}, which {fault}"
    known = get_args(PromptKind)
    if not dialect.takes or not set(dialect.takes) <= set(known):
        yield f"takes {show(sorted(map(str, dialect.takes)))}; it must be some of {', '.join(known)}"
    if not dialect.rules:
        yield "has no rules; say which JSON paths of a reply mean what"


def _form_faults(dialect: Dialect) -> Iterator[str]:
    """Fields of another type than they must be: msgspec does not look where a struct is made in Python."""
    forms: tuple[tuple[str, Callable[[Any], bool], str], ...] = (
        *((name, _is_text, "text") for name in ("name", "path", "stream_path", "key_header", "key_prefix")),
        *((name, _are_texts, "names") for name in ("aliases", "reserved", "not_taken", "takes")),
        *((name, _is_table, "a dict of texts") for name in ("headers", "set_elsewhere")),
        *((name, callable, "a function") for name in ("prompt", "body")),
        ("usage", lambda value: value is None or isinstance(value, UsageField), "a UsageField, or None"),
        ("length", lambda value: isinstance(value, LengthField), "a LengthField"),
        ("names_model", lambda value: value in _NAMES_MODEL, f"one of {', '.join(_NAMES_MODEL)}"),
        ("rules", lambda value: isinstance(value, list | tuple), "a tuple of rules"),
    )
    for name, fits, form in forms:
        value = getattr(dialect, name)
        if not fits(value):
            yield f"{name} is {show(value)}; it must be {form}"


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _are_texts(value: object) -> bool:
    return isinstance(value, tuple | list | set | frozenset) and all(map(_is_text, value))


def _is_table(value: object) -> bool:
    return isinstance(value, Mapping) and all(map(_is_text, (*value, *value.values())))


def _path_faults(name: str, path: str) -> Iterator[str]:
    if not path.startswith("/") or not path.isascii() or not path.isprintable() or set(path) & set(' "<>#'):
        yield f"{name} is {show(path)}; it must begin with a slash, and hold neither blanks nor what a URL must quote"
