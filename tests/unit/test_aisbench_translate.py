"""Which model meets which data set."""

from typing import Any

import pytest

from fastbench.aisbench import build_run
from fastbench.errors import ConfigError

MODELS = [{"type": "openai_chat", "abbr": name} for name in ("a", "b")]
DATASETS = [{"type": "synthetic", "abbr": name, "count": 1, "input_len": 1} for name in ("x", "y", "z")]


def tasks(combinations: Any) -> list[str]:
    raw = {"models": MODELS, "datasets": DATASETS, "model_dataset_combinations": combinations}
    return [task.name for task in build_run(raw, "run.py").tasks()]


def test_pairs_replace_the_product() -> None:
    """Only the pairs named are tasks, in their order; items may be given whole or by abbr."""
    first = {"models": [MODELS[1]], "datasets": [DATASETS[0], "z"]}
    assert tasks([first, {"models": ["a"], "datasets": ["y"]}]) == ["b/x", "b/z", "a/y"]


def test_a_pair_counts_once() -> None:
    """A pair that is named twice is one task."""
    assert tasks([{"models": ["a", "a"], "datasets": ["x"]}, {"models": ["a"], "datasets": ["x"]}]) == ["a/x"]


@pytest.mark.parametrize(
    ("combinations", "told"),
    [
        ([], "model_dataset_combinations is []; it must be a list of at least one dict with models and datasets"),
        (5, "model_dataset_combinations is 5; it must be a list of at least one dict"),
        ([5], "model_dataset_combinations[0] is 5; it must be a dict of settings"),
        ([{"models": ["a"]}], "model_dataset_combinations[0].datasets is missing; it must be a list"),
        (
            [{"models": ["a"], "datasets": ["x"], "dataset": 1}],
            "model_dataset_combinations[0].dataset is not a known field; did you mean datasets?",
        ),
        (
            [{"models": ["c"], "datasets": ["x"]}],
            "model_dataset_combinations[0].models[0] is 'c', an abbr that models does not have; it has a, b",
        ),
        (
            [{"models": [{"type": "openai_chat"}], "datasets": ["x"]}],
            "model_dataset_combinations[0].models[0] is {'type': 'openai_chat'}; it must be an item of models with",
        ),
    ],
)
def test_a_bad_combination_is_told_by_its_path(combinations: Any, told: str) -> None:
    """What cannot be paired is one sentence with its path."""
    with pytest.raises(ConfigError) as caught:
        tasks(combinations)
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"run.py: {told}")
