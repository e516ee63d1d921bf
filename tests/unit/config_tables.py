"""The tables of `docs/configuration.md`, as the schema has them."""

from __future__ import annotations

from typing import Any

import click
import msgspec
from msgspec.structs import FieldInfo

from fastbench.config.fields.check import Pause, describe
from fastbench.units import DURATION_FORM, RATE_FORM, Duration, format_duration

# The page says once how times and rates are written.
_TIME, _RATE = f" ({DURATION_FORM})", f" ({RATE_FORM})"


def field_rows(kind: type[msgspec.Struct]) -> list[tuple[str, str, str]]:
    """(field, default, what is allowed) for each field of `kind`, as Markdown."""
    return [
        (f"`{field.name}`", _default(field), describe(field.type).replace(_TIME, "").replace(_RATE, ""))
        for field in msgspec.structs.fields(kind)
    ]


def option_rows(options: list[click.Option]) -> list[tuple[str, str]]:
    """(option with its value, what it does) as help says, as Markdown."""
    context = click.Context(click.Command("perf"))
    records = [option.get_help_record(context) for option in options]
    return [(f"`{words.replace('|', '/')}`", text) for words, text in filter(None, records)]


def _default(field: FieldInfo) -> str:
    if field.required:
        return "required"
    if field.default_factory is not msgspec.NODEFAULT:
        return f"`{field.default_factory()!r}`"
    return f"`{_shown(field.default)}`"


def _shown(value: Any) -> str:
    match value:
        case Pause() if value == 0:
            return "0"
        case Duration():
            return repr(format_duration(value)).replace("'", '"')
        case str():
            return f'"{value}"'
        case tuple():
            return "[]"
        case float() if value == int(value):
            return str(int(value))
        case msgspec.Struct():
            return "{}"
    return repr(value)
