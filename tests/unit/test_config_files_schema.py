"""The JSON Schema of configs: it takes what the check takes, and refuses nothing else."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from msgspec import defstruct

from fastbench.config import build_run, public_run
from fastbench.config.files.schema import field_words, json_schema
from fastbench.config.run import SETTINGS
from fastbench.config.services import ServiceConfig
from fastbench.errors import ConfigError
from fastbench.registry import Registry

DOCS = Path(__file__).parents[2] / "docs"
MODEL: dict[str, Any] = {"type": "openai_chat"}
DATASET: dict[str, Any] = {"type": "synthetic", "count": 10, "input_len": 5}


@cache
def the_schema() -> dict[str, Any]:
    """Made once, and not for those who only collect tests."""
    return json_schema()


@cache
def validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(the_schema())


def config(model: dict[str, Any] | None = None, dataset: dict[str, Any] | None = None, **run: Any) -> dict[str, Any]:
    return {"models": [MODEL | (model or {})], "datasets": [DATASET | (dataset or {})], **run}


def faults(raw: object) -> list[str]:
    return [error.json_path for error in validator().iter_errors(raw)]


def examples() -> list[str]:
    """The YAML examples of configs in the documentation; YAML of other tools is fenced as `yml`."""
    pages = (page.read_text(encoding="utf-8") for page in sorted(DOCS.glob("*.md")))
    return [text for page in pages for text in re.findall(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)]


def test_it_is_a_schema() -> None:
    """It holds the rules of its draft, and describes each setting and each field."""
    jsonschema.Draft202012Validator.check_schema(the_schema())
    assert the_schema()["properties"].keys() == set(SETTINGS)
    assert the_schema()["$defs"]["ServiceConfig"]["properties"].keys() == set(ServiceConfig.__struct_fields__)


def test_words_are_those_of_the_fields() -> None:
    """A field's description is its docstring, inherited ones too, and what it allows."""
    assert field_words(ServiceConfig)["batch_size"] == "The most requests in flight."
    told = the_schema()["properties"]["num_prompts"]["description"]
    assert (
        told
        == "The most samples to send; None = the whole data set. Allowed: a whole number from 1 to 2147483647 or None."
    )


@pytest.mark.parametrize("text", examples())
def test_the_examples_of_the_documentation(text: str) -> None:
    """Each config in YAML that the documentation shows is one for the schema, its variables not yet replaced."""
    raw = yaml.safe_load(text)
    assert faults(raw) == [], raw


def test_there_are_examples() -> None:
    """The page about configs shows YAML."""
    assert examples()


GAUSSIAN = {"method": "gaussian", "mean": 5, "var": 2.5, "low": 1, "high": 9}
ROUNDS = [{"role": "user", "content": "{question}"}]
GOOD = [
    config(),
    config({"request_timeout": None, "request_rate": "3/s", "connect_timeout": "1.5 s", "headers": {"A": "b"}}),
    config({"traffic_cfg": {"burstiness": 1, "ramp_up_strategy": None}, "generation_kwargs": {"stop": [{}]}}),
    config({"mock": {"port": 0}, "metrics_url": ["http://a"], "length_field": ""}),
    config(None, {"input_len": [1, 9], "output_len": GAUSSIAN}),
    config(None, {"input_len": None, "mix": [{"input_len": 5, "weight": 0.5}]}),
    config(None, {"prefix_pool": {"count": 2, "length": 3, "hit_ratio": None}}),
    config(profile=[{"rate": 5, "duration": "1min"}], workers=3, think_time=0, service_metrics=0.1, load=None),
    config(summarizer={"stats_list": ["P99"], "stage": "stable"}),
    config(summarizer={"stats_list": "P99,Max"}),
    config(model_dataset_combinations=[{"models": ["openai-chat"], "datasets": ["synthetic"]}]),
    {"models": [MODEL], "datasets": [{"type": "jsonl", "path": "/a", "test_range": 0.5}]},
    {"models": [MODEL], "datasets": [{"type": "custom", "path": "/b"}, {"type": "mtbench", "path": "/c"}]},
    {"models": [MODEL], "datasets": [{"type": "template", "path": "/a", "template": ROUNDS}]},
]
BAD = [
    ({"models": [MODEL]}, "$"),
    ({**config(), "wrokers": 1}, "$"),
    (config(num_prompts=0), "$.num_prompts"),
    (config(workers="all"), "$.workers"),
    (config(duration=0), "$.duration"),
    (config(service_metrics=0.01), "$.service_metrics"),
    (config(profile=[{"rate": 5}]), "$.profile[0]"),
    (config(summarizer={"stats": []}), "$.summarizer"),
    (config({"type": "openai_chatt"}), "$.models[0].type"),
    (config({"retry": -1}), "$.models[0].retry"),
    (config({"batchsize": 1}), "$.models[0]"),
    (config({"abbr": "a/b"}), "$.models[0].abbr"),
    (config({"stream": "no"}), "$.models[0].stream"),
    (config({"headers": {"A": 1}}), "$.models[0].headers.A"),
    (config({"request_timeout": "soon"}), "$.models[0].request_timeout"),
    (config({"request_rate": 64_001}), "$.models[0].request_rate"),
    (config({"traffic_cfg": {"burst": 1}}), "$.models[0].traffic_cfg"),
    (config(None, {"type": "synthetics"}), "$.datasets[0].type"),
    (config(None, {"input_len": [1, 2, 3]}), "$.datasets[0].input_len"),
    (config(None, {"input_len": {"method": "zipf", "low": 1, "high": 2}}), "$.datasets[0].input_len"),
    (config(None, {"mix": [{"weight": 1}], "input_len": None}), "$.datasets[0].mix[0]"),
    (config(None, {"path": "/a"}), "$.datasets[0]"),
    ({"models": [MODEL], "datasets": [{"type": "jsonl"}]}, "$.datasets[0]"),
    ({"models": [], "datasets": []}, "$.models"),
]


@pytest.mark.parametrize("raw", GOOD)
def test_what_the_check_takes(raw: dict[str, Any]) -> None:
    """The schema takes configs that the check takes, and what is dumped of their runs."""
    assert faults(raw) == []
    assert faults(public_run(build_run(raw, "run.yaml"))) == []


@pytest.mark.parametrize(("raw", "path"), BAD)
def test_what_the_check_refuses(raw: dict[str, Any], path: str) -> None:
    """The schema refuses what the check refuses, at the same place."""
    assert path in faults(raw)
    with pytest.raises(ConfigError):
        build_run(raw, "run.yaml")


def test_variables_may_stand_for_numbers() -> None:
    """Before they are replaced, `${NAME}` may stand where a number or a word is asked for, but not in a key's name."""
    assert faults(config({"host_port": "${PORT}", "stream": "${S}", "request_timeout": "${T}"})) == []
    assert faults(config({"host_port": "${PORT}0"})) == ["$.models[0].host_port"]


@pytest.mark.parametrize(
    ("load", "path"),
    [
        ({"type": "gamma", "rate": 20, "burstiness": 0.5}, None),
        ({"type": "pressure", "opening": {"type": "constant", "rate": 2}}, None),
        ({"type": "profile", "steps": [{"rate": "5/s", "duration": "1min"}]}, None),
        ({"type": "trace"}, None),
        ({"type": "gamma", "rate": 20}, "$.load"),
        ({"type": "constant", "rate": 0}, "$.load.rate"),
        ({"type": "round"}, "$.load.type"),
        ({"rate": 5}, "$.load"),
        ({"type": "profile", "steps": [{"rate": "5/s"}]}, "$.load.steps[0]"),
    ],
)
def test_load_shapes_are_in_it(load: dict[str, Any], path: str | None) -> None:
    """A load shape is described with its parameters, and what the schema says of it the check says too."""
    found = [deepest.json_path for error in validator().iter_errors(config(load=load)) for deepest in leaves(error)]
    assert (path in found) if path else not found
    if path is None:
        build_run(config(load=load), "run.yaml")
    else:
        with pytest.raises(ConfigError):
            build_run(config(load=load), "run.yaml")


def leaves(error: jsonschema.ValidationError) -> Iterator[jsonschema.ValidationError]:
    """The faults that an error is made of: those within `anyOf`, or itself."""
    if not error.context:
        yield error
    for inner in error.context or ():
        yield from leaves(inner)


def test_settings_of_one_name_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """A package's class that is named as one of fastbench's own takes nothing from it."""
    usual = the_schema()
    own = Registry[Any]("fastbench.none", "shape", "builtins:type", {"flat": f"{__name__}:ServiceConfig2"})
    monkeypatch.setattr("fastbench.config.files.schema.SHAPES", own)
    schema = json_schema()
    assert schema["$defs"]["ServiceConfig"] == usual["$defs"]["ServiceConfig"]
    validator = jsonschema.Draft202012Validator(schema)
    assert validator.is_valid(config(load={"type": "flat", "depth": 3}))
    assert not validator.is_valid(config(load={"type": "flat", "width": 3}))


ServiceConfig2 = defstruct("ServiceConfig", [("depth", int)], module=__name__, kw_only=True)


def test_a_broken_package_costs_its_own_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of things that cannot be loaded, or described, the faults are told; all others are in the schema."""
    places = {"flat": f"{__name__}:ServiceConfig2", "odd": f"{__name__}:Odd", "gone": "fastbench_none:Gone"}
    shapes = Registry[Any]("fastbench.none", "shape", "builtins:type", {})
    shapes._found.update(flat=ServiceConfig2, odd=Odd)
    monkeypatch.setattr(shapes, "names", lambda: tuple(places))
    monkeypatch.setattr("fastbench.config.files.schema.SHAPES", shapes)
    told: list[str] = []
    validator = jsonschema.Draft202012Validator(json_schema(told.append))
    assert validator.is_valid(config(load={"type": "flat", "depth": 3}))
    assert not validator.is_valid(config(load={"type": "odd"}))
    assert [fault.partition(" (")[0].partition(";")[0] for fault in told] == [
        "there is no shape gone",
        "the shape odd cannot be described",
    ]


Odd = defstruct("Odd", [("when", defstruct)], module=__name__, kw_only=True)
