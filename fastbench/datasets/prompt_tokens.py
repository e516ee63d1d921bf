"""How many tokens prompts have, where the service does not tell."""

from fastbench.datasets.chat_template import ChatTemplate, load_chat_template
from fastbench.datasets.sample import Message, Prompt, prompt_text
from fastbench.datasets.tokens import Tokenizer, load_tokenizer


class PromptCounter:
    """Counts prompts as a service would: those of a chat with what the model's chat template adds to them."""

    def __init__(self, tokenizer: Tokenizer, template: ChatTemplate | None) -> None:
        """template: None = prompts are counted as they are, messages joined by line ends."""
        self.tokenizer = tokenizer
        self._template = template

    @classmethod
    def load(cls, tokenizer_path: str, *, chat: bool) -> "PromptCounter":
        """From the files of a model. Raises ConfigError."""
        return cls(load_tokenizer(tokenizer_path), load_chat_template(tokenizer_path) if chat else None)

    def counts(self, prompts: list[Prompt]) -> list[int]:
        """Tokens of each prompt. Raises ConfigError where the template refuses one."""
        counts = iter(self.tokenizer.counts([self._text(prompt) for prompt in prompts if not _is_ids(prompt)]))
        return [len(prompt) if _is_ids(prompt) else next(counts) for prompt in prompts]

    def _text(self, prompt: Prompt) -> str:
        if self._template is not None:
            return self._template.text(_messages(prompt))
        return prompt_text(prompt)


def _is_ids(prompt: Prompt) -> bool:
    return isinstance(prompt, list) and bool(prompt) and isinstance(prompt[0], int)


def _messages(prompt: Prompt) -> list[Message]:
    if isinstance(prompt, str):
        return [{"role": "user", "content": prompt}]
    return [part for part in prompt if isinstance(part, dict)]
