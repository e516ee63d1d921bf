"""Speculative decoding, from the service's counters in two scrapes of its metrics page."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from fastbench.metrics.samples.selection import section
from fastbench.recording import POSITION, Recording, Scrape


class SpecCounters(msgspec.Struct, frozen=True):
    """The service's counters since it began, over all engines. accepted_per_pos: by place in the draft, from 0."""

    num_drafts: int
    num_draft_tokens: int
    num_accepted_tokens: int
    accepted_per_pos: dict[int, int]


class SpecRates(msgspec.Struct, frozen=True):
    """Rates between two scrapes; d… is by how much a counter rose.

    acceptance_rate = 100 · daccepted_tokens / ddraft_tokens, per cent. acceptance_length = 1 + daccepted_tokens /
    ddrafts, the tokens that a step of the large model gave. per_position_acceptance_rates = daccepted_at_position /
    ddrafts. None without drafts. Source of the formulas: vLLM's own log of speculative decoding
    (vllm/v1/spec_decode/metrics.py).
    """

    num_drafts: int
    draft_tokens: int
    accepted_tokens: int
    acceptance_rate: float
    acceptance_length: float | None
    per_position_acceptance_rates: dict[int, float]


class RawCounters(msgspec.Struct, frozen=True):
    """The counters as scraped; None where missing."""

    before: SpecCounters | None
    after: SpecCounters | None


class SpecDecode(msgspec.Struct, frozen=True):
    """The result for one service. status: ok, or na for the reason in `error`."""

    status: str
    url: str
    error: str | None
    data: SpecRates | None
    raw: RawCounters


def outer_scrapes(recording: Recording) -> tuple[Scrape, ...]:
    """The first and the last scrape: before the warm-up and after the run; () if there are none."""
    if section(recording.header, "config").get("spec_decode") is not True:
        return ()
    first = min(recording.scrapes, key=_moment, default=None)
    last = max(recording.scrapes, key=_moment, default=None)
    return () if first is None or last is None else (first, last)


def spec_decode_of(scrapes: Iterable[Scrape]) -> list[SpecDecode]:
    """One result for each URL, from its first to its last scrape. scrapes: of one run, on one clock."""
    by_url: dict[str, list[Scrape]] = {}
    for scrape in sorted(scrapes, key=_moment):
        by_url.setdefault(scrape.url, []).append(scrape)
    return [_result(url, found[0], found[-1]) for url, found in by_url.items()]


def spec_counters(scrape: Scrape) -> SpecCounters | None:
    """The counters of one page; None where it has none of them."""
    if scrape.value("spec_draft_tokens") is None:
        return None
    per_position: dict[int, float] = {}
    for series in scrape.of("spec_accepted_at"):
        position = series.labels.get(POSITION, "")
        if position.isdecimal():
            per_position[int(position)] = per_position.get(int(position), 0.0) + series.value
    return SpecCounters(
        num_drafts=round(scrape.value("spec_drafts") or 0),
        num_draft_tokens=round(scrape.value("spec_draft_tokens") or 0),
        num_accepted_tokens=round(scrape.value("spec_accepted_tokens") or 0),
        accepted_per_pos={position: round(per_position[position]) for position in sorted(per_position)},
    )


def _moment(scrape: Scrape) -> int:
    return scrape.t_ns


def _result(url: str, first: Scrape, last: Scrape) -> SpecDecode:
    raw = RawCounters(spec_counters(first), spec_counters(last))
    error = _error(first, last, raw)
    if error is not None or raw.before is None or raw.after is None:
        return SpecDecode("na", url, error, None, raw)
    return SpecDecode("ok", url, None, _rates(raw.before, raw.after), raw)


def _error(first: Scrape, last: Scrape, raw: RawCounters) -> str | None:
    for moment, scrape in (("before", first), ("after", last)):
        if scrape.error is not None:
            return f"the metrics page could not be had {moment} the run: {scrape.error}"
    if raw.before is None or raw.after is None:
        return "the metrics page has no counters of speculative decoding"
    rise = raw.after.num_draft_tokens - raw.before.num_draft_tokens
    if rise < 0:
        return "the counters fell: the service was started anew during the run"
    return "no draft tokens during the run" if rise == 0 else None


def _rates(before: SpecCounters, after: SpecCounters) -> SpecRates:
    drafts = after.num_drafts - before.num_drafts
    draft_tokens = after.num_draft_tokens - before.num_draft_tokens
    accepted = after.num_accepted_tokens - before.num_accepted_tokens
    return SpecRates(
        num_drafts=drafts,
        draft_tokens=draft_tokens,
        accepted_tokens=accepted,
        acceptance_rate=100 * accepted / draft_tokens,
        acceptance_length=1 + accepted / drafts if drafts > 0 else None,
        per_position_acceptance_rates={
            position: (count - before.accepted_per_pos.get(position, 0)) / drafts
            for position, count in after.accepted_per_pos.items()
            if drafts > 0
        },
    )
