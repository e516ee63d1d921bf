"""The table "Further Parameters": what the guide's table does not have, each row only where there is something."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from fastbench.metrics.model import Parameter
from fastbench.metrics.parameters import parameter
from fastbench.metrics.selection import Rows, Selection, flagged
from fastbench.metrics.statistics import ArraySamples
from fastbench.recording.format import ESCAPE, FINISHES
from fastbench.recording.table import TokenRun
from fastbench.units import NS_PER_MS

US_PER_MS = 1_000


def further(selection: Selection, runs: Sequence[TokenRun], stats: Sequence[str]) -> tuple[Parameter, ...]:
    """The rows that the stage has samples for. runs: the tokens of its streams."""
    rows = (parameter(name, unit, samples, stats, scale) for name, unit, samples, scale in _samples(selection, runs))
    return tuple(row for row in rows if row.n)


def _samples(selection: Selection, runs: Sequence[TokenRun]) -> Iterator[tuple[str, str, ArraySamples, float]]:
    streamed, ok = selection.streamed, selection.ok
    thought = streamed[flagged(streamed, "reasoning")]
    answered = thought[thought["answer_ns"] > 0]
    yield "First Answer Token", "ms", _between(answered, "sent_ns", "answer_ns"), NS_PER_MS
    yield "Thinking Time", "ms", _between(answered, "first_token_ns", "answer_ns"), NS_PER_MS
    yield "Second Token", "ms", ArraySamples(_second_gaps_us(selection, runs)), US_PER_MS
    yield "Cached Input Tokens", "", ArraySamples(_known(ok, "cached_tokens")), 1
    yield "Reasoning Tokens", "", ArraySamples(_known(ok, "reasoning_tokens")), 1
    yield "Reply Tail", "ms", _between(streamed[streamed["message_ns"] > 0], "record_ns", "message_ns"), NS_PER_MS


def _between(rows: Rows, begin: str, end: str) -> ArraySamples:
    return ArraySamples(np.asarray(rows[end] - rows[begin], np.int64))


def _known(rows: Rows, name: str) -> NDArray[np.int64]:
    return rows[name][rows[name] >= 0].astype(np.int64)


def _second_gaps_us(selection: Selection, runs: Sequence[TokenRun]) -> NDArray[np.int64]:
    """The first gap of each stream that has one, µs."""
    rows = selection.recording.rows
    gaps = (_first_gaps(rows[run.first_row : run.stop_row], run) for run in runs)
    return np.concatenate([np.empty(0, np.int64), *gaps])


def _first_gaps(rows: Rows, run: TokenRun) -> NDArray[np.int64]:
    counts = np.maximum(rows["events"].astype(np.int64) - 1, 0)
    begins = np.cumsum(counts) - counts
    several = counts > 0
    gaps: NDArray[np.int64] = run.gaps[begins[several]].astype(np.int64)
    escaped = gaps == ESCAPE
    gaps += run.base_us
    # A row's first gap that is escaped is its first escape.
    escapes = (np.cumsum(rows["escapes"].astype(np.int64)) - rows["escapes"])[several]
    gaps[escaped] = run.escapes[escapes[escaped]]
    return gaps


def finish_reasons(selection: Selection) -> dict[str, int]:
    """Requests that have one by finish reason, the most frequent first; failed ones too."""
    chosen = np.flatnonzero(selection.final_mask & (selection.rows["finish"] > 0))
    own = selection.recording.finishes
    counts: dict[str, int] = {}
    codes, amounts = np.unique(selection.rows["finish"][chosen], return_counts=True)
    for code, amount in zip(codes.tolist(), amounts.tolist(), strict=True):
        counts[FINISHES[code]] = amount
    if own:
        counts.pop("other", None)
        for index in chosen[selection.rows["finish"][chosen] == FINISHES.index("other")].tolist():
            word = own.get(index, "other")
            counts[word] = counts.get(word, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
