"""Declared options as click's: on the command line, in the environment, and in the sections of help."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click
from click.core import ParameterSource

from fastbench.options import Option, Takes

_KINDS: Mapping[Takes, Mapping[str, Any]] = {
    Takes.VALUE: {},
    Takes.OPTIONAL: {"is_flag": False},
    Takes.SEVERAL: {"multiple": True},
    Takes.REPEATED: {"multiple": True},
    Takes.FLAG: {"is_flag": True, "default": None},
    Takes.EITHER: {"default": None},
}


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


class SectionedCommand(click.Command):
    """A command whose options stand in sections, and of which some take several values."""

    def __init__(
        self,
        name: str,
        *,
        callback: Callable[..., int],
        arguments: list[click.Argument],
        sections: Mapping[str, Sequence[Option]],
    ) -> None:
        self.sections = {title: [Parameter(option) for option in options] for title, options in sections.items()}
        options: list[click.Parameter] = [option for section in self.sections.values() for option in section]
        super().__init__(name, callback=callback, params=[*arguments, *options], help=callback.__doc__)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        several = {
            flag
            for section in self.sections.values()
            for option in section
            if option.takes is Takes.SEVERAL
            for flag in option.opts
        }
        return super().parse_args(ctx, spread(args, several))

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, options in self.sections.items():
            with formatter.section(title):
                formatter.write_dl([record for option in options if (record := option.get_help_record(ctx))])
        own = self.get_help_option(ctx)
        record = own.get_help_record(ctx) if own else None
        if record:
            with formatter.section("Help"):
                formatter.write_dl([record])


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
