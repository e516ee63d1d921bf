"""Why two sides are not comparable: each reason one sentence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fastbench.answers.comparison.model import RunSummary, Side
from fastbench.units import quantity

LOAD = 0.01
"""The most by which the achieved load may differ, as a ratio less 1."""
LENGTHS = 0.02
"""Of the mean length of outputs."""
CACHED = 0.01
"""Of the share of input tokens from the prefix cache, in points of 1."""


def refusals(base: Side, other: Side) -> tuple[str, ...]:
    """Sentences; () = they are comparable."""
    clauses = dict.fromkeys((*_of_each(base), *_of_each(other), *_same_twice(base, other), *_between(base, other)))
    return tuple(f"{_not_comparable(base, other)}{clause}." for clause in clauses)


def together(base: Side, other: Side, reasons: Sequence[str]) -> str:
    """Several reasons in one sentence."""
    first, *rest = (reason.rstrip(".") for reason in reasons)
    return "; ".join([first, *(reason.removeprefix(_not_comparable(base, other)) for reason in rest)]) + "."


def _not_comparable(base: Side, other: Side) -> str:
    return f"{base.label} and {other.label} are not comparable because "


def _named(side: Side, run: RunSummary) -> str:
    return side.label if len(side.runs) == 1 or run.label == side.label else f"{side.label}'s run {run.label}"


def _of_each(side: Side) -> Iterator[str]:
    """What is wrong with a side by itself."""
    for run in side.runs:
        name = _named(side, run)
        if run.fault:
            yield f"{name} is not whole: {run.fault}"
        if not run.ok:
            yield f"{name} has no successful request"
        elif not run.valid:
            # Its cause and remedy stand in the run's own report.
            effect = run.reasons[0].partition(", because ")[0] if run.reasons else "see its report"
            yield f"{name} is INVALID: {effect}"


def _same_twice(base: Side, other: Side) -> Iterator[str]:
    for run in base.runs:
        if run.source in {one.source for one in other.runs}:
            yield f"they are the same run, {run.source}"


def _between(base: Side, other: Side) -> Iterator[str]:
    first = base.runs[0]
    for side in (base, other):
        for run in side.runs:
            if run is not first:
                yield from _of_pair(_named(base, first), first, _named(side, run), run)


def _of_pair(a: str, first: RunSummary, b: str, second: RunSummary) -> Iterator[str]:
    if first.version != second.version:
        yield (
            f"{a} is a recording of format {first.version} and {b} of format {second.version}: "
            "measure again with one version of fastbench"
        )
    if first.streams != second.streams:
        streamed, not_streamed = (a, b) if first.streams else (b, a)
        yield f"{streamed} was streamed and {not_streamed} was not, so that they have other metrics"
    if first.stage != second.stage:
        yield f"{a} is of the stage {first.stage} and {b} of {second.stage}: name one by --stage or --window"
    if not (first.workload.digest and second.workload.digest):
        yield f"{a if not first.workload.digest else b} does not say what was sent"
    elif first.workload.digest != second.workload.digest:
        yield f"{b} sent another workload than {a}{_workloads(first, second)}"
    elif first.ok and second.ok:
        yield from _achieved(a, first, b, second)


def _workloads(first: RunSummary, second: RunSummary) -> str:
    """How they differ, as far as their words or settings say so."""
    if first.workload.words != second.workload.words:
        return f" ({second.workload.words} against {first.workload.words})"
    names = [
        name
        for name in sorted({*first.config, *second.config})
        if name.startswith(("load.", "data.", "service.generation"))
        and "seed" not in name
        and first.config.get(name) != second.config.get(name)
    ]
    return f" ({names[0]} differs)" if names else ""


def _achieved(a: str, first: RunSummary, b: str, second: RunSummary) -> Iterator[str]:
    loads = first.load.value, second.load.value
    if _is_off(*loads, LOAD):
        told = [quantity(load, first.load.unit) for load in loads]
        yield f"the load that was reached differs by more than {LOAD * 100:.0f} %: {a} {told[0]}, {b} {told[1]}"
    lengths = first.output_tokens, second.output_tokens
    if _is_off(*lengths, LENGTHS):
        told = [quantity(length, "tokens") for length in lengths]
        limit = f"{LENGTHS * 100:.0f} %"
        yield f"the outputs differ in length by more than {limit}: {a} {told[0]} on average, {b} {told[1]}"
    cached = first.cached_share, second.cached_share
    if cached[0] is not None and cached[1] is not None and abs(cached[1] - cached[0]) > CACHED:
        yield (
            "the share of input tokens from the prefix cache differs by more than 1 point: "
            f"{a} {cached[0]:.1%}, {b} {cached[1]:.1%}"
        )


def _is_off(first: float | None, second: float | None, limit: float) -> bool:
    if first is None or second is None or first <= 0:
        return False
    return abs(second / first - 1) > limit
