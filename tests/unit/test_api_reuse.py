"""What differs between a task and the recording that it is to resume: seeds that make the same prompts do not."""

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from recordings import Request, header_of, record

from fastbench.aisbench import build_run
from fastbench.api.reuse import differences
from fastbench.config import RunConfig, public_run


def run_of(**settings: Any) -> RunConfig:
    data = {"type": "synthetic", "count": 10, "input_len": 5, **settings.pop("data", {})}
    return build_run({"models": [{"type": "openai_chat"}], "datasets": [data], **settings}, "run.py")


def found(directory: Path, before: dict[str, Any], now: RunConfig) -> list[str]:
    """The settings that are told of."""
    config = {**public_run(RunConfig.of_task(run_of().tasks()[0])), **before}
    record(directory, [Request(0)], header=header_of(config=config))
    (task,) = now.tasks()
    return [sentence.partition(" is ")[0] for sentence in differences(task, directory)]


def recorded(run: RunConfig) -> dict[str, Any]:
    """The config in a recording of its task."""
    return public_run(RunConfig.of_task(run.tasks()[0]))


@pytest.mark.parametrize(
    ("before", "now", "told"),
    [
        (recorded(replace(run_of(), fresh_seed=5)), replace(run_of(), fresh_seed=5), []),
        (recorded(run_of(data={"seed": 0})), run_of(), []),
        (recorded(run_of(seed=4)), run_of(seed=4), []),
        (recorded(replace(run_of(), fresh_seed=5)), run_of(seed=4), ["seed"]),
        (recorded(run_of(data={"seed": 1})), run_of(), ["datasets synthetic: seed"]),
        (recorded(run_of(data={"words_seed": 1})), run_of(data={"words_seed": 2}), ["datasets synthetic: words_seed"]),
    ],
)
def test_seeds(tmp_path: Path, before: dict[str, Any], now: RunConfig, told: list[str]) -> None:
    """Only a seed that makes other prompts is told of, once."""
    assert found(tmp_path, before, now) == told
