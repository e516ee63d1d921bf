"""A sample's prompt in the form that a protocol takes: text, token ids or chat messages."""

from collections.abc import Sequence
from typing import Any, Protocol

from fastbench._core.bodies import Pieces
from fastbench.config.fields import ROLES as KNOWN_ROLES
from fastbench.errors import DatasetError


class RawLike(Protocol):
    """The part of `fastbench.datasets.RawRequest` that a dialect needs."""

    @property
    def body(self) -> bytes: ...
    @property
    def members(self) -> Sequence[tuple[str, int, int, int]]: ...
    @property
    def path(self) -> str: ...
    @property
    def headers(self) -> bytes: ...


class SampleLike(Protocol):
    """The part of `fastbench.datasets.Sample` that a dialect needs."""

    @property
    def index(self) -> int: ...
    @property
    def prompt(self) -> str | list[dict[str, Any]] | list[int]: ...
    @property
    def output_len(self) -> int | None: ...
    @property
    def fields(self) -> dict[str, Any] | None: ...
    @property
    def raw(self) -> RawLike | None: ...


class WordsLike(Protocol):
    """The part of `fastbench.tokenizer.Words` that a dialect needs."""

    @property
    def material(self) -> Pieces: ...
    @property
    def example(self) -> str | list[dict[str, Any]] | list[int]: ...


_PROTOCOL = frozenset({"user", "assistant", "system", "developer", "tool", "function"})
ROLES = {name: role for name, role in KNOWN_ROLES.items() if name not in _PROTOCOL}
ROLES |= {"HUMAN": "user", "BOT": "assistant", "SYSTEM": "system", "TOOL": "tool"}
"""The speakers' names of AISBench and of data sets, and those of the OpenAI protocol, which has no others."""


def as_messages(sample: SampleLike) -> list[dict[str, Any]]:
    """Chat messages; text becomes one of the user's. Raises DatasetError for token ids."""
    prompt = sample.prompt
    if isinstance(prompt, str):
        return [{"role": "user", "content": prompt}]
    return [_message(part, sample) for part in prompt]


def _message(part: Any, sample: SampleLike) -> dict[str, Any]:
    """A message in the protocol's own names: AISBench's `prompt` is its `content`."""
    if not isinstance(part, dict):
        raise refused(
            sample, "token ids", "chat takes text or messages; use type openai_completions (--api completions)"
        )
    if part.get("role") not in ROLES and "prompt" not in part:
        return part
    named = {("content" if name == "prompt" else name): value for name, value in part.items()}
    return {**named, "role": ROLES.get(part.get("role", ""), part.get("role", "user"))}


def as_text(sample: SampleLike) -> str:
    """One text; messages are joined by line ends. Raises DatasetError for what has no text."""
    prompt = sample.prompt
    if isinstance(prompt, str):
        return prompt
    if isinstance(prompt[0], int):
        raise refused(sample, "token ids", "this protocol takes text; use type openai_completions (--api completions)")
    return "\n".join(_content(message, sample) for message in as_messages(sample))


def as_text_or_ids(sample: SampleLike) -> str | list[Any]:
    """Token ids as they are, else one text. Raises DatasetError for what has no text."""
    prompt = sample.prompt
    has_ids = not isinstance(prompt, str) and isinstance(prompt[0], int)
    return prompt if has_ids else as_text(sample)


def _content(message: dict[str, Any], sample: SampleLike) -> str:
    content = message.get("content", "")
    if not isinstance(content, str):
        raise refused(
            sample, "a message that is not text", "this protocol takes text; use type openai_chat (--api chat)"
        )
    return content


def refused(sample: SampleLike, what: str, way_out: str) -> DatasetError:
    """The error for a sample that a dialect cannot send."""
    return DatasetError(f"row {sample.index} of the data set holds {what}, but {way_out}")
