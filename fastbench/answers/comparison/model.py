"""What a comparison is made of, and what it says. Arrays are counts and sums by block of time: pure data, which a
baseline can keep and a page can draw."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fastbench.answers.statistics import BINS_PER_E, Interval
from fastbench.errors import Exit
from fastbench.metrics import Metrics

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]

_US_PER_MS = 1_000

VerdictWord = Literal["better", "worse", "not worse", "cannot tell"]
BETTER: VerdictWord = "better"
WORSE: VerdictWord = "worse"
NOT_WORSE: VerdictWord = "not worse"
CANNOT_TELL: VerdictWord = "cannot tell"

CODES: Mapping[VerdictWord, Exit] = {
    BETTER: Exit.DONE,
    NOT_WORSE: Exit.DONE,
    WORSE: Exit.NOT_MET,
    CANNOT_TELL: Exit.CANNOT_TELL,
}
"""Exit codes; 3 goes before 4."""


def key_of(name: str, statistic: str = "") -> str:
    """As `--gate` names a number."""
    plain = name.lower().replace(" ", "_")
    return f"{plain}.{statistic.lower()}" if statistic else plain


@dataclass(frozen=True, eq=False)
class Distribution:
    """How one latency was distributed in a run.

    name: of a latency, such as TTFT. unit: of the points, "ms". points: the exact percentiles by name, such as "P50",
    "P99.9"; P10 to P90 are always among them. samples: values. counts: (blocks, bins), how many values each block of
    time has in each log bin; column 0 is bin `first_bin`, bin k begins at e^(k / statistics.BINS_PER_E) µs. Blocks are
    by the moment at which a request was sent; fewer than 6 rows: the run is too short to tell. begin_s: of the first
    block since the run's first request was sent; block_s: the length of each.
    """

    name: str
    unit: str
    points: Mapping[str, float]
    samples: int
    first_bin: int
    counts: Counts
    begin_s: float
    block_s: float

    @property
    def edges_ms(self) -> Floats:
        """(bins + 1,): where each log bin begins and the last one ends, ms."""
        return np.exp((self.first_bin + np.arange(self.counts.shape[1] + 1)) / BINS_PER_E) / _US_PER_MS


@dataclass(frozen=True, eq=False)
class Ratio:
    """A throughput or a share of a run: Σsums / Σsizes over its blocks of time.

    name: such as "Output Token Throughput", "Failed", "Goodput". unit: "req/s", "token/s", or "" for a share of 1.
    value: as the run's report has it. sums, sizes: (blocks,); of a throughput the sizes are s, of a share requests.
    """

    name: str
    unit: str
    value: float
    sums: Floats
    sizes: Floats
    higher_is_better: bool = True

    @property
    def is_share(self) -> bool:
        """Whether it is a share of 1; two shares are compared by their difference, in points."""
        return self.unit == ""


@dataclass(frozen=True, eq=False)
class RequestColumns:
    """The successful requests of a run, for pairs by identical prompt. All (requests,), in the order of `number`.

    number: the request's place in the plan. sent_ns: since the run's first. values: by metric (each latency but ITL),
    ns; NaN where a request has none.
    """

    number: Counts
    sent_ns: Counts
    values: Mapping[str, Floats]


@dataclass(frozen=True)
class Workload:
    """What was sent. digest: of the plan without its seed, "" where it is not known. prompts: the digest with seed and
    data set, equal where prompts of the same lengths were sent. words: one line for people. texts: a digest that is
    equal, where `prompts` is, if they had the same words."""

    digest: str
    prompts: str = ""
    words: str = ""
    texts: str = ""


@dataclass(frozen=True)
class AchievedLoad:
    """The load that was reached. kind: open or closed. value: in req/s sent for an open loop, in requests in flight
    (averaged over the time) for a closed one; None where there is none."""

    kind: str
    value: float | None

    @property
    def unit(self) -> str:
        """Of the value."""
        return "req/s" if self.kind == "open" else "in flight"


@dataclass(frozen=True, eq=False)
class RunSummary:
    """What a comparison needs of one run.

    label: short, for people. source: the path or URL that it came from. version: of the recording's format. stage:
    total, stable, auto, or a window. streams: whether the service was asked for streams. valid, reasons: the verdict on
    the measurement. fault: why the recording is not whole, as a clause; "" = it is. begun: when, ISO 8601, "" = not
    known. length_s: of the stage. requests: that have an outcome; ok: of them. output_tokens, input_tokens: averages of
    successful requests; cached_share: of input tokens, of 1; None = not known. config: the settings of the run, one
    line each, by name. distributions: by name; ratios: by name. slos: in words, those behind the goodputs.
    columns: None where a pair by prompt cannot be made, as of a baseline. metrics: its report's numbers, to be shown
    beside those of others; None of a baseline.
    """

    label: str
    source: str
    workload: Workload
    version: int
    stage: str
    streams: bool
    valid: bool
    reasons: tuple[str, ...]
    fault: str
    begun: str
    length_s: float
    requests: int
    ok: int
    load: AchievedLoad
    output_tokens: float | None
    input_tokens: float | None
    cached_share: float | None
    config: Mapping[str, str]
    distributions: Mapping[str, Distribution]
    ratios: Mapping[str, Ratio]
    slos: tuple[str, ...] = ()
    columns: RequestColumns | None = None
    metrics: Metrics | None = None


@dataclass(frozen=True)
class Side:
    """One side of a comparison: a label, and its runs."""

    label: str
    runs: tuple[RunSummary, ...]

    @property
    def source(self) -> str:
        """Where its runs came from, for people."""
        return ", ".join(dict.fromkeys(run.source for run in self.runs))


@dataclass(frozen=True)
class Effect:
    """One number of B against the same of A.

    name: of the metric, such as TTFT or "Output Token Throughput"; statistic: such as "P99", "" for what is one number.
    unit: of a and b, "" for a share of 1. a, b: of several runs their geometric mean (of shares the mean). change: B /
    A - 1, or B - A where `in_points`; None where one side has no such number. interval: of the change, 95 %, of this
    number by itself; None: the run is too short to tell. verdict: of the gate's numbers after Holm's correction.
    least_detectable: the smallest change, without a sign, that such a measurement finds in 80 %. minutes: of measuring
    each side in all, that would settle it; None where it is settled, or where time alone does not. gate: whether it
    decides the exit code. a_interval, b_interval: of a and b themselves, in their unit. why: it cannot be told.
    """

    name: str
    statistic: str
    unit: str
    a: float | None
    b: float | None
    change: float | None
    interval: Interval | None
    verdict: VerdictWord
    higher_is_better: bool = False
    in_points: bool = False
    least_detectable: float | None = None
    minutes: float | None = None
    gate: bool = False
    a_interval: Interval | None = None
    b_interval: Interval | None = None
    why: str = ""

    @property
    def label(self) -> str:
        """The row's name for people: `TTFT p99`, `Failed`."""
        return f"{self.name} {self.statistic.lower()}".rstrip()

    @property
    def key(self) -> str:
        """As `--gate` names it: `ttft.p99`, `output_token_throughput`."""
        return key_of(self.name, self.statistic)

    @property
    def ratio(self) -> float | None:
        """B / A; None of a share."""
        return None if self.change is None or self.in_points else 1 + self.change

    @property
    def harm(self) -> float | None:
        """The change with the sign that makes positive worse."""
        return None if self.change is None else -self.change if self.higher_is_better else self.change


@dataclass(frozen=True)
class Decile:
    """B against A at one percentile. percent: 10 … 90. a, b: in the unit of the metric. change, interval: as of an
    effect."""

    percent: float
    a: float
    b: float
    change: float
    interval: Interval | None


@dataclass(frozen=True)
class PairedMetric:
    """One latency by identical prompt. pairs: requests that have it on both sides. median: of B / A - 1 over the pairs;
    interval: of that. edges: (n + 1,), of B / A - 1; counts: (n,), pairs in each, for a histogram."""

    name: str
    pairs: int
    median: float
    interval: Interval | None
    edges: tuple[float, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True)
class Pairing:
    """What pairs tell. of: what makes a pair, in words, such as "identical prompts" or "interleaved rounds"."""

    of: str
    metrics: tuple[PairedMetric, ...]


@dataclass(frozen=True)
class Difference:
    """A line of the configs that is not the same. a, b: the values as text; "" where it is not set, "differs among the
    runs" where one side's runs do not agree."""

    name: str
    a: str
    b: str


@dataclass(frozen=True)
class Versus:
    """One side against the base.

    refusals: sentences why they are not comparable; then `effects` is empty unless it was asked for anyway. deciles: by
    metric. differs: lines of the configs. method: in words, where the intervals come from. notes: for people, of what
    the numbers do not cover.
    """

    other: Side
    refusals: tuple[str, ...] = ()
    effects: tuple[Effect, ...] = ()
    deciles: Mapping[str, tuple[Decile, ...]] = field(default_factory=dict)
    pairing: Pairing | None = None
    differs: tuple[Difference, ...] = ()
    method: str = ""
    notes: tuple[str, ...] = ()

    @property
    def gate(self) -> tuple[Effect, ...]:
        """The effects that decide."""
        return tuple(effect for effect in self.effects if effect.gate)

    @property
    def verdict(self) -> VerdictWord:
        """Over the gate: worse where one is, else cannot tell where one cannot be told or the sides are not comparable,
        else better where one is, else not worse."""
        found = {effect.verdict for effect in self.gate}
        if self.refusals or not found:
            return CANNOT_TELL
        return _worst(found)

    def effect(self, name: str, statistic: str = "") -> Effect:
        """One by its name, such as ("TTFT", "P99"). KeyError where there is none."""
        found = next((one for one in self.effects if (one.name, one.statistic) == (name, statistic)), None)
        if found is None:
            raise KeyError(f"{name} {statistic}".rstrip())
        return found


@dataclass(frozen=True)
class Comparison:
    """Sides against a base: of two, B against A.

    versus: one for each other side, in their order. tolerance: of 1, from which on a change for the worse counts.
    anyway: whether refused comparisons were computed all the same. sentences: the answer, one line for each of
    `versus`. notes: of all of them.
    """

    base: Side
    versus: tuple[Versus, ...]
    tolerance: float
    sentences: tuple[str, ...]
    anyway: bool = False
    notes: tuple[str, ...] = ()

    @property
    def sides(self) -> tuple[Side, ...]:
        """The base, then the others."""
        return (self.base, *(one.other for one in self.versus))

    @property
    def sentence(self) -> str:
        """The answer, or the first of them."""
        return self.sentences[0]

    @property
    def effects(self) -> tuple[Effect, ...]:
        """Of the first other side."""
        return self.versus[0].effects

    @property
    def refusals(self) -> tuple[str, ...]:
        """All of them."""
        return tuple(dict.fromkeys(reason for one in self.versus for reason in one.refusals))

    @property
    def verdict(self) -> VerdictWord:
        """The worst of all; worse before cannot tell."""
        return _worst({one.verdict for one in self.versus})

    @property
    def code(self) -> int:
        """The exit code: 0, 3 worse, 4 cannot tell or not comparable."""
        return CODES[self.verdict]


def _worst(found: Set[VerdictWord]) -> VerdictWord:
    """The one that counts, of one at least."""
    order: tuple[VerdictWord, ...] = (WORSE, CANNOT_TELL, BETTER, NOT_WORSE)
    return next(word for word in order if word in found)
