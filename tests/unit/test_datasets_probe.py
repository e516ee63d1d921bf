"""Lengths without a tokenizer, by the measured tokens per word."""

from pathlib import Path

import pytest
from data_files import lines_file

from fastbench.config.fields.lengths import Uniform
from fastbench.datasets import SyntheticConfig, open_dataset, probe_samples, tokens_per_word
from fastbench.datasets.mooncake import MooncakeConfig


def words(sample_prompt: object) -> int:
    return len(str(sample_prompt).split())


def test_the_probe_measures_a_services_tokens() -> None:
    """A service that makes 1.25 tokens of a word, and adds 9 to each prompt, is found out by two requests."""
    told = [9 + round(1.25 * words(sample.prompt)) for sample in probe_samples()]
    assert tokens_per_word(*told) == 1.25
    assert [sample.output_len for sample in probe_samples()] == [1, 1]


@pytest.mark.parametrize("told", [(10, 10), (20, 10), (0, 0)])
def test_counts_without_sense_give_no_ratio(told: tuple[int, int]) -> None:
    """Where a longer prompt has no more tokens, nothing was measured."""
    assert tokens_per_word(*told) is None


def test_prompts_have_the_tokens_asked_by_the_ratio() -> None:
    """With a ratio, prompts and prefixes have so many words that their tokens are those asked for."""
    config = SyntheticConfig(count=3, input_len=Uniform(low=1, high=1000), shared_prefix=1)
    for sample in open_dataset(config, "", 1.25).samples():
        assert words(sample.prompt) == max(1, round((sample.input_len or 0) / 1.25))


def test_blocks_of_a_trace_have_the_tokens_asked_by_the_ratio(tmp_path: Path) -> None:
    """Each block of a trace is cut by the ratio, and is still the same wherever its id occurs."""
    rows = [{"input_length": 1024, "hash_ids": [1, 2]}, {"input_length": 612, "hash_ids": [1, 2]}]
    data = open_dataset(MooncakeConfig(abbr="t", path=lines_file(tmp_path, *rows)), "", 2.0)
    first, second = (str(sample.prompt).split() for sample in data.samples())
    assert (len(first), len(second)) == (512, 306)
    assert first[:306] == second
