"""Prompts made from a seed: sample i depends only on (seed, i); with prefixes from a pool where they are asked for."""

import itertools
import math
from bisect import bisect
from collections import Counter
from collections.abc import Iterator
from itertools import accumulate
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastbench.datasets.samples import Counts, DatasetFormat, Extent, Sample, Sheet, Survey
from fastbench.datasets.synthetic.laws import law_of
from fastbench.datasets.synthetic.settings import MixPart, PrefixPool, SyntheticConfig
from fastbench.datasets.text import PREFIXES, CutText, RealText, open_text
from fastbench.errors import ConfigError
from fastbench.tokenizer import (
    Draws,
    IdVocabulary,
    Prompt,
    TokenMeasure,
    Vocabulary,
    Words,
    load_tokenizer,
    template_tokens,
    words_for,
)

_POOL, _PICK = 3, 4


class HitRatio(NamedTuple):
    """Share of all input tokens that a cache of all prefixes serves, as expected."""

    warm: float
    """When each prefix is in the cache already."""
    cold: float
    """When the cache is empty at first, and requests come one after the other."""


class Prefixes:
    """`count` prefixes of `length` tokens. A prompt begins with one of them, each as likely, at the chance `share`."""

    def __init__(self, pool: PrefixPool, seeds: tuple[int, int], words: Words, mean_length: float) -> None:
        """seeds: of who begins with which prefix, and of their words. mean_length: of the prompts, tokens. Raises
        ConfigError for a ratio too high."""
        self._pool = pool
        self._draws, self._chances = Draws(seeds[1], _POOL), Draws(seeds[0], _PICK)
        self._last = len(words) - 1
        self._pieces = words.pieces(pool.length)
        self._mean_length = mean_length
        greatest = pool.length / mean_length
        if pool.hit_ratio is not None and pool.hit_ratio > greatest:
            raise ConfigError(
                f"prefix_pool.hit_ratio is {pool.hit_ratio}; it must be at most {math.floor(greatest * 1e4) / 1e4}, as "
                f"prefix_pool.length is {pool.length} of {mean_length:.6g} tokens in the mean prompt"
            )
        self.share = 1.0 if pool.hit_ratio is None else pool.hit_ratio / greatest

    def pick(self, index: int) -> NDArray[np.int64]:
        """The words that sample `index` begins with; empty where it begins with none."""
        number = self.number(index)
        return np.empty(0, np.int64) if number is None else self.words(number)

    def number(self, index: int) -> int | None:
        """Of the prefix that sample `index` begins with; None where it begins with none."""
        chance = self._chances.at(index).unit()
        if chance >= self.share:
            return None
        return min(int(chance / self.share * self._pool.count), self._pool.count - 1)

    def words(self, number: int) -> NDArray[np.int64]:
        """The words of prefix `number`."""
        return self._draws.at(number).integers(0, self._last, self._pieces)

    def hit_ratio(self, requests: int) -> HitRatio:
        """Of a run of so many requests. Cold: each prefix that is used misses once.

        The expected number of prefixes in use is count * (1 - (1 - share / count) ** requests).
        """
        used = self._pool.count * -math.expm1(requests * math.log1p(-min(self.share / self._pool.count, 1 - 1e-16)))
        tokens = self._pool.length / self._mean_length
        return HitRatio(warm=self.share * tokens, cold=(self.share - used / requests) * tokens)


_SAMPLES, _PREFIX, _MIX, _WORDS = 0, 1, 2, 5
_AT_ONCE = 128
_WORDS_AT_ONCE = 1 << 16


class SyntheticDataset:
    """Random words, or real text, of as many tokens as the drawn length says."""

    def __init__(self, config: SyntheticConfig, words: Words, added: int = 0, text: CutText | None = None) -> None:
        """added: tokens that a service adds to each prompt, and that its length counts. text: of which prompts are
        made, in place of words. Raises ConfigError."""
        self._config = config
        self._added = added
        self._words = words
        self._last = len(words) - 1
        seed, words_seed = config.seed or 0, config.made_by or 0
        self._draws, self._chances = Draws(seed, _SAMPLES), Draws(seed, _MIX)
        # Lengths take what they need of the same numbers first.
        self._own_words = None if config.words_seed is None else Draws(words_seed, _WORDS)
        parts = config.parts()
        self._parts = [_Part(part) for part in parts]
        *self._bounds, total = accumulate(part.weight for part in parts)
        self._total = total
        shared = words.pieces(config.shared_prefix) if config.shared_prefix else 0
        self._prefix = Draws(words_seed, _PREFIX).integers(0, self._last, shared)
        pool = config.prefix_pool
        self._pool = pool and Prefixes(pool, (seed, words_seed), words, self.mean_input())
        self._refuse_short(max(1, config.shared_prefix, pool.length if pool else 0))
        self._text = None if text is None else TextPrompts(config, text)

    @property
    def count(self) -> int:
        """How many samples there are."""
        return self._config.count

    def survey(self, limit: int | None) -> Survey:
        """What a run of at most `limit` samples will send."""
        count = self.count if limit is None else min(limit, self.count)
        longest = max((part.output_len.high for part in self._config.parts() if part.output_len), default=None)
        notes = self._text.notes(count) if self._text else ()
        return Survey(
            *(count, count, longest, 0),
            fields=self._fields(count),
            template=self._added,
            notes=notes,
            classes=self._classes(),
            extents=tuple(self._extents()),
        )

    def _extents(self) -> Iterator[Extent]:
        """The most that each part can have."""
        for number, part in enumerate(self._config.parts()):
            if part.weight:
                output = None if part.output_len is None else part.output_len.high
                yield Extent(part.input_len.high, output, f"mix[{number}]" if self._config.mix else "input_len")

    def _fields(self, count: int) -> Counts:
        """Parameters of parts, and how many of `count` requests are expected to have each."""
        weights = Counter[str]()
        for part in self._config.parts():
            weights.update(dict.fromkeys(part.parameters, part.weight))
        return tuple((name, round(count * weight / self._total)) for name, weight in weights.most_common())

    def _classes(self) -> tuple[str, ...]:
        """Those of the parts that send something, in their order."""
        names = dict.fromkeys(part.class_name for part in self._config.parts() if part.weight)
        return tuple(filter(None, names))

    def samples(self, start: int = 0, step: int = 1) -> Iterator[Sample]:
        """The samples `start`, `start + step`, …, made one at a time."""
        return map(self.sample, range(start, self.count, step))

    def endless(self, start: int, step: int) -> Iterator[Sample]:
        """As `samples`, on and on beyond `count`: no prompt comes twice."""
        return map(self.sample, itertools.count(start, step))

    def sample(self, index: int) -> Sample:
        """Sample `index`; `input_len` is its length in tokens, exact with the model's own words."""
        kind = self._parts[self._kind(index)]
        length, output = kind.lengths(self._draws, index)
        return Sample(
            index,
            self._prompt(index, length, kind),
            length,
            output,
            fields=kind.part.parameters or None,
            class_name=kind.part.class_name,
        )

    @property
    def made_of(self) -> Words | None:
        """The words of its prompts; None where they are real text, or samples have parameters."""
        plain = self._text is None and not any(part.part.parameters for part in self._parts)
        return self._words if plain else None

    @property
    def at_once(self) -> int:
        """How many samples are to be made at once."""
        longest = max(part.part.input_len.high for part in self._parts)
        return max(1, min(_AT_ONCE, _WORDS_AT_ONCE // longest))

    def sheet(self, indices: NDArray[np.int64]) -> Sheet:
        """The samples of these indices, (n,)."""
        # Where all are alike, one stands for all.
        alike = len(self._parts) == 1 and self._parts[0].fixed is not None
        rows = [self._lengths_of(index) for index in indices[: 1 if alike else None].tolist()]
        columns = np.repeat(np.array(rows, np.int64).T, indices.size if alike else 1, axis=1)
        kinds, inputs, outputs, counts = columns
        drawn = np.array([part.drawn for part in self._parts])[kinds]
        names = tuple(part.part.class_name for part in self._parts)
        return Sheet(indices, self._numbers(indices, drawn, counts), counts, inputs, outputs, kinds, names)

    def _lengths_of(self, index: int) -> tuple[int, int, int, int]:
        """Of sample `index`: its part, tokens of the prompt, output tokens asked for (0 = none), words."""
        kind = self._kind(index)
        length, output = self._parts[kind].lengths(self._draws, index)
        return kind, length, output or 0, self._words.pieces(length - self._added)

    def _prompt(self, index: int, length: int, kind: "_Part") -> Prompt:
        if self._text is not None:
            number = self._pool.number(index) if self._pool else 0
            return self._text.prompt(index, length - self._added, number)
        count = self._words.pieces(length - self._added)
        return self._words.prompt(self._numbers(*(np.array([value]) for value in (index, kind.drawn, count))))

    def _numbers(
        self, indices: NDArray[np.int64], drawn: NDArray[np.int64], counts: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """(sum of counts,) the words of some samples, (n,). drawn: what their lengths took of the same numbers."""
        if self._own_words is None:
            numbers = self._draws.rows(indices, drawn, self._last, counts)
        else:
            numbers = self._own_words.rows(indices, np.zeros_like(drawn), self._last, counts)
        if self._pool or self._prefix.size:
            for index, words in zip(indices.tolist(), np.split(numbers, np.cumsum(counts)[:-1]), strict=True):
                prefix = self._pool.pick(index) if self._pool else self._prefix
                words[: len(prefix)] = prefix
        return numbers

    def mean_input(self) -> float:
        """Expected length of a prompt, tokens."""
        return sum(one.part.weight * one.input_len.mean() for one in self._parts) / self._total

    def hit_ratio(self, requests: int) -> HitRatio | None:
        """What a prefix cache is expected to serve of a run's input tokens; None where there is no `prefix_pool`."""
        return self._pool.hit_ratio(requests) if self._pool else None

    def _refuse_short(self, text: int) -> None:
        shortest = min(part.input_len.low for part in self._config.parts())
        if self._added and shortest < self._added + text:
            raise ConfigError(
                f"input_len is {shortest} at the least; it must be at least {self._added + text}: "
                f"{self._added} tokens of the chat template, and {text} of text"
            )

    def _kind(self, index: int) -> int:
        """Which of the parts a sample is of."""
        return bisect(self._bounds, self._chances.at(index).unit() * self._total) if self._bounds else 0


class TextPrompts:
    """Prompts of real text, with the prefixes that they share."""

    def __init__(self, config: SyntheticConfig, text: CutText) -> None:
        self._longest = max(part.input_len.high for part in config.parts())
        self._shared = config.prefix_pool.length if config.prefix_pool else config.shared_prefix
        self._text = RealText(text, config.made_by or 0, as_ids=config.as_ids)

    def prompt(self, index: int, length: int, number: int | None) -> Prompt:
        """Prompt `index` of `length` tokens. number: of its prefix, None = it has none."""
        if number is None or not self._shared:
            return self._text.prompt(index, length)
        prefix = self._text.prompt(PREFIXES + number, self._shared)
        return prefix if length == self._shared else self._text.prompt(index, length - self._shared, prefix)

    def notes(self, count: int) -> tuple[str, ...]:
        """What readers of the numbers of `count` prompts must know."""
        return tuple(self._text.notes(self._longest, count))


class _Part:
    """One kind of request."""

    def __init__(self, part: MixPart) -> None:
        self.part = part
        self.input_len = law_of(part.input_len)
        self._output_len = law_of(part.output_len) if part.output_len else None
        lengths = [law for law in (part.input_len, part.output_len) if law]
        self.drawn = len(lengths)
        """How many numbers the lengths take, even where each request has the same."""
        self.fixed: tuple[int, int | None] | None = None
        """Lengths, where each request has the same."""
        if all(law.low == law.high for law in lengths):
            self.fixed = part.input_len.low, part.output_len.low if part.output_len else None

    def lengths(self, draws: Draws, index: int) -> tuple[int, int | None]:
        """(tokens of the prompt, output tokens asked for) of sample `index`."""
        if self.fixed:
            return self.fixed
        draws.at(index)
        length = self.input_len.draw(draws)
        return length, self._output_len.draw(draws) if self._output_len else None


def open_synthetic(config: SyntheticConfig, measure: TokenMeasure) -> SyntheticDataset:
    """Raises ConfigError where the tokenizer cannot be used, or `prefix_pool` asks for more than it can give."""
    try:
        if config.text is not None:
            text = open_text(config.text, measure.tokenizer)
            added = _added(text.words, measure.tokenizer) if config.with_chat_template else 0
            return SyntheticDataset(config, text.words, added, text)
        if config.as_ids:
            return SyntheticDataset(config, _ids(config, measure.tokenizer))
        words = words_for(measure)
        return SyntheticDataset(config, words, _added(words, measure.tokenizer) if config.with_chat_template else 0)
    except ConfigError as error:
        raise ConfigError(f"the data set {config.abbr}: {error}") from error


def _added(words: Vocabulary, tokenizer: str) -> int:
    if not tokenizer:
        raise ConfigError(
            "with_chat_template is True, but the model has no tokenizer; set path of the model (--tokenizer) to the "
            "directory of its tokenizer.json and its chat template"
        )
    return template_tokens(tokenizer, words.text(np.arange(len(words))))


def _ids(config: SyntheticConfig, tokenizer: str) -> Words:
    if tokenizer:
        return IdVocabulary(load_tokenizer(tokenizer).ordinary_ids())
    if config.vocab_size is None:
        raise ConfigError(
            "as_ids is True, but the model has no tokenizer; set path of the model (--tokenizer) to its "
            "tokenizer.json, or set vocab_size of the data set"
        )
    return IdVocabulary(range(config.vocab_size))


SYNTHETIC = DatasetFormat(SyntheticConfig, open_synthetic)
