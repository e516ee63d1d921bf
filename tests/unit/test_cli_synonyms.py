"""What other tools call an option: the one that does it here is named."""

import re
import subprocess
import sys

import pytest

from fastbench.cli.perf import perf_command
from fastbench.cli.synonyms import _WORDS, meant_by

KNOWN = {name for parameter in perf_command.params for name in parameter.opts}


@pytest.mark.parametrize("word", _WORDS)
def test_each_word_leads_to_an_option_that_there_is(word: str) -> None:
    """The options that are suggested exist, and the words that lead to them do not."""
    flags = re.findall(r"(?<![\w-])--[a-z][a-z-]+", _WORDS[word])
    assert flags
    assert set(flags) <= KNOWN
    assert not {word, f"--{word}"} & KNOWN


@pytest.mark.parametrize(
    ("option", "meant"),
    [
        ("--batch-size", "--concurrency N"),
        ("--batch_size", "--concurrency N"),
        ("--host", "--url http://HOST:PORT"),
        ("--port", "--url http://HOST:PORT"),
        ("--percentiles", "--stats P50,P95,P99"),
        ("--num-requests", "--num-prompts N"),
        ("--qps", "--rate N"),
        ("--max-concurrency", "--concurrency N"),
        ("--request-rate", "--rate N"),
        ("--num_prompts", "--num-prompts"),
        ("-n", "--num-prompts N"),
        ("--colour", None),
        ("-x", None),
    ],
)
def test_words_of_other_tools(option: str, meant: str | None) -> None:
    """A word of another tool, of a config, or with underscores leads to the option; others lead nowhere."""
    assert meant_by(option, KNOWN) == meant


@pytest.mark.parametrize("option", ["--batch-size", "--port=8000", "--qps"])
def test_the_message(option: str) -> None:
    """The command says in one line which option to use."""
    command = [sys.executable, "-m", "fastbench", "perf", option, "4"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert re.fullmatch(rf"fastbench: No such option '{option.partition('=')[0]}'; use --\S+ ?.*\. See .*", line)


def test_other_misspellings_are_told_as_before() -> None:
    """An option that only looks like one is told by what it looks like."""
    command = [sys.executable, "-m", "fastbench", "perf", "--concurency", "4"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "--concurrency" in done.stderr
