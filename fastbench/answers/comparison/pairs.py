"""What pairs of slices tell: slice i of A and slice i of B were measured one right after the other, or at once.

What both share, such as a machine that slows down, is in both halves of a pair and not in their ratio. Sources:
randomized interleaving, Abedi and Brecht, "Conducting repeatable experiments in highly variable cloud computing
environments", ICPE 2017; duets, Bulej et al., "Duet benchmarking", ICPE 2020. Intervals of the mean log ratio:
Student's t over the pairs; where who looks decides when it ends, that of `statistics.anytime_mean`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from fastbench.answers.comparison import estimates
from fastbench.answers.comparison.differences import differences
from fastbench.answers.comparison.effects import POINTS, Ends, Measured, Row, ShareChange, judged
from fastbench.answers.comparison.model import (
    CANNOT_TELL,
    WORSE,
    Comparison,
    Decile,
    Difference,
    Effect,
    Floats,
    PairedMetric,
    Pairing,
    RunSummary,
    Side,
    Versus,
    key_of,
)
from fastbench.answers.comparison.refusals import CACHED, LENGTHS
from fastbench.answers.comparison.sides import Asking
from fastbench.answers.comparison.summary import DECILES, FAILED, GOOD, GOODPUT, LATENCIES, SHARES, THROUGHPUTS
from fastbench.answers.comparison.words import sentence_of
from fastbench.answers.statistics import (
    Interval,
    anytime_half_width,
    normal_quantile,
    normal_share,
    percentile_interval,
    student_quantile,
)
from fastbench.metrics import TPOT, TTFT
from fastbench.metrics.samples import percent_of, samples_needed
from fastbench.units import quantity

LEAST_PAIRS = 3
"""Fewer say nothing of how much they scatter."""
MOST_BLUR = 0.05
"""A pair whose ratio the client may have changed by more says nothing."""
GATE = ("ttft.p50", "tpot.p50", "output_token_throughput", "failed")
"""What decides where nobody says: what a slice of a few seconds tells."""
_WITHOUT_STREAM = ("e2el.p50", "output_token_throughput", "failed")
_BINS = 12

HalfWidth = Callable[[int, float], float]
"""(pairs, alpha) → half the width of the interval of a mean, in deviations of one pair."""


def fixed_half_width(pairs: int, alpha: float) -> float:
    """Where the number of pairs, or the time, was said before: Student's t."""
    return student_quantile(1 - alpha / 2, pairs - 1) / math.sqrt(pairs) if pairs >= LEAST_PAIRS else math.inf


def coins(seed: int) -> Iterator[bool]:
    """For each pair, whether B goes first. Without end."""
    random = np.random.default_rng(seed)
    while True:
        yield bool(random.integers(2))


NO_BLUR = Interval(0.0, 0.0)


class PairedChange(NamedTuple):
    """Of a latency or a throughput. a, b: (pairs,), of each slice; only pairs that have both. half_width: `fixed`, or
    `statistics.anytime_half_width` where somebody looked after each pair and could stop. blur: from the least to the
    most by which ln(B / A) may be off, the mean over the pairs, since the client read late."""

    a: Floats
    b: Floats
    half_width: HalfWidth = fixed_half_width
    blur: Interval = NO_BLUR

    @property
    def logs(self) -> Floats:
        """(pairs,): ln(B / A)."""
        logs: Floats = np.log(self.b / self.a)
        return logs

    @property
    def change(self) -> float:
        """B / A - 1, the geometric mean over the pairs."""
        return math.expm1(float(self.logs.mean()))

    @property
    def known(self) -> bool:
        """Whether there are enough pairs to say how much they scatter."""
        return math.isfinite(self.half_width(self.a.size, 0.05))

    @property
    def floor(self) -> float:
        """Nothing: both services were measured in the same minutes."""
        return 0.0

    @property
    def error(self) -> float:
        """Of the logarithm."""
        return math.hypot(float(self.logs.std(ddof=1)) / math.sqrt(self.a.size), self.fixed)

    @property
    def fixed(self) -> float:
        """What the client may have changed is so in more pairs, too."""
        return max(-self.blur.low, self.blur.high) / normal_quantile(0.975)

    def interval(self, confidence: float) -> Interval:
        """Of B / A - 1; without ends where there are too few pairs for that confidence."""
        half = self.half_width(self.a.size, 1 - confidence)
        if not math.isfinite(half):
            return Interval(-1.0, math.inf)
        half *= float(self.logs.std(ddof=1))
        middle = float(self.logs.mean())
        return Interval(math.expm1(middle + self.blur.low - half), math.expm1(middle + self.blur.high + half))

    @property
    def in_points(self) -> bool:
        """It is a ratio."""
        return False

    @property
    def is_perfect(self) -> bool:
        """No time is."""
        return False

    def ends(self, scale: float = 1.0) -> Ends:
        """A's and B's number: the geometric mean over the pairs. What a side does by itself pairs do not say."""
        a, b = (math.exp(float(np.log(side).mean())) / scale for side in (self.a, self.b))
        return Ends(a, b)


class PairedShare(NamedTuple):
    """Of shares, in points: all requests of a side together, the slices being clusters. half_width: as `PairedChange`;
    the interval is as much wider than one of a fixed number of requests as it is there."""

    whole: ShareChange
    pairs: int
    half_width: HalfWidth = fixed_half_width

    @property
    def change(self) -> float:
        """B - A."""
        return self.whole.change

    @property
    def known(self) -> bool:
        """Whether there are enough pairs."""
        return self.is_perfect or (self.whole.known and math.isfinite(self.half_width(self.pairs, 0.05)))

    @property
    def is_perfect(self) -> bool:
        """Whether all requests of both sides are alike: none failed, or all are good."""
        return self.whole.is_perfect

    @property
    def floor(self) -> float:
        """A service that fails does so in any slice."""
        return 0.0

    @property
    def error(self) -> float:
        """From the interval of a fixed number of requests."""
        return self.whole.error

    @property
    def fixed(self) -> float:
        """None of it."""
        return 0.0

    def interval(self, confidence: float) -> Interval:
        """Of B - A."""
        half = self.half_width(self.pairs, 1 - confidence)
        if not math.isfinite(half):
            return Interval(-1.0, 1.0)
        if self.half_width is fixed_half_width:
            return self.whole.interval(confidence)
        return self.whole.interval(2 * normal_share(half * math.sqrt(self.pairs)) - 1)

    @property
    def in_points(self) -> bool:
        """It is a difference."""
        return True

    def ends(self, scale: float) -> Ends:
        """A's and B's share."""
        return self.whole.ends(scale)


# ---------------------------------------------------------------------------------------------------------- comparisons
class Pairs(NamedTuple):
    """Slices that were measured in pairs. a, b: in the order of the pairs. of: what makes a pair, in words. looked:
    whether somebody looked after each pair, and could stop. blurs: by (name, statistic) of a latency, for each pair, by
    how much its ln(B / A) may be off since the client read late; a latency that is not there is as it was measured."""

    a: Side
    b: Side
    of: str
    looked: bool = False
    blurs: Mapping[tuple[str, str], Sequence[Interval]] = MappingProxyType({})

    @property
    def number(self) -> int:
        """How many there are."""
        return len(self.a.runs)

    @property
    def half_width(self) -> HalfWidth:
        """Of an interval that holds for the way in which it ended."""
        return anytime_half_width if self.looked else fixed_half_width


def compare_pairs(pairs: Pairs, asking: Asking, refused: Sequence[str] = (), notes: Sequence[str] = ()) -> Comparison:
    """B against A, of one pair or more. refused: why it cannot be told whatever the numbers say; those that there are
    stand behind it."""
    found = (*refused, *_not_alike(pairs))
    effects = paired_effects(pairs, asking)
    versus = Versus(
        other=pairs.b,
        refusals=found,
        effects=effects,
        deciles=dict(_deciles(pairs)),
        pairing=_pairing(pairs, asking),
        differs=_differs(pairs),
        method=_method(pairs),
        notes=tuple(notes),
    )
    return Comparison(
        base=pairs.a,
        versus=(versus,),
        tolerance=asking.tolerance,
        sentences=(sentence_of(pairs.a, versus),),
        anyway=bool(found),
        notes=versus.notes,
    )


def nothing_compared(a: Side, b: Side, why: str, asking: Asking) -> Comparison:
    """Where there is no pair that counts. a, b: with the slices that there are; why: a sentence."""
    versus = Versus(b, (why,))
    return Comparison(a, (versus,), asking.tolerance, (sentence_of(a, versus),))


def paired_effects(pairs: Pairs, asking: Asking) -> tuple[Effect, ...]:
    """All rows of B against A; () without a pair."""
    return tuple(judged(list(_rows(pairs, asking)))) if pairs.number else ()


def settled(effects: Sequence[Effect]) -> bool:
    """Whether what the gate says is said: one metric is worse, or all are decided."""
    verdicts = [effect.verdict for effect in effects if effect.gate]
    return bool(verdicts) and (WORSE in verdicts or CANNOT_TELL not in verdicts)


def gate_of(pairs: Pairs, asking: Asking) -> tuple[str, ...]:
    """The keys of what decides."""
    if asking.gate is not None:
        return asking.gate
    return GATE if pairs.a.runs[0].streams else _WITHOUT_STREAM


def _rows(pairs: Pairs, asking: Asking) -> Iterator[tuple[Row, Measured | None, str]]:
    gate = gate_of(pairs, asking)
    seconds = max(sum(run.length_s for run in side.runs) for side in (pairs.a, pairs.b))

    def row(name: str, statistic: str, unit: str, *, higher_is_better: bool, tolerance: float) -> Row:
        decides = key_of(name, statistic) in gate
        return Row(name, statistic, unit, 1.0, higher_is_better, tolerance, seconds, decides)

    for metric in LATENCIES:
        if not any(metric.name in run.distributions for run in (*pairs.a.runs, *pairs.b.runs)):
            continue
        for statistic in asking.stats:
            change = _latency(pairs, metric.name, statistic)
            made = row(metric.name, statistic, "ms", higher_is_better=False, tolerance=asking.tolerance)
            yield made, change, _no_pair(change) or _too_few(pairs, statistic) or _few_pairs(change)
    ratios = list(dict.fromkeys(name for run in (*pairs.a.runs, *pairs.b.runs) for name in run.ratios))
    for name in ratios:
        if name in THROUGHPUTS or name.startswith(GOODPUT):
            change = _throughput(pairs, name)
            unit = next(run.ratios[name].unit for run in (*pairs.a.runs, *pairs.b.runs) if name in run.ratios)
            if change is not None:
                made = row(name, "", unit, higher_is_better=True, tolerance=asking.tolerance)
                yield made, change, _few_pairs(change)
        elif name in SHARES or name.startswith(f"{GOOD} "):
            share = _share(pairs, name)
            tolerance = min(asking.tolerance, POINTS)
            yield row(name, "", "", higher_is_better=name != FAILED, tolerance=tolerance), share, _few_pairs(share)


def _no_pair(change: Measured | None) -> str:
    return "" if change is not None else "the client has blurred it in each pair, or a side has none"


def _few_pairs(change: Measured | None) -> str:
    return "" if change is None or change.known else "too few pairs to say how much they scatter"


def _too_few(pairs: Pairs, statistic: str) -> str:
    """Why a percentile cannot be told, whatever its interval says."""
    has = min(sum(run.ok for run in side.runs) for side in (pairs.a, pairs.b))
    return (
        f"{has:,} requests are too few for {statistic}" if has < samples_needed(percent_of(statistic) or 50.0) else ""
    )


def _latency(pairs: Pairs, name: str, statistic: str) -> PairedChange | None:
    def value(run: RunSummary) -> float:
        found = run.distributions.get(name)
        return math.nan if found is None else estimates.point_of(found, statistic)

    return _paired(pairs, value, pairs.blurs.get((name, statistic)))


def _throughput(pairs: Pairs, name: str) -> PairedChange | None:
    return _paired(pairs, lambda run: run.ratios[name].value if name in run.ratios else math.nan)


def _paired(
    pairs: Pairs, value: Callable[[RunSummary], float], blurs: Sequence[Interval] | None = None
) -> PairedChange | None:
    """Of the pairs of which both slices have such a number, and the client has not changed it by too much; None where
    there is none."""
    a, b = (np.array([value(run) for run in side.runs], np.float64) for side in (pairs.a, pairs.b))
    blur = np.array(blurs or [NO_BLUR] * pairs.number, np.float64)
    there = (a > 0) & (b > 0) & (np.abs(blur) <= MOST_BLUR).all(axis=1)
    if not there.any():
        return None
    return PairedChange(a[there], b[there], pairs.half_width, Interval(*blur[there].mean(axis=0).tolist()))


def _share(pairs: Pairs, name: str) -> PairedShare | None:
    a, b = (estimates.share(side.runs, name) for side in (pairs.a, pairs.b))
    return None if a is None or b is None else PairedShare(ShareChange(a, b), pairs.number, pairs.half_width)


def _deciles(pairs: Pairs) -> Iterator[tuple[str, tuple[Decile, ...]]]:
    for metric in LATENCIES:
        changes = [(statistic, _latency(pairs, metric.name, statistic)) for statistic in DECILES]
        found = [
            Decile(
                percent_of(one) or 0.0,
                *change.ends()[:2],
                change.change,
                change.interval(0.95) if change.known else None,
            )
            for one, change in changes
            if change is not None
        ]
        if found:
            yield metric.name, tuple(found)


def _pairing(pairs: Pairs, asking: Asking) -> Pairing | None:
    """How the changes of medians are distributed over the pairs."""
    metrics = []
    for name in (TTFT.name, TPOT.name):
        change = _latency(pairs, name, asking.stats[0])
        if change is not None:
            metrics.append(paired_metric(name, change))
    return Pairing(pairs.of, tuple(metrics)) if metrics else None


def paired_metric(name: str, change: PairedChange) -> PairedMetric:
    """How a change is distributed over the pairs."""
    changes = np.expm1(change.logs)
    counts, edges = np.histogram(changes, _BINS)
    interval = percentile_interval(changes, 50.0)
    median = float(np.median(changes))
    return PairedMetric(name, changes.size, median, interval, tuple(edges.tolist()), tuple(counts.tolist()))


def _not_alike(pairs: Pairs) -> Iterator[str]:
    """Why the two services cannot be compared though the same was asked of them."""
    a, b = pairs.a, pairs.b
    begin = f"{a.label} and {b.label} are not comparable because"
    if a.runs[0].streams != b.runs[0].streams:
        yield f"{begin} one streamed and the other did not."
    lengths = [_mean([(run.output_tokens, run.ok) for run in side.runs]) for side in (a, b)]
    if lengths[0] is not None and lengths[1] is not None and _differ_in_length(pairs, lengths[1] / lengths[0] - 1):
        told = [quantity(length, "tokens") for length in lengths]
        yield (
            f"{begin} the outputs differ in length by more than {LENGTHS:.0%}: {a.label} {told[0]} on average, "
            f"{b.label} {told[1]}."
        )
    cached = [_mean([(run.cached_share, run.ok) for run in side.runs]) for side in (a, b)]
    if cached[0] is not None and cached[1] is not None and abs(cached[1] - cached[0]) > CACHED:
        yield (
            f"{begin} the share of input tokens from the prefix cache differs by more than 1 point: {a.label} "
            f"{cached[0]:.1%}, {b.label} {cached[1]:.1%}."
        )


def _differ_in_length(pairs: Pairs, change: float) -> bool:
    """Whether the outputs, whose mean changes by so much, surely differ: of a duet's slices other requests may count on
    either side, and their lengths scatter from pair to pair."""
    if abs(change) <= LENGTHS:
        return False
    paired = _paired(pairs, lambda run: run.output_tokens or math.nan)
    if paired is None or paired.a.size < LEAST_PAIRS:
        return True
    low, high = paired._replace(half_width=fixed_half_width).interval(0.95)
    return low > LENGTHS or high < -LENGTHS


def _differs(pairs: Pairs) -> tuple[Difference, ...]:
    """Of what was set: seeds differ by design."""
    return tuple(one for one in differences(pairs.a, pairs.b) if "seed" not in one.name)


def _mean(values: Sequence[tuple[float | None, int]]) -> float | None:
    """Weighed; None where it is not known of all, or is 0 of nothing."""
    known = [(value, weight) for value, weight in values if value is not None and weight]
    total = sum(weight for _, weight in known)
    return sum(value * weight for value, weight in known) / total if total else None


def _method(pairs: Pairs) -> str:
    number = f"{pairs.number} {'pair' if pairs.number == 1 else 'pairs'}"
    if pairs.looked:
        return f"{number}, {pairs.of}; an interval that holds at whatever moment one stops (Lai 1976, Wang and Ramdas)"
    return f"{number}, {pairs.of}; Student's t over the pairs"


__all__ = [
    "GATE",
    "PairedChange",
    "PairedShare",
    "Pairs",
    "coins",
    "compare_pairs",
    "fixed_half_width",
    "gate_of",
    "nothing_compared",
    "paired_effects",
    "paired_metric",
    "settled",
]
