"""How output events relate to tokens, and who counted the tokens."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fastbench.metrics.model import Output
from fastbench.metrics.samples.gaps import GapSamples
from fastbench.metrics.samples.latencies import streamed_tokens
from fastbench.metrics.samples.selection import Rows, Selection
from fastbench.recording import SOURCES
from fastbench.units import NS_PER_MS, NS_PER_US

EVENTS = SOURCES.index("events")


def output(selection: Selection) -> Output:
    """The output of the stage's successful requests."""
    ok, streamed, gaps = selection.ok, selection.streamed, selection.gaps
    events = int(streamed["events"].sum(dtype=np.int64))
    shared = int(streamed["shared_events"].sum(dtype=np.int64))
    # Where nobody counted tokens, an event is one by definition: that says nothing of the service.
    told = streamed[(streamed["output_tokens"] >= 0) & (streamed["output_source"] != EVENTS)]
    told_events = int(told["events"].sum(dtype=np.int64))
    several = sum(int(np.count_nonzero(run.event_tokens > 1)) for run in selection.runs if run.event_tokens.size)
    per_event = int(streamed_tokens(told).sum()) / told_events if told_events else None
    return Output(
        events=events,
        gaps=gaps.size,
        shared_events=shared,
        shared_share=shared / events if events else None,
        multi_token_events=several,
        multi_token_share=several / events if events else None,
        tokens_per_event=per_event,
        itl_per_token_ms=_mean_ms(gaps) / per_event if gaps.size and per_event else None,
        cached_share=_cached(ok),
        input_sources=_sources(ok["input_source"]),
        output_sources=_sources(np.where(ok["output_tokens"] < 0, EVENTS, ok["output_source"])),
    )


def _mean_ms(gaps: GapSamples) -> float:
    return gaps.total / gaps.size * NS_PER_US / NS_PER_MS


def _cached(ok: Rows) -> float | None:
    """The cached among the input tokens, of the requests for which both are known."""
    told = ok[(ok["cached_tokens"] >= 0) & (ok["input_tokens"] >= 0)]
    inputs = int(told["input_tokens"].sum(dtype=np.int64))
    return int(told["cached_tokens"].sum(dtype=np.int64)) / inputs if inputs else None


def _sources(codes: NDArray[np.uint8]) -> dict[str, int]:
    """Requests by the source of a token count."""
    counts = np.bincount(codes, minlength=len(SOURCES)).tolist()
    return {name: count for name, count in zip(SOURCES, counts, strict=True) if count}
