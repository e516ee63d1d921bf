"""Samples, data sets as streams of samples, and data-set formats."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from fastbench.config import DatasetConfig, show
from fastbench.config.fields import role_of
from fastbench.errors import PluginError
from fastbench.registry import DATASETS
from fastbench.tokenizer import Message, Prompt, TokenMeasure, Words

MOST_CLASSES = 255
"""As many classes of requests a recording can tell apart."""


class RawRequest(Struct, frozen=True):
    """A request as its row has it: its text is not made again, only what the service's settings say is put into it."""

    body: bytes
    """A JSON object; b"" = the body that the dialect makes of the sample's prompt."""
    members: Sequence[tuple[str, int, int, int]] = ()
    """Those of `body`, as `_core.splice` finds them."""
    path: str = ""
    """In the place of the API's own, behind the base URL's; "" = the API's own."""
    headers: bytes = b""
    """A JSON object of further headers, which go over the service's; b"" = none."""


class Turn(Struct, frozen=True):
    """One turn of a conversation: the user's message, and the answer that later turns have in their history."""

    text: str
    answer: str | None = None
    """The reply in the history of later turns; None = the service's own."""
    output_len: int | None = None
    """Output tokens asked for; None = the service's `max_out_len`."""
    role: str = "user"
    """Role of `text`: user or tool."""
    before: tuple[Message, ...] = ()
    """Messages that stand before `text`, after the last answer."""
    raw: RawRequest | None = None
    """The whole request, with all that was said before; None = it is made of the messages."""
    wait_ns: int | None = None
    """From the reply before it to its sending; None = the run's `think_time`."""
    class_name: str = ""
    """As of a `Sample`."""

    @property
    def messages(self) -> list[Message]:
        """The messages that the turn adds to the history before it is sent."""
        return [*self.before, {"role": self.role, "content": self.text}]


class Sample(Struct, frozen=True):
    """The prompt and parameters of one request, or of a conversation's requests. Its place in the data set is `index`,
    from 0."""

    index: int
    prompt: Prompt
    input_len: int | None = None
    """Length of the prompt as planned, tokens; None = not known before the service counts."""
    output_len: int | None = None
    """Output tokens asked for; None = the service's `max_out_len`."""
    timestamp_ns: int | None = None
    """Its time in the data set, ns since the schedule's start; None = none."""
    turns: tuple[Turn, ...] = ()
    """A conversation of several requests, one after the other's reply; `prompt` then holds the messages before the
    first turn. () = a single request."""
    fields: dict[str, Any] | None = None
    """Parameters of the request, which go over the service's; None = it has none."""
    raw: RawRequest | None = None
    """The whole request as its row has it; None = it is made of the prompt."""
    class_name: str = ""
    """The kind of request that it is among others; "" = none."""


class Sheet(NamedTuple):
    """Several samples that have nothing of their own but words and lengths: a column for each of their fields, (n,)."""

    indices: NDArray[np.int64]
    numbers: NDArray[np.int64]
    """(sum of counts,) the words of each prompt, one prompt after the other."""
    counts: NDArray[np.int64]
    input_len: NDArray[np.int64]
    output_len: NDArray[np.int64]
    """0 = the service's `max_out_len`."""
    kinds: NDArray[np.int64]
    """Places in `class_names`."""
    class_names: tuple[str, ...]


class Sheets(Protocol):
    """A data set that can make many samples at once, without end."""

    @property
    def made_of(self) -> Words | None:
        """The words of its prompts; None where its samples have more of their own than words and lengths."""
        ...

    @property
    def at_once(self) -> int:
        """How many samples are to be made at once, so that they need little memory."""
        ...

    def sheet(self, indices: NDArray[np.int64]) -> Sheet:
        """The samples of these indices, (n,): those that `samples` makes."""
        ...


Counts = tuple[tuple[str, int], ...]
"""Names and their counts, the most frequent first."""
LeftOut = Counts
"""Why rows of a file are not samples, as messages have it, and how many."""


class Extent(NamedTuple):
    """The most tokens of a request, as planned. output_len: None = the service's `max_out_len`. place: of it, in
    words; sample: its index, None = of what samples are drawn from."""

    input_len: int
    output_len: int | None
    place: str
    sample: int | None = None

    @property
    def tokens(self) -> int:
        """Of prompt and reply, as far as they are said."""
        return self.input_len + (self.output_len or 0)


class Survey(NamedTuple):
    """What a run will send, known beforehand."""

    samples: int
    """Single requests and conversations."""
    requests: int
    """Requests: one for each turn of a conversation."""
    longest_output: int | None
    """The most output tokens that a sample asks for; None = no sample does, so the service's `max_out_len` holds."""
    timed: int
    """How many samples have a time."""
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
    template: int = 0
    """Tokens of a chat template that the planned lengths count, too."""
    parts: int | None = None
    """The first sample with a message that is not text alone, but typed parts, a call of a tool, …; None = there is
    none."""
    notes: tuple[str, ...] = ()
    """What else readers of the numbers must know of the data, in sentences without a full stop."""
    classes: tuple[str, ...] = ()
    """The names of the classes that requests have."""
    structures: frozenset[str] = frozenset()
    """The parameters by which requests that come whole say what the text of their replies has to be."""
    extents: tuple[Extent, ...] = ()
    """The longest of the requests that say how long their reply is to be, and of the others; of a mix, of each part."""
    uncounted: int = 0
    """Samples whose prompts have no planned length."""
    shares: str = ""
    """What prompts share on purpose, beyond a prefix that was asked for, in words; "" = nothing."""


class Dataset(Protocol):
    """A stream of samples that can be started anew, at any share, any number of times."""

    @property
    def count(self) -> int:
        """How many samples there are."""
        ...

    def survey(self, limit: int | None) -> Survey:
        """What a run of at most `limit` samples will send. Raises DatasetError for the first broken one."""
        ...

    def samples(self, start: int = 0, step: int = 1) -> Iterator[Sample]:
        """The samples `start`, `start + step`, …; one at a time, so that memory does not grow."""
        ...


def survey_of(samples: Iterable[Sample], limit: int | None) -> Survey:
    """The survey of the first `limit` of `samples`."""
    count = requests = longest = timed = answered = 0
    fields = Counter[str]()
    extents: dict[bool, Extent] = {}
    uncounted = 0
    token_ids: int | None = None
    parts: int | None = None
    for sample in islice(map(checked, samples), limit):
        count += 1
        requests += len(sample.turns) or 1
        lengths = [turn.output_len or 0 for turn in sample.turns] or [sample.output_len or 0]
        longest = max(longest, *lengths)
        timed += sample.timestamp_ns is not None
        if sample.input_len is None:
            uncounted += 1
        elif (found := _longer(extents.get(sample.output_len is None), sample)) is not None:
            extents[sample.output_len is None] = found
        if token_ids is None and sample.prompt and isinstance(sample.prompt[0], int):
            token_ids = sample.index
        if parts is None and not _is_text(sample):
            parts = sample.index
        answered += _is_answered(sample)
        if sample.fields is not None:
            fields.update(sample.fields.keys())
    return Survey(
        count,
        requests,
        longest or None,
        timed,
        token_ids,
        fields=tuple(fields.most_common()),
        answered=answered,
        parts=parts,
        extents=tuple(extents.values()),
        uncounted=uncounted,
    )


def _longer(longest: Extent | None, sample: Sample) -> Extent | None:
    """The extent of a sample that is longer than the longest one yet; None = it is not."""
    found = Extent(sample.input_len or 0, sample.output_len, f"sample {sample.index}", sample.index)
    return found if longest is None or found.tokens > longest.tokens else None


def checked(sample: Sample) -> Sample:
    """A sample that can be sent. Raises PluginError for what is none, as a package's format may make it."""
    if type(sample) is not Sample:
        raise PluginError(f"a sample is {show(sample)}, not a Sample")
    prompt = sample.prompt
    if isinstance(prompt, str):
        return sample
    # Of token ids, of which there may be many, the ends stand for all.
    ends = prompt[:1] + prompt[-1:] if isinstance(prompt, list) else [None]
    if not all(type(part) is int for part in ends) and not all(isinstance(part, dict) for part in prompt):
        raise PluginError(f"the prompt of sample {sample.index} is {show(prompt)}, not text, messages or token ids")
    if not prompt and not sample.turns:
        raise PluginError(f"the prompt of sample {sample.index} is empty")
    return sample


def _is_text(sample: Sample) -> bool:
    """Whether its messages, if it has any, hold text alone."""
    prompt = sample.prompt
    if isinstance(prompt, str):
        return True
    return all(isinstance(message.get("content"), str) for message in prompt if isinstance(message, dict))


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
    name = name_of(type(config))
    found: DatasetFormat[Any] = DATASETS.get(name)
    measure = TokenMeasure(tokenizer_path, tokens_per_word)
    if not DATASETS.is_plugged(name):
        return found.open(config, measure)
    with DATASETS.blaming(name, "cannot open its data set"):
        return _Plugged(name, found.open(config, measure))


def alike(config: DatasetConfig, count: int, input_len: int | None = None) -> DatasetConfig | None:
    """`config.alike`. ConfigError where a package's format cannot say it."""
    name = name_of(type(config))
    with DATASETS.blaming(name, "cannot make other prompts"):
        found: object = config.alike(count, input_len)
        if found is None or isinstance(found, DatasetConfig):
            return found
        raise PluginError(f"its `alike` gives {type(found).__name__}, not settings")


class _Plugged:
    """The data set of a package's format: what its code raises is a ConfigError that names it."""

    def __init__(self, name: str, dataset: Dataset) -> None:
        """Raises PluginError for what is no data set."""
        if missing := [part for part in ("count", "survey", "samples") if not hasattr(dataset, part)]:
            raise PluginError(f"its `open` gives {type(dataset).__name__}, which has no {', '.join(missing)}")
        self._name = name
        self._dataset = dataset

    @property
    def count(self) -> int:
        """How many samples there are."""
        with DATASETS.blaming(self._name, "cannot count its samples"):
            count = self._dataset.count
            if type(count) is not int or count < 1:
                raise PluginError(f"its `count` is {show(count)}, not a whole number of at least 1")
            return count

    def survey(self, limit: int | None) -> Survey:
        """What a run of at most `limit` samples will send."""
        with DATASETS.blaming(self._name, "cannot be looked through"):
            found = self._dataset.survey(limit)
            if not isinstance(found, Survey):
                raise PluginError(f"its `survey` gives {type(found).__name__}, not a Survey")
            if not 1 <= found.samples <= self.count:
                raise PluginError(f"its `survey` finds {found.samples} samples, and its `count` is {self.count}")
            return found

    def samples(self, start: int = 0, step: int = 1) -> Iterator[Sample]:
        """The samples `start`, `start + step`, …."""
        cannot = "cannot make its samples"
        with DATASETS.blaming(self._name, cannot):
            samples = iter(self._dataset.samples(start, step))
        for index in range(start, self.count, step):
            with DATASETS.blaming(self._name, cannot):
                try:
                    sample = checked(next(samples))
                except StopIteration as error:
                    raise PluginError(f"there is no sample {index}, and its `count` is {self.count}") from error
            yield sample


def check_format(found: DatasetFormat[Any]) -> None:
    """Raises PluginError for a package's format that cannot be used."""
    schema: object = found.schema
    if not isinstance(schema, type) or not issubclass(schema, DatasetConfig):
        raise PluginError(f"its schema is {show(schema)}, not a subclass of DatasetConfig")
    if not isinstance(schema.__struct_config__.tag, str):
        raise PluginError(f"its schema {schema.__name__} has no tag, which is the format's name")
    if not callable(found.open):
        raise PluginError(f"its open is {show(found.open)}, not a function")
