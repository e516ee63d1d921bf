"""What was given, what the user means by it, and what the command is to do."""

import json
import shlex
from pathlib import Path

import pytest
from command_lines import options_of
from msgspec import structs

from fastbench.cli.perf.parsing import Action, action_of, understood
from fastbench.errors import UsageError
from fastbench.options import Options, run_of_options


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run.py").touch()
    (tmp_path / "out" / "20261128_120000").mkdir(parents=True)


@pytest.mark.parametrize("option", ["config_file", "config"])
@pytest.mark.parametrize(
    "text",
    [
        "http://host:8000",
        "https://host",
        " http://host:8000 ",
        "host:8000",
        "localhost:8000/v1",
        "127.0.0.1:80",
        "ftp://h",
    ],
)
def test_a_url_is_the_services(option: str, text: str) -> None:
    """A URL, also one without its scheme, in the place of a config is --url."""
    assert understood(Options({option: text, "retry": 1})) == {"url": text, "retry": 1}


def test_two_urls() -> None:
    """Two URLs are two services; neither's password is shown."""
    with pytest.raises(UsageError, match=r"and --url name two services; give one of them") as caught:
        understood(Options({"config_file": "http://me:hunter2@host", "url": "http://other"}))
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("text", ["run.py", "missing.py", "configs/missing.yaml", "missing.json"])
def test_a_config_is_one(text: str) -> None:
    """What is or looks like a config is left to be read as one, or to be missed."""
    assert understood(Options({"config_file": text})) == {"config_file": text}


@pytest.mark.parametrize(
    ("text", "option"),
    [
        ("prompts.jsonl", "--dataset"),
        ("prompts.json", "--custom-dataset-path"),
        ("a/rows.csv", "--custom-dataset-path"),
    ],
)
def test_prompts_have_an_option(text: str, option: str) -> None:
    """A file of prompts is told to be one, with the option that takes it."""
    Path(text).parent.mkdir(exist_ok=True)
    Path(text).write_text('[{"prompt": "a"}]')
    with pytest.raises(UsageError) as caught:
        understood(Options({"config_file": text}))
    assert f"give it as {option} FILE" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "is_config"),
    [
        ('{"models": [], "datasets": []}', True),
        ('{"model": []}', True),
        ('{"models": [1,}', True),
        (' [{"prompt": "a"}]', False),
        ('{"prompt": "a"}', False),
        ('{"prompt": "a"}\n{"prompt": "b"}', False),
    ],
)
def test_json_is_a_config_or_prompts(text: str, is_config: bool) -> None:
    """A JSON file is a config if it is an object with a setting in it, if only a misspelt or a broken one."""
    Path("x.json").write_text(text)
    given = Options({"config_file": "x.json"})
    if is_config:
        assert understood(given) == given
    else:
        with pytest.raises(UsageError, match=r"x\.json is no config: .* --custom-dataset-path FILE"):
            understood(given)


@pytest.mark.parametrize("text", ["host", "10.0.0.1", "host/v1", "x.toml"])
def test_what_is_nothing_has_a_hint(text: str) -> None:
    """What is neither there nor a URL is told how a service is written, and how a config ends."""
    with pytest.raises(UsageError, match=rf"write http://{text}; a config ends in \.py, \.yaml, \.yml or \.json"):
        understood(Options({"config_file": text}))


@pytest.mark.parametrize("text", ["out/20261128_120000", "out/20261128_120000/"])
def test_a_run_has_an_option(text: str) -> None:
    """A directory is told to be none of a config's, with the option that continues the run in it."""
    with pytest.raises(UsageError, match="--reuse 20261128_120000 --work-dir out"):
        understood(Options({"config_file": text}))


@pytest.mark.parametrize(("option", "alone"), [("reuse", "latest"), ("service_metrics", "1s"), ("ray", "auto")])
def test_an_option_does_not_swallow_the_config(option: str, alone: str) -> None:
    """A config behind an option whose value may be left out is the config, and the option has its default."""
    assert understood(Options({option: "run.py"})) == {option: alone, "config_file": "run.py"}
    kept = {option: "5s", "config_file": "run.py"}
    assert understood(Options(kept)) == kept


@pytest.mark.parametrize(
    ("options", "action"),
    [
        ({}, Action.MEASURE),
        ({"mode": "perf"}, Action.MEASURE),
        ({"dry_run": True}, Action.DRY_RUN),
        ({"mode": "perf", "search": True, "reuse": "x"}, Action.SEARCH),
        ({"mode": "perf_viz", "search": True}, Action.SEARCH),
        ({"reuse": "x"}, Action.CONTINUE),
        ({"mode": "perf_viz", "reuse": "latest"}, Action.REPORT_AGAIN),
    ],
)
def test_ways_to_go(options: dict[str, object], action: Action) -> None:
    """The mode and the flags lead to one action; searching goes before all else."""
    assert action_of(Options(options)) is action


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"mode": "all"}, "--mode all is about accuracy, which fastbench does not measure; use perf to measure, or"),
        ({"mode": "infer_judge"}, "--mode infer_judge is about accuracy"),
        ({"mode": "perv"}, "--mode perv is no mode; use perf to measure, or perf_viz to report a finished run again"),
        ({"mode": "perf_viz"}, "--mode perf_viz reports a finished run again; name it with --reuse RUN"),
    ],
)
def test_what_cannot_be_done_is_told(options: dict[str, object], told: str) -> None:
    """A mode that there is not, or that lacks its run, is one sentence with the way out."""
    with pytest.raises(UsageError) as caught:
        action_of(Options(options))
    assert str(caught.value).startswith(told)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("--mode perf_viz -r x --dry-run", "--dry-run shows the plan of a new run, --reuse resumes an old one"),
        ("-r x --dry-run", "--dry-run shows the plan of a new run, --reuse resumes an old one; give one"),
        ("-r x --shard 0/2 --start-at +9s", "--reuse resumes a whole run, --shard sends a part of one; give one"),
        ("-r x --ray auto --nodes 2", "--reuse resumes a run from this host only; leave --ray and --nodes out"),
        ("--ray auto --nodes 2 --shard 0/2", "--ray and --shard both split the load among hosts; give one of them"),
        ("--ray auto", "--ray needs --nodes N, the number of nodes that send"),
        ("--nodes 2", "--nodes goes with --ray ADDRESS, which is not given"),
        ("--shard 0/2", "--shard needs --start-at TIME, the same time for all shards"),
        ("--start-at +9s", "--start-at goes with --shard I/N, which is not given"),
        ("run.py --search", "--search lists configs by name, run.py is a path; give one of them"),
        ("--config run.py --search", "--search lists configs by name, --config is a path; give one"),
        ("--config run.py --datasets a", "--datasets and --config name two plans; give one of them"),
        ("--url ''", "--url is empty; give the service's base URL, such as http://host:8000"),
    ],
)
def test_what_does_not_go_together_is_told(line: str, told: str) -> None:
    """Options that exclude or need each other are one sentence with the way out, whatever the command is to do."""
    with pytest.raises(UsageError) as caught:
        options_of(*shlex.split(line))
    assert str(caught.value).startswith(told)


def test_what_was_given() -> None:
    """Only what was given is an option: no default, but the opposite of a flag, and a value that means None."""
    options = options_of("--no-stream", "--num-prompts", "none", "--retry", "0", "-q", "--param", "a=0")
    assert options == {"stream": False, "num_prompts": None, "retry": 0, "quiet": True, "param": (("a", 0),)}


def test_a_config_of_each_form_is_one_run() -> None:
    """A .py, a .yaml and a .json that say the same are the same run, by their place and by --config."""
    asked = {"models": [{"type": "openai_chat", "url": "http://h"}], "num_prompts": 3}
    asked["datasets"] = [{"type": "synthetic", "count": 9, "input_len": 8, "output_len": 2}]
    Path("run.json").write_text(json.dumps(asked))
    # JSON is YAML, too.
    Path("run.yaml").write_text(json.dumps(asked))
    Path("run.py").write_text("".join(f"{name} = {value!r}\n" for name, value in asked.items()))
    lines = [[*option, f"run.{form}"] for form in ("json", "yaml", "py") for option in ([], ["--config"])]
    first, *others = (structs.replace(run_of_options(options_of(*line)).run, source=None) for line in lines)
    assert first.num_prompts == 3
    assert others == [first] * 5
