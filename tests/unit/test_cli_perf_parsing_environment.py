"""Options in the environment: the command line wins over them, and they win over the config."""

from pathlib import Path

import click
import pytest
from command_lines import options_of
from nursery import run_python

from fastbench.cli.perf.parsing import Action, action_of
from fastbench.config import RunConfig
from fastbench.errors import UsageError
from fastbench.options.settings import run_of_options
from fastbench.options.table import OPTIONS

CONFIG = """
models = [dict(type="openai_chat", url="http://c", retry=7)]
datasets = [dict(type="synthetic", count=3, input_len=5)]
"""


def plan(*words: str) -> RunConfig:
    """The run that the words and the environment describe."""
    options = options_of(*words)
    assert action_of(options) is Action.MEASURE
    return run_of_options(options).run


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for option in OPTIONS.values():
        monkeypatch.delenv(option.variable, raising=False)


def set_variables(monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"FASTBENCH_{name}", value)


def test_a_misspelt_variable_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable whose name is like an option's does not pass unnoticed."""
    set_variables(monkeypatch, CONCURENCY="4")
    told = r"FASTBENCH_CONCURENCY is no option's; did you mean FASTBENCH_CONCURRENCY\?"
    with pytest.raises(UsageError, match=told):
        plan("--url", "http://h")


def test_variables_that_are_no_options_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's keys, a cluster's variables of a service and those of our builds and tests are no mistakes."""
    others = {"API_KEY", "PORT", "SERVICE_HOST", "MOCK_SERVICE_HOST", "PORT_8000_TCP_ADDR", "SANITIZE", "COVERAGE"}
    for name in {*others, "TSAN", "STRIDE", "KILLS", "RECORDINGS", "TRACE_ROWS"}:
        set_variables(monkeypatch, **{name: "x"})
    assert plan("--url", "http://h").models[0].url == "http://h"


@pytest.mark.parametrize(
    ("name", "text", "option", "value"),
    [
        ("URL", "http://h", "url", "http://h"),
        ("INPUT_LEN", "5:9", "input_len", [5, 9]),
        ("MODELS", "a b*  c", "models", ("a", "b*", "c")),
        ("PROFILE", "50/s:30s 64:1s", "profile", 2),
        ("HEADER", "X-A: b c\n\n  X-B: d", "header", (("X-A", "b c"), ("X-B", "d"))),
        ("PARAM", 'stop="a b"', "param", (("stop", "a b"),)),
        ("METRICS_URL", "http://a\nhttp://b", "metrics_url", ("http://a", "http://b")),
        ("REUSE", "20260101_000000", "reuse", "20260101_000000"),
        ("DEBUG", "1", "debug", True),
        ("STREAM", "no", "stream", False),
        ("IGNORE_EOS", "true", "ignore_eos", True),
        ("API", "mindie", "api", "mindie_infer"),
    ],
)
def test_a_variable_is_its_option(
    name: str, text: str, option: str, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A variable is read as its option is; of several values each is one."""
    set_variables(monkeypatch, **{name: text})
    given = options_of()
    assert list(given) == [option]
    assert given[option] == value or len(given[option]) == value
    assert given.written(option) == f"FASTBENCH_{name}"


@pytest.mark.parametrize(("name", "text"), [("URL", ""), ("DEBUG", "0"), ("MOCK", "false"), ("DRY_RUN", "no")])
def test_a_variable_that_says_nothing(name: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty variable, and one that says no to a flag without an opposite, is as if it were not set."""
    set_variables(monkeypatch, **{name: text})
    assert options_of() == {}


def test_which_one_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line wins over the environment, and the environment over the config."""
    path = tmp_path / "run.py"
    path.write_text(CONFIG, encoding="utf-8")
    set_variables(monkeypatch, URL="http://e", RETRY="5", CONNECT_TIMEOUT="3s")
    (service,) = plan(str(path), "--retry", "4").models
    assert (service.url, service.retry, service.connect_timeout) == ("http://e", 4, 3 * 10**9)


@pytest.mark.parametrize(
    ("variables", "line", "kept"),
    [
        ({"URL": "http://e"}, "--mock", {"mock"}),
        ({"MOCK": "1", "MOCK_OPTION": "itl_ms=1"}, "--url h", {"url"}),
        ({"MODELS": "a", "DATASETS": "b", "CONFIG": "c.py"}, "run.py", {"config_file"}),
        ({"CONFIG": "c.py"}, "--models a", {"models"}),
        ({"URL": "http://e"}, "http://h", {"url"}),
        ({"CONFIG": "http://e"}, "--url h", {"url"}),
        ({"CUSTOM_DATASET_PATH": "a.csv", "CUSTOM_DATASET_DATA_TYPE": "qa"}, "--dataset b.jsonl", {"dataset"}),
        ({"STAGE": "stable"}, "--window 1s:", {"window"}),
    ],
)
def test_a_variable_gives_way(
    variables: dict[str, str], line: str, kept: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A variable that does not go with the command line, or needs one that does not, is left out."""
    set_variables(monkeypatch, **variables)
    given = options_of(*line.split())
    assert set(given) == kept
    assert not given.variables


def test_a_url_in_the_place_of_a_config(monkeypatch: pytest.MonkeyPatch) -> None:
    """A URL as the config of the environment is the service's, and named by that variable."""
    set_variables(monkeypatch, CONFIG="http://h:1")
    given = options_of()
    assert (dict(given), given.written("url")) == ({"url": "http://h:1"}, "FASTBENCH_CONFIG")


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"URL": "http://h", "MOCK": "1"}, "FASTBENCH_URL and FASTBENCH_MOCK name two services; give one of them"),
        ({"CONFIG": "http://h", "URL": "http://i"}, "'http://h' and FASTBENCH_URL name two services; give one of them"),
        (
            {"URL": "http://h", "RATE": "0/s"},
            "FASTBENCH_RATE is 0, which sends nothing; leave --rate out for a closed loop",
        ),
        ({"NODES": "2"}, "FASTBENCH_NODES goes with --ray ADDRESS, which is not given"),
        ({"URL": "http://h", "RETRY": "2000"}, "FASTBENCH_RETRY is 2000; it must be a whole number from 0 to 1000"),
        ({"URL": "ftp://h"}, "FASTBENCH_URL is 'ftp://h'; its scheme must be http or https"),
        ({"URL": "http://h", "DATASET": "a.jsonl", "SEED": "1"}, "FASTBENCH_SEED is for made prompts and markers"),
        ({"MODE": "all"}, "FASTBENCH_MODE all is about accuracy"),
        ({"URL": "http://h", "DATASETS": "nix"}, "--datasets nix: there is no such config"),
    ],
)
def test_a_bad_variable_is_named(variables: dict[str, str], told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is wrong with the value of a variable is told of the variable."""
    set_variables(monkeypatch, **variables)
    with pytest.raises(UsageError) as caught:
        plan()
    assert str(caught.value).startswith(told)
    assert "FASTBENCH_" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text"), [("RETRY", "x"), ("INPUT_LEN", "a"), ("HEADER", "hunter2"), ("STAGE", "x"), ("DEBUG", "maybe")]
)
def test_a_variable_of_another_form(name: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a variable's option cannot read is told with the variable's name, and a header is not shown."""
    set_variables(monkeypatch, **{name: text})
    with pytest.raises(click.BadParameter) as caught:
        options_of()
    told = caught.value.format_message()
    assert told.startswith(f"Invalid value for 'FASTBENCH_{name}': ")
    assert "hunter2" not in told


def test_the_command_in_an_environment(tmp_path: Path) -> None:
    """The command itself takes its options from the environment, and says in one line which variable is bad."""

    def told(**variables: str) -> str:
        named = {f"FASTBENCH_{name}": value for name, value in variables.items()}
        done = run_python(tmp_path, "perf", env=named)
        return done.stdout + done.stderr

    assert told(MOCK="1", DRY_RUN="1", NUM_PROMPTS="7").endswith("Nothing was sent.\n")
    assert told(RETRY="x") == (
        "fastbench: Invalid value for 'FASTBENCH_RETRY': 'x' is not a valid integer. See `fastbench perf --help`.\n"
    )
