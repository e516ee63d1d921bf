"""Markers in front of rows that are sent more than once, by a run or by the next one: no prefix cache has them."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from msgspec.structs import replace

from fastbench.config.fields import role_of
from fastbench.datasets.raw.row import PROMPTS, with_body
from fastbench.datasets.samples import RawRequest, Sample
from fastbench.errors import ConfigError
from fastbench.tokenizer import Draws, Message, TokenMeasure, Vocabulary, common_words, load_tokenizer, words_for

_MARKER = 9
_WORDS = 6
"""Of 500 and more: two of a million markers are hardly ever alike, and their first words seldom."""
_GAP = "\n\n"


class Marker:
    """Puts a marker of a few words in front of samples, another one at each place of a plan."""

    def __init__(self, where: str, seed: int, tokenizer_path: str = "", tokens_per_word: float = 1.0) -> None:
        """where: "first-turn", the first user message, or "system", all messages. tokenizer_path, tokens_per_word: as
        `open_dataset` has them. Raises ConfigError for a tokenizer that cannot be used."""
        measure = TokenMeasure(tokenizer_path, tokens_per_word)
        self._is_of_user = where == "first-turn"
        self._draws = Draws(seed, _MARKER)
        self._words = _words(measure)
        if measure.tokenizer:
            self._tokens = load_tokenizer(measure.tokenizer).count(self._text(0))
        else:
            self._tokens = round(_WORDS * measure.per_word) + 1

    def mark(self, sample: Sample, place: int) -> Sample:
        """The sample with the marker of this place; a planned length counts it."""
        if sample.turns:
            return self._of_turns(sample, place)
        if sample.raw is not None and sample.raw.body:
            return replace(sample, raw=self._of_raw(sample.raw, place))
        prompt, tokens = self._before(sample.prompt, place)
        length = sample.input_len
        return replace(sample, prompt=prompt, input_len=None if length is None else length + tokens)

    def _before(self, prompt: Any, place: int) -> tuple[Any, int]:
        """A prompt of any kind behind the marker of this place, and the tokens that it got longer by."""
        text = self._text(place)
        match prompt:
            case str():
                return text + prompt, self._tokens
            case [int(), *_]:
                # Ids of its own: those that the model has are not known here.
                own = sorted(set(prompt))
                ids = [own[pick] for pick in self._draws.at(place).integers(0, len(own) - 1, _WORDS).tolist()]
                return [*ids, *prompt], len(ids)
            case [dict(), *_]:
                return self._marked(prompt, text), self._tokens
            case list():
                marked = [self._before(one, place) for one in prompt]
                return [one for one, _ in marked], sum(tokens for _, tokens in marked)
        return prompt, 0

    def _of_raw(self, raw: RawRequest, place: int) -> RawRequest:
        """A whole request: its prompt is read and written anew, the rest of its body stays byte for byte."""
        body = raw.body
        found = next(((value, end) for name, _, value, end in raw.members if name in PROMPTS), None)
        if found is None:
            return raw
        value, end = found
        prompt, _ = self._before(orjson.loads(body[value:end]), place)
        return with_body(raw, body[:value] + orjson.dumps(prompt) + body[end:])

    def _text(self, place: int) -> str:
        return self._words.text(self._draws.at(place).integers(0, len(self._words) - 1, _WORDS)) + _GAP

    def _of_turns(self, sample: Sample, place: int) -> Sample:
        """In the history, in what the first turn has before its text, or in front of that; in each whole request."""
        if sample.turns[0].raw is not None:
            turns = (replace(turn, raw=turn.raw and self._of_raw(turn.raw, place)) for turn in sample.turns)
            return replace(sample, turns=tuple(turns))
        history = sample.prompt if isinstance(sample.prompt, list) else []
        first, *others = sample.turns
        asked: Message = {"role": first.role, "content": first.text}
        marked = self._marked([*history, *first.before, asked], self._text(place))
        *before, last = marked[len(history) :]
        first = replace(first, before=tuple(before), text=last["content"])
        return replace(sample, prompt=marked[: len(history)] or sample.prompt, turns=(first, *others))

    def _marked(self, messages: Sequence[Message], marker: str) -> list[Any]:
        at = 0
        if self._is_of_user:
            at = next((place for place, one in enumerate(messages) if role_of(one.get("role")) == "user"), 0)
        return [_with(one, marker) if place == at else one for place, one in enumerate(messages)]


def _with(message: Mapping[str, Any], marker: str) -> dict[str, Any]:
    """A message that begins with the marker; one without text as it is."""
    name = "prompt" if "prompt" in message else "content"
    match message.get(name):
        case str(text):
            return {**message, name: marker + text}
        case list(parts):
            return {**message, name: [{"type": "text", "text": marker}, *parts]}
    return dict(message)


def _words(measure: TokenMeasure) -> Vocabulary:
    try:
        return words_for(measure)
    except ConfigError:
        # A tokenizer with too few words of one token each: the marker's own tokens are counted.
        return common_words()
