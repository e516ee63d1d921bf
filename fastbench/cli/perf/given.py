"""What was given to `fastbench perf`, and what the user means by it."""

from __future__ import annotations

import re
from enum import Enum, auto
from pathlib import Path

import click
from click.core import ParameterSource

from fastbench.cli.perf.parsing import is_of_environment
from fastbench.config.services import shown_url
from fastbench.errors import UsageError
from fastbench.options import ARGUMENT, OPTIONS, Options, Takes, check_options, excludes, flag

_URL = re.compile(r"[a-z][a-z0-9+.-]*://|[^/?#]*@|[\w.-]+:\d+(/|\?|$)", re.IGNORECASE)
_PROMPTS = {suffix: option.name for option in OPTIONS.values() for suffix in option.suffixes}
_ACCURACY = ("all", "infer", "eval", "viz", "judge", "infer_judge")


class Action(Enum):
    """The ways that the command can go."""

    MEASURE = auto()
    CONTINUE = auto()
    REPORT_AGAIN = auto()
    SEARCH = auto()
    DRY_RUN = auto()


def given_options(ctx: click.Context) -> Options:
    """What the command line gives, and the environment where the command line does not say otherwise.

    Raises UsageError for options that do not go together, or go without something that they need.
    """
    values = {name: value for name, value in ctx.params.items() if _is_given(ctx, name)}
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
        if not text or (Path(text).is_file() and Path(text).suffix not in _PROMPTS):
            continue
        if Path(text).is_dir():
            raise UsageError(_of_directory(Path(text)))
        if Path(text).suffix in _PROMPTS:
            prompts = flag(_PROMPTS[Path(text).suffix])
            raise UsageError(f"{text} is no config, which is Python; if it holds prompts, give it as {prompts} {text}")
        if not Path(text).exists() and _URL.match(text.strip()):
            options = _with_url(options, option)
    return options


def _with_url(options: Options, option: str) -> Options:
    """`options`, whose `option` is a URL, with that one as the service's, unless the command line names another."""
    variable = options.variables.get(option)
    rest = options.without(option)
    if "url" in options and (variable is None) == ("url" not in options.variables):
        raise UsageError(
            f"{shown_url(options[option])} and {options.written('url')} name two services; give one of them"
        )
    return rest if "url" in options and variable is not None else rest.having("url", options[option], variable)


def _without_swallowed(options: Options) -> Options:
    """`options`, where a config behind an option whose value may be left out is no value of it."""
    for option in OPTIONS.values():
        value = options.get(option.name)
        if option.alone and isinstance(value, str) and value.endswith(".py") and ARGUMENT not in options:
            options = options.having(option.name, option.alone).having(ARGUMENT, value)
    return options


def _of_directory(path: Path) -> str:
    where = path.resolve()
    return (
        f"{path} is a directory, not a config; if it is a run, continue it by --reuse {where.name} "
        f"--work-dir {path.parent}, or see it by `fastbench report {path}`"
    )


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
