"""Config files: plain Python, and what can be wrong with it."""

from pathlib import Path

import pytest

from fastbench.aisbench import load_config, read_config
from fastbench.config import dump_config, public_run
from fastbench.errors import ConfigError

GOOD = """
base = dict(type="openai_chat", url="http://host:8000")
models = [dict(base, abbr="a"), dict(base, abbr="b", batch_size=2**3)]
datasets = [dict(type="synthetic", count=10, input_len=[1, 9])]
num_prompts = 7
"""


def write(folder: Path, text: str) -> str:
    path = folder / "run.py"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_a_file_is_plain_python(tmp_path: Path) -> None:
    """A config may compute its settings; names that are no settings are its own."""
    path = write(tmp_path, GOOD)
    run = load_config(path)
    assert [(model.abbr, model.batch_size) for model in run.models] == [("a", 1), ("b", 8)]
    assert (run.num_prompts, run.source) == (7, path)
    assert sorted(read_config(path)) == ["datasets", "models", "num_prompts"]


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("x = 1\nmodels = [", 2, "SyntaxError: '[' was never closed"),
        ("\n\nx = 1 / 0", 3, "ZeroDivisionError: division by zero"),
        ("def f():\n    return y\n\nf()", 2, "NameError: name 'y' is not defined"),
        ("import no_such_module_anywhere", 1, "ModuleNotFoundError: No module named"),
        ("models = [dict(type=VLLMCustomAPIChat)]", 1, "NameError"),
        ("raise SystemExit", 1, "SystemExit"),
        ("import json\njson.loads('{')", 2, "JSONDecodeError"),
        ("models = '\0'", 1, ""),
    ],
)
def test_an_error_in_the_file_has_its_line(tmp_path: Path, text: str, line: int, reason: str) -> None:
    """Whatever the file raises becomes one sentence with the file, the line in it and the reason."""
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert str(caught.value).startswith(f"{path}, line {line}: {reason}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["absent.py", "."])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    """A missing file, or a directory, is told by its name."""
    path = str(tmp_path / name)
    with pytest.raises(ConfigError, match="the config cannot be read: "):
        load_config(path)


@pytest.mark.parametrize(
    ("old", "new", "meant"),
    [
        ("models =", "model =", "models"),
        ("datasets =", "dataset =", "datasets"),
        ("num_prompts", "num_prompt", "num_prompts"),
    ],
)
def test_a_misspelled_setting_is_refused(tmp_path: Path, old: str, new: str, meant: str) -> None:
    """A name that nobody reads, close to one that is read, is not passed over."""
    path = write(tmp_path, GOOD.replace(old, new))
    with pytest.raises(ConfigError, match=f"is not a setting; did you mean {meant}\\?"):
        load_config(path)


def test_helpers_may_be_named_like_settings(tmp_path: Path) -> None:
    """`model` and `dataset` are fine names beside `models` and `datasets`."""
    assert load_config(write(tmp_path, GOOD + "model = models[0]\ndataset = datasets[0]\n"))


def test_a_dump_runs_again(tmp_path: Path) -> None:
    """The dumped config describes the same run, with all settings spelled out."""
    extra = """
models[0].update(request_timeout="90s", generation_kwargs=dict(a=[1, {"b": None}]), request_rate="3/s")
datasets.append(dict(type="jsonl", path="x.jsonl", count=2))
summarizer = dict(stats_list=["P99.9"])
"""
    run = load_config(write(tmp_path, GOOD + extra))
    again = load_config(write(tmp_path, dump_config(run)))
    assert public_run(again) == public_run(run)
    assert again.models == run.models
    assert again.stats == run.stats


def test_a_dump_has_no_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys and headers that carry keys are left out of a dump, or stay names of variables."""
    monkeypatch.setenv("FB_KEY", "hunter2")
    keys = """
models[0].update(api_key="hunter2", headers={"X-Api-Key": "hunter2", "Cookie": "hunter2", "X-Trace": "on"})
models[1].update(headers={"Authorization": "$FB_KEY"})
"""
    text = dump_config(load_config(write(tmp_path, GOOD + keys)))
    assert "hunter2" not in text
    assert "'X-Trace': 'on'" in text
    assert "'Authorization': '$FB_KEY'" in text
    with pytest.raises(ConfigError, match=r"models\[0\].api_key was left out of the dumped config; set it again"):
        load_config(write(tmp_path, text))
