"""A check, and what is to be measured as far as checks depend on it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple


class State(StrEnum):
    """How a check stands. WARNING: a run works, and its numbers may be the worse; FAILS: it cannot be measured so."""

    OK = "ok"
    WARNING = "warning"
    FAILS = "fails"


class Check(NamedTuple):
    """What was looked at. found: what was measured, in words; remedy: the way out, "" where none is needed; figures:
    the same for programs, with the unit in each name."""

    name: str
    state: State
    found: str
    remedy: str = ""
    figures: Mapping[str, float | int | str | bool | None] = {}


def checked(
    name: str,
    found: str,
    *,
    fails: bool = False,
    warns: bool = False,
    remedy: str = "",
    **figures: float | int | str | bool | None,
) -> Check:
    """A check that is ok unless it fails or warns; the remedy goes with these."""
    state = State.FAILS if fails else State.WARNING if warns else State.OK
    return Check(name, state, found, remedy if state is not State.OK else "", figures)


class Wanted(NamedTuple):
    """What is planned. input_len, output_len: tokens of a request; work_dir: of the results."""

    concurrency: int = 100
    requests: int = 1_000
    input_len: int = 1024
    output_len: int = 128
    work_dir: Path = Path("outputs/default")
