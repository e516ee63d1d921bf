"""An outcome as a page."""

from __future__ import annotations

import math
from pathlib import Path

from fastbench.api.saturating.outcome import LevelRow, Outcome, Span
from fastbench.api.saturating.words import cost_table, percent, sentences, table, users
from fastbench.report import CurvePoint, FrontPoint, LevelsPage, Marked, Measured, Wanted, levels_page
from fastbench.report import replace as write_file
from fastbench.units import number

PAGE = "saturate.html"


def write_page(directory: Path, outcome: Outcome, name: str) -> Path:
    """`saturate.html`. Raises RecordingError when it cannot be written."""
    path = directory / PAGE
    write_file(path, levels_page(page_of(outcome, name)))
    return path


def page_of(outcome: Outcome, name: str) -> LevelsPage:
    """What it shows. name: of the task."""
    asked = outcome.asked
    by_rate = asked.sweep is not None and asked.sweep[0] == "rate"
    wanted = [
        Wanted(", ".join(clause.text for clause in one.clauses) + f" for {percent(one.share)} %", one.share)
        for one in asked.criteria
    ]
    answers = [
        Marked(
            users(tier.level),
            tier.level,
            None if tier.bracket is None else min(tier.bracket.low, tier.level),
            None if tier.bracket is None else max(tier.bracket.high, tier.level),
        )
        for tier in outcome.tiers
    ]
    if not outcome.tiers and outcome.knee is not None and asked.sweep is None:
        answers = [Marked(f"knee: {users(outcome.knee.level)}", outcome.knee.level, None, None)]
    return LevelsPage(
        title=f"{'Sweep' if asked.sweep is not None else 'Capacity'} of {name}",
        unit="requests/s asked for" if by_rate else "users at once",
        sentences=[*sentences(outcome)],
        wanted=wanted,
        points=[_point(row, by_rate=by_rate) for row in outcome.levels],
        answers=answers,
        rows=table(outcome) if outcome.levels else (),
        front=[
            FrontPoint(
                f"{one.level:g} requests/s" if by_rate else users(one.level),
                _measured(one.per_gpu),
                _measured(one.per_user),
                one.front,
            )
            for one in outcome.costs
        ],
        costs=cost_table(outcome.costs, by_rate) if outcome.costs else (),
        leading=max(1, len(outcome.tiers)),
    )


def _point(row: LevelRow, *, by_rate: bool) -> CurvePoint:
    level = f"{row.level:g} requests/s asked for" if by_rate else users(row.level)
    told = [level, *(f"{percent(share.value)} % good" for share in row.shares)]
    told += [f"{number(row.per_s.value)} requests/s", f"{number(row.tokens_per_s.value)} output tokens/s"]
    told.append(f"{number(row.requests)} requests")
    return CurvePoint(row.level, tuple(map(_measured, row.shares)), _measured(row.tokens_per_s), "\n".join(told))


def _measured(span: Span) -> Measured:
    # A single block has no interval.
    return Measured(*span) if math.isfinite(span.high) else Measured(span.value, span.value, span.value)
