"""What the core reads from real engines' responses, against facts that unrelated code counted."""

from __future__ import annotations

from typing import Any

from recordings import STRIDE
from replies import read

from fastbench._core.ring import OUTCOMES
from fastbench._core.wire import ReplyReader

from .cuts import byte_by_byte, random_cuts, two_ways
from .wire import asked_stream, each_capture, expected_hashes, raw, spec_of, text_hashes

SPARSE = min(STRIDE, 4)
"""Of the cuts below one in so many is looked at; `make promises` looks at all."""
MOST_CUTS = 1000
"""Two-way cuts of one recording: all of a small one, evenly spread over a larger one."""
EVERY_BYTE = 7000
"""A recording up to this size is cut after every byte of it, a larger one at `MOST_CUTS` places and near its end."""


@each_capture()
def test_outcome(fact: dict[str, Any]) -> None:
    """Outcome and status are those of the index, by the rule that a response without output is `empty`."""
    result = read(raw(fact["file"]), spec_of(fact), asked_stream=asked_stream(fact))
    assert result.outcome == fact.get("outcome_by_other_rule", fact["outcome"])
    assert result.row["status"] == fact["status"]


@each_capture()
def test_counts(fact: dict[str, Any]) -> None:
    """Output events, data events, choices and bytes are those of the index."""
    row = read(raw(fact["file"]), spec_of(fact), asked_stream=asked_stream(fact)).row
    assert row["events"] == fact["output_events"]
    assert row["data_events"] == fact["data_events"]
    assert row["received_bytes"] == fact["bytes"]
    if fact["outcome"] == "ok":
        assert row["choices"] == fact["choices"]


@each_capture(only_ok=True)
def test_tokens(fact: dict[str, Any]) -> None:
    """Token counts are the true ones wherever the service sent ids or usage, and name that source."""
    result = read(raw(fact["file"]), spec_of(fact))
    if fact["prompt_tokens"] is not None:
        assert result.input == (fact["prompt_tokens"], "usage")
    if fact["token_ids_returned"]:
        assert result.output == (fact["true_completion_tokens"], "token_ids")
        assert result.event_tokens is None or sum(result.event_tokens) == fact["token_ids_returned"]
    elif fact["usage_events"]:
        assert result.output == (fact["true_completion_tokens"], "usage")
    else:
        assert result.output == (fact["output_events"], "events")
    assert result.row["cached_tokens"] == (-1 if fact["cached_tokens"] is None else fact["cached_tokens"])


@each_capture()
def test_text(fact: dict[str, Any]) -> None:
    """The captured text of each part has the index's hash, for responses of one choice."""
    result = read(raw(fact["file"]), spec_of(fact), asked_stream=asked_stream(fact), keep_text=True)
    if fact["choices"] <= 1:
        assert text_hashes(result.text) == expected_hashes(fact)
    else:
        assert result.text


@each_capture()
def test_every_cut_reads_the_same(fact: dict[str, Any]) -> None:
    """Cut in two, byte by byte or at random, a recording gives the same row, tokens, text and note."""
    data, spec, asked = raw(fact["file"]), spec_of(fact), asked_stream(fact)
    expected = read(data, spec, asked_stream=asked, keep_text=True).facts()
    cuts = [*two_ways(data, SPARSE * (1 + len(data) // MOST_CUTS)), byte_by_byte(data), *random_cuts(data, 5, 20, 60)]
    for pieces in cuts:
        assert read(pieces, spec, asked_stream=asked, keep_text=True).facts() == expected, list(map(len, pieces))


@each_capture(only_ok=True)
def test_a_cut_stream_is_never_a_success(fact: dict[str, Any]) -> None:
    """After FIN or reset before the last chunk's last byte the outcome is not `ok` (promise R7)."""
    data, spec = raw(fact["file"]), spec_of(fact)
    stride = 1 if len(data) <= EVERY_BYTE else 1 + len(data) // MOST_CUTS
    for size in {*range(0, len(data), SPARSE * stride), *range(len(data) - 1, max(0, len(data) - 300), -SPARSE)}:
        for how in ("closed", "reset"):
            reader = ReplyReader(spec)
            reader.feed(data[:size])
            assert not reader.complete
            outcome = OUTCOMES[reader.end(how).rows["outcome"][0]]
            assert outcome == ("truncated" if how == "closed" else "reset"), (size, how)
