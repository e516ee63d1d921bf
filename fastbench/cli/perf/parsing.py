"""The command line and the environment → the options that are given, and what the user means by them."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from enum import Enum, auto
from typing import Any

import click
from click.core import ParameterSource

from fastbench.errors import UsageError
from fastbench.options import (
    ARGUMENT,
    OPTIONS,
    Option,
    Options,
    Takes,
    check_options,
    excludes,
    is_config_name,
    is_url,
    misspelt,
)

_KINDS: Mapping[Takes, Mapping[str, Any]] = {
    Takes.VALUE: {},
    Takes.OPTIONAL: {"is_flag": False},
    Takes.SEVERAL: {"multiple": True},
    Takes.REPEATED: {"multiple": True},
    Takes.FLAG: {"is_flag": True, "default": None},
    Takes.EITHER: {"default": None},
}
_ACCURACY = ("all", "infer", "eval", "viz", "judge", "infer_judge")


class Parameter(click.Option):
    """A declared option; its environment variable stands for it where it is not given."""

    def __init__(self, option: Option) -> None:
        given = {"metavar": option.metavar, "type": option.parse, "flag_value": option.alone}
        super().__init__(
            option.flags.split(),
            help=option.help,
            envvar=option.variable,
            **{name: value for name, value in given.items() if value is not None},
            **_KINDS[option.takes],
        )
        self.takes = option.takes

    def value_from_envvar(self, ctx: click.Context) -> Any:
        """As on the command line; values that would share an option are separated by spaces, and those of a repeated
        one stand on lines of their own."""
        text = self.resolve_envvar_value(ctx)
        if text is None or not self.multiple:
            return text
        return text.split() if self.takes is Takes.SEVERAL else list(filter(None, map(str.strip, text.splitlines())))

    def get_error_hint(self, ctx: click.Context | None) -> str:
        """What a message calls it: the variable where the value is that one's."""
        if ctx is not None and is_of_environment(ctx, self.name):
            return f"'{self.envvar}'"
        return super().get_error_hint(ctx)


def is_of_environment(ctx: click.Context, name: str | None) -> bool:
    """Whether the value of the option `name` is that of its variable."""
    return name is not None and ctx.get_parameter_source(name) is ParameterSource.ENVIRONMENT


class Sectioned(click.Command):
    """A command whose options stand in sections, and of which some take several values. sections: by their titles."""

    sections: Mapping[str, Sequence[click.Option]]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        several = {
            flag
            for option in self.params
            if isinstance(option, Parameter) and option.takes is Takes.SEVERAL
            for flag in option.opts
        }
        return super().parse_args(ctx, spread(args, several))

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        own = self.get_help_option(ctx)
        for title, options in {**self.sections, "Help": [own] if own else []}.items():
            records = [record for option in options if (record := option.get_help_record(ctx))]
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)


class SectionedCommand(Sectioned):
    """One whose options are all declared."""

    def __init__(
        self,
        name: str,
        *,
        callback: Callable[..., int],
        arguments: list[click.Argument],
        sections: Mapping[str, Sequence[Option]],
    ) -> None:
        self.sections = parameters_of(sections)
        options: list[click.Parameter] = [option for section in self.sections.values() for option in section]
        super().__init__(name, callback=callback, params=[*arguments, *options], help=callback.__doc__)


def parameters_of(sections: Mapping[str, Sequence[Option]]) -> dict[str, list[Parameter]]:
    """What the command line takes for declared options, by section."""
    return {title: [Parameter(option) for option in options] for title, options in sections.items()}


def spread(args: Sequence[str], several: set[str]) -> list[str]:
    """`--flag a b c` as `--flag a --flag b --flag c`, for the flags in `several`."""
    spread_out: list[str] = []
    flag = ""
    for arg in args:
        if flag and not arg.startswith("-"):
            # The first value stands behind the flag that is there already.
            spread_out += [arg] if spread_out[-1] == flag else [flag, arg]
            continue
        flag = arg if arg in several else ""
        spread_out.append(arg)
    return spread_out


class Action(Enum):
    """The ways that the command can go."""

    MEASURE = auto()
    CONTINUE = auto()
    REPORT_AGAIN = auto()
    SEARCH = auto()
    DRY_RUN = auto()


def given_options(ctx: click.Context, names: Collection[str] | None = None) -> Options:
    """What the command line gives, and the environment where the command line does not say otherwise. names: of the
    parameters that are declared options, None = all of them.

    Raises UsageError for options that do not go together, or go without something that they need, and for a misspelt
    variable.
    """
    fault = misspelt(os.environ)
    if fault:
        raise UsageError(fault)
    params = {name: value for name, value in ctx.params.items() if names is None or name in names}
    values = {name: value for name, value in params.items() if _is_given(ctx, name)}
    variables = {name: OPTIONS[name].variable for name in values if is_of_environment(ctx, name)}
    options = _without_outdone(understood(Options(values, variables)))
    check_options(options)
    return options


def _is_given(ctx: click.Context, name: str) -> bool:
    if ctx.get_parameter_source(name) not in (ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT):
        return False
    # A variable may say that a flag is not given.
    return name == ARGUMENT or OPTIONS[name].takes is not Takes.FLAG or bool(ctx.params[name])


def understood(options: Options) -> Options:
    """`options` with each thing under the option that it belongs to. Raises UsageError that names the option where
    that is for the user to say."""
    options = _without_swallowed(options)
    for option in (ARGUMENT, "config"):
        text = options.get(option)
        if text and is_url(text):
            options = _with_url(options, option)
    return options


def _with_url(options: Options, option: str) -> Options:
    """`options`, whose `option` is a URL, with that one as the service's, unless the command line names another."""
    variable = options.variables.get(option)
    rest = options.without(option)
    if "url" in options and (variable is None) == ("url" not in options.variables):
        # Imported late: help must not wait for it.
        from fastbench.config.services import shown_url

        raise UsageError(
            f"{shown_url(options[option])} and {options.written('url')} name two services; give one of them"
        )
    return rest if "url" in options and variable is not None else rest.having("url", options[option], variable)


def _without_swallowed(options: Options) -> Options:
    """`options`, where a config behind an option whose value may be left out is no value of it."""
    for option in OPTIONS.values():
        value = options.get(option.name)
        if option.alone and isinstance(value, str) and is_config_name(value) and ARGUMENT not in options:
            options = options.having(option.name, option.alone).having(ARGUMENT, value)
    return options


def _without_outdone(options: Options) -> Options:
    """`options` without those of the environment that do not go with the command line, which has the say."""
    command_line = options.without(*options.variables)
    outdone = {
        name for name in options.variables for other in command_line if excludes(name, other) or excludes(other, name)
    }
    outdone |= {name for name in options.variables if OPTIONS[name].needs.keys() & outdone}
    return options.without(*outdone)


def action_of(options: Options) -> Action:
    """The way that `options` ask for. Raises UsageError where they ask for none that there is."""
    mode = options.get("mode", "perf")
    if mode not in ("perf", "perf_viz"):
        what = "is about accuracy, which fastbench does not measure" if mode in _ACCURACY else "is no mode"
        raise UsageError(
            f"{options.written('mode')} {mode} {what}; use perf to measure, or perf_viz to report a finished run again"
        )
    if "search" in options:
        return Action.SEARCH
    if mode == "perf_viz" and "reuse" not in options:
        named = f"{options.written('mode')} perf_viz"
        raise UsageError(f"{named} reports a finished run again; name it with --reuse RUN, or the latest by -r")
    if "reuse" in options:
        return Action.REPORT_AGAIN if mode == "perf_viz" else Action.CONTINUE
    return Action.DRY_RUN if "dry_run" in options else Action.MEASURE
