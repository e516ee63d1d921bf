"""The material of made prompts: words or token ids, one token each, fast to join."""

import re
from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property, lru_cache
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from fastbench._core.bodies import Draws as Draws
from fastbench._core.bodies import Pieces
from fastbench.errors import ConfigError
from fastbench.tokenizer.tokenizer import Prompt, Tokenizer, load_tokenizer

_MIN_WORDS = 64
_CHUNK = 4096
# A word as tokenizers spell it: bare, or after the mark of a space (byte-level BPE: Ġ, SentencePiece: ▁).
_WORD_TOKEN = re.compile("[\u0120\u2581]?([a-z]{2,15})")

_FOUR_LETTERS = """
    able also area army aunt away baby back ball band bank base bath bear beat bell belt best bird blue boat
    body bone book born boss both bowl burn bush busy cake call calm camp card care case cash cell chip city
    club coal coat code cold come cook cool copy core corn cost crew crop cure dark data date days dead deal
    dear deep desk diet dish disk door down draw drop drug dust duty each earn easy edge else even ever face
    fact fair fall farm fast fear feel feet file fill film find fine fire firm fish five flat flow food foot
    form four free from fuel full fund gain game gate gift girl give glad goal gold golf good gray grew grow
    hair half hall hand hang hard harm head hear heat held help here hero high hill hold hole home hope host
    hour huge hunt hurt idea inch into iron item jack jean join joke jump jury just keen keep kept kick kind
    king knee knew know lack lady lake lamp land lane last late lead leaf lean left lend lens less life lift
    like line link list live load loan lock logo long look lord lose loss lost loud love luck lung mail main
    make male mall many mark mass meal mean meat meet menu mile milk mind mine miss mode mood moon more most
    move much name near neck need news next nine none nose note okay once only open over pace pack page paid
    pain pair palm park part past path peak pick pile pink pipe plan play plot plus poem pole pool poor port
    post pull pure push race rail rain rank rare rate read real rest rice rich ride ring rise risk road rock
    role roll roof room root rope rose rule rush safe sail sale salt same sand save seat seed seem self sell
    send ship shoe shop shot show shut sick side sign silk sing sink site size skin slow snow soft soil sold
    sole some song soon sort soul spot star stay step stop such suit sure swim tail take talk tall tank tape
    task team tell tend term test text than that them then they thin this thus tide till time tiny tone tool
    tour town tree trip true tube tune turn twin type unit upon used user vary vast very vice view vote wage
    wait wake walk wall want warm warn wash wave ways weak wear week well were west what when whom wide wife
    wild wind wine wing wire wise wish with wood word wore work yard year your zero zone
"""
COMMON_WORDS = tuple(_FOUR_LETTERS.split())
"""Common English words of four letters: one token each in the vocabularies of most models, not in all."""


class TokenMeasure(NamedTuple):
    """How the tokens of made prompts are measured."""

    tokenizer: str = ""
    """The model's tokenizer.json, or the directory that holds it: lengths are exact. "" = there is none."""
    per_word: float = 1.0
    """Without a tokenizer: the tokens that a word counts as."""


class Words(Protocol):
    """The material of prompts: numbered pieces of one token each."""

    def __len__(self) -> int: ...

    @property
    def material(self) -> Pieces:
        """The pieces as JSON has them, between the quotation marks or the brackets of a prompt."""
        ...

    @property
    def example(self) -> Prompt:
        """A prompt of one piece that is none of these, to be found where it stands in a request."""
        ...

    def pieces(self, tokens: int) -> int:
        """How many pieces make so many tokens."""
        ...

    def prompt(self, numbers: NDArray[np.int64]) -> Prompt:
        """The pieces of these numbers; numbers: (n,), each below `len(self)`."""
        ...


class Vocabulary:
    """Words of one width; each is one token unless measured otherwise."""

    example = "-the-words-"

    def __init__(self, words: Iterable[str], tokens_per_word: float = 1.0) -> None:
        self._tokens_per_word = tokens_per_word
        ordered = sorted(words)
        if len(widths := {len(word) for word in ordered}) != 1:
            raise ValueError(f"words of one length are needed, not of {sorted(widths)}")
        self.material = Pieces([word.encode("ascii") for word in ordered], b" ")

    def __len__(self) -> int:
        return len(self.material)

    def pieces(self, tokens: int) -> int:
        """How many words make so many tokens: as many, or by the measured ratio without a tokenizer."""
        return tokens if self._tokens_per_word == 1 else max(1, round(tokens / self._tokens_per_word))

    def text(self, numbers: NDArray[np.int64]) -> str:
        """The words of these numbers with one space between them; numbers: (n,), each below `len(self)`."""
        return self.material.join(numbers).decode("ascii")

    def prompt(self, numbers: NDArray[np.int64]) -> Prompt:
        """As `text`."""
        return self.text(numbers)


class IdVocabulary:
    """Token ids, for services that take them in the place of text."""

    def __init__(self, ids: Iterable[int]) -> None:
        self._ids = np.fromiter(ids, np.int64)
        self.example: Prompt = [2**53 - 1]

    def __len__(self) -> int:
        return len(self._ids)

    @cached_property
    def material(self) -> Pieces:
        """As digits."""
        return Pieces([b"%d" % number for number in self._ids.tolist()], b",")

    def pieces(self, tokens: int) -> int:
        """As many."""
        return tokens

    def prompt(self, numbers: NDArray[np.int64]) -> Prompt:
        """The ids of these numbers; numbers: (n,), each below `len(self)`."""
        ids: list[int] = self._ids.take(numbers).tolist()
        return ids


def words_for(measure: TokenMeasure) -> Vocabulary:
    """The safe words of the tokenizer, or common words where there is none. Raises ConfigError."""
    return safe_words(measure.tokenizer) if measure.tokenizer else common_words(measure.per_word)


def common_words(tokens_per_word: float = 1.0) -> Vocabulary:
    """`COMMON_WORDS`, each of which counts as so many tokens."""
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
