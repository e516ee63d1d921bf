"""All options of `fastbench perf`, in the sections of its help; and the values of those that were given.

The order of the options is that in which they are applied.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from fastbench.errors import UsageError
from fastbench.options.live import LIVE
from fastbench.options.load import LOAD
from fastbench.options.option import VARIABLES, Option, flag
from fastbench.options.search import SEARCH
from fastbench.options.service import SERVICE
from fastbench.options.tasks import PROMPTS, RESULTS, TASKS

SECTIONS: Mapping[str, Sequence[Option]] = {
    "What to run": TASKS,
    "Service": SERVICE,
    "Prompts": PROMPTS,
    "Load": LOAD,
    "Results": RESULTS,
}
OPTIONS: Mapping[str, Option] = {
    option.name: option for section in (LIVE, SEARCH, *SECTIONS.values()) for option in section
}
"""All options by name, also those of `fastbench saturate` and `compare`; where `perf` has one it is its."""
SYNONYMS: Mapping[str, str] = {
    name: written for option in OPTIONS.values() for written, names in option.also.items() for name in names.split()
}
"""Names of options in other tools and configs → ours."""


def meant_by(written: str) -> str | None:
    """Our option for `written`, a name in another tool or in a config; None = none is known."""
    if written in SYNONYMS:
        return SYNONYMS[written]
    name = written.lstrip("-").replace("_", "-").lower()
    return f"--{name}" if name.replace("-", "_") in OPTIONS else SYNONYMS.get(name)


_ALIKE = 0.7
"""How much a misspelt variable is like the one that is meant."""
ARGUMENT = "config_file"
"""The name of the argument in place of a config."""


class Options(Mapping[str, Any]):
    """The values that were given, by the names of options."""

    def __init__(self, values: Mapping[str, Any], variables: Mapping[str, str] | None = None) -> None:
        """variables: the environment variables that hold values, by the names of options; the others are of the
        command line."""
        self._values = dict(values)
        self.variables = dict(variables or {})

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def written(self, name: str) -> str:
        """How the user gave it: the option, its variable, or the argument in place of a config."""
        if name == ARGUMENT:
            # Settings themselves are not shown: there may be a key in them.
            return self[name] if isinstance(self[name], str) else "config"
        return self.variables.get(name, flag(name))

    def having(self, name: str, value: Any, variable: str | None = None) -> Options:
        """These, with a value more, or another one."""
        others = self.without(name)
        variables = others.variables if variable is None else {**others.variables, name: variable}
        return Options({**others, name: value}, variables)

    def without(self, *names: str) -> Options:
        """These, without some."""
        variables = {name: variable for name, variable in self.variables.items() if name not in names}
        return Options({name: self[name] for name in self if name not in names}, variables)


def misspelt(variables: Iterable[str]) -> str | None:
    """The fault of environment variables, in a sentence: one with our prefix whose name is not an option's, but like
    one. Keys, and what is like none, may be the user's own. None = there is no fault."""
    names = {option.variable.removeprefix(VARIABLES) for option in OPTIONS.values()}
    for variable in sorted(variables):
        name = variable.removeprefix(VARIABLES)
        if name == variable or name in names:
            continue
        # Imported late: hardly any environment has such a variable, and help must not wait for it.
        from fastbench.config.fields import nearest
        from fastbench.secrets import is_secret_name

        close = nearest(name, names, _ALIKE)
        if close and not is_secret_name(name):
            return f"the environment variable {variable} is no option's; did you mean {VARIABLES}{close}? Else unset it"
    return None


def excludes(name: str, other: str) -> bool:
    """Whether the option `name` excludes the other one."""
    return name in OPTIONS and other in OPTIONS[name].excludes


def check_options(options: Options) -> None:
    """Raises UsageError for options that exclude each other, lack one that they need, or have a wrong value."""
    given = [option for option in OPTIONS.values() if option.name in options]
    for option in given:
        for other, why in option.excludes.items():
            if other in options:
                raise UsageError(why.format(options.written(option.name), options.written(other)))
    for option in given:
        for other, what in option.needs.items():
            if other not in options:
                raise UsageError(what.format(options.written(option.name)))
    for option in given:
        fault = option.check and option.check(options[option.name])
        if fault:
            raise UsageError(f"{options.written(option.name)} {fault}")
