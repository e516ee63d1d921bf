"""Every backend against the mock: what is asked for arrives, is counted, and ends as it should."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from asking import ask
from nursery import Mock

from fastbench.datasets import Sample

KINDS = ("openai_chat", "openai_completions", "tgi_generate", "triton_generate", "mindie_infer")
PROMPT = Sample(0, 'one two "three"', None, 6)
COUNTED: dict[str, dict[str, Any]] = {"triton_generate": {"details": True}}
"""Parameters without which a service does not tell its tokens."""


@pytest.fixture(scope="module", name="url")
def mock_url() -> Iterator[str]:
    with Mock() as mock:
        yield mock.url


@pytest.mark.parametrize("kind", KINDS)
def test_stream(url: str, kind: str) -> None:
    """Each token of a stream is an output event, and the service's counts are the asked ones."""
    result = ask(url, PROMPT, kind, generation_kwargs=COUNTED.get(kind, {}))
    source = "token_ids" if kind in ("tgi_generate", "mindie_infer") else "usage"
    assert (result.outcome, result.row["events"], result.output) == ("ok", 6, (6, source))
    assert result.row["choices"] == 1


@pytest.mark.parametrize("kind", KINDS)
def test_document(url: str, kind: str) -> None:
    """A reply without a stream is one output event with the asked number of tokens."""
    result = ask(url, PROMPT, kind, stream=False, generation_kwargs=COUNTED.get(kind, {}))
    assert (result.outcome, result.row["events"], result.output) == ("ok", 1, (6, "usage"))


@pytest.mark.parametrize(("kind", "tokens"), [(kind, 3) for kind in KINDS[:3]] + [(kind, -1) for kind in KINDS[3:]])
def test_input_tokens(url: str, kind: str, tokens: int) -> None:
    """OpenAI's services and TGI tell the prompt's tokens; Triton and MindIE do not."""
    assert ask(url, PROMPT, kind, generation_kwargs=COUNTED.get(kind, {})).row["input_tokens"] == tokens


@pytest.mark.parametrize("kind", KINDS[2:])
def test_the_text_is_the_same_by_any_way(kind: str) -> None:
    """A stream's pieces, or its final record, hold the text that the service says at once without a stream."""
    texts = []
    for stream in (True, False):
        with Mock(seed=5) as mock:
            said = ask(mock.url, PROMPT, kind, stream=stream).text
            texts.append(b"".join(line[2:-1] for line in said.splitlines()))
    assert texts[0] == texts[1] != b""


@pytest.mark.parametrize("kind", ["openai_chat", "triton_generate", "mindie_infer"])
def test_several_tokens_in_an_event(kind: str) -> None:
    """Events of several tokens are fewer, and the count of tokens stays."""
    with Mock(tokens_per_event=5) as mock:
        result = ask(mock.url, PROMPT, kind, generation_kwargs=COUNTED.get(kind, {}))
    assert (result.outcome, result.row["events"], result.output[0]) == ("ok", 2, 6)
    if kind != "openai_chat":
        assert result.event_tokens == [1, 5]


@pytest.mark.parametrize("kind", KINDS)
def test_an_early_end(kind: str) -> None:
    """A reply that ends by itself is whole, unless the end of the sequence is to be ignored."""
    with Mock(eos_rate=1) as mock:
        assert ask(mock.url, PROMPT, kind).row["events"] == 1
        result = ask(mock.url, PROMPT, kind, generation_kwargs={"ignore_eos": True})
    assert (result.outcome, result.row["events"]) == ("ok", 6)


FAULTS = [
    ("empty", "empty"),
    ("cut=3", "truncated"),
    ("reset=3", "reset"),
    ("error-event=3", "stream_error"),
    ("html", "malformed"),
    ("http=503", "http_error"),
    ("no-finish", "truncated"),
]


@pytest.mark.parametrize(("kind", "fault"), list(itertools.product(KINDS, FAULTS)), ids=str)
def test_stream_faults(url: str, kind: str, fault: tuple[str, str]) -> None:
    """Whatever goes wrong with a stream is told apart, in each protocol."""
    name, outcome = fault
    # Triton's protocol has no record that ends a reply, so nothing can be missing.
    expected = "ok" if (kind, name) == ("triton_generate", "no-finish") else outcome
    result = ask(url, PROMPT, kind, name)
    assert result.outcome == expected
    assert bool(result.note) == (expected != "ok")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("fault", "outcome"),
    [("cut=0", "truncated"), ("reset=-1", "reset"), ("html", "malformed"), ("http=500", "http_error")],
)
def test_document_faults(url: str, kind: str, fault: str, outcome: str) -> None:
    """Whatever goes wrong with a whole reply is told apart, in each protocol."""
    assert ask(url, PROMPT, kind, fault, stream=False).outcome == outcome


@pytest.mark.parametrize("kind", KINDS)
def test_a_stream_that_was_refused(url: str, kind: str) -> None:
    """A service that answers with one document though a stream was asked for is malformed."""
    assert ask(url, PROMPT, kind, "refuse-stream").outcome == "malformed"


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_text(kind: str) -> None:
    """Text that looks like protocol is text, however it comes."""
    with Mock(text="hostile", spaced=True) as mock:
        for length in (1, 2, 40):
            result = ask(mock.url, Sample(0, "data: [DONE]\n\n", None, length), kind)
            assert (result.outcome, result.row["events"]) == ("ok", length)
