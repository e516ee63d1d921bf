"""Settings without an effect are named before the run, and only those."""

from pathlib import Path
from typing import Any

import pytest

from fastbench.aisbench import build_run
from fastbench.config import without_effect
from fastbench.plan.load import load_of
from fastbench.plan.prepare import plan_run
from fastbench.run.machine import this_machine

TEXTS = {"type": "synthetic", "count": 10, "input_len": 5}
TALKS = {"type": "mtbench", "path": "talks.jsonl"}
RATES = [{"rate": 5, "duration": 1}]
CLIENTS = [{"concurrency": 5, "duration": 1}]
RAMP = {"ramp_up_strategy": "linear", "ramp_up_start_rps": 1, "ramp_up_end_rps": 5}


def remarks(model: dict[str, Any], dataset: dict[str, Any] = TEXTS, **settings: Any) -> list[str]:
    plan = {"models": [{"type": "openai_chat", "abbr": "m", **model}], "datasets": [dataset], **settings}
    return list(without_effect(build_run(plan, "run.py"), settings.get("num_prompts")))


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"drain": 1}, "drain"),
        ({"duration": 5, "profile": RATES}, "duration"),
        ({"duration": 5, "pressure": True}, "duration"),
        ({"pressure": True, "profile": CLIENTS}, "pressure"),
        ({"pressure_time": 5}, "pressure_time"),
        ({"think_time": 1}, "think_time"),
        ({"trace_speed": 2}, "trace_speed"),
        ({"on_full": "drop"}, "on_full"),
        ({"on_full": "drop", "profile": CLIENTS}, "on_full"),
    ],
)
def test_a_setting_of_the_run(settings: dict[str, Any], named: str) -> None:
    """What goes with another setting is named where that one is not there."""
    (remark,) = remarks({}, **settings)
    assert remark.startswith(f"{named} (--{named.replace('_', '-')}) has no effect with")


def test_what_no_prompts_are_made_of() -> None:
    """Markers for made prompts, and a seed without prompts or markers that are made of it, are told."""
    rows = {"type": "jsonl", "path": "rows.jsonl"}
    assert [bool(remarks({}, data, cache_bust="system")) for data in (TEXTS, rows)] == [True, False]
    assert [bool(remarks({}, rows, seed=1, cache_bust=bust)) for bust in ("none", "system")] == [True, False]


@pytest.mark.parametrize(
    ("model", "settings", "named"),
    [
        ({"traffic_cfg": {"burstiness": 1}}, {}, "traffic_cfg.burstiness"),
        ({"traffic_cfg": {"burstiness": 1}, "use_timestamp": True}, {}, "traffic_cfg.burstiness"),
        ({"traffic_cfg": {"burstiness": 1}}, {"profile": CLIENTS}, "traffic_cfg.burstiness"),
        ({"traffic_cfg": RAMP | {"ramp_up_end_rps": 0.5}}, {}, "traffic_cfg has no ramp"),
        ({"request_rate": 0.05}, {}, "request_rate is 0.05, so a request goes out each 20 s"),
        ({"use_timestamp": True}, {"profile": RATES}, "use_timestamp"),
        ({"use_timestamp": True}, {"pressure": True}, "pressure"),
    ],
)
def test_a_setting_of_a_service(model: dict[str, Any], settings: dict[str, Any], named: str) -> None:
    """What another setting takes the place of is named with its service, and so is a rate that AISBench drops."""
    (remark,) = remarks(model, **settings)
    assert remark.startswith(f"m: {named}")


def test_whatever_the_times_of_a_trace_replace() -> None:
    """Beside use_timestamp the rate, the ramp and the scatter are each named, and the rate is not called missing."""
    traffic = RAMP | {"burstiness": 0.5}
    told = remarks({"use_timestamp": True, "request_rate": 50, "traffic_cfg": traffic})
    assert [remark.partition(" has no effect with use_timestamp: ")[0] for remark in told] == [
        "m: request_rate (--rate)",
        "m: traffic_cfg.burstiness (--burstiness)",
        "m: the ramp of traffic_cfg (--ramp)",
    ]


@pytest.mark.parametrize(
    ("model", "late"),
    [
        ({"request_rate": 2}, True),
        ({"request_rate": 59 / 15}, True),
        ({"traffic_cfg": RAMP}, True),
        ({"traffic_cfg": RAMP | {"ramp_up_strategy": "exponential"}}, True),
        ({"request_rate": 4}, False),
        ({"traffic_cfg": RAMP | {"ramp_up_end_rps": 50}}, False),
        ({}, False),
    ],
)
def test_a_pressure_test_that_ends_before_all_its_clients_begin(model: dict[str, Any], late: bool) -> None:
    """It is told with the time of the last client in the schedule that would be run, and only such a test is."""
    run = build_run(
        {"models": [{"type": "openai_chat", "batch_size": 60, **model}], "datasets": [TEXTS], "pressure": True},
        "run.py",
    )
    slots = load_of(run.tasks()[0]).schedule(10).slots
    assert slots is not None
    last = max(slots.openings) / 1e9
    assert late == (last >= 15)
    sentence = f"the last of 60 clients would begin after {last:.4g} s: not all of them will send"
    assert [sentence in remark for remark in without_effect(run)] == [True] * late


@pytest.mark.parametrize(
    ("model", "dataset", "settings"),
    [
        ({}, TEXTS, {}),
        ({}, TEXTS, {"duration": 5, "drain": 1}),
        ({}, TEXTS, {"pressure": True, "pressure_time": 5, "drain": 1}),
        ({"request_rate": 5, "traffic_cfg": {"burstiness": 1}}, TEXTS, {"on_full": "drop"}),
        ({"request_rate": 5, "traffic_cfg": {"burstiness": 1}}, TEXTS, {"pressure": True}),
        ({"traffic_cfg": RAMP | {"burstiness": 1}}, TEXTS, {"on_full": "drop"}),
        ({"traffic_cfg": {"burstiness": 1}}, TEXTS, {"profile": RATES, "on_full": "drop", "drain": 1}),
        ({"use_timestamp": True}, TEXTS, {"trace_speed": 2}),
        ({}, TALKS, {"think_time": 1}),
    ],
)
def test_what_has_an_effect_is_not_named(model: dict[str, Any], dataset: dict[str, Any], settings: Any) -> None:
    """Where the other setting is there, nothing is said."""
    assert remarks(model, dataset, **settings) == []


@pytest.mark.parametrize("used", [True, False])
def test_time_stamps_that_nobody_uses(tmp_path: Path, used: bool) -> None:
    """A trace that is not sent by its times is told, one that is, is not."""
    trace = tmp_path / "trace.jsonl"
    trace.write_text('{"timestamp": 0, "input_length": 5, "output_length": 1}\n')
    model = {"type": "openai_chat", "url": "http://localhost:1", "use_timestamp": used}
    run = build_run({"models": [model], "datasets": [{"type": "mooncake", "path": str(trace)}]}, "run.py")
    told = [remark for remark in plan_run(run, this_machine()).remarks if "has time stamps" in remark]
    assert len(told) == (not used)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"duration": 1}, "duration"),
        ({"pressure": True}, "pressure_time"),
        ({"profile": RATES}, "profile"),
    ],
)
def test_a_number_of_prompts_beside_a_time(settings: dict[str, Any], told: str) -> None:
    """Where a time decides how many requests are sent, the number of prompts that was asked for does not."""
    (remark,) = remarks({}, num_prompts=6, **settings)
    assert remark.startswith(f"num_prompts (--num-prompts) is 6, but {told} decides how many requests are sent")
    assert remarks({}, **settings) == []
    assert remarks({}, num_prompts=6) == []
