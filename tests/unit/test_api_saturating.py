"""Searches for the capacity from what a worker tells to the answer in words, on simulated time."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from simulated_load import searched
from simulated_service import Engine

import fastbench as fb
from fastbench.answers.capacity import Bracket, Levels, Looked, OpenLoop, Purpose, Seen, Settings, Step
from fastbench.api.saturating.asked import Asked, of_record, plan_rows
from fastbench.api.saturating.driver import prepare_search
from fastbench.api.saturating.outcome import Figures, LevelRow, Outcome, Span, Tier, outcome_of
from fastbench.api.saturating.pilot import Visited
from fastbench.api.saturating.sweep import SweepSteps
from fastbench.api.saturating.words import percent, sentences, table
from fastbench.errors import Exit
from fastbench.options import Options

ENGINE = Engine(decode_s=0.010, decode_seq_s=0.0005, prefill_s=0.000002, tokens=8)
"""A token takes 10 ms and half a millisecond for each user: 40 users within 30 ms."""
ASKED = Asked(texts=("tpot<30ms@95%",), quick=True, most=100)
LIMIT_MS = 30.0


def first(outcome: object) -> str:
    return next(sentences(outcome))  # type: ignore[arg-type]  # an outcome


def test_the_answer_is_near_the_truth(tmp_path: Path) -> None:
    """A service that carries 40 users: the answer is within 10 % of them, its interval has it, and the first sentence
    says both, in words."""
    outcome = searched(ASKED, ENGINE, LIMIT_MS, tmp_path)
    (tier,) = outcome.tiers
    assert outcome.code == 0
    assert 36 <= tier.level <= 44
    assert tier.bracket is not None
    assert tier.bracket.low <= 41
    assert tier.bracket.high >= 38
    said = first(outcome)
    assert said.startswith(f"{tier.level:g} users at once (95 %: ")
    assert "keep tpot<30ms for 95 % of requests" in said
    assert f"{len(outcome.levels)} levels, " in said


def test_no_level_meets(tmp_path: Path) -> None:
    """Where one user already has to wait for too long no load can meet it: exit code 3, with the numbers at 1 user."""
    outcome = searched(ASKED, replace(ENGINE, decode_s=0.04), LIMIT_MS, tmp_path)
    assert outcome.code == Exit.NOT_MET
    assert first(outcome).startswith("No load keeps tpot<30ms for 95 % of requests: with 1 user 0 % of")
    assert len(outcome.levels) == 1


def test_every_level_meets(tmp_path: Path) -> None:
    """Where the highest level allowed meets it, the answer is a lower bound, and says what limited it."""
    outcome = searched(replace(ASKED, most=16), ENGINE, LIMIT_MS, tmp_path)
    assert outcome.code == 0
    assert outcome.limit == "most"
    assert first(outcome).startswith("At least 16 users at once keep tpot<30ms")
    assert "--max ends the search there" in first(outcome)


def test_a_service_that_fails_above_a_level(tmp_path: Path) -> None:
    """Requests that fail are not good: the answer is the level below which none do."""
    outcome = searched(ASKED, ENGINE, LIMIT_MS, tmp_path, fails_above=12)
    assert outcome.code == 0
    assert 11 <= outcome.tiers[0].level <= 12
    assert outcome.tiers[0].bracket is not None
    assert outcome.tiers[0].bracket.high <= 13


@pytest.mark.slow
def test_a_service_that_becomes_slower(tmp_path: Path) -> None:
    """A service that slows down all the time: a level measured again at the end shows it, and a sentence says so."""

    def slower(now: float) -> Engine:
        speed = 1 + now / 100
        return replace(ENGINE, jitter=0.4, decode_s=ENGINE.decode_s * speed, decode_seq_s=ENGINE.decode_seq_s * speed)

    asked = replace(ASKED, texts=("tpot<45ms@99%",))
    outcome = searched(asked, ENGINE, 45.0, tmp_path, change=slower)
    assert outcome.drift is not None
    assert outcome.drift < -0.05
    assert any("drifts" in one and "less throughput" in one for one in sentences(outcome))


@pytest.mark.slow
def test_a_capacity_that_changes(tmp_path: Path) -> None:
    """Where the service loses half of its capacity during the search no answer above what is left is confirmed."""

    def halved(now: float) -> Engine:
        return replace(ENGINE, decode_seq_s=0.001) if now > 12 else ENGINE

    outcome = searched(ASKED, ENGINE, LIMIT_MS, tmp_path, change=halved)
    assert outcome.tiers[0].level <= 22 or outcome.code == Exit.CANNOT_TELL


@pytest.mark.slow  # the plain ones have a mean of 8
@pytest.mark.parametrize("tokens", [6, 24, 40])
def test_replies_of_different_lengths(tokens: float, tmp_path: Path) -> None:
    """Lengths that scatter by their mean, short or long, do not move the answer."""
    outcome = searched(ASKED, replace(ENGINE, tokens=tokens), LIMIT_MS, tmp_path)
    assert outcome.code == 0
    assert 34 <= outcome.tiers[0].level <= 45


def test_a_budget_that_cannot_show_it(tmp_path: Path) -> None:
    """In a few seconds 99 % cannot be shown: cannot tell, and what could be asked for."""
    asked = replace(ASKED, texts=("tpot<30ms@99%",), budget_ns=6_000_000_000)
    outcome = searched(asked, replace(ENGINE, decode_seq_s=0.004), LIMIT_MS, tmp_path)
    assert outcome.code == Exit.CANNOT_TELL
    assert first(outcome).startswith("Cannot tell")
    assert outcome.seconds < 8
    needs = "99 % takes 459 good requests to be shown: give more --budget"
    assert any(one.startswith(needs) for one in sentences(outcome)) == outcome.tiers[0].made
    told = dict(plan_rows(asked))["It can show"]
    assert told.startswith("99 % needs 459 independent requests, 153/s in the confirmation")
    assert "ask for @95%: 95 % needs 90" in told


def test_a_service_that_dies(tmp_path: Path) -> None:
    """When connections are refused and nothing ends well any more the search ends: code 4, and the answer so far."""
    outcome = searched(ASKED, ENGINE, LIMIT_MS, tmp_path, dies_s=20.0)
    assert outcome.code == Exit.CANNOT_TELL
    assert outcome.stopped == "the service does not answer any more"
    assert outcome.levels
    # Three P95 of E2EL pass until that is sure.
    assert 20 < outcome.seconds < 24
    assert any("stopped answering" in one for one in sentences(outcome))
    # What failed because of that says nothing of the level.
    assert all(row.shares[0].value > 0.9 for row in outcome.levels if row.level <= 36)


@pytest.mark.slow
def test_several_slos(tmp_path: Path) -> None:
    """Each SLO has its answer from the same visits, in a sentence of its own, and a column of the table."""
    asked = replace(ASKED, texts=("tpot<30ms@95%", "tpot<20ms@90%"))
    assert [one.tier for one in asked.criteria] == [0, 1]
    outcome = searched(asked, ENGINE, (30.0, 20.0), tmp_path)
    wide, narrow = outcome.tiers
    assert 36 <= wide.level <= 44
    assert 17 <= narrow.level <= 22
    said = [*sentences(outcome)]
    assert "keep tpot<30ms for 95 %" in said[0]
    assert "keep tpot<20ms for 90 %" in said[1]
    heads, *rows = table(outcome)
    assert heads[1:3] == ["keep tpot<30ms (95 %), 95 % asked", "keep tpot<20ms (95 %), 90 % asked"]
    assert all(len(row) == len(heads) for row in rows)


@pytest.mark.slow
def test_the_knee(tmp_path: Path) -> None:
    """Without SLOs the answer is where 95 % of the greatest throughput is reached."""
    engine = Engine(decode_s=0.010, decode_seq_s=0.0, prefill_s=0.000_05, tokens=5)
    outcome = searched(replace(ASKED, texts=(), most=64), engine, 1e9, tmp_path)
    assert not outcome.tiers
    assert outcome.knee is not None
    assert f"{outcome.knee.level:g} user" in first(outcome)


def test_a_sweep(tmp_path: Path) -> None:
    """Given levels are measured in one run, each as long as a confirmation, with the share of good requests."""
    outcome = searched(replace(ASKED, sweep=("concurrency", (8.0, 60.0)), gpus=2, price=3.0), ENGINE, 30.0, tmp_path)
    assert [row.level for row in outcome.levels] == [8, 60]
    assert [row.shares[0].value > 0.95 for row in outcome.levels] == [True, False]
    assert outcome.code == 0
    per_gpu = [one.per_gpu.value for one in outcome.costs]
    assert per_gpu == [row.tokens_per_s.value / 2 for row in outcome.levels]
    assert [one.per_user.value for one in outcome.costs] == [
        pytest.approx(row.tokens_per_s.value / row.level) for row in outcome.levels
    ]
    # Six an hour for all, by the million tokens that come in it.
    assert outcome.costs[0].output_price == pytest.approx(6 / (outcome.levels[0].tokens_per_s.value * 3600 / 1e6))
    assert all(one.front for one in outcome.costs)


def test_what_is_asked_is_kept() -> None:
    """What a search asks goes through its file unchanged."""
    for asked in (ASKED, Asked(), Asked(sweep=("rate", (1.0, 2.5)), gpus=8, price=2.5, budget_ns=5)):
        assert of_record(asked.record()) == asked


@pytest.mark.parametrize(
    ("share", "said"), [(1.0, "100"), (0.9994, "99.94"), (0.99, "99"), (0.951, "95.1"), (0.5, "50"), (0.0, "0")]
)
def test_shares_in_words(share: float, said: str) -> None:
    """As many digits as it takes to tell a share near 100 % from it."""
    assert percent(share) == said


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"concurrency": 4}, "concurrency= is no setting of a search, which sets the load itself"),
        ({"slo": "tfft<1s"}, "did you mean ttft"),
        ({"budget": "soon"}, "budget= is wrong: 'soon' is not a duration"),
        ({"sweep": "rate=1", "max": 3}, "sweep= measures the levels that it names, max= is for a search"),
        ({"price": "2/h"}, "price= needs gpus=N"),
        ({"tolerance": "90%"}, "is not from 0.1% to 50%"),
        ({"bugdet": "1m"}, "there is no setting bugdet="),
        ({"reuse": "latest"}, "reuse= works on the command line only"),
    ],
)
def test_what_python_cannot_ask(settings: dict[str, object], said: str) -> None:
    """What is wrong with a keyword is a UsageError that calls it as Python does, before anything is sent."""
    with pytest.raises(fb.UsageError) as caught:
        fb.saturate("http://127.0.0.1:9", **settings)
    assert said in str(caught.value)


@pytest.mark.parametrize("name", ["budget", "max", "gpus"])
def test_a_plain_run_takes_no_setting_of_a_search(name: str) -> None:
    """What only a search knows is refused by `fastbench.run`, with the way out."""
    with pytest.raises(fb.UsageError, match=r"is for fastbench\.saturate"):
        fb.run("http://127.0.0.1:9", **{name: "1"})


TIER = Tier("tpot<30ms", "tpot<30ms for 99 % of requests", 20.0, Bracket(19, 20, 22, False), None, True,
            Span(1.0, 0.9, 1.0), 600, None, (0,), 0.99, 30.0, 600.0)  # fmt: skip
ROW = LevelRow(20.0, ("confirmation",), 600, (Span(1.0, 0.99, 1.0),), Span(30.0, 29.0, 31.0), Span(600.0, 580.0, 620.0),
               Figures(9.0, 12.0, 20.0, 24.0, "VALID", 64.0), False, Path("r"), 19.5)  # fmt: skip


def came_to(tier: Tier, **more: object) -> Outcome:
    """An outcome with one SLO and one level."""
    asked = Asked(texts=(tier.slo,), budget_ns=600_000_000_000)
    plain = Outcome(asked, (tier,), None, "", "", None, None, (ROW,), (), 600, 60.0, 0.1)
    return replace(plain, **more)  # type: ignore[arg-type]  # fields of an outcome


def test_too_few_requests_confirm_nothing() -> None:
    """A confirmation of fewer requests than could show the share is no answer, and says what would be one."""
    outcome = came_to(replace(TIER, requests=120))
    said = [*sentences(outcome)]
    assert outcome.code == Exit.CANNOT_TELL
    assert said[0].startswith(
        "Cannot tell: perhaps 20 users at once (95 %: 19\N{EN DASH}22) keep tpot<30ms for 99 % of"
    )
    assert "but 120 requests cannot show 99 %" in said[0]
    assert "99 % takes 459 good requests to be shown: give more --budget, or ask for @95%." in said
    assert came_to(replace(TIER, requests=120, confirmed=True)).code == 0


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0.97, "but the confirmation does not bear it out: only 97 % of 600 requests were good"),
        (
            0.992,
            "but the confirmation leaves it open: 99.2 % of 600 requests were good, too few to tell from less than",
        ),
    ],
)
def test_a_confirmation_against_it(share: float, said: str) -> None:
    """A confirmation that speaks against its level says what it saw, and does not call more than was asked too few."""
    outcome = came_to(replace(TIER, confirmed=False, share=Span(share, 0.9, 1.0)))
    assert outcome.code == Exit.CANNOT_TELL
    assert said in first(outcome)


def test_an_invalid_confirmation_is_no_answer() -> None:
    """As everywhere: where the client changed the numbers of the answer it cannot be told, and why is said."""
    outcome = came_to(replace(TIER, invalid="The client slept."))
    assert outcome.code == Exit.CANNOT_TELL
    assert "but that measurement is INVALID" in first(outcome)
    assert "The measurement at 20 users is INVALID: The client slept." in [*sentences(outcome)]
    assert came_to(TIER).code == 0


def test_the_worst_of_several_answers() -> None:
    """What is known not to hold goes before what cannot be told."""
    none = replace(TIER, level=0.0, bracket=Bracket(0, 0, 0, False), made=False)
    unsure = replace(TIER, requests=1)
    assert came_to(none, tiers=(none, unsure)).code == Exit.NOT_MET
    assert came_to(none, tiers=(TIER, unsure)).code == Exit.CANNOT_TELL


@pytest.mark.parametrize(
    ("behind", "said"),
    [
        (False, "At 28.5 requests a second that come at random (open loop) 90 % of 200 keep tpot<30ms."),
        (True, "It does not keep up with 28.5 requests a second that come at random (open loop): more and more"),
    ],
)
def test_the_open_loop(behind: bool, said: str) -> None:
    """What came at random is told with its share of good requests, or that a queue grows."""
    seen = Seen(np.full(10, 20.0), np.full((1, 10), 18.0), np.full(10, 28.0), 1e9, 10**10, behind=behind)
    outcome = came_to(TIER, open=OpenLoop(28.5, seen))
    assert any(one.startswith(said) for one in sentences(outcome))
    assert outcome.record()["open_loop"] == {"rate_per_s": 28.5, "requests": 200, "shares": [0.9], "behind": behind}
    assert any("The budget left no time to verify it" in one for one in sentences(came_to(TIER)))


def swept(low: float, value: float) -> str:
    row = ROW._replace(shares=(Span(value, low, 1.0),))
    asked = Asked(texts=(TIER.slo,), sweep=("concurrency", (20.0,)))
    return first(came_to(TIER, asked=asked, tiers=(), levels=(row,)))


def test_a_sweep_says_what_is_sure() -> None:
    """A level keeps the SLO where its interval lies above the share; a share that does by itself is only perhaps so."""
    assert "up to 20 users keep the SLO for the share asked for. " in swept(0.991, 1.0)
    assert "up to 20 users may keep the SLO for the share asked for, which takes more requests" in swept(0.98, 1.0)
    assert "no level seems to keep the SLO" in swept(0.9, 0.95)


def test_a_budget_without_any_level(tmp_path: Path) -> None:
    """Where not even twenty requests fit into the budget that is said, with the time that it took."""
    outcome = searched(replace(ASKED, budget_ns=2_000_000_000), replace(ENGINE, decode_s=0.5), LIMIT_MS, tmp_path)
    assert outcome.code == Exit.CANNOT_TELL
    assert "the budget was out before 20 requests had ended" in first(outcome)
    assert outcome.seconds >= 2


def test_users_of_an_open_loop(tmp_path: Path) -> None:
    """Of a rate the users are the requests in flight: by them the output is divided, not by the rate."""
    seen = Seen(np.full(10, 40.0), np.zeros((0, 10)), np.full(10, 40.0), 5e8, 10 * 10**9)
    visited = Visited(Step(40.0, Purpose.LADDER, 0, 40.0), tmp_path, 0, Looked(0, 10**9, seen, 800.0), 10**10)
    asked = Asked(sweep=("rate", (40.0,)), gpus=2)
    outcome = outcome_of(asked, SweepSteps(asked.settings(), "rate", (40.0,)).answer(), Levels(()), [visited], 10**10)
    assert outcome.costs[0].per_gpu.value == 400
    assert outcome.costs[0].per_user.value == pytest.approx(800 / 20)


def test_few_blocks_have_no_interval(tmp_path: Path) -> None:
    """Fewer than six blocks tell no interval of a throughput, not even where they are alike."""
    seen = Seen(np.full(5, 40.0), np.zeros((0, 5)), np.full(5, 40.0), 5e8, 5 * 10**9)
    for blocks, has in ((5, False), (6, True)):
        more = replace(
            seen, requests=np.full(blocks, 40.0), good=np.zeros((0, blocks)), ended_per_s=np.full(blocks, 40.0)
        )
        visited = Visited(Step(40.0, Purpose.LADDER, 0), tmp_path, 0, Looked(0, 10**9, more, 800.0), 10**10)
        (row,) = outcome_of(Asked(), SweepSteps(Settings(), "rate", ()).answer(), Levels(()), [visited], 10**10).levels
        assert math.isfinite(row.per_s.high) is has
        assert ("(" in table(came_to(TIER, levels=(row,), asked=Asked()))[1][2]) is has


def test_reuse_asks_the_same(tmp_path: Path) -> None:
    """A search goes on with what it asked: more time may be given, another SLO is another search."""
    words = {"work_dir": str(tmp_path), "url": "http://127.0.0.1:9", "slo": ("tpot<30ms",)}
    searching = prepare_search(Options(words))
    again = {"work_dir": str(tmp_path), "reuse": searching.directory.name}
    found = prepare_search(Options({**again, "budget": 7 * 10**9, "slo": ("tpot<30ms",)})).asked
    assert found == replace(searching.asked, budget_ns=7 * 10**9)
    with pytest.raises(
        fb.UsageError, match="--reuse goes on with what that search asked, and --slo asks for something"
    ):
        prepare_search(Options({**again, "slo": ("tpot<20ms",)}))


@pytest.mark.parametrize("words", [{"stream": False, "slo": ("e2el<1s, ttft<1s",)}, {"sweep": ("concurrency", (1e6,))}])
def test_what_is_refused_before_anything_is_sent(words: dict[str, object], tmp_path: Path) -> None:
    """A clause about a stream where none is asked for, and more users than the system has files for: nothing is sent,
    and no directory is made."""
    with pytest.raises(fb.UsageError, match=r"needs the moments of a stream|needs more open files"):
        prepare_search(Options({"work_dir": str(tmp_path / "new"), "url": "http://127.0.0.1:9", **words}))
    assert not (tmp_path / "new").exists()


def test_what_ends_a_plain_run_ends_no_search(tmp_path: Path) -> None:
    """`until` and `max_failed` of a config are not the search's: above its capacity a service may well fail."""
    config = tmp_path / "run.py"
    config.write_text(
        "models = [dict(type='openai_chat', url='http://127.0.0.1:9')]\n"
        "datasets = [dict(type='synthetic', count=9, input_len=8)]\n"
        "until, max_failed = 'ttft.p99±5%', '5%'\n"
    )
    (task,) = prepare_search(Options({"work_dir": str(tmp_path), "config_file": str(config)})).prepared.run.tasks()
    assert (task.until, task.max_failed) == (None, None)
