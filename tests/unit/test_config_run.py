"""The settings of a run and its load: defaults, ranges, and the way from the run to its tasks."""

from typing import Any

import pytest

from fastbench.aisbench import build_run
from fastbench.config import RunConfig
from fastbench.errors import ConfigError
from fastbench.units import NS_PER_S

MODEL = {"type": "openai_chat"}
DATASET = {"type": "synthetic", "count": 10, "input_len": 5}


def build(**settings: Any) -> RunConfig:
    return build_run({"models": [MODEL], "datasets": [DATASET], **settings}, "run.py")


def test_defaults() -> None:
    """Without a word of the load a run is neither a pressure test nor bound by time, its tasks one by one."""
    run = build()
    assert (run.pressure, run.pressure_time, run.duration, run.drain) == (False, 15 * NS_PER_S, None, None)
    assert (run.on_full, run.max_num_workers, run.debug, run.spec_decode, run.stage) == (
        "wait",
        1,
        False,
        False,
        "total",
    )


def test_settings_reach_each_task() -> None:
    """What is said of the load holds for every task."""
    load: dict[str, Any] = {
        "num_prompts": 3,
        "num_warmups": 0,
        "pressure": True,
        "pressure_time": 20,
        "duration": "1min",
        "drain": "500ms",
        "on_full": "drop",
        "think_time": 0,
    }
    stable = {"calculator": {"type": "StablePerfMetricCalculator"}}
    (task,) = build(**load, summarizer=stable).tasks()
    assert (task.num_prompts, task.num_warmups, task.pressure, task.on_full, task.stage) == (
        3,
        0,
        True,
        "drop",
        "stable",
    )
    assert (task.pressure_time, task.duration, task.drain) == (20 * NS_PER_S, 60 * NS_PER_S, NS_PER_S // 2)


def test_each_task_has_words_of_its_own() -> None:
    """A run's fresh seed gives each task another one, the first the run's own; a seed that is named goes over all, and
    those of data sets over a fresh one."""
    models = [{"type": "openai_chat", "abbr": abbr} for abbr in "ab"]
    sets = [DATASET, {**DATASET, "abbr": "own", "seed": 3}]
    fresh, named = (build(models=models, datasets=sets, **{name: 5}).tasks() for name in ("fresh_seed", "seed"))
    assert [task.words_seed for task in fresh] == [5, 3, fresh[2].words_seed, 3]
    assert len({task.words_seed for task in named} | {fresh[2].words_seed}) == 4
    assert [task.dataset.seed for task in named] == [None, 3, None, 3]
    assert [task.cold for task in fresh] == [0, None, 0, None]
    assert [task.cold for task in named] == [None] * 4
    again = RunConfig.of_task(fresh[2]).tasks()[0]
    assert (again.dataset, again.cold) == (fresh[2].dataset, 0)


@pytest.mark.parametrize(
    ("service", "data", "cold"),
    [
        ({}, {"shared_prefix": 3}, 3),
        ({}, {"prefix_pool": {"count": 2, "length": 4}}, 4),
        ({"generation_kwargs": {"num_return_sequences": 2}}, {}, None),
    ],
)
def test_what_a_plan_promises_of_prompts(service: dict[str, Any], data: dict[str, Any], cold: int | None) -> None:
    """New prompts but for a prefix that is asked for; nothing where each is sent more than once."""
    (task,) = build(models=[{**MODEL, **service}], datasets=[{**DATASET, **data}], fresh_seed=1).tasks()
    assert task.cold == cold


@pytest.mark.parametrize(("bust", "cold"), [("none", None), ("first-turn", None), ("system", 0)])
def test_rows_of_a_file_with_markers(bust: str, cold: int | None) -> None:
    """Markers have the run's seed; only in front of all messages they make a promise."""
    (task,) = build(datasets=[{"type": "jsonl", "path": "x.jsonl"}], fresh_seed=4, cache_bust=bust).tasks()
    assert (task.cold, task.words_seed) == (cold, None if bust == "none" else 4)


def test_debugging_is_serial() -> None:
    """With `debug` the tasks run one after the other, whatever was asked for."""
    assert [build(max_num_workers=4, debug=debug).tasks_at_once for debug in (False, True)] == [4, 1]


def test_a_task_is_a_run() -> None:
    """The run of one task has that task and no other."""
    run = build(models=[MODEL | {"abbr": "a"}, MODEL | {"abbr": "b"}], duration=5, on_full="drop")
    task = run.tasks()[1]
    assert RunConfig.of_task(task).tasks() == [task]


def test_a_profile_is_a_list_of_stages() -> None:
    """Each stage says a duration, and a rate or a concurrency, all of them the same."""
    rates = build(profile=[{"duration": "10s", "rate": "60/min"}, {"duration": 5, "rate": 3}]).profile
    assert [(stage.duration, stage.rate, stage.concurrency) for stage in rates] == [
        (10 * NS_PER_S, 1, None),
        (5 * NS_PER_S, 3, None),
    ]
    (only,) = build(profile=[{"duration": 5, "concurrency": 3}]).profile
    assert (only.rate, only.concurrency) == (None, 3)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"num_prompts": 0}, "num_prompts is 0; it must be a whole number from 1 to 2147483647 or None"),
        ({"num_prompts": "all"}, "num_prompts is 'all'; it must be a whole number from 1 to 2147483647 or None"),
        ({"num_warmups": -1}, "num_warmups is -1; it must be a whole number from 0 to 1000000"),
        ({"pressure": 1}, "pressure is 1; it must be True or False"),
        ({"pressure_time": 0}, "pressure_time is 0; it must be a time above 0"),
        ({"pressure_time": 86_401}, "pressure_time is 86401; it must be at most 86400 seconds"),
        ({"duration": "soon"}, "duration is 'soon'; it must be a time above 0"),
        ({"drain": -1}, "drain is -1; it must be a time above 0"),
        ({"think_time": "x"}, "think_time is 'x'; it must be a time (a number of seconds"),
        ({"on_full": "queue"}, 'on_full is \'queue\'; it must be "wait" or "drop"'),
        ({"max_num_workers": 0}, "max_num_workers is 0; it must be a whole number from 1 to 1024"),
        ({"debug": "yes"}, "debug is 'yes'; it must be True or False"),
        ({"spec_decode": 2}, "spec_decode is 2; it must be True or False"),
        ({"work_dir": ""}, "work_dir is ''; it must be text that is not empty"),
        ({"profile": 5}, "profile is 5; it must be a list of dicts with duration and rate, or duration and conc"),
        ({"profile": [{"rate": 1}]}, "profile[0].duration is missing; it must be a time above 0"),
        ({"profile": [{"duration": 1}]}, "profile[0] must say either rate or concurrency"),
        ({"profile": [{"duration": 1, "rate": 1, "concurrency": 1}]}, "profile[0] must say either rate or"),
        ({"profile": [{"duration": 1, "rat": 1}]}, "profile[0].rat is not a known field; did you mean rate?"),
    ],
)
def test_a_bad_setting_is_told(settings: dict[str, Any], told: str) -> None:
    """Each rule of the run's settings has its sentence."""
    with pytest.raises(ConfigError) as caught:
        build(**settings)
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"run.py: {told}")
