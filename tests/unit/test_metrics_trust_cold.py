"""The prefix cache against what the plan promises: INVALID beyond it, a note with the reason where it was asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from recordings import Request, header_of, record

from fastbench.metrics import Metrics, compute
from fastbench.recording import Recording

COLD = {"seed": 5, "named": False, "cold": 0, "template": 0}


def metrics_of(directory: Path, cached: int, prompts: dict[str, Any], **more: Any) -> Metrics:
    """Of ten requests of 1,000 input tokens, as planned, so many of them cached."""
    more = {"more": (("planned_input", 1000),), **more}
    run = [Request(number, input_tokens=1000, cached_tokens=cached, **more) for number in range(10)]
    header = header_of(prompts=prompts, load={"concurrency": 10})
    return compute(Recording.open(record(directory, run, header=header)), ("Average",))


def found(metrics: Metrics) -> list[str]:
    return [reason.effect for reason in metrics.verdict.reasons if "prefix cache" in reason.effect]


@pytest.mark.parametrize(("cached", "invalid"), [(10, False), (16, True), (-1, False)])
def test_more_than_a_hundredth_of_new_prompts(tmp_path: Path, cached: int, invalid: bool) -> None:
    """Where the plan promises new prompts, more than 1 % cached is INVALID; without a count nothing is said."""
    metrics = metrics_of(tmp_path, cached, COLD)
    assert (
        found(metrics)
        == ["1.60% of the input tokens came from the service's prefix cache, where the plan has new prompts"] * invalid
    )


@pytest.mark.parametrize(
    ("cached", "prompts", "more"),
    [
        (266, {"cold": 256}, {}),
        (40, {"template": 32}, {}),
        (40, {}, {"planned_input": 968}),
        (100, {}, {"planned_input": -1}),
        (900, {}, {"attempt": 1}),
        (900, {"cold": None}, {}),
    ],
)
def test_what_is_no_broken_promise(tmp_path: Path, cached: int, prompts: dict[str, Any], more: dict[str, int]) -> None:
    """A prefix that was asked for, the chat template as planned or as counted, requests that were sent again, and a
    plan that promises nothing."""
    fields: dict[str, Any] = {"more": tuple(more.items())} if "planned_input" in more else more
    assert not found(metrics_of(tmp_path, cached, {**COLD, **prompts}, **fields))


def test_beyond_what_was_asked_for(tmp_path: Path) -> None:
    """What is cached beyond the prefix and the template counts; no template is longer than 512 tokens,
    and of rows without a planned length than 128."""
    assert found(metrics_of(tmp_path / "a", 300, {**COLD, "cold": 256}))
    assert found(metrics_of(tmp_path / "b", 900, COLD, more=(("planned_input", 100),)))
    assert found(metrics_of(tmp_path / "c", 300, COLD, more=(("planned_input", -1),)))


@pytest.mark.parametrize(
    ("prompts", "why"),
    [
        ({**COLD, "named": True, "cold": None}, ", as the data set's seed 5 sends the same prompts in each run:"),
        ({**COLD, "cold": None}, ", as prompts begin alike where the data set says so:"),
        ({**COLD, "cold": None, "cache_bust": "first-turn"}, ", as what stands in front of the first user message has"),
        ({**COLD, "cold": 256}, ", of which 256 tokens a prompt are the prefix that was asked for:"),
        ({"seed": None, "named": False, "cold": None}, "; --cache-bust first-turn puts a marker in front of rows"),
        ({}, "prefix cache: TTFT is shorter"),
    ],
)
def test_the_note_says_why(tmp_path: Path, prompts: dict[str, Any], why: str) -> None:
    """The note on cached input has the reason, as far as the recording has it."""
    (note,) = [note for note in metrics_of(tmp_path, 256, prompts).notes if "prefix cache" in note]
    assert why in note


def test_a_reset_is_told(tmp_path: Path) -> None:
    """What the service answered when its cache was reset stands in a note."""
    notes = metrics_of(tmp_path, 0, {**COLD, "reset": "POST http://h/flush_cache answered 200"}).notes
    assert "The service's prefix cache was reset before the task: POST http://h/flush_cache answered 200." in notes
