"""Words that prompts are made of: as many tokens as words, and fast to put together."""

import re
from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fastbench.datasets.draws import Draws
from fastbench.datasets.sample import Prompt
from fastbench.datasets.tokens import Tokenizer, load_tokenizer
from fastbench.datasets.words import COMMON_WORDS
from fastbench.errors import ConfigError

_MIN_WORDS = 64
_CHUNK = 4096
# A word as tokenizers spell it: bare, or after the mark of a space (byte-level BPE: Ġ, SentencePiece: ▁).
_WORD_TOKEN = re.compile("[\u0120\u2581]?([a-z]{2,15})")


class Words(Protocol):
    """What prompts are made of: numbered pieces of one token each."""

    def __len__(self) -> int: ...

    def pieces(self, tokens: int) -> int:
        """How many pieces make so many tokens."""
        ...

    def prompt(self, numbers: NDArray[np.int64]) -> Prompt:
        """The pieces of these numbers; numbers: (n,), each below `len(self)`."""
        ...


class Vocabulary:
    """Words of one width, so that a text is one gather in an array; each is one token unless measured otherwise."""

    def __init__(self, words: Iterable[str], tokens_per_word: float = 1.0) -> None:
        self._tokens_per_word = tokens_per_word
        self._cells: NDArray[np.bytes_] = np.array([f"{word} ".encode("ascii") for word in sorted(words)])
        widths = set(np.char.str_len(self._cells).tolist())
        if len(widths) != 1:
            raise ValueError(f"words of one length are needed, not of {sorted(widths)}")

    def __len__(self) -> int:
        return len(self._cells)

    def pieces(self, tokens: int) -> int:
        """How many words make so many tokens: as many, or by the measured ratio where no tokenizer tells."""
        return tokens if self._tokens_per_word == 1 else max(1, round(tokens / self._tokens_per_word))

    def text(self, numbers: NDArray[np.int64]) -> str:
        """The words of these numbers with one space between them; numbers: (n,), each below `len(self)`."""
        return self._cells.take(numbers).tobytes()[:-1].decode("ascii")

    def prompt(self, numbers: NDArray[np.int64]) -> Prompt:
        """As `text`."""
        return self.text(numbers)


class IdVocabulary:
    """Token ids, for services that take them in the place of text."""

    def __init__(self, ids: Iterable[int]) -> None:
        self._ids = np.fromiter(ids, np.int64)

    def __len__(self) -> int:
        return len(self._ids)

    def pieces(self, tokens: int) -> int:
        """As many."""
        return tokens

    def prompt(self, numbers: NDArray[np.int64]) -> Prompt:
        """The ids of these numbers; numbers: (n,), each below `len(self)`."""
        ids: list[int] = self._ids.take(numbers).tolist()
        return ids


def words_for(tokenizer_path: str, tokens_per_word: float = 1.0) -> Vocabulary:
    """The safe words of the tokenizer there, or common words where there is none (""). Raises ConfigError."""
    return safe_words(tokenizer_path) if tokenizer_path else common_words(tokens_per_word)


def common_words(tokens_per_word: float = 1.0) -> Vocabulary:
    """Common English words of four letters: one token each in the vocabularies of most models, not in all."""
    return Vocabulary(COMMON_WORDS, tokens_per_word)


@lru_cache(maxsize=4)  # a run opens the same tokenizer for its check, its warm-up and its load
def safe_words(path: str) -> Vocabulary:
    """Words of the tokenizer at `path` that stay one token each wherever they stand between other such words.

    Raises ConfigError where the tokenizer has too few of them.
    """
    tokenizer = load_tokenizer(path)
    by_width: dict[int, list[str]] = defaultdict(list)
    for word in _single_tokens(tokenizer):
        by_width[len(word)].append(word)
    largest = max(by_width.values(), key=len, default=[])
    if len(largest) >= _MIN_WORDS:
        vocabulary = Vocabulary(largest)
        if _keeps_lengths(vocabulary, tokenizer):
            return vocabulary
    raise ConfigError(
        f"{path}: this tokenizer keeps too few words as one token to make prompts of exact lengths; "
        "leave path (--tokenizer) empty to make prompts of common words"
    )


def _single_tokens(tokenizer: Tokenizer) -> Iterable[str]:
    """Words that are one token both at the start of a text and after a space."""
    matches = map(_WORD_TOKEN.fullmatch, tokenizer.tokens())
    words = sorted({match[1] for match in matches if match})
    for start in range(0, len(words), _CHUNK):
        chunk = words[start : start + _CHUNK]
        counts = tokenizer.counts([f"{word} {word}" for word in chunk])
        yield from (word for word, count in zip(chunk, counts, strict=True) if count == 2)


def _keeps_lengths(vocabulary: Vocabulary, tokenizer: Tokenizer) -> bool:
    """Whether every word, and random texts of them, have as many tokens as words."""
    every = np.arange(len(vocabulary), dtype=np.int64)
    mixed = Draws(0, 0).integers(0, len(vocabulary) - 1, _CHUNK)
    return all(tokenizer.count(vocabulary.text(numbers)) == len(numbers) for numbers in (every, mixed))
