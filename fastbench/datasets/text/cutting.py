"""Real text cut to an exact number of tokens: what a tokenizer makes of a prompt again is as long as was asked for.

The text is tokenized once. It may be cut where a space stands between two tokens: what stands on either side has as
many tokens apart as together, because tokenizers split at spaces before they do anything else. That is checked with the
tokenizer, of each cut that is used, and of whole prompts when the text is opened. So a prompt is a slice of the text
whose tokens are counted by a subtraction. What is missing at its end, as a word may have several tokens, is filled with
words of one token each. Where a text or a tokenizer is not like that, each prompt is counted, which is slow.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from fastbench.datasets.text.source import MOST, read_text
from fastbench.errors import ConfigError, DatasetError
from fastbench.tokenizer import Draws, Prompt, Tokenizer, Vocabulary, load_tokenizer, safe_words

PREFIXES, SESSIONS = 2**60, 2**61
"""Indexes from which on prompts are those of prefixes, and of sessions, so that they are no samples' own."""
_LEAD, _ORDER = 16, 17
_SPACE = re.compile(r"(?<=\S) (?=\S)")
_SENTENCE = re.compile(r"[.!?][\"')]*$|[\u3002\uff01\uff1f][\u201d\u2019\uff09]*$")
_LEADS = 2
"""Words in front of a prompt: the places of a text are too few to tell the prompts of many runs apart."""
_LEAST = 100
"""Tokens of a text."""
_WINDOW = 4
"""Words on each side of a cut with which it is checked."""
_SPARSE = 8.0
"""Tokens from one cut to the next, on average, from which on prompts are counted."""
_TRIED = (33, 1000, 4000)
_TRIES = 32
_SAMPLED = 64
_UNSEEN, _SOUND, _BAD = 0, 1, 2


class CutText:
    """A text and where it may be cut. chars, tokens: (n,), of each cut, counted from the text's start; rising."""

    def __init__(self, name: str, text: str, tokenizer: Tokenizer, words: Vocabulary, *, is_cut: bool) -> None:
        """name, is_cut: as `read_text` has them. words: of one token each. Raises DatasetError for a text too short."""
        self.name = name
        self.text = text
        self.tokenizer = tokenizer
        self.words = words
        self.is_cut = is_cut
        self.ids, starts, ends = tokenizer.spans(text)
        self.ends = np.maximum.accumulate(ends)
        spaces = np.array([match.start() for match in _SPACE.finditer(text)], np.int64)
        after = np.searchsorted(starts, spaces)
        inside = (after > 0) & (after < len(starts))
        spaces, after = spaces[inside], after[inside]
        between = ends[after - 1] <= spaces
        self.chars = np.append(spaces[between], len(text))
        self.tokens = np.append(after[between], len(self.ids)).astype(np.int64)
        if len(self.ids) < _LEAST:
            raise DatasetError(f"{name}: the text has {len(self.ids)} tokens; name a text of at least {_LEAST}")
        self._states = np.zeros((2, len(self.chars)), np.uint8)
        self._anchor = words.text(np.zeros(1, np.int64))
        self.counted = False
        """Whether each prompt must be counted."""
        self.starts, self.sentences = self._starts()
        if len(self.ids) / len(self.chars) > _SPARSE or self._doubtful():
            self.count_each()

    def count_each(self) -> None:
        """Prompts may begin and end behind every token from now on, and each must be counted."""
        behind = np.flatnonzero(np.diff(self.ends, append=-1) != 0)
        self.chars, self.tokens = self.ends[behind], behind.astype(np.int64) + 1
        self.starts, self.sentences = self._starts()
        self.counted = True

    @property
    def last(self) -> int:
        """The cut at the text's end."""
        return len(self.chars) - 1

    @property
    def whole(self) -> int:
        """Tokens from the first cut to the last."""
        return int(self.tokens[-1] - self.tokens[0])

    def slice(self, begin: int, end: int) -> str:
        """The text from one cut to another; it begins with a space."""
        return self.text[self.chars[begin] : self.chars[end]]

    def count(self, begin: int, end: int) -> int:
        """Tokens from one cut to another."""
        return int(self.tokens[end] - self.tokens[begin])

    def sound(self, cut: int, *, ends: bool) -> bool:
        """Whether a text that begins at this cut, or ends there, has as many tokens as `count` says."""
        state = int(self._states[int(ends), cut])
        if state == _UNSEEN:
            begin, end = (max(0, cut - _WINDOW), cut) if ends else (cut, min(self.last, cut + _WINDOW))
            text, tokens = self._anchor + self.slice(begin, end), 1 + self.count(begin, end)
            # Behind an end may stand a word that fills a prompt up.
            counts = self.tokenizer.counts([text, f"{text} {self._anchor}"] if ends else [text])
            state = _SOUND if counts == [tokens, tokens + 1][: len(counts)] else _BAD
            self._states[int(ends), cut] = state
        return state == _SOUND

    def _doubtful(self) -> bool:
        """Whether many of the cuts are not sound, by a sample of them."""
        some = self.starts[:: max(1, len(self.starts) // _SAMPLED)].tolist()
        return sum(not self.sound(cut, ends=ends) for cut in some for ends in (False, True)) > len(some) / 5

    def _starts(self) -> tuple[NDArray[np.int64], int]:
        """The cuts where prompts may begin, those behind the end of a sentence first, and how many of these."""
        before = np.append(0, self.chars[:-1])
        words = (self.text[begin:end] for begin, end in zip(before.tolist(), self.chars.tolist(), strict=True))
        follow = (self.text[cut : cut + 2].strip()[:1] for cut in self.chars.tolist())
        ended = np.array(
            [
                _SENTENCE.search(word[-4:]) is not None and not first.islower()
                for word, first in zip(words, follow, strict=True)
            ]
        )[:-1]
        return np.concatenate([np.flatnonzero(ended), np.flatnonzero(~ended)]), int(ended.sum())


class RealText:
    """Prompts of one text. They begin at places of their own, behind two drawn words, so that no two begin alike,
    whatever their seeds."""

    def __init__(self, cut: CutText, seed: int, *, as_ids: bool = False) -> None:
        """as_ids: prompts are token ids."""
        self._cut = cut
        self._as_ids = as_ids
        self._draws = Draws(seed, _LEAD)
        self._last_word = len(cut.words) - 1
        order = Draws(seed, _ORDER).integers(0, 2**31 - 2, len(cut.starts))
        drawn = np.argsort(order, kind="stable")
        self._places = cut.starts[np.concatenate([drawn[drawn < cut.sentences], drawn[drawn >= cut.sentences]])]

    def prompt(self, index: int, length: int, prefix: Prompt | None = None) -> Prompt:
        """Prompt `index` of exactly `length` tokens, at least 1, those of `prefix` not counted: another prompt of this
        text, with which it begins. Raises ConfigError where the tokenizer gives no such length."""
        draws = self._draws.at(index)
        lead = draws.integers(0, self._last_word, min(_LEADS, length))
        place = int(self._places[index % len(self._places)])
        if self._as_ids:
            ids = self._ids(lead, place, length, draws)
            return ids if prefix is None else [*prefix, *ids]
        text = (
            self._counted(lead, place, length, draws) if self._cut.counted else self._cut_at(lead, place, length, draws)
        )
        return text if prefix is None else f"{prefix} {text}"

    def notes(self, longest: int, prompts: int) -> Iterator[str]:
        """What readers of the numbers must know. longest: of the prompts, tokens."""
        cut = self._cut
        if longest - _LEADS > cut.whole:
            yield (
                f"the text {cut.name} has {cut.whole} tokens, and prompts have up to {longest}: it is read again from "
                "another place"
            )
        if prompts > len(self._places):
            yield (
                f"the text {cut.name} has {len(self._places)} places to begin at, for {prompts} prompts: some differ "
                "at their start by their first two words alone"
            )
        if cut.is_cut:
            yield f"of the text {cut.name} the first {MOST} characters are used"

    def _ranges(self, place: int, draws: Draws) -> Iterator[tuple[int, int]]:
        """Stretches from cut to cut: the whole text from `place` on, round to it again, then from another place."""
        while True:
            yield place, self._cut.last
            if place:
                yield 0, place
            place = draws.integer(0, self._cut.last - 1)

    def _cut_at(self, lead: NDArray[np.int64], place: int, length: int, draws: Draws) -> str:
        cut = self._cut
        parts = [cut.words.text(lead)]
        left = length - len(lead)
        for begin, stop in self._ranges(place, draws):
            while begin < stop and not cut.sound(begin, ends=False):
                begin += 1
            end = min(stop, int(np.searchsorted(cut.tokens, cut.tokens[begin] + left, "right")) - 1)
            ended = end < stop
            while end > begin and not cut.sound(end, ends=True):
                end -= 1
            parts.append(cut.slice(begin, end))
            left -= cut.count(begin, end)
            if ended or not left:
                break
        return "".join(parts) + self._filling(left, draws)

    def _filling(self, tokens: int, draws: Draws) -> str:
        """Words of one token each, behind a space."""
        if not tokens:
            return ""
        return " " + self._cut.words.text(draws.integers(0, self._last_word, tokens))

    def _ids(self, lead: NDArray[np.int64], place: int, length: int, draws: Draws) -> list[int]:
        cut = self._cut
        ids = cut.tokenizer.encode(cut.words.text(lead))[:length]
        for begin, stop in self._ranges(place, draws):
            first = int(cut.tokens[begin])
            ids += cut.ids[first : min(int(cut.tokens[stop]), first + length - len(ids))].tolist()
            if len(ids) == length:
                break
        return ids

    def _counted(self, lead: NDArray[np.int64], place: int, length: int, draws: Draws) -> str:
        """The prompt of a text that is not cut at spaces: cut where a token ends, counted, and cut again."""
        cut = self._cut
        text = cut.words.text(lead)
        wanted = length - len(lead)
        begin = int(cut.tokens[place])
        for tried in range(_TRIES):
            made = text + self._read(begin, wanted) if wanted > 0 else text
            left = length - cut.tokenizer.count(made)
            if 0 <= left <= _WINDOW or (left > 0 and tried > _TRIES // 2):
                filled = made + self._filling(left, draws)
                if cut.tokenizer.count(filled) == length:
                    return filled
                left = -1
            wanted += left
        raise ConfigError(
            f"the tokenizer makes no {length} tokens of the text {cut.name} wherever it is cut; leave text (--text) "
            "out, or name another text"
        )

    def _read(self, begin: int, tokens: int) -> str:
        """So many tokens of the text from token `begin` on, over its end to its start again."""
        cut = self._cut
        first = int(cut.ends[begin - 1]) if begin else 0
        rounds, rest = divmod(begin + tokens, len(cut.ids))
        end = int(cut.ends[rest - 1]) if rest else 0
        text = (cut.text + "\n") * rounds + cut.text[:end]
        return " " + text[first:].lstrip()


def open_text(name: str, tokenizer: str) -> CutText:
    """The text `name`, cut by the tokenizer at a path. Raises ConfigError without a tokenizer, or for one that keeps
    too few words as one token; DatasetError for a text that cannot be used."""
    if not tokenizer:
        raise ConfigError(
            f"text (--text) is {name}, but the model has no tokenizer, which cuts it to exact lengths; set path of the "
            "model (--tokenizer) to its tokenizer.json"
        )
    return _opened(name, tokenizer)


@lru_cache(maxsize=4)  # a run opens it for its check, its warm-up and its load
def _opened(name: str, tokenizer: str) -> CutText:
    source = read_text(name)
    cut = CutText(name, source.text, load_tokenizer(tokenizer), safe_words(tokenizer), is_cut=source.is_cut)
    if not cut.counted:
        made = RealText(cut, 0)
        texts = [str(made.prompt(index, length)) for index, length in enumerate(_TRIED)]
        if cut.tokenizer.counts(texts) != list(_TRIED):
            cut.count_each()
    return cut
