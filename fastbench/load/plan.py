"""The requests of one phase, prepared one after the other."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from fastbench.datasets.sample import Sample
from fastbench.load.arrivals import constant

Encode = Callable[[Sample, str], bytes]
"""A sample and the request's id → the finished bytes of the request."""
_BLOCK = 1024


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


def planned(
    samples: Iterator[Sample], encode: Encode, *, run_id: str, rate: float, default_output: int
) -> Iterator[Planned]:
    """The requests for `samples`, made as they are taken. rate: per second, 0 for a closed loop."""
    for request, (sample, offset_ns) in enumerate(zip(samples, _offsets(rate), strict=False)):
        yield Planned(
            payload=encode(sample, f"fb-{run_id}-{request}"),
            request=request,
            offset_ns=offset_ns,
            sample=sample.index,
            planned_input=-1 if sample.input_len is None else sample.input_len,
            planned_output=default_output if sample.output_len is None else sample.output_len,
        )


def _offsets(rate: float) -> Iterator[int]:
    start = 0
    while True:
        block = constant(rate, start, _BLOCK).tolist() if rate else [0] * _BLOCK
        yield from block
        start += _BLOCK
