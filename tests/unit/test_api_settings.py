"""Keywords of Python: the same run as the command line's words, and messages that name the keyword."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_lines import options_of
from every import every
from msgspec import structs

import fastbench as fb
from fastbench.api.settings import chosen_run
from fastbench.config import build_run, dump_config
from fastbench.options import OPTIONS, in_keywords, keywords_named, run_of_options

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
        ({"load": {"type": "gama"}}, "load: type is 'gama'; did you mean gamma?"),
        ({"profile": [{"duration": "1s"}]}, "profile[0] must say either rate or concurrency"),
        ({"header": {"A b": "c"}}, "header['A b'] is named 'A b'"),
        ({"param": 3}, "param= is wrong: it is of type int; give a mapping, or text."),
        ({"models": [5]}, "models= is wrong: it is of type int; give text."),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_messages_name_the_keyword(settings: dict[str, Any], message: str) -> None:
    """What is wrong with a keyword is a UsageError that calls it as Python does."""
    with pytest.raises(fb.UsageError) as caught, keywords_named():
        chosen_run(None, {"url": URL, **settings})
    assert message in str(caught.value)
    assert "--" not in str(caught.value)


def test_settings_of_the_simulated_service_are_named() -> None:
    """A fault in the mapping that `mock=` takes names the keyword and the setting in it."""
    with pytest.raises(fb.ConfigError, match=r"^mock\.ttft_ms: must be a number"), keywords_named():
        chosen_run(None, {"mock": {"ttft_ms": "x"}})


ODD = (5, 1.5, "x", [1], {"a": 1}, {1: 2}, object(), (), b"x", True, [None])


@pytest.mark.parametrize("every_nth", [3, pytest.param(1, marks=pytest.mark.slow)])
def test_no_value_is_a_fault_of_ours(every_nth: int) -> None:
    """Whatever is given for an option, it is taken or refused in words; plainly a third of what there is to give, each
    option and each value among it."""
    pairs = [(name, value) for name in OPTIONS for value in ODD]

    @every(("name", "value"), pairs[::every_nth])
    def check(name: str, value: object) -> None:
        # One that stands in the place of the URL may be refused beside it before it is looked at.
        for others in ({"url": URL}, {}):
            with contextlib.suppress(fb.FastbenchError):
                chosen_run(None, {**others, name: value})
                break

    check()


def test_numbers_of_numpy_are_numbers() -> None:
    """A sweep over arrays needs no conversion: by keyword, in lists, in mappings, and in a config."""
    keywords = {
        "concurrency": np.arange(4, 5)[0],
        "rate": np.float32(2.5),
        "input_len": np.array([5, 9]),
        "load": None,
        "param": {"top_k": np.int16(3)},
        "pin": np.bool_(1),
    }
    plain = {"concurrency": 4, "rate": 2.5, "input_len": [5, 9], "param": {"top_k": 3}, "pin": True}
    assert chosen_run(None, {"url": URL, **keywords}).run == chosen_run(None, {"url": URL, **plain}).run
    counted = {"type": "synthetic", "input_len": 4, "output_len": 2, "count": np.int64(3)}
    run = chosen_run({"models": [{"type": "openai_chat", "url": URL}], "datasets": [counted]}, {}).run
    assert f"'count': {run.datasets[0].count}," in dump_config(run)


def test_names_are_text() -> None:
    """A mapping with a name that is no text is refused."""
    with pytest.raises(fb.UsageError, match="the config has the name 1, of type int"):
        chosen_run({"models": [], 1: 3}, {})


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


def test_a_config_made_by_hand_is_checked() -> None:
    """A RunConfig of `build_run` is taken; one whose parts, or whose settings, nothing has checked is not."""
    whole = build_run(
        {
            "models": [{"type": "openai_chat"}],
            "datasets": [{"type": "synthetic", "input_len": 4, "output_len": 2, "count": 3}],
            "duration": "2s",
        },
        "mine",
    )
    assert chosen_run(whole, {}).run is whole
    for models in ((), ({"type": "openai_chat"},)):
        with pytest.raises(fb.UsageError, match=r"made by hand .* fastbench\.config\.build_run"):
            chosen_run(structs.replace(whole, models=models), {})
    with pytest.raises(fb.UsageError, match="the RunConfig: num_warmups is 'x'; it must be a whole number"):
        chosen_run(structs.replace(whole, num_warmups="x"), {})


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"stop": threading.Event()}, r"stop= is of type Event; give a fastbench\.Stop"),
        ({"on_progress": 5}, "on_progress= is of type int; give a function"),
    ],
)
def test_what_could_not_be_called_is_refused_at_once(wrong: dict[str, Any], told: str, tmp_path: Path) -> None:
    """A stop or an observer that is none is told before there is a run's directory."""
    for run in (fb.run, fb.run_all):
        with pytest.raises(fb.UsageError, match=told):
            run(mock=True, work_dir=tmp_path / "out", **wrong)
    assert not (tmp_path / "out").exists()


def test_a_url_twice_is_refused() -> None:
    """The first argument and `url=` do not both name a service."""
    with pytest.raises(fb.UsageError, match="two services"):
        chosen_run(URL, {"url": URL})
