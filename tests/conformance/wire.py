"""The recordings of real engines' responses, and what is known to be true of each."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from replies import CHAT, COMPLETIONS

from fastbench._core.wire import OutputSpec
from fastbench.recording import join_pieces

FOLDER = Path(__file__).parents[2].parent / "shared" / "wire"
_PARTS = {"content": "text", "text": "text", "reasoning": "reasoning", "reasoning_content": "reasoning"}


@cache
def captures() -> list[dict[str, Any]]:
    """The facts of each recording, as `index.json` has them; none where the recordings are absent."""
    index = FOLDER / "index.json"
    return json.loads(index.read_text(encoding="utf-8"))["captures"] if index.is_file() else []


def each_capture(*, only_ok: bool = False) -> pytest.MarkDecorator:
    """Runs a test for each recording; skips it, saying why, where there are none."""
    chosen = [fact for fact in captures() if not only_ok or fact["outcome"] == "ok"]
    reason = f"needs the recordings of real engines in {FOLDER}"
    absent = pytest.param(None, marks=pytest.mark.skip(reason=reason))
    cases: list[Any] = [*chosen] or [absent]
    return pytest.mark.parametrize("fact", cases, ids=lambda fact: fact["file"] if fact else "absent")


@cache
def raw(name: str) -> bytes:
    return (FOLDER / name).read_bytes()


def spec_of(fact: dict[str, Any]) -> OutputSpec:
    return COMPLETIONS if fact["endpoint"] == "/v1/completions" else CHAT


def asked_stream(fact: dict[str, Any]) -> bool:
    return '"stream":true' in fact["request_body"].replace(" ", "")


def text_hashes(pieces: bytes) -> dict[str, str]:
    """By part, the first 16 hex digits of the text's SHA-256, as the index has them."""
    texts = {part: text for part, text in join_pieces(pieces).items() if text}
    return {part: hashlib.sha256(_whole(text)).hexdigest()[:16] for part, text in texts.items()}


def _whole(text: str) -> bytes:
    """UTF-8, after the halves of a character that two events shared have met."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16").encode()


def expected_hashes(fact: dict[str, Any]) -> dict[str, str]:
    return {_PARTS[field]: digest for field, digest in fact["text_sha256"].get("0", {}).items()}
