"""Requests that differ in their words and lengths alone, made many at once and without an object for each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from fastbench.datasets import Sheet
from fastbench.dialects import BodyWriter, WordsLike
from fastbench.plan.load import scheduled
from fastbench.plan.planned import Begins, Planned, Requests, RequestWriter, planned_requests
from fastbench.plan.shapes import Schedule


class Block(NamedTuple):
    """Requests ready to be sent: a column for each field of `Planned`, (n,), and their bytes one after the other."""

    payloads: bytes
    """With room behind the last one."""
    ends: NDArray[np.int64]
    requests: NDArray[np.int64]
    offsets_ns: NDArray[np.int64]
    samples: NDArray[np.int64]
    planned_input: NDArray[np.int64]
    planned_output: NDArray[np.int64]
    class_numbers: NDArray[np.int64]

    @property
    def size(self) -> int:
        """How many requests."""
        return self.ends.size


class Speaks(Protocol):
    """The part of `fastbench.dialects.Speaker` that makes many requests at once."""

    def writer(self, words: WordsLike) -> BodyWriter | None: ...
    def lengths(self, asked: NDArray[np.int64]) -> NDArray[np.int64]: ...


class Round(NamedTuple):
    """Some rising places in the plan of a data set."""

    requests: Requests
    pieces: Iterable[Sequence[int]]
    """Of the places, those that may be made together."""
    step: int = 1
    """How far the places mostly are apart."""
    shift: int = 0
    """Of the requests' numbers against those that the places give them."""


def prepared(
    rounds: Iterable[Round], schedule: Schedule, *, speaker: Speaks, writer: RequestWriter, conversations: Begins
) -> Iterator[Planned | Block]:
    """The requests of one round after the other, made as they are taken, until the schedule's times end."""
    done = 0
    for one in rounds:
        rest = schedule if schedule.offsets is None else schedule._replace(offsets=schedule.offsets[done:])
        if rest.offsets is not None and not rest.offsets.size:
            return
        sheets = None if rest.timed_by_data else one.requests.sheets
        words = None if sheets is None else sheets.made_of
        many = None if words is None else speaker.writer(words)
        if sheets is None or many is None:
            numbered = one.requests.numbered(chain.from_iterable(one.pieces), one.step)
            shifted = ((number + one.shift, sample) for number, sample in numbered)
            for item in planned_requests(scheduled(shifted, rest), writer, conversations):
                done += 1
                yield item
            continue
        for requests, indices, offsets_ns in _rows(one, sheets.at_once, rest.offsets):
            done += requests.size
            yield _block(sheets.sheet(indices), requests, offsets_ns, speaker, many, writer)


def _rows(one: Round, most: int, offsets: NDArray[np.int64] | None) -> Iterator[tuple[NDArray[np.int64], ...]]:
    """(numbers, samples, offsets) of at most `most` requests, (n,) each."""
    done = 0
    for piece in one.pieces:
        for start in range(0, len(piece), most):
            places = np.array(piece[start : start + most], np.int64)
            due = np.zeros_like(places) if offsets is None else offsets[done : done + places.size]
            if not due.size:
                return
            done += due.size
            places = places[: due.size]
            yield places + one.shift, one.requests.indices(places), np.ascontiguousarray(due, np.int64)


def _block(
    sheet: Sheet,
    requests: NDArray[np.int64],
    offsets_ns: NDArray[np.int64],
    speaker: Speaks,
    many: BodyWriter,
    writer: RequestWriter,
) -> Block:
    payloads, ends = many.write(
        sheet.numbers,
        sheet.counts,
        speaker.lengths(sheet.output_len),
        writer.id_prefix,
        writer.number_in_id(requests),
    )
    classes = np.array([writer.class_number(name) for name in sheet.class_names])
    return Block(
        payloads,
        ends,
        requests,
        offsets_ns,
        sheet.indices,
        sheet.input_len,
        writer.planned_outputs(sheet.output_len),
        classes[sheet.kinds],
    )
