"""What an option of `fastbench perf` is: its names, values, target, exclusions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import cached_property
from typing import Any

from fastbench.options.places import Place

VARIABLES = "FASTBENCH_"
"""Prefix of the environment variables that stand for options."""


def flag(name: str) -> str:
    """The option `name` as it is written."""
    return "--" + name.replace("_", "-")


class Takes(Enum):
    """What follows an option."""

    VALUE = auto()
    OPTIONAL = auto()
    """A value that may be left out."""
    SEVERAL = auto()
    """One or more values, up to the next option."""
    REPEATED = auto()
    """One value; the option may be given again."""
    FLAG = auto()
    EITHER = auto()
    """Nothing, but the option has an opposite."""


@dataclass(frozen=True, kw_only=True)
class Option:
    """The one declaration of an option. No option has a default here: one that is not given leaves the config alone."""

    flags: str
    """As they are written, the long one last: "-w --work-dir"; with an opposite "--stream/--no-stream"."""
    help: str
    metavar: str | None = None
    takes: Takes = Takes.VALUE
    parse: Any = None
    """click's type for a value, or a function of its text; None = text."""
    alone: str | None = None
    """The value where it may be left out, and is."""
    sets: Place | None = None
    """The setting that it sets; None = it is about the command itself."""
    check: Callable[[Any], str | None] | None = None
    """The fault of a value, as a sentence after the option's name; None = none. Most values are checked by the config.
    """
    excludes: Mapping[str, str] = field(default_factory=dict)
    """Option that it excludes: the message, with {0} for this option and {1} for the other."""
    needs: Mapping[str, str] = field(default_factory=dict)
    """Option that it needs: the message, with {0} for this option."""
    opens_loop: bool = False
    """Whether it makes an open loop, whose requests go out at their times."""
    suffixes: tuple[str, ...] = ()
    """Suffixes of files that belong to this option if given in place of a config."""
    also: Mapping[str, str] = field(default_factory=dict)
    """This option as written: names of it in other tools, separated by spaces."""

    @cached_property
    def name(self) -> str:
        """The name under which its value is found."""
        return self.flags.partition("/")[0].split()[-1].lstrip("-").replace("-", "_")

    @property
    def variable(self) -> str:
        """The environment variable that stands for it."""
        return VARIABLES + self.name.upper()
