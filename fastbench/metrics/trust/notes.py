"""Notes for readers of the numbers, a sentence each; and the sources of token counts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastbench.metrics.model import ClientError, Load, Output
from fastbench.metrics.own import INPUT_TOKENS, OUTPUT_TOKENS
from fastbench.metrics.samples.gaps import GapSamples
from fastbench.metrics.samples.latencies import streamed_tokens, ttft_ns, unstreamed_tokens
from fastbench.metrics.samples.selection import Mask, Rows, Selection, flagged, section
from fastbench.metrics.samples.statistics import ArraySamples, percentile
from fastbench.metrics.server.outcomes import failures
from fastbench.metrics.trust.client import NOTABLE_SHARE
from fastbench.metrics.trust.cold import CACHED_SHARE, cached_share, why_cached
from fastbench.recording import SOURCES
from fastbench.units import NS_PER_MS, NS_PER_S, NS_PER_US

_NEWER = "max_completion_tokens"
_LEFT_OUT = {
    "ignore_eos": ": outputs may end before their full length",
    "stream_options": ": its usage was not asked for",
}
"""The effect of leaving a field out."""
_MANY_EVENTS = 4
"""Fewer events may share a read by chance."""
_FASTER = 4
"""A stream that was buffered comes in this part of the time to its first token, or less."""
_LEAST_TTFT_NS = 5 * NS_PER_MS
"""A service that answers sooner may send its whole output at once."""


def notes(selection: Selection, load: Load, output: Output, client: ClientError) -> tuple[str, ...]:
    """The notes of a stage; none of them makes the run invalid."""
    return (
        *_stage(selection),
        *_run(selection),
        *_data(selection),
        *_sending(load),
        *reply_notes(selection),
        *_tokens(selection, output),
        *_stamps(selection, client),
    )


def _stage(selection: Selection) -> Iterator[str]:
    window = selection.window
    if window is not None:
        length = (window.end_ns - window.begin_ns) / NS_PER_S
        yield (
            f"Stage {window.name}: {length:.4f} s, {window.method}. Requests that began inside count whole, output "
            "token throughput counts the tokens that arrived inside."
        )


def _sending(load: Load) -> Iterator[str]:
    fit = load.arrival_fit
    if fit is not None and not fit.follows:
        yield (
            f"The sent arrivals do not follow the requested process ({load.arrival}): runs that follow it are this far "
            f"off in at most {fit.p_value:.2%} of the runs."
        )


def _run(selection: Selection) -> Iterator[str]:
    for name, words in section(selection.header, "left_out").items():
        means = _LEFT_OUT.get(name, "")
        yield f"The service refused {name} at the warm-up ({words}), so it was not sent{means}."
    if section(selection.header, "service").get("tls") == "not verified":
        yield "The service's certificate was not verified (insecure): the server's identity is not known."
    yield from _refused(selection)
    if reset := section(selection.header, "prompts").get("reset"):
        yield f"The service's prefix cache was reset before the task: {reset}."
    footer, legs = selection.recording.footer, selection.recording.legs
    if legs > 1:
        times = "once" if legs == 2 else f"{legs - 1} times"
        yield (f"The run was interrupted and resumed {times}. The pauses are cut out of the time axis.")
    if footer is None:
        yield "The run has no end: it is still going or was killed. The report covers what was recorded so far."
    elif footer.get("interrupted"):
        yield f"The run was interrupted ({footer.get('reason') or 'no reason given'})."
    if (footer or {}).get("enough"):
        yield f"The run ended before its plan did: {(footer or {})['enough']}."
    steps = ((footer or {}).get("client") or {}).get("clock_steps")
    if steps:
        times = "once" if steps == 1 else f"{steps} times"
        yield f"The wall clock was changed {times} during the run: time stamps near it may be off."
    for sentence in selection.recording.damage:
        yield f"The recording is not whole: {sentence}."
    axis = selection.recording.axis
    if axis.hosts > 1:
        known = "to an unknown error" if axis.bound_ns is None else f"to {axis.bound_ns / NS_PER_MS:.4f} ms"
        yield (
            f"{axis.hosts} hosts sent the load; the clocks of any two agree {known} (by {axis.by}). Latencies are "
            "differences on one host and do not depend on it."
        )


def _refused(selection: Selection) -> Iterator[str]:
    """The field that the service's refusals name."""
    used = section(selection.header, "service").get("length_field", _NEWER)
    if used != _NEWER and any(one.status and _NEWER in one.message for one in failures(selection)):
        yield f"The service's refusals name {_NEWER}: set length_field (--length-field) to it."


def _data(selection: Selection) -> Iterator[str]:
    for sentence in selection.header.get("data_notes") or ():
        yield f"{sentence}."


def _tokens(selection: Selection, output: Output) -> Iterator[str]:
    ratio = selection.header.get("tokens_per_word")
    if isinstance(ratio, float) and ratio != 1:
        yield f"Prompts were made of words, {ratio:.4f} tokens each by the service's own count of two requests before."
    elif output.input_sources.get("unknown") and _made_of_words(selection.header):
        yield (
            "Prompts have one word for each token requested, because the service reports no counts and the model has "
            "no tokenizer: they may have several times as many tokens. Set path (--tokenizer) to its "
            "tokenizer.json for exact lengths."
        )
    for name, sources in ((INPUT_TOKENS.name, output.input_sources), (OUTPUT_TOKENS.name, output.output_sources)):
        for source, count in sources.items():
            if source == "unknown":
                yield f"{name} of {count} of {selection.ok.size} requests is not known."
            elif source == "events":
                yield f"{name} of {count} of {selection.ok.size} requests is the number of output events."
            elif source != "usage":
                yield f"{name} of {count} of {selection.ok.size} requests comes from {source}, not usage."
    if output.multi_token_events:
        yield (
            f"{output.multi_token_share:.2%} of the output events hold several tokens: ITL is the time "
            "between events, TPOT the time per token."
        )
    elif output.holds_several:
        yield (
            f"There are {output.tokens_per_event:.4f} tokens for each output event by the counts of whole replies: "
            "ITL is the time between events, TPOT the time per token."
        )
    if (output.cached_share or 0) > CACHED_SHARE:
        yield (
            f"{output.cached_share:.2%} of the input tokens came from the service's prefix cache"
            f"{why_cached(selection.header)}: TTFT is shorter than for new prompts."
        )


def _made_of_words(header: dict[str, Any]) -> bool:
    """Whether prompts were made of words with unknown token counts."""
    config: dict[str, Any] = header.get("config") or {}
    models, data_sets = config.get("models") or [{}], config.get("datasets") or [{}]
    made = data_sets[0].get("type") in ("synthetic", "mooncake") and not data_sets[0].get("as_ids")
    return made and not models[0].get("path")


def _stamps(selection: Selection, client: ClientError) -> Iterator[str]:
    median_ns = percentile(ArraySamples(ttft_ns(selection.streamed)), 50) or 0
    if client.ttft_bound_max_ms * NS_PER_MS > NOTABLE_SHARE * median_ns:
        requests = "request" if client.uncertain_ttfts == 1 else "requests"
        yield f"TTFT of {client.uncertain_ttfts} {requests} is uncertain by up to {client.ttft_bound_max_ms:.4f} ms."
    if client.clipped_requests:
        yield f"{client.clipped_requests} requests have token times beyond what a row can hold: clipped."


def reply_notes(selection: Selection) -> Iterator[str]:
    """The notes on the stage's successful streams, a sentence each."""
    streamed = selection.streamed
    silent = unstreamed_tokens(streamed)
    if silent.any():
        yield (
            f"{int(silent.sum())} reasoning tokens of {_requests(silent > 0)} were counted but not streamed: TPOT "
            "leaves them out."
        )
    left_open = flagged(streamed, "left_open")
    if left_open.any():
        yield (
            f"The service left the message of {_requests(left_open)} open after [DONE]: complete all the same, and the "
            "connection was closed 1 s later."
        )
    at_once = buffered(streamed)
    if at_once.any():
        yield (
            f"More than half of the output of {_requests(at_once)} came in one read, much faster than its first token: "
            "ITL and TPOT mean nothing there. The likely cause is a proxy that buffers."
        )


def buffered(rows: Rows) -> Mask:
    """(rows,): streams of which more than half came at once, without a stall of the client, in far less time than the
    first token took."""
    at_once = (rows["events"] >= _MANY_EVENTS) & (rows["burst_events"] > rows["events"] // 2) & (rows["marks"] == 0)
    decode, ttft = rows["last_token_ns"] - rows["first_token_ns"], rows["first_token_ns"] - rows["sent_ns"]
    found: Mask = at_once & (ttft >= _LEAST_TTFT_NS) & (decode < ttft // _FASTER)
    return found


def _requests(mask: Mask) -> str:
    count = int(np.count_nonzero(mask))
    return "1 request" if count == 1 else f"{count} requests"


EVENTS = SOURCES.index("events")


def output(selection: Selection) -> Output:
    """The output of the stage's successful requests."""
    ok, streamed, gaps = selection.ok, selection.streamed, selection.gaps
    events = int(streamed["events"].sum(dtype=np.int64))
    shared = int(streamed["shared_events"].sum(dtype=np.int64))
    # Without token counts an event is one token by definition.
    known = streamed[(streamed["output_tokens"] >= 0) & (streamed["output_source"] != EVENTS)]
    known_events = int(known["events"].sum(dtype=np.int64))
    several = sum(int(np.count_nonzero(run.event_tokens > 1)) for run in selection.runs if run.event_tokens.size)
    per_event = int(streamed_tokens(known).sum()) / known_events if known_events else None
    return Output(
        events=events,
        gaps=gaps.size,
        shared_events=shared,
        shared_share=shared / events if events else None,
        multi_token_events=several,
        multi_token_share=several / events if events else None,
        tokens_per_event=per_event,
        itl_per_token_ms=_mean_ms(gaps) / per_event if gaps.size and per_event else None,
        cached_share=cached_share(ok),
        input_sources=_sources(ok["input_source"]),
        output_sources=_sources(np.where(ok["output_tokens"] < 0, EVENTS, ok["output_source"])),
    )


def _mean_ms(gaps: GapSamples) -> float:
    return gaps.total / gaps.size * NS_PER_US / NS_PER_MS


def _sources(codes: NDArray[np.uint8]) -> dict[str, int]:
    """Requests by the source of a token count."""
    counts = np.bincount(codes, minlength=len(SOURCES)).tolist()
    return {name: count for name, count in zip(SOURCES, counts, strict=True) if count}
