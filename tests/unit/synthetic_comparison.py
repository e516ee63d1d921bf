"""A made-up `Comparison` for tests of what shows or keeps one: runs of lognormal latencies, and effects that are said,
not computed."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastbench.answers.comparison import (
    BETTER,
    CANNOT_TELL,
    NOT_WORSE,
    WORSE,
    AchievedLoad,
    Comparison,
    Decile,
    Difference,
    Distribution,
    Effect,
    PairedMetric,
    Pairing,
    Ratio,
    RequestColumns,
    RunSummary,
    Side,
    VerdictWord,
    Versus,
    Workload,
)
from fastbench.answers.statistics import LOG_BINS, Interval, log_bins

BLOCKS = 12
REQUESTS = 600
BLOCK_S = 5.0
MIDDLES_MS = {"TTFT": 62.6, "TPOT": 23.8, "ITL": 22.1, "E2EL": 1790.0}
STATISTICS = ("P50", "P90", "P99")
DECILES = tuple(range(10, 100, 10))
NS_PER_MS = 1_000_000


SOUND: dict[str, Any] = {
    "version": 3,
    "stage": "total",
    "streams": True,
    "valid": True,
    "reasons": (),
    "fault": "",
}
"""Of a `RunSummary`: what all runs have that were streamed and can be used."""


def run_summary(label: str = "20261128_130930", slower: float = 1.0, seed: int = 0, users: int = 64) -> RunSummary:
    """A run of 600 requests in 12 blocks of 5 s; slower: a factor on all latencies."""
    random = np.random.default_rng(seed)
    values = {
        name: random.lognormal(np.log(middle * slower), 0.4, REQUESTS * (20 if name == "ITL" else 1))
        for name, middle in MIDDLES_MS.items()
    }
    tokens = random.poisson(70, BLOCKS).astype(np.float64) * REQUESTS / BLOCKS / slower
    return RunSummary(
        label=label,
        source=f"outputs/default/{label}",
        workload=Workload("3f2a9c0d51e7", "77aa01be42c9", "synthetic, 600 requests, 64 in flight"),
        **SOUND,
        begun="2026-11-28T13:09:30+00:00",
        length_s=BLOCKS * BLOCK_S,
        requests=REQUESTS,
        ok=REQUESTS - 1,
        load=AchievedLoad("closed", users - 0.4),
        output_tokens=70.1,
        input_tokens=512.0,
        cached_share=0.02,
        config={"models.url": f"http://127.0.0.1:80{users}", "models.concurrency": str(users), "workers": "1"},
        distributions={name: distribution(name, each) for name, each in values.items()},
        ratios={
            "Request Throughput": _throughput("Request Throughput", "req/s", tokens / 70),
            "Output Token Throughput": _throughput("Output Token Throughput", "token/s", tokens),
            "Failed": Ratio("Failed", "", 1 / REQUESTS, np.eye(BLOCKS)[0], np.full(BLOCKS, REQUESTS / BLOCKS), False),
        },
        columns=RequestColumns(
            np.arange(REQUESTS),
            np.arange(REQUESTS) * 100 * NS_PER_MS,
            {name: values[name] * NS_PER_MS for name in ("TTFT", "TPOT", "E2EL")},
        ),
    )


def distribution(name: str, values_ms: np.ndarray) -> Distribution:
    """Of values that are evenly spread over the blocks."""
    bins = log_bins((values_ms * 1_000).astype(np.int64))
    block = np.arange(bins.size) * BLOCKS // bins.size
    counts = np.bincount(block * LOG_BINS + bins, minlength=BLOCKS * LOG_BINS).reshape(BLOCKS, LOG_BINS)
    used = np.flatnonzero(counts.any(axis=0))
    points = {f"P{percent}": float(np.percentile(values_ms, percent)) for percent in (*DECILES, 99)}
    return Distribution(
        name, "ms", points, bins.size, int(used[0]), counts[:, used[0] : used[-1] + 1].astype(np.int64), 0.0, BLOCK_S
    )


def _throughput(name: str, unit: str, sums: np.ndarray) -> Ratio:
    return Ratio(name, unit, float(sums.sum() / (BLOCKS * BLOCK_S)), sums, np.full(BLOCKS, BLOCK_S))


def effect(a: RunSummary, b: RunSummary, name: str, statistic: str, verdict: VerdictWord, half: float) -> Effect:
    """Of a latency; half: of the interval's width."""
    before, after = a.distributions[name].points[statistic], b.distributions[name].points[statistic]
    change = after / before - 1
    return Effect(
        name,
        statistic,
        "ms",
        before,
        after,
        change,
        Interval(change - half, change + half),
        verdict,
        least_detectable=half * 1.43,
        minutes=None if verdict != CANNOT_TELL else 14.0,
        gate=name in ("TTFT", "TPOT"),
        a_interval=Interval(before * (1 - half), before * (1 + half)),
        b_interval=Interval(after * (1 - half), after * (1 + half)),
    )


def rate_effect(a: RunSummary, b: RunSummary, name: str, verdict: VerdictWord) -> Effect:
    """Of a throughput."""
    before, after = a.ratios[name].value, b.ratios[name].value
    change = after / before - 1
    interval = Interval(change - 0.006, change + 0.006)
    unit = a.ratios[name].unit
    return Effect(name, "", unit, before, after, change, interval, verdict, True, least_detectable=0.009, gate=True)


def failed_effect(a: RunSummary, b: RunSummary) -> Effect:
    """Of the share of failures."""
    before, after = a.ratios["Failed"].value, b.ratios["Failed"].value
    interval = Interval(-0.004, 0.004)
    return Effect("Failed", "", "", before, after, after - before, interval, NOT_WORSE, in_points=True, gate=True)


def versus(a: Sequence[RunSummary], b: Sequence[RunSummary], label: str, word: VerdictWord) -> Versus:
    """Effects of the first run of each side, all of one verdict but for P99 and the failures."""
    first, other = a[0], b[0]
    effects = [
        effect(first, other, name, statistic, CANNOT_TELL if statistic == "P99" else word, 0.012 * (1 + place * place))
        for name in MIDDLES_MS
        for place, statistic in enumerate(STATISTICS)
    ]
    effects += [rate_effect(first, other, name, word) for name in ("Request Throughput", "Output Token Throughput")]
    effects.append(failed_effect(first, other))
    return Versus(
        Side(label, tuple(b)),
        effects=tuple(effects),
        deciles={name: _deciles(first, other, name) for name in MIDDLES_MS},
        pairing=Pairing("identical prompts", (_paired(first, other),)),
        differs=(Difference("models.url", first.config["models.url"], other.config["models.url"]),),
        method="2,000 replicates of 12 blocks of time of each run",
        notes=("One run each: differences between runs of the same service are not covered; repeat to know.",),
    )


def _deciles(a: RunSummary, b: RunSummary, name: str) -> tuple[Decile, ...]:
    before, after = a.distributions[name].points, b.distributions[name].points
    changes = [after[f"P{percent}"] / before[f"P{percent}"] - 1 for percent in DECILES]
    return tuple(
        Decile(percent, before[f"P{percent}"], after[f"P{percent}"], change, Interval(change - 0.01, change + 0.01))
        for percent, change in zip(DECILES, changes, strict=True)
    )


def _paired(a: RunSummary, b: RunSummary) -> PairedMetric:
    assert a.columns is not None
    assert b.columns is not None
    changes = b.columns.values["E2EL"] / a.columns.values["E2EL"] - 1
    counts, edges = np.histogram(np.clip(changes, -1, 2), bins=30, range=(-1.0, 2.0))
    middle = float(np.median(changes))
    interval = Interval(middle - 0.01, middle + 0.01)
    return PairedMetric("E2EL", changes.size, middle, interval, tuple(edges.tolist()), tuple(counts.tolist()))


def comparison(kind: str = "worse", runs: int = 1) -> Comparison:
    """B against A. kind: better, worse, noise (cannot tell), or refused. runs: of each side."""
    slower = {"better": 0.85, "worse": 1.3}.get(kind, 1.004)
    word: VerdictWord = {"better": BETTER, "worse": WORSE}.get(kind, CANNOT_TELL)  # type: ignore[assignment]
    a = [run_summary(f"20261128_1309{30 + run}", seed=run) for run in range(runs)]
    b = [run_summary(f"20261128_1310{30 + run}", slower, seed=100 + run) for run in range(runs)]
    if kind == "refused":
        why = "not comparable because A sent another workload: 600 requests against 300"
        return Comparison(Side("A", tuple(a)), (Versus(Side("B", tuple(b)), refusals=(why,)),), 0.02, (why,))
    one = versus(a, b, "B", word)
    ttft = one.effect("TTFT", "P50")
    assert ttft.change is not None
    assert ttft.interval is not None
    sentence = f"B's TTFT p50 is {ttft.change:+.1%} (95 %: {ttft.interval.low:+.1%} … {ttft.interval.high:+.1%})."
    return Comparison(Side("A", tuple(a)), (one,), 0.02, (sentence,))


def comparison_of(sides: int) -> Comparison:
    """Against a base: so many other sides, each a little slower than the one before, at other numbers of users."""
    base = [run_summary("base")]
    words: tuple[VerdictWord, ...] = (BETTER, CANNOT_TELL, WORSE, WORSE)
    others = [
        versus(
            base,
            [run_summary(f"run{side}", 0.9 + 0.1 * side, 10 + side, 64 + 16 * side)],
            f"run{side}",
            words[side % 4],
        )
        for side in range(sides)
    ]
    sentences = tuple(f"{one.other.label}: {one.verdict}." for one in others)
    return Comparison(Side("base", tuple(base)), tuple(others), 0.02, sentences)
