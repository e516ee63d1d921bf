"""A command whose help shows its options in sections, and which takes several values after one option."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

Sections = Mapping[str, Sequence[click.Option]]


class Several(click.Option):
    """An option with one or more values behind it, up to the next option; it may be repeated."""

    def __init__(self, *declarations: Any, **settings: Any) -> None:
        super().__init__(*declarations, **{**settings, "multiple": True})


class SectionedCommand(click.Command):
    """A command whose options stand in sections."""

    def __init__(
        self, name: str, *, callback: Callable[..., int], arguments: list[click.Argument], sections: Sections
    ) -> None:
        options: list[click.Parameter] = [option for section in sections.values() for option in section]
        super().__init__(name, callback=callback, params=[*arguments, *options], help=callback.__doc__)
        self._sections = sections

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        several = {flag for option in self.params if isinstance(option, Several) for flag in option.opts}
        return super().parse_args(ctx, spread(args, several))

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, options in self._sections.items():
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
