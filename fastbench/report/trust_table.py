"""The trust block: how far the numbers can be believed, a line for each question."""

from __future__ import annotations

from itertools import islice

from fastbench.metrics import (
    TPOT,
    ClientEffect,
    ClientError,
    Load,
    Metrics,
    Output,
    Quantity,
    ServiceVerdict,
    StructuredOutput,
)
from fastbench.metrics.server import OVERLOADED
from fastbench.report.cells import MISSING, cell, marked, printable, quantity, share
from fastbench.report.sentence import per_user
from fastbench.report.statements import cut_off

WORD_CHARS = 40
FAULTS = 5
"""Of structured output, that are named; the rest is one number."""


def trust_rows(metrics: Metrics) -> list[tuple[str, str]]:
    """(question, answer) in the order of a request's life."""
    reasons = ", ".join(f"{printable(name, WORD_CHARS)} {count}" for name, count in metrics.finish_reasons.items())
    rows = [
        ("Outcomes", _outcomes(metrics)),
        ("Finish Reasons", reasons or MISSING),
        ("Structured Output Valid", MISSING if metrics.structured is None else _structured(metrics.structured)),
        *_load(metrics),
        *_users(metrics),
        *_effect(metrics.effect),
        *_client(metrics.client),
        *_output(metrics.output),
    ]
    return [(name, value) for name, value in rows if value != MISSING]


def quantities(metrics: Metrics) -> list[Quantity]:
    """The measured quantities of the block that have samples."""
    load, client = metrics.load, metrics.client
    found = [load.send_lateness, load.response_time, load.service_time, load.ttft_from_intended, client.lag]
    return [measured for measured in found if measured.samples]


def _structured(found: StructuredOutput) -> str:
    faults = ", ".join(
        f"{printable(fault, WORD_CHARS)} {count}" for fault, count in islice(found.faults.items(), FAULTS)
    )
    rest = sum(islice(found.faults.values(), FAULTS, None))
    others = f", others {rest}" if rest else ""
    return f"{share(found.share)} ({found.valid} of {found.checked}){f': {faults}{others}' if faults else ''}"


def _outcomes(metrics: Metrics) -> str:
    """What was cancelled or dropped without having been sent counts as not sent."""
    ended = {name: count for name, count in metrics.outcomes.items() if name not in ("cancelled", "dropped")}
    ended |= {name: count for name, count in (("cut off", cut_off(metrics)), ("not sent", metrics.not_sent)) if count}
    return ", ".join(f"{name} {count}" for name, count in ended.items())


def _users(metrics: Metrics) -> list[tuple[str, str]]:
    """1 / TPOT: the slowest of them have the highest percentiles of TPOT."""
    rows = [row for row in metrics.parameters if row.name == TPOT.name]
    value = rows[0].values.get("Median") if rows else None
    if not value:
        return []
    return [("Tokens/s per User", marked(f"Median {cell(per_user(value), 'token/s')}", "Median" in rows[0].marked))]


def _load(metrics: Metrics) -> list[tuple[str, str]]:
    load = metrics.load
    limit = "no limit" if load.max_concurrency is None else f"limit {load.max_concurrency}"
    is_open = load.kind == "open"
    return [
        ("Peak Concurrency", f"{load.peak_concurrency} ({limit})"),
        ("Steady Concurrency", cell(load.steady_concurrency, "")),
        ("Arrivals", _arrivals(load) if is_open else MISSING),
        ("Asked Rate", cell(load.asked_rate, "req/s")),
        # A closed loop sends when it may: what it reached is no answer to a rate that nobody asked for.
        ("Sent Rate", cell(load.sent_rate, "req/s") if is_open else MISSING),
        ("Answered Rate", _answered(metrics.kept_up)),
        ("Send Lateness", quantity(load.send_lateness)),
        ("Response Time", quantity(load.response_time)),
        ("Service Time", quantity(load.service_time) if is_open else MISSING),
        ("TTFT from Intended", quantity(load.ttft_from_intended)),
        ("Resent Requests", str(load.resent_requests) if load.resent_requests else MISSING),
        ("Retried Requests", f"{load.retried_requests} ({load.failed_attempts} failed attempts)"),
    ]


def _answered(found: ServiceVerdict) -> str:
    text = cell(found.answered_rate, "req/s")
    return (
        f"{text} (overloaded, from {found.onset_s:.3g} s on)" if found.state == OVERLOADED and found.onset_s else text
    )


def _arrivals(load: Load) -> str:
    fit = load.arrival_fit
    if fit is None:
        return load.arrival
    word = "followed" if fit.follows else "not followed"
    times = "" if fit.intervals_each == 1 else f"x {fit.intervals_each} "
    intervals = f"{fit.samples} {times}intervals"
    figures = f"KS distance {fit.distance:.4f} of {intervals}, p {fit.p_value:.4f}"
    return f"{load.arrival}, {word} ({figures})"


def _effect(effect: ClientEffect) -> list[tuple[str, str]]:
    off = [f"{row} {_each(values)}" for row, values in effect.off_ms.items()]
    taken = [] if effect.load_share is None else [f"{share(effect.load_share)} of the load"]
    return [
        ("Ramp", MISSING if effect.ramp_ms is None else f"{cell(effect.ramp_ms, 'ms')} ({effect.first_wave} sent)"),
        ("Client Share of Slot Time", share(effect.slot_share)),
        ("Client Effect", f"at most {'; '.join(off + taken)}" if off or taken else MISSING),
    ]


def _each(values: dict[str, float]) -> str:
    return ", ".join(f"{name} {cell(value, 'ms')}" for name, value in values.items())


def _client(client: ClientError) -> list[tuple[str, str]]:
    stalls = "0"
    if client.stalls:
        longest, total = cell(client.stall_longest_ms, "ms"), cell(client.stall_total_ms, "ms")
        stalls = f"{client.stalls}, longest {longest}, total {total}"
    uncertain = f"{client.uncertain_gaps} ({share(client.uncertain_gap_share)})"
    if client.uncertain_gaps:
        uncertain += f", by up to {cell(client.bound_max_ms, 'ms')}"
    return [
        ("Time Stamps", _stamps(client)),
        ("Client Lag", quantity(client.lag)),
        ("Client Stalls", stalls),
        ("Client Priority", _priority(client.real_time_share)),
        ("Uncertain Gaps", MISSING if client.uncertain_gap_share is None else uncertain),
        ("Starved Requests", str(client.starved)),
    ]


def _priority(real_time: float | None) -> str:
    if real_time is None:
        return MISSING
    return f"real-time for {share(real_time)} of the time" if real_time else "ordinary"


def _stamps(client: ClientError) -> str:
    if client.kernel_stamp_share is None:
        return MISSING
    return f"{client.stamps}, {share(client.kernel_stamp_share)} of the streams by the kernel alone"


def _output(output: Output) -> list[tuple[str, str]]:
    def sources(counts: dict[str, int]) -> str:
        return ", ".join(f"{name} {count}" for name, count in counts.items()) or MISSING

    rows = [
        ("Input Token Source", sources(output.input_sources)),
        ("Output Token Source", sources(output.output_sources)),
    ]
    if output.events:
        several = f"{share(output.multi_token_share)} known to hold several tokens"
        if output.holds_several and not output.multi_token_events:
            several = "which hold several tokens was not told"
        rows.append(("Coalesced Events", f"{share(output.shared_share)} shared a read, {several}"))
        ratio = output.tokens_per_event
        rows.append(("Tokens per Event", MISSING if ratio is None else f"{ratio:.4f}"))
        # Of one token an event it is the ITL.
        rows.append(("ITL per Token", cell(output.itl_per_token_ms, "ms") if output.holds_several else MISSING))
    return rows
