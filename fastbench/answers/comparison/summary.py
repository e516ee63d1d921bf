"""A recording's numbers → a `RunSummary`. Gaps are counted where they lie in the mapped file, block by block."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastbench.answers.comparison.model import (
    AchievedLoad,
    Counts,
    Distribution,
    Floats,
    Ratio,
    RequestColumns,
    RunSummary,
)
from fastbench.answers.comparison.workload import config_lines, workload_of
from fastbench.answers.goodput import good_mask
from fastbench.answers.statistics import (
    LEAST_BLOCKS,
    LOG_BINS,
    Blocks,
    blocks_of,
    cut,
    first_length_ns,
    log_bins,
    neighbours_agree,
)
from fastbench.answers.uncertainty import Times
from fastbench.metrics import (
    E2EL,
    FIRST_ANSWER_TOKEN,
    ITL,
    SECOND_TOKEN,
    THINKING_TIME,
    TPOT,
    TTFT,
    Computed,
    Metric,
    Metrics,
    Rows,
    Selection,
    Values,
)
from fastbench.metrics.samples import OK, GapSamples, count_groups, is_streamed, output_tokens, percent_of, percentile
from fastbench.recording import OUTCOMES, Recording
from fastbench.slo import Slo
from fastbench.units import NS_PER_MS, NS_PER_S, NS_PER_US

DECILES = tuple(f"P{percent}" for percent in range(10, 100, 10))
MOST_BLOCKS = 48
"""More tell hardly more: Student's t of 47 degrees is 2.01."""
LATENCIES: tuple[Metric, ...] = (TTFT, TPOT, ITL, E2EL, FIRST_ANSWER_TOKEN, THINKING_TIME, SECOND_TOKEN)
FAILED, GOOD, GOODPUT = "Failed", "Good", "Goodput"
STRUCTURED = "Structured Output Valid"
SHARES = (FAILED, GOOD, STRUCTURED)
THROUGHPUTS = ("Request Throughput", "Output Token Throughput", "Total Token Throughput")
_CANCELLED = OUTCOMES.index("cancelled")
_US_PER_MS = 1_000
_NOTHING = (np.empty(0), np.empty(0))

Moments = NDArray[np.int64]


class Origin(NamedTuple):
    """Where a summary is from. label, source: as `RunSummary` has them."""

    label: str
    source: str


def summarize(computed: Computed, origin: Origin, stats: Sequence[str], slos: Sequence[Slo] = ()) -> RunSummary:
    """Of the numbers of one stage. stats: percentiles, such as P99, beside the deciles. slos: each gives a goodput.

    UsageError for an SLO about a stream's moments of a run that did not stream.
    """
    metrics, selection = computed.metrics, computed.selection
    header, recording = selection.header, selection.recording
    ok = selection.ok
    names = tuple(dict.fromkeys((*DECILES, *stats)))
    return RunSummary(
        label=origin.label,
        source=origin.source,
        workload=workload_of(header),
        version=recording.version,
        stage=metrics.stage,
        streams=selection.is_stream,
        valid=metrics.verdict.valid,
        reasons=metrics.verdict.sentences,
        fault=fault_of(recording),
        begun=str(header.get("created") or ""),
        length_s=_length_s(computed),
        requests=int(selection.final.size),
        ok=int(ok.size),
        load=achieved(metrics),
        output_tokens=float(output_tokens(ok).mean()) if ok.size else None,
        input_tokens=_mean_known(ok["input_tokens"]),
        cached_share=metrics.output.cached_share,
        config=config_lines(header),
        distributions={one.name: one for one in _distributions(selection, names) if one is not None},
        ratios={one.name: one for one in _ratios(computed, slos)},
        slos=tuple(slo.words() for slo in slos),
        columns=_columns(selection),
        metrics=metrics,
    )


def fault_of(recording: Recording) -> str:
    """Why a recording is not whole, as a clause; "" = it is."""
    if recording.footer is None:
        return "its recording has no end: the run crashed or was killed"
    if recording.damage:
        return f"its recording is damaged ({recording.damage[0]})"
    return f"{recording.lost_rows:,} of its requests are lost" if recording.lost_rows else ""


def achieved(metrics: Metrics) -> AchievedLoad:
    """The load of a run. Of an open loop the plan's rate as far as it was sent: what random arrivals make of a rate is
    no fault of the load."""
    load = metrics.load
    if load.kind != "open":
        return AchievedLoad("closed", load.steady_concurrency)
    if load.configured_rate and load.asked_rate and load.sent_rate:
        return AchievedLoad("open", load.configured_rate * load.sent_rate / load.asked_rate)
    return AchievedLoad("open", load.sent_rate)


def _length_s(computed: Computed) -> float:
    duration = computed.figure("Benchmark Duration")
    return 0.0 if duration is None else duration / 1e3


def _mean_known(tokens: NDArray[Any]) -> float | None:
    known = tokens[tokens >= 0]
    return float(known.mean()) if known.size else None


def _distributions(selection: Selection, names: Sequence[str]) -> Iterator[Distribution | None]:
    for metric in LATENCIES:
        if metric.streams_only and not selection.is_stream:
            continue
        yield _of_gaps(selection, names) if metric is ITL else _of_requests(metric, selection, names)


def _of_requests(metric: Metric, selection: Selection, names: Sequence[str]) -> Distribution | None:
    """Of what each request has one of."""
    rows = selection.streamed if metric.streams_only else selection.ok
    values, known = _each_ns(metric, selection)
    if not known.all():
        rows, values = rows[known], values[known]
    return distribution(metric.name, Times.of(rows), values, names, _first_sent(selection)) if rows.size else None


def _each_ns(metric: Metric, selection: Selection) -> Values:
    """One of each request, ns."""
    values, known = metric.each_of(selection)
    return Values(values if metric.scale == NS_PER_MS else values * (NS_PER_MS / metric.scale), known)


def distribution(name: str, times: Times, values_ns: NDArray[Any], stats: Sequence[str], first_ns: int) -> Distribution:
    """Of one latency of successful requests. times: of each; values_ns: (requests,); first_ns: when the run's first
    request was sent."""
    blocks = _blocks(times, values_ns)
    flat = np.bincount(blocks.of * LOG_BINS + log_bins(values_ns / NS_PER_US), minlength=blocks.number * LOG_BINS)
    points = np.percentile(values_ns, [percent_of(stat) or 0.0 for stat in stats]) / NS_PER_MS
    exact = dict(zip(stats, points.tolist(), strict=True))
    return _trimmed(name, exact, values_ns.size, flat.reshape(-1, LOG_BINS), blocks, first_ns)


def _of_gaps(selection: Selection, names: Sequence[str]) -> Distribution | None:
    rows = selection.streamed
    if not rows.size:
        return None
    gaps = np.maximum(rows["events"].astype(np.int64) - 1, 0)
    means = (rows["last_token_ns"] - rows["first_token_ns"]) / np.maximum(gaps, 1)
    blocks = _blocks(Times.of(rows), means)
    group = np.full(selection.rows.size, -1, np.int64)
    group[selection.streamed_mask] = blocks.of
    counted = count_groups(selection.runs, selection.rows, group)
    together = GapSamples.joined(counted)
    if not together.size:
        return None
    exact = {name: (percentile(together, percent_of(name) or 0.0) or 0.0) / _US_PER_MS for name in names}
    counts = np.zeros((blocks.number, LOG_BINS), np.int64)
    for block, one in enumerate(counted):
        counts[block] = one.binned(log_bins, LOG_BINS)
    return _trimmed(ITL.name, exact, together.size, counts, blocks, _first_sent(selection))


def _trimmed(
    name: str, points: Mapping[str, float], samples: int, counts: Counts, blocks: Blocks, first_ns: int
) -> Distribution:
    used = np.flatnonzero(counts.any(axis=0))
    first = int(used[0])
    kept = np.ascontiguousarray(counts[:, first : int(used[-1]) + 1]).astype(np.int64)
    begin_s, block_s = (blocks.begin_ns - first_ns) / NS_PER_S, blocks.length_ns / NS_PER_S
    return Distribution(name, "ms", points, int(samples), first, kept, begin_s, block_s)


def _first_sent(selection: Selection) -> int:
    sent = selection.final["sent_ns"]
    return int(sent[sent > 0].min()) if (sent > 0).any() else 0


def _blocks(times: Times, values: NDArray[Any]) -> Blocks:
    """Blocks of time that do not depend on each other, each request in one; a single one where the run is too short."""
    sent = times.sent_ns
    found = blocks_of(sent, values, times.mean_ns)
    begin, end = int(sent.min()), int(sent.max()) + 1
    if found is None:
        return Blocks(begin, end - begin, 1, np.zeros(sent.size, np.int64))
    number = _fewer(found.number)
    if number < found.number:
        found = cut(sent, begin, end, (end - begin) // number)
    # Whole blocks leave some ns at the end.
    return found._replace(of=np.where(found.of < 0, found.number - 1, found.of))


def _fewer(number: int) -> int:
    """Of blocks: half as many as chance cannot tell from independent ones, where that leaves enough, as slow waves hide
    in short blocks."""
    return min(MOST_BLOCKS, number // 2 if number >= 2 * LEAST_BLOCKS else number)


def _ratios(computed: Computed, slos: Sequence[Slo]) -> Iterator[Ratio]:
    selection = computed.selection
    yield from _throughputs(computed)
    final = selection.final
    if final.size:
        bad = ~np.isin(final["outcome"], (OK, _CANCELLED))
        yield _share(FAILED, final, bad, higher_is_better=False)
    structured = selection.recording.structured
    asked = selection.ok_mask & structured.known
    if asked.any():
        yield _share(STRUCTURED, selection.rows[asked], structured.valid[asked], higher_is_better=True)
    for slo in slos:
        good = good_mask(selection, slo.clauses)
        told = f" {slo.words()}" if len(slos) > 1 else ""
        yield _share(f"{GOOD}{told}", final, good, higher_is_better=True)
        goods = final[good]
        if goods.size:
            of_run = Times.of(selection.ok)
            named = Ratio(f"{GOODPUT}{told}", "req/s", math.nan, *_NOTHING)
            yield from throughput(named, of_run, goods["end_ns"], np.ones(goods.size))


def _share(name: str, rows: Rows, hit: NDArray[np.bool_], *, higher_is_better: bool) -> Ratio:
    """Of requests, by when they were to be sent; of a run that is too short in one block."""
    begun = np.where(rows["sent_ns"] > 0, rows["sent_ns"], rows["intended_ns"])
    ended = rows["outcome"] == OK
    mean = float((rows["end_ns"] - rows["sent_ns"])[ended].mean()) if ended.any() else 1.0
    blocks = blocks_of(begun, hit, mean)
    sums, sizes = np.array([float(np.count_nonzero(hit))]), np.array([float(rows.size)])
    if blocks is not None:
        sums, sizes = blocks.sums(hit), blocks.sizes
    return Ratio(name, "", float(np.count_nonzero(hit)) / rows.size, sums, sizes, higher_is_better)


def _throughputs(computed: Computed) -> Iterator[Ratio]:
    ok = computed.selection.ok
    if not ok.size:
        return
    outputs = output_tokens(ok).astype(np.float64)
    amounts = {THROUGHPUTS[0]: np.ones(ok.size), THROUGHPUTS[1]: outputs}
    if (ok["input_tokens"] >= 0).all():
        amounts[THROUGHPUTS[2]] = outputs + ok["input_tokens"]
    for name, amount in amounts.items():
        value = computed.figure(name)
        if value is not None:
            unit = "req/s" if name == THROUGHPUTS[0] else "token/s"
            yield from throughput(Ratio(name, unit, float(value), *_NOTHING), Times.of(ok), ok["end_ns"], amount)


def throughput(told: Ratio, of_run: Times, ended_ns: NDArray[Any], amounts: Floats) -> Iterator[Ratio]:
    """What ended over time. told: its name, unit and value, nan: by the whole time. of_run: the successful requests,
    whose time it is. ended_ns, amounts: (n,)."""
    begin, end = int(of_run.sent_ns.min()), int((of_run.sent_ns + of_run.took_ns).max()) + 1
    if end - begin <= 1:
        return
    moments = np.ascontiguousarray(ended_ns)
    sums, sizes = np.array([amounts.sum()]), np.array([(end - begin) / NS_PER_S])
    # How the middle scatters: in the first and the last moments less ends than is under way.
    filled, last = begin + int(of_run.mean_ns), int(of_run.sent_ns.max())
    if last - filled > (end - begin) / 2:
        begin, end = filled, last
    length = first_length_ns(of_run.sent_ns.size, end - begin, of_run.mean_ns)
    while (end - begin) // length >= LEAST_BLOCKS:
        blocks = cut(moments, begin, end, length)
        found = blocks.sums(amounts)
        if neighbours_agree(found):
            blocks = cut(moments, begin, end, (end - begin) // _fewer(blocks.number))
            sums, sizes = blocks.sums(amounts), np.full(blocks.number, blocks.length_ns / NS_PER_S)
            break
        length *= 2
    value = float(sums.sum() / sizes.sum()) if math.isnan(told.value) else told.value
    yield replace(told, value=value, sums=sums, sizes=sizes)


def _columns(selection: Selection) -> RequestColumns | None:
    """None of conversations: which turn follows depends on replies."""
    rows = selection.ok
    if not rows.size or rows["turn"].any():
        return None
    order, streamed = np.argsort(rows["request"], kind="stable"), is_streamed(rows)
    columns = {}
    for metric in LATENCIES:
        if metric is ITL or (metric.streams_only and not selection.is_stream):
            continue
        values, known = _each_ns(metric, selection)
        column = np.full(rows.size, np.nan)
        column[streamed if metric.streams_only else slice(None)] = np.where(known, values, np.nan)
        columns[metric.name] = column[order]
    rows = rows[order]
    return RequestColumns(
        np.ascontiguousarray(rows["request"]), np.ascontiguousarray(rows["sent_ns"] - _first_sent(selection)), columns
    )
