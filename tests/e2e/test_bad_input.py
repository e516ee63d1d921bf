"""A user's mistakes: one sentence each that names the thing and the way out, exit code 2, nothing sent."""

import re
from pathlib import Path
from typing import Any

import pytest
from running import Ended, fastbench_command, perf, write_config

NOWHERE = "http://127.0.0.1:9"
MODEL: dict[str, Any] = {"type": "openai_chat", "url": NOWHERE}
DATASET: dict[str, Any] = {"type": "synthetic", "count": 3, "input_len": 4, "output_len": 2}


def of_config(directory: Path, models: Any = None, datasets: Any = None, **names: Any) -> Ended:
    """The run of a config with one model and one data set, or these."""
    config = write_config(
        directory,
        models=[MODEL] if models is None else models,
        datasets=[DATASET] if datasets is None else datasets,
        **names,
    )
    return perf(directory, "--config", config)


CONFIGS: dict[str, tuple[dict[str, Any], str]] = {
    "misspelled field": (
        {"models": [{**MODEL, "batchsize": 4}]},
        r"models\[0\]\.batchsize is not a known field; did you mean batch_size\?",
    ),
    "misspelled setting": ({"num_prompt": 5}, r"num_prompt is not a setting; did you mean num_prompts\?"),
    "wrong type": (
        {"models": [{**MODEL, "retry": "often"}]},
        r"models\[0\]\.retry is 'often'; it must be a whole number from 0 to 1000",
    ),
    "out of range": (
        {"datasets": [{**DATASET, "count": 0}]},
        r"datasets\[0\]\.count is 0; it must be a whole number from 1 to \d+",
    ),
    "unknown kind": (
        {"models": [{**MODEL, "type": "openai_chta"}]},
        r"models\[0\]\.type .* did you mean openai_chat\?",
    ),
    "no models": ({"models": []}, r"models is empty; name at least one"),
    "no list": ({"datasets": 5}, r"datasets is 5; it must be a list of dicts"),
    "two of one name": (
        {"models": [MODEL, MODEL]},
        r"models has 2 items with the abbr 'openai-chat'; give each its own",
    ),
    "statistic": ({"summarizer": {"stats_list": ["P101"]}}, r"summarizer\.stats_list .*'P101' is not a statistic"),
    "option of the mock": (
        {"models": [{"type": "openai_chat", "mock": {"ttft": 5}}]},
        r"run\.py: models\[0\]\.mock\.ttft: there is no such option; known are .*ttft_ms",
    ),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_config_field(tmp_path: Path, name: str) -> None:
    """A bad field of a config is named with its file, its path and what it must be."""
    names, sentence = CONFIGS[name]
    ended = of_config(tmp_path, **names)
    assert ended.code == 2
    assert re.search(sentence, ended.one_sentence())
    assert "run.py" in ended.err
    assert ended.out == ""
    assert not ended.work_dir.exists()


def test_two_faults_are_told_together(tmp_path: Path) -> None:
    """All bad fields of a config are told at once, a line each."""
    ended = of_config(tmp_path, models=[{**MODEL, "batch_size": 0, "stream": "yes"}], num_warmups=-1)
    assert ended.code == 2
    lines = ended.err.splitlines()
    assert len(lines) == 3
    for line, field in zip(lines, ("models[0].batch_size", "models[0].stream", "num_warmups"), strict=True):
        assert line.startswith(f"fastbench: {tmp_path}/run.py: {field} is ")


FILES = {
    "missing": (None, r"run\.py: the config cannot be read: No such file or directory"),
    "syntax": ("models = [\n    dict(type='openai_chat',\n", r"run\.py, line \d: SyntaxError: '\(' was never closed"),
    "name": ("import os\n\nmodels = undefined\n", r"run\.py, line 3: NameError: name 'undefined' is not defined"),
    "empty": ("", r"run\.py: models is missing; it must be a list of at least one dict"),
}


@pytest.mark.parametrize("name", FILES)
def test_config_file(tmp_path: Path, name: str) -> None:
    """A config that is missing or no Python is named with the line that is wrong."""
    content, sentence = FILES[name]
    if content is not None:
        (tmp_path / "run.py").write_text(content)
    ended = perf(tmp_path, "--config", "run.py")
    assert ended.code == 2
    assert "Traceback" not in ended.err
    assert re.search(sentence, ended.err.splitlines()[0])
    assert all(line.startswith("fastbench: ") for line in ended.err.splitlines())


OPTIONS = {
    "--concurency 4": r"No such option.*--concurency.*--concurrency.* See `fastbench perf --help`\.",
    "--url http://127.0.0.1:9 --stats P95,Mean": r"--stats .*'Mean' is not a statistic",
    "--url http://127.0.0.1:9 --stats P1,P2,P3,P4,P5,P6,P7,P8,P9": r"--stats .*9 statistics are named.* at most 8",
    "--url http://127.0.0.1:9 --input-len many": r"'many' is not a length; give a number such as 1024",
    "--url http://127.0.0.1:9 --output-len 9:2": r"--output-len is \[9, 2\]; .*the least first",
    "--url http://127.0.0.1:9 --concurrency 0": r"--concurrency is 0; it must be a whole number from 1 to 100000",
    "--url http://127.0.0.1:9 --num-prompts x": r"--num-prompts.*'x' is not a valid integer",
    "--url http://127.0.0.1:9 --rate fast": r"--rate is 'fast'; it must be a rate",
    "--url http://127.0.0.1:9/v1/chat/completions": r"--url .*give only what stands before /v1/chat/completions",
    "--url http://127.0.0.1:9 --mock": r"--url and --mock name two services; give one of them",
    "--input-len 5": r"no service is given; give CONFIG\.py, --models NAME, --url http://host:port or --mock",
    "--mock-option ttft_ms=soon": r"--mock-option\.ttft_ms: must be a number from 0",
    "--mock-option itl=5": r"--mock-option\.itl: there is no such option; known are .*itl_ms",
}


@pytest.mark.parametrize("options", OPTIONS)
def test_option(tmp_path: Path, options: str) -> None:
    """A bad option is named as it was written, with what it must be."""
    ended = perf(tmp_path, *options.split())
    assert ended.code == 2
    assert re.search(OPTIONS[options], ended.one_sentence())
    assert not ended.work_dir.exists()


DATASETS = {
    "missing": (None, r"rows\.jsonl: no such data set; looked at rows\.jsonl, ais_bench/datasets/rows\.jsonl"),
    "empty": ("", r"rows\.jsonl: the data set is empty; write one JSON object a line into it"),
    "blank": ("\n \n\n", r"rows\.jsonl: the data set is empty"),
    "broken line 17": (
        '{"prompt": "fine"}\n' * 16 + '{"prompt": "cut\n' + '{"prompt": "fine"}\n' * 3,
        r"rows\.jsonl, line 17: the row is not JSON \(.*\); correct or remove it",
    ),
    "line 17 without a prompt": (
        '{"prompt": "fine"}\n' * 16 + '{"text": "fine"}\n',
        r"rows\.jsonl, line 17: the row has no prompt or question or messages, only text; set prompt_key to one",
    ),
}


@pytest.mark.parametrize("name", DATASETS)
def test_dataset(tmp_path: Path, name: str) -> None:
    """A data set that is missing, empty or broken in one line is named with the line, before anything is sent."""
    content, sentence = DATASETS[name]
    if content is not None:
        (tmp_path / "rows.jsonl").write_text(content)
    ended = perf(tmp_path, "--url", NOWHERE, "--dataset", "rows.jsonl")
    assert ended.code == 2
    assert re.search(sentence, ended.one_sentence())


@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
def test_tokenizer(tmp_path: Path, dry: tuple[str, ...]) -> None:
    """A tokenizer that is none is told before anything is sent, although it counts only after the run."""
    (tmp_path / "tokenizer.json").write_text("{}")
    (tmp_path / "rows.jsonl").write_text('{"prompt": "fine"}\n')
    ended = perf(tmp_path, "--url", NOWHERE, "--dataset", "rows.jsonl", "--tokenizer", "tokenizer.json", *dry)
    assert ended.code == 2
    assert "tokenizer.json: this is not a tokenizer.json" in ended.one_sentence()
    assert not ended.work_dir.exists()


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_work_dir_that_is_a_file(tmp_path: Path, place: str) -> None:
    """A work_dir in which no directory can be made is named with the way out."""
    (tmp_path / "file").write_text("in the way")
    ended = fastbench_command(tmp_path, "perf", "--url", NOWHERE, "-w", place)
    assert ended.code == 2
    assert f"The work_dir {place} cannot hold a run (Not a directory): set work_dir" in ended.one_sentence()


@pytest.mark.parametrize("arguments", ["measure", "recalc", "perf run.py extra"])
def test_command_line(tmp_path: Path, arguments: str) -> None:
    """An unknown command, a missing or a further argument is told with the help that lists the right ones."""
    ended = fastbench_command(tmp_path, *arguments.split())
    assert ended.code == 2
    told = ended.one_sentence()
    assert re.search(r"No such command|Missing argument|unexpected extra argument", told)
    assert re.search(r"See `fastbench.* --help`\.$", told)
