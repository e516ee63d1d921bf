"""The requests of one phase, prepared one after the other."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, Protocol

from fastbench.datasets import Sample
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


class RequestWriter:
    """Writes the requests of a phase: bytes, ids and what was planned."""

    def __init__(
        self,
        encode: Encode,
        *,
        run_id: str,
        default_output: int,
        fixed_output: int | None = None,
        kind: str = MEASURED,
    ) -> None:
        """run_id, kind: as `request_id` takes them. default_output: of samples that do not say. fixed_output: of all,
        whatever they say; -1 = not planned."""
        self._encode = encode
        self._run_id = run_id
        self._kind = kind
        self._default_output = default_output
        self._fixed_output = fixed_output

    def write(self, sample: Sample, request: int, offset_ns: int = 0) -> Planned:
        """The request for one sample. Raises DatasetError for a prompt that the dialect does not take."""
        return Planned(
            payload=self._encode(sample, request_id(self._run_id, request, self._kind)),
            request=request,
            offset_ns=offset_ns,
            sample=sample.index,
            planned_input=-1 if sample.input_len is None else sample.input_len,
            planned_output=self._output(sample),
        )

    def _output(self, sample: Sample) -> int:
        if self._fixed_output is not None:
            return self._fixed_output
        return self._default_output if sample.output_len is None else sample.output_len


class Begins(Protocol):
    """Who begins a conversation: `Conversations`, seen from here."""

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
