"""Rules → numbers."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence

from fastbench.answers.number_dialects.replies import Replies
from fastbench.answers.number_dialects.rules import NUMBER_DIALECTS, NumberDialect, Rule
from fastbench.errors import UsageError
from fastbench.metrics import (
    COMMON_METRICS,
    E2EL,
    ITL,
    TPOT,
    TTFT,
    Computed,
    Number,
    ToolNumber,
    ToolNumbers,
    length_ns,
)
from fastbench.metrics.samples import output_tokens
from fastbench.units import NS_PER_S

OURS = "fastbench"
_MS = "ms"
_LATENCIES = (TTFT, TPOT, ITL, E2EL)
_REQUESTS, _TOKENS = (
    next(metric for metric in COMMON_METRICS if metric.name == f"{name} Throughput")
    for name in ("Request", "Output Token")
)


def chosen_dialects(names: Sequence[str]) -> tuple[NumberDialect, ...]:
    """The named tools. UsageError for one that is not known."""
    for name in names:
        if name not in NUMBER_DIALECTS:
            near = difflib.get_close_matches(name, NUMBER_DIALECTS, 1)
            meant = f"; did you mean {near[0]}?" if near else ""
            raise UsageError(f"{name!r} is no dialect of numbers; there are {', '.join(NUMBER_DIALECTS)}{meant}")
    return tuple(NUMBER_DIALECTS[name] for name in dict.fromkeys(names))


def dialects_of(computed: Computed, names: Sequence[str]) -> tuple[ToolNumbers, ...]:
    """fastbench's own numbers of a stage, then those by the rules of each named tool. UsageError for one that is not
    known."""
    tools = chosen_dialects(names)
    replies = Replies(computed.selection)
    return (_own(computed), *(_of_tool(tool, replies, computed.metrics.stats) for tool in tools))


def _own(computed: Computed) -> ToolNumbers:
    metrics = computed.metrics
    found = {row.name: row for row in metrics.parameters}
    formulas = {metric.name: metric.formula for metric in _LATENCIES}
    latencies = tuple(
        ToolNumber(name, name, row.unit, formulas[name], row.values, row.samples)
        for name in formulas
        if (row := found.get(name)) is not None
    )
    rates = tuple(
        ToolNumber(rate.name, rate.name, rate.unit, rate.formula, {"Average": computed.figure(rate.name)}, None)
        for rate in (_REQUESTS, _TOKENS)
    )
    return ToolNumbers(OURS, latencies + rates, (), ())


def _of_tool(tool: NumberDialect, replies: Replies, stats: Sequence[str]) -> ToolNumbers:
    rows = (*_latencies(tool, replies, stats), *_rates(tool, replies))
    notes = (f"tokens: {tool.counted}", f"percentiles: {tool.percentiles}", f"not in a recording: {tool.unseen}")
    return ToolNumbers(tool.name, rows, tuple(map(str, tool.sources)), notes)


def _latencies(tool: NumberDialect, replies: Replies, stats: Sequence[str]) -> Iterator[ToolNumber]:
    if replies.selection.is_stream:
        for rule in tool.rules:
            yield _latency(tool, rule, replies, stats)


def _latency(tool: NumberDialect, rule: Rule, replies: Replies, stats: Sequence[str]) -> ToolNumber:
    samples = rule.series.samples(replies)
    averaged = samples if rule.average is None else rule.average.samples(replies)
    values = {
        name: _shown(tool.statistic(averaged if name == "Average" else samples, name), rule.series.scale, tool)
        for name in stats
    }
    return ToolNumber(rule.metric, rule.called, _MS, rule.formula, values, samples.size)


def _shown(value: float | None, scale: float, tool: NumberDialect) -> Number:
    return None if value is None else tool.rounded(value / scale)


def _rates(tool: NumberDialect, replies: Replies) -> Iterator[ToolNumber]:
    selection = replies.selection
    span = tool.span(selection) if selection.window is None else length_ns(selection)
    tokens = int(tool.count(replies).sum()) if selection.is_stream else int(output_tokens(selection.ok).sum())
    formula = f"number or output tokens of successful requests / time {tool.spanned}"
    for rate, amount in ((_REQUESTS, int(selection.ok.size)), (_TOKENS, tokens)):
        value = amount * NS_PER_S / span if span else None
        yield ToolNumber(rate.name, rate.name, rate.unit, formula, {"Average": value}, None)
