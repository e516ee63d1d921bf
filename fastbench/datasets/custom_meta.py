"""The `.meta.json` beside a custom data set: how many rows are sent, in which order, and how long the replies are."""

import json
import os
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta as Rule

from fastbench.config import Issues, show
from fastbench.config.fields import MAX_COUNT, MAX_LENGTH, Frozen, Uniform, check_fields
from fastbench.datasets.rows import whole_number
from fastbench.errors import ConfigError, DatasetError

SUFFIX = ".meta.json"
Shares = tuple[tuple[int, Decimal], ...]
"""(output tokens, share of the requests), …; the shares' sum is 1."""

_SHARES_FORM = (
    "a list of [tokens, share] with whole numbers of tokens above 0 and shares above 0 whose sum is exactly 1"
)


class CustomMeta(Frozen, frozen=True, kw_only=True):
    """The settings of a `.meta.json`. Each field may be missing."""

    request_count: int | None = None
    """Requests; more than rows start them anew. None = one for each row."""
    sampling_mode: Literal["default", "random", "shuffle"] = "default"
    """default: the first rows; random: a sample without replacement; shuffle: the first rows in random order."""
    output: Uniform | Shares | None = None
    """Output tokens, in the place of the rows' own."""


class _File(Frozen, frozen=True, kw_only=True):
    request_count: Any = None
    sampling_mode: Annotated[
        Literal["default", "random", "shuffle"],
        Rule(extra_json_schema={"description": '"default", "random" or "shuffle"'}),
    ] = "default"
    output_config: Any = None


class _Output(Frozen, frozen=True, kw_only=True):
    method: Annotated[
        Literal["uniform", "percentage"], Rule(extra_json_schema={"description": '"uniform" or "percentage"'})
    ]
    params: Annotated[
        Any,
        Rule(extra_json_schema={"description": "a dict with min_value and max_value, or with percentage_distribute"}),
    ]


class _Params(Frozen, frozen=True, kw_only=True):
    min_value: Any = None
    max_value: Any = None
    percentage_distribute: Any = None


def meta_file(path: str, meta_path: str | None) -> str | None:
    """The `.meta.json` of the data set at `path`; None if there is none."""
    if meta_path is not None:
        return meta_path
    beside = (path + SUFFIX, os.path.splitext(path)[0] + SUFFIX)
    return next((place for place in beside if os.path.exists(place)), None)


def read_meta(path: str) -> CustomMeta:
    """The checked content of a `.meta.json`. Raises DatasetError with all that is wrong, a line each."""
    try:
        raw = json.loads(Path(path).read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise DatasetError(f"{path}: the meta file cannot be read: {error.strerror}; set meta_path") from error
    except ValueError as error:
        raise DatasetError(f"{path}: the meta file is not JSON ({error})") from error
    if not isinstance(raw, dict):
        raise DatasetError(f'{path}: the meta file holds {show(raw)}, not an object such as {{"request_count": 10}}')
    issues = Issues(path)
    meta = _checked(raw, issues)
    try:
        issues.check()
    except ConfigError as error:
        raise DatasetError(str(error)) from error
    return meta


def _checked(raw: Mapping[str, Any], issues: Issues) -> CustomMeta:
    fields = check_fields(_File, raw, "", issues)
    count = fields.get("request_count")
    if count is not None:
        count = _number(count, "request_count", MAX_COUNT, issues)
    output = None
    if (given := fields.get("output_config")) is not None:
        output = _output(given, issues)
    return CustomMeta(request_count=count, sampling_mode=fields.get("sampling_mode", "default"), output=output)


def _output(raw: object, issues: Issues) -> Uniform | Shares | None:
    fields = check_fields(_Output, raw, "output_config", issues)
    if len(fields) < len(_Output.__struct_fields__):
        return None
    params = check_fields(_Params, fields["params"], "output_config.params", issues)
    return _range(params, issues) if fields["method"] == "uniform" else _shares(params, issues)


def _range(params: Mapping[str, Any], issues: Issues) -> Uniform | None:
    bounds = [_number(params.get(name), f"output_config.params.{name}", MAX_LENGTH, issues) for name in _BOUNDS]
    low, high = bounds
    if low is None or high is None:
        return None
    if low > high:
        issues.wrong("output_config.params.max_value", high, f"at least min_value, {low}")
        return None
    return Uniform(low=low, high=high)


_BOUNDS = ("min_value", "max_value")


def _number(value: object, path: str, most: int, issues: Issues) -> int | None:
    number = whole_number(value)
    if number is not None and 1 <= number <= most:
        return number
    allowed = f"a whole number from 1 to {most}"
    if value is None:
        issues.missing(path, allowed)
    else:
        issues.wrong(path, value, allowed)
    return None


def _shares(params: Mapping[str, Any], issues: Issues) -> Shares | None:
    path, raw = "output_config.params.percentage_distribute", params.get("percentage_distribute")
    if raw is None:
        issues.missing(path, _SHARES_FORM)
        return None
    pairs = [_share(item) for item in raw] if isinstance(raw, list) else []
    whole = tuple(pair for pair in pairs if pair is not None)
    # As they are written in decimal: 0.1 + 0.2 + 0.7 is 1.
    if not whole or len(whole) < len(pairs) or sum(share for _, share in whole) != 1:
        issues.wrong(path, raw, _SHARES_FORM)
        return None
    return whole


def _share(item: object) -> tuple[int, Decimal] | None:
    if not isinstance(item, list) or len(item) != 2:
        return None
    tokens, share = whole_number(item[0]), item[1]
    if tokens is None or not 1 <= tokens <= MAX_LENGTH or type(share) not in (int, float) or not 0 < share <= 1:
        return None
    return tokens, Decimal(str(share))
