"""An outcome in words: the answer first, then the levels as a table."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from operator import ge

from fastbench.answers.statistics import requests_to_show
from fastbench.api.saturating.asked import MOST
from fastbench.api.saturating.outcome import Cost, LevelRow, Outcome, Span, Tier
from fastbench.api.saturating.pilot import GONE, INTERRUPTED
from fastbench.errors import Exit
from fastbench.units import MISSING, NS_PER_S, number, quantity

_OFFERED = (0.99, 0.95, 0.9)
_WHY_OPEN = {
    "most": "--max ends the search there",
    "client": "the client could not load the service further",
    "plateau": "more users do not raise the throughput by 5 %",
    "": "no level above it was seen to fail",
}


def percent(share: float) -> str:
    """With as many digits as tell 99.94 from 100."""
    value = 100 * share
    return f"{value:.2f}".rstrip("0").rstrip(".") if 99 < value < 100 else f"{value:.1f}".removesuffix(".0")


def sentences(outcome: Outcome) -> Iterator[str]:
    """The answer, a sentence a tier; then what it cost, and what limits it."""
    if outcome.asked.sweep is not None:
        yield _swept(outcome)
    elif outcome.tiers:
        for place, tier in enumerate(outcome.tiers):
            yield _tier(outcome, tier, last=place == len(outcome.tiers) - 1)
    else:
        yield _knee(outcome)
    yield from _notes(outcome)


def _tier(outcome: Outcome, tier: Tier, *, last: bool) -> str:
    cost = f" {_cost(outcome)}" if last else ""
    if tier.code == Exit.NOT_MET:
        return f"No load keeps {tier.words}: {_at_lowest(outcome, tier)}{_breaks(tier)}.{cost}"
    if not outcome.levels:
        return f"Cannot tell how many users keep {tier.words}: {_why_unsure(outcome, tier)}.{cost}"
    if not tier.level:
        why = f" ({_stopped(outcome)})" if outcome.stopped else ""
        return f"Cannot tell whether any load keeps {tier.words}{why}: {_at_lowest(outcome, tier)}.{cost}"
    count = "user" if tier.level == 1 else "users at once"
    keep = "keeps" if tier.level == 1 else "keep"
    bracket = tier.bracket
    at_least = "At least " if bracket is not None and bracket.open else ""
    span = ""
    if bracket is not None and not bracket.open:
        span = f" (95 %: {min(bracket.low, tier.level):g}\u2013{max(bracket.high, tier.level):g})"
    breaks = _breaks(tier)
    rates = "its throughput was not measured"
    if tier.per_s is not None and tier.tokens_per_s is not None:
        rates = _rates(tier.per_s, tier.tokens_per_s)
    if tier.code:
        return (
            f"Cannot tell: perhaps {tier.level:g} {count}{span} {keep} {tier.words}, but "
            f"{_why_unsure(outcome, tier)}{breaks}.{cost}"
        )
    limit = f" ({_why_open(outcome)})" if at_least else ""
    return f"{at_least}{tier.level:g} {count}{span} {keep} {tier.words}{limit}{breaks}; {rates}.{cost}"


def _breaks(tier: Tier) -> str:
    return f"; the first to break is {tier.breaks}" if tier.breaks else ""


def _why_open(outcome: Outcome) -> str:
    """Why the answer may lie higher."""
    if not outcome.limit and outcome.asked.budget_ns is not None:
        return "the budget left no time for more users"
    if outcome.limit == "most" and outcome.asked.most >= MOST:
        return f"{MOST:,} users are the default of --max"
    return _WHY_OPEN[outcome.limit]


def _rates(per_s: float, tokens_per_s: float) -> str:
    return f"about {number(per_s)} req/s, {number(tokens_per_s)} output tokens/s"


def _rates_at(outcome: Outcome, level: float) -> str:
    row = next(row for row in outcome.levels if row.level == level)
    return _rates(row.per_s.value, row.tokens_per_s.value)


def _why_unsure(outcome: Outcome, tier: Tier) -> str:
    if outcome.stopped and (not tier.made or tier.confirmed is False):
        return _stopped(outcome)
    if not tier.made:
        return "the budget left no time to confirm it"
    if tier.confirmed is False and tier.share is not None:
        found = f"{percent(tier.share.value)} % of {number(tier.requests)} requests were good"
        if tier.share.value >= tier.asked:
            return f"the confirmation leaves it open: {found}, too few to tell from less than {percent(tier.asked)} %"
        return f"the confirmation does not bear it out: only {found}"
    if tier.shows_too_little:
        return f"{number(tier.requests)} requests cannot show {percent(tier.asked)} %"
    return "that measurement is INVALID"


def _stopped(outcome: Outcome) -> str:
    return "the search was interrupted" if outcome.stopped == INTERRUPTED else outcome.stopped


def _at_lowest(outcome: Outcome, tier: Tier) -> str:
    """What the lowest level has shown."""
    row = outcome.levels[0]
    figures = row.figures
    share = min((row.shares[place] for place in tier.criteria), key=lambda one: one.value)
    parts = [f"with {users(row.level)} {percent(share.value)} % of"]
    parts.append(f"{number(row.requests)} requests are good (95 % interval {_span(share)})")
    shown = [
        f"{name} P50 {quantity(p50, 'ms')}, P99 {quantity(p99, 'ms')}"
        for name, p50, p99 in (
            ("TTFT", figures.ttft_p50, figures.ttft_p99),
            ("TPOT", figures.tpot_p50, figures.tpot_p99),
        )
        if p50 is not None
    ]
    return " ".join(parts) + (f"; {'; '.join(shown)}" if shown else "")


def _span(share: Span) -> str:
    return f"{percent(share.low)}\u2013{percent(share.high)} %"


def _knee(outcome: Outcome) -> str:
    found = outcome.knee
    if found is None:
        return f"Cannot tell where the throughput ends: {outcome.stopped or 'no level was measured'}. {_cost(outcome)}"
    count = f"{found.level:g} user{'' if found.level == 1 else 's at once'}"
    if not (found.flat or outcome.limit == "plateau"):
        why = outcome.stopped or _why_open(outcome)
        return (
            f"At least {count} before the throughput levels off ({why}); {_rates_at(outcome, found.level)}. "
            f"{_cost(outcome)}"
        )
    between = f" (more than {found.below:g})" if found.below else ""
    return (
        f"{count}{between} reach 95 % of the greatest throughput, {number(found.plateau)} req/s; "
        f"{_rates_at(outcome, found.level)}. {_cost(outcome)}"
    )


def _swept(outcome: Outcome) -> str:
    assert outcome.asked.sweep is not None
    name, levels = outcome.asked.sweep
    what = "users" if name == "concurrency" else "requests/s"
    if not outcome.levels:
        return f"No level was measured: {outcome.stopped or 'there was no time'}."
    best = max(outcome.levels, key=lambda row: row.tokens_per_s.value)
    return (
        f"{len(outcome.levels)} of {len(levels)} levels: most output at {best.level:g} {what}, "
        f"{_rates_at(outcome, best.level)}{_swept_slos(outcome, what)}. {_cost(outcome)}"
    )


def _swept_slos(outcome: Outcome, what: str) -> str:
    """The greatest level whose interval lies above the share asked for, and the greatest whose share does."""
    asked = [one.share for one in outcome.asked.criteria]
    if not asked:
        return ""

    def most(values: Callable[[Span], float]) -> float:
        kept = (row.level for row in outcome.levels if all(map(ge, map(values, row.shares), asked)))
        return max(kept, default=0.0)

    sure, perhaps = most(lambda share: share.low), most(lambda share: share.value)
    keep = "keep the SLO for the share asked for"
    if not perhaps:
        return f"; no level seems to {keep}"
    if not sure:
        return f"; up to {perhaps:g} {what} may {keep}, which takes more requests to be shown"
    return f"; up to {sure:g} {what} {keep}{f', perhaps up to {perhaps:g}' if perhaps > sure else ''}"


def _cost(outcome: Outcome) -> str:
    levels = len(outcome.levels)
    took = f"{levels} level{'' if levels == 1 else 's'}, {quantity(outcome.seconds * NS_PER_S)}"
    return f"{took}, {number(outcome.requests)} requests; the client was {100 * outcome.busy:.0f} % busy."


def _notes(outcome: Outcome) -> Iterator[str]:
    for tier in outcome.tiers:
        if not tier.code and tier.share is not None:
            how = "proved" if tier.confirmed else "not proved, but more likely than not"
            yield (
                f"Confirmed at {users(tier.level)} with fresh prompts: {percent(tier.share.value)} % of "
                f"{number(tier.requests)} requests were good (95 % interval {_span(tier.share)}); {how}."
            )
        if tier.level and tier.invalid:
            yield f"The measurement at {users(tier.level)} is INVALID: {tier.invalid}"
        yield from _more(outcome, tier)
    yield from _at_random(outcome)
    if outcome.drift is not None:
        faster = "more" if outcome.drift > 0 else "less"
        yield (
            f"The service drifts: a level measured again at the end gave {abs(100 * outcome.drift):.0f} % {faster} "
            "throughput than before; the answer mixes both."
        )
    if outcome.stopped == GONE:
        yield "The service stopped answering during the search; the answer is from what was seen until then."


def _at_random(outcome: Outcome) -> Iterator[str]:
    """How the open loop went."""
    found = outcome.open
    if found is None:
        answered = any(tier.made and tier.confirmed is not False for tier in outcome.tiers)
        if answered and not outcome.stopped and outcome.asked.budget_ns is not None:
            yield "The budget left no time to verify it with requests that come at random (open loop)."
        return
    rate = f"{number(found.rate)} requests a second that come at random (open loop)"
    if found.seen.behind:
        yield f"It does not keep up with {rate}: more and more of them wait."
        return
    most = max(tier.level for tier in outcome.tiers)
    kept = [
        f"{percent(share)} % of {number(found.requests)} keep {', '.join(clause.text for clause in one.clauses)}"
        for place, one in enumerate(outcome.asked.criteria)
        if outcome.tiers[one.tier].level == most and (share := found.share(place)) is not None
    ]
    if kept:
        yield f"At {rate} {' and '.join(kept)}."


def users(level: float) -> str:
    """So many, in words."""
    return f"{level:g} user{'' if level == 1 else 's'}"


def _more(outcome: Outcome, tier: Tier) -> Iterator[str]:
    """What more time, or a lower share, would buy."""
    if tier.shows_too_little:
        less = [one for one in _OFFERED if one < tier.asked and requests_to_show(one) <= tier.requests]
        lower = f", or ask for @{percent(less[0])}%" if less else ""
        more = "give more --budget" if outcome.asked.budget_ns is not None else "leave --quick out"
        if outcome.asked.budget_ns is None and not outcome.asked.quick:
            more = "they come too slowly"
        yield f"{percent(tier.asked)} % takes {requests_to_show(tier.asked)} good requests to be shown: {more}{lower}."
    elif tier.bracket is not None and not tier.bracket.open and not tier.code:
        width = tier.bracket.high / max(1.0, tier.bracket.low) - 1
        if width > 2 * outcome.asked.tolerance and tier.bracket.high - tier.bracket.low > 1:
            yield (
                f"The interval is {100 * width:.0f} % wide, as the share of good requests falls slowly there: "
                "a longer --budget narrows it."
            )


# ------------------------------------------------------------------------------------------------------------- tables
def table(outcome: Outcome) -> list[list[str]]:
    """The levels, a row each behind the heads."""
    rate = outcome.asked.sweep is not None and outcome.asked.sweep[0] == "rate"
    heads = ["req/s asked" if rate else "users"]
    criteria = outcome.asked.criteria
    for one in criteria:
        what = "good" if len(criteria) == 1 else "keep " + ", ".join(clause.text for clause in one.clauses)
        heads.append(f"{what} (95 %), {percent(one.share)} % asked")
    heads += ["requests", "req/s (95 %)", "tokens/s", "TTFT P50", "P99", "TPOT P50", "P99", "client"]
    searched = outcome.asked.sweep is None
    return [[*heads, "for" if searched else ""], *(_row(row, searched=searched) for row in outcome.levels)]


def _row(row: LevelRow, *, searched: bool) -> list[str]:
    figures = row.figures
    times = (figures.ttft_p50, figures.ttft_p99, figures.tpot_p50, figures.tpot_p99)
    return [
        f"{row.level:g}",
        *(f"{percent(share.value)} % ({_span(share)})" for share in row.shares),
        number(row.requests),
        _rate_span(row.per_s),
        number(row.tokens_per_s.value),
        *(quantity(value, "ms") for value in times),
        figures.verdict or MISSING,
        " ".join([*([", ".join(row.purposes)] if searched else []), *(["falls behind"] if row.behind else [])]),
    ]


def cost_table(costs: Sequence[Cost], rate: bool) -> list[list[str]]:
    """Throughput per GPU and user, and prices."""
    heads = ["req/s" if rate else "users", "output tokens/s per GPU (95 %)", "output tokens/s per user", "front"]
    priced = any(one.output_price is not None for one in costs)
    if priced:
        heads += ["per million output tokens", "per million input tokens"]
    rows = []
    for one in costs:
        row = [f"{one.level:g}", _rate_span(one.per_gpu), number(one.per_user.value), "yes" if one.front else ""]
        if priced:
            row += [_money(one.output_price), _money(one.input_price)]
        rows.append(row)
    return [heads, *rows]


def _rate_span(span: Span) -> str:
    if not math.isfinite(span.high):
        return number(span.value)
    return f"{number(span.value)} ({number(span.low)}\u2013{number(span.high)})"


def _money(value: float | None) -> str:
    return MISSING if value is None else f"{value:.3g}"


def aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Lines with columns of one width, a rule below the heads."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for place, row in enumerate(rows):
        yield "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        if not place:
            yield "  ".join("-" * width for width in widths)
