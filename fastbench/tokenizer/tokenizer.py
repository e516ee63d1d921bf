"""The types of prompts, and the tokenizer of the model under test, loaded from local files only."""

import os
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastbench.config.services import tokenizer_file
from fastbench.errors import ConfigError
from fastbench.installing import install

if TYPE_CHECKING:
    import tokenizers


class Tokenizer:
    """Text → tokens, without those that a model adds at the start or the end."""

    def __init__(self, inner: "tokenizers.Tokenizer") -> None:
        self._inner = inner

    def encode(self, text: str) -> list[int]:
        """Token ids of `text`."""
        return self._inner.encode(text, add_special_tokens=False).ids

    def count(self, text: str) -> int:
        """Number of tokens in `text`."""
        return len(self.encode(text))

    def counts(self, texts: list[str]) -> list[int]:
        """Number of tokens in each text."""
        return [len(one) for one in self._inner.encode_batch_fast(texts, add_special_tokens=False)]

    @property
    def special_count(self) -> int:
        """How many tokens the model's own form adds to a text, at its start or its end."""
        return self._inner.num_special_tokens_to_add(False)

    def spans(self, text: str) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int64]]:
        """(n,) each: the ids of `text`, where in it each token begins, and where it ends; spaces may stand between."""
        found = self._inner.encode(text, add_special_tokens=False)
        offsets = np.array(found.offsets, np.int64).reshape(-1, 2)
        return np.array(found.ids, np.int32), offsets[:, 0].copy(), offsets[:, 1].copy()

    def tokens(self) -> list[str]:
        """All tokens in the spelling of the tokenizer, in no order."""
        return list(self._inner.get_vocab())

    def ordinary_ids(self) -> list[int]:
        """The ids that stand for text, in order: those of added tokens, special ones among them, are left out."""
        added = self._inner.get_added_tokens_decoder()
        return sorted(number for number in self._inner.get_vocab().values() if number not in added)


def load_tokenizer(path: str) -> Tokenizer:
    """From a tokenizer.json, or the directory that holds one. Raises ConfigError."""
    # No downloads, and no threads that a later fork would trip over.
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        import tokenizers
    except ModuleNotFoundError as error:
        raise ConfigError(f"{path}: counting tokens needs the package tokenizers: {install('tokenizer')}") from error

    file = tokenizer_file(path)
    try:
        inner = tokenizers.Tokenizer.from_str(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{file}: the tokenizer cannot be read: {error.strerror}") from error
    # The package raises bare `Exception` for text that is no tokenizer.
    except Exception as error:
        raise ConfigError(f"{file}: this is not a tokenizer.json ({error})") from error
    # Some files carry limits of training, which would cut what is counted.
    inner.no_truncation()
    inner.no_padding()
    return Tokenizer(inner)


Message = dict[str, Any]
"""One message of a chat, with its role and content."""
Prompt = str | list[Message] | list[int]
"""Text, chat messages, or token ids."""


def prompt_text(prompt: Prompt) -> str:
    """All text of a prompt, message after message; of token ids nothing."""
    if isinstance(prompt, str):
        return prompt
    return "\n".join(str(part.get("content", "")) for part in prompt if isinstance(part, dict))
