"""A profile as the config has it, and what of it the options say."""

import re
from pathlib import Path
from typing import Any

import pytest
from click import BadParameter

from fastbench.cli.perf_settings import run_of_options
from fastbench.cli.sections import spread
from fastbench.cli.values import profile_stage, ramp
from fastbench.config.build import build_run
from fastbench.errors import ConfigError

PLAN = {"models": [{"type": "openai_chat"}], "datasets": [{"type": "synthetic", "count": 10, "input_len": 5}]}


@pytest.mark.parametrize(
    ("stages", "fault"),
    [
        ([{"rate": 5, "duration": 1}, {"concurrency": 4, "duration": 1}], "has stages with a rate and stages with"),
        ([{"rate": 0, "duration": 1}], "sends nothing"),
        ([{"rate": 5, "duration": "1000000h"}] * 2, "lasts more than 146 years in all"),
        ([{"concurrency": 0, "duration": 1}, {"concurrency": 0, "duration": 2}], "sends nothing"),
    ],
)
def test_stages_that_make_no_profile(stages: list[dict[str, Any]], fault: str) -> None:
    """Stages of two kinds, and stages that are all 0, are refused: half of them would be sent as nothing."""
    with pytest.raises(ConfigError, match=rf"^run\.py: profile {fault}"):
        build_run({**PLAN, "profile": stages}, "run.py")


def test_the_readmes_profile_is_taken_as_it_stands() -> None:
    """What the README gives `--profile` is the two stages of a run."""
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    (written,) = re.findall(r"`(--profile [^`]*)`", readme)
    stages = [profile_stage(part) for part in spread(written.split(), {"--profile"}) if part != "--profile"]
    assert [stage.rate for stage in build_run({**PLAN, "profile": stages}, "run.py").profile] == [50, 100]


def test_a_pause_in_a_profile() -> None:
    """A stage may be 0 where another one is not."""
    run = build_run({**PLAN, "profile": [{"rate": 0, "duration": 1}, {"rate": 5, "duration": 1}]}, "run.py")
    assert [float(stage.rate or 0) for stage in run.profile] == [0.0, 5.0]


def test_options_that_shape_the_load_are_named_themselves() -> None:
    """A fault is told of the option that has it, also where two of them make one field."""
    options = {"url": "http://localhost:1", "burstiness": -1.0, "ramp": ramp("1:70000")}
    with pytest.raises(ConfigError) as caught:
        run_of_options(options)
    assert [line.split(" is ")[0] for line in str(caught.value).splitlines()] == ["--burstiness", "--ramp"]


@pytest.mark.parametrize("text", ["10:5", "0:5", "-1:5", "0.01:0.1", "1:nan", "quadratic:1:5", "1", "1:2:3:4"])
def test_a_ramp_that_is_none_is_refused(text: str) -> None:
    """Who types a ramp wants one: what the guide takes for none must not pass for a closed loop."""
    with pytest.raises(BadParameter, match="ramp"):
        ramp(text)


def test_misspelled_settings_are_told_with_the_rest() -> None:
    """One look at the messages shows all that is wrong, and what was misspelled is not missing too."""
    with pytest.raises(ConfigError) as caught:
        build_run({"modles": [], "datasets": [], "num_promts": 5, "retry": 1} | {"num_warmups": -1}, "run.py")
    assert [line.split(" ", 1)[1][:24] for line in str(caught.value).splitlines()] == [
        "modles is not a setting;",
        "num_promts is not a sett",
        "retry is not a setting; ",
        "datasets is empty; name ",
        "num_warmups is -1; it mu",
    ]
