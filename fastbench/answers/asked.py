"""What is asked of a report beyond its numbers, answered: intervals, SLOs, statements, how a reader feels it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from msgspec.structs import replace

from fastbench.answers.gates import Gate, Judged, check_classes, judge, statistics_of, unit_of
from fastbench.answers.goodput import Goodput, goodput_of
from fastbench.answers.smoothness import smoothness_rows, streams_of
from fastbench.answers.statistics import LEAST_BLOCKS
from fastbench.answers.uncertainty import Times, with_intervals
from fastbench.errors import Exit, UsageError, worst
from fastbench.metrics import (
    Assertion,
    ClassNumbers,
    Computed,
    GoodRequests,
    Metrics,
    OfClass,
    Parameter,
    Selection,
    class_names,
    further,
    parameters,
)
from fastbench.slo import Slo
from fastbench.units import NS_PER_S

_OF_CLASS = tuple(name for name in ClassNumbers.__struct_fields__ if name != "name")


class Asked(NamedTuple):
    """What is asked of a report. slos: each an SLO of its own. gates: statements. stall_ns: the gap from which on it
    may be a stall; speed: of reading, tokens/s; None: not asked. dialects: the tools by whose rules, too."""

    slos: tuple[Slo, ...] = ()
    gates: tuple[Gate, ...] = ()
    stall_ns: int | None = None
    speed: float | None = None
    dialects: tuple[str, ...] = ()


def answered(computed: Computed, asked: Asked) -> Computed:
    """The same numbers with what was asked. UsageError for a statement about what such a run does not have, a class
    too, and for a dialect that is not known."""
    check_classes(asked.gates, class_names(computed.selection.header))
    classes = tuple(_of_class(computed, place, asked) for place in range(len(computed.by_class)))
    computed = _sure_and_good(computed, asked)
    metrics = replace(computed.metrics, classes=classes)
    if asked.gates:
        stats = statistics_of(asked.gates)
        judged = judge(
            asked.gates,
            _wide(metrics, computed.selection, stats),
            lambda name: _alone(metrics, computed.by_class, name, stats),
        )
        metrics = replace(metrics, assertions=tuple(map(_assertion, judged)))
    if asked.dialects:
        # Imported late: most reports have no other tool's numbers.
        from fastbench.answers.number_dialects import dialects_of

        metrics = replace(metrics, by_tool=dialects_of(computed, asked.dialects))
    return computed._replace(metrics=metrics)


def _sure_and_good(computed: Computed, asked: Asked) -> Computed:
    """With intervals, how a reader feels the streams, and SLOs."""
    computed = with_intervals(computed)
    metrics = _with_smoothness(computed.metrics, computed.selection, asked)
    return computed._replace(metrics=replace(metrics, slos=tuple(_good(computed, slo) for slo in asked.slos)))


def _of_class(computed: Computed, place: int, asked: Asked) -> ClassNumbers:
    """The numbers of a class with the same."""
    numbers = computed.metrics.classes[place]
    of_it = replace(computed.metrics, parameters=numbers.parameters, further=numbers.further, classes=())
    alone = computed._replace(metrics=of_it, selection=computed.by_class[place].selection, rows=(), by_class=())
    found = _sure_and_good(alone, asked).metrics
    return replace(numbers, parameters=found.parameters, further=found.further, slos=found.slos)


def _alone(metrics: Metrics, by_class: Sequence[OfClass], name: str, stats: Sequence[str]) -> Metrics | None:
    """A class's numbers in the place of those of all, with these statistics too; None where it has no request."""
    for numbers, behind in zip(metrics.classes, by_class, strict=True):
        if numbers.name == name:
            alone = replace(metrics, **{field: getattr(numbers, field) for field in _OF_CLASS})
            return _wide(alone, behind.selection, stats)
    return None


def _with_smoothness(metrics: Metrics, selection: Selection, asked: Asked) -> Metrics:
    """With the rows about stalls and the reader's deadline that were asked for."""
    stalls, reads = asked.stall_ns is not None, asked.speed is not None
    if not stalls and not reads:
        return metrics
    streams = streams_of(selection, asked.stall_ns, asked.speed)
    smoothness = streams.together(asked.stall_ns, asked.speed)
    rows = smoothness_rows(streams, Times.of(selection.streamed), metrics.stats, stalls=stalls, reads=reads)
    return replace(metrics, further=(*metrics.further, *rows), smoothness=smoothness)


def _wide(metrics: Metrics, selection: Selection, stats: Sequence[str]) -> Metrics:
    """The numbers with the statistics that statements are about too."""
    more = tuple(name for name in stats if name not in metrics.stats)
    if not more:
        return metrics
    found = {row.name: row for row in (*parameters(selection, more), *further(selection, more).rows)}

    def joined(row: Parameter) -> Parameter:
        other = found.get(row.name)
        if other is None:
            return row
        marked, unsure = (*row.marked, *other.marked), (*row.unsure, *other.unsure)
        return replace(row, values={**row.values, **other.values}, marked=marked, unsure=unsure)

    return replace(
        metrics, parameters=tuple(map(joined, metrics.parameters)), further=tuple(map(joined, metrics.further))
    )


def _good(computed: Computed, slo: Slo) -> GoodRequests:
    """What became of an SLO. Of a measurement that is INVALID, and of moments that the run did not measure, it cannot
    be told."""
    metrics = computed.metrics
    try:
        found = goodput_of(computed.selection, slo)
    except UsageError as error:
        requests = int(computed.selection.final.size)
        return GoodRequests(slo.words(), requests, 0, None, None, None, None, None, {}, None, str(error))
    met, why = found.met, ""
    if not metrics.verdict.valid:
        met, why = None, "the measurement is INVALID"
    elif met is None:
        why = _why(found)
    return GoodRequests(
        slo=slo.words(),
        requests=found.requests,
        good=found.good,
        share=found.share,
        interval=None if found.interval is None else (found.interval.low, found.interval.high),
        design_effect=found.deff,
        request_rate=found.per_s,
        token_rate=found.tokens_per_s,
        broken={one.reason: one.requests for one in found.broken},
        met=met,
        why=why,
    )


def _why(found: Goodput) -> str:
    if not found.requests:
        return "no request has an outcome"
    if found.needed_ns is not None:
        seconds = math.ceil(found.needed_ns / NS_PER_S)
        return (
            f"too short to tell, as it takes {LEAST_BLOCKS} blocks of time that do not depend on each other: send for "
            f"{seconds} s or longer (--duration, --num-prompts)"
        )
    if found.interval is None:
        return "no request succeeded"
    return "the share asked for lies within the interval: send more requests"


def _assertion(judged: Judged) -> Assertion:
    return Assertion(judged.gate.text, judged.value, unit_of(judged.gate), judged.met, judged.why)


def code_of(reports: Sequence[Metrics]) -> int:
    """The exit code that SLOs and statements ask for: 3 where one is not met, else 4 where one cannot be told, else
    0."""
    found = [one.met for metrics in reports for one in metrics.slos]
    found += [one.met for metrics in reports for one in metrics.assertions]
    return worst(*map(Exit.of, found))
