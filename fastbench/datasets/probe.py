"""Without a tokenizer: how many tokens the service makes of a common word, measured by two short requests."""

from fastbench.datasets.samples import Sample
from fastbench.tokenizer import Draws, common_words

_PROBE = 8
_WORDS = (64, 576)


def probe_samples() -> tuple[Sample, Sample]:
    """Two prompts of 64 and 576 common words, for one output token each."""
    words, draws = common_words(), Draws(0, _PROBE)
    short, long = (
        Sample(at, words.text(draws.at(at).integers(0, len(words) - 1, count)), None, 1)
        for at, count in enumerate(_WORDS)
    )
    return short, long


def tokens_per_word(short: int, long: int) -> float | None:
    """From the prompt tokens that the service counted in both; None if they make no sense.

    Their difference cancels what a chat template adds.
    """
    ratio = (long - short) / (_WORDS[1] - _WORDS[0])
    return ratio if ratio > 0 else None
