"""`fastbench mock`: serves simulated replies until it is stopped."""

from __future__ import annotations

import dataclasses
import sys
from typing import Any

import click

from fastbench.cli.user import say
from fastbench.errors import FastbenchError
from fastbench.mock import flag_name, make_options, option_fields


def _click_option(row: dataclasses.Field[Any]) -> click.Option:
    """The command-line option of one row of the mock's table."""
    kind = str(row.type)
    flag = flag_name(row.name)
    settings: dict[str, Any] = {
        "help": row.metadata["help"],
        "hidden": row.metadata["hidden"],
        "default": row.default,
    }
    if row.default not in (None, False, ()):
        settings["show_default"] = True
    if kind.startswith("bool"):
        opposite = "--" + flag.removeprefix("--no-") if flag.startswith("--no-") else flag.replace("--", "--no-", 1)
        return click.Option([f"{flag}/{opposite}"], **settings)
    settings["metavar"] = row.metadata["metavar"]
    if kind.startswith("tuple"):
        return click.Option([flag], multiple=True, **settings)
    if row.metadata["choices"]:
        settings["type"] = click.Choice(row.metadata["choices"])
    else:
        settings["type"] = int if kind.startswith("int") else float if kind.startswith("float") else str
    return click.Option([flag, row.name], **settings)


def run_mock(**values: Any) -> None:
    """Simulates an inference service (OpenAI, TGI, Triton, MindIE): its timing, its event streams, its faults."""
    try:
        options = make_options(values)
        from fastbench.mock import serve

        serve(
            options,
            lambda url: click.echo(f"fastbench mock serves {url} (model {options.model}); stop with Ctrl-C"),
        )
    except FastbenchError as error:
        say(str(error))
        sys.exit(error.exit_code)


mock_command = click.Command(
    "mock", callback=run_mock, params=[_click_option(row) for row in option_fields()], help=run_mock.__doc__
)

if __name__ == "__main__":
    mock_command(prog_name="fastbench mock")
