"""What the settings of a run are made of: the kinds of fields, and the struct that all share."""

from typing import Annotated

from msgspec import Meta, Struct

from fastbench.units import NS_PER_MS, Duration

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
Count = Annotated[int, Meta(ge=1, le=MAX_COUNT)]


class Frozen(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all settings share: no change after the check, no unknown names."""


class Pause(Duration):
    """A `Duration` that may be 0."""


class Interval(Duration):
    """A `Duration` of at least `MIN_INTERVAL_NS`."""
