"""`${NAME}` in YAML and JSON configs."""

import json
from pathlib import Path
from typing import Any

import pytest

from fastbench.config import build_run, dump_yaml
from fastbench.config.files import read_settings
from fastbench.errors import ConfigError
from fastbench.secrets import KNOWN


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in {"FB_HOST": "gpu-1", "FB_PORT": "8123", "FB_TOKEN": "hunter2secret", "FB_EMPTY": ""}.items():
        monkeypatch.setenv(name, text)
    monkeypatch.delenv("FB_NONE", raising=False)


def read(folder: Path, form: str, **settings: Any) -> dict[str, Any]:
    path = folder / f"run.{form}"
    lines = [f"{name}: {value}" for name, value in settings.items()]
    path.write_text(json.dumps(settings) if form == "json" else "\n".join(lines), encoding="utf-8")
    return read_settings(str(path)).raw


@pytest.mark.parametrize("form", ["yaml", "json"])
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${FB_PORT}", 8123),
        ("${FB_HOST}", "gpu-1"),
        ("http://${FB_HOST}:${FB_PORT}/v1", "http://gpu-1:8123/v1"),
        ("${FB_EMPTY}", None),
        ("a${FB_EMPTY}", "a"),
        ("$${FB_HOST}", "${FB_HOST}"),
        ("$${a $${", "${a ${"),
        ("$FB_HOST and {b}", "$FB_HOST and {b}"),
    ],
)
def test_what_a_variable_stands_for(tmp_path: Path, form: str, text: str, value: object) -> None:
    """A variable alone is a number where it holds one, inside a text it is text, and `$${` is `${` itself."""
    assert read(tmp_path, form, abbr=text) == {"abbr": value}


def test_quotes_make_it_text(tmp_path: Path) -> None:
    """In YAML a variable in quotes is text whatever it holds."""
    assert read(tmp_path, "yaml", abbr='"${FB_PORT}"') == {"abbr": "8123"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "${FB_NONE}",
            "names the environment variable FB_NONE, which is not set; export it, or write $${ for ${ itself",
        ),
        (
            "x${FB_NONE}y",
            "names the environment variable FB_NONE, which is not set; export it, or write $${ for ${ itself",
        ),
        ("${a b}", "has a ${ without a variable's name and }; write $${ for ${ itself"),
        ("${FB_HOST", "has a ${ without a variable's name and }; write $${ for ${ itself"),
    ],
)
def test_a_reference_that_leads_nowhere(tmp_path: Path, text: str, told: str) -> None:
    """Each variable that is not set, and each `${` that is no reference, is one sentence with its place."""
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, "yaml", num_prompts=1, work_dir=text, models=[])
    assert str(caught.value) == f"{tmp_path}/run.yaml, line 2: work_dir {told}"
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, "json", models=[{"abbr": text}], work_dir=text)
    file = f"{tmp_path}/run.json"
    assert str(caught.value) == f"{file}: models[0].abbr {told}\n{file}: work_dir {told}"


def test_what_is_no_setting_is_not_looked_at(tmp_path: Path) -> None:
    """A name of the file's own, such as an anchor's, needs no variables until a setting refers to it."""
    assert read(tmp_path, "yaml", **{"x-a": "&a ${FB_NONE}", "num_prompts": 1}) == {"num_prompts": 1}


def test_keys_stay_references(tmp_path: Path) -> None:
    """A key that is a variable alone is kept as the variable's name, so that a dump has it too."""
    models = '[{type: openai_chat, api_key: "${FB_TOKEN}", headers: {X-Key: "${FB_TOKEN}"}}]'
    raw = read(tmp_path, "yaml", models=models, datasets="[{type: synthetic, count: 1, input_len: 1}]")
    assert raw["models"][0]["api_key"] == "env:FB_TOKEN"
    dump = dump_yaml(build_run(raw, "run.yaml"))
    assert "api_key: env:FB_TOKEN" in dump
    assert "hunter2secret" not in dump


@pytest.mark.parametrize(
    "model",
    [
        'headers: {X-Key: "Basic ${FB_TOKEN}"}',
        'generation_kwargs: {auth_token: "${FB_TOKEN}"}',
        'generation_kwargs: {note: "${FB_TOKEN}"}',
        'mock: {api_key: "${FB_TOKEN}"}',
        'url: "http://host/${FB_TOKEN}"',
    ],
)
def test_keys_from_variables_are_hidden(tmp_path: Path, model: str) -> None:
    """What a variable holds whose name, or whose field, says that it is a key is hidden in all that is told."""
    (read_model,) = read(tmp_path, "yaml", models=f"[{{type: openai_chat, {model}}}]")["models"]
    assert "hunter2secret" in str(read_model)
    assert "hunter2secret" not in KNOWN.hide("it is hunter2secret!")
    assert KNOWN.hide("on gpu-1") == "on gpu-1"
