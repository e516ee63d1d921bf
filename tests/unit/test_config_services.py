"""The settings of a service: each field's range, what follows from its type, and what its parameters may be."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from fastbench.config import Issues, show
from fastbench.config.services import ServiceConfig, TrafficConfig, build_service
from fastbench.config.services.build import MEANT
from fastbench.errors import ConfigError
from fastbench.registry import DIALECTS

TRITON = {"type": "triton_generate", "model_name": "m"}


def build(**fields: Any) -> ServiceConfig:
    issues = Issues("run.py")
    service = build_service({"type": "openai_chat"} | fields, "models[0]", issues)
    issues.check()
    assert service is not None
    return service


def faults(**fields: Any) -> list[str]:
    """What is said of each bad field, without the place."""
    with pytest.raises(ConfigError) as caught:
        build(**fields)
    lines = str(caught.value).splitlines()
    assert all(line.startswith("run.py: models[0].") for line in lines)
    return [line.removeprefix("run.py: models[0].") for line in lines]


def parameter_fault(kind: str = "openai_chat", **parameters: Any) -> str:
    (line,) = faults(type=kind, model_name="m", generation_kwargs=parameters)
    return line


@pytest.mark.parametrize("name", DIALECTS.names())
def test_types(name: str) -> None:
    """Each type names the result as itself, with dashes."""
    service = build(type=name, stream=False, model_name="m")
    assert (service.type, service.stream, service.abbr) == (name, False, name.replace("_", "-"))


def test_a_type_that_there_is_not() -> None:
    """A wrong type gets the nearest one, or all of them."""
    assert faults(type="tgi_generat") == ["type is 'tgi_generat'; did you mean tgi_generate?"]
    assert faults(type=5) == [f"type is 5; it must be one of {', '.join(DIALECTS.names())}"]
    assert faults(type="VLLMCustomAPI") == [f"type is 'VLLMCustomAPI'; it must be one of {', '.join(DIALECTS.names())}"]


@pytest.mark.parametrize(("name", "meant"), MEANT.items())
def test_a_field_of_another_name(name: str, meant: str) -> None:
    """A name that other tools use is answered with fastbench's own, which exists."""
    assert meant in ServiceConfig.__struct_fields__
    assert faults(**{name: 1}) == [f"{name} is not a known field; did you mean {meant}?"]


def test_only_a_type_is_needed() -> None:
    """Everything but the type may be left out, `generation_kwargs` too, and a DNS name is an address."""
    service = build(host_ip="gpu-1.example.com", use_timestamp=True)
    assert (service.generation_kwargs, service.repeats, service.use_timestamp) == ({}, 1, True)
    assert (service.traffic_cfg, service.model_name) == (TrafficConfig(), "")


@pytest.mark.parametrize(
    ("field", "value", "allowed"),
    [
        ("model_name", 5, "text"),
        ("trust_remote_code", "no", "True or False"),
        ("enable_ssl", 1, "True or False"),
        ("use_timestamp", None, "True or False"),
        ("max_out_len", [5, 6], "a whole number from 1 to 1048576"),
        ("max_out_len", 0, "a whole number from 1 to 1048576"),
        ("batch_size", 1.5, "a whole number from 1 to 100000"),
        ("url", 80, "text"),
        ("api_key", None, "text"),
    ],
)
def test_a_bad_value(field: str, value: object, allowed: str) -> None:
    """What a field does not allow is told with what it allows, and a key is not shown."""
    (line,) = faults(**{field: value})
    found = "must be " if field == "api_key" else f"is {value!r}; it must be "
    assert line == f"{field} {found}{allowed}"


def test_triton_needs_its_model() -> None:
    """Triton's model stands in its URL, so it must be given, by either of two names."""
    (line,) = faults(type="triton_generate")
    assert line.startswith("model_name is missing; it must be the model's name, ")
    assert build(type="triton_generate", model="m").model == "m"


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (None, {}),
        ({}, {}),
        ({"burstiness": None, "ramp_up_strategy": ""}, {}),
        ({"burstiness": "", "ramp_up_strategy": None, "ramp_up_start_rps": None, "ramp_up_end_rps": None}, {}),
        ({"burstiness": 0.5}, {"burstiness": 0.5}),
        ({"burstiness": 0}, {}),
        (
            {"ramp_up_strategy": "linear", "ramp_up_start_rps": 1, "ramp_up_end_rps": 9.5},
            {"ramp_up_strategy": "linear", "ramp_up_start_rps": 1.0, "ramp_up_end_rps": 9.5},
        ),
    ],
)
def test_traffic(given: object, wanted: dict[str, Any]) -> None:
    """The shape of an open loop is constant without a ramp unless it says more; None and "" say nothing."""
    assert build(traffic_cfg=given).traffic_cfg == TrafficConfig(**wanted)


@pytest.mark.parametrize(
    ("fields", "ramp"),
    [
        (("linear", 1, 9), (1, 9)),
        (("exponential", 0.5, 0.5), (0.5, 0.5)),
        ((None, 1, 9), None),
        (("linear", 0, 9), None),
        (("linear", None, 9), None),
        (("linear", 0.01, 0.1), None),
        (("linear", 9, 1), None),
        (("linear", 1, None), None),
    ],
)
def test_when_a_ramp_is_one(fields: tuple[Any, Any, Any], ramp: tuple[float, float] | None) -> None:
    """A ramp needs a strategy, a start above 0, an end above 0.1 and not below the start; else there is none."""
    strategy, start, end = fields
    config = {"ramp_up_strategy": strategy, "ramp_up_start_rps": start, "ramp_up_end_rps": end}
    assert build(traffic_cfg=config).traffic_cfg.ramp == ramp


@pytest.mark.parametrize(
    ("config", "line"),
    [
        (5, " is 5; it must be a dict of settings"),
        ({"burstiness": -1}, ".burstiness is -1; it must be a number from 0 to 1000000"),
        ({"burstiness": "much"}, ".burstiness is 'much'; it must be a number from 0 to 1000000"),
        (
            {"ramp_up_strategy": "cubic"},
            '.ramp_up_strategy is \'cubic\'; it must be "linear" or "exponential" or None',
        ),
        ({"ramp_up_start_rps": -1}, ".ramp_up_start_rps is -1; it must be a number from 0 to 64000 or None"),
        ({"ramp_up_end_rps": 64_001}, ".ramp_up_end_rps is 64001; it must be a number from 0 to 64000 or None"),
        ({"burstyness": 1}, ".burstyness is not a known field; did you mean burstiness?"),
    ],
)
def test_wrong_traffic(config: object, line: str) -> None:
    """A bad value inside `traffic_cfg` is told by its own path."""
    assert faults(traffic_cfg=config) == [f"traffic_cfg{line}"]


def test_parameters_that_are_not_sent() -> None:
    """What fastbench itself does with a parameter is not sent; all else is, as it stands."""
    service = build(generation_kwargs={"seed": None, "n": 1, "num_return_sequences": 4})
    assert (service.parameters, service.repeats) == ({"seed": None, "n": 1}, 4)


@pytest.mark.parametrize("name", ["n", "best_of"])
def test_several_answers_to_a_request(name: str) -> None:
    """More than one answer to a request is refused, with what to use instead."""
    line = parameter_fault(**{name: 2})
    assert line.startswith(f"generation_kwargs['{name}'] is 2; only one answer to a request can be measured")
    assert line.endswith("use num_return_sequences to send prompts again")


@pytest.mark.parametrize("value", [0, -1, 1.5, "2", True, None])
def test_repeats_are_a_number(value: object) -> None:
    """`num_return_sequences` is a number of at least one."""
    told = f"is {value!r}; it must be a whole number from 1 to 2147483647"
    assert parameter_fault(num_return_sequences=value) == f"generation_kwargs['num_return_sequences'] {told}"


@pytest.mark.parametrize("name", ["stream", "prompt", "messages"])
def test_only_openai_bodies_have_these_fields(name: str) -> None:
    """An OpenAI body has no second `stream` or prompt; among other dialects' `parameters` these are the model's."""
    assert parameter_fault(**{name: True}).startswith(f"generation_kwargs['{name}'] is not a sampling parameter; use ")
    assert build(**TRITON, generation_kwargs={name: True})


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "cannot be read (No such file or directory)"),
        ("{", "is not JSON"),
        ("[1]", "holds no JSON object"),
        ('{"x": "a"}', "where 'x' is 'a'"),
        ('{"-1": "a"}', "where '-1' is 'a'"),
        ('{"0": 5}', "where '0' is 5"),
        ('{"0": ""}', "where '0' is ''"),
    ],
)
def test_a_wrong_file_of_adapters(tmp_path: Path, content: str | None, told: str) -> None:
    """A file that is missing or says nothing useful is one sentence with what it must be."""
    file = tmp_path / "lora.json"
    if content is not None:
        file.write_text(content)
    line = parameter_fault(lora_data_map_file=str(file))
    assert line.startswith(f"generation_kwargs['lora_data_map_file'] is {show(str(file))}, ")
    assert told in line
    assert line.endswith(": row of the data set to adapter")


def test_adapters_need_a_dialect_that_knows_them(tmp_path: Path) -> None:
    """Triton has no adapters; what is no file name at all is told too."""
    file = tmp_path / "lora.json"
    file.write_text(json.dumps({"0": "a"}))
    assert build(generation_kwargs={"lora_data_map_file": str(file)})
    told = "is set, but triton_generate knows no adapters; use openai_chat, tgi_generate or mindie_infer"
    line = parameter_fault("triton_generate", lora_data_map_file=str(file))
    assert line == f"generation_kwargs['lora_data_map_file'] {told}"
    assert "is 5; it must be a JSON file" in parameter_fault(lora_data_map_file=5)


@pytest.mark.parametrize(
    "url",
    [
        "http://h/generate_stream",
        "http://h/team/generate",
        "http://h/v2/models/m/generate",
        "h:8000/v2/models/a%2Fb/generate_stream/",
    ],
)
def test_a_url_ends_before_the_endpoint(url: str) -> None:
    """A URL that names an endpoint is told to end before it."""
    (line,) = faults(**TRITON, url=url)
    assert line.startswith(f"url is {url!r}; give only what stands before /")


def test_all_bad_fields_are_told() -> None:
    """Faults of a type, a nested dict, a parameter and a plain field come together."""
    bad: Mapping[str, Any] = {
        "type": "x",
        "traffic_cfg": {"burstiness": -1},
        "retry": -1,
        "generation_kwargs": {"n": 2},
    }
    assert [line.split(" is ")[0] for line in faults(**bad)] == [
        "type",
        "traffic_cfg.burstiness",
        "retry",
        "generation_kwargs['n']",
    ]


def test_the_name_of_the_length_is_a_name_of_its_own() -> None:
    """length_field must be a name that holds nothing else, and a given max_completion_tokens a length."""
    assert build(length_field="max_completion_tokens").length_field == "max_completion_tokens"
    assert faults(length_field="model") == [
        "length_field is 'model', which holds something else; leave it out, or name another"
    ]
    assert faults(length_field="a b") == ["length_field is 'a b'; it must be the name of a field, or empty"]
    told = parameter_fault(max_completion_tokens="8")
    assert told == "generation_kwargs['max_completion_tokens'] is '8'; it must be a whole number from 1 to 1048576"
