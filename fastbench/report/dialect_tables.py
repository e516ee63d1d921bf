"""The numbers by other tools' rules beside fastbench's own, as tables and lines for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from fastbench.metrics import Metrics, ToolNumber, ToolNumbers
from fastbench.report.cells import cell

RATE_COLUMNS = ("Rate", "By the Rule of", "Value")


class ByTool(NamedTuple):
    """A number with the tool that it is of."""

    tool: ToolNumbers
    number: ToolNumber


def latency_columns(stats: Sequence[str]) -> tuple[str, ...]:
    """Of the table of latencies; a reply, a gap or a weight is a sample."""
    return ("Latency", "By the Rule of", *stats, "Samples")


def latency_rows(metrics: Metrics) -> list[list[str]]:
    """The cells of `latency_columns`: each of fastbench's latencies, and under it the tools'."""
    return [
        [
            one.number.metric,
            _who(one),
            *(cell(one.number.values[name], one.number.unit) for name in metrics.stats),
            str(one.number.samples),
        ]
        for one in _by_metric(metrics)
        if one.number.samples is not None
    ]


def rate_rows(metrics: Metrics) -> list[list[str]]:
    """The cells of `RATE_COLUMNS`."""
    return [
        [one.number.metric, one.tool.name, cell(one.number.values["Average"], one.number.unit)]
        for one in _by_metric(metrics)
        if one.number.samples is None
    ]


def rule_lines(metrics: Metrics) -> Iterator[str]:
    """Each rule in a line; under a tool's what else there is to know of them, and where they stand in its source."""
    for tool in metrics.by_tool:
        for number in tool.rows:
            if number.samples is not None:
                yield f"{tool.name} {_called(number)} = {number.formula}"
            elif number is tool.rows[-1]:
                yield f"{tool.name} rates = {number.formula}"
        yield from (f"  {note}" for note in tool.notes)
        if tool.sources:
            yield f"  read in {'; '.join(tool.sources)}"


def _by_metric(metrics: Metrics) -> Iterator[ByTool]:
    every = [ByTool(tool, number) for tool in metrics.by_tool for number in tool.rows]
    for name in dict.fromkeys(one.number.metric for one in every):
        yield from (one for one in every if one.number.metric == name)


def _who(one: ByTool) -> str:
    """The tool; with its own name of the number where that is another word."""
    called = one.number.called
    return one.tool.name if called == one.number.metric else f"{one.tool.name}: {called}"


def _called(number: ToolNumber) -> str:
    return number.metric if number.called == number.metric else f"{number.called} ({number.metric})"
