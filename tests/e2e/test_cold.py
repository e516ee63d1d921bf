"""Runs of one command against a service with a prefix cache: cold each time, warm where that is asked for."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from nursery import Mock

import fastbench as fb

LOAD = {"concurrency": 4, "num_prompts": 12, "input_len": 128, "output_len": 4}


@pytest.fixture
def caching() -> Iterator[Mock]:
    """A service that keeps every prefix."""
    with Mock(prefix_cache=100_000, ttft_ms=5, itl_ms=1) as mock:
        yield mock


def run(mock: Mock, place: Path, **settings: Any) -> fb.Result:
    return fb.run(url=mock.url, work_dir=place, **LOAD, **settings)


def share(result: fb.Result) -> float:
    found = result.metrics.output.cached_share
    assert found is not None
    return found


def notes(result: fb.Result) -> list[str]:
    return [note for note in result.metrics.notes if "prefix cache" in note]


def test_each_run_is_cold(tmp_path: Path, caching: Mock) -> None:
    """The second run of one command finds nothing in the cache; with `--seed` it finds all, and the report says why."""
    assert [share(run(caching, tmp_path)) < 0.01 for _ in range(2)] == [True, True]
    first, second = (run(caching, tmp_path, seed=7) for _ in range(2))
    assert (share(first), notes(first)) == (0, [])
    assert share(second) > 0.8
    (note,) = notes(second)
    assert "as --seed 7 sends the same prompts in each run" in note
    assert not any("prefix cache" in reason.effect for reason in second.metrics.verdict.reasons)
    again = run(caching, tmp_path, seed=7, reset_cache="auto")
    assert share(again) == 0
    assert f"POST {caching.url}/reset_prefix_cache answered 200" in notes(again)[0]


def test_the_seed_that_was_told_repeats_a_run(tmp_path: Path, caching: Mock) -> None:
    """The seed in the recording, given as `--seed`, sends the same prompts again."""
    seed = run(caching, tmp_path).recording.header["prompts"]["seed"]
    assert share(run(caching, tmp_path, seed=seed)) > 0.8


def test_each_task_is_cold(tmp_path: Path, caching: Mock) -> None:
    """Two tasks of one config have no prompts in common, nor do the rounds through a data set that is repeated."""
    models = [{"type": "openai_chat", "abbr": abbr, "url": caching.url, "batch_size": 4} for abbr in "ab"]
    data = {"type": "synthetic", "count": 12, "input_len": 128, "output_len": 4}
    config = {"models": models, "datasets": [data], "duration": "200ms"}
    assert [share(result) for result in fb.run_all(config, work_dir=tmp_path)] == [0, 0]


def test_rows_of_a_file(tmp_path: Path, caching: Mock) -> None:
    """Rows that were sent before are in the cache, which a note tells with the way out; behind markers they are not."""
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(f'{{"prompt": "{" ".join(f"w{row}x{k}" for k in range(60))}"}}\n' for row in range(12)))
    load = {"url": caching.url, "work_dir": tmp_path, "dataset": file, "concurrency": 4, "output_len": 4}
    _, warm, cold = (fb.run(**load, **more) for more in ({}, {}, {"cache_bust": "first-turn"}))
    assert share(warm) > 0.5
    assert "--cache-bust first-turn puts a marker" in notes(warm)[0]
    assert (share(cold), notes(cold)) == (0, [])


def test_a_cache_that_cannot_be_reset_ends_the_run(tmp_path: Path) -> None:
    """Nothing is sent where the reset that was asked for fails."""
    with Mock() as mock, pytest.raises(fb.ServiceError, match="has neither /reset_prefix_cache nor /flush_cache"):
        run(mock, tmp_path, reset_cache="auto")
