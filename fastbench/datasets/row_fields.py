"""Fields of a row beside the prompt: the output length and parameters of its request."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from fastbench.config import show
from fastbench.config.fields import EXTRA, LENGTHS, MAX_LENGTH, OF_THE_RUN, PARAMETERS
from fastbench.datasets.rows import Row, RowError, whole_number
from fastbench.structured import StructureError, constraints_of

USUAL = "max_tokens"
"""The name of the output length where the settings give none; it stands for all that are known."""
SENT_FIELDS = PARAMETERS | {EXTRA}
"""The fields of rows that are sent where a data set's rows are requests."""
_NOT_EXTRA = OF_THE_RUN.union(LENGTHS)
# Sets whose columns are text hold these as JSON.
_OBJECTS = frozenset(
    {
        EXTRA,
        "tools",
        "functions",
        "tool_choice",
        "function_call",
        "response_format",
        "structured_outputs",
        "chat_template_kwargs",
        "logit_bias",
    }
)

# These are texts, also where a column's texts stand for JSON.
_TEXTS = frozenset({"regex", "guided_regex", "guided_grammar", "ebnf", "json_schema"})

RequestFields = Callable[[Row], dict[str, Any] | None]
"""Row → the parameters of its request; None = it has none. null says nothing."""


def length_key(row: Row, key: str) -> str:
    """The name under which a row says its length: `key`, or the first known one where that is the usual."""
    if key != USUAL:
        return key
    return next((name for name in LENGTHS if name in row and not _is_none(row[name])), key)


def length_names(key: str = USUAL) -> frozenset[str]:
    """The fields of which `length_key` is one."""
    return frozenset(LENGTHS) if key == USUAL else frozenset({key})


def output_len(row: Row, key: str = USUAL) -> int | None:
    """Output tokens, a number or, as in CSV, its digits; None where the row does not say. key: see `length_key`."""
    key = length_key(row, key)
    found = row.get(key)
    if _is_none(found):
        return None
    length = whole_number(found)
    if length is None or not 1 <= length <= MAX_LENGTH:
        raise RowError(f"has {show(found)} as {key}, which must be a whole number from 1 to {MAX_LENGTH}")
    return length


def _is_none(value: object) -> bool:
    return value is None or value == ""


def request_fields(*, all_text: bool) -> RequestFields:
    """all_text: every field is text, as in CSV, and stands for the JSON that it is, if it is any."""

    def read(row: Row) -> dict[str, Any] | None:
        names = row.keys() & SENT_FIELDS
        if not names:
            return None
        given = {name: _value(name, row[name], all_text) for name in row if name in names}
        found = {name: value for name, value in given.items() if value is not None and name != EXTRA}
        extra = given.get(EXTRA)
        if extra is not None and not isinstance(extra, dict):
            raise RowError(f"has {show(extra)} as {EXTRA}, which must be an object")
        if isinstance(extra, dict):
            found |= {name: value for name, value in extra.items() if name not in _NOT_EXTRA}
        return found or None

    return read


def _value(name: str, value: Any, all_text: bool) -> Any:
    if not isinstance(value, str) or not (all_text or name in _OBJECTS):
        return value
    if name in _TEXTS:
        return value or None
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        # As tables write them.
        return {"True": True, "False": False}.get(value, value or None)


def unsent_extra(row: Row) -> list[str]:
    """What stands in a row's further parameters and is not sent, as the run sets it, or the row's own length does."""
    extra = _value(EXTRA, row.get(EXTRA), all_text=True)
    return [f"{EXTRA}.{name}" for name in extra if name in _NOT_EXTRA] if isinstance(extra, dict) else []


def check_structure(fields: Mapping[str, Any]) -> None:
    """Raises RowError where parameters ask for a structure that is none; seen before anything is sent, once."""
    try:
        constraints_of(fields)
    except StructureError as error:
        raise RowError(str(error)) from error
