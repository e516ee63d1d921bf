"""The requests of one phase: the samples at their places in the plan, prepared one after the other."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from fastbench.datasets import Dataset, Marker, Sample, Sheets, open_dataset
from fastbench.plan.task_plan import TaskPlan
from fastbench.recording import MEASURED, request_id

Encode = Callable[[Sample, str], bytes]
"""A sample and the request's id → the finished bytes of the request."""


class Planned(NamedTuple):
    """A request ready to be sent."""

    payload: bytes
    request: int
    """Its place in the plan, from 0."""
    offset_ns: int
    """Open loop: when it goes out, since the start. Closed loop: 0."""
    sample: int
    planned_input: int
    planned_output: int
    """Tokens; -1 = the plan does not say."""
    session: int = 0
    """Its conversation, from 1; 0 = a request by itself."""
    turn: int = 0
    """Its place in the conversation, from 0."""
    more: bool = False
    """Whether another turn is to follow."""
    class_number: int = 0
    """Of its class among those of the plan, from 1; 0 = it has none."""


class RequestWriter:
    """Writes the requests of a phase: bytes, ids and what was planned."""

    def __init__(
        self,
        encode: Encode,
        *,
        run_id: str,
        default_output: int,
        fixed_output: int | None = None,
        raw_output: int | None = None,
        classes: Sequence[str] = (),
        kind: str = MEASURED,
        first: int = 0,
    ) -> None:
        """run_id, kind: as `request_id` takes them; ids count from the request `first`. default_output: of samples that
        do not say. fixed_output: of all, whatever they say; -1 = not planned. raw_output: of all that come
        whole. classes: the names of those that there are, which samples have."""
        self._encode = encode
        self._run_id = run_id
        self._kind = kind
        self._first = first
        self._default_output = default_output
        self._fixed_output = fixed_output
        self._raw_output = raw_output
        self._classes = {name: number for number, name in enumerate(classes, 1)}

    @property
    def id_prefix(self) -> bytes:
        """The ids of its requests up to the eleven digits of their number."""
        return request_id(self._run_id, 0, self._kind).removesuffix("0" * 11).encode("ascii")

    def number_in_id(self, requests: NDArray[np.int64]) -> NDArray[np.int64]:
        """What the digits of the ids of requests say, (n,)."""
        return requests - self._first

    def planned_outputs(self, asked: NDArray[np.int64]) -> NDArray[np.int64]:
        """Of requests made of prompts whose samples ask for so many tokens, (n,); 0 = they do not say."""
        fixed = self._fixed_output
        return np.where(asked > 0, asked, self._default_output) if fixed is None else np.full(asked.size, fixed)

    def write(self, sample: Sample, request: int, offset_ns: int = 0) -> Planned:
        """The request for one sample. Raises DatasetError for a prompt that the dialect does not take."""
        return Planned(
            payload=self._encode(sample, request_id(self._run_id, request - self._first, self._kind)),
            request=request,
            offset_ns=offset_ns,
            sample=sample.index,
            planned_input=-1 if sample.input_len is None else sample.input_len,
            planned_output=self._output(sample),
            class_number=self.class_number(sample.class_name),
        )

    def class_number(self, name: str) -> int:
        """Of a class; 0 for one that there is not."""
        return self._classes.get(name, 0)

    def _output(self, sample: Sample) -> int:
        if sample.raw is not None and sample.raw.body:
            asked = sample.output_len if self._raw_output is None else self._raw_output
            return -1 if asked is None else asked
        if self._fixed_output is not None:
            return self._fixed_output
        return self._default_output if sample.output_len is None else sample.output_len


class Begins(Protocol):
    """The interface of `Conversations` that a plan needs."""

    def begin(self, sample: Sample, request: int, offset_ns: int) -> Planned:
        """The request of its first turn."""
        ...


def planned_requests(
    samples: Iterable[tuple[int, Sample, int]], writer: RequestWriter, conversations: Begins
) -> Iterator[Planned]:
    """The requests for numbered samples and their offsets, made as they are taken; of a conversation, the first one.

    A conversation's turns have the numbers from its own on.
    """
    for number, sample, offset_ns in samples:
        if sample.turns:
            yield conversations.begin(sample, number, offset_ns)
        else:
            yield writer.write(sample, number, offset_ns)


class Requests:
    """The data set of a plan, each sample repeated as the service's settings say, endlessly: made prompts go on with
    others, rows of a file begin anew. Rows get their markers, where they are asked for."""

    def __init__(self, plan: TaskPlan, dataset: Dataset | None = None) -> None:
        """dataset: where it was opened before, for words of the same length; None = it is opened.

        Raises DatasetError for a data set that cannot be used any more.
        """
        task = plan.task
        if dataset is None or plan.tokens_per_word != 1:
            dataset = open_dataset(task.dataset, task.service.path, plan.tokens_per_word)
        self._dataset = dataset
        self._endless: Callable[[int, int], Iterator[Sample]] | None = getattr(dataset, "endless", None)
        self._marker: Marker | None = None
        if task.is_marked:
            self._marker = Marker(task.cache_bust, task.words_seed or 0, task.service.path, plan.tokens_per_word)
        self._repeats = task.service.repeats
        self._rows = plan.survey.samples
        self._first = plan.first
        self._samples, self._requests = plan.samples, plan.requests
        self._turns: NDArray[np.int64] | None = None
        if plan.has_turns:
            samples = itertools.islice(dataset.samples(), self._rows)
            self._turns = np.roll([len(sample.turns) or 1 for sample in samples], -plan.first).astype(np.int64)
            self._before = np.cumsum(self._turns) - self._turns

    @property
    def sheets(self) -> Sheets | None:
        """Where the data set can make many samples at once, and nothing is done to them: the data set."""
        able = self._endless and not self._marker and self._turns is None
        return self._dataset if able and hasattr(self._dataset, "sheet") else None  # type: ignore[return-value]

    def indices(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """The samples at places in the plan of a data set without end, (n,)."""
        return places // self._repeats + self._first

    def numbered(self, places: Iterable[int], step: int = 1) -> Iterator[tuple[int, Sample]]:
        """The samples at these rising places in the plan, each with the number of its (first) request.

        step: how far the places mostly are apart.
        """
        stride = max(1, step // self._repeats)
        reader: Iterator[Sample] = iter(())
        last, following = -1, -1
        for place in places:
            index = place // self._repeats + self._first
            index = index if self._endless else index % self._rows
            if index != last:
                if index != following:
                    reader = (self._endless or self._dataset.samples)(index, stride)
                sample = next(reader)
                last, following = index, index + stride
            yield self.number(place), self._marker.mark(sample, place) if self._marker else sample

    def sent(self, requests: Sequence[int]) -> Iterator[tuple[int, Sample]]:
        """The samples of these rising requests, each with its number: of a session its own whole request. Without the
        turns of conversations, in which replies stand that are not known here."""
        places, turns = self._places_of(np.asarray(requests, np.int64))
        for request, turn, (_, sample) in zip(requests, turns.tolist(), self.numbered(places.tolist()), strict=True):
            if not sample.turns:
                yield request, sample
            elif (raw := sample.turns[turn].raw) is not None:
                yield request, replace(sample, turns=(), raw=raw)

    def _places_of(self, requests: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(places in the plan, turns there) of requests: the inverse of `number`."""
        if self._turns is None:
            return requests, np.zeros_like(requests)
        rounds, rest = np.divmod(requests, self._requests)
        index = np.searchsorted(self._before * self._repeats, rest, "right") - 1
        repeat, turn = np.divmod(rest - self._before[index] * self._repeats, self._turns[index])
        return rounds * self._samples + index * self._repeats + repeat, turn

    def number(self, place: int) -> int:
        """The number of the (first) request at a place: those before it have one for each turn."""
        if self._turns is None:
            return place
        rounds, rest = divmod(place, self._samples)
        index, repeat = divmod(rest, self._repeats)
        before, own = int(self._before[index]), int(self._turns[index])
        return rounds * self._requests + before * self._repeats + repeat * own
