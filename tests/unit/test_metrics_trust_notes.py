"""What a report says beside its numbers."""

from pathlib import Path
from typing import Any

import pytest
from recordings import HEADER, Request, header_of, record

from fastbench.metrics import compute
from fastbench.recording import Recording

REFUSED = {"outcome": "http_error", "status": 400, "token_ns": ()}


def notes_of(directory: Path, *requests: Request, **header: Any) -> tuple[str, ...]:
    """The notes of a run of these requests whose header says this."""
    asked = {"load": {"planned": len(requests)}} | header
    return compute(Recording.open(record(directory, list(requests), header=header_of(**asked))), ("Average",)).notes


@pytest.mark.parametrize(
    ("field", "message", "told"),
    [
        ("max_tokens", b"use max_completion_tokens", True),
        ("max_tokens", b"no", False),
        ("max_completion_tokens", b"max_completion_tokens is not known", False),
    ],
)
def test_refusals_that_name_the_newer_length(tmp_path: Path, field: str, message: bytes, told: bool) -> None:
    """A refusal that names max_completion_tokens is answered with the setting, unless that name was used."""
    service = HEADER["service"] | {"length_field": field}
    notes = notes_of(tmp_path, Request(0), Request(1, message=message, **REFUSED), service=service)
    assert any("set length_field (--length-field) to it" in note for note in notes) == told


def test_what_was_known_of_the_data_is_told(tmp_path: Path) -> None:
    """What the header says of the data set stands among the notes."""
    assert "3 are left out." in notes_of(tmp_path, Request(0), data_notes=["3 are left out"])


UNTOLD = {"input_tokens": -1, "input_source": "unknown"}


@pytest.mark.parametrize(
    ("dataset", "path", "request_", "told"),
    [
        ({"type": "synthetic"}, "", UNTOLD, True),
        ({"type": "mooncake"}, "", UNTOLD, True),
        ({"type": "synthetic"}, "/t/tokenizer.json", UNTOLD, False),
        ({"type": "synthetic", "as_ids": True}, "", UNTOLD, False),
        ({"type": "jsonl"}, "", UNTOLD, False),
        ({"type": "synthetic"}, "", {}, False),
    ],
)
def test_lengths_that_nobody_knows(
    tmp_path: Path, dataset: dict[str, Any], path: str, request_: dict[str, Any], told: bool
) -> None:
    """Prompts made of words without a tokenizer are told where the service counts no tokens either."""
    config = {"models": [{"path": path}], "datasets": [dataset]}
    notes = notes_of(tmp_path, Request(0, **request_), config=config, tokens_per_word=1.0)
    assert any("may have several times as many tokens" in note for note in notes) == told
