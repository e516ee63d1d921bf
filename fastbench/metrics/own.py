"""fastbench's own metrics, in the order of their tables' rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from fastbench.metrics.metric import MS, Metric, Table, Timed, Values
from fastbench.metrics.samples.bounds import e2el_bounds, itl_bounds, tpot_bounds, ttft_bounds
from fastbench.metrics.samples.latencies import US_PER_MS, between_ns, e2el_ns, has_tpot, per_second, tpot_ns, ttft_ns
from fastbench.metrics.samples.selection import Mask, Rows, Selection, flagged, output_tokens
from fastbench.metrics.samples.statistics import ArraySamples
from fastbench.metrics.samples.timeline import token_times
from fastbench.registry import METRICS
from fastbench.units import NS_PER_MS

_AISBENCH = "AISBench's guide to service performance evaluation"
_HEADLINES = ("Median", "P99")


def _prefill_rate(rows: Rows) -> Values:
    ttft = ttft_ns(rows)
    return Values(per_second(rows["input_tokens"], ttft), (rows["input_tokens"] >= 0) & (ttft > 0))


def _output_rate(rows: Rows) -> Values:
    e2el = e2el_ns(rows)
    return Values(per_second(output_tokens(rows), e2el), e2el > 0)


def _counted(name: str) -> Callable[[Rows], Values]:
    """A number of tokens by its field, of the requests for which somebody counted them."""
    return lambda rows: Values(rows[name].astype(np.int64), rows[name] >= 0)


def _answered(begin: str) -> Callable[[Rows], Values]:
    """From a moment to the first answer token, of the replies that streamed reasoning before it."""
    return lambda rows: Values(
        between_ns(rows, begin, "answer_ns"),
        flagged(rows, "reasoning") & (rows["answer_ns"] > 0) & _of_one_choice(rows),
    )


def _of_one_choice(rows: Rows) -> Mask:
    """(rows,): without those whose events are of several choices: one may answer while another still thinks."""
    one: Mask = rows["choices"] <= 1
    return one


def _with_gaps(selection: Selection) -> int:
    return int(np.count_nonzero(selection.streamed["events"] > 1))


def _timed_gaps(selection: Selection) -> Iterator[Timed]:
    """Each gap, µs, at the moment at which it ended."""
    for times in token_times(selection.recording, selection.streamed_mask):
        follows = np.ones(times.token_ns.size, bool)
        follows[times.offsets[:-1]] = False
        yield times.token_ns[follows], times.gaps_us[follows]


def _second_gaps_us(selection: Selection) -> Values:
    """The first gap of each successful stream that has one, µs."""
    rows = selection.streamed
    return Values(selection.first_gaps_us, (rows["events"] > 1) & _of_one_choice(rows))


_LATENCY: dict[str, Any] = {
    "table": Table.PERFORMANCE,
    "source": _AISBENCH,
    "in_intervals": True,
    "headlines": _HEADLINES,
    "has_curve": True,
}
_REQUEST_MS: dict[str, Any] = {"unit": MS, "scale": NS_PER_MS}

E2EL = Metric(
    "E2EL",
    about="from the first byte sent to the end of the reply: the service time",
    formula="end_ns - sent_ns",
    values=lambda rows: Values.all(e2el_ns(rows)),
    column="e2el_ms",
    bounds=e2el_bounds,
    **_REQUEST_MS,
    **_LATENCY,
)
TTFT = Metric(
    "TTFT",
    about="from the first byte sent to the first output event",
    formula="first_token_ns - sent_ns",
    values=lambda rows: Values.all(ttft_ns(rows)),
    column="ttft_ms",
    streams_only=True,
    bounds=ttft_bounds,
    **_REQUEST_MS,
    **_LATENCY,
)
TPOT = Metric(
    "TPOT",
    about="time per output token behind the first one, of requests with several in several events",
    formula="(E2EL - TTFT) / (OutputTokens - 1)",
    values=lambda rows: Values(tpot_ns(rows), has_tpot(rows)),
    column="tpot_ms",
    streams_only=True,
    bounds=tpot_bounds,
    **_REQUEST_MS,
    **_LATENCY,
)
ITL = Metric(
    "ITL",
    MS,
    about="every gap between neighbouring output events, of all requests together",
    formula="token_ns[k] - token_ns[k - 1]",
    samples=lambda selection: selection.gaps,
    requests=_with_gaps,
    timed=_timed_gaps,
    scale=US_PER_MS,
    streams_only=True,
    bounds=itl_bounds,
    **_LATENCY,
)
INPUT_TOKENS = Metric(
    "InputTokens",
    "",
    about="tokens of the prompt",
    formula="input_tokens",
    source=_AISBENCH,
    values=_counted("input_tokens"),
    table=Table.PERFORMANCE,
)
OUTPUT_TOKENS = Metric(
    "OutputTokens",
    "",
    about="tokens of the reply; output events where there is no count",
    formula="output_tokens",
    source=_AISBENCH,
    values=lambda rows: Values.all(output_tokens(rows)),
    table=Table.PERFORMANCE,
)
OUTPUT_TOKEN_THROUGHPUT = Metric(
    "OutputTokenThroughput",
    "token/s",
    about="how fast a request's output came",
    formula="OutputTokens / E2EL",
    source=_AISBENCH,
    values=_output_rate,
    table=Table.PERFORMANCE,
)
PREFILL_TOKEN_THROUGHPUT = Metric(
    "PrefillTokenThroughput",
    "token/s",
    about="how fast a request's prompt was read",
    formula="InputTokens / TTFT",
    source=_AISBENCH,
    values=_prefill_rate,
    streams_only=True,
    table=Table.PERFORMANCE,
)
FIRST_ANSWER_TOKEN = Metric(
    "First Answer Token",
    about="from the first byte sent to the first output event that is not reasoning alone, of replies with reasoning",
    formula="answer_ns - sent_ns",
    values=_answered("sent_ns"),
    column="ttfa_ms",
    streams_only=True,
    **_REQUEST_MS,
)
THINKING_TIME = Metric(
    "Thinking Time",
    about="from the first output event to the first that is not reasoning alone, of replies with reasoning",
    formula="answer_ns - first_token_ns",
    values=_answered("first_token_ns"),
    column="thinking_ms",
    streams_only=True,
    **_REQUEST_MS,
)
SECOND_TOKEN = Metric(
    "Second Token",
    MS,
    about="the gap between the first and the second output event",
    formula="token_ns[1] - token_ns[0]",
    samples=lambda selection: ArraySamples(_second_gaps_us(selection).samples),
    each=_second_gaps_us,
    column="second_token_ms",
    scale=US_PER_MS,
    streams_only=True,
)
CACHED_INPUT_TOKENS = Metric(
    "Cached Input Tokens",
    "",
    about="tokens of the prompt that came from the service's prefix cache, from usage",
    formula="cached_tokens",
    values=_counted("cached_tokens"),
)
REASONING_TOKENS = Metric(
    "Reasoning Tokens",
    "",
    about="tokens of reasoning, from usage",
    formula="reasoning_tokens",
    values=_counted("reasoning_tokens"),
)
REPLY_TAIL = Metric(
    "Reply Tail",
    about="from the last record of the stream to the end of the HTTP message",
    formula="message_ns - record_ns",
    values=lambda rows: Values(between_ns(rows, "record_ns", "message_ns"), rows["message_ns"] > 0),
    streams_only=True,
    **_REQUEST_MS,
)
RESPONSE_TIME = Metric(
    "Response Time",
    about="from the moment that the plan has for the request to the end of the reply",
    formula="end_ns - intended_ns",
    values=lambda rows: Values(between_ns(rows, "intended_ns", "end_ns"), rows["intended_ns"] > 0),
    table=Table.NONE,
    column="response_ms",
    **_REQUEST_MS,
)

OWN_METRICS: tuple[Metric, ...] = tuple(map(METRICS.get, METRICS.own_names))
"""fastbench's own, in the order of their rows."""
