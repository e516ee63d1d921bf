"""What every data set can do, and how one is opened."""

from collections.abc import Iterator
from typing import Protocol

from fastbench.config.dataset_schema import DatasetConfig, JsonlConfig
from fastbench.datasets.sample import Sample


class Dataset(Protocol):
    """A stream of samples that can be started anew, at any share, any number of times."""

    @property
    def count(self) -> int | None:
        """How many samples there are; None = not known before they were read."""
        ...

    def check(self, limit: int | None) -> int:
        """How many samples a run of at most `limit` gets. Raises DatasetError for the first broken one."""
        ...

    def samples(self, start: int = 0, step: int = 1) -> Iterator[Sample]:
        """The samples `start`, `start + step`, …; one at a time, so that memory does not grow."""
        ...


def open_dataset(config: DatasetConfig, tokenizer_path: str = "") -> Dataset:
    """The data set that `config` describes; `tokenizer_path` ("" = none) makes synthetic lengths exact.

    Raises DatasetError where the file cannot be used, ConfigError where the tokenizer cannot.
    """
    # Imported late: numpy and tokenizers cost start-up time that a file of prompts need not pay.
    if isinstance(config, JsonlConfig):
        from fastbench.datasets.jsonl import JsonlDataset

        return JsonlDataset(config)
    from fastbench.datasets.synthetic import SyntheticDataset
    from fastbench.datasets.vocabulary import common_words, safe_words

    return SyntheticDataset(config, safe_words(tokenizer_path) if tokenizer_path else common_words())
