"""Configs by name: the user's own, then the presets."""

from pathlib import Path

import pytest

from fastbench.aisbench import PRESETS, build_run, find, read_named
from fastbench.errors import ConfigError


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A config directory of the user's."""
    root = tmp_path / "mine"
    files = {
        "models/a/fast.py": "models = [dict(type='openai_chat', abbr='fast'), dict(type='openai_chat', abbr='slow')]\n"
        "others = [dict(type='openai_chat', abbr='other')]\n",
        "models/vllm_api_general.py": "models = [dict(type='openai_chat', abbr='mine')]\n",
        "models/bad.py": "model = []\n",
        "models/odd.py": "models = 5\n",
        "datasets/sets.py": "one_datasets = [dict(type='synthetic', abbr='one', count=1, input_len=1)]\n"
        "two_datasets = [dict(type='synthetic', abbr='two', count=0, input_len=1)]\n",
        "datasets/plain.py": "datasets = [dict(type='synthetic', abbr='plain', count=1, input_len=1)]\n",
        "datasets/nothing.py": "x = 1\n",
        "summarizers/mine.py": "summarizer = dict(stats_list=['P50'])\nfew = dict(stats_list=['Min'])\n",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


def fault(wanted: dict[str, list[str]], own: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read_named(wanted, str(own))
    return str(caught.value).splitlines()


def test_presets_are_found_by_name() -> None:
    """A preset is found wherever it lies, whatever its letters' case; its path is absolute."""
    ((found,),) = find({"models": ["VLLM_API_STREAM_CHAT"]})
    assert found.path == PRESETS / "models" / "vllm_api" / "vllm_api_stream_chat.py"
    assert (found.name, found.path.is_absolute()) == ("vllm_api_stream_chat", True)


def test_the_users_own_come_first(own: Path) -> None:
    """A config of the user's with a preset's name stands in its place, without a remark."""
    named = read_named({"models": ["vllm_api_general"]}, str(own))
    assert [model["abbr"] for model in named.raw["models"]] == ["mine"]
    assert named.remarks == ()


def test_all_items_of_all_files_count(own: Path) -> None:
    """Several names bring all items of their files, in order, and each fault names the file that it is in."""
    named = read_named({"models": ["fast", "vllm_api_general"], "datasets": ["sets"]}, str(own))
    assert [model["abbr"] for model in named.raw["models"]] == ["fast", "slow", "mine"]
    assert [dataset["abbr"] for dataset in named.raw["datasets"]] == ["one", "two"]
    with pytest.raises(ConfigError) as caught:
        build_run(named.raw, "options", labels=named.labels)
    told = f"{own}/datasets/sets.py: two_datasets[0].count is 0; it must be a whole number from 1 to "
    assert str(caught.value).startswith(told)


def test_wildcards_take_the_first(own: Path) -> None:
    """Where several configs fit a pattern, the first is used, and the others are named."""
    assert len(find({"models": ["tgi*"]})[0]) == 2
    named = read_named({"models": ["tgi*"]}, str(own))
    assert [model["abbr"] for model in named.raw["models"]] == ["tgi-api-general"]
    assert named.remarks == ("several configs fit; tgi_api_general is used, not tgi_stream_api_general",)


def test_a_part_of_a_file(own: Path) -> None:
    """Behind a slash stands the end of a data set's variable, or another variable of a model or summarizer."""
    wanted = {"models": ["fast/others"], "datasets": ["sets/one_datasets"], "summarizer": ["mine/few"]}
    named = read_named(wanted, str(own))
    assert [model["abbr"] for model in named.raw["models"]] == ["other"]
    assert [dataset["abbr"] for dataset in named.raw["datasets"]] == ["one"]
    assert named.raw["summarizer"] == {"stats_list": ["Min"]}


def test_plain_lists_of_data_sets(own: Path) -> None:
    """A file may call its list just `datasets`."""
    assert read_named({"datasets": ["plain"]}, str(own)).raw["datasets"][0]["abbr"] == "plain"


def test_names_that_fit_nothing_are_told_together(own: Path) -> None:
    """Every name that leads nowhere is told, with the nearest that leads somewhere."""
    lines = fault({"models": ["vllm_api_stream_cht", "qqqq"], "datasets": ["synthetic_gem"]}, own)
    where = f"there is no such config in {own} or the presets"
    assert lines == [
        f"--models vllm_api_stream_cht: {where}; did you mean vllm_api_stream_chat?",
        f"--models qqqq: {where}; list all with --search",
        f"--datasets synthetic_gem: {where}; did you mean synthetic_gen?",
    ]


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ({"models": ["bad"]}, "{own}/models/bad.py: models is missing; did you mean models by model?"),
        ({"models": ["odd"]}, "{own}/models/odd.py: models is 5; it must be a list of dicts"),
        ({"datasets": ["nothing"]}, "{own}/datasets/nothing.py: datasets is missing; set it"),
        ({"datasets": ["sets/three"]}, "{own}/datasets/sets.py: three is missing"),
        ({"summarizer": ["mine/many"]}, "{own}/summarizers/mine.py: many is missing"),
    ],
)
def test_a_file_without_its_variable_is_told(own: Path, wanted: dict[str, list[str]], told: str) -> None:
    """A config that sets no list of its kind is told by its path."""
    (line,) = fault(wanted, own)
    assert line.startswith(told.format(own=own))


def test_a_config_dir_must_exist(tmp_path: Path) -> None:
    """A --config-dir that is no directory is refused; the usual one may be absent."""
    with pytest.raises(ConfigError, match=r"--config-dir .*/absent is not a directory; give one with models/"):
        find({"models": ["vllm_api_general"]}, str(tmp_path / "absent"))


@pytest.mark.parametrize(
    ("option", "name", "told"),
    [
        ("datasets", "prompts.jsonl", "give a file of prompts as --dataset FILE"),
        ("datasets", "rows.csv", "give a file of prompts as --custom-dataset-path FILE"),
        ("datasets", "textvqa_gen", "its prompts hold pictures, video or sound, and fastbench sends text only"),
        ("datasets", "TextVQA_gen_base64", "fastbench sends text only"),
        ("datasets", "vocalsound_gen", "fastbench sends text only"),
        ("datasets", "longbench_gen", "fastbench has no config for it; put its prompts into a JSONL file"),
        ("datasets", "longbenchv2_gen", "fastbench has no config for it"),
        ("models", "http://host:8000", "give a URL as --url URL"),
    ],
)
def test_names_of_what_is_no_config(own: Path, option: str, name: str, told: str) -> None:
    """A file, a URL, or a data set that fastbench does not have is told as such, not as a misspelling."""
    (line,) = fault({option: [name]}, own)
    assert told in line
    assert "did you mean" not in line


def test_the_guides_dict_in_a_named_file(own: Path) -> None:
    """A fault of a file that sets only `synthetic_config` is told by the path that it has there."""
    (own / "datasets" / "guide.py").write_text("synthetic_config = {'Type': 'nothing', 'RequestCount': 1}\n")
    named = read_named({"datasets": ["guide"]}, str(own))
    with pytest.raises(ConfigError) as caught:
        build_run({**named.raw, "models": [{"type": "openai_chat"}]}, "options", labels=named.labels)
    assert str(caught.value).startswith(f"{own / 'datasets' / 'guide.py'}: synthetic_config.Type is 'nothing'")


def test_a_named_config_may_be_yaml(tmp_path: Path) -> None:
    """A config by name may be YAML, with or without its suffix, and a fault in it has its line."""
    file = tmp_path / "models" / "mine.yaml"
    file.parent.mkdir()
    file.write_text("models:\n  - type: VLLMCustomAPIChat\n    retry: 1\n  - {type: tgi_generate, retry: -1}\n")
    for name in ("mine", "mine.yaml"):
        named = read_named({"models": [name]}, str(tmp_path))
        assert [model["type"] for model in named.raw["models"]] == ["VLLMCustomAPIChat", "tgi_generate"]
    raw = {**named.raw, "datasets": [{"type": "synthetic", "count": 1, "input_len": 1}]}
    with pytest.raises(ConfigError) as caught:
        build_run(raw, "options", labels=named.labels)
    assert str(caught.value) == (f"{file}, line 4: models[1].retry is -1; it must be a whole number from 0 to 1000")
