"""A dict of settings against a struct's fields: every bad one is reported, none is guessed."""

import math
from collections.abc import Callable, Collection, Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct, inspect

from fastbench.config.fields.issues import Issues
from fastbench.errors import ConfigError
from fastbench.units import DURATION_FORM, NS_PER_MS, RATE_FORM, Duration, Rate, parse_duration, parse_rate

MAX_LENGTH = 2**20
MAX_COUNT = 2**31 - 1
MIN_INTERVAL_NS = 100 * NS_PER_MS

Text = Annotated[str, Meta(min_length=1, extra_json_schema={"description": "text that is not empty"})]
DirName = Annotated[
    str,
    Meta(
        pattern=r"^(?!\.{1,2}$)[^/\\\x00-\x1f]{1,200}$",
        extra_json_schema={"description": "a name fit for a directory: no slash, at most 200 characters"},
    ),
]
Length = Annotated[int, Meta(ge=1, le=MAX_LENGTH)]
Seed = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Count = Annotated[int, Meta(ge=1, le=MAX_COUNT)]


class Frozen(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The base of all settings: frozen, no unknown names."""


class Pause(Duration):
    """A `Duration` that may be 0."""


class Interval(Duration):
    """A `Duration` of at least `MIN_INTERVAL_NS`."""


class PositiveRate(Rate):
    """A `Rate` above 0."""


MAX_RATE = 64_000

# type: (parser, least, most, what the field allows)
_CUSTOM: dict[type, tuple[Callable[[object], Any], float, float, str]] = {
    Duration: (parse_duration, 1, float("inf"), f"a time above 0 ({DURATION_FORM})"),
    Interval: (parse_duration, MIN_INTERVAL_NS, float("inf"), f"a time of at least 0.1 s ({DURATION_FORM})"),
    Pause: (parse_duration, 0, float("inf"), f"a time ({DURATION_FORM})"),
    Rate: (parse_rate, 0, MAX_RATE, f"a rate from 0 to {MAX_RATE}/s ({RATE_FORM})"),
    PositiveRate: (parse_rate, math.ulp(0), MAX_RATE, f"a rate above 0, to {MAX_RATE}/s ({RATE_FORM})"),
}


def decode_custom(kind: type, value: object) -> Any:
    """msgspec's hook for the types that only fastbench knows."""
    parse, least, most, form = _CUSTOM[kind]
    try:
        parsed = parse(value)
    except ConfigError as error:
        raise ValueError(form) from error
    if not least <= parsed <= most:
        raise ValueError(form)
    return kind(parsed)


def join(path: str, name: object) -> str:
    """The path of a field inside `path`; the config itself has the path ""."""
    return f"{path}.{name}" if path else str(name)


def check_fields(
    cls: type[msgspec.Struct], raw: object, path: str, issues: Issues, excused: Collection[str] = ()
) -> dict[str, Any]:
    """The valid fields of `raw`, to make a `cls` of; faults are added to `issues`.

    path: leads to `raw`; excused: fields that may be missing, because their faults are in `issues` already.
    """
    if not isinstance(raw, Mapping):
        issues.wrong(path, raw, "a dict of settings")
        return {}
    fields = {field.name: field for field in msgspec.structs.fields(cls)}
    values: dict[str, Any] = {}
    for name, value in raw.items():
        if name not in fields:
            issues.unknown(join(path, name), str(name), fields)
            continue
        try:
            values[name] = msgspec.convert(value, fields[name].type, dec_hook=decode_custom)
        except msgspec.ValidationError:
            issues.wrong(join(path, name), value, describe(fields[name].type))
    for name, field in fields.items():
        if field.required and name not in raw and name not in excused:
            issues.missing(join(path, name), describe(field.type))
    return values


def describe(kind: Any) -> str:
    """The values that a field of this type allows, in words."""
    return _words(inspect.type_info(kind))


def _words(info: inspect.Type) -> str:
    match info:
        case inspect.Metadata(extra_json_schema={"description": str(text)}):
            return text
        case inspect.Metadata(type=inner):
            return _words(inner)
        case inspect.UnionType(types=types):
            return " or ".join(_words(member) for member in types)
        case inspect.CustomType(cls=cls):
            return _CUSTOM[cls][3]
        case inspect.IntType(ge=low, le=high):
            return "a whole number" + _range(low, high)
        case inspect.FloatType(ge=low, le=high):
            return "a number" + _range(low, high)
        case inspect.StructType():
            return "a dict of settings"
        case inspect.DictType(value_type=inspect.StrType()):
            return "a dict of text to text"
    return _NAMES[type(info)]


def _range(low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return f" from {low} to {high}"
    return f" of at least {low}" if low is not None else ""


_NAMES: dict[type[inspect.Type], str] = {
    inspect.BoolType: "True or False",
    inspect.NoneType: "None",
    inspect.StrType: "text",
    inspect.DictType: "a dict with names as keys",
    inspect.ListType: "a list",
    inspect.VarTupleType: "a list",
    inspect.AnyType: "anything",
}
