"""Settings as Python gives them → a checked run. Each keyword is an option of the command line, by its name."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

import click

from fastbench.config import RunConfig
from fastbench.config.fields import nearest
from fastbench.errors import FastbenchError, UsageError
from fastbench.options import ARGUMENT, OPTIONS, Chosen, Option, Options, Takes, check_options, meant_by, run_of_options
from fastbench.secrets import KNOWN

Config = str | os.PathLike[str] | Mapping[str, Any] | RunConfig | None
"""A config file's path, a service's URL, native settings, or a run that is checked already; None = keywords alone."""

_OF_THE_COMMAND = {
    "config": "give the config as the first argument",
    "search": "it prints the configs that there are by name",
    "dry_run": "it prints a plan",
    "mode": "take fastbench.runs(path) for the runs that there are",
    "reuse": "it continues a run of the command line",
    "shard": "shares of several hosts are begun from their command lines",
    "start_at": "shares of several hosts are begun from their command lines",
    "ray": "nodes of a Ray cluster are begun from the command line",
    "nodes": "nodes of a Ray cluster are begun from the command line",
    "tables": "the tables' figures are metrics, parameters and common of the Result",
    "no_plot": "the page is written by Result.report() only",
    "strict": "look at Result.verdict",
    "quiet": "nothing is shown anyway",
}
_OWN = ("on_progress", "stop")
_FLAG = re.compile(r"`[^`]*`|--([a-z][a-z-]*[a-z])(?: (?=[A-Z][A-Z:]*\b|https?:|\[))?")


def chosen_run(config: Config, settings: Mapping[str, Any]) -> Chosen:
    """The run of a config with the keyword settings over it. Raises UsageError."""
    if isinstance(config, RunConfig):
        if settings:
            names = ", ".join(f"{name}=" for name in settings)
            raise UsageError(
                f"{names} cannot go over a RunConfig, which is checked and complete: use msgspec.structs.replace, or "
                "give the config as a path or a mapping"
            )
        return Chosen(config, ())
    given = {name: _value(name, value) for name, value in settings.items() if value is not None}
    values = {**_of_argument(config), **{name: value for name, value in given.items() if value is not None}}
    if isinstance(config, str) and "url" in values and "url" in given:
        raise UsageError("the first argument and url= name two services; give one of them")
    options = Options(values)
    check_options(options)
    run, remarks = run_of_options(options)
    return Chosen(run, tuple(map(in_keywords, remarks)))


@contextlib.contextmanager
def keywords_named() -> Iterator[None]:
    """Errors raised meanwhile name keywords where the command line's would name options; no key is in them."""
    try:
        yield
    except FastbenchError as error:
        error.args = (in_keywords(KNOWN.hide(str(error))), *error.args[1:])
        raise


def in_keywords(text: str) -> str:
    """A sentence of the command line for Python: "--concurrency 64" as "concurrency=64"."""
    return _FLAG.sub(_keyword, text)


def _keyword(match: re.Match[str]) -> str:
    # A command in backquotes stays one.
    name = (match[1] or "").replace("-", "_")
    return f"{name}=" if name in OPTIONS else match[0]


def _of_argument(config: str | os.PathLike[str] | Mapping[str, Any] | None) -> dict[str, Any]:
    if config is None:
        return {}
    if isinstance(config, Mapping):
        return {ARGUMENT: config}
    if not isinstance(config, str | os.PathLike):
        raise UsageError(
            f"the first argument is of type {type(config).__name__}; give a config's path, a mapping of settings, or "
            "a RunConfig"
        )
    text = os.fspath(config)
    return {"url": text} if re.match(r"[a-z][a-z0-9+.-]*://", text, re.IGNORECASE) else {ARGUMENT: text}


def _value(name: str, value: Any) -> Any:
    """The option's value as the command line would have it; None = as if it were not given. Raises UsageError."""
    option = OPTIONS.get(name)
    if option is None:
        raise UsageError(f"there is no setting {name}=; {_way_out(name)}")
    if name in _OF_THE_COMMAND:
        raise UsageError(f"{name}= is of the command line alone: {_OF_THE_COMMAND[name]}")
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
    """Text by the option's parser; other values are for the config's check, but where there is a list of them."""
    if isinstance(option.parse, click.ParamType):
        return option.parse.convert(value, None, None)
    if option.parse is None or not isinstance(value, str):
        return value
    try:
        return option.parse(value)
    except ValueError as error:
        raise click.BadParameter(
            f"{value!r} is not a valid {'integer' if option.parse is int else 'number'}."
        ) from error


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
    if isinstance(value, Mapping):
        return tuple(value.items())
    items = [value] if isinstance(value, str) or not isinstance(value, list | tuple) else value
    return tuple(_parsed(option, item) for item in items)


_SHAPES = {
    Takes.VALUE: _parsed,
    Takes.OPTIONAL: _optional,
    Takes.SEVERAL: _listed,
    Takes.REPEATED: _listed,
    Takes.FLAG: _flag,
    Takes.EITHER: _either,
}
