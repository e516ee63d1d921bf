"""What options are written as: lengths, pairs and headers. Ranges are the config's to check."""

import json
from typing import Any

import click


def lengths(text: str) -> int | list[int]:
    """`1024`, or `50:500` for uniform lengths with both ends included."""
    parts = text.split(":")
    if len(parts) > 2 or not all(part.isdecimal() for part in parts):
        raise click.BadParameter(f"{text!r} is not a length; give a number such as 1024 or a range such as 50:500.")
    return int(text) if len(parts) == 1 else [int(part) for part in parts]


def count_or_none(text: str) -> int | None:
    """A whole number, or `none` for no limit."""
    if text.lower() == "none":
        return None
    try:
        return int(text)
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is not a valid integer.") from error


def pair(text: str) -> tuple[str, Any]:
    """`name=value`, the value as JSON where it is JSON, else as text."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise click.BadParameter(f"{text!r} is not a pair; give it as name=value.")
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
