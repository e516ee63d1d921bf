"""YAML and JSON configs: the same settings as Python's, data alone, with the line of what is wrong."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastbench.aisbench import load_config
from fastbench.config import RunConfig, build_run, dump_config, dump_json, dump_yaml, public_run
from fastbench.config.files import read_settings
from fastbench.config.files.documents import Environment, parse_json, scalar_of
from fastbench.config.files.yaml_nodes import parse_yaml, yaml_of
from fastbench.errors import ConfigError

SETTINGS: dict[str, Any] = {
    "models": [{"type": "openai_chat", "abbr": "a", "url": "http://host:8000", "request_timeout": "90s"}],
    "datasets": [{"type": "synthetic", "count": 10, "input_len": [1, 9]}],
    "num_prompts": 7,
}
YAML = """
x-service: &service
  type: openai_chat
  url: http://host:8000
models:
  - {<<: *service, abbr: a, request_timeout: 90s}
datasets:
  - type: synthetic
    count: 10
    input_len: [1, 9]
num_prompts: 7
"""


def write(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def fault(path: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    return str(caught.value)


def run_of(path: str) -> RunConfig:
    return build_run(read_settings(path).raw, path)


def test_the_three_forms_say_the_same(tmp_path: Path) -> None:
    """A run in YAML, in JSON and in Python is the same run."""
    python = "\n".join(f"{name} = {value!r}" for name, value in SETTINGS.items())
    texts = {"run.py": python, "run.yaml": YAML, "run.YML": YAML, "run.json": json.dumps(SETTINGS)}
    runs = [run_of(write(tmp_path, name, text)) for name, text in texts.items()]
    assert runs == [build_run(SETTINGS, "")] * 4


def test_aisbench_names_may_stand_in_yaml(tmp_path: Path) -> None:
    """A class of AISBench's in YAML is translated, and a fault in its dicts has the line of the field as written."""
    text = YAML.replace("openai_chat", "VLLMCustomAPIChatStream").replace("type: synthetic", "type: GSM8KDataset")
    text = text.replace(
        "    count: 10\n    input_len: [1, 9]\n", "    path: /d\n    reader_cfg:\n      test_range: -2\n"
    )
    path = write(tmp_path, "run.yaml", text)
    missing, wrong = fault(path).splitlines()
    assert missing.startswith(f"{path}, line 8: datasets[0].template is missing; it must be text or a list of ")
    assert wrong.startswith(
        f"{path}, line 11: datasets[0].reader_cfg.test_range is -2; it must be a whole number of rows"
    )


@pytest.mark.parametrize(
    ("old", "new", "line", "told"),
    [
        ("num_prompts: 7", "num_prompts: -7", 11, "num_prompts is -7; it must be a whole number from 1"),
        ("count: 10", "count: ten", 9, "datasets[0].count is 'ten'; it must be a whole number from 1"),
        ("[1, 9]", "\n      - 1", 10, "datasets[0].input_len is [1]; it must be a whole number or [least, most]"),
        ("num_prompts: 7", "num_prompt: 7", 11, "num_prompt is not a setting; did you mean num_prompts?"),
        ("num_prompts: 7", "zzzzzz: 7", 11, "zzzzzz is not a setting; known are models, datasets, "),
        ("count: 10", "type: jsonl", 9, "datasets[0].type stands twice; leave one of them out"),
        ("count: 10", "count: !!python/name:os.system", 9, "datasets[0].count has the tag tag:yaml.org,2002:python/"),
        (
            "count: 10",
            "count: [",
            11,
            "while parsing a flow sequence; expected ',' or ']', but got '<scalar>'",
        ),
        ("count: 10", "<<: 5", 9, "datasets[0].<< must be a mapping, or a list of them"),
        ("count: 10", "? [a]\n    : 5", 9, "datasets[0] has a key that is no text; write a name"),
        ("*service", "*none", 6, "found undefined alias 'none'; the config must be YAML"),
        ("num_prompts: 7", "--- {}", 11, "expected a single document in the stream; but found another document"),
    ],
)
def test_a_fault_in_yaml_has_its_line(tmp_path: Path, old: str, new: str, line: int, told: str) -> None:
    """What is wrong with YAML, or with a setting in it, is one sentence with file and line."""
    path = write(tmp_path, "run.yaml", YAML.replace(old, new))
    assert fault(path).startswith(f"{path}, line {line}: {told}")


@pytest.mark.parametrize("text", ["a: &a [*a]", "a: &a {b: *a}", "a: &a {<<: *a}", "a: " + "[" * 200 + "]" * 200])
def test_yaml_that_never_ends_is_refused(tmp_path: Path, text: str) -> None:
    """A document that refers to itself, or that is nested too deep, is refused and does not hang."""
    assert "nests more than 100 deep" in fault(write(tmp_path, "run.yaml", text))


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("run.json", '{"models": 1,\n "models": 2}', ": models stands twice in one object; leave one of them out"),
        ("run.json", '{"models":\n [}', ", line 2: Expecting value; the config must be JSON"),
        ("run.json", '{"num_prompts": NaN}', ": NaN is no number of JSON; write a finite one"),
        ("run.json", "[]", ": the config must be an object of settings, such as models and datasets"),
        ("run.json", "[" * 100_000, ": the config nests more than 100 deep; flatten it"),
        ("run.json", '{"a":' * 101 + "1" + "}" * 101, ": the config nests more than 100 deep; flatten it"),
        ("run.yaml", "- a", ": the config must be a mapping of settings, such as models and datasets"),
        ("run.yaml", "", ": the config must be a mapping of settings, such as models and datasets"),
        ("run.yaml", "a: \x01", ": unacceptable character #x0001"),
    ],
)
def test_what_is_no_config(tmp_path: Path, name: str, text: str, told: str) -> None:
    """A document that holds no settings is told by its file."""
    path = write(tmp_path, name, text)
    assert fault(path).startswith(f"{path}{told}")


def test_aliases_of_aliases_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A few lines of aliases that stand for more values than a config can have are refused with the line."""
    monkeypatch.setattr("fastbench.config.files.yaml_nodes._MOST", 1000)
    lines = [f"{b}: &{b} [*{a}, *{a}, *{a}, *{a}]" for a, b in pairwise("abcdefgh")]
    path = write(tmp_path, "run.yaml", "\n".join(["a: &a [1]", *lines]))
    assert "makes more than 1000 values in all; use fewer aliases" in fault(path)


def test_a_file_in_another_encoding_is_told(tmp_path: Path) -> None:
    """YAML and JSON are UTF-8, with or without a mark of the byte order."""
    path = tmp_path / "run.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + YAML.encode())
    assert run_of(str(path)).num_prompts == 7
    path.write_bytes("a: ä".encode("latin-1"))
    assert fault(str(path)) == f"{path}: the config is not in UTF-8 (byte 3); save it so"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None), ("~", None), ("Null", None), ("true", True), ("FALSE", False), ("yes", "yes"), ("on", "on"),
        ("12", 12), ("-3", -3), ("1e3", 1000.0), (".5", 0.5), ("1.", 1.0), ("1:30", "1:30"), ("0x10", "0x10"),
        ("2026-01-02", "2026-01-02"), ("30s", "30s"), ("1_000", "1_000"), ("-.inf", float("-inf")),
    ],
)  # fmt: skip
def test_scalars(text: str, value: object) -> None:
    """Words and numbers without quotes are those of YAML 1.2: no "yes", no dates, no minutes."""
    found = scalar_of(text)
    assert (found, type(found)) == (value, type(value))


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]))
    | st.sampled_from(["1e3", "yes", "~", ".5", "null", "<<", "12", "2026-01-02", "0x10", " a", "a: b", "- a"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "<<"]), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["a", "b", "c"]), VALUES, max_size=3))
def test_what_is_written_is_read_again(settings: dict[str, Any]) -> None:
    """Any settings without `${` come back as they are from the YAML and the JSON that they are written as."""
    nothing = Environment("run")
    assert parse_yaml(yaml_of(settings), "run", nothing)[0] == settings or "${" in str(settings)
    assert parse_json(json.dumps(settings), "run", nothing)[0] == settings or "${" in str(settings)


def test_a_dump_is_the_same_run(tmp_path: Path) -> None:
    """A run that is written as YAML, JSON or Python is the same run when it is read again, `${` in texts included."""
    more = {
        "abbr": "b",
        "generation_kwargs": {"stop": ["${X}", "1e3", "$${"], "top_p": 1e-7},
        "headers": {"X-A": "yes"},
    }
    raw = SETTINGS | {"models": [*SETTINGS["models"], SETTINGS["models"][0] | more], "summarizer": {"stage": "30s:90s"}}
    run = build_run(raw, "")
    for name, text in {"a.yaml": dump_yaml(run), "a.json": dump_json(run), "a.py": dump_config(run)}.items():
        again = run_of(write(tmp_path, name, text))
        assert (again, public_run(again)) == (run, public_run(run))
