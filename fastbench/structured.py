"""Structured output: what a request asks of its reply's text, and whether the text is that.

    constraints = constraints_of(body)      # of a request's parameters, or its whole body; () = it asks for nothing
    with LimitedChecks() as check:
        fault_of(constraints, text, check)  # "" = valid; what is wrong, in a few words; None = it cannot be told

What is asked for has the names that OpenAI's API, vLLM, SGLang, TGI and llama.cpp have for it. A JSON schema is checked
by the package jsonschema (the extra `schema`), which is imported when the first one is met; a regular expression by
`re`, and it must match the whole text. One that backtracks may never come to an end: such checks run in a process of
their own, for a limited time.
"""

from __future__ import annotations

import importlib.util
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from textwrap import shorten
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

import orjson

from fastbench.installing import install

SCHEMAS: Final = frozenset({"response_format", "structured_outputs", "guided_json", "json_schema", "grammar"})
"""The parameters that may hold a JSON schema."""
STRUCTURED: Final = SCHEMAS | {"guided_regex", "guided_choice", "regex"}
"""The parameters that say what a text has to be."""
_NESTED = ("parameters", "sampling_params", "extra_body")
"""The objects of a body that may hold them."""

NOT_JSON: Final = "not JSON"
PACKAGE: Final = "jsonschema"
INSTALL: Final = install("schema")
_LONGEST = 160
_ENDLESS = (b'"pattern', b'"$')
"""How the keywords of a JSON schema begin that hold expressions, and references, which fold parts into each other."""
_UNTRIED = ("bad escape", "unknown extension")
"""How `re` begins to tell of what other engines may know."""

Check = Callable[[str], str | None]
"""Text → "" = valid, what is wrong, or None = it cannot be told."""


class StructureError(ValueError):
    """What is wrong with what is asked for; follows "the row", or the name of a setting."""


class Constraint(NamedTuple):
    """One thing that is asked of a text. field: the parameter, such as "response_format.json_schema.schema". endless:
    whether a check may take any time, as where an expression backtracks. source: what another process makes it of."""

    field: str
    check: Check
    endless: bool = False
    source: tuple[str, bytes] = ("", b"")


def is_installed() -> bool:
    """Whether JSON schemas can be checked."""
    return importlib.util.find_spec(PACKAGE) is not None


def constraints_of(body: Mapping[str, Any]) -> tuple[Constraint, ...]:
    """What a request asks of its reply's text; all of it must hold. body: its parameters by name, alone or among
    others, also within `parameters`, `sampling_params` and `extra_body`. Raises StructureError for a schema that is
    none."""
    found: list[Constraint] = []
    for place, given in _given(body):
        try:
            key = orjson.dumps(given, option=orjson.OPT_SORT_KEYS)
        except TypeError as error:
            raise StructureError(f"has {place}{next(iter(given))} that is no JSON ({error})") from error
        found += _made(place, key)
    return tuple(found)


def structures_of(body: Mapping[str, Any]) -> frozenset[str]:
    """The names of the parameters by which a request asks that; body: as `constraints_of` has it."""
    return frozenset(name for _, given in _given(body) for name in given)


def _given(body: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(where, such as "parameters.", and those parameters there that say something)."""
    for place, part in (("", body), *((f"{name}.", body.get(name)) for name in _NESTED)):
        whole = part if isinstance(part, Mapping) else {}
        if given := {name: whole[name] for name in STRUCTURED & whole.keys() if whole[name] is not None}:
            yield place, given


def fault_of(
    constraints: Sequence[Constraint],
    text: str,
    check: Callable[[Constraint, str], str | None] = lambda constraint, text: constraint.check(text),
) -> str | None:
    """What is wrong with a text, in a few words that repeat nothing of it but the names of members; "" = nothing; None
    = that cannot be told. check: how one is checked, without a limit of time where nothing else is said."""
    faults = [check(one, text) for one in constraints]
    told = next((fault for fault in faults if fault), None)
    return told if told or None in faults else ""


class LimitedChecks:
    """Checks texts. What may take any time runs in a process that the system ends after a limit of computing: then, and
    of the same constraint from then on, it cannot be told."""

    def __init__(self, limit_s: float = 1.0, most: int = 20) -> None:
        """limit_s: of one check. most: constraints given up, from which on no endless one is tried."""
        self._limit_s = limit_s
        self._most = most
        self._process: subprocess.Popen[bytes] | None = None
        self.given_up: dict[tuple[str, bytes], str] = {}
        """Constraints whose checks took too long: their sources and fields."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._end()

    def __call__(self, constraint: Constraint, text: str) -> str | None:
        """As `Constraint.check`."""
        if not constraint.endless:
            return constraint.check(text)
        if constraint.source in self.given_up or len(self.given_up) >= self._most:
            return None
        process = self._process = self._process or self._begun()
        assert process.stdin is not None
        assert process.stdout is not None
        place, key = constraint.source
        try:
            process.stdin.write(orjson.dumps([place, key.decode(), constraint.field, text]) + b"\n")
            process.stdin.flush()
            answer = process.stdout.readline()
        except BrokenPipeError:
            answer = b""
        if answer:
            found: str | None = orjson.loads(answer)
            return found
        self._end()
        self.given_up[constraint.source] = constraint.field
        return None

    def _begun(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-P", "-m", __name__, str(self._limit_s)]
        # A session of its own: Ctrl-C is not for it.
        pipe = subprocess.PIPE
        return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, start_new_session=True)

    def _end(self) -> None:
        if self._process is not None:
            with self._process:
                self._process.kill()
            self._process = None


def _answer_checks(limit_s: float) -> None:
    """The other process: a line for each check, and an answer for each. Without a handler the signal ends it."""
    for line in sys.stdin.buffer:
        place, key, field, text = orjson.loads(line)
        check = next(one.check for one in _made(place, key.encode()) if one.field == field)
        signal.setitimer(signal.ITIMER_VIRTUAL, limit_s)
        fault = check(text)
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        sys.stdout.buffer.write(orjson.dumps(fault) + b"\n")
        sys.stdout.buffer.flush()


@lru_cache(maxsize=1024)
def _made(place: str, key: bytes) -> tuple[Constraint, ...]:
    return tuple(
        constraint._replace(source=(place, key))
        for name, value in orjson.loads(key).items()
        for constraint in _READERS[name](f"{place}{name}", value)
    )


def _response_format(field: str, value: Any) -> Iterator[Constraint]:
    """Of OpenAI, and of what others put there; a type that is not known asks for nothing that could be checked."""
    kind = value.get("type") if isinstance(value, dict) else None
    if not isinstance(kind, str):
        raise StructureError(
            f'has {_shown(value)} as {field}, which must be an object such as {{"type": "json_object"}}'
        )
    if kind == "json_schema":
        inner = value.get("json_schema")
        place = f"{field}.json_schema" if isinstance(inner, dict) else field
        yield from _schema_at(inner if isinstance(inner, dict) else value, place, ("schema", "value"))
    elif kind in ("json", "json_object") and {"schema", "value"} & value.keys():
        yield from _schema_at(value, field, ("schema", "value"))
    elif kind in ("json", "json_object"):
        yield Constraint(field, _json_object)
    elif kind == "regex":
        yield from _regex(f"{field}.value", value.get("value", value.get("pattern")))


def _schema_at(value: Mapping[str, Any], field: str, names: Sequence[str]) -> Iterator[Constraint]:
    name = next((name for name in names if name in value), None)
    if name is None:
        raise StructureError(f"has {field} without {names[0]}, which must be a JSON schema")
    yield from _schema(f"{field}.{name}", value[name])


def _structured_outputs(field: str, value: Any) -> Iterator[Constraint]:
    """Of vLLM."""
    if not isinstance(value, dict):
        raise StructureError(f'has {_shown(value)} as {field}, which must be an object such as {{"json": {{…}}}}')
    for name, read in (("json", _schema), ("regex", _regex), ("choice", _choice)):
        if value.get(name) is not None:
            yield from read(f"{field}.{name}", value[name])
    if value.get("json_object"):
        yield Constraint(f"{field}.json_object", _json_object)


def _json_schema(field: str, value: Any) -> Iterator[Constraint]:
    """Of SGLang as text, of llama.cpp as an object; with a name around it as OpenAI has it."""
    if isinstance(value, dict) and "name" in value and isinstance(value.get("schema"), dict):
        field, value = f"{field}.schema", value["schema"]
    yield from _schema(field, value)


def _grammar(field: str, value: Any) -> Iterator[Constraint]:
    """Of TGI an object, of others a grammar as text, which nothing here reads."""
    if isinstance(value, dict):
        yield from _response_format(field, value)


def _schema(field: str, value: Any) -> Iterator[Constraint]:
    if isinstance(value, str):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError as error:
            raise StructureError(f"has {field} that is no JSON ({error.msg})") from error
    if not isinstance(value, dict | bool):
        raise StructureError(f"has {_shown(value)} as {field}, which must be a JSON schema, an object")
    if is_installed():
        yield Constraint(field, _by_schema(field, value), endless=any(map(orjson.dumps(value).__contains__, _ENDLESS)))
    else:
        yield Constraint(field, _cannot_tell)


def _regex(field: str, value: Any) -> Iterator[Constraint]:
    if not isinstance(value, str):
        raise StructureError(f"has {_shown(value)} as {field}, which must be a regular expression")
    try:
        pattern = re.compile(value)
    except (re.error, RecursionError, OverflowError) as error:
        if not str(error).startswith(_UNTRIED):
            raise StructureError(f"has {_shown(value)} as {field}, which is no regular expression ({error})") from error
        yield Constraint(field, _cannot_tell)
        return
    yield Constraint(field, lambda text: "" if pattern.fullmatch(text) else "does not match the regex", endless=True)


def _choice(field: str, value: Any) -> Iterator[Constraint]:
    if not isinstance(value, list) or not value or not all(isinstance(one, str) for one in value):
        raise StructureError(f"has {_shown(value)} as {field}, which must be a list of texts")
    choices = frozenset(value)
    yield Constraint(field, lambda text: "" if text in choices else "none of the choices")


_READERS: dict[str, Callable[[str, Any], Iterator[Constraint]]] = {
    "response_format": _response_format,
    "structured_outputs": _structured_outputs,
    "guided_json": _schema,
    "json_schema": _json_schema,
    "grammar": _grammar,
    "guided_regex": _regex,
    "regex": _regex,
    "guided_choice": _choice,
}


def _cannot_tell(_: str) -> None:
    """Of what cannot be checked here."""


def _json_object(text: str) -> str:
    try:
        return "" if isinstance(orjson.loads(text), dict) else "not an object"
    except orjson.JSONDecodeError:
        return NOT_JSON


def _by_schema(field: str, schema: Any) -> Check:
    """Raises StructureError for a schema that is none."""
    # Imported late: a tenth of a second that most runs need not pay.
    from jsonschema.exceptions import SchemaError, best_match  # type: ignore[import-untyped]  # it has no types
    from jsonschema.validators import Draft202012Validator, validator_for  # type: ignore[import-untyped]
    from jsonschema_specifications import REGISTRY  # type: ignore[import-untyped]
    from referencing.exceptions import Unresolvable

    kind = validator_for(schema, default=Draft202012Validator)
    try:
        kind.check_schema(schema)
    except SchemaError as error:
        where = f", at {_path(error.absolute_path)}" if error.absolute_path else ""
        raise StructureError(f"has a {field} that is no JSON schema ({_short(error.message)}{where})") from error
    except RecursionError as error:
        raise StructureError(f"has a {field} that is no JSON schema (it is nested too deeply)") from error
    # Its own registry: nothing that a schema refers to is fetched from the network.
    validator = kind(schema, registry=REGISTRY)

    def check(text: str) -> str | None:
        try:
            found = best_match(validator.iter_errors(orjson.loads(text)))
        except orjson.JSONDecodeError:
            return NOT_JSON
        except (Unresolvable, RecursionError, ArithmeticError, re.error):  # of the schema, not of the text
            return None
        return "" if found is None else f"{found.validator} at {_path(found.absolute_path)}"

    return check


def _path(parts: Sequence[str | int]) -> str:
    """As JSONPath has it; the place of an item says less than that it is one."""
    return _short("$" + "".join("[]" if isinstance(part, int) else f".{part}" for part in parts))


def _shown(value: Any) -> str:
    return _short(repr(value))


def _short(text: str) -> str:
    return shorten(text, _LONGEST, placeholder=" …") if " " in text[:_LONGEST] else text[:_LONGEST]


if __name__ == "__main__":
    _answer_checks(float(sys.argv[1]))
