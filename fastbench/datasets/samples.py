"""Samples; what every data set can do: a stream of them, begun anew at any share; and what a format of data sets is."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from msgspec import Struct

from fastbench.config import DatasetConfig
from fastbench.config.fields import role_of
from fastbench.registry import DATASETS
from fastbench.tokenizer import Message, Prompt, TokenMeasure


class Turn(Struct, frozen=True):
    """One turn of a conversation: what the user says, and what is taken for the answer in the turns after it."""

    text: str
    answer: str | None = None
    """What goes into the history of the later turns; None = the service's own reply."""
    output_len: int | None = None
    """Output tokens asked for; None = the service's `max_out_len`."""
    role: str = "user"
    """Who says `text`: the user, or a tool."""
    before: tuple[Message, ...] = ()
    """Messages that stand before `text`, after the last answer."""

    @property
    def messages(self) -> list[Message]:
        """What the turn adds to the history before it is sent."""
        return [*self.before, {"role": self.role, "content": self.text}]


class Sample(Struct, frozen=True):
    """What one request asks, or a conversation's requests. Its place in the data set is `index`, from 0."""

    index: int
    prompt: Prompt
    input_len: int | None = None
    """Length of the prompt as planned, tokens; None = not known before the service counts."""
    output_len: int | None = None
    """Output tokens asked for; None = the service's `max_out_len`."""
    timestamp_ns: int | None = None
    """When the data set says that it goes out, ns since the schedule's start; None = it does not say."""
    turns: tuple[Turn, ...] = ()
    """A conversation of several requests, one after the other's reply; `prompt` then holds the messages before the
    first turn. () = a single request."""
    fields: dict[str, Any] | None = None
    """Parameters of the request, which go over the service's; None = it has none."""


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

    def survey(self, limit: int | None) -> Survey:
        """What a run of at most `limit` samples will ask. Raises DatasetError for the first broken one."""
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


ConfigT = TypeVar("ConfigT", bound=DatasetConfig)


@dataclass(frozen=True)
class DatasetFormat(Generic[ConfigT]):
    """One format, found by its name: fastbench's own, or of a package with an entry point in `fastbench.datasets`."""

    schema: type[ConfigT]
    """The struct of its settings, whose tag is the format's name."""
    open: Callable[[ConfigT, TokenMeasure], Dataset]
    """Settings → the data set. Raises DatasetError for a file that cannot be used, ConfigError for a tokenizer that
    cannot, or for none where the settings ask for one."""

    @property
    def name(self) -> str:
        """As `type` in a config."""
        return name_of(self.schema)


def name_of(schema: type[DatasetConfig]) -> str:
    """The name of the format that has these settings."""
    return str(schema.__struct_config__.tag)


def open_dataset(config: DatasetConfig, tokenizer_path: str = "", tokens_per_word: float = 1.0) -> Dataset:
    """The data set that `config` describes.

    tokenizer_path: makes the lengths of made prompts exact; "" = none, then a word counts as `tokens_per_word`
    tokens. Raises DatasetError where the file cannot be used, ConfigError where the tokenizer cannot, or where a
    setting asks for one and there is none.
    """
    found: DatasetFormat[Any] = DATASETS.get(name_of(type(config)))
    return found.open(config, TokenMeasure(tokenizer_path, tokens_per_word))
