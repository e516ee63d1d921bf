"""Settings as Python gives them → a checked run. Each keyword is an option of the command line, by its name."""

from __future__ import annotations

import numbers
import os
from collections.abc import Mapping
from typing import Any

import click
import numpy as np

from fastbench.config import DatasetConfig, Issues, RunConfig, RunSettings, public_run, show
from fastbench.config.fields import check_fields, nearest
from fastbench.config.services import ServiceConfig
from fastbench.errors import UsageError
from fastbench.options import (
    ARGUMENT,
    LIVE,
    LIVE_SECTIONS,
    OPTIONS,
    SEARCH,
    SECTIONS,
    Chosen,
    Option,
    Options,
    Takes,
    check_options,
    in_keywords,
    is_url,
    meant_by,
    run_of_options,
)

Config = str | os.PathLike[str] | Mapping[str, Any] | RunConfig | None
"""A config file's path, a service's URL, native settings, or a checked run; None = keywords only."""

_OF_THE_COMMAND = {
    "config": "give the config as the first argument",
    "search": "it lists the configs",
    "dry_run": "it prints a plan",
    "mode": "take fastbench.runs(path) for the runs that there are",
    "reuse": "it continues a run of the command line",
    "shard": "shards are started from their hosts' command lines",
    "start_at": "shards are started from their hosts' command lines",
    "ray": "a Ray run is started from the command line",
    "nodes": "a Ray run is started from the command line",
    "tables": "the tables' figures are metrics, parameters and common of the Result",
    "no_plot": "the page is written by Result.report() only",
    "strict": "look at Result.verdict",
    "assert": "ask Result.check(…)",
    "junit": "ask Result.check(…)",
    "summary": "print(result) shows it",
    "quiet": "nothing is shown anyway",
    "classic": "nothing is shown anyway",
}
_OF_SEARCHES = {option.name for option in SEARCH} - {option.name for part in SECTIONS.values() for option in part}
_OF_LIVE = {option.name for option in LIVE} - {option.name for part in SECTIONS.values() for option in part}
_PAIRS = (OPTIONS["header"].parse, OPTIONS["param"].parse)
"""Of the options that take names with values, as a mapping."""
_OWN = ("on_progress", "stop")


def chosen_run(config: Config, settings: Mapping[str, Any]) -> Chosen:
    """The run of a config with the keyword settings over it. Raises UsageError."""
    if isinstance(config, RunConfig):
        _check_made(config)
        if settings:
            names = ", ".join(f"{name}=" for name in settings)
            raise UsageError(
                f"{names} cannot change a RunConfig, which is complete: use msgspec.structs.replace, or "
                "give the config as a path or a mapping"
            )
        return Chosen(config, ())
    given = {name: _value(name, _plain(value)) for name, value in settings.items() if value is not None}
    values = {**_of_argument(config), **{name: value for name, value in given.items() if value is not None}}
    if isinstance(config, str) and "url" in values and "url" in given:
        raise UsageError("the first argument and url= name two services; give one of them")
    options = Options(values)
    check_options(options)
    run, remarks = run_of_options(options)
    return Chosen(run, tuple(map(in_keywords, remarks)))


def _of_argument(config: str | os.PathLike[str] | Mapping[str, Any] | None) -> dict[str, Any]:
    if config is None:
        return {}
    if isinstance(config, Mapping):
        odd = next((name for name in config if not isinstance(name, str)), None)
        if odd is not None:
            raise UsageError(f"the config has the name {show(odd)}, of type {type(odd).__name__}; names must be text")
        return {ARGUMENT: _plain(config)}
    if not isinstance(config, str | os.PathLike):
        raise UsageError(
            f"the first argument is of type {type(config).__name__}; give a config's path, a mapping of settings, or "
            "a RunConfig"
        )
    text = os.fspath(config)
    return {"url" if is_url(text) else ARGUMENT: text}


def _check_made(run: RunConfig) -> None:
    """Raises UsageError for a RunConfig that is not what `fastbench.config.build_run` makes: one made by hand."""
    services = run.models and all(isinstance(model, ServiceConfig) for model in run.models)
    if not services or not run.datasets or not all(isinstance(dataset, DatasetConfig) for dataset in run.datasets):
        raise UsageError(
            "a RunConfig made by hand is not checked: give its settings as a mapping, or make it by "
            "fastbench.config.build_run(mapping, source)"
        )
    # Its text forms are what a config may say, too.
    settings = {name: value for name, value in public_run(run).items() if name in RunSettings.__struct_fields__}
    issues = Issues("the RunConfig")
    check_fields(RunSettings, settings, "", issues)
    issues.check()


def _plain(value: Any) -> Any:
    """`value` with Python's own numbers and lists in the place of numpy's and of other packages', also within it."""
    match value:
        case bool() | str():
            return value
        case np.ndarray() | np.generic():
            return value.tolist()
        case numbers.Integral():
            return int(value)
        case numbers.Real():
            return float(value)
        case Mapping():
            return {name: _plain(item) for name, item in value.items()}
        case list() | tuple():
            return type(value)(map(_plain, value)) if type(value) in (list, tuple) else value
    return value


def _value(name: str, value: Any) -> Any:
    """The option's value as the command line would have it; None = as if it were not given. Raises UsageError."""
    option = OPTIONS.get(name)
    if option is None:
        raise UsageError(f"there is no setting {name}=; {_way_out(name)}")
    if name in _OF_THE_COMMAND:
        raise UsageError(f"{name}= works on the command line only: {_OF_THE_COMMAND[name]}")
    if name in _OF_LIVE - _OF_SEARCHES:
        raise UsageError(f"{name}= is for fastbench.compare_live, which measures two services")
    if name in _OF_SEARCHES:
        raise UsageError(f"{name}= is for fastbench.saturate, which searches for the load")
    return _converted(option, name, value)


def live_options(settings: Mapping[str, Any]) -> Options:
    """The options of a comparison of two services, of keywords by their names. Raises UsageError."""
    allowed = {option.name: option for section in LIVE_SECTIONS.values() for option in section}
    given = {name: _plain(value) for name, value in settings.items() if value is not None}
    for name in given:
        if name in OPTIONS and name not in (*allowed, "slo"):
            raise UsageError(f"{name}= is no setting of a comparison of two services")
        if name not in OPTIONS:
            raise UsageError(f"there is no setting {name}=; {_way_out(name)}")
    options = {name: _converted(allowed.get(name, OPTIONS[name]), name, value) for name, value in given.items()}
    found = Options({name: value for name, value in options.items() if value is not None})
    check_options(found)
    return found


def search_options(settings: Mapping[str, Any]) -> Options:
    """The options of a search, of keywords by their names. Raises UsageError."""
    given = {name: _plain(value) for name, value in settings.items() if value is not None}
    values = {name: _converted(OPTIONS[name], name, value) for name, value in given.items()}
    options = Options({name: value for name, value in values.items() if value is not None})
    check_options(options)
    return options


def _converted(option: Option, name: str, value: Any) -> Any:
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    try:
        return _SHAPES[option.takes](option, value)
    except click.BadParameter as error:
        raise UsageError(f"{name}= is wrong: {error.message}") from error


def _way_out(name: str) -> str:
    known = [*(set(OPTIONS) - set(_OF_THE_COMMAND)), *_OWN]
    meant = meant_by(name)
    if meant is not None:
        return f"use {in_keywords(meant)}"
    close = nearest(name, known)
    return f"did you mean {close}=?" if close else "docs/api.md has all of them"


def _parsed(option: Option, value: Any) -> Any:
    """Text is parsed by the option's parser; other values are left to the config's check."""
    if isinstance(option.parse, click.ParamType):
        return option.parse.convert(value, None, None)
    if not isinstance(value, str) and (fault := _type_fault(option, value)):
        raise click.BadParameter(fault)
    if option.parse is None or not isinstance(value, str):
        return value
    try:
        return option.parse(value)
    except ValueError as error:
        raise click.BadParameter(
            f"{value!r} is not a valid {'integer' if option.parse is int else 'number'}."
        ) from error


def _type_fault(option: Option, value: Any) -> str | None:
    """The fault of a value that is no text, by its type; None = none, or one that the config's check tells."""
    told = f"it is of type {type(value).__name__}; give "
    if option.parse in _PAIRS:
        return None if isinstance(value, tuple) and len(value) == 2 else f"{told}a mapping, or text."
    if option.name == "ramp":
        return None if isinstance(value, Mapping) else f'{told}text, such as "1:100".'
    if option.sets is not None:
        return None
    if option.parse is int:
        return None if isinstance(value, int) else f"{told}a whole number."
    return f"{told}text."


def _flag(option: Option, value: Any) -> Any:
    if isinstance(value, Mapping) and option.name == "mock":
        return tuple(value.items())
    if not isinstance(value, bool):
        also = ", or a mapping of the simulated service's settings" if option.name == "mock" else ""
        raise click.BadParameter(f"it is of type {type(value).__name__}; give True or False{also}.")
    return True if value else None


def _either(_: Option, value: Any) -> bool:
    if not isinstance(value, bool):
        raise click.BadParameter(f"it is of type {type(value).__name__}; give True or False.")
    return value


def _optional(option: Option, value: Any) -> Any:
    if isinstance(value, bool):
        return option.alone if value else None
    return _parsed(option, value)


def _listed(option: Option, value: Any) -> tuple[Any, ...]:
    """Of one value, a list of them, or, where they are pairs, a mapping."""
    if isinstance(value, Mapping) and option.parse in _PAIRS:
        return tuple(value.items())
    items = value if isinstance(value, list | tuple) else [value]
    return tuple(_parsed(option, item) for item in items)


_SHAPES = {
    Takes.VALUE: _parsed,
    Takes.OPTIONAL: _optional,
    Takes.SEVERAL: _listed,
    Takes.REPEATED: _listed,
    Takes.FLAG: _flag,
    Takes.EITHER: _either,
}
