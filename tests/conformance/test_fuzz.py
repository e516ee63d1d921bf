"""A small share of the fuzzer's inputs, on every run of the tests."""

from __future__ import annotations

import random

import pytest

from fastbench._core.ring import OUTCOMES

from . import differential
from .fuzz_core import run
from .hostile import make


@pytest.mark.parametrize("seed", [11, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (12, 13, 14))])
def test_hostile_responses(seed: int) -> None:
    """Each of 500 hostile responses ends in one declared outcome, the same however it is cut."""
    outcomes = run(500, seed)
    assert outcomes.total() == 500
    assert set(outcomes) <= set(OUTCOMES[1:])


def test_generated_streams_against_the_references() -> None:
    """Each of 3,000 generated streams gives the events, bodies, refusals and meanings of plain readings."""
    found = differential.run(3_000, 5)
    assert found.total() == 3_000
    kinds = ("events", "no events", "chunks: complete", "chunks: more", "chunks: bad", "rules: memo", "rules: no memo")
    assert min(found[kind] for kind in kinds) > 90


def test_the_generator_reaches_what_matters() -> None:
    """The hostile responses end in each outcome that bytes alone can bring."""
    wanted = {"ok", "http_error", "stream_error", "malformed", "truncated", "empty", "reset"}
    assert wanted <= set(run(1500, 21))


def test_inputs_can_be_repeated() -> None:
    """A seed makes the same input again."""
    assert make(random.Random("1/5")) == make(random.Random("1/5"))
