"""The numbers of the two tables by plain arithmetic on plain requests, without any array."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

from recordings import MS, Request


def percentile(values: Sequence[float], percent: float) -> float:
    """Linear interpolation between the closest ranks, in exact arithmetic."""
    ordered = sorted(map(Fraction, values))
    position = Fraction(len(ordered) - 1) * Fraction(percent) / 100
    low = math.floor(position)
    high = min(low + 1, len(ordered) - 1)
    return float(ordered[low] + (ordered[high] - ordered[low]) * (position - low))


def statistic(values: Sequence[float], name: str) -> float | None:
    """A column of the table."""
    if not values:
        return None
    if name == "Average":
        return float(sum(map(Fraction, values)) / len(values))
    if name in ("Min", "Max"):
        return float({"Min": min, "Max": max}[name](values))
    return percentile(values, 50 if name == "Median" else float(name[1:]))


def measured(requests: Sequence[Request]) -> list[Request]:
    """Those that enter latency statistics."""
    kept = [r for r in requests if not {"warmup", "superseded"} & set(r.flags)]
    return [r for r in kept if r.outcome == "ok"]


def outputs(request: Request) -> int:
    """Output tokens; the number of events where no one said."""
    told = request.output_tokens
    return len(request.token_ns) if told is None or told < 0 else told


def samples(requests: Sequence[Request]) -> dict[str, list[float]]:
    """The samples behind each row of "Performance Parameters", in the unit shown."""
    ok = measured(requests)
    streams = [r for r in ok if "stream" in r.flags and r.token_ns]
    several = [r for r in streams if outputs(r) > 1 and len(r.token_ns) > 1]
    known = [r for r in streams if r.input_tokens >= 0 and r.token_ns[0] > r.sent_ns]

    def rate(amount: int, ns: int) -> float:
        return float(Fraction(amount) * 10**9 / ns)

    return {
        "E2EL": [Fraction(r.end_ns - r.sent_ns, MS) for r in ok],
        "TTFT": [Fraction(r.token_ns[0] - r.sent_ns, MS) for r in streams],
        "TPOT": [Fraction(r.end_ns - r.token_ns[0], (outputs(r) - 1) * MS) for r in several],
        "ITL": [Fraction(late - early, MS) for r in streams for early, late in pairwise(r.token_ns)],
        "InputTokens": [r.input_tokens for r in ok if r.input_tokens >= 0],
        "OutputTokens": [outputs(r) for r in ok],
        "OutputTokenThroughput": [rate(outputs(r), r.end_ns - r.sent_ns) for r in ok if r.end_ns > r.sent_ns],
        "PrefillTokenThroughput": [rate(r.input_tokens, r.token_ns[0] - r.sent_ns) for r in known],
    }


def common(requests: Sequence[Request], planned: int) -> dict[str, float | int | None]:
    """The values of "Common Metric", without the limit of the config."""
    ok = measured(requests)
    streams = [r for r in ok if "stream" in r.flags and r.token_ns and r.input_tokens >= 0]
    span = Fraction(max(r.end_ns for r in ok) - min(r.sent_ns for r in ok)) if ok else Fraction(0)
    inputs = sum(r.input_tokens for r in ok) if all(r.input_tokens >= 0 for r in ok) else None
    produced = sum(map(outputs, ok))
    prefill = sum(r.token_ns[0] - r.sent_ns for r in streams)

    def over_span(amount: int | None, scale: int = 10**9) -> float | None:
        return float(amount * scale / span) if span and amount is not None else None

    return {
        "Benchmark Duration": float(span / MS) if ok else None,
        "Total Requests": planned,
        "Failed Requests": planned - len(ok),
        "Success Requests": len(ok),
        "Concurrency": over_span(sum(r.end_ns - r.sent_ns for r in ok), 1),
        "Request Throughput": over_span(len(ok)),
        "Total Input Tokens": inputs,
        "Prefill Token Throughput": float(Fraction(sum(r.input_tokens for r in streams)) * 10**9 / prefill)
        if prefill
        else None,
        "Total Generated Tokens": produced,
        "Input Token Throughput": over_span(inputs),
        "Output Token Throughput": over_span(produced),
        "Total Token Throughput": over_span(None if inputs is None else inputs + produced),
    }


def peak_concurrency(requests: Sequence[Request]) -> int:
    """The most requests in flight right after any start; one that ends at that moment has left."""
    final = [r for r in requests if not {"warmup", "superseded"} & set(r.flags)]
    return max((sum(r.sent_ns <= at.sent_ns < r.end_ns for r in final) for at in final), default=0)
