"""Sides against a base: all the numbers, and the answer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import NamedTuple

from fastbench.answers.comparison import estimates, prompts
from fastbench.answers.comparison.differences import differences
from fastbench.answers.comparison.effects import (
    POINTS,
    UNSEEN_NOISE,
    Measured,
    RatioChange,
    Row,
    ShareChange,
    judged,
)
from fastbench.answers.comparison.model import (
    Comparison,
    Decile,
    Effect,
    RunSummary,
    Side,
    Versus,
    key_of,
)
from fastbench.answers.comparison.noise import UNSEEN, Known, noise_of
from fastbench.answers.comparison.refusals import refusals
from fastbench.answers.comparison.summary import DECILES, FAILED, GOOD, GOODPUT, LATENCIES, SHARES, THROUGHPUTS
from fastbench.answers.comparison.words import sentence_of
from fastbench.answers.statistics import REPLICATES
from fastbench.errors import UsageError
from fastbench.metrics import ITL
from fastbench.metrics.samples import percent_of, samples_needed

STATS = ("P50", "P90", "P99")
TOLERANCE = 0.02
GATE = ("ttft.p50", "ttft.p99", "tpot.p50", "tpot.p99", "output_token_throughput", "failed")
"""What decides where nobody says; of runs that did not stream E2EL in the place of TTFT and TPOT."""
_WITHOUT_STREAM = ("e2el.p50", "e2el.p99", "output_token_throughput", "failed")
_SHORT = {
    "output_throughput": "output_token_throughput",
    "total_throughput": "total_token_throughput",
    "ttfa": "first_answer_token",
}
_US = 1_000.0

Found = tuple[Row, Measured | None, str]


class Asking(NamedTuple):
    """What is asked of a comparison. stats: percentiles. tolerance: of the change for the worse, of 1. gate: keys of
    effects, None: the usual ones. known: of run-to-run noise. anyway: compute what is refused too. seed: of the
    resampling."""

    stats: tuple[str, ...] = STATS
    tolerance: float = TOLERANCE
    gate: tuple[str, ...] | None = None
    known: Known = Known()
    anyway: bool = False
    seed: int = 0


def compare_sides(
    base: Side, others: Sequence[Side], asking: Asking, more: Sequence[str] = (), notes: Sequence[str] = ()
) -> Comparison:
    """Each of the others against the base. more: further reasons why nothing is comparable. notes: further ones."""
    versus = tuple(_versus(base, other, asking, more) for other in others)
    return Comparison(
        base=base,
        versus=versus,
        tolerance=asking.tolerance,
        sentences=tuple(sentence_of(base, one) for one in versus),
        anyway=asking.anyway,
        notes=tuple(dict.fromkeys((*notes, *(note for one in versus for note in one.notes)))),
    )


def _versus(base: Side, other: Side, asking: Asking, more: Sequence[str]) -> Versus:
    refused = (*more, *refusals(base, other))
    differs = differences(base, other)
    if refused and not (asking.anyway and any(run.ok for run in base.runs) and any(run.ok for run in other.runs)):
        return Versus(other, refused, differs=differs)
    pairs = prompts.pairs_of(base, other)
    rows, deciles = _Table(base, other, asking, pairs).all()
    effects = tuple(judged(rows))
    return Versus(
        other,
        refused,
        effects,
        deciles,
        prompts.pairing(pairs, asking.seed, same_words=_same_words(base, other)),
        differs,
        _method(base, other, pairs),
        tuple(_notes(base, other, effects, asking)),
    )


def _same_words(base: Side, other: Side) -> bool:
    return base.runs[0].workload.texts == other.runs[0].workload.texts


class _Table(NamedTuple):
    """Both sides' numbers, row by row."""

    base: Side
    other: Side
    asking: Asking
    pairs: Mapping[str, prompts.Pairs]

    def all(self) -> tuple[list[Found], dict[str, tuple[Decile, ...]]]:
        """Rows of effects, and deciles by metric."""
        rows: list[Found] = []
        deciles = {}
        for number, metric in enumerate(LATENCIES):
            changes = self._changes(metric.name, number)
            if not changes:
                continue
            rows += [self._latency(metric.name, stat, changes.get(stat)) for stat in self.asking.stats]
            deciles[metric.name] = tuple(_deciles(changes))
        rows += [*self._throughputs(), *self._shares()]
        return rows, deciles

    def _changes(self, name: str, number: int) -> dict[str, RatioChange]:
        """By percentile, the deciles among them."""
        stats = tuple(dict.fromkeys((*DECILES, *self.asking.stats)))
        seed = self.asking.seed * 100 + 2 * number
        a = estimates.latencies(self.base.runs, name, stats, seed)
        b = estimates.latencies(self.other.runs, name, stats, seed + 1)
        joint = prompts.joint_spreads(self.pairs[name], stats, seed) if name in self.pairs else {}
        degrees = self.pairs[name].blocks - 1 if joint else 0
        return {
            stat: RatioChange(
                a[stat], b[stat], noise_of((name, stat), a[stat], b[stat], self.asking.known), joint.get(stat), degrees
            )
            for stat in stats
            if stat in a and stat in b
        }

    def _latency(self, name: str, stat: str, change: RatioChange | None) -> Found:
        needed = samples_needed(percent_of(stat) or 50.0)
        # Of gaps the requests count: those of one stream depend on each other.
        has = min(run.ok if name == ITL.name else _samples(run, name) for run in (*self.base.runs, *self.other.runs))
        why = f"{has:,} requests are too few for {stat}" if has < needed else ""
        row = self._row(name, stat, "ms", _US, higher_is_better=False)
        # A gate that nobody asked for is of what there is enough of.
        return row._replace(gate=row.gate and not (why and self.asking.gate is None)), change, why

    def _throughputs(self) -> Iterator[Found]:
        names = [name for name in self._names() if name in THROUGHPUTS or name.startswith(GOODPUT)]
        for number, name in enumerate(names):
            seed = self.asking.seed * 100 + 50 + 2 * number
            a, b = estimates.rate(self.base.runs, name, seed), estimates.rate(self.other.runs, name, seed + 1)
            unit = self.base.runs[0].ratios[name].unit
            change = None
            if a is not None and b is not None:
                change = RatioChange(a, b, noise_of((name, ""), a, b, self.asking.known))
            yield self._row(name, "", unit, 1.0, higher_is_better=True), change, ""

    def _shares(self) -> Iterator[Found]:
        names = [name for name in self._names() if name in SHARES or name.startswith(f"{GOOD} ")]
        for name in names:
            a, b = estimates.share(self.base.runs, name), estimates.share(self.other.runs, name)
            row = self._row(name, "", "", 1.0, higher_is_better=name != FAILED)
            row = row._replace(tolerance=min(row.tolerance, POINTS))
            yield row, None if a is None or b is None else ShareChange(a, b), ""

    def _names(self) -> list[str]:
        """Of the ratios that all runs have."""
        first, *rest = (*self.base.runs, *self.other.runs)
        return [name for name in first.ratios if all(name in run.ratios for run in rest)]

    def _row(self, name: str, stat: str, unit: str, scale: float, *, higher_is_better: bool) -> Row:
        seconds = max(sum(run.length_s for run in side.runs) for side in (self.base, self.other))
        gate = key_of(name, stat) in gate_of(self.asking, self.base)
        return Row(name, stat, unit, scale, higher_is_better, self.asking.tolerance, seconds, gate)


def gate_keys(texts: Sequence[str]) -> tuple[str, ...]:
    """What `--gate` names, such as "ttft.p99" or "output_throughput". UsageError for what no comparison has."""
    return tuple(map(_gate_key, texts))


def _gate_key(text: str) -> str:
    name, dot, statistic = text.strip().lower().replace("median", "p50").partition(".")
    name = _SHORT.get(name, name)
    latencies = [key_of(metric.name) for metric in LATENCIES]
    others = [*map(key_of, (*THROUGHPUTS, *SHARES, GOODPUT))]
    if name in latencies and re.fullmatch(r"p\d+(\.\d+)?", statistic) and 0 < float(statistic[1:]) < 100:
        return f"{name}.p{float(statistic[1:]):g}"
    if name in others and not dot:
        return name
    if name in latencies:
        raise UsageError(f"the gate {text!r} needs a percentile: write {name}.p99")
    near = get_close_matches(name, [*latencies, *others], 1)
    meant = f"did you mean {near[0]}?" if near else f"it is one of {', '.join([*latencies, *others])}"
    raise UsageError(f"the gate {text!r} is about no number of a comparison: {meant}")


def stats_of(gate: Sequence[str]) -> tuple[str, ...]:
    """The percentiles that a gate is about."""
    return tuple(dict.fromkeys(f"P{key.partition('.p')[2]}" for key in gate if ".p" in key))


def gate_of(asking: Asking, base: Side) -> tuple[str, ...]:
    """The keys of what decides."""
    if asking.gate is not None:
        return asking.gate
    return GATE if base.runs[0].streams else _WITHOUT_STREAM


def _samples(run: RunSummary, name: str) -> int:
    return run.distributions[name].samples if name in run.distributions else 0


def _deciles(changes: Mapping[str, RatioChange]) -> Iterator[Decile]:
    for name in DECILES:
        if name in changes:
            one = changes[name]
            interval = one.interval(0.95) if one.known else None
            a, b = one.a.value / _US, one.b.value / _US
            yield Decile(percent_of(name) or 0.0, a, b, one.change, interval)


def _method(base: Side, other: Side, pairs: Mapping[str, prompts.Pairs]) -> str:
    count = f"{REPLICATES:,} replicates"
    if min(len(base.runs), len(other.runs)) >= estimates.RUNS_TO_RESAMPLE:
        return f"{count} of {len(base.runs)} and {len(other.runs)} runs, and of the blocks of time in each"
    if pairs:
        by = "identical prompt" if _same_words(base, other) else "prompts of the same length"
        return f"{count} of blocks of requests; {', '.join(pairs)} by {by}"
    return f"{count} of blocks of time in each run"


def _notes(base: Side, other: Side, effects: Sequence[Effect], asking: Asking) -> Iterator[str]:
    few = min(len(base.runs), len(other.runs))
    if few < estimates.RUNS_TO_RESAMPLE:
        runs = "One run" if few == 1 else "Two runs"
        if any(effect.why == UNSEEN_NOISE for effect in effects):
            yield (
                f"{runs} of a side: differences between runs of the same service are not seen, so that those below "
                f"{UNSEEN * 100:.0f} % cannot be told; measure each side three times or more, or give --run-noise"
            )
        elif asking.known.given is not None:
            yield f"{runs} of a side: intervals are as wide as --run-noise {asking.known.given * 100:.3g}% says"
        elif asking.known.history:
            earlier = sum(max(map(len, group.values()), default=0) for group in asking.known.history)
            yield f"{runs} of a side: intervals are as wide as {earlier} earlier runs of the work directory differ"
    for side in (base, other):
        if side.runs[0].cached_share is None and other.runs[0].cached_share is not None:
            yield f"{side.label} does not say how much came from the prefix cache"
