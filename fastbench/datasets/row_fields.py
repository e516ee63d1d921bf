"""What a row says of its request beside the prompt and the length."""

from collections.abc import Callable
from typing import Any

import orjson

from fastbench.config.request_fields import EXTRA, LENGTHS, OF_THE_RUN, PARAMETERS
from fastbench.datasets.rows import Row

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
        "chat_template_kwargs",
        "logit_bias",
    }
)

RequestFields = Callable[[Row], dict[str, Any] | None]
"""Row → the parameters of its request; None = it has none. null says nothing."""


def request_fields(*, all_text: bool) -> RequestFields:
    """all_text: every field is text, as in CSV, and stands for the JSON that it is, if it is any."""

    def read(row: Row) -> dict[str, Any] | None:
        names = row.keys() & SENT_FIELDS
        if not names:
            return None
        given = {name: _value(row[name], all_text or name in _OBJECTS) for name in row if name in names}
        found = {name: value for name, value in given.items() if value is not None and name != EXTRA}
        extra = given.get(EXTRA)
        if isinstance(extra, dict):
            found |= {name: value for name, value in extra.items() if name not in _NOT_EXTRA}
        return found or None

    return read


def _value(value: Any, as_json: bool) -> Any:
    if not as_json or not isinstance(value, str):
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return value or None
