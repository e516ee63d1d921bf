"""Formats of data sets: those of a package beside fastbench's own, and what each says of itself."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import plugged_formats
import pytest
from click.testing import CliRunner
from data_files import lines_file, prompts
from dataset_dicts import built, faults
from plugged import NAME, PLUGIN, lying_in

from fastbench.aisbench import build_run, read_config
from fastbench.cli.perf import perf_command
from fastbench.config import public_settings, without_effect
from fastbench.config.dataset import DatasetConfig
from fastbench.datasets import FileConfig, open_dataset
from fastbench.errors import ConfigError, DatasetError
from fastbench.plan.prepare import plan_run
from fastbench.registry import DATASETS
from fastbench.run.machine import this_machine
from fastbench.run.worker.warmup import warmup_samples

RIDDLES = ({"riddle": "What has keys?", "hint": "music", "max_tokens": 9}, {"riddle": "What runs?"})


@pytest.fixture(autouse=True)
def package(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """`examples/plugin` and the package of `plugged_formats` are installed, for the time of a test."""
    folder = tmp_path_factory.mktemp("site")
    plugged_formats.install(folder)
    with lying_in(folder, monkeypatch):
        yield
    sys.modules.pop("made_for_fastbench", None)


def config_of(folder: Path, data: dict[str, Any], **model: Any) -> str:
    """A config file with one service and one data set."""
    service = {"type": "openai_chat", "url": "http://127.0.0.1:9", "model": "m", **model}
    path = folder / "run.py"
    path.write_text(f"models = [{service}]\ndatasets = [{data}]\n")
    return str(path)


def test_a_package_needs_the_two_faces_alone() -> None:
    """The formats of the packages import nothing of fastbench but its data sets and its tokenizer."""
    example = (PLUGIN / NAME / "dataset.py").read_text(encoding="utf-8")
    imported = set(re.findall(r"^(?:from|import) (fastbench\S*)", example + plugged_formats.MAKING, re.MULTILINE))
    assert imported == {"fastbench.datasets", "fastbench.tokenizer"}


def test_a_packages_format_in_a_config(tmp_path: Path) -> None:
    """A data set of a package's format is checked, named, opened, cut and surveyed as one of fastbench's own."""
    path = lines_file(tmp_path, *RIDDLES, name="hard.riddles.jsonl")
    file = config_of(tmp_path, {"type": "riddles", "path": path, "with_hint": True, "test_range": "[:1]"})
    run = build_run(read_config(file), file)
    (task,) = run.tasks()
    assert task.name == "openai-chat/hard"
    planned = plan_run(run, this_machine())
    opened, survey = planned.dataset_of(run.tasks()[0]), planned.tasks[0].survey
    assert prompts(opened) == ["What has keys? (music)"]
    assert (survey.samples, survey.longest_output, survey.unused) == (1, 9, ())
    assert [sample.prompt for sample in open_dataset(task.dataset).samples(step=2)] == ["What has keys? (music)"]


def test_a_packages_format_in_the_command(tmp_path: Path) -> None:
    """`fastbench perf` plans a run of a package's format."""
    file = config_of(tmp_path, {"type": "riddles", "path": lines_file(tmp_path, *RIDDLES)})
    result = CliRunner().invoke(perf_command, [file, "--dry-run"], standalone_mode=False, catch_exceptions=False)
    assert "Task 1 of 1: openai-chat/rows" in result.output
    assert "Requests        2, after 1 warm-up request" in result.output


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        ({"type": "ridles", "path": "/a"}, "type is 'ridles'; did you mean riddles?"),
        ({"type": "riddles"}, "path is missing; it must be text that is not empty"),
        ({"type": "riddles", "path": "/a", "with_hint": 1}, "with_hint is 1; it must be True or False"),
        ({"type": "riddles", "path": "/a", "test_range": "2"}, "test_range is '2'; it must be a slice such as"),
        ({"type": "riddles", "path": "/a", "hint": 1}, "hint is not a known field; did you mean with_hint?"),
        ({"type": "counting"}, "words is missing; it must be a whole number"),
    ],
)
def test_faults_in_the_settings_of_a_packages_format(raw: dict[str, Any], told: str) -> None:
    """Settings of a package's format are checked by its struct, with the words of fastbench's own."""
    (line,) = faults(raw)
    assert line.startswith(told)


def test_a_packages_format_is_written_down(tmp_path: Path) -> None:
    """What a run writes down of a package's format describes the same data set again."""
    config = built({"type": "riddles", "path": str(tmp_path / "a.jsonl"), "test_range": 0.5, "with_hint": True})
    assert built(public_settings(config)) == config


def test_faults_in_the_rows_of_a_packages_format(tmp_path: Path) -> None:
    """A broken row of a package's format is told with its file and line."""
    path = lines_file(tmp_path, RIDDLES[0], {"hint": "none"})
    with pytest.raises(DatasetError, match=f"{path}, line 2: the row has no riddle; correct or remove it"):
        open_dataset(built({"type": "riddles", "path": path})).survey(None)


def test_a_name_beside_the_tag_is_refused() -> None:
    """An entry point whose name is not the tag of the settings would write configs that cannot be read again."""
    with pytest.raises(
        ConfigError, match="format numbers of the package for-fastbench is named counting; give it and its"
    ):
        built({"type": "numbers", "words": 3})


def test_what_is_no_format_is_refused() -> None:
    """An entry point that leads to something else is told with its package."""
    with pytest.raises(
        ConfigError, match=r"wrong of the package for-fastbench is .*, and must be .*DatasetFormat; fix"
    ):
        built({"type": "wrong"})


def test_a_package_may_make_prompts(tmp_path: Path) -> None:
    """Made prompts have the tokens asked by the measure, and the warm-up asks others of the format's own."""
    file = config_of(tmp_path, {"type": "counting", "words": 6})
    (task,) = build_run(read_config(file), file).tasks()
    assert task.dataset.abbr == "counting"
    assert [len(str(prompt).split()) for prompt in prompts(open_dataset(task.dataset, "", 2.0))] == [3, 3, 3]
    warm = [sample.prompt for sample in warmup_samples(task, 3)]
    assert warm == prompts(open_dataset(built({"type": "counting", "words": 6, "first": 100})))
    assert not set(map(str, warm)) & set(prompts(open_dataset(task.dataset)))


def test_a_package_may_make_token_ids(tmp_path: Path) -> None:
    """A format that makes token ids is refused for a service that takes none, before anything is opened."""
    file = config_of(tmp_path, {"type": "counting", "words": 6, "ids": True})
    with pytest.raises(ConfigError, match="but openai_chat of the model openai-chat takes no token ids"):
        build_run(read_config(file), file)


def test_a_package_may_hold_conversations(tmp_path: Path) -> None:
    """A format of conversations has think time, and is refused for a service that holds none."""
    path = lines_file(tmp_path, {"said": ["a", "b"]})
    file = config_of(tmp_path, {"type": "talks", "path": path})
    run = build_run({**read_config(file), "think_time": 1}, file)
    assert without_effect(run) == ()
    (found,) = plan_run(run, this_machine()).tasks
    assert (found.survey.samples, found.survey.requests) == (1, 2)
    file = config_of(tmp_path, {"type": "talks", "path": path}, type="openai_completions")
    with pytest.raises(ConfigError, match="the data set rows holds conversations of several turns"):
        plan_run(build_run(read_config(file), file), this_machine())


FILED = {"abbr": "x", "path": "/x"}


@pytest.mark.parametrize(
    ("kind", "settings", "answers"),
    [
        ("synthetic", {"count": 1, "input_len": 1}, (False, False, True, True)),
        ("synthetic", {"count": 1, "input_len": 1, "as_ids": True, "vocab_size": 9}, (False, True, False, True)),
        ("jsonl", FILED, (False, False, False, False)),
        ("template", FILED | {"template": "x"}, (False, False, False, False)),
        ("custom", FILED, (False, False, False, False)),
        ("sharegpt", FILED, (True, False, False, False)),
        ("mtbench", FILED, (True, False, False, False)),
        ("mooncake", FILED, (False, False, True, False)),
    ],
)
def test_what_each_format_says_of_itself(kind: str, settings: dict[str, Any], answers: tuple[bool, ...]) -> None:
    """Each of fastbench's own formats says whether it has turns, makes token ids or words, or others like its own."""
    config: DatasetConfig = built({"type": kind, **settings})
    other = config.alike(1) is not None
    assert (config.multi_turn, config.makes_token_ids, config.makes_words, other) == answers


def test_every_own_format_has_its_name() -> None:
    """The registry's names of fastbench's own formats are the tags of their settings, and all but one read files."""
    names = ("synthetic", "jsonl", "template", "custom", "sharegpt", "mtbench", "mooncake")
    assert DATASETS.names()[: len(names)] == names
    assert tuple(DATASETS.get(name).name for name in names) == names
    made = [name for name in names if not issubclass(DATASETS.get(name).schema, FileConfig)]
    assert made == ["synthetic"]
