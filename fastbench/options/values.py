"""Parsers of option values: lengths, pairs, headers. The config checks ranges."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from typing import Any

import click

from fastbench.errors import ConfigError
from fastbench.units import NS_PER_S, parse_duration, parse_rate


def api(text: str) -> str:
    """The name of an API, or a shorter one: the `type` of a service."""
    # Imported late: it looks at all packages.
    from fastbench.registry import alias_fault, dialect_names

    known = dialect_names()
    if text not in known:
        raise click.BadParameter(f"{text!r} is not an API; known are {', '.join(known)}.")
    if fault := alias_fault(text):
        raise click.BadParameter(f"{text!r} is ambiguous: {fault}.")
    return known[text]


def key_in(variable: str) -> str:
    """An environment variable that holds the key, as a config names it."""
    return f"env:{variable}"


def url_fault(text: str) -> str | None:
    """The fault of a base URL that the config's check would not report."""
    return None if text else "is empty; give the service's base URL, such as http://host:8000"


def rate_fault(text: str) -> str | None:
    """The fault of a rate of 0, which means no rate in a config."""
    try:
        none = parse_rate(text) == 0.0
    except ConfigError:
        return None  # the check of the field reports it
    return "is 0, which sends nothing; leave --rate out for a closed loop of --concurrency N" if none else None


def gpu_fault(number: int) -> str | None:
    """The fault of a number of workers per GPU, which is no field of a config."""
    return None if number >= 1 else f"is {number}; it must be a whole number of at least 1"


def lengths(text: str) -> int | list[int]:
    """`1024`, or `50:500` for uniform lengths with both ends included."""
    parts = text.split(":")
    if len(parts) > 2 or not all(part.isdecimal() for part in parts):
        raise click.BadParameter(f"{text!r} is not a length; give a number such as 1024 or a range such as 50:500.")
    return int(text) if len(parts) == 1 else [int(part) for part in parts]


def pool(text: str) -> dict[str, int]:
    """`10:256`: 10 prefixes of 256 tokens."""
    count, colon, length = text.partition(":")
    if not colon or not count.isdecimal() or not length.isdecimal():
        raise click.BadParameter(f"{text!r} is no pool of prefixes; give N:TOKENS, such as 10:256.")
    return {"count": int(count), "length": int(length)}


def count_or_none(text: str) -> int | None:
    """A whole number, or `none` for no limit."""
    if text.lower() == "none":
        return None
    try:
        return int(text)
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is not a valid integer.") from error


def count_or_auto(text: str) -> int | str:
    """A whole number, or `auto`; the config's check refuses anything else."""
    return int(text) if text.isdecimal() else text


def shard(text: str) -> tuple[int, int]:
    """`2/4`: the shard 2 of the shards 0 to 3."""
    number, slash, of = text.partition("/")
    if not slash or not number.isdecimal() or not of.isdecimal():
        raise click.BadParameter(f"{text!r} is not a shard; give I/N, such as 0/4.")
    if int(number) >= int(of):
        last = f"; the last of {of} is {int(of) - 1}/{of}" if int(of) else ""
        raise click.BadParameter(f"{text!r} is not a shard: shards are numbered from 0{last}.")
    return int(number), int(of)


class FromNow(int):
    """A time of the wall clock, ns, that was given as so much from now: each command has its own."""


def start_time(text: str) -> int:
    """`2026-11-24T12:30:00Z`, or `+30s` from now: ns of the wall clock. ConfigError for a wrong length of time."""
    if text.startswith("+"):
        return FromNow(time.time_ns() + parse_duration(text[1:]))
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise click.BadParameter(
            f"{text!r} is not a time; give it as 2026-11-24T12:30:00Z, or as +30s from now."
        ) from error
    if moment.tzinfo is None:
        raise click.BadParameter(f"{text!r} has no time zone; add Z or an offset such as +01:00.")
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * NS_PER_S + since.microseconds * 1000


def ramp(text: str) -> dict[str, Any]:
    """`1:100`, `1/s:100/s` or `exponential:1:100`, the rates at the ramp's start and end."""
    *strategy, start, end = text.split(":") if text.count(":") in (1, 2) else ("", "", "")
    try:
        rates = {
            "ramp_up_start_rps": float(start.removesuffix("/s")),
            "ramp_up_end_rps": float(end.removesuffix("/s")),
        }
    except ValueError as error:
        raise _no_ramp(text) from error
    if strategy not in ([], ["linear"], ["exponential"]):
        raise _no_ramp(text)
    # In a config this means no ramp, as in AISBench; as an option it is a mistake.
    if not 0 < rates["ramp_up_start_rps"] <= rates["ramp_up_end_rps"] or not rates["ramp_up_end_rps"] > 0.1:
        raise click.BadParameter(
            f"{text!r} does not ramp up: give rates above 0, the second above 0.1 and not below the first, "
            "or stages as --profile 100/s:30s 50/s:30s."
        )
    return {"ramp_up_strategy": strategy[0] if strategy else "linear", **rates}


def _no_ramp(text: str) -> click.BadParameter:
    return click.BadParameter(f"{text!r} is not a ramp; give it as 1:100 or exponential:1:100.")


def profile_stage(text: str) -> dict[str, Any]:
    """`50/s:30s`, a rate for a time, or `64:30s`, a concurrency for a time."""
    load, colon, duration = text.partition(":")
    if not colon or not load or not duration:
        raise click.BadParameter(f"{text!r} is not a stage; give a rate as 50/s:30s or a concurrency as 64:30s.")
    if "/" in load:
        return {"duration": duration, "rate": load}
    return {"duration": duration, "concurrency": int(load) if load.isdecimal() else load}


def load_shape(text: str) -> dict[str, Any]:
    """`NAME`, or `NAME:parameter=value,…`, the values as JSON where they are JSON, else as text."""
    name, _, parameters = text.partition(":")
    return {**dict(map(pair, _parts(parameters))), "type": name}


def columns(text: str) -> dict[str, str]:
    """`timestamp=NAME,input=NAME,…`: which column is what. The config's check says which names there are."""
    found: dict[str, str] = {}
    for part in _parts(text):
        what, equals, name = part.partition("=")
        if not equals or not what:
            raise click.BadParameter(
                f"{part!r} names no column; give WHAT=NAME, such as timestamp=arrival,input=tokens."
            )
        found[what.strip()] = name
    return found


def _parts(text: str) -> list[str]:
    """What commas separate; one that no name follows is inside a value, such as [1,2] or {"type":"ramp","start":1}."""
    return re.split(r",(?=[A-Za-z_]\w*=)", text) if text else []


def pair(text: str) -> tuple[str, Any]:
    """`name=value`, the value as JSON where it is JSON, else as text."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        # Not shown: it may be a key.
        raise click.BadParameter("it must be given as name=value, such as temperature=0.5.")
    # Imported late: help must not wait for it.
    import json

    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value


def header(text: str) -> tuple[str, str]:
    """`Name: value`. The message does not show the text, which may be a key."""
    name, colon, value = text.partition(":")
    if not colon:
        raise click.BadParameter("a header must be given as 'Name: value'.")
    return name.strip(), value.strip()


def duration_text(text: str) -> int:
    """A time above 0, ns."""
    try:
        duration = int(parse_duration(text))
    except ConfigError as error:
        raise click.BadParameter(f"{error}.") from error
    if not duration:
        raise click.BadParameter(f"{text!r} is no time; give one above 0, such as 10m.")
    return duration


def percentage(text: str) -> float:
    """`5%`, a share of 1."""
    number = str(text).strip().removesuffix("%").strip()
    try:
        share = float(number) / 100
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is not a percentage; give one such as 5%.") from error
    if not 0.001 <= share <= 0.5:
        raise click.BadParameter(f"{text!r} is not from 0.1% to 50%.")
    return share


def price(text: str) -> float:
    """`2.5/h`, of any currency."""
    number, slash, unit = text.partition("/")
    try:
        value = float(number)
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is not a price; give one such as 2.5/h.") from error
    if not slash or unit.strip() != "h" or not 0 < value < 1e9:
        raise click.BadParameter(f"{text!r} is not a price above 0 for an hour; give one such as 2.5/h.")
    return value


def sweep(text: str) -> tuple[str, tuple[float, ...]]:
    """`concurrency=1,2,4` or `rate=5,10/s`: what is changed, and its levels, rising."""
    name, equals, rest = text.partition("=")
    if not equals or name not in ("concurrency", "rate"):
        raise click.BadParameter(f"{text!r} is no sweep; give concurrency=1,2,4,8 or rate=5,10,20.")
    try:
        levels = [float(parse_rate(part.strip())) for part in rest.split(",")]
    except ConfigError as error:
        raise click.BadParameter(f"{text!r}: {error}.") from error
    if min(levels) <= 0 or len(set(levels)) < len(levels):
        raise click.BadParameter(f"{text!r} must name levels above 0, each once.")
    if name == "concurrency" and not all(level.is_integer() and level <= 100_000 for level in levels):
        raise click.BadParameter(f"{text!r}: concurrencies are whole numbers up to 100,000.")
    return name, tuple(sorted(levels))
