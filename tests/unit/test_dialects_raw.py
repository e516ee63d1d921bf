"""Requests that come whole: what a service's settings put into them, and that the rest stays byte for byte."""

import json
from typing import Any

import pytest

from fastbench._core.splice import members
from fastbench.config.services import ServiceConfig
from fastbench.datasets import RawRequest, Sample
from fastbench.dialects import Speaker

MESSAGES = b'"messages" : [ {"role":"user", "content":"h\\u00e9 \\/ 1"} ]'


def written(body: bytes, *, path: str = "", headers: bytes = b"", **fields: Any) -> tuple[bytes, bytes]:
    """Head and body of the request for a row with this body."""
    service = ServiceConfig(**{"type": "openai_chat", "abbr": "m"} | fields)
    raw = RawRequest(body, members(body) or (), path, headers)
    head, _, sent = (
        Speaker(service, fields.get("model") or "first", "host", "/base")
        .encode(Sample(3, "", raw=raw), "run-7")
        .partition(b"\r\n\r\n")
    )
    assert b"Content-Length: %d" % len(sent) in head
    json.loads(sent)
    return head, sent


def test_a_body_keeps_its_bytes() -> None:
    """Numbers, escapes, white space and the order of members stay; what the row lacks is put behind them."""
    body = b'{ "temperature":1.00, ' + MESSAGES + b',"big":12345678901234567890 }'
    assert written(body)[1] == (body[:-2] + b',"model":"first","stream":true,"stream_options":{"include_usage":true} }')


@pytest.mark.parametrize(
    ("fields", "body", "sent"),
    [
        (
            {},
            b'{"model":"lora-b",%b,"stream":false}',
            b'{"model":"lora-b",%b,"stream":true,"stream_options":{"include_usage":true}}',
        ),
        (
            {"model": "x"},
            b'{"model":"b",%b}',
            b'{"model":"x",%b,"stream":true,"stream_options":{"include_usage":true}}',
        ),
        (
            {},
            b'{"stream_options":{"z":1, "include_usage":false},%b}',
            b'{"stream_options":{"z":1, "include_usage":true},%b,"model":"first","stream":true}',
        ),
        (
            {"stream": False},
            b'{"stream_options":{"z":1},%b,"stream":true}',
            b'{%b,"stream":false,"model":"first"}',
        ),
        (
            {
                "model": "x",
                "stream": False,
                "generation_kwargs": {"top_p": 0.5, "ignore_eos": True},
                "optional_kwargs": ("ignore_eos",),
            },
            b'{"model":"x","stream":false,"top_p": 0.90,%b}',
            b'{"model":"x","stream":false,"top_p": 0.5,%b}',
        ),
        (
            {"model": "x", "stream": False, "generation_kwargs": {"max_tokens": 9}},
            b'{"model":"x","stream":false,"max_completion_tokens":5,%b}',
            b'{"model":"x","stream":false,%b,"max_tokens":9}',
        ),
    ],
    ids=["model of the row", "model of the user", "usage beside others", "no stream", "parameters", "length"],
)
def test_what_the_settings_put_in(fields: dict[str, Any], body: bytes, sent: bytes) -> None:
    """stream and usage are set, and what the user gave; not a default, nor a model that only the service names."""
    assert written(body.replace(b"%b", MESSAGES), **fields)[1] == sent.replace(b"%b", MESSAGES)


def test_members_inside_of_parameters() -> None:
    """Of an API whose parameters stand in an object of their own they are set there, and the id where it has one."""
    fields = {"type": "tgi_generate", "generation_kwargs": {"top_k": 3}}
    assert written(b'{"inputs":"a","parameters":{"top_k":1,"max_new_tokens":7}}', **fields)[1] == (
        b'{"inputs":"a","parameters":{"top_k":3,"max_new_tokens":7,"details":true}}'
    )
    assert written(b'{"inputs":"a"}', **fields)[1] == b'{"inputs":"a","parameters":{"details":true,"top_k":3}}'
    triton = {"type": "triton_generate", "model_name": "t", "generation_kwargs": {}}
    assert written(b'{"id":"x","text_input":"a"}', **triton)[1] == b'{"id":"run-7","text_input":"a"}'


def test_path_and_headers_of_a_row() -> None:
    """They take the place of the service's own, whatever the case of the names; references are read."""
    head, _ = written(
        b"{%b}" % MESSAGES, path="/t/chat", headers=b'{"authorization":"Bearer two","X-T":"$HOME"}', api_key="one"
    )
    line, *lines = head.decode().split("\r\n")
    assert line == "POST /base/t/chat HTTP/1.1"
    assert "authorization: Bearer two" in lines
    assert not any("one" in text or "$HOME" in text for text in lines)


def test_keys_of_rows_are_known_by_sample() -> None:
    """The keys among a row's headers are kept by its sample, so that its reply can be cleaned of them."""
    speaker = Speaker(ServiceConfig(type="openai_chat", abbr="m"), "x", "host", "")
    body = b"{%b}" % MESSAGES
    raw = RawRequest(body, members(body) or (), headers=b'{"X-Api-Key":"abcd1234","X-Kind":"a"}')
    speaker.encode(Sample(5, "", raw=raw), "run-7")
    assert speaker.row_secrets == {5: {"abcd1234"}}
