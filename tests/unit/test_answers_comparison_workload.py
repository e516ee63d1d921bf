"""What two runs sent, by their headers: the same workload, the same lengths, the same words."""

from typing import Any

import pytest

from fastbench.answers.comparison import Workload, config_lines, workload_of

LOAD = {"kind": "closed", "concurrency": 4, "rate": None, "planned": 9}


def header(fresh: int | None = None, **data: Any) -> dict[str, Any]:
    data = {"type": "synthetic", "count": 9, "seed": None, "words_seed": None, **data}
    config = {"models": [{"type": "openai_chat"}], "datasets": [data], "fresh_seed": fresh, "cache_bust": "none"}
    return {"load": LOAD, "config": config}


def of(fresh: int | None = None, **data: Any) -> Workload:
    return workload_of(header(fresh, **data))


def alike(a: Workload, b: Workload) -> tuple[bool, bool, bool]:
    return a.digest == b.digest, a.prompts == b.prompts, a.texts == b.texts


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        (of(5, words_seed=5), of(6, words_seed=6), (True, True, False)),
        (of(None, words_seed=5), of(None, words_seed=5), (True, True, True)),
        (of(None, seed=0), of(6, words_seed=6), (True, True, False)),
        (of(None, seed=3), of(None, seed=4), (True, False, True)),
        (of(5, random_seed=5), of(6, random_seed=6), (True, True, False)),
        (of(None, count=9), of(None, count=8), (False, False, True)),
    ],
)
def test_seeds_and_lengths(a: Workload, b: Workload, same: tuple[bool, bool, bool]) -> None:
    """Fresh words are another text of the same workload and lengths; another seed of lengths is none of these."""
    assert alike(a, b) == same


def test_fresh_seeds_are_no_difference() -> None:
    """Of two runs with new words no setting differs; a seed that was named does."""
    assert config_lines(header(5, words_seed=5)) == config_lines(header(6, words_seed=6))
    assert config_lines(header(None, words_seed=5)) != config_lines(header(None, words_seed=6))
