"""Replies of TGI, Triton and MindIE, in the shapes that their documentation shows.

TGI: the OpenAPI description of its `/generate` and `/generate_stream` (StreamResponse, StreamDetails, Token,
ErrorResponse). Triton: docs/protocol/extension_generate.md of triton-inference-server/server. MindIE: the examples of
"text/streaming inference" (`POST /infer`) and "Triton streaming inference" in the MindIE LLM development guide.
"""

import json
from typing import Any

import pytest
from replies import Result, chunk, document, head, read, stream

from fastbench._core.wire import OutputSpec
from fastbench.dialects.apis.tgi import GENERATE_RULES
from fastbench.dialects.apis.triton import TRITON_RULES

GENERATE = OutputSpec(GENERATE_RULES)
TRITON = OutputSpec(TRITON_RULES)
WORDS = ("Paris", " is", " big", ".")
FAILED = {"error": "Request failed during generation: out of memory", "error_type": "generation"}


def bare(document: object) -> bytes:
    """An event as TGI frames it: no space behind the colon."""
    return b"data:" + json.dumps(document).encode() + b"\n\n"


def tgi(index: int, text: str, whole: str | None = None, details: Any = None, *, special: bool = False) -> bytes:
    token = {"id": 900 + index, "text": text, "logprob": -0.25 * index, "special": special}
    return bare({"index": index, "token": token, "generated_text": whole, "details": details})


def tgi_tokens() -> list[bytes]:
    return [tgi(index, word) for index, word in enumerate(WORDS, 1)]


def details(count: int, **more: Any) -> dict[str, Any]:
    return {"finish_reason": "length", "generated_tokens": count, "seed": None, **more}


def mindie(text: str | None, ids: Any, **more: Any) -> bytes:
    event = {"prefill_time": None, "decode_time": 16.8, **more, "token": {"id": ids, "text": text}}
    return b"data: " + json.dumps(event).encode() + b"\n\n"


def triton(text: str, **more: Any) -> bytes:
    return (
        b"data: "
        + json.dumps({"model_name": "m", "model_version": "1", "text_output": text, **more}).encode()
        + b"\n\n"
    )


def facts(result: Result) -> tuple[Any, ...]:
    return result.outcome, int(result.row["events"]), result.output, int(result.row["choices"])


def test_tgi_stream() -> None:
    """Each TGI event is one output event of one token, and the last one has the whole text and the prompt's length."""
    *events, _ = tgi_tokens()
    raw = stream(*events, tgi(4, ".", "Paris is big.", details(4, input_length=7)))
    result = read(raw, GENERATE, keep_text=True)
    assert facts(result) == ("ok", 4, (4, "token_ids"), 1)
    assert result.input == (7, "usage")
    assert result.text == b't"Paris is big."\n'


def test_tgi_end_of_sequence() -> None:
    """The token that ends the sequence is counted, as TGI counts it, but is no output event."""
    last = tgi(5, "</s>", "Paris is big.", details(5), special=True)
    result = read(stream(*tgi_tokens(), last), GENERATE, keep_text=True)
    assert facts(result) == ("ok", 4, (5, "token_ids"), 1)
    assert result.text == b't"Paris is big."\n'


def test_tgi_without_details() -> None:
    """The ids alone tell how many tokens there are where no details were asked for."""
    *events, _ = tgi_tokens()
    assert facts(read(stream(*events, tgi(4, ".", "Paris is big.")), GENERATE)) == ("ok", 4, (4, "token_ids"), 1)


def test_tgi_document() -> None:
    """A whole TGI reply is one output event; its details tell its tokens, and the prompt's where asked for."""
    tokens = [{"id": index, "text": word, "special": False} for index, word in enumerate(WORDS)]
    prefill = [{"id": 1, "text": "a", "logprob": None}, {"id": 2, "text": "b", "logprob": -1.0}]
    body = {"generated_text": "Paris is big.", "details": details(4, prefill=prefill, tokens=tokens)}
    result = read(document(json.dumps(body).encode()), GENERATE, asked_stream=False, keep_text=True)
    assert facts(result) == ("ok", 1, (4, "token_ids"), 1)
    assert (result.input, result.text) == ((2, "token_ids"), b't"Paris is big."\n')
    plain = document(b'{"generated_text":"Paris"}')
    assert facts(read(plain, GENERATE, asked_stream=False)) == ("ok", 1, (1, "events"), 1)


def mindie_events() -> list[bytes]:
    return [mindie(word, [600 + index]) for index, word in enumerate(WORDS[:3])]


def test_mindie_stream() -> None:
    """MindIE's last event names a token without its text, which only the whole text then has: it is output too."""
    last = mindie(None, [609], generated_text="Paris is big.", details=details(4))
    result = read(stream(*mindie_events(), last), GENERATE, keep_text=True)
    assert facts(result) == ("ok", 4, (4, "token_ids"), 1)
    assert result.text == b't"Paris is big."\n'


def test_mindie_end_of_sequence() -> None:
    """A last event that brings no new text is no output event, but its token counts."""
    last = mindie(None, [2], generated_text="Paris is big", details=None)
    assert facts(read(stream(*mindie_events(), last), GENERATE)) == ("ok", 3, (4, "token_ids"), 1)


def test_mindie_single_token() -> None:
    """A reply of one token comes as the last event alone."""
    last = mindie(None, [600], generated_text="Paris", details=None)
    assert facts(read(stream(last), GENERATE)) == ("ok", 1, (1, "token_ids"), 1)


def test_mindie_several_tokens_in_an_event() -> None:
    """With speculative decoding an event lists several ids, and has so many tokens; an id may stand alone."""
    events = [mindie("Paris", 600), mindie(" is big", [601, 602])]
    last = mindie(None, [603], generated_text="Paris is big.", details=details(4))
    result = read(stream(*events, last), GENERATE)
    assert facts(result) == ("ok", 3, (4, "token_ids"), 1)
    assert result.event_tokens == [1, 2, 1]


def test_cumulative_text() -> None:
    """Where each record repeats the whole text, each that adds to it is one output event; no text is doubled."""
    events = [
        b'data: {"generated_text":"%b"}\n\n' % text for text in (b"Paris", b"Paris is", b"Paris is", b"Paris is big")
    ]
    result = read(stream(*events), GENERATE, keep_text=True)
    assert facts(result) == ("ok", 3, (3, "events"), 1)
    assert result.text == b't"Paris is big"\n'


def test_mindie_document() -> None:
    """A whole MindIE reply is one output event with the tokens that its details tell."""
    body = {"generated_text": "Paris is big.", "details": details(4)}
    result = read(document(json.dumps(body).encode()), GENERATE, asked_stream=False)
    assert facts(result) == ("ok", 1, (4, "usage"), 1)


def test_triton_stream() -> None:
    """Triton's events hold text alone; no record marks the end, so a whole body is a whole reply."""
    result = read(stream(*map(triton, WORDS)), TRITON, keep_text=True)
    assert facts(result) == ("ok", 4, (4, "events"), 1)
    assert b"".join(line[2:-1] for line in result.text.splitlines()) == b"Paris is big."


def test_triton_details() -> None:
    """MindIE's Triton events count the tokens so far: the last count is the reply's, the steps are the events'."""
    events = [triton("a", details={"generated_tokens": 1}), triton("b c", details={"generated_tokens": 3})]
    result = read(stream(*events), TRITON)
    assert facts(result) == ("ok", 2, (3, "usage"), 1)
    assert result.event_tokens == [1, 2]


def test_triton_document() -> None:
    """A whole Triton reply is one output event."""
    body = document(b'{"model_name":"m","model_version":"1","text_output":"Paris is big."}')
    assert facts(read(body, TRITON, asked_stream=False)) == ("ok", 1, (1, "events"), 1)


@pytest.mark.parametrize("events", [tgi_tokens(), mindie_events()], ids=["tgi", "mindie"])
def test_no_final_record(events: list[bytes]) -> None:
    """A stream that ends cleanly without the final record is truncated, and the note says what is missing."""
    result = read(stream(*events), GENERATE)
    assert result.outcome == "truncated"
    assert result.note == b"the stream ended without its final record"


@pytest.mark.parametrize(
    ("spec", "events", "error"),
    [
        (GENERATE, tgi_tokens(), bare(FAILED)),
        (GENERATE, mindie_events(), bare(FAILED)),
        (TRITON, [triton("a")], bare({"error": "m: out of memory"})),
    ],
    ids=["tgi", "mindie", "triton"],
)
def test_error_event(spec: OutputSpec, events: list[bytes], error: bytes) -> None:
    """An error inside the stream fails the request with the service's own words."""
    result = read(stream(*events, error), spec)
    assert result.outcome == "stream_error"
    assert b"out of memory" in result.note


@pytest.mark.parametrize("spec", [GENERATE, TRITON], ids=["generate", "triton"])
@pytest.mark.parametrize(
    ("raw", "outcome"),
    [
        (stream(), "empty"),
        (stream(tgi(1, "</s>", "", special=True)), "empty"),
        (stream(b"data: oh\n\n"), "malformed"),
        (document(b"<html>", "text/html"), "malformed"),
        (document(b'{"error":"m"}', status="422 Unprocessable Entity"), "http_error"),
        (head("text/event-stream", "Transfer-Encoding: chunked") + chunk(tgi(1, "a")), "truncated"),
    ],
)
def test_outcomes(spec: OutputSpec, raw: bytes, outcome: str) -> None:
    """What is no reply, or none to the end, is told apart."""
    assert read(raw, spec).outcome == outcome


@pytest.mark.parametrize("raw", [stream(*tgi_tokens(), tgi(5, "", "Paris is big.", details(5)))])
def test_cuts_do_not_matter(raw: bytes) -> None:
    """The reply reads the same in one piece and byte by byte."""
    whole = read(raw, GENERATE, keep_text=True)
    bytewise = read([raw[at : at + 1] for at in range(len(raw))], GENERATE, keep_text=True)
    assert whole.facts() == bytewise.facts()
