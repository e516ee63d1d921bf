"""Markers in front of rows that are sent more than once, by a run or by the next one: no prefix cache has them."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from fastbench.config.fields import role_of
from fastbench.datasets.samples import Sample
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
            return self._of_turns(sample, self._text(place))
        prompt = sample.prompt
        if isinstance(prompt, str):
            return self._longer(replace(sample, prompt=self._text(place) + prompt), self._tokens)
        if prompt and isinstance(prompt[0], int):
            # Ids of its own: those that the model has are not known here.
            own = sorted(set(prompt))
            ids = [own[pick] for pick in self._draws.at(place).integers(0, len(own) - 1, _WORDS).tolist()]
            return self._longer(replace(sample, prompt=[*ids, *prompt]), len(ids))
        messages: list[Any] = prompt
        return self._longer(replace(sample, prompt=self._marked(messages, self._text(place))), self._tokens)

    def _text(self, place: int) -> str:
        return self._words.text(self._draws.at(place).integers(0, len(self._words) - 1, _WORDS)) + _GAP

    def _of_turns(self, sample: Sample, marker: str) -> Sample:
        """In the history, in what the first turn has before its text, or in front of that."""
        history = sample.prompt if isinstance(sample.prompt, list) else []
        first, *others = sample.turns
        asked: Message = {"role": first.role, "content": first.text}
        marked = self._marked([*history, *first.before, asked], marker)
        *before, last = marked[len(history) :]
        first = replace(first, before=tuple(before), text=last["content"])
        return replace(sample, prompt=marked[: len(history)] or sample.prompt, turns=(first, *others))

    def _marked(self, messages: Sequence[Message], marker: str) -> list[Any]:
        at = 0
        if self._is_of_user:
            at = next((place for place, one in enumerate(messages) if role_of(one.get("role")) == "user"), 0)
        return [_with(one, marker) if place == at else one for place, one in enumerate(messages)]

    def _longer(self, sample: Sample, tokens: int) -> Sample:
        return sample if sample.input_len is None else replace(sample, input_len=sample.input_len + tokens)


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
