"""The body that each dialect sends, and what decides in it."""

import json
from pathlib import Path
from typing import Any

import pytest

from fastbench.config.services import ServiceConfig
from fastbench.datasets import Sample
from fastbench.dialects import Speaker, check_conversations, known_model
from fastbench.errors import ConfigError

TEXT_KINDS = ("tgi_generate", "triton_generate", "mindie_infer")
DIALOGUE = [
    {"role": "SYSTEM", "prompt": "s"},
    {"role": "HUMAN", "prompt": "q", "name": "n"},
    {"role": "BOT", "prompt": "a"},
]


def service(**fields: Any) -> ServiceConfig:
    return ServiceConfig(**{"type": "openai_chat", "abbr": "m"} | fields)


def sent(sample: Sample, **fields: Any) -> tuple[str, dict[str, Any]]:
    """The request's path and body."""
    encoded = Speaker(service(**fields), "base", "host", "").encode(sample, "run-7")
    head, _, body = encoded.partition(b"\r\n\r\n")
    return head.split()[1].decode(), json.loads(body)


def test_tgi() -> None:
    """TGI gets the prompt in `inputs` and the user's parameters beside its length, by a path of its own for streams."""
    parameters = {"temperature": 0.5, "seed": None, "max_new_tokens": 1}
    path, body = sent(Sample(0, 'a "b"\n', 3, 9), type="tgi_generate", generation_kwargs=parameters)
    wanted = {"temperature": 0.5, "seed": None, "details": True, "max_new_tokens": 9}
    assert (path, body) == ("/generate_stream", {"inputs": 'a "b"\n', "parameters": wanted})
    path, body = sent(Sample(0, "a"), type="tgi_generate", stream=False, max_out_len=4)
    assert (path, body) == ("/generate", {"inputs": "a", "parameters": {"details": True, "max_new_tokens": 4}})


def test_mindie() -> None:
    """MindIE gets one path for both ways, and is told in the body which one is meant."""
    for stream in (True, False):
        fields: dict[str, Any] = {"stream": stream, "max_out_len": 5, "generation_kwargs": {"details": False}}
        path, body = sent(Sample(0, "a"), type="mindie_infer", **fields)
        parameters = {"details": False, "max_new_tokens": 5}
        assert (path, body) == ("/infer", {"stream": stream, "inputs": "a", "parameters": parameters})


def test_triton() -> None:
    """Triton gets the request's id, the text, and no parameter that the user did not set; its model is in the path."""
    path, body = sent(Sample(0, "a", None, 2), type="triton_generate", generation_kwargs={"stream": True})
    assert path == "/v2/models/base/generate_stream"
    assert body == {"id": "run-7", "text_input": "a", "parameters": {"stream": True, "max_new_tokens": 2}}
    speaker = Speaker(service(type="triton_generate", stream=False), "a/b c", "host", "/team")
    assert speaker.path == "/team/v2/models/a%2Fb%20c/generate"


def test_completions_always_ask_for_usage() -> None:
    """To completions the user's stream options are sent too, but usage is asked for in any case."""
    options = {"stream_options": {"include_usage": False, "continuous_usage_stats": True}}
    _, body = sent(Sample(0, "a"), type="openai_completions", generation_kwargs=options)
    assert body["stream_options"] == {"include_usage": True, "continuous_usage_stats": True}


def test_the_guides_dialogue() -> None:
    """The guide's speakers and its `prompt` become the protocol's, and other keys stay; elsewhere the texts are one."""
    _, body = sent(Sample(0, DIALOGUE))
    assert body["messages"] == [
        {"role": "system", "content": "s"},
        {"role": "user", "content": "q", "name": "n"},
        {"role": "assistant", "content": "a"},
    ]
    assert sent(Sample(0, DIALOGUE), type="openai_completions")[1]["prompt"] == "s\nq\na"
    assert sent(Sample(0, DIALOGUE), type="tgi_generate")[1]["inputs"] == "s\nq\na"


def test_speakers_of_data_sets() -> None:
    """Messages whose speakers have the names of other formats go out under the protocol's; its own names stay."""
    names = {"human": "user", "gpt": "assistant", "bot": "assistant", "observation": "tool"}
    own = ("user", "assistant", "system", "developer", "tool", "function", "unheard-of")
    messages = [{"role": name, "content": "x"} for name in (*names, *own)]
    assert [message["role"] for message in sent(Sample(0, messages))[1]["messages"]] == [*names.values(), *own]


@pytest.mark.parametrize("kind", ["openai_chat", "openai_completions", "tgi_generate", "mindie_infer"])
def test_rows_go_to_their_adapters(tmp_path: Path, kind: str) -> None:
    """A row that the file names asks for its adapter, another for the base model; the file's name is not sent."""
    file = tmp_path / "lora.json"
    file.write_text('{"0": "first", "7": "second"}')
    asked = []
    for row in (0, 7, 1):
        _, body = sent(Sample(row, "a"), type=kind, generation_kwargs={"lora_data_map_file": str(file)})
        assert "lora_data_map_file" not in json.dumps(body)
        asked.append(body["model"] if "model" in body else body["parameters"].get("adapter_id", "base"))
    assert asked == ["first", "second", "base"]


def test_repeats_are_not_sent() -> None:
    """`num_return_sequences` says how often prompts are sent, and is no part of a body."""
    assert "num_return_sequences" not in sent(Sample(0, "a"), generation_kwargs={"num_return_sequences": 3})[1]


def test_whose_model_is_asked_for() -> None:
    """Only an OpenAI service is asked for a model's name; Triton's is in the config, and the others need none."""
    assert known_model(service()) is None
    assert known_model(service(model="m")) == "m"
    assert known_model(service(type="triton_generate", model_name="n", model="m")) == "n"
    assert known_model(service(type="triton_generate", model="m")) == "m"
    assert (known_model(service(type="tgi_generate")), known_model(service(type="mindie_infer"))) == ("", "")


@pytest.mark.parametrize("kind", ["openai_completions", *TEXT_KINDS])
def test_conversations_need_chat(kind: str) -> None:
    """Only chat can hold a conversation; another type is refused with the way out."""
    check_conversations(service(), "sharegpt")
    with pytest.raises(ConfigError, match=f"data set sharegpt .* model m .* {kind}; use type openai_chat"):
        check_conversations(service(type=kind), "sharegpt")


LENGTHS = ("max_tokens", "max_completion_tokens", "max_new_tokens")


@pytest.mark.parametrize(
    ("fields", "lengths"),
    [
        ({}, {"max_tokens": 9}),
        ({"length_field": "max_completion_tokens"}, {"max_completion_tokens": 9}),
        ({"length_field": "max_completion_tokens", "type": "openai_completions"}, {"max_completion_tokens": 9}),
        ({"length_field": "max_new_tokens"}, {"max_new_tokens": 9}),
        ({"parameters": {"max_completion_tokens": 5, "max_tokens": None}}, {"max_completion_tokens": 5}),
        ({"parameters": {"max_completion_tokens": 5, "max_tokens": 7}}, {"max_completion_tokens": 5}),
        ({"parameters": {"max_completion_tokens": 5}, "length_field": "max_completion_tokens"},
         {"max_completion_tokens": 5}),
        ({"parameters": {"max_completion_tokens": 5}, "length_field": "max_tokens"},
         {"max_completion_tokens": 5, "max_tokens": 9}),
        ({"parameters": {"max_completion_tokens": None}}, {"max_tokens": 9}),
        ({"parameters": {"max_tokens": None}}, {}),
        ({"parameters": {"max_tokens": None, "max_completion_tokens": None}}, {}),
        ({"parameters": {"max_tokens": None}, "length_field": "max_completion_tokens"}, {"max_completion_tokens": 9}),
        ({"parameters": {"max_tokens": None}, "type": "openai_completions"}, {}),
        ({"parameters": {"max_completion_tokens": 5}, "type": "openai_completions"},
         {"max_tokens": 9, "max_completion_tokens": 5}),
        ({"parameters": {"max_new_tokens": None}, "type": "tgi_generate"}, {}),
        ({"parameters": {"max_new_tokens": None}, "type": "triton_generate"}, {}),
        ({"length_field": "max_tokens", "type": "triton_generate"}, {"max_tokens": 9}),
    ],
)  # fmt: skip
def test_the_name_of_the_length(fields: dict[str, Any], lengths: dict[str, int]) -> None:
    """The length goes out under the name that the settings say, or not at all, and under no other."""
    parameters = fields.pop("parameters", {}) | {"seed": None}
    _, body = sent(Sample(0, "a", None, 9), generation_kwargs=parameters, **fields)
    where = body.get("parameters", body)
    assert {name: where[name] for name in LENGTHS if name in where} == lengths
    assert where["seed"] is None


OF_ROW = {"tools": [{"a": "\u00e4"}], "temperature": 0.5, "stop": ["x"], "guided_regex": "y", "other": 1}


@pytest.mark.parametrize(
    ("kind", "left_out"),
    [
        ("openai_chat", set()),
        ("openai_completions", {"tools"}),
        ("tgi_generate", {"tools", "guided_regex"}),
        ("triton_generate", {"tools", "guided_regex"}),
        ("mindie_infer", {"tools", "guided_regex"}),
    ],
)
def test_the_parameters_of_a_row(kind: str, left_out: set[str]) -> None:
    """A row's parameters go out with its request alone, over the run's, where the protocol has a place for them."""
    run = {"temperature": 0.1, "top_p": 1}
    for sample, own in ((Sample(0, "a", fields=OF_ROW), OF_ROW), (Sample(1, "a"), {})):
        _, body = sent(sample, type=kind, generation_kwargs=run)
        where = body.get("parameters", body)
        wanted = run | {name: value for name, value in own.items() if name not in left_out}
        assert {name: where.get(name) for name in wanted} == wanted
        assert not set(where) & (OF_ROW.keys() - wanted.keys())


def test_the_parameters_of_a_row_beside_nothing() -> None:
    """A row's parameters stand alone where the run has none, with a length and without one."""
    sample = Sample(0, "a", None, 3, fields={"stop": "x", "tools": 1})
    assert sent(sample, type="triton_generate")[1]["parameters"] == {"stop": "x", "max_new_tokens": 3}
    none = {"max_new_tokens": None}
    assert sent(sample, type="triton_generate", generation_kwargs=none)[1]["parameters"] == {"stop": "x"}
    assert sent(Sample(0, "a"), type="triton_generate", generation_kwargs=none)[1]["parameters"] == {}


def test_the_parameters_of_a_row_keep_its_adapter(tmp_path: Path) -> None:
    """A row with parameters asks for its adapter as one without does."""
    file = tmp_path / "lora.json"
    file.write_text('{"7": "second"}')
    _, body = sent(Sample(7, "a", fields={"seed": 3}), generation_kwargs={"lora_data_map_file": str(file), "seed": 1})
    assert (body["model"], body["seed"]) == ("second", 3)
