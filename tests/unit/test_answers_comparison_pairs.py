"""Pairs of slices: error rates at whatever moment one stops, what a difference takes to be found, what drift does."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest
import scipy.integrate
import scipy.stats
from synthetic_comparison import SOUND

from fastbench.answers.comparison import (
    BETTER,
    CANNOT_TELL,
    NO_BLUR,
    NOT_WORSE,
    WORSE,
    AchievedLoad,
    Asking,
    Distribution,
    Effect,
    Pairs,
    Ratio,
    RunSummary,
    Side,
    Workload,
    coins,
    compare_pairs,
    nothing_compared,
    paired_effects,
    settled,
)
from fastbench.answers.comparison.pairs import PairedChange, fixed_half_width, paired_metric
from fastbench.answers.statistics import Interval, anytime_half_width, anytime_mean

ALPHA = 0.05
LONGEST = 40
"""Pairs of a run."""
Draw = Callable[[np.random.Generator, int], np.ndarray]

LAWS: dict[str, Draw] = {
    "normal": lambda random, count: random.normal(size=count),
    # The difference of two slices in one of which something may happen, which is what a hiccup of a machine does.
    "spikes": lambda random, count: (
        0.2 * random.normal(size=count) + random.choice([-1, 1], count) * 4 * (random.random(count) < 0.1)
    ),
    "heavy": lambda random, count: random.standard_t(3, size=count),
}


GATE = ("ttft.p50", "tpot.p50", "itl.p50", "output_token_throughput")
"""What decides, four metrics."""
SLICE_S = 2.0
LATENCIES = {"TTFT": 60.0, "TPOT": 20.0, "ITL": 19.0, "E2EL": 900.0}
TOKENS_PER_S = 400.0


def a_slice(number: int, logs: Sequence[float], failed: float = 0.0, ok: int = 40, **more: object) -> RunSummary:
    """logs: by how much each metric of the gate, in its order, is more than usual; E2EL is as ITL."""
    ttft, tpot, itl, speed = (math.exp(one) for one in logs)
    values = {"TTFT": 60 * ttft, "TPOT": 20 * tpot, "ITL": 19 * itl, "E2EL": 900 * itl}
    settings: dict[str, object] = {
        "label": str(number),
        "source": f"slice {number}",
        "workload": Workload("digest"),
        **SOUND,
        "begun": "",
        "length_s": SLICE_S,
        "requests": ok,
        "ok": ok,
        "load": AchievedLoad("closed", 8.0),
        "output_tokens": 32.0,
        "input_tokens": 64.0,
        "cached_share": 0.0,
        "config": {"service.url": "http://h", "data.words_seed": str(number)},
        "distributions": {
            name: Distribution(
                name,
                "ms",
                {f"P{percent}": value for percent in (*range(10, 100, 10), 99)},
                ok,
                900,
                np.ones((1, 5), np.int64),
                0.0,
                SLICE_S,
            )
            for name, value in values.items()
        },
        "ratios": {
            "Output Token Throughput": Ratio(
                "Output Token Throughput",
                "token/s",
                TOKENS_PER_S / speed,
                np.array([TOKENS_PER_S / speed * SLICE_S]),
                np.array([SLICE_S]),
            ),
            "Failed": Ratio("Failed", "", failed, np.array([failed * ok]), np.array([float(ok)]), False),
        },
    }
    return RunSummary(**{**settings, **more})  # type: ignore[arg-type]  # by their names


def pairs_of(a: Sequence[RunSummary], b: Sequence[RunSummary], *, looked: bool = False) -> Pairs:
    return Pairs(Side("A", tuple(a)), Side("B", tuple(b)), "interleaved", looked)


def moved(changes: Sequence[float] | np.ndarray, *, looked: bool = False) -> Pairs:
    """Pairs whose B is so much more than its A in all metrics, throughput so much less."""
    a = [a_slice(place, [0.0] * 4) for place in range(len(changes))]
    b = [a_slice(place, [change] * 4) for place, change in enumerate(changes)]
    return pairs_of(a, b, looked=looked)


def asking(
    tolerance: float = 0.0, gate: tuple[str, ...] | None = ("tpot.p50",), stats: tuple[str, ...] = ("P50", "P99")
) -> Asking:
    return Asking(stats=stats, tolerance=tolerance, gate=gate)


def effect_of(pairs: Pairs, tolerance: float = 0.0, name: str = "TPOT", statistic: str = "P50") -> Effect:
    effects = paired_effects(pairs, asking(tolerance))
    return next(one for one in effects if (one.name, one.statistic) == (name, statistic))


# ------------------------------------------------------------------------------------------ an interval at any moment
@pytest.mark.parametrize("values", [[1.0, 2.0, 2.5, 1.2, 1.9, 2.2], [0.1, -0.2, 0.05, 0.3, 0.0, 0.2, 0.15]])
def test_it_is_the_mixture(values: list[float]) -> None:
    """At the ends of the interval the likelihood ratio of t, averaged over normally distributed effects against none,
    is 1/alpha."""
    found = anytime_mean(np.array(values), ALPHA)
    n, deviation = len(values), float(np.std(values, ddof=1))
    for end in found:
        t = math.sqrt(n) * (np.mean(values) - end) / deviation

        def weighed(effect: float, t: float = t) -> float:
            likelihood = scipy.stats.nct.pdf(t, n - 1, math.sqrt(n) * effect) if effect else scipy.stats.t.pdf(t, n - 1)
            return float(likelihood * scipy.stats.norm.pdf(effect, scale=math.sqrt(3)))

        mixture, _ = scipy.integrate.quad(weighed, -12, 12, limit=500, points=[0.0])
        assert mixture / scipy.stats.t.pdf(t, n - 1) == pytest.approx(1 / ALPHA, rel=1e-3)


@pytest.mark.parametrize("runs", [80, pytest.param(400, marks=pytest.mark.slow)])
@pytest.mark.parametrize("law", LAWS)
def test_it_holds_the_mean_at_every_moment(law: str, runs: int) -> None:
    """Of many series of 40 pairs at most 5 % are ever outside, whichever of these laws the pairs have; an interval of a
    fixed number, looked at as often, fails in more than 15 % of normal ones."""
    random = np.random.default_rng(11)
    missed = fixed = 0
    for _ in range(runs):
        values = LAWS[law](random, LONGEST)
        missed += any(not low <= 0 <= high for low, high in (anytime_mean(values[:n]) for n in range(2, LONGEST + 1)))
        if law == "normal":
            means, deviations = (
                [f(values[:n]) for n in range(3, LONGEST + 1)] for f in (np.mean, lambda some: np.std(some, ddof=1))
            )
            fixed += any(
                abs(mean) > fixed_half_width(n, ALPHA) * deviation
                for n, mean, deviation in zip(range(3, LONGEST + 1), means, deviations, strict=True)
            )
    assert missed / runs <= ALPHA
    assert law != "normal" or fixed / runs > 3 * ALPHA


def test_it_narrows() -> None:
    """Four pairs say something, three nothing yet; the price of looking at any moment is less than a doubled width from
    eight pairs on."""
    assert math.isinf(anytime_half_width(3, ALPHA))
    assert math.isfinite(anytime_half_width(4, ALPHA))
    widths = [anytime_half_width(n, ALPHA) for n in range(4, 200)]
    assert widths == sorted(widths, reverse=True)
    for n in range(8, 200, 8):
        assert 1 < anytime_half_width(n, ALPHA) / fixed_half_width(n, ALPHA) < 2


# -------------------------------------------------------------------------------------------------- a few pairs by hand
def test_the_effect_of_pairs_by_hand() -> None:
    """Of the ratios 1.02, 1.03, 1.04 and 1.03 the change is that of their geometric mean, with Student's interval."""
    logs = np.log([1.02, 1.03, 1.04, 1.03])
    effect = effect_of(moved(logs))
    half = scipy.stats.t.ppf(0.975, 3) * logs.std(ddof=1) / 2
    assert effect.change == pytest.approx(math.exp(logs.mean()) - 1)
    assert effect.interval == pytest.approx((math.expm1(logs.mean() - half), math.expm1(logs.mean() + half)))
    assert effect.a == pytest.approx(LATENCIES["TPOT"])
    assert effect.b == pytest.approx(LATENCIES["TPOT"] * (1 + effect.change))
    assert effect.verdict == WORSE
    assert effect.least_detectable == pytest.approx(math.expm1((1.95996 + 0.84162) * logs.std(ddof=1) / 2), rel=1e-3)
    assert effect.minutes is None
    fewer = effect_of(moved(logs), name="Output Token Throughput", statistic="")
    assert (fewer.verdict, fewer.change) == (WORSE, pytest.approx(math.exp(-logs.mean()) - 1))


def test_few_pairs_say_that_they_are_few() -> None:
    """Two pairs do not say how much they scatter; where one may stop at any moment it takes four."""
    for pairs, enough in ((moved([0.0, 0.1]), False), (moved([0.0, 0.001, 0.0]), True)):
        effect = effect_of(pairs, 0.02)
        assert (effect.interval is not None) is enough
        assert effect.verdict == (NOT_WORSE if enough else CANNOT_TELL)
        assert effect.why == ("" if enough else "too few pairs to say how much they scatter")
    assert effect_of(moved([0.0, 0.001, 0.0], looked=True), 0.02).verdict == CANNOT_TELL
    assert effect_of(moved([0.0, 0.001, 0.0, 0.001, -0.001], looked=True), 0.02).verdict == NOT_WORSE


def test_a_slice_without_a_number_takes_its_pair_along() -> None:
    """A pair of which one slice has no such number is not in that row, and is in the others."""
    pairs = moved([0.01, 0.02, 0.3, 0.03])
    whole = pairs.b.runs
    lost = a_slice(2, [0.3] * 4, distributions={"E2EL": whole[2].distributions["E2EL"]})
    pairs = pairs_of(pairs.a.runs, [*whole[:2], lost, whole[3]])
    assert effect_of(pairs).change == pytest.approx(math.exp(0.02) - 1)
    assert effect_of(pairs, name="E2EL").change == pytest.approx(math.exp(0.09) - 1)


def test_a_blurred_latency_widens_its_interval() -> None:
    """By how much the client may have changed a latency of the slices, in the mean over the pairs, its interval is
    wider at that end; the change and other latencies are as they were."""
    sharp = moved([0.01, 0.02, 0.03, 0.02])
    before = effect_of(sharp)
    blurred = sharp._replace(blurs={("TPOT", "P50"): [Interval(-0.02, 0.004), *[NO_BLUR] * 3]})
    after = effect_of(blurred)
    assert before.interval is not None
    assert after.interval is not None
    assert after.change == before.change
    assert math.log1p(after.interval.low) == pytest.approx(math.log1p(before.interval.low) - 0.005)
    assert math.log1p(after.interval.high) == pytest.approx(math.log1p(before.interval.high) + 0.001)
    assert effect_of(blurred, name="TTFT").interval == effect_of(sharp, name="TTFT").interval


@pytest.mark.parametrize(
    ("blur", "tolerance", "verdict"),
    [(0.0, 0.005, WORSE), (0.012, 0.005, CANNOT_TELL), (0.012, 0.0, CANNOT_TELL), (0.012, 0.015, NOT_WORSE)],
)
def test_what_the_client_may_have_made_is_no_difference(blur: float, tolerance: float, verdict: str) -> None:
    """A difference of 1 % that the client's own lateness may have made is not called worse, however often seen."""
    seen = [0.010, 0.011, 0.009] * 10
    pairs = moved(seen)._replace(blurs={("TPOT", "P50"): [Interval(-blur, 0.0)] * len(seen)})
    assert effect_of(pairs, tolerance).verdict == verdict


def test_a_latency_that_is_blurred_by_much_takes_its_pair_along() -> None:
    """Where the client may have changed a latency by more than 5 % its pair does not count in that row, and does in
    others."""
    lost = Interval(-0.06, 0.0)
    pairs = moved([0.01, 0.02, 0.3, 0.03])._replace(blurs={("TPOT", "P50"): [NO_BLUR, NO_BLUR, lost, NO_BLUR]})
    assert effect_of(pairs).change == pytest.approx(math.exp(0.02) - 1)
    assert effect_of(pairs, name="TTFT").change == pytest.approx(math.exp(0.09) - 1)
    none = moved([0.05, 0.051, 0.049])._replace(blurs={("TPOT", "P50"): [lost] * 3})
    assert effect_of(none).verdict == CANNOT_TELL
    assert effect_of(none).why == "the client has blurred it in each pair, or a side has none"
    assert not settled(paired_effects(none, asking(0.02)))


def test_percentiles_need_requests() -> None:
    """P99 is told from 459 requests a side on, those of all slices together."""
    few, enough = moved([0.05, 0.051, 0.049] * 3), moved([0.05, 0.051, 0.049] * 4)
    assert effect_of(few, statistic="P99").why == "360 requests are too few for P99"
    assert effect_of(few, statistic="P99").verdict == CANNOT_TELL
    assert effect_of(enough, statistic="P99").verdict == WORSE


def test_failures_decide() -> None:
    """Where nothing failed that is not worse, of however few requests. Where B fails it is judged in points, over all
    slices."""
    a = [a_slice(place, [0.0] * 4) for place in range(8)]
    for looked in (False, True):
        fine = compare_pairs(pairs_of(a, a, looked=looked), asking(0.02, None))
        assert fine.versus[0].effect("Failed").verdict == NOT_WORSE
        b = [a_slice(place, [0.0] * 4, failed=0.2 + 0.05 * (place % 2)) for place in range(8)]
        found = compare_pairs(pairs_of(a, b, looked=looked), asking(0.02, None))
        failed = found.versus[0].effect("Failed")
        assert failed.gate
        assert failed.change == pytest.approx(0.225)
        assert failed.verdict == WORSE
        assert found.code == 3


def test_minutes_that_would_settle_it() -> None:
    """What cannot be told says how many minutes of each side would tell it, if mean and scatter stayed as they are."""
    few = np.tile([0.0, 0.02], 5)
    effect = effect_of(moved(few), 0.013)
    assert effect.verdict == CANNOT_TELL
    assert effect.minutes is not None
    pairs = math.ceil(effect.minutes * 60 / SLICE_S)
    assert 10 < pairs < 200
    for count, word in ((pairs, NOT_WORSE), (pairs // 2, CANNOT_TELL)):
        assert effect_of(moved(np.tile([0.0, 0.02], math.ceil(count / 2))), 0.013).verdict == word


def test_several_metrics_of_a_gate() -> None:
    """By Holm a metric that is worse by a hair is not called so among three that are not, and is by itself."""
    noise = 0.01 * np.tile([-1.0, 1.0], 6)
    logs = np.stack([0.0068 + noise, noise, noise[::-1], noise], axis=1)
    a = [a_slice(place, [0.0] * 4) for place in range(12)]
    b = [a_slice(place, one) for place, one in enumerate(logs)]
    alone = paired_effects(pairs_of(a, b), asking(0.0, ("ttft.p50",)))
    among = paired_effects(pairs_of(a, b), asking(0.0, GATE))
    assert [one.verdict for one in alone if one.label == "TTFT p50"] == [WORSE]
    assert [one.verdict for one in among if one.label == "TTFT p50"] == [CANNOT_TELL]


def test_when_it_is_settled() -> None:
    """It is settled when one metric of the gate is worse, or when all are decided; what does not decide does not
    count."""
    steady, wild = np.array([0.0, 0.001, -0.001, 0.0]), np.array([0.5, -0.5, 0.2, -0.1])
    a = [a_slice(place, [0.0] * 4) for place in range(4)]

    def found(ttft: np.ndarray, tpot: np.ndarray, gate: tuple[str, ...]) -> bool:
        b = [a_slice(place, [*one, 0.0, 0.0]) for place, one in enumerate(zip(ttft, tpot, strict=True))]
        return settled(paired_effects(pairs_of(a, b), asking(0.02, gate)))

    both = ("ttft.p50", "tpot.p50")
    assert found(steady + 0.05, wild, both)
    assert found(steady, steady, both)
    assert not found(steady, wild, both)
    assert found(steady, wild, both[:1])


def test_lengths_that_scatter_are_no_other_lengths() -> None:
    """Outputs whose mean length differs by 4 % as it scatters by 10 % from pair to pair are comparable, not those that
    are 4 % longer in each pair."""
    a = [a_slice(place, [0.0] * 4) for place in range(6)]
    for factors, comparable in (
        ((1.2, 0.9, 1.1, 0.94, 1.05, 1.05), True),
        ((1.04, 1.05, 1.03, 1.04, 1.05, 1.03), False),
    ):
        b = [a_slice(place, [0.0] * 4, output_tokens=32.0 * factor) for place, factor in enumerate(factors)]
        (versus,) = compare_pairs(pairs_of(a, b), asking(0.02)).versus
        assert (not versus.refusals) is comparable


def test_what_is_not_alike() -> None:
    """Outputs that differ in length by more than 2 %, or prompts of which one side has more in its cache, are not
    compared: the answer says why, and has the numbers behind it. Seeds are no difference."""
    a = [a_slice(place, [0.0] * 4) for place in range(4)]
    longer = [a_slice(place, [0.001 * place] * 4, output_tokens=33.0) for place in range(4)]
    cached = [a_slice(place, [0.001 * place] * 4, cached_share=0.4) for place in range(4)]
    same = [a_slice(place + 9, [0.001 * place] * 4) for place in range(4)]
    for b, said in (
        (longer, "differ in length by more than 2%: A 32 tokens on average, B 33 tokens"),
        (cached, "40.0%"),
    ):
        found = compare_pairs(pairs_of(a, b), asking(0.02))
        assert found.code == 4
        assert said in found.sentence
        assert found.versus[0].effect("TPOT", "P50").verdict == NOT_WORSE
    fine = compare_pairs(pairs_of(a, same), asking(0.02))
    assert fine.code == 0
    assert fine.versus[0].differs == ()
    assert len(fine.versus[0].deciles["TPOT"]) == 9
    assert fine.versus[0].method == "4 pairs, interleaved; Student's t over the pairs"
    none = nothing_compared(Side("A", (a[0],)), Side("B", (a[1],)), "B stopped answering after 0 pairs.", asking(0.02))
    assert (none.code, none.sentence) == (4, "B stopped answering after 0 pairs.")


def test_how_the_pairs_scatter() -> None:
    """The histogram of a metric has each pair once, and its median."""
    ratios = np.array([1.01, 1.02, 1.03, 1.1, 1.02, 1.02, 1.0])
    found = paired_metric("TPOT", PairedChange(np.ones(7), ratios))
    assert found.pairs == sum(found.counts) == 7
    assert found.median == pytest.approx(0.02)
    assert found.edges[0] == pytest.approx(0.0)
    assert found.edges[-1] == pytest.approx(0.1)


def test_coins() -> None:
    """The order of the pairs depends on the seed alone, and each side goes first about as often."""
    one, other = ([first for first, _ in zip(coins(seed), range(1_000), strict=False)] for seed in (4, 5))
    assert one == [first for first, _ in zip(coins(4), range(1_000), strict=False)]
    assert one != other
    assert sum(one) == pytest.approx(500, abs=60)


# --------------------------------------------------------------------------------------------------- whole comparisons
def simulated(
    random: np.random.Generator, slower: float, *, drift: float = 0.0, interleaved: bool = True
) -> tuple[list[RunSummary], list[RunSummary]]:
    """Slices of a service and of one that is slower. Metrics of a slice have half of their noise in common, 1 % in all.
    drift: of the machine, over all slices, as a share of 1."""
    slices = 2 * LONGEST
    machine = drift * np.arange(slices) / slices
    noise = 0.01 * (random.normal(size=(1, slices)) + random.normal(size=(len(GATE), slices))) / math.sqrt(2)
    turns = [first for first, _ in zip(coins(int(random.integers(1 << 30))), range(LONGEST), strict=False)]
    of_b = np.ravel([(turn, not turn) for turn in turns]) if interleaved else np.arange(slices) >= LONGEST
    logs = noise + machine + slower * of_b
    a, b = ([a_slice(place, one) for place, one in enumerate(logs[:, side].T)] for side in (~of_b, of_b))
    for run in (*a, *b):
        # What does not decide takes its time here, and tells nothing.
        del run.ratios["Failed"], run.distributions["E2EL"]  # type: ignore[attr-defined]  # they are dicts
    return a, b


def until_decided(
    slices: tuple[list[RunSummary], list[RunSummary]], tolerance: float, *, looked: bool
) -> tuple[int, list[str]]:
    """(pairs, verdicts) of someone who looks after each pair, and stops when it is settled."""
    effects: Sequence[Effect] = ()
    for pairs in range(3, LONGEST + 1):
        effects = paired_effects(
            pairs_of(slices[0][:pairs], slices[1][:pairs], looked=looked), asking(tolerance, GATE, ("P50",))
        )
        if settled(effects):
            break
    return pairs, [effect.verdict for effect in effects if effect.gate]


@pytest.mark.slow
def test_the_same_service_twice() -> None:
    """Of 100 comparisons of a service with itself, each looked at after every pair and stopped when it is settled, at
    most 5 say better or worse, though four metrics decide; with Student's interval in the place of the one for any
    moment more than 10 do."""
    random = np.random.default_rng(17)
    wrong = {True: 0, False: 0}
    for _ in range(100):
        slices = simulated(random, 0.0)
        for looked in wrong:
            _, verdicts = until_decided(slices, 0.0, looked=looked)
            wrong[looked] += not {BETTER, WORSE}.isdisjoint(verdicts)
    assert wrong[True] <= 5
    assert wrong[False] > 10


@pytest.mark.parametrize("count", [10, pytest.param(40, marks=pytest.mark.slow)])
def test_a_difference_of_3_per_cent_is_found(count: int) -> None:
    """In comparisons with slices that scatter by 1 % a service that is 3 % slower is called worse each time, in the
    middle after ten pairs at most; with a tolerance of 2 % one that is as fast is not worse, and soon so."""
    random = np.random.default_rng(23)
    found = [until_decided(simulated(random, math.log(1.03)), 0.0, looked=True) for _ in range(count)]
    assert all(WORSE in verdicts for _, verdicts in found)
    assert np.median([pairs for pairs, _ in found]) <= 10
    same = [until_decided(simulated(random, 0.0), 0.02, looked=True) for _ in range(count)]
    assert sum(WORSE in verdicts for _, verdicts in same) <= count // 20
    assert sum(set(verdicts) <= {NOT_WORSE, BETTER} for _, verdicts in same) >= count - count // 20
    assert np.median([pairs for pairs, _ in same]) <= 20


@pytest.mark.parametrize(("count", "most"), [(8, 1), pytest.param(100, 5, marks=pytest.mark.slow)])
def test_interleaving_cancels_drift(count: int, most: int) -> None:
    """A machine that becomes 10 % slower meanwhile makes one side after the other look worse each time; in interleaved
    pairs it makes a false verdict in at most 5 of 100, and 3 % are still found."""
    random = np.random.default_rng(29)

    def verdicts(slower: float, *, interleaved: bool) -> list[set[str]]:
        found = []
        for _ in range(count):
            effects = paired_effects(
                pairs_of(*simulated(random, slower, drift=0.1, interleaved=interleaved)), asking(0.0, GATE)
            )
            found.append({effect.verdict for effect in effects if effect.gate})
        return found

    assert sum(WORSE in one for one in verdicts(0.0, interleaved=False)) == count
    assert sum(not {BETTER, WORSE}.isdisjoint(one) for one in verdicts(0.0, interleaved=True)) <= most
    assert all(one == {WORSE} for one in verdicts(math.log(1.03), interleaved=True))
