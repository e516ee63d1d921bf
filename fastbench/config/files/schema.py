"""The JSON Schema of a native config, for editors and for checks before a run."""

import ast
import inspect as python
from collections.abc import Callable, Mapping
from functools import cache
from itertools import pairwise
from textwrap import dedent
from typing import Any

import msgspec
from msgspec import Struct, inspect

from fastbench.config.builder import CombinationConfig
from fastbench.config.fields.check import MAX_LENGTH, MAX_RATE, MIN_INTERVAL_NS, Interval, Pause, PositiveRate, describe
from fastbench.config.fields.lengths import LAWS
from fastbench.config.run import COMBINATIONS, RunSettings
from fastbench.config.services.schema import ServiceConfig
from fastbench.config.shown import SummarizerConfig
from fastbench.errors import ConfigError
from fastbench.registry import DATASETS, DIALECTS, SHAPES, Registry, dialect_names
from fastbench.units import NS_PER_S, Duration, Rate

Schema = dict[str, Any]

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_VARIABLE: Schema = {"type": "string", "pattern": r"^\$\{[A-Za-z_][A-Za-z0-9_]*\}$"}
_TIME = r"^\s*\d+(\.\d+)?\s*(ns|us|µs|ms|s|m|min|h)?\s*$"
_RATE = r"^\s*\d+(\.\d+)?\s*(/\s*(s|sec|min|m|h))?\s*$"
# Of types that msgspec does not know.
_CUSTOM: dict[type, Schema] = {
    Duration: {"anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": "string", "pattern": _TIME}]},
    Interval: {
        "anyOf": [{"type": "number", "minimum": MIN_INTERVAL_NS / NS_PER_S}, {"type": "string", "pattern": _TIME}]
    },
    Pause: {"anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": _TIME}]},
    Rate: {"anyOf": [{"type": "number", "minimum": 0, "maximum": MAX_RATE}, {"type": "string", "pattern": _RATE}]},
    PositiveRate: {
        "anyOf": [
            {"type": "number", "exclusiveMinimum": 0, "maximum": MAX_RATE},
            {"type": "string", "pattern": _RATE},
        ]
    },
}
# Fields that are written in other forms than their struct has.
_WRITTEN: dict[tuple[type[Struct], str], Schema] = {
    (SummarizerConfig, "stats_list"): {"type": ["string", "array", "null"], "items": {"type": "string"}},
    (RunSettings, "slo"): {"type": ["string", "array"], "items": {"type": "string", "minLength": 1}, "minLength": 1},
}
_TOKENS: Schema = {"type": "integer", "minimum": 1, "maximum": MAX_LENGTH}
_DEFAULTED = "abbr"
"""Required of a struct; a config may leave it out."""


def json_schema(told: Callable[[str], None] = lambda fault: None) -> Schema:
    """Of YAML and JSON configs. What it refuses, the check refuses too; only the check looks at files and addresses,
    and at what several fields say together. told: gets the fault of each thing of a package that is left out."""
    made = _Definitions(told)
    items: Schema = {"type": "array", "minItems": 1}
    return {
        "$schema": _DRAFT,
        "title": "A config of fastbench",
        "type": "object",
        "properties": {
            "models": {**items, "items": made.service(), "description": "The services under test."},
            "datasets": {
                **items,
                "items": made.registered(DATASETS, lambda found: found.schema),
                "description": "Where the prompts come from.",
            },
            COMBINATIONS: {**items, "items": made.ref(CombinationConfig), "description": "Which meet which."},
            "summarizer": {**made.ref(SummarizerConfig), "description": "What the report shows."},
            **made.fields(RunSettings),
            "load": made.load(),
        },
        "patternProperties": {"^(_|x-)": {}},
        "required": ["models", "datasets"],
        "additionalProperties": False,
        "$defs": made.all(),
    }


def field_words(kind: type[Struct]) -> dict[str, str]:
    """The docstring of each field that has one."""
    words: dict[str, str] = {}
    for cls in reversed(kind.__mro__):
        if issubclass(cls, Struct) and cls is not Struct:
            words.update(_own_words(cls))
    return words


@cache
def _own_words(cls: type[Struct]) -> Mapping[str, str]:
    """Of the fields that the class itself declares."""
    try:
        (body,) = ast.parse(dedent(python.getsource(cls))).body
    except (OSError, TypeError):
        return {}  # a package's class that was made without a source: its fields stand there without words
    assert isinstance(body, ast.ClassDef)
    words = {}
    for field, text in pairwise(body.body):
        match field, text:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(said))):
                words[name] = " ".join(said.split())
    return words


class _Definitions:
    """The schemas of structs, each once."""

    def __init__(self, told: Callable[[str], None]) -> None:
        self._told = told
        self._made: dict[str, Schema] = {"variable": _VARIABLE}
        self._kinds: dict[str, type[Struct]] = {}
        self._made["lengths"] = {
            "anyOf": [
                _or_variable(_TOKENS),
                {"type": "array", "items": _or_variable(_TOKENS), "minItems": 2, "maxItems": 2},
                self.by_type(LAWS, "method"),
            ]
        }

    def all(self) -> dict[str, Schema]:
        """Each by its name."""
        return dict(sorted(self._made.items()))

    def _name(self, kind: type[Struct]) -> str:
        """The class's; with its module where another class, such as a package's, has the same one."""
        name = kind.__name__
        return name if self._kinds.setdefault(name, kind) is kind else f"{kind.__module__}.{name}"

    def ref(self, kind: type[Struct]) -> Schema:
        """A reference to the schema of this struct."""
        name = self._name(kind)
        if name not in self._made:
            self._made[name] = self._object(kind)
        return {"$ref": f"#/$defs/{name}"}

    def service(self) -> Schema:
        """A reference to the schema of a service, whose type is the name of a dialect."""
        made = self.ref(ServiceConfig)
        self._made[ServiceConfig.__name__]["properties"]["type"] = {"enum": list(dialect_names())}
        for fault in DIALECTS.loaded()[1]:
            self._told(fault)
        return made

    def by_type(self, kinds: Mapping[str, type[Struct]], tag: str = "type") -> Schema:
        """One of the structs, by the name in its field `tag`."""
        for kind in kinds.values():
            self._made[self._name(kind)] = self._object(kind, {tag: {}})
        return {
            "type": "object",
            "required": [tag],
            "properties": {tag: {"enum": list(kinds)}},
            "allOf": [
                {
                    "if": {"properties": {tag: {"const": name}}, "required": [tag]},
                    "then": {"$ref": f"#/$defs/{self._name(kind)}"},
                }
                for name, kind in kinds.items()
            ],
        }

    def load(self) -> Schema:
        """One of the load shapes, or none."""
        return _any(self.registered(SHAPES, lambda found: found), {"type": "null"})

    def registered(self, registry: Registry[Any], settings: Callable[[Any], type[Struct]]) -> Schema:
        """One of those in a registry that can be had and described. settings: the struct of one of them."""
        found, faults = registry.loaded()
        kinds: dict[str, type[Struct]] = {}
        for name, thing in found.items():
            try:
                with registry.blaming(name, "cannot be described"):
                    self._object(settings(thing))
                kinds[name] = settings(thing)
            except ConfigError as error:
                faults += (str(error),)
        for fault in faults:
            self._told(fault)
        return self.by_type(kinds)

    def fields(self, kind: type[Struct]) -> dict[str, Schema]:
        """The schema of each field, with what its docstring says, and in words what is allowed."""
        words = field_words(kind)
        return {
            field.name: {
                **(_WRITTEN.get((kind, field.name)) or self._of(inspect.type_info(field.type))),
                "description": f"{words.get(field.name, '')} Allowed: {describe(field.type)}.".strip(),
            }
            for field in msgspec.structs.fields(kind)
        }

    def _object(self, kind: type[Struct], more: Mapping[str, Schema] | None = None) -> Schema:
        fields = msgspec.structs.fields(kind)
        return {
            "type": "object",
            "description": " ".join((python.getdoc(kind) or "").split()),
            "properties": {**(more or {}), **self.fields(kind)},
            "required": [field.name for field in fields if field.required and field.name != _DEFAULTED],
            "additionalProperties": False,
        }

    def _of(self, info: inspect.Type) -> Schema:
        match info:
            case inspect.Metadata(type=inner):
                return self._of(inner)
            case inspect.UnionType(types=types):
                laws = all(isinstance(one, inspect.StructType) and one.cls in LAWS.values() for one in types)
                return {"$ref": "#/$defs/lengths"} if laws else _any(*map(self._of, types))
            case inspect.StructType(cls=cls):
                return self.ref(cls)
            case inspect.CustomType(cls=cls):
                return _or_variable(_CUSTOM[cls])
            case inspect.LiteralType(values=values):
                return _or_variable({"enum": list(values)})
            case inspect.BoolType():
                return _or_variable({"type": "boolean"})
            case inspect.IntType() | inspect.FloatType():
                return _or_variable(_number(info))
            case inspect.StrType():
                return _text(info)
            case inspect.NoneType():
                return {"type": "null"}
            case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item):
                return {"type": "array", "items": self._of(item)}
            case inspect.DictType(value_type=value):
                return {"type": "object", "additionalProperties": self._of(value)}
        return {}


def _any(*schemas: Schema) -> Schema:
    """A schema for any of the schemas; `${NAME}` once."""
    members: list[Schema] = []
    for schema in schemas:
        members += [one for one in schema.get("anyOf", [schema]) if one not in members]
    return {"anyOf": members}


def _or_variable(schema: Schema) -> Schema:
    """With `${NAME}` in the place of what is no text."""
    return _any(schema, {"$ref": "#/$defs/variable"})


def _number(info: inspect.IntType | inspect.FloatType) -> Schema:
    limits = {"minimum": info.ge, "exclusiveMinimum": info.gt, "maximum": info.le, "exclusiveMaximum": info.lt}
    kind = "integer" if isinstance(info, inspect.IntType) else "number"
    return {"type": kind, **{name: limit for name, limit in limits.items() if limit is not None}}


def _text(info: inspect.StrType) -> Schema:
    schema: Schema = {"type": "string"}
    if info.min_length:
        schema["minLength"] = info.min_length
    return schema if info.pattern is None else _or_variable({**schema, "pattern": info.pattern})
