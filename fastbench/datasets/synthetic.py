"""Prompts made from a seed: sample i depends only on (seed, i)."""

from collections.abc import Iterator

from fastbench.config.dataset_schema import SyntheticConfig
from fastbench.datasets.draws import Draws
from fastbench.datasets.sample import Sample
from fastbench.datasets.vocabulary import Vocabulary

_SAMPLES, _PREFIX = 0, 1


class SyntheticDataset:
    """Random words, as many as the drawn length says."""

    def __init__(self, config: SyntheticConfig, words: Vocabulary) -> None:
        self._config = config
        self._words = words
        self._last = len(words) - 1
        self._prefix = Draws(config.seed, _PREFIX, 0).integers(0, self._last, config.shared_prefix)

    @property
    def count(self) -> int:
        """How many samples there are."""
        return self._config.count

    def check(self, limit: int | None) -> int:
        """How many samples a run of at most `limit` gets; none can be broken."""
        return self.count if limit is None else min(limit, self.count)

    def samples(self, start: int = 0, step: int = 1) -> Iterator[Sample]:
        """The samples `start`, `start + step`, …, made one at a time."""
        return map(self.sample, range(start, self.count, step))

    def sample(self, index: int) -> Sample:
        """Sample `index`; `input_len` is its length in tokens, exact with the model's own words."""
        config = self._config
        draws = Draws(config.seed, _SAMPLES, index)
        length = draws.integer(config.input_len.low, config.input_len.high)
        output = draws.integer(config.output_len.low, config.output_len.high) if config.output_len else None
        words = draws.integers(0, self._last, length)
        words[: len(self._prefix)] = self._prefix
        return Sample(index, self._words.text(words), length, output)
