"""How many tokens prompts have, where the service does not tell."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from fastbench.tokenizer.chat_template import ChatTemplate, load_chat_template
from fastbench.tokenizer.prompts import Message, Prompt, prompt_text
from fastbench.tokenizer.tokenizer import Tokenizer, load_tokenizer

NO_FIELDS: Mapping[str, Any] = {}


class Asked(Protocol):
    """What is counted of a sample: its prompt, and the parameters of its request."""

    @property
    def prompt(self) -> Prompt: ...
    @property
    def fields(self) -> dict[str, Any] | None: ...


class PromptCounter:
    """Counts prompts as a service would: those of a chat with what the model's chat template adds to them."""

    def __init__(
        self, tokenizer: Tokenizer, template: ChatTemplate | None, fields: Mapping[str, Any] = NO_FIELDS
    ) -> None:
        """template: None = prompts are counted as they are, messages joined by line ends. fields: of all requests,
        which a sample's own go over: tools are part of what a chat's template makes."""
        self.tokenizer = tokenizer
        self._template = template
        self._fields = fields

    @classmethod
    def load(cls, tokenizer_path: str, *, chat: bool, fields: Mapping[str, Any] = NO_FIELDS) -> "PromptCounter":
        """From the files of a model. Raises ConfigError."""
        return cls(load_tokenizer(tokenizer_path), load_chat_template(tokenizer_path) if chat else None, fields)

    def counts(self, samples: Sequence[Asked]) -> list[int]:
        """Tokens of each sample's prompt. Raises ConfigError where the template refuses one."""
        counts = iter(self.tokenizer.counts([self._text(sample) for sample in samples if not _is_ids(sample.prompt)]))
        return [len(sample.prompt) if _is_ids(sample.prompt) else next(counts) for sample in samples]

    def _text(self, sample: Asked) -> str:
        if self._template is None:
            return prompt_text(sample.prompt)
        return self._template.text(_messages(sample.prompt), {**self._fields, **(sample.fields or {})})


def _is_ids(prompt: Prompt) -> bool:
    return isinstance(prompt, list) and bool(prompt) and isinstance(prompt[0], int)


def _messages(prompt: Prompt) -> list[Message]:
    if isinstance(prompt, str):
        return [{"role": "user", "content": prompt}]
    return [part for part in prompt if isinstance(part, dict)]
