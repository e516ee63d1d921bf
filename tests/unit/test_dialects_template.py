"""Bodies and heads made once, with slots for what each request has of its own."""

import json
from typing import Any

import pytest

from fastbench.config.services import ServiceConfig
from fastbench.datasets import Sample
from fastbench.dialects import Adapter, Members, Slot, Speaker, Template
from fastbench.dialects.template import OMITTED, body_template, replaceable

VALUES = (b'"p"', b"7", b"id-1", b'"x":[1],"a":2')
ROW: Members = {"a": 1, Slot.ROW_FIELDS: ..., "length": Slot.LENGTH}


def test_slots_are_filled_in_their_places() -> None:
    """Constant bytes stand as they are, percent signs too, and each slot gets its own value, however often."""
    template = Template((b"100%b ", Slot.LENGTH, b"%", Slot.PROMPT, Slot.LENGTH))
    assert template.fill(*VALUES) == b'100%b 7%"p"7'
    assert Template((b"%d",)).fill(*VALUES) == b"%d"
    assert Template((Slot.REQUEST_ID,)).fill(*VALUES) == b"id-1"


@pytest.mark.parametrize(
    ("body", "replaced", "filled"),
    [
        ({}, None, b"{}"),
        ({"a": {"b": [None, "\u00e4"]}, "c": {}}, None, b'{"a":{"b":[null,"\\u00e4"]},"c":{}}'),
        ({"p": Slot.PROMPT, "id": Slot.REQUEST_ID}, None, b'{"p":"p","id":"id-1"}'),
        ({"in": [{"text": Slot.PROMPT}, 1], "n": Slot.LENGTH}, None, b'{"in":[{"text":"p"},1],"n":7}'),
        ({Slot.ROW_FIELDS: ...}, None, b"{}"),
        ({Slot.ROW_FIELDS: ...}, (), b'{"x":[1],"a":2}'),
        ({Slot.ROW_FIELDS: ..., "b": 1}, (), b'{"x":[1],"a":2,"b":1}'),
        (ROW, None, b'{"a":1,"length":7}'),
        (ROW, ("a",), b'{"x":[1],"a":2,"length":7}'),
        ({"a": 3, "inner": ROW}, ("a",), b'{"a":3,"inner":{"x":[1],"a":2,"length":7}}'),
    ],
)
def test_a_body(body: Members, replaced: tuple[str, ...] | None, filled: bytes) -> None:
    """Every object is JSON with and without the row's parameters, which replace the constants beside them alone."""
    assert body_template(body, None, replaced).fill(*VALUES) == filled


def test_a_body_by_adapter() -> None:
    """A member that names the adapter has another value, or is not there, for the rows without one."""
    body = {"model": Adapter("base"), "id": Adapter(OMITTED), "x": 1}
    assert body_template(body).fill(*VALUES) == b'{"model":"base","x":1}'
    assert body_template(body, "own").fill(*VALUES) == b'{"model":"own","id":"own","x":1}'


def test_what_a_row_may_replace() -> None:
    """Only constants of the object in which a row's parameters stand can be replaced by them."""
    assert replaceable(ROW) == {"a"}
    assert replaceable({"b": 1, "inner": ROW, "p": Slot.PROMPT}) == {"a"}
    assert replaceable({"b": 1}) == frozenset()


SAMPLES = (
    Sample(0, 'say "\u00e4" %b\n', 3, 9),
    Sample(7, "x", fields={"temperature": 0.5, "tools": [{"a": "\u00e4"}], "guided_regex": "y"}),
)
HEAD = "POST {} HTTP/1.1\r\nHost: h:1\r\nContent-Type: application/json\r\nAccept: text/event-stream\r\n"
OPENAI = '"stream":true,"temperature":0.1,"stop":["\\u00e4"],"stream_options":{"include_usage":true}'
OPENAI_ROW = '"stream":true,"stop":["\\u00e4"],"stream_options":{"include_usage":true},"temperature":0.5'
PARAMETERS = '"temperature":0.1,"stop":["\\u00e4"]'
PARAMETERS_ROW = '"stop":["\\u00e4"],"temperature":0.5'
SAID = '"say \\"\u00e4\\" %b\\n"'
BYTES: dict[str, tuple[str, str, str]] = {
    "openai_chat": (
        "/v1/chat/completions",
        f'{{"model":"big",{OPENAI},"messages":[{{"role":"user","content":{SAID}}}],"max_tokens":9}}',
        f'{{"model":"big",{OPENAI_ROW},"tools":[{{"a":"\u00e4"}}],"guided_regex":"y",'
        '"messages":[{"role":"user","content":"x"}],"max_tokens":512}',
    ),
    "openai_completions": (
        "/v1/completions",
        f'{{"model":"big",{OPENAI},"prompt":{SAID},"max_tokens":9}}',
        f'{{"model":"big",{OPENAI_ROW},"guided_regex":"y","prompt":"x","max_tokens":512}}',
    ),
    "tgi_generate": (
        "/generate_stream",
        f'{{"inputs":{SAID},"parameters":{{"details":true,{PARAMETERS},"max_new_tokens":9}}}}',
        f'{{"inputs":"x","parameters":{{"details":true,{PARAMETERS_ROW},"max_new_tokens":512}}}}',
    ),
    "triton_generate": (
        "/v2/models/big/generate_stream",
        f'{{"id":"r-7","text_input":{SAID},"parameters":{{{PARAMETERS},"max_new_tokens":9}}}}',
        f'{{"id":"r-7","text_input":"x","parameters":{{{PARAMETERS_ROW},"max_new_tokens":512}}}}',
    ),
    "mindie_infer": (
        "/infer",
        f'{{"stream":true,"inputs":{SAID},"parameters":{{"details":true,{PARAMETERS},"max_new_tokens":9}}}}',
        f'{{"stream":true,"inputs":"x","parameters":{{"details":true,{PARAMETERS_ROW},"max_new_tokens":512}}}}',
    ),
}


@pytest.mark.parametrize("kind", BYTES)
def test_the_bytes_of_a_request(kind: str) -> None:
    """A request is, byte for byte, what it has always been: the order of its members, its spacing and its escapes."""
    parameters: dict[str, Any] = {"temperature": 0.1, "stop": ["\u00e4"]}
    headers = {"User-Agent": "me"}
    service = ServiceConfig(type=kind, abbr="m", headers=headers, generation_kwargs=parameters)
    speaker = Speaker(service, "big", "h:1", "")
    path, *bodies = BYTES[kind]
    for sample, body in zip(SAMPLES, bodies, strict=True):
        content = body.encode()
        head = HEAD.format(path) + f"User-Agent: me\r\nX-Request-Id: r-7\r\nContent-Length: {len(content)}\r\n\r\n"
        assert speaker.encode(sample, "r-7") == head.encode() + content
        json.loads(content)


def test_templates_are_few() -> None:
    """Rows whose parameters replace the same constants share a template, whatever else they have."""
    service = ServiceConfig(type="openai_chat", abbr="m", generation_kwargs={"seed": 1, "top_p": 1})
    speaker = Speaker(service, "big", "h:1", "")
    for number in range(20):
        speaker.encode(Sample(number, "x", fields={"seed": number, f"own{number}": number}), "r")
        speaker.encode(Sample(number, "x"), "r")
    made = speaker.template(None, frozenset({"seed"}))
    assert made.parts.count(Slot.ROW_FIELDS) == 1
    assert len(speaker._templates) == 2
