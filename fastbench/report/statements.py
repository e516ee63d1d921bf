"""Two statements on a run, never one word: on the measurement, and on the service; and the table of a load's stages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fastbench.metrics import Assertion, GoodRequests, Metrics, Number, ServiceVerdict, StageOfLoad
from fastbench.metrics.samples import percent_of, samples_needed
from fastbench.metrics.server import CLOSED, KEPT_UP, OVERLOADED, STATS, UNKNOWN
from fastbench.units import MISSING, number, quantity, rate, share

STAGE_COLUMNS = (
    *("Stage of Load", "From", "Asked", "Sent", "Answered"),
    *(f"{name} {statistic}" for name in ("TTFT", "TPOT") for statistic in STATS),
    *("In Flight", "Kept up?"),
)


def measurement(metrics: Metrics) -> list[str]:
    """On the measurement, a line for each reason not to trust it."""
    if metrics.verdict.valid:
        return ["Measurement valid"]
    return [f"Measurement not to be trusted: {sentence}" for sentence in metrics.verdict.sentences]


def service_statement(metrics: Metrics) -> str:
    """On the service."""
    found, cut = metrics.kept_up, cut_off(metrics)
    whole = not (found.failed or cut or metrics.not_sent)
    rest = [f"{count} {what}" for count, what in ((cut, "cut off"), (metrics.not_sent, "not sent")) if count]
    told = [part for part in (_load(found, whole), _failed(found), *rest) if part]
    return f"Service {'; '.join(told) or 'answered nothing'}"


def cut_off(metrics: Metrics) -> int:
    """Requests that were in flight when the run was ended."""
    return sum(metrics.outcomes.get(name, 0) for name in ("cancelled", "dropped")) - metrics.not_sent


def in_good_order(found: ServiceVerdict) -> bool:
    """Whether nothing speaks against the service."""
    return found.state != OVERLOADED and not found.failed


def _load(found: ServiceVerdict, whole: bool) -> str:
    if not found.answered:
        return ""
    to = "" if found.kept_up_to is None else f"; kept up to {rate(found.kept_up_to)}"
    match found.state:
        case "overloaded":
            since = "" if not found.onset_s else f" from {found.onset_s:.3g} s on"
            asked, answered = rate(found.asked_rate), rate(found.answered_rate)
            limit = "" if found.limit is None else f" (limit in flight: {found.limit})"
            return f"overloaded{since}: asked {asked}, answered {answered}, {queue(found)}{limit}{to}"
        case state if state == KEPT_UP:
            return f"kept up: asked {rate(found.asked_rate)}, answered {rate(found.answered_rate)}{to}"
        case state if state == CLOSED:
            return f"answered {'all ' if whole else ''}{found.answered:,}"
        case state if state == UNKNOWN:
            return "not judged: the recording has no end"
        case state:
            return f"kept up? {state.capitalize()}: more requests or a longer run are needed{to}"


def _failed(found: ServiceVerdict) -> str:
    if not found.failed or found.failed_share is None:
        return ""
    return f"{percent(found.failed_share)} failed: {', '.join(found.reasons)}"


def queue(found: ServiceVerdict) -> str:
    """How many requests an overload had in the end. Where the limit in flight was reached, those count too that were
    due and did not go out."""
    count = f"{found.queue or 0:,}"
    if found.limit is not None:
        return f"due and not answered grew to {count}"
    waiting = "" if found.waiting is None else f", {found.waiting:,} waiting for a first token"
    return f"in flight grew to {count}{waiting}"


def percent(share: float) -> str:
    """A share of 1; what is not none is not shown as 0.0 %."""
    return f"{share:.1%}".replace("%", " %") if share >= 0.0005 else "< 0.1 %"


def stage_rows(metrics: Metrics) -> list[list[str]]:
    """A line for each stage of the load."""
    return [_stage(part) for part in metrics.stages]


def stage_note(metrics: Metrics) -> str:
    """What a missing figure in the table of stages means; empty where none is missing."""
    figures = [by_name for part in metrics.stages for by_name in (part.ttft_ms, part.tpot_ms)]
    missing = [name for name in STATS if any(by_name.get(name) is None for by_name in figures)]
    if not missing:
        return ""
    return f"{MISSING} Too few requests in the stage: {needs(missing)}."


def needs(percentiles: Iterable[str]) -> str:
    """How many requests each of them is of at the least, by the rule of the tables' marks."""
    return ", ".join(f"{name} needs {samples_needed(percent_of(name) or 0)}" for name in percentiles)


def _stage(part: StageOfLoad) -> list[str]:
    times = [_ms(values[name]) for values in (part.ttft_ms, part.tpot_ms) for name in STATS]
    asked = part.intended_rate
    in_flight = MISSING if part.in_flight is None else f"{part.in_flight:.1f}"
    rates = [rate(asked), rate(part.sent_rate), rate(part.answered_rate)]
    return [part.name, f"{max(0.0, part.begin_s):.1f} s", *rates, *times, in_flight, part.kept_up or MISSING]


def _ms(value: Number) -> str:
    return quantity(value, "ms")


def good(found: GoodRequests) -> str:
    """How many requests are good by an SLO, and how sure their share is."""
    sure = "" if found.interval is None else f", 95 % interval {between(found.interval)}"
    return f"{found.good:,} of {found.requests:,} good ({share(found.share)}{sure})"


def goodput(found: GoodRequests) -> str:
    """What good requests came to: requests and output tokens a second."""
    return f"{quantity(found.request_rate, 'requests/s')}, {quantity(found.token_rate, 'output tokens/s')}"


def first_broken(found: GoodRequests) -> str:
    """What the others broke first, counted."""
    return ", ".join(f"{reason} {count:,}" for reason, count in found.broken.items())


def answered(found: GoodRequests | Assertion) -> str:
    """met, not met, or why that cannot be told."""
    return f"{found.word}: {found.why}" if found.why else found.word


def found_of(one: Assertion) -> str:
    """What an assertion is about, as it was measured."""
    if one.unit == "%":
        return MISSING if one.value is None else f"{number(one.value)} %"
    return quantity(one.value, one.unit)


def between(interval: tuple[float, float]) -> str:
    """A share's interval."""
    return f"{share(interval[0]).removesuffix(' %')}\N{EN DASH}{share(interval[1])}"


def smoothness(metrics: Metrics) -> Iterator[str]:
    """How a reader feels the streams, as far as it was asked."""
    found = metrics.smoothness
    if found is None or not found.streams:
        return
    if found.stall_ms is not None:
        longest = f", the longest {quantity(found.longest_ms, 'ms')}" if found.stalls else ""
        hit = f"{found.stalled:,} of {found.streams:,} streams ({share(found.stalled_share)})"
        yield f"{found.stalls:,} stalls of {quantity(found.stall_ms, 'ms')} or more in {hit}{longest}."
    if found.reading_speed is not None:
        reader = f"a reader of {number(found.reading_speed)} tokens/s"
        yield f"{share(found.in_time_share)} of the tokens arrived before {reader} came to them."
