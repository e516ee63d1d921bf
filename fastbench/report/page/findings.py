"""What each chart of a page shows, in a sentence: its title."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from fastbench.metrics import Rows
from fastbench.metrics.samples import OK, InFlight
from fastbench.report.answer import Answer
from fastbench.report.page.over_time import Counts
from fastbench.report.page.svg import Over
from fastbench.units import NS_PER_MS, number, quantity, share

SPARKS = 60
"""Stretches of a run whose rates are compared, and drawn small."""
_STEADY = 1.1
"""Medians that differ by less are called alike."""
_ROSE = 3.0


class Drawn(NamedTuple):
    """What a page draws of a run in which something was sent. rows: those that were. varies: whether the lengths of the
    prompts do."""

    rows: Rows
    counts: Counts
    over: Over
    varies: bool


def kept_up(answer: Answer, over: Over) -> str:
    """How many requests a closed loop had in flight; empty for an open one."""
    waiting = float(over.waiting.sum() / max(float((over.waiting + over.decoding).sum()), 1e-9))
    waits = f", for {share(waiting)} of their time waiting for the first token" if over.waiting.any() else ""
    if answer.service is not None:
        # What the sentence and the verdicts say above the chart is not said again.
        return ""
    flight = float((over.waiting + over.decoding).mean())
    if not answer.outcomes.ok:
        return "No request was answered."
    count = number(round(flight, 1))
    return f"On average {count} request{' was' if count == '1' else 's were'} in flight{waits}."


def felt(over: Over, *, streams: bool) -> str:
    """How the median over the run went."""
    name = "TTFT" if streams else "E2EL"
    known = over.median[np.isfinite(over.median)]
    if not known.size:
        return ""
    first, last = float(known[: max(1, known.size // 8)].mean()), float(known[-max(1, known.size // 8) :].mean())
    low, high = (float(value) for value in np.percentile(known, (10, 90)))
    worst = int(np.nanargmax(over.median))
    most = float(over.median[worst])
    if last > _ROSE * first:
        return f"The median {name} rose from {_ms(first)} to {_ms(last)}."
    if first > _ROSE * last:
        return f"The median {name} fell from {_ms(first)} to {_ms(last)}."
    if _ms(low) == _ms(high):
        return f"The median {name} was {_ms(low)} for most of the run."
    at = f"; at worst {_ms(most)}, at {over.edges_s[worst]:.3g} s" if most > 2 * high else ""
    return f"The median {name} stayed between {_ms(low)} and {_ms(high)} for most of the run{at}."


def _ms(value: float) -> str:
    return quantity(value, "ms")


def tail(curves: Mapping[str, Mapping[str, Any]]) -> str:
    """How long the slowest took, as far as the samples can tell."""
    told: dict[str, list[str]] = {}
    for name in ("TTFT", "TPOT", "E2EL"):
        curve = curves.get(name)
        if curve is not None:
            part, nines = next((one for one in _TAILS if one[1] <= curve["supported"]), _TAILS[-1])
            value = float(np.interp(nines, curve["nines"], curve["values"]))
            told.setdefault(part, []).append(f"{name} up to {_ms(value)}")
    parts = "; ".join(f"{part} of the requests: {', '.join(names)}" for part, names in told.items())
    return f"{parts[0].upper()}{parts[1:]}." if parts else ""


_TAILS = (("99 %", 2.0), ("90 %", 1.0), ("half", -np.log10(0.5)))


def throughput(counts: Counts) -> str:
    rates = counts.tokens_per_second(SPARKS)
    low, high = np.percentile(rates, (10, 90))
    span = f"{number(round(float(low)))} to {number(round(float(high)))}"
    return f"{span} output tokens/s for 80 % of the run."


def against(drawn: Drawn) -> str:
    """The median TTFT of the quarter of the requests that had the shortest prompts, or the least company, and of that
    which had most."""
    rows = drawn.rows
    flight = InFlight(rows["sent_ns"], np.sort(rows["end_ns"])).at_starts()
    x = rows["input_tokens"] if drawn.varies else flight
    known = (rows["outcome"] == OK) & (rows["first_token_ns"] > 0) & (x >= 0)
    x, ttft = x[known].astype(np.float64), (rows["first_token_ns"] - rows["sent_ns"])[known] / NS_PER_MS
    if x.size < 8:
        return ""
    low, high = np.percentile(x, (25, 75))
    few, many = float(np.median(ttft[x <= low])), float(np.median(ttft[x >= high]))
    return _compared(few, many, float(low), float(high), " prompt tokens" if drawn.varies else " in flight")


def _compared(few: float, many: float, low: float, high: float, unit: str) -> str:
    ends = f"{_ms(few)} with up to {low:,.0f}{unit}, {_ms(many)} with {high:,.0f} or more"
    if low == high or max(few, many) < _STEADY * min(few, many):
        return f"The median TTFT hardly changes with it: {ends}."
    return f"The median TTFT is {ends}."
