"""How services are spoken to: addresses, request bytes, and the paths of a reply."""

import json
from pathlib import Path
from typing import Any

import pytest

from fastbench._core.wire import OutputReader, OutputSpec
from fastbench.config.services import ServiceConfig
from fastbench.datasets import Sample
from fastbench.dialects import Endpoint, Speaker, service_headers
from fastbench.errors import ConfigError, DatasetError

WIRE = Path(__file__).parents[2].parent / "shared" / "wire"


def service(**fields: Any) -> ServiceConfig:
    return ServiceConfig(**{"type": "openai_chat", "abbr": "m"} | fields)


def speaker(**fields: Any) -> Speaker:
    return Speaker(service(**fields), "tiny", "host:8000", "/base")


def request(sample: Sample, **fields: Any) -> tuple[str, dict[str, str], dict[str, Any]]:
    """Request line, headers by lower-case name, and body of the encoded sample."""
    head, _, body = speaker(**fields).encode(sample, "run-0007").partition(b"\r\n\r\n")
    line, *headers = head.decode("latin-1").split("\r\n")
    named = {name.lower(): value for name, value in (header.split(": ", 1) for header in headers)}
    assert len(named) == len(headers)
    assert int(named["content-length"]) == len(body)
    return line, named, json.loads(body)


@pytest.mark.parametrize(
    ("fields", "url", "authority"),
    [
        ({}, "http://localhost:8080", "localhost:8080"),
        ({"enable_ssl": True, "host_port": 443}, "https://localhost", "localhost"),
        ({"host_ip": "fe80::1", "host_port": 80}, "http://[fe80::1]", "[fe80::1]"),
        ({"host_ip": "[::1]"}, "http://[::1]:8080", "[::1]:8080"),
        ({"url": "host/a/v1/", "host_port": 1}, "http://host/a", "host"),
        ({"url": "https://host:80"}, "https://host:80", "host:80"),
    ],
)
def test_an_endpoint_has_one_address(fields: dict[str, Any], url: str, authority: str) -> None:
    """`url` wins over host and port; IPv6 gets brackets, a scheme's own port is left out."""
    endpoint = Endpoint.parse(service(**fields))
    assert (endpoint.url, endpoint.authority) == (url, authority)
    assert "[" not in endpoint.host
    assert endpoint.tls == url.startswith("https")


def test_a_wrong_address_names_its_field() -> None:
    """An address that cannot be used is told with its field and model."""
    with pytest.raises(ConfigError, match=r"^url of the model m is 'ftp://x'; its scheme"):
        Endpoint.parse(service(url="ftp://x"))
    with pytest.raises(ConfigError, match=r"^host_ip of the model m is 'a b'"):
        Endpoint.parse(service(host_ip="a b"))


def test_the_header_of_the_id() -> None:
    """The id goes by the header that the config names, or by none; the body's length stands in any case."""
    _, headers, _ = request(Sample(0, "a", 4, 9), request_id_header="X-Trace")
    assert (headers["x-trace"], "x-request-id" in headers) == ("run-0007", False)
    for none in ("none", "None", ""):
        _, headers, _ = request(Sample(0, "a", 4, 9), request_id_header=none)
        assert "run-0007" not in headers.values()


def test_a_chat_request() -> None:
    """A text prompt becomes one user message; parameters, length and usage are in the body."""
    parameters = {"temperature": 0.5, "stop": ["\u00e4"], "max_tokens": 1, "model": "other"}
    line, headers, body = request(Sample(0, 'say "\u00e4"\n', 4, 9), generation_kwargs=parameters)
    assert line == "POST /base/v1/chat/completions HTTP/1.1"
    assert headers["host"] == "host:8000"
    assert headers["content-type"] == "application/json"
    assert headers["accept"] == "text/event-stream"
    assert headers["x-request-id"] == "run-0007"
    assert "authorization" not in headers
    assert body == {
        "model": "tiny",
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": 0.5,
        "stop": ["\u00e4"],
        "messages": [{"role": "user", "content": 'say "\u00e4"\n'}],
        "max_tokens": 9,
    }


def test_a_completions_request() -> None:
    """A prompt of text or ids is sent as it is; without a stream there are no stream options."""
    for prompt in ("a b", [1, 2, 3]):
        fields: dict[str, Any] = {"type": "openai_completions", "stream": False, "max_out_len": 33}
        line, headers, body = request(Sample(0, prompt), **fields)
        assert line == "POST /base/v1/completions HTTP/1.1"
        assert headers["accept"] == "application/json"
        assert body == {"model": "tiny", "stream": False, "prompt": prompt, "max_tokens": 33}


def test_messages_are_sent_as_they_are() -> None:
    """A list of chat messages is the body's `messages`."""
    messages = [{"role": "system", "content": "s"}, {"role": "user", "content": "u", "name": "x"}]
    assert request(Sample(0, messages))[2]["messages"] == messages


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({"include_usage": False}, {"include_usage": False}),
        ({"continuous_usage_stats": True}, {"include_usage": True, "continuous_usage_stats": True}),
        ("odd", "odd"),
    ],
)
def test_users_stream_options_win(given: object, sent: object) -> None:
    """Usage is asked for unless the user's own stream options say otherwise."""
    body = request(Sample(0, "x"), generation_kwargs={"stream_options": given})[2]
    assert body["stream_options"] == sent


def test_stream_options_can_be_left_out() -> None:
    """None among the parameters leaves the field out, for services that refuse one that they do not know."""
    assert "stream_options" not in request(Sample(0, "x"), generation_kwargs={"stream_options": None})[2]


def test_prompts_that_do_not_fit_are_refused() -> None:
    """Ids to what takes text, or pictures to a text, are told with the row and the type that takes them."""
    with pytest.raises(DatasetError, match=r"row 4 .* token ids, .* use type openai_completions"):
        speaker().encode(Sample(4, [1, 2]), "r")
    with pytest.raises(DatasetError, match=r"row 5 .* not text, .* use type openai_chat"):
        speaker(type="openai_completions").encode(Sample(5, [{"role": "user", "content": []}]), "r")
    for kind in ("tgi_generate", "triton_generate", "mindie_infer"):
        with pytest.raises(DatasetError, match=r"row 6 .* token ids, .* use type openai_completions"):
            speaker(type=kind).encode(Sample(6, [1]), "r")


def test_keys_and_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key becomes a bearer token; headers are added, win over the usual ones, and may name variables."""
    monkeypatch.setenv("FB_KEY", "hunter2")
    fields = {"api_key": "env:FB_KEY", "headers": {"X-Key": "$FB_KEY", "accept": "*/*", "user-agent": "me"}}
    headers = request(Sample(0, "x"), **fields)[1]
    assert headers["authorization"] == "Bearer hunter2"
    assert (headers["x-key"], headers["accept"], headers["user-agent"]) == ("hunter2", "*/*", "me")


@pytest.mark.parametrize("value", ["hunter2\r\nX: y", "hunter2\n", "hunter2\0", "hunter2\u20ac"])
def test_no_header_can_be_smuggled_in(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """A value that would end its header is refused wherever it comes from, without being shown."""
    if "\0" not in value:
        monkeypatch.setenv("FB_KEY", value)
        value = "$FB_KEY"
    for fields in ({"api_key": value}, {"headers": {"X-Key": value}}):
        with pytest.raises(ConfigError, match="of the model m has a value with a line break") as caught:
            service_headers(service(**fields))
        assert "hunter2" not in str(caught.value)


def test_a_variable_that_is_gone_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that is not set when the run starts is told with its field."""
    monkeypatch.delenv("FB_NONE", raising=False)
    with pytest.raises(ConfigError, match=r"^api_key of the model m names the environment variable FB_NONE"):
        service_headers(service(api_key="$FB_NONE"))


@pytest.mark.parametrize(
    ("kind", "event", "literals"),
    [
        ("openai_chat", {"delta": {"content": "a"}}, b't"a"\n'),
        ("openai_chat", {"delta": {"refusal": "a"}}, b't"a"\n'),
        ("openai_chat", {"delta": {"reasoning": "a"}}, b'r"a"\n'),
        ("openai_chat", {"delta": {"reasoning_content": "a"}}, b'r"a"\n'),
        ("openai_chat", {"delta": {"tool_calls": [{"function": {"name": "a"}}]}}, b'x"a"\n'),
        ("openai_chat", {"delta": {"tool_calls": [{"function": {"arguments": "a"}}]}}, b'x"a"\n'),
        ("openai_chat", {"message": {"content": "a", "refusal": None}}, b't"a"\n'),
        ("openai_chat", {"delta": {"role": "assistant", "content": ""}}, b""),
        ("openai_completions", {"text": "a"}, b't"a"\n'),
    ],
)
def test_the_core_finds_output_by_the_rules(kind: str, event: dict[str, Any], literals: bytes) -> None:
    """Each kind of output, in a stream or whole, is found by the compiled rules; a role alone is none."""
    reader = OutputReader(OutputSpec(speaker(type=kind).rules))
    found = reader.read(json.dumps({"choices": [{"index": 0, **event}]}).encode())
    assert (found["text"], found["literals"] or b"") == (literals != b"", literals)


@pytest.mark.parametrize("kind", ["openai_chat", "openai_completions"])
def test_the_core_finds_the_rest_by_the_rules(kind: str) -> None:
    """Finish reasons, usage, token ids and errors are found by the compiled rules."""
    reader = OutputReader(OutputSpec(speaker(type=kind).rules))
    details = {"cached_tokens": 3}
    usage = {"prompt_tokens": 7, "completion_tokens": 2, "prompt_tokens_details": details}
    choice = {"index": 0, "finish_reason": "stop", "token_ids": [1, 2]}
    found = reader.read(json.dumps({"choices": [choice], "usage": usage}).encode())
    assert (found["finish"], found["usage"], found["token_ids"]) == (True, (7, 2, 3), 2)
    assert reader.read(b'{"error": {"message": "m"}}')["error"]


@pytest.mark.skipif(not WIRE.is_dir(), reason=f"no {WIRE}")
@pytest.mark.parametrize("name", ["vllm-chat-return-token-ids", "vllm-completions-return-token-ids"])
def test_prompt_ids_are_found_where_an_engine_puts_them(name: str) -> None:
    """The prompt's token ids are counted in the first event of a real engine's recorded reply."""
    kind = "openai_chat" if "chat" in name else "openai_completions"
    reader = OutputReader(OutputSpec(speaker(type=kind).rules))
    body = (WIRE / f"{name}.raw").read_bytes()
    event = next(line for line in body.splitlines() if line.startswith(b"data: "))
    data = event.removeprefix(b"data: ")
    document = json.loads(data)
    ids = document.get("prompt_token_ids") or document["choices"][0]["prompt_token_ids"]
    assert reader.read(data)["prompt_token_ids"] == len(ids) > 0
