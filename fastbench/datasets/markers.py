"""Markers in front of rows that are sent more than once, by a run or by the next one: no prefix cache has them."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from msgspec.structs import replace

from fastbench.config.fields import role_of
from fastbench.datasets.raw import PROMPTS, with_body
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
        """The sample with the marker of this place; a planned length counts it. Of a session of whole requests each has
        it, as each begins with all that was said before."""
        if sample.turns:
            if sample.turns[0].raw is None:
                return self._of_turns(sample, self._text(place))
            turns = tuple(replace(turn, raw=turn.raw and self._of_body(turn.raw, place)) for turn in sample.turns)
            return replace(sample, turns=turns)
        if sample.raw is not None and sample.raw.body:
            return replace(sample, raw=self._of_body(sample.raw, place))
        prompt, tokens = self._of_prompt(sample.prompt, place)
        return replace(sample, prompt=prompt, input_len=None if sample.input_len is None else sample.input_len + tokens)

    def _of_body(self, raw: RawRequest, place: int) -> RawRequest:
        """A whole request, whose prompt is written anew; the rest of its body stays byte for byte."""
        places = {name: (start, end) for name, _, start, end in raw.members}
        name = next((name for name in PROMPTS if name in places), None)
        if name is None:
            return raw
        start, end = places[name]
        prompt, _ = self._of_prompt(orjson.loads(raw.body[start:end]), place)
        return with_body(raw, raw.body[:start] + orjson.dumps(prompt) + raw.body[end:])

    def _of_prompt(self, prompt: Any, place: int) -> tuple[Any, int]:
        """A prompt with the marker of this place, and how many tokens longer it is; of several, each."""
        if isinstance(prompt, str):
            return self._text(place) + prompt, self._tokens
        if prompt and isinstance(prompt[0], int):
            # Ids of its own: those that the model has are not known here.
            own = sorted(set(prompt))
            ids = [own[pick] for pick in self._draws.at(place).integers(0, len(own) - 1, _WORDS).tolist()]
            return [*ids, *prompt], len(ids)
        if prompt and not isinstance(prompt[0], dict):
            each = [self._of_prompt(one, place) for one in prompt]
            return [one for one, _ in each], sum(tokens for _, tokens in each)
        return self._marked(prompt, self._text(place)), self._tokens

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
