"""Searches for the capacity from what a worker tells to the answer in words, on simulated time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from simulated_load import searched
from simulated_service import Engine

import fastbench as fb
from fastbench.api.saturating.asked import Asked, of_record, plan_rows
from fastbench.api.saturating.outcome import NONE, UNSURE
from fastbench.api.saturating.words import percent, sentences, table

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
    assert outcome.code == NONE
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
    assert outcome.tiers[0].level <= 22 or outcome.code == UNSURE


@pytest.mark.parametrize("tokens", [6, *(pytest.param(many, marks=pytest.mark.slow) for many in (24, 40))])
def test_replies_of_different_lengths(tokens: float, tmp_path: Path) -> None:
    """Lengths that scatter by their mean, short or long, do not move the answer."""
    outcome = searched(ASKED, replace(ENGINE, tokens=tokens), LIMIT_MS, tmp_path)
    assert outcome.code == 0
    assert 34 <= outcome.tiers[0].level <= 45


def test_a_budget_that_cannot_show_it(tmp_path: Path) -> None:
    """In a few seconds 99 % cannot be shown: cannot tell, and what could be asked for."""
    asked = replace(ASKED, texts=("tpot<30ms@99%",), budget_ns=6_000_000_000)
    outcome = searched(asked, replace(ENGINE, decode_seq_s=0.004), LIMIT_MS, tmp_path)
    assert outcome.code == UNSURE
    assert first(outcome).startswith("Cannot tell")
    assert outcome.seconds < 8
    told = dict(plan_rows(asked))["It can show"]
    assert told.startswith("99 % needs 459 independent requests, 153/s in the confirmation")
    assert "ask for @95%: 95 % needs 90" in told


def test_a_service_that_dies(tmp_path: Path) -> None:
    """When connections are refused and nothing ends well any more the search ends: code 4, and the answer so far."""
    outcome = searched(ASKED, ENGINE, LIMIT_MS, tmp_path, dies_s=20.0)
    assert outcome.code == UNSURE
    assert outcome.stopped == "the service does not answer any more"
    assert outcome.levels
    assert outcome.seconds < 22
    assert any("stopped answering" in one for one in sentences(outcome))


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
    assert heads[1:3] == ["good (95 %), 95 % asked", "good (95 %), 90 % asked"]
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
    outcome = searched(
        replace(ASKED, sweep=("concurrency", (2.0, 8.0, 60.0)), gpus=2, price=3.0), ENGINE, 30.0, tmp_path
    )
    assert [row.level for row in outcome.levels] == [2, 8, 60]
    assert [row.shares[0].value > 0.95 for row in outcome.levels] == [True, True, False]
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
