"""Keywords of Python: the same run as the command line's words, and messages that name the keyword."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from command_lines import options_of

import fastbench as fb
from fastbench.api.settings import chosen_run, in_keywords, keywords_named
from fastbench.options import run_of_options

URL = "http://127.0.0.1:9"


@pytest.mark.parametrize(
    ("python", "text", "line"),
    [
        ({"concurrency": 3}, {"concurrency": "3"}, "--concurrency 3"),
        ({"input_len": [50, 500]}, {"input_len": "50:500"}, "--input-len 50:500"),
        ({"rate": 20, "burstiness": 1.0}, {"rate": "20/s", "burstiness": "1"}, "--rate 20/s --burstiness 1"),
        ({"duration": 30}, {"duration": "30s"}, "--duration 30s"),
        ({"load": {"type": "poisson", "rate": 20}}, {"load": "poisson:rate=20"}, "--load poisson:rate=20"),
        (
            {"profile": [{"duration": "30s", "rate": "50/s"}, {"duration": "9s", "rate": "4/s"}]},
            {"profile": ["50/s:30s", "4/s:9s"]},
            "--profile 50/s:30s 4/s:9s",
        ),
        ({"header": {"X-A": "b"}}, {"header": "X-A: b"}, "--header X-A:b"),
        ({"param": {"temperature": 0.5}}, {"param": ["temperature=0.5"]}, "--param temperature=0.5"),
        ({"stats": ["P50", "P99.9"]}, {"stats": "P50,P99.9"}, "--stats P50,P99.9"),
        ({"service_metrics": True}, {"service_metrics": "1s"}, "--service-metrics"),
        ({"stream": False, "precise": True}, {"stream": False, "precise": True}, "--no-stream --precise"),
        ({"work_dir": Path("o")}, {"work_dir": "o"}, "--work-dir o"),
        ({"api": "completions", "warmup_data": "dataset"}, {}, "--api completions --warmup-data dataset"),
        ({"pin": False, "drain": None}, {}, ""),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_keywords_are_the_options(python: dict[str, Any], text: dict[str, Any], line: str) -> None:
    """A keyword's value, its text and the command line's word make one run."""
    asked = run_of_options(options_of("--url", URL, *line.split())).run
    assert chosen_run(None, {"url": URL, **python}).run == asked
    if text:
        assert chosen_run(None, {"url": URL, **text}).run == asked


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"concurency": 3}, "there is no setting concurency=; did you mean concurrency=?"),
        ({"qps": 3}, "there is no setting qps=; use rate=N"),
        ({"concurrency": 0}, "concurrency= is 0; it must be a whole number from 1 to 100000"),
        ({"concurrency": "x"}, "concurrency= is wrong: 'x' is not a valid integer."),
        ({"insecure": "yes"}, "insecure= is wrong: it is of type str; give True or False."),
        ({"mock": True}, "url= and mock= name two services; give one of them"),
        ({"load": "gamma:rate=1", "rate": 3}, "load= and rate= both say when requests go out; give one of them"),
        ({"shard": "0/2"}, "shard= works on the command line only"),
        ({"api": "nope"}, "api= is wrong: 'nope' is not an API"),
        ({"trace_speed": 0}, "trace_speed= is 0"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_messages_name_the_keyword(settings: dict[str, Any], message: str) -> None:
    """What is wrong with a keyword is a UsageError that calls it as Python does."""
    with pytest.raises(fb.UsageError) as caught, keywords_named():
        chosen_run(None, {"url": URL, **settings})
    assert message in str(caught.value)
    assert "--" not in str(caught.value)


def test_words_for_commands_are_left_alone() -> None:
    """Only options outside of commands become keywords."""
    told = in_keywords("give --input-len N, --mock or --url http://host:80 (`fastbench perf --search`), not --other")
    assert told == "give input_len=N, mock= or url=http://host:80 (`fastbench perf --search`), not --other"


def test_settings_in_messages_hide_what_is_in_them() -> None:
    """A mapping in the place of a config is not repeated by the message about it: a key may stand in it."""
    with pytest.raises(fb.UsageError) as caught:
        chosen_run({"models": [{"api_key": "sk-secret"}]}, {"models": ["vllm_api_general"]})
    assert "sk-secret" not in str(caught.value)


def test_a_checked_config_takes_no_settings() -> None:
    """A RunConfig is carried out as it is; keywords over it are refused by name."""
    run = chosen_run(URL, {}).run
    assert chosen_run(run, {}).run is run
    with pytest.raises(fb.UsageError, match="rate= cannot change a RunConfig"):
        chosen_run(run, {"rate": 3})


def test_a_url_twice_is_refused() -> None:
    """The first argument and `url=` do not both name a service."""
    with pytest.raises(fb.UsageError, match="two services"):
        chosen_run(URL, {"url": URL})
