"""How changes, intervals and verdicts are written on the page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from fastbench.answers.comparison import (
    BETTER,
    CANNOT_TELL,
    NOT_WORSE,
    WORSE,
    Comparison,
    Effect,
    RunSummary,
    Side,
    VerdictWord,
    Versus,
    sentence_of,
)
from fastbench.report.comparing.lines import signed
from fastbench.text import listed
from fastbench.units import number, quantity, share

NOT_COMPARABLE = "not comparable"
_HOURS_FROM = 180
_NAMED = 4
"""So many numbers are named; of more only how many they are."""
_WORST = (WORSE, BETTER, CANNOT_TELL, NOT_WORSE, NOT_COMPARABLE)


class Look(NamedTuple):
    """How a verdict shows beside its word: never by colour alone."""

    sign: str
    kind: str


LOOKS: dict[VerdictWord, Look] = {
    BETTER: Look("✓", "better"),
    WORSE: Look("✗", "worse"),
    NOT_WORSE: Look("=", "same"),
    CANNOT_TELL: Look("?", "unknown"),
}


def value(amount: float | None, unit: str) -> str:
    """A number of one side."""
    return share(amount) if unit == "" else quantity(amount, unit)


def of_change(amount: float) -> str:
    """Of B / A - 1."""
    return f"{signed(amount)} %"


def settled_by(effect: Effect) -> str:
    """How fine such a measurement is, and what it would take; empty where the interval says it all."""
    told = []
    if effect.verdict in (CANNOT_TELL, NOT_WORSE) and effect.least_detectable:
        least = signed(effect.least_detectable).lstrip("+")
        told.append(f"{least} {'pt' if effect.in_points else '%'} would show")
    if effect.minutes is not None:
        minutes = max(1, math.ceil(effect.minutes))
        told.append(f"settled in {f'{minutes} min' if minutes < _HOURS_FROM else f'{minutes // 60:,} h'}")
    return " · ".join(told)


def reasons(effects: Sequence[Effect]) -> list[str]:
    """Why something cannot be told, each reason once, with what it is said of."""
    labels: dict[str, list[str]] = {}
    for effect in effects:
        if effect.why:
            labels.setdefault(effect.why, []).append(effect.label)
    return [
        f"{', '.join(named) if len(named) <= _NAMED else f'{len(named)} numbers'} cannot be told: {why}."
        for why, named in labels.items()
    ]


def overall(comparison: Comparison) -> str:
    """The verdict in a pill."""
    return NOT_COMPARABLE if comparison.refusals else comparison.verdict


def word_of(versus: Versus) -> str:
    """What one side is against the base, in a word."""
    return NOT_COMPARABLE if versus.refusals else versus.verdict


class Refused(NamedTuple):
    """Why a side is not compared. head: that it is not, without the stop; reasons: clauses; said: what was found all
    the same, "" = nothing."""

    head: str
    reasons: tuple[str, ...]
    said: str


def refused(base: Side, versus: Versus) -> Refused:
    """Of a side with refusals."""
    parts = [reason.rstrip(".").partition(" because ") for reason in versus.refusals]
    clauses = tuple(dict.fromkeys(clause or head for head, _, clause in parts))
    said = sentence_of(base, replace(versus, refusals=())) if versus.effects else ""
    return Refused(parts[0][0], clauses, said)


def summary(comparison: Comparison) -> str:
    """Of several sides: what each is against the base, in a sentence."""
    found: dict[str, list[str]] = {}
    for one in comparison.versus:
        found.setdefault(word_of(one), []).append(one.other.label)
    told = [
        f"{listed(labels)}: {word}" for word, labels in sorted(found.items(), key=lambda item: _WORST.index(item[0]))
    ]
    return f"Against {comparison.base.label}, {'; '.join(told)}."


def load(run: RunSummary) -> str:
    """The load that a run reached."""
    found = run.load
    if found.value is None:
        return ""
    return f"{number(found.value)} in flight" if found.kind == "closed" else f"{number(found.value)} requests/s"
