"""The declared options as a whole, and what other tools call them."""

import re
from itertools import combinations
from pathlib import Path

import pytest
from every import every
from nursery import run_python

from fastbench.cli.perf import perf_command
from fastbench.config import RunSettings
from fastbench.config.services import ServiceConfig, TrafficConfig
from fastbench.datasets import SyntheticConfig
from fastbench.options import ARGUMENT
from fastbench.options.option import Option
from fastbench.options.places import ModelField, ModelPairs, PromptsFile, RunField, SyntheticField, Traffic
from fastbench.options.table import OPTIONS, SYNONYMS, meant_by

SCHEMAS = {
    RunField: RunSettings,
    ModelField: ServiceConfig,
    ModelPairs: ServiceConfig,
    Traffic: TrafficConfig,
    SyntheticField: SyntheticConfig,
}
KNOWN = {name for parameter in perf_command.params for name in parameter.opts}


@every("option", OPTIONS.values())
def test_what_a_declaration_names_there_is(option: Option) -> None:
    """The options that one excludes or needs exist, and so does the field of the config that it sets."""
    assert {*option.excludes, *option.needs} <= {*OPTIONS, ARGUMENT} - {option.name}
    for place, schema in SCHEMAS.items():
        if isinstance(option.sets, place):
            assert {option.sets.field} - {""} <= set(schema.__struct_fields__)


def test_prompts_come_from_one_source() -> None:
    """Any two options that name prompts exclude each other."""
    names = ["datasets", *(name for name, option in OPTIONS.items() if isinstance(option.sets, PromptsFile))]
    assert len(names) > 4
    for one, other in combinations(names, 2):
        assert other in OPTIONS[one].excludes or one in OPTIONS[other].excludes, (one, other)


def test_no_word_leads_to_two_options() -> None:
    """Each word of other tools is declared once."""
    words = [word for option in OPTIONS.values() for names in option.also.values() for word in names.split()]
    assert len(words) == len(set(words)) == len(SYNONYMS)


@every("word", SYNONYMS)
def test_each_word_leads_to_an_option_that_there_is(word: str) -> None:
    """The options that are suggested exist, and the words that lead to them do not."""
    flags = re.findall(r"(?<![\w-])--[a-z][a-z-]+", SYNONYMS[word])
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
    assert meant_by(option) == meant


@pytest.mark.parametrize("option", ["--batch-size", "--port=8000", "--qps"])
def test_the_message(option: str, tmp_path: Path) -> None:
    """The command says in one line which option to use."""
    done = run_python(tmp_path, "perf", option, "4")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert re.fullmatch(rf"fastbench: No such option '{option.partition('=')[0]}'; use --\S+ ?.*\. See .*", line)


def test_other_misspellings_are_told_as_before(tmp_path: Path) -> None:
    """An option that only looks like one is told by what it looks like."""
    done = run_python(tmp_path, "perf", "--concurency", "4")
    assert "--concurrency" in done.stderr
