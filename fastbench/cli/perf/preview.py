"""`--dry-run` and `--search`: what a run would do, and which configs there are. Nothing is sent."""

from collections.abc import Sequence

import click

from fastbench.aisbench import FOLDERS, Found, find
from fastbench.api import describe
from fastbench.config import RunConfig
from fastbench.errors import Exit
from fastbench.options import Options

HEADER = ("Task Type", "Task Name", "Config File Path")
_WIDTH = 16


def print_plan(run: RunConfig) -> int:
    """Prints each task of `run`; returns the exit code. Raises UsageError for what could not be used in the run."""
    of = len(run.tasks())
    for task in describe(run):
        click.echo(f"Task {task.number} of {of}: {task.name}")
        for name, value in task.rows:
            click.echo(f"  {name:<{_WIDTH}}{value}")
    tasks = f"{of} task{'' if of == 1 else 's'}"
    at_once = f", {run.tasks_at_once} at once" if run.tasks_at_once > 1 else ""
    click.echo(f"{tasks}{at_once}; results would go to a new directory in {run.work_dir}.")
    click.echo("Nothing was sent.")
    return Exit.DONE


def print_found(options: Options) -> int:
    """Prints the table of the configs that are named, or of all where none is. Raises ConfigError."""
    # Imported late: a plan needs it not.
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
    return Exit.DONE


def _shadow(found: Found, fitting: Sequence[Found]) -> str:
    """A mark behind a config that another of its name stands in the place of."""
    first = next(other for other in fitting if other.name == found.name)
    return "" if first is found else " (not used: the one above stands in its place)"
