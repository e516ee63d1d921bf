"""Comparisons of simulated runs whose truth is known."""

from collections.abc import Callable, Sequence

import pytest
import simulated_runs
from simulated_runs import named

from fastbench.answers.comparison import (
    BETTER,
    CANNOT_TELL,
    NOT_WORSE,
    WORSE,
    Asking,
    Comparison,
    Known,
    RunSummary,
    Side,
    Versus,
    compare_sides,
    gate_keys,
    stats_of,
)
from fastbench.errors import UsageError

QUIET = Known(0.0)
"""Runs that do not differ by themselves."""
Runs = tuple[RunSummary, ...]


def compared(a: Sequence[RunSummary], b: Sequence[RunSummary], **asking: object) -> Comparison:
    return compare_sides(Side("A", tuple(a)), [Side("B", tuple(b))], Asking(**asking))  # type: ignore[arg-type]


def claims(pairs: Sequence[tuple[Runs, Runs]], known: Known) -> int:
    """In how many of these something of the gate is better or worse."""
    found = (compared(a, b, known=known).versus[0].gate for a, b in pairs)
    return sum(any(effect.verdict in (BETTER, WORSE) for effect in gate) for gate in found)


def several(count: int, noise: float, first: int, slower: float) -> Runs:
    """Runs of one side."""
    seeds = range(first, first + count)
    return tuple(simulated_runs.run(seed, noise=noise, wave=0.2, requests=1_500, slower=slower) for seed in seeds)


def brief(seed: int) -> RunSummary:
    """For what is said before numbers are looked at."""
    return simulated_runs.run(seed, requests=300)


def single(seed: int) -> tuple[Runs, Runs]:
    return (simulated_runs.run(2 * seed),), (simulated_runs.run(2 * seed + 1),)


def paired(seed: int) -> tuple[Runs, Runs]:
    a, b = (simulated_runs.run(2 * seed + side, prompts=seed) for side in range(2))
    return (a,), (b,)


def noisy(seed: int) -> tuple[Runs, Runs]:
    a, b = (simulated_runs.run(2 * seed + side, noise=0.03) for side in range(2))
    return (a,), (b,)


def three_each(seed: int) -> tuple[Runs, Runs]:
    a, b = (
        tuple(simulated_runs.run(20 * seed + 10 * side + run, noise=0.03, requests=1_500) for run in range(3))
        for side in range(2)
    )
    return a, b


@pytest.mark.parametrize(("make", "known"), [(single, QUIET), (paired, QUIET), (noisy, Known()), (three_each, Known())])
def test_few_false_claims(make: Callable[[int], tuple[Runs, Runs]], known: Known) -> None:
    """Of 2 comparisons of a service with itself none says better or worse."""
    assert claims([make(seed) for seed in range(2)], known) == 0


@pytest.mark.slow
@pytest.mark.parametrize(("make", "known"), [(single, QUIET), (paired, QUIET), (noisy, Known()), (three_each, Known())])
def test_few_false_claims_of_many(make: Callable[[int], tuple[Runs, Runs]], known: Known) -> None:
    """Of 100 comparisons of a service with itself at most five say better or worse."""
    assert claims([make(seed) for seed in range(100)], known) <= 5


def test_a_slower_step_is_found() -> None:
    """3 % more time for a token is worse in TPOT, and TTFT is not called worse for it."""
    a, b = simulated_runs.run(1, wave=0.3), simulated_runs.run(2, wave=0.3, slower=1.03)
    found = compared((a,), (b,), known=QUIET)
    tpot, ttft = found.versus[0].effect("TPOT", "P50"), found.versus[0].effect("TTFT", "P50")
    assert (found.verdict, found.code, tpot.verdict) == (WORSE, 3, WORSE)
    assert tpot.interval is not None
    assert tpot.interval.low < 0.03 < tpot.interval.high
    assert ttft.verdict in (NOT_WORSE, CANNOT_TELL)
    assert found.sentence.startswith("B's TPOT p")


def test_a_faster_step_is_better() -> None:
    """The same the other way round is better, with code 0 of a gate that is only about it."""
    a, b = simulated_runs.run(1, wave=0.3, slower=1.03), simulated_runs.run(2, wave=0.3)
    found = compared((a,), (b,), known=QUIET, gate=("tpot.p50",))
    assert (found.verdict, found.code) == (BETTER, 0)


def test_identical_prompts_pair() -> None:
    """Outputs of random length hide 5 % of E2EL between other prompts; between the same ones they fall out."""
    changes = {"wave": 0.1, "slower": 1.05, "requests": 1_500}
    a, b, other = (simulated_runs.run(seed, prompts=prompts, **changes) for seed, prompts in ((1, 7), (2, 7), (3, 8)))
    base = simulated_runs.run(1, prompts=7, wave=0.1, requests=1_500)
    same, unlike = (compared((base,), (one,), known=QUIET).versus[0] for one in (b, other))
    assert a.workload.prompts == b.workload.prompts != other.workload.prompts
    assert (same.effect("E2EL", "P50").verdict, unlike.effect("E2EL", "P50").verdict) == (WORSE, CANNOT_TELL)
    assert same.pairing is not None
    assert unlike.pairing is None
    one = next(metric for metric in same.pairing.metrics if metric.name == "TPOT")
    assert one.interval is not None
    assert one.interval.low < 0.05 < one.interval.high
    assert one.pairs == 1_500
    assert sum(one.counts) <= one.pairs


def test_noise_between_runs_is_not_a_regression() -> None:
    """6 % between two runs cannot be told where nobody knows how much runs differ; that it lies in these runs is said,
    and what to do."""
    a, b = simulated_runs.run(1, wave=0.1), simulated_runs.run(2, wave=0.1, slower=1.06)
    found = compared((a,), (b,), gate=("tpot.p50",))
    assert (found.code, found.effects[3].verdict) == (4, CANNOT_TELL)
    assert "in these runs" in found.sentence
    assert any("three times" in note for note in found.notes)


def test_noise_that_is_given_widens() -> None:
    """--run-noise 3% makes the interval as wide as two runs' noise, 1.96 * 0.03 * sqrt(2) = 8.3 %, at least."""
    a, b = simulated_runs.run(1, wave=0.1), simulated_runs.run(2, wave=0.1, slower=1.06)
    quiet, wide = (
        compared((a,), (b,), known=known).versus[0].effect("TPOT", "P50").interval for known in (QUIET, Known(0.03))
    )
    assert quiet is not None
    assert wide is not None
    assert quiet.high - quiet.low < 0.02
    assert 0.083 < wide.high - 0.06 < 0.12


def test_history_widens() -> None:
    """Earlier runs of the same service tell how much runs differ, where nothing else does."""
    a, b = simulated_runs.run(1, wave=0.1), simulated_runs.run(2, wave=0.1, slower=1.06)
    calm = Known(history=[{("TPOT", "P50"): [5.0, 5.001, 4.999, 5.0005]}])
    wild = Known(history=[{("TPOT", "P50"): [5.0, 5.5, 4.6, 5.2]}])
    verdicts = [compared((a,), (b,), known=known, gate=("tpot.p50",)).verdict for known in (calm, wild)]
    assert verdicts == [WORSE, CANNOT_TELL]


def test_runs_of_a_side_tell_their_noise() -> None:
    """Of five runs a side with 1 % noise 8 % are worse; of three with 5 % noise they are not told."""
    five, three = (
        compared(
            *(several(count, noise, first, slower) for first, slower in ((0, 1.0), (50, 1.08))), gate=("tpot.p50",)
        )
        for count, noise in ((5, 0.01), (3, 0.05))
    )
    assert (five.verdict, three.verdict) == (WORSE, CANNOT_TELL)
    assert "5 and 5 runs" in five.versus[0].method


def test_too_short_to_tell() -> None:
    """Of 100 requests there are no six blocks: no interval, and code 4."""
    a, b = (simulated_runs.run(seed, requests=100) for seed in (1, 2))
    found = compared((a,), (b,), known=QUIET, gate=("tpot.p50",))
    effect = found.versus[0].effect("TPOT", "P50")
    assert (effect.interval, effect.verdict, found.code) == (None, CANNOT_TELL, 4)
    assert "too short" in effect.why


def test_percentiles_of_too_few_requests_do_not_decide() -> None:
    """P99 of 400 requests cannot be told, and is in the gate only where it is asked for."""
    a, b = (simulated_runs.run(seed, requests=400, wave=0.1) for seed in (1, 2))
    usual, asked = (compared((a,), (b,), known=QUIET, gate=gate).versus[0] for gate in (None, ("ttft.p99",)))
    assert [effect.gate for effect in (usual.effect("TTFT", "P99"), asked.effect("TTFT", "P99"))] == [False, True]
    assert usual.effect("TTFT", "P99").why == "400 requests are too few for P99"
    assert asked.verdict == CANNOT_TELL


def test_the_time_that_would_settle_it() -> None:
    """What cannot be told names a time of more than was measured; what can names none."""
    a, b = simulated_runs.run(1), simulated_runs.run(2, slower=1.03)
    for effect in compared((a,), (b,), known=QUIET).effects:
        if effect.verdict == CANNOT_TELL:
            assert effect.minutes is None or effect.minutes >= 1.0
        else:
            assert effect.minutes is None


def test_deciles() -> None:
    """A token that takes 5 % longer does so at each decile."""
    a, b = simulated_runs.run(1, wave=0.1), simulated_runs.run(2, wave=0.1, slower=1.05)
    deciles = compared((a,), (b,), known=QUIET).versus[0].deciles["TPOT"]
    assert [decile.percent for decile in deciles] == list(range(10, 100, 10))
    for decile in deciles:
        assert decile.interval is not None
        assert decile.interval.low - 0.01 < 0.05 < decile.interval.high + 0.01
        assert decile.b / decile.a - 1 == pytest.approx(decile.change)


@pytest.mark.parametrize(
    ("changes", "clause"),
    [
        ({"valid": False, "reasons": ("TTFT may be off, because x: y.",)}, "B is INVALID: TTFT may be off"),
        ({"fault": "its recording has no end"}, "B is not whole: its recording has no end"),
        ({"ok": 0}, "B has no successful request"),
        ({"version": 2}, "A is a recording of format 3 and B of format 2"),
        ({"streams": False}, "A was streamed and B was not"),
        ({"stage": "stable"}, "A is of the stage total and B of stable"),
        ({"workload": simulated_runs.Workload("another", "", "9 requests")}, "B sent another workload than A (9 req"),
        ({"workload": simulated_runs.Workload("")}, "B does not say what was sent"),
        ({"load": simulated_runs.AchievedLoad("open", 50.6)}, "the load that was reached differs by more than 1 %"),
        ({"output_tokens": 103.0}, "the outputs differ in length by more than 2 %"),
        ({"cached_share": 0.02}, "the share of input tokens from the prefix cache differs by more than 1 point"),
        ({"source": "simulated/1"}, "they are the same run, simulated/1"),
    ],
)
def test_what_is_not_comparable_says_why(changes: dict[str, object], clause: str) -> None:
    """Each reason is one sentence, with code 4 and no effects; asked for anyway, the effects come under it."""
    a, b = brief(1), named(brief(2), **changes)
    found = compared((a,), (b,))
    assert (len(found.refusals), found.code, found.effects) == (1, 4, ())
    assert found.sentence.startswith(f"A and B are not comparable because {clause}")
    anyway = compared((a,), (b,), anyway=True)
    assert anyway.sentence.startswith(found.sentence)
    assert (anyway.code, bool(anyway.effects)) == (4, changes.get("ok") != 0)


def test_small_differences_are_comparable() -> None:
    """Load off by 0.9 %, lengths by 1.9 %, the cached share by 0.9 points."""
    changes = {"load": simulated_runs.AchievedLoad("open", 50.4), "output_tokens": 101.9, "cached_share": 0.009}
    assert compared((brief(1),), (named(brief(2), **changes),)).refusals == ()


def test_several_reasons_are_one_sentence() -> None:
    """The sides are named once."""
    found = compared((brief(1),), (named(brief(2), valid=False, fault="x"),))
    assert found.sentence.count("not comparable because") == 1
    assert "B is not whole: x; B is INVALID" in found.sentence


def test_a_base_has_several_others() -> None:
    """Each other side has its own answer, and the worst counts."""
    runs = [simulated_runs.run(seed, wave=0.1, slower=slower) for seed, slower in ((1, 1.0), (2, 1.0), (3, 1.1))]
    sides = [Side(name, (run,)) for name, run in zip("ABC", runs, strict=True)]
    found = compare_sides(sides[0], sides[1:], Asking(known=QUIET, gate=("tpot.p50",)))
    verdicts: list[Versus] = list(found.versus)
    assert [one.verdict for one in verdicts] == [NOT_WORSE, WORSE]
    assert (found.code, len(found.sentences)) == (3, 2)


def test_settings_that_differ() -> None:
    """Lines that are not the same on both sides, and not those that differ from run to run on both."""
    a = [named(brief(seed), config={"service.url": f"a{seed}", "x": "1", "y": "2"}) for seed in (1, 2)]
    b = [named(brief(seed), config={"service.url": f"b{seed}", "x": "1", "y": "3"}) for seed in (3, 4)]
    (one,) = compared(a, b).versus[0].differs
    assert (one.name, one.a, one.b) == ("y", "2", "3")


def test_gates() -> None:
    """A gate is read in the words of the tables, and what there is not names what was meant."""
    assert gate_keys(["TTFT.median", "output_throughput", "itl.p99.9", "failed", "ttfa.p90", "second_token.p50"]) == (
        *("ttft.p50", "output_token_throughput", "itl.p99.9", "failed", "first_answer_token.p90", "second_token.p50"),
    )
    assert stats_of(("ttft.p50", "itl.p99.9", "failed")) == ("P50", "P99.9")
    for text, told in (("ttft", "write ttft.p99"), ("ttfp.p99", "did you mean ttft"), ("failed.p99", "did you mean")):
        with pytest.raises(UsageError, match=told):
            gate_keys([text])
