"""How fast prompts of real text are made, on one core, at 1,000 and at 100,000 tokens, and whether they are that long.

The corpus that ships with fastbench is cut by a tokenizer that is trained on it, byte-level BPE with the splitting of
today's models, unless another one is named. Each prompt is another one; some are tokenized again and counted.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tabulate import tabulate  # type: ignore[import-untyped]  # it has no types

from benchmarks.harness import Figure, Results, run_main
from fastbench.datasets.text import RealText, open_text
from fastbench.datasets.text.source import CORPUS, read_text
from fastbench.tokenizer import load_tokenizer
from fastbench.tokenizer.vocabulary import COMMON_WORDS

PROMISES = ("text",)
GOALS = {1_000: 3_000.0, 100_000: 120.0}
"""Tokens of a prompt → prompts a second."""
_SECONDS, _COUNTED, _VOCABULARY = 3.0, 8, 8000
_SPLIT = r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"


def parameters(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("--tokenizer", default="", help="tokenizer.json that cuts the text [one trained on it]")


def measure(tokenizer: str) -> Results:
    """For each length: prompts, the CPU seconds that they took, how many of them were counted, and of these wrong ones;
    and the seconds until the text was open."""
    with tempfile.TemporaryDirectory(prefix="fastbench-bench-") as folder:
        path = tokenizer or _trained(Path(folder))
        begun = time.process_time()
        cut = open_text(CORPUS, path)
        results: Results = {"open": time.process_time() - begun}
        again = load_tokenizer(path)
        text = RealText(cut, 0)
        for length in GOALS:
            prompts, begun = 0, time.process_time()
            while time.process_time() - begun < _SECONDS:
                text.prompt(prompts, length)
                prompts += 1
            seconds = time.process_time() - begun
            counts = again.counts([str(text.prompt(index, length)) for index in range(_COUNTED)])
            wrong = sum(count != length for count in counts)
            results[str(length)] = {"prompts": prompts, "seconds": seconds, "counted": len(counts), "wrong": wrong}
    return results


def _trained(folder: Path) -> str:
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers

    made = Tokenizer(models.BPE())
    parts = [pre_tokenizers.Split(Regex(_SPLIT), "isolated"), pre_tokenizers.ByteLevel(False, use_regex=False)]
    made.pre_tokenizer = pre_tokenizers.Sequence(parts)
    trainer = trainers.BpeTrainer(
        vocab_size=_VOCABULARY, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    # Words of one token each, as every large vocabulary has them.
    words = [" ".join(COMMON_WORDS)] * 40
    made.train_from_iterator([read_text(CORPUS).text, *words, *" ".join(words).split()], trainer)
    path = folder / "tokenizer.json"
    made.save(str(path))
    return str(path)


def details(results: Results) -> str:
    """Both lengths, and the opening."""
    rows = [
        (length, one["prompts"], one["seconds"], one["prompts"] / one["seconds"], one["counted"], one["wrong"])
        for length, one in results.items()
        if length != "open"
    ]
    table = tabulate(rows, ("tokens", "prompts", "CPU seconds", "prompts/s", "counted", "wrong"), floatfmt=".1f")
    return f"{table}\n\nThe text was open after {results['open']:.2f} CPU seconds."


def figures(results: Results) -> list[Figure]:
    """Each length against its goal."""
    lines = []
    for length, goal in GOALS.items():
        one = results[str(length)]
        rate, wrong = one["prompts"] / one["seconds"], one["wrong"]
        lines.append(
            Figure.against(
                "text",
                f"prompts of {length:,} tokens of real text made on one core",
                f"≥ {goal:,.0f}/s, each exact",
                f"{rate:,.0f}/s, {wrong} of {one['counted']} wrong",
                rate >= goal and not wrong,
                "a cut is checked more than once, or the tokenizer does not split at spaces",
                f"{rate / goal:.2f}",
            )
        )
    return lines


if __name__ == "__main__":
    sys.exit(run_main(sys.modules[__name__]))
