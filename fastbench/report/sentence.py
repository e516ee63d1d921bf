"""The answer as one would quote it: what holds, what users felt, and what one must know beside it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from fastbench.metrics import Metrics, Number, ServiceVerdict
from fastbench.metrics.server import CLOSED, KEPT_UP, OVERLOADED, UNKNOWN
from fastbench.units import number, quantity, rate, share

PER_USER = "per user while decoding"
"""What 1 / TPOT is: a user reads so fast once the first token is there."""


class Outcomes(msgspec.Struct, frozen=True):
    """How the requests ended. reasons: of the failed ones, such as `17 HTTP 503`, the most frequent first. cut: in
    flight when the run was ended. open: without an outcome, lost or interrupted."""

    total: int
    ok: int
    failed: int
    failed_share: float | None
    reasons: tuple[str, ...]
    cut: int
    not_sent: int
    open: int


class Rates(msgspec.Struct, frozen=True):
    """Per second. asked, sent, answered: requests of an open loop while the load lasted, in an overload from its onset
    on; None for a closed one. Of a load of one rate, asked is that rate. requests, output_tokens: successful ones over
    the whole duration. per_user: output tokens that one user reads while they come, 1 / median TPOT; None without
    streams."""

    asked: Number
    sent: Number
    answered: Number
    requests: Number
    output_tokens: Number
    per_user: Number

    @property
    def served(self) -> Number:
        """Requests per second as all texts have it: of an open loop while the load lasted, else of the whole."""
        return self.requests if self.answered is None else self.answered


class Piece(NamedTuple):
    """A part of a sentence. strong: whether it is what the sentence is about."""

    text: str
    strong: bool = False


def per_user(tpot_ms: Number) -> Number:
    """Output tokens per second that one user reads, by the time between two of them."""
    return 1_000 / tpot_ms if tpot_ms else None


def sentence(
    metrics: Metrics, ended: Outcomes, rates: Rates, medians: dict[str, Number], limit: int | None
) -> tuple[Piece, ...]:
    """The answer as one would quote it. medians: of latencies by name, ms. limit: in flight."""
    # Figures between asterisks are strong.
    parts = [*_load(metrics, ended, rates, medians, limit), *_faults(metrics, ended)]
    pieces = " ".join(parts).split("*")
    return tuple(Piece(text, bool(place % 2)) for place, text in enumerate(pieces) if text)


def _load(
    metrics: Metrics, ended: Outcomes, rates: Rates, medians: dict[str, Number], limit: int | None
) -> Iterator[str]:
    if not ended.total:
        yield "No request was sent."
    elif not ended.ok:
        why = f": {', '.join(ended.reasons)}" if ended.reasons else ""
        yield f"None of *{counted(ended.total, 'request')}* succeeded{why}."
    elif ended.ok == 1:
        yield _one(rates, medians)
    elif metrics.stages and metrics.kept_up.state != CLOSED:
        yield from _staged(metrics, rates)
    elif metrics.kept_up.state == OVERLOADED:
        yield _overloaded(metrics.kept_up, rates)
    else:
        yield _answered(metrics, rates, limit)
        yield _felt(rates, medians)


def _one(rates: Rates, medians: dict[str, Number]) -> str:
    whole = f"One request took *{_ms(medians['E2EL'])}*"
    if medians.get("TTFT") is None:
        return f"{whole}."
    then = f", then *{number(rates.per_user)} tokens/s*" if rates.per_user else ""
    return f"{whole}: the first token came after *{_ms(medians['TTFT'])}*{then}."


def _staged(metrics: Metrics, rates: Rates) -> Iterator[str]:
    found, limits = metrics.kept_up, [part.asked_rate for part in metrics.stages if part.kept_up == OVERLOADED]
    beyond = min((limit for limit in limits if limit is not None), default=None)
    if found.kept_up_to is None:
        yield _unsteady(found, rates, beyond)
        return
    worse = "" if beyond is None else f", and is overloaded at *{rate(beyond)}*"
    yield f"The service keeps up with *{_rate(found.kept_up_to)}*{worse}."
    at = next(part for part in metrics.stages if part.asked_rate == found.kept_up_to and part.kept_up == KEPT_UP)
    ttft, tpot = at.ttft_ms.get("Median"), at.tpot_ms.get("Median")
    if ttft is not None:
        reads = f", then reads *{number(per_user(tpot))} tokens/s*" if tpot else ""
        yield f"At *{_rate(found.kept_up_to)}* a user waits *{_ms(ttft)}* for the first token{reads}."
    if found.state == OVERLOADED:
        yield f"Over the whole run {latencies_of(found)}."


def _unsteady(found: ServiceVerdict, rates: Rates, beyond: float | None) -> str:
    """Of a load that changes, without a rate that the service certainly kept up with."""
    if found.state == OVERLOADED:
        at = "" if beyond is None else f" It is overloaded at *{_rate(beyond)}*."
        return f"{_overloaded(found, rates, on_average=True)}{at}"
    asked, answered = _rate(found.asked_rate), rate(found.answered_rate)
    return f"Asked for *{asked}* on average, the service answered *{answered}*; whether it keeps up is not certain."


def _overloaded(found: ServiceVerdict, rates: Rates, *, on_average: bool = False) -> str:
    """What holds however long the run is first: no latency of a queue that grows does."""
    tokens = f" and *{number(rates.output_tokens)} output tokens/s*" if rates.output_tokens else ""
    asked = f"{_rate(rates.asked)}*{' on average' if on_average else ''}"
    latencies = latencies_of(found)
    longer = "" if found.limit is not None else ": the longer the run, the higher they get"
    return (
        f"The service answers *{_rate(rates.served)}*{tokens}; asked for *{asked}, it is overloaded {since(found)}. "
        f"{latencies[0].upper()}{latencies[1:]}{longer}."
    )


def since(found: ServiceVerdict) -> str:
    """From when on the service was overloaded."""
    if not found.onset_s:
        return "from the start"
    return f"from {quantity(found.onset_s, 's').replace('.00 ', ' ').replace('.0 ', ' ')} on"


def latencies_of(found: ServiceVerdict) -> str:
    """What the latencies of an overload are, in a clause."""
    if found.limit is None:
        return "latencies are those of a growing queue"
    return f"latencies leave out the wait for one of the {found.limit:,} places in flight"


def _answered(metrics: Metrics, rates: Rates, limit: int | None) -> str:
    found = metrics.kept_up
    if found.state == CLOSED:
        answers = f"the service answers *{_rate(rates.requests)}*"
        if limit is None:
            return f"{answers[0].upper()}{answers[1:]}."
        up_to = "up to " if metrics.stages or metrics.load.peak_concurrency < limit else ""
        return f"With {up_to}*{'one request' if limit == 1 else f'{limit:,} requests'} in flight* {answers}."
    asked = f"Asked for *{_rate(rates.asked)}*, the service"
    if found.state == KEPT_UP:
        return f"{asked} keeps up."
    why = "the recording has no end" if found.state == UNKNOWN else "the run is too short to tell if it keeps up"
    return f"{asked} answered *{rate(found.answered_rate)}*; {why}."


def _felt(rates: Rates, medians: dict[str, Number]) -> str:
    if medians.get("TTFT") is None:
        return f"A reply takes *{_ms(medians['E2EL'])}*."
    then = f", then reads *{number(rates.per_user)} tokens/s*" if rates.per_user else ""
    return f"A user waits *{_ms(medians['TTFT'])}* for the first token{then}."


def _faults(metrics: Metrics, ended: Outcomes) -> Iterator[str]:
    """What one must know beside it."""
    if ended.ok and ended.failed:
        yield f"*{share(ended.failed_share)}* of the requests failed."
    left = [f"*{count:,}* {what}" for count, what in ((ended.cut, "cut"), (ended.not_sent, "not sent")) if count]
    if left:
        yield f"Of {counted(ended.total, 'request')} {' and '.join(left)}."
    if ended.ok and not metrics.verdict.valid:
        yield "The measurement is INVALID: not to be trusted."


def counted(amount: int, what: str) -> str:
    """`1 request`, `2,000 requests`."""
    return f"{amount:,} {what}{'' if amount == 1 else 's'}"


def _rate(value: Number) -> str:
    return rate(value, "requests")


def _ms(value: Number) -> str:
    return quantity(value, "ms")
