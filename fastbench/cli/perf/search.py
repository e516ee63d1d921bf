"""`fastbench perf --search`: which files the names of tasks lead to."""

from collections.abc import Sequence

import click

from fastbench.aisbench import FOLDERS, Found, find
from fastbench.options import Options

HEADER = ("Task Type", "Task Name", "Config File Path")


def print_found(options: Options) -> int:
    """Prints the table of the configs that are named, or of all where none is; nothing is sent. Raises ConfigError."""
    # Imported late: help must not wait for it.
    from tabulate import tabulate  # type: ignore[import-untyped]  # it has no types

    wanted = {option: options[option] for option in FOLDERS if option in options}
    if "summarizer" in wanted:
        wanted["summarizer"] = [wanted["summarizer"]]
    if not wanted:
        wanted = {option: ["*"] for option in FOLDERS}
    rows = [
        (f"--{found.option}", found.name, f"{found.path}{_shadow(found, fitting)}")
        for fitting in find(wanted, options.get("config_dir"))
        for found in fitting
    ]
    click.echo(tabulate(rows, HEADER, tablefmt="fancy_grid", disable_numparse=True))
    return 0


def _shadow(found: Found, fitting: Sequence[Found]) -> str:
    """A mark behind a config that another of its name stands in the place of."""
    first = next(other for other in fitting if other.name == found.name)
    return "" if first is found else " (not used: the one above stands in its place)"
