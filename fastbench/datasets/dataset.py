"""What every data set can do, and how one is opened."""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple, Protocol

from fastbench.config.dataset_schema import DatasetConfig
from fastbench.config.roles import role_of
from fastbench.datasets.sample import Sample

Counts = tuple[tuple[str, int], ...]
"""Names and their numbers, the most frequent first."""
LeftOut = Counts
"""Why rows of a file are no samples, told after what a row is, and how many."""


class Survey(NamedTuple):
    """What a run will ask, known before anything is sent."""

    samples: int
    """Single requests and conversations."""
    requests: int
    """Requests: one for each turn of a conversation."""
    longest_output: int | None
    """The most output tokens that a sample asks for; None = no sample says, so the service's `max_out_len` holds."""
    timed: int
    """How many samples say when they go out."""
    token_ids: int | None = None
    """The first sample whose prompt is token ids; None = all are texts."""
    left_out: LeftOut = ()
    """Of the whole file."""
    fields: Counts = ()
    """Parameters that samples have for their requests, and how many have each."""
    unused: Counts = ()
    """Fields of rows that samples are not made of, and how many have each."""
    answered: int = 0
    """Samples whose messages end with one of the assistant."""


class Dataset(Protocol):
    """A stream of samples that can be started anew, at any share, any number of times."""

    @property
    def count(self) -> int:
        """How many samples there are."""
        ...

    def check(self, limit: int | None) -> int:
        """How many samples a run of at most `limit` gets. Raises DatasetError for the first broken one."""
        ...

    def survey(self, limit: int | None) -> Survey:
        """As `check`, with all that can be told of those samples."""
        ...

    def samples(self, start: int = 0, step: int = 1) -> Iterator[Sample]:
        """The samples `start`, `start + step`, …; one at a time, so that memory does not grow."""
        ...


def survey_of(samples: Iterable[Sample], limit: int | None) -> Survey:
    """The survey of the first `limit` of `samples`."""
    count = requests = longest = timed = answered = 0
    fields = Counter[str]()
    token_ids: int | None = None
    for sample in islice(samples, limit):
        count += 1
        requests += len(sample.turns) or 1
        lengths = [turn.output_len or 0 for turn in sample.turns] or [sample.output_len or 0]
        longest = max(longest, *lengths)
        timed += sample.timestamp_ns is not None
        if token_ids is None and sample.prompt and isinstance(sample.prompt[0], int):
            token_ids = sample.index
        answered += _is_answered(sample)
        if sample.fields is not None:
            fields.update(sample.fields.keys())
    return Survey(
        count, requests, longest or None, timed, token_ids, fields=tuple(fields.most_common()), answered=answered
    )


def _is_answered(sample: Sample) -> bool:
    last = sample.prompt[-1] if sample.prompt and not isinstance(sample.prompt, str) else None
    return isinstance(last, dict) and role_of(last.get("role")) == "assistant"


def open_dataset(config: DatasetConfig, tokenizer_path: str = "", tokens_per_word: float = 1.0) -> Dataset:
    """The data set that `config` describes.

    tokenizer_path: makes the lengths of made prompts exact; "" = none, then a word counts as `tokens_per_word`
    tokens. Raises DatasetError where the file cannot be used, ConfigError where the tokenizer cannot, or where a
    setting asks for one and there is none.
    """
    # Imported late: each kind of data set imports this module.
    from fastbench.datasets.opening import open_kind

    return open_kind(config, tokenizer_path, tokens_per_word)
