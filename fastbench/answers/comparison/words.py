"""The answer in a sentence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fastbench.answers.comparison.effects import TOO_WIDE, UNSEEN_NOISE
from fastbench.answers.comparison.model import BETTER, CANNOT_TELL, NOT_WORSE, WORSE, Effect, Side, Versus
from fastbench.answers.comparison.refusals import together
from fastbench.answers.statistics import Interval
from fastbench.text import listed

_NAMED = 3


def sentence_of(base: Side, one: Versus) -> str:
    """What one side is against the base: refused, worse, better, or no difference; and what could not be told."""
    refused = together(base, one.other, one.refusals) if one.refusals else ""
    if not one.effects:
        return refused or f"{one.other.label} and {base.label} have no number in common."
    gate = one.gate
    claims, equal, unknown = list(_claims(one.other.label, gate)), _equal(gate), _open(one.other.label, gate)
    # What changed comes first; where nothing certainly did, what may have.
    parts = [*claims, *equal, *unknown] if claims else [*unknown, *equal]
    said = f"{'; '.join(parts)}." if parts else f"Nothing decides about {one.other.label}."
    if not said.startswith(one.other.label):
        said = said[0].upper() + said[1:]
    return f"{refused} {said}" if refused else said


def percent(change: float, *, points: bool = False) -> str:
    """A change for people, with three significant digits at most: `6.1 %`, `0.4 points`."""
    value = abs(change) * 100
    digits = 2 if value < 1 else 1 if value < 100 else 0
    return f"{value:.{digits}f} {'points' if points else '%'}"


def span(interval: Interval, *, turned: bool, points: bool = False) -> str:
    """`3.9 … 8.4 %`. turned: for a number that fell: the interval of how much it fell."""
    low, high = (-interval.high, -interval.low) if turned else interval
    unit = "points" if points else "%"
    most = max(abs(low), abs(high))
    digits = 2 if most < 0.01 else 1 if most < 1 else 0
    return f"{low * 100:.{digits}f} … {high * 100:.{digits}f} {unit}"


def _claims(label: str, effects: Sequence[Effect]) -> Iterator[str]:
    for word in (WORSE, BETTER):
        found = sorted((one for one in effects if one.verdict == word), key=lambda one: -abs(one.harm or 0))
        if not found:
            continue
        first, *rest = found
        assert first.change is not None
        assert first.interval is not None
        told = f"{percent(first.change, points=first.in_points)} {word}"
        turned = first.change < 0
        yield (
            f"{label}'s {_name(first)} is {told} (95 %: {span(first.interval, turned=turned, points=first.in_points)})"
            + (f", {_listed(rest)} {'too' if len(rest) == 1 else 'as well'}" if rest else "")
        )


def _equal(effects: Sequence[Effect]) -> Iterator[str]:
    found = [one for one in effects if one.verdict == NOT_WORSE]
    if not found:
        return
    ratios = [one.least_detectable for one in found if one.least_detectable is not None and not one.in_points]
    told = f": no difference above {percent(max(ratios))} could have been missed" if ratios else ""
    names = _listed(found)
    yield f"{names} {'are' if len(found) > 1 else 'is'} not worse{told}"


def _open(label: str, effects: Sequence[Effect]) -> Iterator[str]:
    """What could not be told: what these runs show, but others may not; what is too unsure in these runs."""
    found = [one for one in effects if one.verdict == CANNOT_TELL]
    unseen = [one for one in found if one.why == UNSEEN_NOISE]
    shown = sorted(filter(_is_clear, unseen), key=lambda one: -abs(one.harm or 0))
    if shown:
        first, *rest = shown
        assert first.harm is not None
        assert first.interval is not None
        word = WORSE if first.harm > 0 else BETTER
        turned = (first.change or 0) < 0
        yield (
            f"{label}'s {_name(first)} is {percent(first.harm)} {word} in these runs "
            f"(95 %: {span(first.interval, turned=turned)}){f', {_listed(rest)} changed too' if rest else ''}, but "
            f"{UNSEEN_NOISE}"
        )
    elif unseen:
        yield f"cannot tell about {_listed(unseen)}: {UNSEEN_NOISE}"
    for why in dict.fromkeys(one.why for one in found if one.why != UNSEEN_NOISE):
        alike = [one for one in found if one.why == why]
        yield f"cannot tell about {_listed(alike)}: {_reason(alike)}{_needed(alike)}"


def _is_clear(effect: Effect) -> bool:
    """Whether its own runs exclude that there is no difference."""
    return effect.interval is not None and not effect.interval.low <= 0 <= effect.interval.high


def _reason(alike: Sequence[Effect]) -> str:
    """Of effects that cannot be told for one and the same."""
    wide = [one.least_detectable for one in alike if one.least_detectable is not None and not one.in_points]
    if alike[0].why == TOO_WIDE and wide:
        return f"a difference below {percent(max(wide))} may be missed"
    return alike[0].why or "too little data"


def _needed(found: Sequence[Effect]) -> str:
    minutes = [one.minutes for one in found]
    known = [each for each in minutes if each is not None]
    if len(known) < len(minutes) or not known:
        return ""
    if max(known) >= 24 * 60:
        return ""
    return f"; about {max(1, max(known)):,.0f} min of each side would settle it"


def _name(effect: Effect) -> str:
    """In a sentence: `TTFT p99`, `output token throughput`, `the share of failed requests`."""
    if effect.statistic:
        return effect.label
    return f"the share of {effect.name.lower()} requests" if effect.name in ("Failed", "Good") else effect.name.lower()


def _listed(effects: Sequence[Effect]) -> str:
    names = [_name(one) for one in effects]
    if len(names) > _NAMED:
        names = [*names[: _NAMED - 1], f"{len(names) - _NAMED + 1} others"]
    return listed(names)
