"""What a config says of the load: a profile, which options may say too, or a load shape by its name."""

import re
from pathlib import Path
from typing import Any

import jsonschema
import plugged_shapes
import pytest
import yaml
from click import BadParameter
from msgspec import Struct

from fastbench.aisbench import build_run, load_config
from fastbench.cli.perf.parsing import spread
from fastbench.config import ProfileStage, RunConfig, dump_yaml
from fastbench.config.files.schema import json_schema
from fastbench.errors import ConfigError
from fastbench.options import Options, run_of_options
from fastbench.options.values import load_shape, profile_stage, ramp
from fastbench.plan.shapes import LoadShape, LoadSpec
from fastbench.plan.shapes.closed import Concurrency, Pressure
from fastbench.plan.shapes.levels import Levels
from fastbench.plan.shapes.open import Constant, Gamma, Poisson, Ramp, Trace
from fastbench.plan.shapes.profile import Profile
from fastbench.registry import SHAPES
from fastbench.units import Duration, Rate

S = 10**9
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


def test_the_pages_profile_is_taken_as_it_stands() -> None:
    """What `docs/tasks.md` gives `--profile` is the two stages of a run."""
    page = (Path(__file__).parents[2] / "docs" / "tasks.md").read_text(encoding="utf-8")
    (written,) = re.findall(r"`(--profile [^`]*)`", page)
    stages = [profile_stage(part) for part in spread(written.split(), {"--profile"}) if part != "--profile"]
    assert [stage.rate for stage in build_run({**PLAN, "profile": stages}, "run.py").profile] == [50, 100]


def test_a_pause_in_a_profile() -> None:
    """A stage may be 0 where another one is not."""
    run = build_run({**PLAN, "profile": [{"rate": 0, "duration": 1}, {"rate": 5, "duration": 1}]}, "run.py")
    assert [float(stage.rate or 0) for stage in run.profile] == [0.0, 5.0]


def test_options_that_shape_the_load_are_named_themselves() -> None:
    """A fault is told of the option that has it, also where two of them make one field."""
    options = Options({"url": "http://localhost:1", "burstiness": -1.0, "ramp": ramp("1:70000")})
    with pytest.raises(ConfigError) as caught:
        run_of_options(Options(options))
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


def shaped(load: object, **settings: Any) -> RunConfig:
    return build_run({**PLAN, "load": load, **settings}, "run.py")


BUILT: list[tuple[dict[str, Any], LoadShape]] = [
    ({"type": "concurrency"}, Concurrency()),
    ({"type": "pressure"}, Pressure()),
    ({"type": "levels", "level": 16, "purpose": "ladder"}, Levels(level=16, purpose="ladder")),
    ({"type": "pressure", "opening": {"type": "constant", "rate": 2}}, Pressure(opening=Constant(rate=2.0))),
    ({"type": "constant", "rate": "300/min"}, Constant(rate=5.0)),
    ({"type": "poisson", "rate": 0.5}, Poisson(rate=0.5)),
    ({"type": "gamma", "rate": 5, "burstiness": 2}, Gamma(rate=5.0, burstiness=2.0)),
    (
        {"type": "ramp", "start": 1, "end": 9, "strategy": "exponential"},
        Ramp(start=1.0, end=9.0, strategy="exponential"),
    ),
    (
        {"type": "profile", "steps": [{"rate": "60/min", "duration": "2s"}]},
        Profile(steps=(ProfileStage(rate=Rate(1), duration=Duration(2 * S)),)),
    ),
    ({"type": "trace", "speed": 50}, Trace(speed=50.0)),
]


@pytest.mark.parametrize(
    ("load", "shape"),
    BUILT,
    ids=lambda value: value.name if isinstance(value, LoadShape) else "",
)
def test_a_load_shape_is_built_by_its_name(load: dict[str, Any], shape: LoadShape) -> None:
    """`load` names a shape, whose fields are checked like all others; a dump has it in a form that is read again."""
    run = shaped(load)
    assert run.load == run.tasks()[0].load == shape
    dumped = yaml.safe_load(dump_yaml(run))
    assert dumped["load"]["type"] == shape.name
    assert build_run(dumped, "again.yaml").load == shape
    assert shaped(shape).load == shape


def test_each_shape_of_fastbench_is_tried() -> None:
    """The shapes above are all that fastbench has."""
    assert {load["type"] for load, _ in BUILT} == set(SHAPES.names())


def test_no_load_is_none() -> None:
    """Without a shape the other settings say what the load is."""
    assert shaped(None).load is None


KNOWN = "concurrency, pressure, levels, constant, poisson, gamma, ramp, profile, trace"


@pytest.mark.parametrize(
    ("load", "told"),
    [
        ("ramp", "load is 'ramp'; it must be a dict with type, the name of a load shape, and its parameters"),
        ({}, f"load.type is missing; it must be one of {KNOWN}"),
        ({"type": 5}, f"load.type is 5; it must be one of {KNOWN}"),
        ({"type": "gama"}, "load.type is 'gama'; did you mean gamma?"),
        ({"type": "constant"}, "load.rate is missing; it must be a rate above 0, to 64000/s"),
        ({"type": "constant", "rate": 0}, "load.rate is 0; it must be a rate above 0, to 64000/s"),
        ({"type": "gamma", "rate": 1, "burst": 2}, "load.burst is not a known field; did you mean burstiness?"),
    ],
)
def test_a_load_shape_that_there_is_not(load: object, told: str) -> None:
    """A shape or a parameter that is wrong is one sentence with its path."""
    with pytest.raises(ConfigError) as caught:
        shaped(load)
    assert str(caught.value).startswith(f"run.py: {told}")


@pytest.mark.parametrize(
    ("model", "settings", "path"),
    [
        ({"request_rate": 5}, {}, "models[0].request_rate"),
        ({"use_timestamp": True}, {}, "models[0].use_timestamp"),
        ({"traffic_cfg": {"burstiness": 1}}, {}, "models[0].traffic_cfg"),
        ({}, {"pressure": True}, "pressure"),
        ({}, {"profile": [{"rate": 5, "duration": 1}]}, "profile"),
    ],
)
def test_a_load_shape_stands_alone(model: dict[str, Any], settings: dict[str, Any], path: str) -> None:
    """What else says when requests go out is refused beside `load`."""
    with pytest.raises(ConfigError) as caught:
        shaped({"type": "concurrency"}, models=[{**PLAN["models"][0], **model}], **settings)
    assert str(caught.value) == (
        f"run.py: {path} is set, and so is load, which says when requests go out too; set one of them"
    )


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        ([], "load.steps is empty; give it a stage"),
        ([{"rate": 5, "duration": 1}, {"concurrency": 4, "duration": 1}], "load.steps has stages with a rate and"),
        ([{"rate": 0, "duration": 1}], "load.steps sends nothing, as all of its stages are 0; give one of them more"),
        ([{"duration": 1}], "load.steps has a stage with neither rate nor concurrency, or with both; give it one"),
        ([{"rate": 5, "duration": "1000000h"}] * 2, "load.steps lasts more than 146 years in all"),
    ],
)
def test_steps_that_make_no_profile(steps: list[dict[str, Any]], told: str) -> None:
    """The steps of the shape `profile` are held to the same rules as the setting `profile`."""
    with pytest.raises(ConfigError) as caught:
        shaped({"type": "profile", "steps": steps})
    assert str(caught.value).startswith(f"run.py: {told}")


def test_a_load_shape_of_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shape of an installed package is built, checked, dumped, described in the schema and scheduled by its name."""
    with plugged_shapes.installed(tmp_path / "site", monkeypatch):
        run = shaped({"type": "waves", "of": 2, "every": "1s"})
        dumped = dump_yaml(run)
        assert "load:\n  type: waves\n  of: 2\n  every: 1s\n" in dumped
        assert build_run(yaml.safe_load(dumped), "again.yaml").load == run.load
        schedule = LoadSpec(shape=run.load, concurrency=9).schedule(4)
        assert schedule.offsets is not None
        assert schedule.offsets.tolist() == [0, 0, S, S]
        with pytest.raises(ConfigError, match=r"^run\.py: load\.of is 9; it must be a whole number from 1 to 8"):
            shaped({"type": "waves", "of": 9, "every": "1s"})
        with pytest.raises(ConfigError, match=r"^run\.py: load\.every must leave time for a wave"):
            shaped({"type": "waves", "of": 1, "every": "1ns"})
        schema = jsonschema.Draft202012Validator(json_schema())
        plan = {**PLAN, "models": [{"type": "openai_chat"}]}
        assert schema.is_valid({**plan, "load": {"type": "waves", "of": 2, "every": "1s"}})
        assert not schema.is_valid({**plan, "load": {"type": "waves", "of": 9, "every": "1s"}})
    with pytest.raises(ConfigError, match=rf"load\.type is 'waves'; it must be one of {KNOWN}$"):
        shaped({"type": "waves", "of": 2, "every": "1s"})


STEPS = Profile(steps=(ProfileStage(duration=Duration(10**9), rate=Rate(5)),), burstiness=1.0)


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("gamma:rate=20,burstiness=0.5", Gamma(rate=20.0, burstiness=0.5)),
        ("pressure", Pressure()),
        (
            'pressure:opening={"type":"ramp","start":1,"end":5,"strategy":"exponential"}',
            Pressure(opening=Ramp(start=1.0, end=5.0, strategy="exponential")),
        ),
        ('profile:steps=[{"duration":"1s","rate":"5/s"}],burstiness=1', STEPS),
    ],
)
def test_a_load_shape_with_parts(text: str, shape: Struct, tmp_path: Path) -> None:
    """An option gives a shape with its parameters, also those that are shapes or lists; YAML that says the same, as a
    dump does, is the same."""
    run = shaped(load_shape(text))
    assert run.load == shape
    path = tmp_path / "run.yaml"
    path.write_text(dump_yaml(run), encoding="utf-8")
    assert load_config(str(path)).load == shape
